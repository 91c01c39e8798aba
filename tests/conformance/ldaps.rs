//! ldaps://, which no RFC defines and every client speaks: TLS from the first octet, then RFC 4511.

use ldap3_proto::proto::{LdapOp, LdapResultCode, LdapSearchScope};

use crate::client::{Client, search};
use crate::world::{PASSWORD, PEOPLE, READER, World};

#[tokio::test]
async fn the_protocol_is_the_same_under_tls() {
    // Bind, search and unbind as over ldap://.
    let world = World::start().await;
    let mut client = Client::connect_tls(&world).await;
    let bound = client.bind(READER, PASSWORD).await;
    assert_eq!(bound, LdapResultCode::Success);
    let found = client
        .found(search(PEOPLE, LdapSearchScope::OneLevel))
        .await;
    assert_eq!(found, ["uid=ada", "uid=grace"]);
    client.send(LdapOp::UnbindRequest).await;
    assert_eq!(client.rest().await, []);
}

#[tokio::test]
async fn a_request_in_the_clear_is_not_answered() {
    // What is no TLS handshake is never read as LDAP.
    let world = World::start().await;
    let mut client = Client::connect_to(world.ldaps).await;
    client
        .send(LdapOp::SearchRequest(search("", LdapSearchScope::Base)))
        .await;
    assert_eq!(client.octets_until_closed().await.first(), Some(&TLS_ALERT));
}

/// The content type of a TLS alert (RFC 8446 §5.1).
const TLS_ALERT: u8 = 21;
