//! From two states to the records that turn one into the other.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use sled::Batch;

use super::key::Key;
use super::record::{
    DecisionRecord, GenerationRecord, GroupRecord, HeldKindsRecord, MemberRecord, MemoryRecord,
    OverrideRecord, PinRecord, ProgressRecord, RegistrationRecord, StampRecord, UserRecord,
    WithheldGroupRecord, WithheldUserRecord, encode,
};
use super::{CommitStats, Generation};
use crate::directory::{
    Decisions, Group, GroupId, Groups, Guard, Overrides, Progress, Registry, Stamps, State, Users,
    Withheld,
};

/// The records to write and to remove, and how many.
#[derive(Default)]
pub(super) struct Changes {
    batch: Batch,
    written: usize,
    removed: usize,
}

impl Changes {
    /// Everything in which `new` differs from `old`.
    pub(super) fn between(old: &State, new: &State) -> Self {
        let mut changes = Self::default();
        let (before, after) = (&old.directory, &new.directory);
        if !before.users.is_same(&after.users) {
            changes.note_users(&before.users, &after.users);
        }
        if !before.groups.is_same(&after.groups) {
            changes.note_groups(&before.groups, &after.groups);
        }
        if !before.decisions.is_same(&after.decisions) {
            changes.note_decisions(&before.decisions, &after.decisions);
        }
        if !before.registry.is_same(&after.registry) {
            changes.note_registry(&before.registry, &after.registry);
        }
        for (name, old, new) in merge(&before.pins, &after.pins) {
            changes.note(Key::Pin(name), old, new, |id| encode::<PinRecord>(*id));
        }
        if !old.stamps.is_same(&new.stamps) {
            changes.note_stamps(&old.stamps, &new.stamps);
        }
        changes.note_withheld(&before.withheld, &after.withheld);
        if !before.overrides.is_same(&after.overrides) {
            changes.note_overrides(&before.overrides, &after.overrides);
        }
        changes.note_guard(&before.guard, &after.guard);
        changes.note_progress(&old.progress, &new.progress);
        changes
    }

    fn note_users(&mut self, old: &Users, new: &Users) {
        for (id, old, new) in merge(old, new) {
            if !is_shared(old, new) {
                self.note(Key::User(*id), old, new, |user| {
                    encode::<UserRecord>(&**user)
                });
            }
        }
    }

    fn note_groups(&mut self, old: &Groups, new: &Groups) {
        for (id, old, new) in merge(old, new) {
            if !is_shared(old, new) {
                self.note_group(*id, old, new);
            }
        }
    }

    fn note_registry(&mut self, old: &Registry, new: &Registry) {
        for (id, old, new) in merge(old.iter(), new.iter()) {
            self.note(
                Key::Registration(id),
                old,
                new,
                encode::<RegistrationRecord>,
            );
        }
    }

    fn note_stamps(&mut self, old: &Stamps, new: &Stamps) {
        for (id, old, new) in merge(old, new) {
            self.note(Key::Stamp(*id), old, new, |stamp| {
                encode::<StampRecord>(*stamp)
            });
        }
    }

    /// A group's own record and those of its members, each only if it differs.
    fn note_group(&mut self, id: GroupId, old: Option<&Arc<Group>>, new: Option<&Arc<Group>>) {
        let record = |group: &Arc<Group>| GroupRecord::from(&**group);
        self.note(
            Key::Group(id),
            old.map(record),
            new.map(record),
            encode::<GroupRecord>,
        );
        let nobody = BTreeMap::new();
        let before = old.map_or(&nobody, |group| &group.members);
        let after = new.map_or(&nobody, |group| &group.members);
        for (&member, old, new) in merge(before, after) {
            self.note(Key::Member(id, member), old, new, |member| {
                encode::<MemberRecord>(*member)
            });
        }
    }

    fn note_decisions(&mut self, old: &Decisions, new: &Decisions) {
        for (id, old, new) in merge(&old.users, &new.users) {
            self.note(Key::UserDecision(*id), old, new, encode::<DecisionRecord>);
        }
        for (id, old, new) in merge(&old.groups, &new.groups) {
            self.note(Key::GroupDecision(*id), old, new, encode::<DecisionRecord>);
        }
    }

