//! Who would be deactivated, activated or removed.

use std::collections::{BTreeMap, BTreeSet};

use super::{is_accepted, moved_from};
use crate::directory::guard::{ChangeKind, Guard, Standing, Subject};
use crate::directory::{Directory, UserId};

/// All changes of people between two states.
pub(super) struct People {
    /// How many people were active a day ago.
    pub(super) active: usize,
    /// How many people each kind of change concerns, those who moved within the last day included.
    pub(super) counted: BTreeMap<ChangeKind, usize>,
    /// Everybody who moves now.
    pub(super) changes: Vec<Change>,
}

/// Somebody who moves now.
pub(super) struct Change {
    pub(super) id: UserId,
    pub(super) from: Standing,
    pub(super) to: Standing,
    /// What it comes to since a day ago; `None` for a way back, and for what takes nothing from anybody.
    pub(super) kind: Option<ChangeKind>,
    pub(super) is_accepted: bool,
}

impl People {
    pub(super) fn of(before: &Directory, after: &Directory, guard: &Guard) -> Self {
        let mut people = Self {
            active: 0,
            counted: BTreeMap::new(),
            changes: Vec::new(),
        };
        let gone = guard.subjects.keys().filter_map(|subject| match subject {
            Subject::Person(id) => Some(id),
            _ => None,
        });
        let ids: BTreeSet<UserId> = before
            .users
            .keys()
            .chain(after.users.keys())
            .chain(gone)
            .copied()
            .collect();
        for id in ids {
            people.look_at(id, standing(before, id), standing(after, id), guard);
        }
        people
    }

    fn look_at(&mut self, id: UserId, from: Standing, to: Standing, guard: &Guard) {
        let subject = Subject::Person(id);
        // What was accepted counts as if it had always been so, before it is done and after.
        let is_accepted = is_accepted(guard, subject, to);
        let origin = match is_accepted {
            true => to,
            false => moved_from(guard, subject).unwrap_or(from),
        };
        self.active += usize::from(origin == Standing::Active);
        let kind = kind(origin, to);
        if let Some(kind) = kind {
            *self.counted.entry(kind).or_default() += 1;
        }
        if from != to {
            self.changes.push(Change {
                id,
                from,
                to,
                kind,
                is_accepted,
            });
        }
    }
}

impl Change {
    /// Where the person stands while the change is held: somebody new arrives inactive.
    pub(super) fn held_at(&self) -> Standing {
        self.from.max(Standing::Inactive)
    }

    /// Whether holding it back would make a difference to anybody now.
    pub(super) fn can_be_held(&self) -> bool {
        !self.is_accepted && kind(self.from, self.to).is_some()
    }
}

fn standing(directory: &Directory, id: UserId) -> Standing {
    match (
        directory.users.contains_key(&id),
        directory.decisions.is_active(id),
    ) {
        (false, _) => Standing::Absent,
        (true, false) => Standing::Inactive,
        (true, true) => Standing::Active,
    }
}

fn kind(from: Standing, to: Standing) -> Option<ChangeKind> {
    match (from, to) {
        (Standing::Active, Standing::Inactive) => Some(ChangeKind::Deactivated),
        (Standing::Active, Standing::Absent) => Some(ChangeKind::Removed),
        (Standing::Absent | Standing::Inactive, Standing::Active) => Some(ChangeKind::Activated),
        _ => None,
    }
}
