//! The valuesReturnFilter control.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapOp, LdapSearchRequest, LdapSearchResultEntry};

use crate::client::{Client, control, element, item, read, types, values};
use crate::world::{ADA, ENGINEERING, World};

fn values_return(items: &[&[u8]]) -> Vec<LdapControl> {
    let value = element(0x30, items);
    vec![control("1.2.826.0.1.3344810.2.3", true, Some(value))]
}

async fn entry(request: LdapSearchRequest, items: &[&[u8]]) -> LdapSearchResultEntry {
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapOp::SearchRequest(request);
    match client.ask_with(request, values_return(items)).await {
        LdapOp::SearchResultEntry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_values_that_an_item_matches_are_returned() {
    // Every value that is TRUE against an item is returned, no other is; the attribute's type stays.
    let ada = entry(
        read(ADA, &["objectClass", "sn", "cn"]),
        &[
            &item(0xa3, "objectClass", "POSIXACCOUNT"),
            &element(0x87, &[b"cn"]),
        ],
    )
    .await;
    assert_eq!(values(&ada, "objectClass"), ["posixAccount"]);
    assert_eq!(values(&ada, "cn"), ["Ada Lovelace"]);
    assert_eq!(values(&ada, "sn"), [""; 0]);
    assert_eq!(types(&ada), ["cn", "objectClass", "sn"]);
}

#[tokio::test]
async fn members_are_values_like_others() {
    let engineering = entry(
        read(ENGINEERING, &["member", "memberUid"]),
        &[
            &item(0xa3, "member", "UID=Grace,OU=people,dc=example,dc=com"),
            &item(0xa3, "memberUid", "ada"),
        ],
    )
    .await;
    let grace = "uid=grace,ou=people,dc=example,dc=com";
    assert_eq!(values(&engineering, "member"), [grace]);
    assert_eq!(values(&engineering, "memberUid"), ["ada"]);
}

#[tokio::test]
async fn a_search_for_types_alone_is_not_concerned() {
    // With typesOnly the control has no effect.
    let request = LdapSearchRequest {
        typesonly: true,
        ..read(ADA, &["sn", "cn"])
    };
    let ada = entry(request, &[&element(0x87, &[b"cn"])]).await;
    assert_eq!(types(&ada), ["cn", "sn"]);
}
