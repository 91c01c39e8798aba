//! Anonymous authentication mechanism of simple bind.

use ldap3_proto::proto::LdapResultCode;

use crate::client::Client;
use crate::world::World;

#[tokio::test]
async fn a_bind_without_name_and_password_makes_the_session_anonymous() {
    // A simple bind with an empty name and an empty password establishes an anonymous state.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    assert_eq!(client.bind("", "").await, LdapResultCode::Success);
    assert_eq!(client.who_am_i().await, "");
}
