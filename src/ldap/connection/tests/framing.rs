//! How messages are cut out of the stream, and what happens when they cannot be.

use super::client::{assert_notice, bind, result, who_am_i};
use super::*;

#[tokio::test]
async fn messages_that_arrive_octet_by_octet_are_answered() {
    let mut client = Client::new(World::new().context(), session(true), 1);
    assert_eq!(client.bind(VPN, PASSWORD).await, LdapResultCode::Success);
    let found = client.found(search(PEOPLE, LdapSearchScope::OneLevel));
    assert_eq!(found.await, ["uid=ada", "uid=zoe"]);
}

#[tokio::test]
async fn messages_that_arrive_together_are_answered_in_order_in_one_write() {
    let mut client = World::new().connect_as(vpn());
    let mut together = Vec::new();
    let mut expected = Vec::new();
    for _ in 0..20 {
        let request = LdapOp::SearchRequest(search(ADA, LdapSearchScope::Base));
        let (id, encoded) = client.encode(request, Vec::new());
        together.extend(encoded);
        expected.extend([id, id]);
        let (id, encoded) = client.encode(who_am_i(), Vec::new());
        together.extend(encoded);
        expected.push(id);
    }
    client.write(&together).await;
    assert!(client.read().await);
    let answered: Vec<i32> = std::iter::from_fn(|| client.decode())
        .map(|message| message.msgid)
        .collect();
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn a_bind_counts_for_the_messages_behind_it() {
    let mut client = World::new().connect();
    let (_, mut together) = client.encode(bind(VPN, PASSWORD), Vec::new());
    let (_, encoded) = client.encode(who_am_i(), Vec::new());
    together.extend(encoded);
    client.write(&together).await;
    let bound = client.next().await.unwrap();
    assert_eq!(result(bound.op).code, LdapResultCode::Success);
    let LdapOp::ExtendedResponse(response) = client.next().await.unwrap().op else {
        panic!("not the answer to Who am I?");
    };
    assert_eq!(response.value, Some(format!("dn:{VPN}").into_bytes()));
}

/// Sends `octets` and a request behind them; the server must send a notice and nothing more.
async fn check_undecodable(octets: &[u8]) {
    let mut client = World::new().connect();
    let (_, request) = client.encode(who_am_i(), Vec::new());
    client.write(&[octets, &request].concat()).await;
    assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_ends_the_session_with_a_notice() {
    for octets in [
        // Not a SEQUENCE: an HTTP request, a TLS ClientHello.
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16, 0x03, 0x01, 0x02, 0x00],
        // The indefinite form.
        &[0x30, 0x80],
        // An empty message; one without an operation.
        &[0x30, 0x00],
        &[0x30, 0x03, 0x02, 0x01, 0x01],
        // Message id zero.
        &[0x30, 0x05, 0x02, 0x01, 0x00, 0x42, 0x00],
        // A response; an operation that does not exist.
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x61, 0x00],
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x7e, 0x00],
    ] {
        check_undecodable(octets).await;
    }
}

#[tokio::test]
async fn an_operation_that_cannot_be_decoded_is_answered_and_the_session_goes_on() {
    let mut client = World::new().connect();
    for (operation, response) in [(0x63, 0x65), (0x60, 0x61), (0x6e, 0x6f), (0x77, 0x78)] {
        // Contents that end too early, and contents that claim more than there is.
        for contents in [&[0x00][..], &[0x02, 0x04, 0x7f]] {
            let mut message = vec![0x30, 4 + contents.len() as u8, 0x02, 0x01, 0x07, operation];
            message.extend(contents);
            client.write(&message).await;
            let answer = client.next().await.unwrap();
            assert_eq!(answer.msgid, 7);
            let code = result(answer.op).code;
            assert_eq!(code, LdapResultCode::ProtocolError, "{response:#04x}");
        }
    }
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn requests_in_front_of_an_undecodable_message_are_answered() {
    let mut client = World::new().connect();
    let (id, mut octets) = client.encode(who_am_i(), Vec::new());
    octets.extend([0x30, 0x80]);
    client.write(&octets).await;
    assert_eq!(client.next().await.unwrap().msgid, id);
    assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
}

/// The head of a message of so many octets.
fn announced(message_bytes: usize) -> Vec<u8> {
    let mut head = vec![ber::SEQUENCE, 0x84];
    head.extend(((message_bytes - 6) as u32).to_be_bytes());
    head
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_by_its_head() {
    let world = World::new();
    for (identity, limit) in [
        (Identity::Anonymous, ANONYMOUS_MESSAGE_BYTES_MAX),
        (vpn(), MESSAGE_BYTES_MAX),
    ] {
        let mut client = world.connect_as(identity);
        client.write(&announced(limit + 1)).await;
        assert_notice(&client.rest().await, LdapResultCode::ProtocolError);
    }
}

#[tokio::test]
async fn a_long_message_below_the_limit_is_answered() {
    let mut client = World::new().connect_as(vpn());
    let one = |n: usize| LdapFilter::Equality("uid".into(), format!("nobody-{n:0100}"));
    let long = LdapSearchRequest {
        filter: LdapFilter::Or((0..4000).map(one).collect()),
        ..search(BASE, LdapSearchScope::Subtree)
    };
    let (id, encoded) = client.encode(LdapOp::SearchRequest(long), Vec::new());
    assert!(encoded.len() > ANONYMOUS_MESSAGE_BYTES_MAX);
    client.write(&encoded).await;
    let done = client.next().await.unwrap();
    assert_eq!(done.msgid, id);
    assert_eq!(result(done.op).code, LdapResultCode::Success);
}

#[tokio::test]
async fn a_filter_of_too_many_items_is_refused_by_its_number_and_the_session_goes_on() {
    let mut client = World::new().connect_as(vpn());
    let many = LdapSearchRequest {
        filter: LdapFilter::Or(vec![LdapFilter::Present("o".into()); 5000]),
        ..search(BASE, LdapSearchScope::Subtree)
    };
    for _ in 0..2 {
        let expected = LdapResultCode::AdminLimitExceeded;
        let (id, encoded) = client.encode(LdapOp::SearchRequest(many.clone()), Vec::new());
        client.write(&encoded).await;
        let done = client.next().await.unwrap();
        assert_eq!((done.msgid, result(done.op).code), (id, expected));
    }
}
