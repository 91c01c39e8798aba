//! The one place that hands out POSIX names and numbers, and never takes a number back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ObjectId;

/// Names and numbers by object id, for users and groups alike, deleted ones included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    records: BTreeMap<ObjectId, Record>,
}

/// What one object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// A user's uidNumber and private gidNumber, or a group's gidNumber.
    pub number: u32,
    /// A user's `uid`, or a group's `cn`; `None` when the name was never won.
    pub name: Option<String>,
    /// Names given up by renames: held like the name of a deleted object.
    pub former_names: Vec<FormerName>,
    /// A user's home directory, fixed at first registration; `None` for groups.
    pub home: Option<String>,
    /// When the object was seen deleted; its name is held until `hold_names` has passed.
    pub deleted: Option<Timestamp>,
}

/// A name its owner was renamed away from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerName {
    /// The name.
    pub name: String,
    /// When it was given up.
    pub released: Timestamp,
}

/// How names and numbers are handed out (`[directory]`, `[directory.posix]`).
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Where a username comes from.
    pub username: UsernameSource,
    /// Names never served, already mapped and folded; [`BUILTIN_RESERVED`](super::name::BUILTIN_RESERVED) included where `+builtin` is.
    pub reserved_names: std::collections::BTreeSet<String>,
    /// Bounds of derived numbers, both inclusive.
    pub id_range: std::ops::RangeInclusive<u32>,
    /// The home directory, with `{username}` where the name goes.
    pub home: String,
    /// How long a deleted object keeps its name; `None`: for ever.
    pub hold_names: Option<std::time::Duration>,
}

/// The Graph property a username is made from (`directory.username`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameSource {
    /// The part of `userPrincipalName` before the `@`.
    UpnPrefix,
    /// The whole `userPrincipalName`.
    Upn,
    /// `mailNickname`
    MailNickname,
    /// The part of `mail` before the `@`.
    MailPrefix,
    /// `onPremisesSamAccountName`
    SamAccountName,
}

impl Registry {
    /// Takes up what an earlier registry held, as the store kept it.
    pub fn from_records(records: impl IntoIterator<Item = (ObjectId, Record)>) -> Self {
        Self {
            records: records.into_iter().collect(),
        }
    }

    /// Every record, in the order of the object ids.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, &Record)> {
        self.records.iter().map(|(&id, record)| (id, record))
    }
}
