//! Protocol encoding, and how the stream divides it (§5.1, §5.2).

use std::time::Duration;

use ldap3_proto::proto::{LdapOp, LdapSearchScope};
use tokio::time::sleep;

use crate::client::{Client, search};
use crate::world::{ADA, World};

#[tokio::test]
async fn a_message_is_understood_wherever_the_stream_cuts_it() {
    // Messages lie in the byte stream one after the other; where TCP cuts it means nothing (§5.2.1).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapOp::SearchRequest(search(ADA, LdapSearchScope::Base));
    let length = client.encode(request.clone()).1.len();
    for cut in 1..length {
        let (id, encoded) = client.encode(request.clone());
        let (head, tail) = encoded.split_at(cut);
        client.write(head).await;
        // Long enough for the server to see the parts apart; right, too, should it not.
        sleep(Duration::from_millis(1)).await;
        client.write(tail).await;
        let entry = client.next().await.unwrap();
        assert_eq!(entry.msgid, id, "cut at {cut}");
        assert!(matches!(entry.op, LdapOp::SearchResultEntry(entry) if entry.dn == ADA));
        let done = client.next().await.unwrap();
        assert!(matches!(done.op, LdapOp::SearchResultDone(_)));
    }
}

#[tokio::test]
async fn a_length_may_be_written_longer_than_needed() {
    // Lengths are of the definite form, but need not be of the shortest (§5.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let (_, unbind) = client.encode(LdapOp::UnbindRequest);
    let content = &unbind[2..];
    let long = [&[0x30, 0x84, 0, 0, 0, content.len() as u8], content].concat();
    client.write(&long).await;
    assert_eq!(client.rest().await, []);
}

#[tokio::test]
async fn any_octet_but_zero_is_true() {
    // This is BER, where TRUE is any octet but zero; only a sender must write FF (§5.1).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let mut request = search(ADA, LdapSearchScope::Base);
    request.typesonly = true;
    let (_, mut encoded) = client.encode(LdapOp::SearchRequest(request));
    let place = encoded
        .windows(3)
        .position(|octets| octets == [0x01, 0x01, 0xff])
        .unwrap();
    encoded[place + 2] = 0x01;
    client.write(&encoded).await;
    let LdapOp::SearchResultEntry(entry) = client.next().await.unwrap().op else {
        panic!("no entry");
    };
    assert!(
        entry
            .attributes
            .iter()
            .all(|attribute| attribute.vals.is_empty())
    );
}
