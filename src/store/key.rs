//! The keys of the one tree: a tag, then the ids in their sixteen octets.
//!
//! The tags order the tree, and loading relies on it: groups come before their members.

use std::fmt;
use std::str;

use uuid::Uuid;

use super::record::Fault;
use crate::directory::guard::Subject;
use crate::directory::{GroupId, ObjectId, UserId};

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// The tenant whose data this is.
    Tenant,
    /// Number and time of the last commit.
    Generation,
    /// Where the users phase goes on.
    UsersProgress,
    /// Where the groups phase goes on.
    GroupsProgress,
    /// A user.
    User(UserId),
    /// A group, without its members.
    Group(GroupId),
    /// One direct membership, so that a change in a group of 100,000 is one small record.
    Member(GroupId, ObjectId),
    /// The decision on a user.
    UserDecision(UserId),
    /// The decision on a group.
    GroupDecision(GroupId),
    /// A record of the registry.
    Registration(ObjectId),
    /// A group name in a rule.
    Pin(&'a str),
    /// When an entry last changed.
    Stamp(Uuid),
    /// The tenant's word on a user who is served otherwise.
    WithheldUser(UserId),
    /// The tenant's word on a group that is served otherwise.
    WithheldGroup(GroupId),
    /// What the administrator has set for an object.
    Override(ObjectId),
    /// What the administrator has set for a name that is not known yet.
    AwaitedOverride(&'a str),
    /// A sealed secret, by its name.
    Secret(&'a str),
    /// What the mass-change guard remembers of a person, a membership or a group.
    Remembered(Subject),
    /// The kinds of change that the mass-change guard holds back.
    HeldKinds,
}

mod tag {
    pub(super) const TENANT: u8 = 0x01;
    pub(super) const GENERATION: u8 = 0x02;
    pub(super) const USERS_PROGRESS: u8 = 0x03;
    pub(super) const GROUPS_PROGRESS: u8 = 0x04;
    pub(super) const USER: u8 = 0x10;
    pub(super) const GROUP: u8 = 0x11;
    pub(super) const MEMBER: u8 = 0x12;
    pub(super) const USER_DECISION: u8 = 0x20;
    pub(super) const GROUP_DECISION: u8 = 0x21;
    pub(super) const REGISTRATION: u8 = 0x30;
    pub(super) const PIN: u8 = 0x40;
    pub(super) const STAMP: u8 = 0x50;
    pub(super) const WITHHELD_USER: u8 = 0x60;
    pub(super) const WITHHELD_GROUP: u8 = 0x61;
    pub(super) const OVERRIDE: u8 = 0x70;
    pub(super) const AWAITED_OVERRIDE: u8 = 0x71;
    pub(super) const SECRET: u8 = 0x90;
    pub(super) const REMEMBERED_PERSON: u8 = 0x80;
    pub(super) const REMEMBERED_MEMBERSHIP: u8 = 0x81;
    pub(super) const REMEMBERED_GROUP: u8 = 0x82;
    pub(super) const HELD_KINDS: u8 = 0x83;
}

impl<'a> Key<'a> {
    /// The key as sled sees it.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (tag, first, second): (u8, &[u8], &[u8]) = match &self {
            Self::Tenant => (tag::TENANT, &[], &[]),
            Self::Generation => (tag::GENERATION, &[], &[]),
            Self::UsersProgress => (tag::USERS_PROGRESS, &[], &[]),
            Self::GroupsProgress => (tag::GROUPS_PROGRESS, &[], &[]),
            Self::User(id) => (tag::USER, id.0.as_bytes(), &[]),
            Self::Group(id) => (tag::GROUP, id.0.as_bytes(), &[]),
            Self::Member(group, member) => (tag::MEMBER, group.0.as_bytes(), member.as_bytes()),
            Self::UserDecision(id) => (tag::USER_DECISION, id.0.as_bytes(), &[]),
            Self::GroupDecision(id) => (tag::GROUP_DECISION, id.0.as_bytes(), &[]),
            Self::Registration(id) => (tag::REGISTRATION, id.as_bytes(), &[]),
            Self::Pin(name) => (tag::PIN, name.as_bytes(), &[]),
            Self::Stamp(id) => (tag::STAMP, id.as_bytes(), &[]),
            Self::WithheldUser(id) => (tag::WITHHELD_USER, id.0.as_bytes(), &[]),
            Self::WithheldGroup(id) => (tag::WITHHELD_GROUP, id.0.as_bytes(), &[]),
            Self::Override(id) => (tag::OVERRIDE, id.as_bytes(), &[]),
            Self::AwaitedOverride(name) => (tag::AWAITED_OVERRIDE, name.as_bytes(), &[]),
            Self::Secret(name) => (tag::SECRET, name.as_bytes(), &[]),
            Self::Remembered(Subject::Person(id)) => (tag::REMEMBERED_PERSON, id.0.as_bytes(), &[]),
            Self::Remembered(Subject::Membership(group, member)) => {
                let tag = tag::REMEMBERED_MEMBERSHIP;
                (tag, group.0.as_bytes(), member.as_bytes())
            }
            Self::Remembered(Subject::Group(id)) => (tag::REMEMBERED_GROUP, id.0.as_bytes(), &[]),
            Self::HeldKinds => (tag::HELD_KINDS, &[], &[]),
        };
        [&[tag], first, second].concat()
    }

    /// Reads a key of the tree; a tag unknown here was invented by a later version.
    pub(super) fn from_bytes(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (&tag, rest) = bytes.split_first().ok_or(Fault::Empty)?;
        let key = match tag {
            tag::USER => Self::User(UserId(object_id(rest)?)),
            tag::GROUP => Self::Group(GroupId(object_id(rest)?)),
            tag::MEMBER => {
                let (group, member) = rest.split_at_checked(16).ok_or(Fault::KeyLength)?;
                Self::Member(GroupId(object_id(group)?), object_id(member)?)
            }
            tag::USER_DECISION => Self::UserDecision(UserId(object_id(rest)?)),
            tag::GROUP_DECISION => Self::GroupDecision(GroupId(object_id(rest)?)),
            tag::REGISTRATION => Self::Registration(object_id(rest)?),
            tag::PIN => Self::Pin(str::from_utf8(rest).map_err(Fault::KeyText)?),
            tag::STAMP => Self::Stamp(object_id(rest)?.0),
            tag::WITHHELD_USER => Self::WithheldUser(UserId(object_id(rest)?)),
            tag::WITHHELD_GROUP => Self::WithheldGroup(GroupId(object_id(rest)?)),
            tag::OVERRIDE => Self::Override(object_id(rest)?),
            tag::AWAITED_OVERRIDE => {
                Self::AwaitedOverride(str::from_utf8(rest).map_err(Fault::KeyText)?)
            }
            tag::SECRET => Self::Secret(str::from_utf8(rest).map_err(Fault::KeyText)?),
            tag::REMEMBERED_PERSON => Self::Remembered(Subject::Person(UserId(object_id(rest)?))),
            tag::REMEMBERED_MEMBERSHIP => {
                let (group, member) = rest.split_at_checked(16).ok_or(Fault::KeyLength)?;
                let group = GroupId(object_id(group)?);
                Self::Remembered(Subject::Membership(group, object_id(member)?))
            }
            tag::REMEMBERED_GROUP => Self::Remembered(Subject::Group(GroupId(object_id(rest)?))),
            tag::HELD_KINDS => Self::HeldKinds,
            tag::TENANT => Self::Tenant,
            tag::GENERATION => Self::Generation,
            tag::USERS_PROGRESS => Self::UsersProgress,
            tag::GROUPS_PROGRESS => Self::GroupsProgress,
            unknown => return Err(Fault::Newer(unknown)),
        };
        Ok(key)
    }
}

