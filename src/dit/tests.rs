//! A small tree for the tests of this module and of `ldap`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Dn, InactiveUsers, PrimaryGroup, Settings, Snapshot};
use crate::directory::attribute::Mapping;
use crate::directory::decision::Grounds;
use crate::directory::registry::Record;
use crate::directory::{
    Decision, Directory, Group, GroupId, Member, MemberKind, ObjectId, Reason, Registry, Stamps,
    User, UserId,
};

pub(crate) fn object(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings {
        base: Dn::parse("dc=example,dc=com").unwrap(),
        login_shell: "/bin/bash".into(),
        mapping: Mapping::default(),
        inactive_users: InactiveUsers::Hide,
        guests: false,
        primary_group: PrimaryGroup::Private,
        nested_groups: true,
        service_accounts: vec!["vpn".into()],
    }
}

/// Ada (1) and Zoë (2) are active, Carl (3) is disabled; `eng` (10) holds Ada and Carl, `all` (11) holds
/// Zoë and the group `eng`, `empty` (12) nobody.
pub(crate) fn directory() -> Directory {
    let mut directory = Directory::default();
    let mut records = BTreeMap::new();
    let mut person = |number: u128, name: &str, mut user: User, decision: Decision| {
        let id = UserId(object(number));
        user.account_enabled = Some(decision.is_include());
        directory.users.insert(id, Arc::new(user));
        directory.decisions.users.insert(id, decision);
        let home = Some(format!("/home/{name}"));
        records.insert(object(number), record(number, name, home));
    };
    let ada = User {
        user_principal_name: Some("ada@contoso.example".into()),
        display_name: Some("Ada Lovelace".into()),
        given_name: Some("Ada".into()),
        surname: Some("Lovelace".into()),
        mail: Some("Ada@contoso.example".into()),
        department: Some("Research".into()),
        business_phones: vec!["+1 425-555-0100".into()],
        created: Some(at(1_600_000_000)),
        ..User::default()
    };
    let zoe = User {
        user_principal_name: Some("zoe@contoso.example".into()),
        display_name: Some("Zoë Ångström".into()),
        manager: Some(UserId(object(1))),
        ..User::default()
    };
    let carl = User {
        user_principal_name: Some("carl@contoso.example".into()),
        ..User::default()
    };
    person(1, "ada", ada, Decision::Include(Grounds::Default));
    person(2, "zoe", zoe, Decision::Include(Grounds::Default));
    person(3, "carl", carl, Decision::Exclude(Reason::Disabled));

    let mut group = |number: u128, name: &str, members: &[(u128, MemberKind)]| {
        let id = GroupId(object(number));
        let members = members
            .iter()
            .map(|&(member, kind)| (object(member), Member { kind }))
            .collect();
        let display_name = Some(name.to_uppercase());
        directory.groups.insert(
            id,
            Arc::new(Group {
                display_name,
                members,
                ..Group::default()
            }),
        );
        directory
            .decisions
            .groups
            .insert(id, Decision::Include(Grounds::Default));
        records.insert(object(number), record(number, name, None));
    };
    use MemberKind::{Group as Nested, User as Person};
    group(10, "eng", &[(1, Person), (3, Person)]);
    group(11, "all", &[(2, Person), (10, Nested)]);
    group(12, "empty", &[]);
    directory.registry = Registry::from_records(records).into();
    directory
}

fn record(number: u128, name: &str, home: Option<String>) -> Record {
    Record {
        number: 10_000 + number as u32,
        name: Some(name.into()),
        home,
        ..Record::default()
    }
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot::build(
        &directory(),
        &settings(),
        &mut Stamps::new(),
        at(1_700_000_000),
    )
}

/// The RDN values of entries, which is enough to tell them apart.
pub(crate) fn names(
    snapshot: &Snapshot,
    entries: impl IntoIterator<Item = super::EntryId>,
) -> Vec<String> {
    let name = |entry| {
        let dn = String::from_utf8(snapshot.entry(entry).dn().to_vec()).unwrap();
        dn.split(',').next().unwrap().to_string()
    };
    entries.into_iter().map(name).collect()
}
