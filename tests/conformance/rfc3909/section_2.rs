//! Cancel, its request and its response.

use ldap3_proto::proto::{LdapExtendedRequest, LdapOp, LdapResultCode};

use crate::client::{Client, element, read, result, values};
use crate::world::World;

const OID: &str = "1.3.6.1.1.8";

fn cancel(value: Option<Vec<u8>>) -> LdapOp {
    LdapOp::ExtendedRequest(LdapExtendedRequest {
        name: OID.into(),
        value,
    })
}

fn of(id: u8) -> Option<Vec<u8>> {
    Some(element(0x30, &[&element(0x02, &[&[id]])]))
}

#[tokio::test]
async fn an_operation_that_is_not_there_cannot_be_cancelled() {
    // noSuchOperation where no operation with this id is outstanding (§2.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let response = client.ask(cancel(of(99))).await;
    assert_eq!(result(response).code, LdapResultCode::NoSuchOperation);
}

#[tokio::test]
async fn a_request_without_an_id_is_a_protocol_error() {
    // requestValue is the BER of cancelRequestValue (§2.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for value in [None, Some(vec![]), Some(vec![0x30, 0x00])] {
        let response = client.ask(cancel(value)).await;
        assert_eq!(result(response).code, LdapResultCode::ProtocolError);
    }
}

#[tokio::test]
async fn the_operation_is_announced() {
    // supportedExtension lists 1.3.6.1.1.8 (§3).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let root_dse = client.entry(read("", &["supportedExtension"])).await;
    assert!(values(&root_dse, "supportedExtension").contains(&OID));
}
