//! How two readings of the same objects differ, in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::Shared;

/// How many objects are new, different or gone; replays of what is known count for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the new reading only.
    pub added: usize,
    /// In both, and different.
    pub changed: usize,
    /// In the old reading only.
    pub removed: usize,
}

impl Tally {
    /// The difference from `old` to `new`.
    pub fn between<K: Ord, V: PartialEq>(
        old: &Shared<BTreeMap<K, Arc<V>>>,
        new: &Shared<BTreeMap<K, Arc<V>>>,
    ) -> Self {
        let mut tally = Self::default();
        if old.is_same(new) {
            return tally;
        }
        for (id, object) in new {
            match old.get(id) {
                None => tally.added += 1,
                Some(known) if Arc::ptr_eq(known, object) || known == object => {}
                Some(_) => tally.changed += 1,
            }
        }
        tally.removed = old.len() + tally.added - new.len();
        tally
    }

    /// Nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
