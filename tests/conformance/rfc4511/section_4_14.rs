//! StartTLS operation.

use ldap3_proto::proto::{LdapOp, LdapResultCode};

use crate::client::{Client, OID_START_TLS, bind, extended, result};
use crate::world::{PASSWORD, READER, World};

#[tokio::test]
async fn start_tls_is_answered_in_the_clear_and_followed_by_tls() {
    // success, with responseName 1.3.6.1.4.1.1466.20037 and no responseValue, before the handshake (§4.14.1 f.).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let response = client.extended(OID_START_TLS).await;
    assert_eq!(response.res.code, LdapResultCode::Success);
    assert_eq!(response.name.as_deref(), Some(OID_START_TLS));
    assert_eq!(response.value, None);
    let mut client = client.handshake(&world).await;
    let bound = client.bind(READER, PASSWORD).await;
    assert_eq!(bound, LdapResultCode::Success);
    assert_eq!(client.who_am_i().await, format!("dn:{READER}"));
}

#[tokio::test]
async fn a_second_start_tls_is_an_operations_error() {
    // Where TLS is in place already, StartTLS is an operationsError (§4.14.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    client.extended(OID_START_TLS).await;
    let mut client = client.handshake(&world).await;
    let response = client.extended(OID_START_TLS).await;
    assert_eq!(response.res.code, LdapResultCode::OperationsError);
    assert_eq!(client.who_am_i().await, "");
    let mut client = Client::connect_tls(&world).await;
    let response = client.extended(OID_START_TLS).await;
    assert_eq!(response.res.code, LdapResultCode::OperationsError);
}

#[tokio::test]
async fn start_tls_with_something_behind_it_is_refused() {
    // A client sends nothing between StartTLS and its response (§4.14.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let (first, mut together) = client.encode(extended(OID_START_TLS));
    let (second, injected) = client.encode(bind(READER, PASSWORD));
    together.extend(injected);
    client.write(&together).await;
    let response = client.next().await.unwrap();
    assert_eq!(response.msgid, first);
    assert_eq!(result(response.op).code, LdapResultCode::OperationsError);
    // There is no TLS for the request to have slipped under: it is one in the clear like any other.
    let response = client.next().await.unwrap();
    assert_eq!(response.msgid, second);
    assert!(matches!(response.op, LdapOp::BindResponse(_)));
}

#[tokio::test]
async fn plaintext_after_the_answer_to_start_tls_is_never_read_as_a_request() {
    // What is not a TLS handshake ends the connection: no request in the clear may pass for one under TLS.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    client.extended(OID_START_TLS).await;
    client.send(bind(READER, PASSWORD)).await;
    assert_eq!(client.octets_until_closed().await.first(), Some(&TLS_ALERT));
}

/// The content type of a TLS alert (RFC 8446 §5.1).
const TLS_ALERT: u8 = 21;
