//! Controls.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapOp, LdapResultCode, LdapSearchScope};

use crate::client::{Client, bind, result, search};
use crate::world::{BASE, PASSWORD, READER, World};

fn unknown(criticality: bool) -> Vec<LdapControl> {
    vec![LdapControl::Unknown {
        oid: "1.3.6.1.4.1.99999.1".into(),
        criticality,
        value: None,
    }]
}

#[tokio::test]
async fn an_unrecognised_critical_control_fails_the_operation() {
    // With an unrecognised critical control nothing is done, and the result is unavailableCriticalExtension.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapOp::SearchRequest(search(BASE, LdapSearchScope::Subtree));
    let response = client.ask_with(request, unknown(true)).await;
    let code = result(response).code;
    assert_eq!(code, LdapResultCode::UnavailableCriticalExtension);
}

#[tokio::test]
async fn an_unrecognised_control_that_is_not_critical_is_ignored() {
    // An unrecognised control that is not critical is ignored.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let response = client
        .ask_with(bind(READER, PASSWORD), unknown(false))
        .await;
    assert_eq!(result(response).code, LdapResultCode::Success);
}

#[tokio::test]
async fn an_unbind_is_honoured_whatever_controls_it_carries() {
    // Criticality counts only where there is a response to refuse with; Unbind has none.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let (_, encoded) = client.encode_with(LdapOp::UnbindRequest, unknown(true));
    client.write(&encoded).await;
    assert_eq!(client.rest().await, []);
}
