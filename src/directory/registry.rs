//! The one place that hands out POSIX names and numbers, and never takes a number back.
//!
//! [`Registry`] holds what every object has and answers who holds a name; [`register`] is the pass
//! that gives names and numbers to the users and groups of a [`Directory`](super::Directory) after the rules have
//! decided. Names are compared [folded](super::name::fold).

mod adopt;
mod numbers;
mod problem;
mod register;
mod release;
mod wanted;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ObjectId;
use super::name::fold;
use numbers::Numbers;

pub use adopt::{AdoptError, Adopted, adopt, adoptable};
pub use problem::{NumberFault, NumberSource, Problem};
pub use register::register;
pub use release::{ReleaseError, Released, release_name};

/// Names and numbers by object id, for users and groups alike, deleted ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    records: BTreeMap<ObjectId, Record>,
    /// Who holds each name, folded: every current and former name of `records`, and nothing else.
    holders: BTreeMap<String, ObjectId>,
    /// Whose each number is: every current and former number of `records`, and nothing else.
    numbers: Numbers,
}

/// What one object holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// A user's uidNumber and private gidNumber, or a group's gidNumber.
    pub number: u32,
    /// Numbers it had before an administrator adopted another one: never given to anybody else.
    pub former_numbers: Vec<u32>,
    /// A user's `uid`, or a group's `cn`; `None` when the name was never won, or was lost.
    pub name: Option<String>,
    /// Names given up by renames: held like the name of a deleted object.
    pub former_names: Vec<FormerName>,
    /// A user's home directory, fixed at first registration; `None` for groups.
    pub home: Option<String>,
    /// When the object was seen deleted; its name is held until `hold_names` has passed.
    pub deleted: Option<Timestamp>,
    /// What people called the object when it was last seen: `userPrincipalName`, or a group's display name.
    pub label: Option<String>,
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
    pub id_range: RangeInclusive<u32>,
    /// The home directory, with `{username}` where the name goes.
    pub home: String,
    /// How long a deleted object keeps its name; `None`: for ever.
    pub hold_names: Option<Duration>,
    /// Where Graph may have numbers and homes.
    pub mapped: MappedProperties,
}