    fn note_withheld(&mut self, old: &Withheld, new: &Withheld) {
        for (id, old, new) in merge(&old.users, &new.users) {
            self.note(Key::WithheldUser(*id), old, new, |user| {
                encode::<WithheldUserRecord>(user.as_deref())
            });
        }
        for (id, old, new) in merge(&old.groups, &new.groups) {
            self.note(Key::WithheldGroup(*id), old, new, |group| {
                encode::<WithheldGroupRecord>(group.as_deref())
            });
        }
    }

    fn note_overrides(&mut self, old: &Overrides, new: &Overrides) {
        for (id, old, new) in merge(&old.objects, &new.objects) {
            self.note(Key::Override(*id), old, new, encode::<OverrideRecord>);
        }
        for (name, old, new) in merge(&old.awaited, &new.awaited) {
            let key = Key::AwaitedOverride(name);
            self.note(key, old, new, encode::<OverrideRecord>);
        }
    }

    fn note_guard(&mut self, old: &Guard, new: &Guard) {
        for (subject, old, new) in merge(&old.subjects, &new.subjects) {
            self.note(Key::Remembered(*subject), old, new, encode::<MemoryRecord>);
        }
        let held = |guard: &'_ Guard| (!guard.held.is_empty()).then(|| guard.held.clone());
        self.note(Key::HeldKinds, held(old), held(new), |held| {
            encode::<HeldKindsRecord>(held.iter().collect::<HeldKindsRecord>())
        });
    }

    fn note_progress(&mut self, old: &Progress, new: &Progress) {
        for (key, old, new) in [
            (Key::UsersProgress, &old.users, &new.users),
            (Key::GroupsProgress, &old.groups, &new.groups),
        ] {
            self.note(key, Some(old), Some(new), encode::<ProgressRecord>);
        }
    }

    /// Takes up one record, unless it is as before.
    fn note<V: PartialEq>(
        &mut self,
        key: Key<'_>,
        old: Option<V>,
        new: Option<V>,
        record: impl FnOnce(V) -> Vec<u8>,
    ) {
        if old == new {
            return;
        }
        match new {
            Some(value) => {
                self.batch.insert(key.to_bytes(), record(value));
                self.written += 1;
            }
            None => {
                self.batch.remove(key.to_bytes());
                self.removed += 1;
            }
        }
    }

    /// Nothing differs.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0 && self.removed == 0
    }

    /// What is to be written, the commit counter included, as one batch.
    pub(super) fn seal(mut self, generation: Generation) -> (Batch, CommitStats) {
        let record = encode::<GenerationRecord>(generation);
        self.batch.insert(Key::Generation.to_bytes(), record);
        let stats = CommitStats {
            written: self.written,
            removed: self.removed,
            generation,
        };
        (self.batch, stats)
    }
}

/// Both states hold the very same value, so there is nothing to compare.
fn is_shared<T>(old: Option<&Arc<T>>, new: Option<&Arc<T>>) -> bool {
    old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new))
}

/// Walks two sequences sorted by key side by side: each key once, with what either side has for it.
fn merge<K: Ord, V>(
    old: impl IntoIterator<Item = (K, V)>,
    new: impl IntoIterator<Item = (K, V)>,
) -> impl Iterator<Item = (K, Option<V>, Option<V>)> {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let before = old.next_if(|_| order.is_le());
        let after = new.next_if(|_| order.is_ge());
        match (before, after) {
            (Some((key, old)), Some((_, new))) => Some((key, Some(old), Some(new))),
            (Some((key, old)), None) => Some((key, Some(old), None)),
            (None, Some((key, new))) => Some((key, None, Some(new))),
            (None, None) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_meets_every_key_once_and_in_order() {
        let old = [(1, 'a'), (3, 'b'), (4, 'c')];
        let new = [(0, 'x'), (3, 'y'), (9, 'z')];
        let met: Vec<_> = merge(old, new).collect();
        let expected = [
            (0, None, Some('x')),
            (1, Some('a'), None),
            (3, Some('b'), Some('y')),
            (4, Some('c'), None),
            (9, None, Some('z')),
        ];
        assert_eq!(met, expected);
    }
}
