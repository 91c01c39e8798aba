use serde_json::json;

use super::*;
use crate::directory::GroupKind;
use crate::graph::Flaw;

const STAFF: &str = "2e5807ce-58f3-4a94-9b37-ffff2e085957";
const ADA: &str = "37de1ae3-408f-4702-8636-20824abda004";
const BOB: &str = "693acd06-2877-4339-8ade-b704261fe7a0";
const NUMBER: &str = "extension_0123456789abcdef0123456789abcdef_gidNumber";

fn read(entry: Value) -> (GroupChange, Vec<Problem>) {
    let mut problems = Vec::new();
    (
        GroupChange::read(&entry, &[NUMBER.to_owned()], &mut problems)
            .expect("an id that is a GUID"),
        problems,
    )
}

fn apply(group: &mut Group, entry: Value) -> Vec<MemberChange> {
    let (GroupChange::Upsert { patch, members, .. }, problems) = read(entry) else {
        panic!("not an upsert")
    };
    assert_eq!(problems, []);
    patch.apply_to(group);
    members
}

fn team() -> Group {
    let mut group = Group::default();
    apply(
        &mut group,
        json!({
            "id": STAFF, "displayName": "Staff", "mail": "staff@contoso.example", "mailEnabled": true,
            "securityEnabled": false, "groupTypes": ["Unified", "DynamicMembership"],
            "visibility": "Hiddenmembership", "createdDateTime": "2020-02-03T04:05:06Z",
        }),
    );
    group
}

#[test]
fn whole_group_is_read() {
    let group = team();
    assert_eq!(group.kind(), GroupKind::Microsoft365);
    assert!(group.is_dynamic && group.has_hidden_membership && group.mail_enabled);
    assert!(group.created.is_some());
}

#[test]
fn absence_from_a_whole_group_means_never_set() {
    let mut group = team();
    apply(&mut group, json!({"id": STAFF, "displayName": "Staff"}));
    assert_eq!(
        group,
        Group {
            display_name: Some("Staff".to_owned()),
            ..Group::default()
        }
    );
}

#[test]
fn slice_of_members_alone_leaves_the_properties() {
    let mut group = team();
    let members = apply(
        &mut group,
        json!({"id": STAFF, "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": ADA},
            {"@odata.type": "#microsoft.graph.group", "id": BOB},
            {"@odata.type": "#microsoft.graph.device", "id": STAFF},
            {"@odata.type": "#microsoft.graph.user", "id": ADA, "@removed": {"reason": "deleted"}},
        ]}),
    );
    assert_eq!(group, team());
    let change = |id: &str, kind, removed| MemberChange {
        id: id.parse().unwrap(),
        kind,
        removed,
    };
    assert_eq!(
        members,
        [
            change(ADA, MemberKind::User, false),
            change(BOB, MemberKind::Group, false),
            change(STAFF, MemberKind::Other, false),
            change(ADA, MemberKind::User, true),
        ]
    );
}

#[test]
fn empty_group_has_no_member_list() {
    assert_eq!(
        apply(&mut team(), json!({"id": STAFF, "displayName": "Staff"})),
        []
    );
}

#[test]
fn member_without_a_guid_is_skipped_and_the_others_count() {
    let (change, problems) = read(
        json!({"id": STAFF, "displayName": "Staff", "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": "632f6bb2-3ec8-4c1f-9073-0027a8c6859", "@removed": {}},
            {"@odata.type": "#microsoft.graph.user", "id": ADA},
        ]}),
    );
    let GroupChange::Upsert { members, .. } = change else {
        panic!("not an upsert")
    };
    assert_eq!(members.len(), 1);
    assert_eq!(
        problems,
        [Problem {
            id: STAFF.to_owned(),
            field: "members@delta".into(),
            flaw: Flaw::NotAGuid
        }]
    );
}

#[test]
fn removed_group_tells_soft_from_final() {
    let (change, _) =
        read(json!({"id": STAFF, "@removed": {"reason": "changed"}, "members@delta": []}));
    assert_eq!(
        change,
        GroupChange::Remove {
            id: STAFF.parse().unwrap(),
            reason: Removal::Soft
        }
    );
}

#[test]
fn mapped_number_is_read_as_text() {
    let mut group = Group::default();
    apply(
        &mut group,
        json!({"id": STAFF, "displayName": "Staff", NUMBER: 5000}),
    );
    assert_eq!(
        group.mapped,
        [(NUMBER.to_owned(), vec!["5000".to_owned()])].into()
    );
    apply(&mut group, json!({"id": STAFF, "description": "Everybody"}));
    assert_eq!(group.mapped.len(), 1);
    apply(&mut group, json!({"id": STAFF, "displayName": "Staff"}));
    assert!(group.mapped.is_empty());
}
