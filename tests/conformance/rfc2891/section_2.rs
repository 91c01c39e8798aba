//! Client-server interaction.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapOp, LdapResultCode, LdapSearchRequest, LdapSearchScope};

use super::sort;
use crate::client::{Client, control, element, result, search};
use crate::world::{BASE, PEOPLE, World};

fn people() -> LdapSearchRequest {
    search(PEOPLE, LdapSearchScope::OneLevel)
}

#[tokio::test]
async fn entries_come_in_the_order_of_the_keys() {
    // The entries are sorted by the keys, and the sort result says success (case 5).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for (keys, expected) in [
        (&[("sn", false)][..], ["uid=grace", "uid=ada"]),
        (&[("SN", true)], ["uid=ada", "uid=grace"]),
        (&[("uidNumber", true)], ["uid=grace", "uid=ada"]),
    ] {
        let (found, result, _) = client.search_with(people(), vec![sort(keys)]).await;
        assert_eq!(result.code, LdapResultCode::Success);
        assert_eq!(found, expected, "{keys:?}");
    }
}

#[tokio::test]
async fn the_sort_result_comes_with_the_last_message() {
    // sortKeyResponseControl is attached to searchResultDone (§1.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (_, _, controls) = client
        .search_with(people(), vec![sort(&[("cn", false)])])
        .await;
    let [LdapControl::ServerSortResult { sort_result }] = &controls[..] else {
        panic!("{controls:?}");
    };
    assert_eq!(sort_result.result_code, LdapResultCode::Success);
}

#[tokio::test]
async fn a_critical_sort_that_cannot_be_done_returns_nothing() {
    // unavailableCriticalExtension and no entry (case 3).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let key = element(0x30, &[&element(0x04, &[b"shoeSize"])]);
    let value = element(0x30, &[&key]);
    let critical = control("1.2.840.113556.1.4.473", true, Some(value));
    let request = LdapOp::SearchRequest(search(BASE, LdapSearchScope::Subtree));
    let (id, encoded) = client.encode_with(request, vec![critical]);
    client.write(&encoded).await;
    let octets = client.octets().await;
    // The codec cannot read a sort result that names an attribute.
    let done = [0x02, 0x01, id as u8, 0x65];
    assert_eq!(octets[2..6], done);
    assert_eq!(octets[8..10], [0x01, 12]);
    let outcome = b"\x30\x0d\x0a\x01\x10\x80\x08shoeSize";
    assert!(octets.ends_with(outcome), "{octets:x?}");
    assert_eq!(
        client.who_am_i().await,
        format!("dn:{}", crate::world::READER)
    );
}

#[tokio::test]
async fn a_sort_of_entries_that_are_not_there_is_not_reported() {
    // Without entries the control is omitted (case 6).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let missing = search("ou=hosts,dc=example,dc=com", LdapSearchScope::Subtree);
    let request = LdapOp::SearchRequest(missing);
    let response = client.ask_with(request, vec![sort(&[("cn", false)])]).await;
    assert_eq!(result(response).code, LdapResultCode::NoSuchObject);
}
