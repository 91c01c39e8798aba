use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{LdapMsg, LdapOp, LdapPartialAttribute, LdapSearchResultEntry};
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

use super::*;
use crate::dit::arena::ChunkBuilder;
use crate::dit::tests::{names, snapshot};

fn written(snapshot: &Snapshot, entry: EntryId, selection: &Selection) -> LdapSearchResultEntry {
    let mut out = Vec::new();
    snapshot.write_entry(7, entry, selection, &mut out);
    let mut bytes = BytesMut::from(&out[..]);
    let message = LdapCodec::default().decode(&mut bytes).unwrap().unwrap();
    assert!(bytes.is_empty());
    assert_eq!(message.msgid, 7);
    match message.op {
        LdapOp::SearchResultEntry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

fn entry_named(snapshot: &Snapshot, rdn: &str) -> EntryId {
    snapshot
        .visible()
        .iter()
        .copied()
        .find(|&entry| names(snapshot, [entry]) == [rdn])
        .unwrap()
}

/// Types and values that a request for `selectors` returns, as text.
fn check(rdn: &str, selectors: &[&str], expected: &[(&str, &[&str])]) {
    let snapshot = snapshot();
    let selection = Selection::new(selectors.iter().copied(), false);
    let entry = written(&snapshot, entry_named(&snapshot, rdn), &selection);
    let text = |values: &[Vec<u8>]| {
        values
            .iter()
            .map(|v| String::from_utf8(v.clone()).unwrap())
            .collect::<Vec<_>>()
    };
    let found: Vec<(String, Vec<String>)> = entry
        .attributes
        .iter()
        .map(|attribute| (attribute.atype.clone(), text(&attribute.vals)))
        .collect();
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(name, values)| {
            (
                name.to_string(),
                values.iter().map(|v| v.to_string()).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected, "{rdn} {selectors:?}");
}

#[test]
fn attributes_come_by_name_oid_and_supertype_in_any_case() {
    check(
        "uid=ada",
        &["UIDNUMBER", "2.5.4.4"],
        &[("sn", &["Lovelace"]), ("uidNumber", &["10001"])],
    );
    check(
        "uid=ada",
        &["name"],
        &[
            ("cn", &["Ada Lovelace"]),
            ("sn", &["Lovelace"]),
            ("givenName", &["Ada"]),
            ("ou", &["Research"]),
        ],
    );
    check("uid=ada", &["cn;lang-de", "nope", "", "dn"], &[]);
    check("uid=ada", &["1.1"], &[]);
    check("uid=ada", &["1.1", "uid"], &[("uid", &["ada"])]);
}

#[test]
fn memberships_are_rendered_from_links() {
    let (ada, zoe) = (
        "uid=ada,ou=people,dc=example,dc=com",
        "uid=zoe,ou=people,dc=example,dc=com",
    );
    check(
        "cn=all",
        &["member", "memberUid"],
        &[("member", &[ada, zoe]), ("memberUid", &["ada", "zoe"])],
    );
    check("cn=empty", &["member"], &[]);
    check(
        "uid=zoe",
        &["memberOf"],
        &[("memberOf", &["cn=all,ou=groups,dc=example,dc=com"])],
    );
}

#[test]
fn a_person_carries_what_the_contract_lists() {
    check(
        "uid=ada",
        &["*", "+"],
        &[
            (
                "objectClass",
                &[
                    "top",
                    "person",
                    "organizationalPerson",
                    "inetOrgPerson",
                    "posixAccount",
                    "shadowAccount",
                    "office365Object",
                ],
            ),
            ("uid", &["ada"]),
            ("cn", &["Ada Lovelace"]),
            ("sn", &["Lovelace"]),
            ("mail", &["Ada@contoso.example"]),
            ("uidNumber", &["10001"]),
            ("gidNumber", &["10001"]),
            ("homeDirectory", &["/home/ada"]),
            ("loginShell", &["/bin/bash"]),
            ("gecos", &["Ada Lovelace"]),
            ("givenName", &["Ada"]),
            ("displayName", &["Ada Lovelace"]),
            ("departmentNumber", &["Research"]),
            ("ou", &["Research"]),
            ("telephoneNumber", &["+1 425-555-0100"]),
            ("userPrincipalName", &["ada@contoso.example"]),
            ("sAMAccountName", &["ada"]),
            ("entryUUID", &["00000000-0000-0000-0000-000000000001"]),
            ("entryDN", &["uid=ada,ou=people,dc=example,dc=com"]),
            ("structuralObjectClass", &["inetOrgPerson"]),
            ("hasSubordinates", &["FALSE"]),
            ("subschemaSubentry", &["cn=Subschema"]),
            ("createTimestamp", &["20200913122640Z"]),
            ("modifyTimestamp", &["20231114221320Z"]),
            (
                "memberOf",
                &[
                    "cn=eng,ou=groups,dc=example,dc=com",
                    "cn=all,ou=groups,dc=example,dc=com",
                ],
            ),
        ],
    );
}

#[test]
fn types_only_leaves_the_values_out() {
    let snapshot = snapshot();
    let group = entry_named(&snapshot, "cn=all");
    let all = written(&snapshot, group, &Selection::new(["*"], false));
    let types = written(&snapshot, group, &Selection::new(["*"], true));
    let names = |entry: &LdapSearchResultEntry| {
        entry
            .attributes
            .iter()
            .map(|a| a.atype.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&types), names(&all));
    assert!(
        types
            .attributes
            .iter()
            .all(|attribute| attribute.vals.is_empty())
    );
}

fn any_attributes() -> impl Strategy<Value = Vec<(u16, Vec<Vec<u8>>)>> {
    let value = prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..40), 1 => prop::collection::vec(any::<u8>(), 100..70_000)];
    let types = 0..schema::ATTRIBUTES.len() as u16;
    prop::collection::btree_map(types, prop::collection::vec(value, 1..4), 0..8)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Our encoder and `ldap3_proto`'s agree to the octet.
    #[test]
    fn messages_are_the_octets_that_ldap3_proto_writes(
        message_id in 1..=i32::MAX as u32,
        dn in "\\PC{0,60}",
        attributes in any_attributes(),
        wanted in any::<u128>(),
        types_only in any::<bool>(),
    ) {
        let mut builder = ChunkBuilder::default();
        builder.begin(&dn);
        for (place, values) in &attributes {
            builder.attribute(AttributeId(*place), values);
        }
        builder.begin_operational();
        let chunk = builder.finish();
        let selection = Selection { all_user: false, all_operational: false, named: wanted, types_only };
        let mut ours = Vec::new();
        write_message(message_id, chunk.entry(0), &selection, 0, &mut ours);

        let partial = |(place, values): &(u16, Vec<Vec<u8>>)| LdapPartialAttribute {
            atype: AttributeId(*place).get().name().to_string(),
            vals: if types_only { Vec::new() } else { values.clone() },
        };
        let wanted_ones = attributes.iter().filter(|(place, _)| wanted & (1 << place) != 0);
        let entry = LdapSearchResultEntry { dn, attributes: wanted_ones.map(partial).collect() };
        let message = LdapMsg::new(message_id as i32, LdapOp::SearchResultEntry(entry));
        let mut theirs = BytesMut::new();
        LdapCodec::default().encode(message, &mut theirs).unwrap();
        prop_assert_eq!(&ours[..], &theirs[..]);
    }
}
