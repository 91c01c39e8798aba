//! Message envelope.

use ldap3_proto::proto::{LdapOp, LdapResultCode, LdapSearchScope, OID_WHOAMI};

use crate::client::{Client, assert_notice, extended, search};
use crate::world::{BASE, World};

#[tokio::test]
async fn each_response_carries_the_message_id_of_its_request() {
    // Every response carries the messageID of its request (§4.1.1.1).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let mut together = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..50 {
        let request = search(BASE, LdapSearchScope::Base);
        let (id, encoded) = client.encode(LdapOp::SearchRequest(request));
        together.extend(encoded);
        ids.extend([id, id]);
        let (id, encoded) = client.encode(extended(OID_WHOAMI));
        together.extend(encoded);
        ids.push(id);
    }
    client.write(&together).await;
    for id in ids {
        assert_eq!(client.next().await.unwrap().msgid, id);
    }
}

#[tokio::test]
async fn octets_that_are_no_message_end_the_session() {
    // A message that cannot be parsed ends the session, with a Notice of Disconnection of protocolError.
    let world = World::start().await;
    for octets in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        &[0x30, 0x80],
        &[0x30, 0x05, 0x02, 0x01, 0x00, 0x42, 0x00],
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x7e, 0x00],
    ] {
        let mut client = Client::connect(&world).await;
        client.write(octets).await;
        assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
    }
}

#[tokio::test]
async fn nothing_behind_an_undecodable_message_is_answered() {
    // Once the session is terminated, no further request of it is processed (§4.1.1, §4.4.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let (_, request) = client.encode(extended(OID_WHOAMI));
    client.write(&[&[0x30, 0x80][..], &request].concat()).await;
    assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
}

#[tokio::test]
async fn the_reason_for_ending_a_session_reaches_a_client_that_is_still_sending() {
    // A request beyond the server's limit ends the session, and the client learns why (§4.1.1, §4.4.1).
    const BEYOND_ANY_LIMIT_OF_THE_ANONYMOUS: usize = 4 * 1024 * 1024;
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let mut message = vec![0x30, 0x84];
    message.extend((BEYOND_ANY_LIMIT_OF_THE_ANONYMOUS as u32).to_be_bytes());
    message.resize(BEYOND_ANY_LIMIT_OF_THE_ANONYMOUS, 0);
    client.write(&message).await;
    assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
}
