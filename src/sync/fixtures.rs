//! What the tests of this module share: small tenants, entries as Graph sends them, and pages of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Rules, Settings};
use crate::directory::registry::{MappedProperties, Policy, UsernameSource};
use crate::directory::{
    DeltaLink, Directory, Group, GroupId, GroupKind, Member, MemberKind, ObjectId, User, UserId,
};
use crate::graph::{self, Change, GroupChange, Link, Next, Page, UserChange};

pub const HOUR: Duration = Duration::from_secs(3600);

pub fn object_id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

pub fn user_id(number: u128) -> UserId {
    UserId(object_id(number))
}

pub fn group_id(number: u128) -> GroupId {
    GroupId(object_id(number))
}

pub fn hour(number: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + number * 3600).unwrap()
}

/// Everyone and every group is let in.
pub fn open_rules() -> Rules {
    Rules {
        users: true,
        groups: true,
        guests: false,
        max_change: 20,
        groups_without_email: true,
        group_prefixes: Vec::new(),
        allowed_groups: Vec::new(),
        ignored_groups: Vec::new(),
        nested_groups: true,
        group_kinds: BTreeSet::from(GroupKind::ALL),
    }
}

pub fn settings(rules: Rules) -> Settings {
    Settings {
        interval: HOUR / 60,
        full_interval: HOUR * 24,
        rules,
    }
}

pub fn policy() -> Policy {
    Policy {
        username: UsernameSource::UpnPrefix,
        reserved_names: BTreeSet::from(["root".to_owned()]),
        id_range: 1_879_048_192..=2_147_352_575,
        home: "/home/{username}".to_owned(),
        hold_names: None,
        mapped: MappedProperties::default(),
    }
}

/// An enabled member of the tenant called `name`.
pub fn user(name: &str) -> User {
    User {
        user_principal_name: Some(format!("{name}@example.com")),
        account_enabled: Some(true),
        ..User::default()
    }
}

/// A security group of these users and groups, by number.
pub fn group(name: &str, users: &[u128], groups: &[u128]) -> Group {
    let members = |numbers: &[u128], kind| -> Vec<_> {
        let member = |&number| (object_id(number), Member { kind });
        numbers.iter().map(member).collect()
    };
    Group {
        display_name: Some(name.to_owned()),
        security_enabled: true,
        members: members(users, MemberKind::User)
            .into_iter()
            .chain(members(groups, MemberKind::Group))
            .collect(),
        ..Group::default()
    }
}

pub trait Put {
    fn put_user(self, number: u128, user: User) -> Self;
    fn put_group(self, number: u128, group: Group) -> Self;
}

impl Put for Directory {
    fn put_user(mut self, number: u128, user: User) -> Self {
        self.users.insert(user_id(number), Arc::new(user));
        self
    }

    fn put_group(mut self, number: u128, group: Group) -> Self {
        self.groups.insert(group_id(number), Arc::new(group));
        self
    }
}

/// An entry of a page of users with these properties.
pub fn user_entry(number: u128, properties: Value) -> UserChange {
    entry(number, properties)
}

/// A whole user, enabled.
pub fn whole_user(number: u128, name: &str) -> UserChange {
    let upn = format!("{name}@example.com");
    user_entry(
        number,
        json!({"userPrincipalName": upn, "accountEnabled": true}),
    )
}

/// An entry of a page of groups with these properties.
pub fn group_entry(number: u128, properties: Value) -> GroupChange {
    entry(number, properties)
}

/// A slice of a security group, with some of its users; a negative number is one who left.
pub fn slice(number: u128, name: &str, users: &[i64]) -> GroupChange {
    let member = |&user: &i64| match user {
        ..0 => {
            json!({"id": object_id(user.unsigned_abs().into()).to_string(), "@odata.type": "#microsoft.graph.user",
                      "@removed": {"reason": "deleted"}})
        }
        _ => {
            json!({"id": object_id(user.unsigned_abs().into()).to_string(), "@odata.type": "#microsoft.graph.user"})
        }
    };
    let members: Vec<Value> = users.iter().map(member).collect();
    group_entry(
        number,
        json!({"displayName": name, "securityEnabled": true, "members@delta": members}),
    )
}

/// `reason`: `changed` or `deleted`.
pub fn removed<C: Change>(number: u128, reason: &str) -> C {
    entry(number, json!({"@removed": {"reason": reason}}))
}

fn entry<C: Change>(number: u128, mut properties: Value) -> C {
    properties["id"] = json!(object_id(number).to_string());
    let mut problems = Vec::new();
    let change = C::read(&properties, &[], &mut problems).unwrap();
    assert_eq!(problems, []);
    change
}

pub fn more<C>(changes: Vec<C>, link: &str) -> Page<C> {
    Page {
        changes,
        problems: Vec::new(),
        next: Next::More(Link(link.to_owned())),
    }
}

pub fn done<C>(changes: Vec<C>, link: &str) -> Page<C> {
    Page {
        changes,
        problems: Vec::new(),
        next: Next::Done(DeltaLink(link.to_owned())),
    }
}

/// Graph wants a full enumeration.
pub fn resync() -> graph::Error {
    graph::Error::ResyncRequired {
        collection: "users",
        trace: trace(),
    }
}

/// Graph is down.
pub fn outage() -> graph::Error {
    graph::Error::Outage {
        status: 503,
        retry_after: None,
        trace: trace(),
    }
}

/// Graph does not know the page that its own link leads to.
pub fn page_gone() -> graph::Error {
    graph::Error::PageGone {
        collection: "users",
        status: 404,
        trace: trace(),
    }
}

/// Graph will not hear of a property.
pub fn property_refused(property: &str) -> graph::Error {
    graph::Error::PropertyRefused {
        collection: "users",
        property: property.to_owned(),
        trace: trace(),
    }
}

/// There is no token to be had.
pub fn token_refused() -> graph::Error {
    graph::Error::TokenRefused { trace: trace() }
}

fn trace() -> graph::Trace {
    graph::Trace {
        client_request_id: Uuid::nil(),
        request_id: None,
    }
}

/// Graph answers with this status, and would again.
pub fn refused(status: u16) -> graph::Error {
    graph::Error::Refused {
        status,
        code: "Request_BadRequest".to_owned(),
        message: String::new(),
        trace: trace(),
    }
}

/// The link at hand leads to where Graph is no longer.
pub fn foreign_link() -> graph::Error {
    graph::Error::ForeignLink {
        origin: "https://graph.example.org".to_owned(),
        expected: "https://graph.example.com".to_owned(),
        trace: None,
    }
}