/// The Graph properties that `[directory.attributes]` names for what the registry hands out, as they are
/// spelled in [`User::mapped`](super::User) and [`Group::mapped`](super::Group).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MappedProperties {
    /// For `uidNumber`, and with it the private `gidNumber` of a person.
    pub uid_number: Option<String>,
    /// For the `gidNumber` of a group.
    pub gid_number: Option<String>,
    /// For `homeDirectory`.
    pub home: Option<String>,
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
    /// The registry that holds exactly these records, as the store kept them.
    ///
    /// No two may claim one name; should that happen, the current name goes before the former one,
    /// then the lower object id, and the other claim is void.
    pub fn from_records(records: impl IntoIterator<Item = (ObjectId, Record)>) -> Self {
        let records: BTreeMap<_, _> = records.into_iter().collect();
        let mut holders = BTreeMap::new();
        let current = records
            .iter()
            .flat_map(|(&id, record)| Some((record.name.as_deref()?, id)));
        let former = records.iter().flat_map(|(&id, record)| {
            record
                .former_names
                .iter()
                .map(move |former| (former.name.as_str(), id))
        });
        for (name, id) in current.chain(former) {
            holders.entry(fold(name)).or_insert(id);
        }
        let numbers = |(&id, record): (&ObjectId, &Record)| {
            let former = record.former_numbers.clone();
            let held = former.into_iter().chain([record.number]);
            held.map(move |number| (number, id))
        };
        let numbers = records.iter().flat_map(numbers).collect();
        Self {
            records,
            holders,
            numbers,
        }
    }

    /// What the object holds; `None` when it was never registered.
    pub fn get(&self, id: impl Into<ObjectId>) -> Option<&Record> {
        self.records.get(&id.into())
    }

    /// Who holds a name, in whatever spelling: as its current name, or as one still
    /// held after a rename or a deletion.
    ///
    /// A name whose hold has run out is free from the next [`register`] on.
    pub fn holder(&self, name: &str) -> Option<ObjectId> {
        self.holders.get(&fold(name)).copied()
    }

    /// Who has a number, or had it once.
    pub fn number_holder(&self, number: u32) -> Option<ObjectId> {
        self.numbers.holder(number)
    }

    /// The objects that were deleted in the tenant and last had this label, case ignored, or still hold
    /// this as a name: for questions about somebody who is gone.
    pub fn deleted_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (ObjectId, &'a Record)> {
        let wanted = fold(name);
        self.iter().filter(move |(_, record)| {
            let label = record.label.as_deref().map(fold);
            let held = record.name.as_deref().map(fold);
            record.deleted.is_some()
                && (label.as_ref() == Some(&wanted) || held.as_ref() == Some(&wanted))
        })
    }

    /// Every record, by object id.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, &Record)> {
        self.records.iter().map(|(&id, record)| (id, record))
    }

    /// How many objects were ever registered.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Nothing was ever registered.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Makes `name`, which must be free or held by `id` itself, the current name of `id`.
    fn give_name(&mut self, id: ObjectId, name: String, now: Timestamp) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        let folded = fold(&name);
        record
            .former_names
            .retain(|former| fold(&former.name) != folded);
        if let Some(old) = record.name.replace(name)
            && fold(&old) != folded
        {
            record.former_names.push(FormerName {
                name: old,
                released: now,
            });
        }
        self.holders.insert(folded, id);
    }

    /// Takes a name away without holding it, the current one or one held: whoever beat the object to it gets it now.
    fn take_name(&mut self, id: ObjectId, name: &str) {
        let folded = fold(name);
        if let Some(record) = self.records.get_mut(&id) {
            record.name = record.name.take().filter(|current| fold(current) != folded);
            record
                .former_names
                .retain(|former| fold(&former.name) != folded);
        }
        self.free(&folded, id);
    }

    /// Lets go of every name that has been held for `hold` since its object was deleted or renamed.
    fn release_expired(&mut self, policy: &Policy, now: Timestamp) {
        let Some(hold) = policy.hold_names else {
            return;
        };
        let has_passed = |since: Timestamp| held_long_enough(since, now, hold);
        let mut released = Vec::new();
        for (&id, record) in &mut self.records {
            let is_gone = record.deleted.is_some_and(has_passed);
            let home = record.home.as_deref();
            record.former_names.retain(|former| {
                let is_over = is_gone || has_passed(former.released);
                let stays = !is_over || !is_gone && is_lived_in(home, former, policy);
                if !stays {
                    released.push((fold(&former.name), id));
                }
                stays
            });
            if is_gone && let Some(name) = record.name.take() {
                record.home = None;
                released.push((fold(&name), id));
            }
        }
        for (folded, id) in released {
            self.free(&folded, id);
        }
    }

    /// Whether the hold of some name has run out, so that registering would let go of it.
    pub fn is_due(&self, policy: &Policy, now: Timestamp) -> bool {
        let Some(hold) = policy.hold_names else {
            return false;
        };
        let has_passed = |since: Timestamp| held_long_enough(since, now, hold);
        self.records.values().any(|record| {
            if record.deleted.is_some_and(has_passed) {
                return record.name.is_some() || !record.former_names.is_empty();
            }
            let home = record.home.as_deref();
            let mut over = record.former_names.iter();
            over.any(|former| has_passed(former.released) && !is_lived_in(home, former, policy))
        })
    }

    fn free(&mut self, folded: &str, id: ObjectId) {
        if self.holders.get(folded) == Some(&id) {
            self.holders.remove(folded);
        }
    }
}

impl Policy {
    /// The home directory that a person of this username gets at first registration.
    pub fn home_of(&self, username: &str) -> String {
        self.home.replace("{username}", username)
    }

    /// A host would trust this name, so it is not served.
    fn is_reserved(&self, name: &str) -> bool {
        self.reserved_names.contains(&fold(name))
    }
}

/// The home directory outlives a rename: a newcomer of that name would move in with its owner.
fn is_lived_in(home: Option<&str>, former: &FormerName, policy: &Policy) -> bool {
    home == Some(policy.home_of(&former.name).as_str())
}

fn held_long_enough(since: Timestamp, now: Timestamp, hold: Duration) -> bool {
    // A hold too long for the calendar never ends.
    SignedDuration::try_from(hold).is_ok_and(|hold| now.duration_since(since) >= hold)
}

#[cfg(test)]
mod tests;
