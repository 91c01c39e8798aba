//! The control.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapOp, LdapResultCode, LdapSearchScope};

use crate::client::{Client, control, read, result, search, values};
use crate::world::{BASE, World};

pub const OID: &str = "1.2.840.113556.1.4.319";

#[tokio::test]
async fn the_control_is_announced() {
    // The control is identified by 1.2.840.113556.1.4.319, and supportedControl lists what there is (RFC 4512 §5.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let root_dse = client.entry(read("", &["supportedControl"])).await;
    assert!(values(&root_dse, "supportedControl").contains(&OID));
}

#[tokio::test]
async fn it_is_never_sent_to_who_did_not_ask() {
    // The server returns the control where the client sent it (§3).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let everything = search(BASE, LdapSearchScope::Subtree);
    let (_, _, controls) = client.search_with(everything, vec![]).await;
    assert_eq!(controls, []);
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_a_protocol_error() {
    // controlValue is the BER of realSearchControlValue.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for value in [None, Some(b"\x30\x01".to_vec())] {
        let request = LdapOp::SearchRequest(search(BASE, LdapSearchScope::Subtree));
        let controls: Vec<LdapControl> = vec![control(OID, false, value)];
        let response = client.ask_with(request, controls).await;
        assert_eq!(result(response).code, LdapResultCode::ProtocolError);
    }
}
