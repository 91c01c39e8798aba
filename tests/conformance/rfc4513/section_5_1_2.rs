//! Unauthenticated authentication mechanism of simple bind.

use ldap3_proto::proto::LdapResultCode;

use crate::client::Client;
use crate::world::{ADA, READER, World};

#[tokio::test]
async fn a_name_without_a_password_is_never_a_login() {
    // By default an unauthenticated bind fails with unwillingToPerform.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for name in [READER, ADA, "uid=nobody,dc=example,dc=com", "ada"] {
        let refused = client.bind(name, "").await;
        assert_eq!(refused, LdapResultCode::UnwillingToPerform, "{name}");
        assert_eq!(client.who_am_i().await, "");
    }
}
