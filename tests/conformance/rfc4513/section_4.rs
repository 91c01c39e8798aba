//! Authorization state.

use ldap3_proto::proto::{LdapResultCode, LdapSearchScope};

use crate::client::{Client, search};
use crate::world::{BASE, World};

#[tokio::test]
async fn a_session_begins_anonymous() {
    // A session starts with an anonymous authorization identity.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    assert_eq!(client.who_am_i().await, "");
    let (entries, result) = client.search(search(BASE, LdapSearchScope::Subtree)).await;
    assert_eq!(entries, []);
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
}
