//! What the mass-change guard remembers (product contract §3): who moved lately, what is held back, what was accepted.
//!
//! Data only; `sync` judges by it. It is part of the [`Directory`](super::Directory), so a restart forgets nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{GroupId, ObjectId, Reason, UserId};

/// The guard's memory. Bounded by the tenant: one entry for each subject that moved within a day or is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Everybody and everything there is something to remember about.
    pub subjects: BTreeMap<Subject, Memory>,
    /// The kinds of change that are held back now, with their figures.
    pub held: BTreeMap<ChangeKind, HeldKind>,
}

/// Who or what moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A person, who is active or not.
    Person(UserId),
    /// An object in a group: directly where it is held or accepted, through nested groups too where it moved.
    Membership(GroupId, ObjectId),
    /// A group, which is served or not.
    Group(GroupId),
}

/// What is remembered about one subject; never all `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// It moved within the last day: the guard counts from where it stood before.
    pub moved: Option<Moved>,
    /// Its change is held back.
    pub held: Option<HeldChange>,
    /// An administrator has accepted its change.
    pub accepted: Option<Accepted>,
}

/// Where a subject stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not there: deleted, or no member.
    Absent,
    /// There, and not served: an inactive person, a group that is not imported.
    Inactive,
    /// An active person, a group served, a member.
    Active,
}

/// A move of the last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where the subject stood before its first move.
    pub from: Standing,
    /// When it first moved.
    pub at: Timestamp,
}

/// A change that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldChange {
    /// Which kind of change.
    pub kind: ChangeKind,
    /// As it is served.
    pub from: Standing,
    /// As the tenant and the rules would have it.
    pub to: Standing,
    /// Why a person or group would be out; `None` when it would be in, or is gone from the tenant.
    pub reason: Option<Reason>,
    /// Since when it is held.
    pub since: Timestamp,
}

/// A change that an administrator let pass; it passes for a day, and is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it leads to; another change is judged on its own.
    pub to: Standing,
    /// When it was accepted.
    pub at: Timestamp,
}

/// The kinds of change that the guard counts apart, in people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Active people who become inactive.
    Deactivated,
    /// Inactive or new people who become active.
    Activated,
    /// Active people who are deleted.
    Removed,
    /// People who lose a membership in a served group.
    MembershipsLost,
    /// People who gain a membership in a served group that the tenant had before.
    MembershipsGained,
}

impl ChangeKind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Deactivated,
        Self::Activated,
        Self::Removed,
        Self::MembershipsLost,
        Self::MembershipsGained,
    ];

    /// The end of the sentence "42 of 120 people would …".
    pub fn predicate(self) -> &'static str {
        match self {
            Self::Deactivated => "be deactivated",
            Self::Activated => "be activated",
            Self::Removed => "be removed",
            Self::MembershipsLost => "lose a group",
            Self::MembershipsGained => "gain a group",
        }
    }
}

/// The figures of a kind of change that is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldKind {
    /// How many people it concerns, those who moved within the last day included.
    pub people: usize,
    /// How many people were active before.
    pub active: usize,
    /// `sync.max_change`, in percent.
    pub max_change: u8,
    /// Since when it is held.
    pub since: Timestamp,
}

impl Memory {
    /// There is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