fn object_id(bytes: &[u8]) -> Result<ObjectId, Fault> {
    match Uuid::from_slice(bytes) {
        Ok(id) => Ok(ObjectId(id)),
        Err(_) => Err(Fault::KeyLength),
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("the tenant's identity"),
            Self::Generation => f.write_str("the commit counter"),
            Self::UsersProgress => f.write_str("the progress of the users phase"),
            Self::GroupsProgress => f.write_str("the progress of the groups phase"),
            Self::User(id) => write!(f, "user {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Member(group, member) => write!(f, "the membership of {member} in group {group}"),
            Self::UserDecision(id) => write!(f, "the decision on user {id}"),
            Self::GroupDecision(id) => write!(f, "the decision on group {id}"),
            Self::Registration(id) => write!(f, "the registration of object {id}"),
            Self::Pin(name) => write!(f, "the pin of the group name \"{name}\""),
            Self::Stamp(id) => write!(f, "the timestamp of entry {id}"),
            Self::WithheldUser(id) => write!(f, "the withheld state of user {id}"),
            Self::WithheldGroup(id) => write!(f, "the withheld state of group {id}"),
            Self::Override(id) => write!(f, "the local settings of object {id}"),
            Self::Remembered(Subject::Person(id)) => {
                write!(f, "the guard's memory of person {id}")
            }
            Self::Remembered(Subject::Membership(group, member)) => {
                write!(f, "the guard's memory of {member} in group {group}")
            }
            Self::Remembered(Subject::Group(id)) => write!(f, "the guard's memory of group {id}"),
            Self::HeldKinds => f.write_str("the kinds of change that are held back"),
            Self::AwaitedOverride(name) => write!(f, "the local settings awaiting \"{name}\""),
            Self::Secret(name) => write!(f, "the sealed secret \"{name}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_key_survives_the_round_trip() {
        let id = ObjectId(Uuid::from_u128(0x0102));
        let other = ObjectId(Uuid::from_u128(u128::MAX));
        for key in [
            Key::Tenant,
            Key::Generation,
            Key::UsersProgress,
            Key::GroupsProgress,
            Key::User(UserId(id)),
            Key::Group(GroupId(id)),
            Key::Member(GroupId(id), other),
            Key::UserDecision(UserId(id)),
            Key::GroupDecision(GroupId(id)),
            Key::Registration(id),
            Key::Pin(""),
            Key::Pin("Vertrieb Süd"),
            Key::Stamp(id.0),
            Key::WithheldUser(UserId(id)),
            Key::WithheldGroup(GroupId(id)),
            Key::Override(id),
            Key::AwaitedOverride("ada@contoso.com"),
            Key::Secret("authorization/backup"),
            Key::Remembered(Subject::Person(UserId(id))),
            Key::Remembered(Subject::Membership(GroupId(id), other)),
            Key::Remembered(Subject::Group(GroupId(id))),
            Key::HeldKinds,
        ] {
            let bytes = key.to_bytes();
            assert_eq!(Key::from_bytes(&bytes).unwrap(), key);
        }
    }

    #[test]
    fn membership_key_is_tag_then_group_then_member() {
        let key = Key::Member(
            GroupId(ObjectId(Uuid::from_bytes([0xaa; 16]))),
            ObjectId(Uuid::from_bytes([0xbb; 16])),
        );
        let expected = [vec![0x12], vec![0xaa; 16], vec![0xbb; 16]].concat();
        assert_eq!(key.to_bytes(), expected);
    }

    #[test]
    fn unknown_tag_is_taken_for_a_newer_version() {
        assert!(matches!(
            Key::from_bytes(&[0x99, 1]),
            Err(Fault::Newer(0x99))
        ));
    }

    #[test]
    fn short_and_long_ids_are_faults() {
        for length in [0, 1, 15, 17, 31, 33] {
            let bytes = [vec![tag::MEMBER], vec![0; length]].concat();
            assert!(
                matches!(Key::from_bytes(&bytes), Err(Fault::KeyLength)),
                "{length}"
            );
        }
        assert!(matches!(Key::from_bytes(&[]), Err(Fault::Empty)));
    }
}
