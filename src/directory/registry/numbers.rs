//! Numbers derived from object ids, and the next free one where two fall together.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use crate::directory::ObjectId;

/// Kept apart from every other use of a hash of the object id. Changing it renumbers new tenants.
const DOMAIN: &[u8] = b"ldap365 posix number 1\0";

/// Every number in use and whose it is or was; none is ever given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    holders: BTreeMap<u32, ObjectId>,
}

/// Should one number come twice, it belongs to whoever comes first.
impl FromIterator<(u32, ObjectId)> for Numbers {
    fn from_iter<I: IntoIterator<Item = (u32, ObjectId)>>(held: I) -> Self {
        let mut numbers = Self::default();
        for (number, id) in held {
            numbers.take_exactly(number, id);
        }
        numbers
    }
}

impl Numbers {
    /// How many numbers of the range are free.
    pub(super) fn free_in(&self, range: &RangeInclusive<u32>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        size(range) - self.holders.range(range.clone()).count() as u64
    }

    /// Takes the number derived from the object id, or the next free one after it, round the range.
    ///
    /// `None` when the range is used up.
    pub(super) fn take(&mut self, id: ObjectId, range: &RangeInclusive<u32>) -> Option<u32> {
        let derived = derive(id, range)?;
        let number = self
            .first_free(derived..=*range.end())
            .or_else(|| self.first_free(*range.start()..=derived))?;
        self.holders.insert(number, id);
        Some(number)
    }

    /// Takes this very number, unless it is or was somebody's.
    pub(super) fn take_exactly(&mut self, number: u32, id: ObjectId) {
        self.holders.entry(number).or_insert(id);
    }

    /// Whose it is or was.
    pub(super) fn holder(&self, number: u32) -> Option<ObjectId> {
        self.holders.get(&number).copied()
    }

    fn first_free(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let mut used = self.holders.range(range.clone());
        let mut is_used = |number: &u32| used.next().is_some_and(|(used, _)| used == number);
        range.into_iter().find(|number| !is_used(number))
    }
}

/// The number that any server derives from this object id: SHA-256, modulo the size of the range.
///
/// `None` when the range is empty.
pub(super) fn derive(id: ObjectId, range: &RangeInclusive<u32>) -> Option<u32> {
    if range.is_empty() {
        return None;
    }
    let digest = Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(id.as_bytes())
        .finalize();
    let head: [u8; 8] = std::array::from_fn(|i| digest[i]);
    let offset = u64::from_be_bytes(head) % size(range);
    u32::try_from(u64::from(*range.start()) + offset).ok()
}

fn size(range: &RangeInclusive<u32>) -> u64 {
    u64::from(*range.end()) - u64::from(*range.start()) + 1
}
