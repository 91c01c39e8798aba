//! Small directories for the tests of this module.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::directory::attribute::Mapping;
use crate::directory::registry::{MappedProperties, Policy, UsernameSource};
use crate::directory::{
    Directory, Group, GroupId, GroupKind, Member, MemberKind, ObjectId, State, User, UserId,
};
use crate::sync::{self, Rules};

use super::view::{Findings, Terms, View};

/// The `number`th user of [`directory`].
pub fn user_id(number: u128) -> UserId {
    UserId(ObjectId(Uuid::from_u128(number)))
}

/// The `number`th group of [`directory`].
pub fn group_id(number: u128) -> GroupId {
    GroupId(ObjectId(Uuid::from_u128(0x1000 + number)))
}

/// No rules at all: everybody is active, every group imported.
pub fn rules() -> Rules {
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
        group_kinds: GroupKind::ALL.into(),
    }
}

/// Usernames from user principal names, names held for ever.
pub fn policy() -> Policy {
    Policy {
        username: UsernameSource::UpnPrefix,
        reserved_names: std::collections::BTreeSet::from(["root".to_owned()]),
        id_range: 10_000..=20_000,
        home: "/home/{username}".to_owned(),
        hold_names: None,
        mapped: MappedProperties::default(),
    }
}

/// People by prefix of the userPrincipalName and display name, groups by display name and numbers of people or,
/// above 0x1000, of groups in it; settled without rules.
pub fn directory(people: &[(&str, &str)], groups: &[(&str, &[u128])]) -> Directory {
    let mut directory = Directory::default();
    for (number, (prefix, display_name)) in (1..).zip(people) {
        let user = User {
            user_principal_name: Some(format!("{prefix}@contoso.com")),
            display_name: Some((*display_name).to_owned()),
            account_enabled: Some(true),
            ..User::default()
        };
        directory.users.insert(user_id(number), Arc::new(user));
    }
    for (number, (name, members)) in (1..).zip(groups) {
        let member = |&number: &u128| {
            let kind = match number > 0x1000 {
                true => MemberKind::Group,
                false => MemberKind::User,
            };
            (ObjectId(Uuid::from_u128(number)), Member { kind })
        };
        let group = Group {
            display_name: Some((*name).to_owned()),
            security_enabled: true,
            members: members.iter().map(member).collect(),
            ..Group::default()
        };
        directory.groups.insert(group_id(number), Arc::new(group));
    }
    settled(&directory, &rules())
}

/// The directory under these rules.
pub fn settled(directory: &Directory, rules: &Rules) -> Directory {
    sync::resettle(directory, rules, &policy(), Timestamp::UNIX_EPOCH, true).0
}

/// The directory as questions see it, right after it was settled.
pub fn view(directory: Directory, rules: Rules, policy: Policy) -> View {
    let now = Timestamp::UNIX_EPOCH;
    let (_, settled) = sync::resettle(&directory, &rules, &policy, now, true);
    let state = State {
        directory,
        ..State::default()
    };
    View {
        state: Arc::new(state),
        terms: Arc::new(Terms {
            rules,
            policy,
            mapping: Mapping::default(),
        }),
        findings: Arc::new(Findings::of(settled)),
    }
}
