//! RFC 4532: Who am I?

use ldap3_proto::proto::{LdapResultCode, OID_WHOAMI};

use crate::client::Client;
use crate::world::{READER, World};

#[tokio::test]
async fn the_answer_is_the_authorization_identity() {
    // The responseValue is the authzId, `dn:` and the DN; there is no responseName (§2.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let response = client.extended(OID_WHOAMI).await;
    assert_eq!(response.res.code, LdapResultCode::Success);
    assert_eq!(response.name, None);
    assert_eq!(response.value, Some(format!("dn:{READER}").into_bytes()));
}

#[tokio::test]
async fn the_answer_to_an_anonymous_client_is_present_but_empty() {
    // For an anonymous client the responseValue is there, and empty (§2.2).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let response = client.extended(OID_WHOAMI).await;
    assert_eq!(response.value, Some(Vec::new()));
}
