//! Inverted indexes: from a value's normal form to the entries that have it, exactly.

use std::collections::HashMap;

/// The place of an entry in a snapshot.
pub type EntryId = u32;

/// The entries that have one value, in ascending order.
#[derive(Debug)]
enum Posting {
    One(EntryId),
    Many(Vec<EntryId>),
}

/// Equality and presence of one attribute type.
#[derive(Debug, Default)]
pub struct Index {
    equal: HashMap<Box<[u8]>, Posting>,
    present: Vec<EntryId>,
}

impl Index {
    /// Notes that the entry has the attribute. Entries must come in ascending order.
    pub fn add_presence(&mut self, entry: EntryId) {
        if self.present.last() != Some(&entry) {
            self.present.push(entry);
        }
    }

    /// Notes that the entry has a value with this normal form. Entries must come in ascending order.
    pub fn add(&mut self, key: &[u8], entry: EntryId) {
        match self.equal.get_mut(key) {
            None => {
                self.equal.insert(key.into(), Posting::One(entry));
            }
            Some(Posting::One(only)) if *only == entry => {}
            Some(posting @ Posting::One(_)) => {
                let first = posting.entries()[0];
                *posting = Posting::Many(vec![first, entry]);
            }
            Some(Posting::Many(entries)) => {
                if entries.last() != Some(&entry) {
                    entries.push(entry);
                }
            }
        }
    }

    /// The entries with a value of this normal form.
    pub fn equal(&self, key: &[u8]) -> &[EntryId] {
        self.equal.get(key).map_or(&[], Posting::entries)
    }

    /// The entries that have the attribute.
    pub fn present(&self) -> &[EntryId] {
        &self.present
    }
}

impl Posting {
    fn entries(&self) -> &[EntryId] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }
}

/// For each of a run of entries, the entries it is linked to, in ascending order, in two allocations.
#[derive(Debug, Default)]
pub struct Links {
    /// Of the run's first entry.
    first: EntryId,
    /// Where the links of each entry start in `to`; one more than entries.
    offsets: Vec<u32>,
    to: Vec<EntryId>,
    /// The entries of the run that have any link.
    linked: Vec<EntryId>,
}

impl Links {
    /// Links for consecutive entries starting at `first`; each list must be ascending.
    pub fn new(first: EntryId, lists: impl IntoIterator<Item = Vec<EntryId>>) -> Self {
        let mut links = Self {
            first,
            offsets: vec![0],
            ..Self::default()
        };
        for (list, entry) in lists.into_iter().zip(first..) {
            if !list.is_empty() {
                links.linked.push(entry);
            }
            links.to.extend_from_slice(&list);
            links.offsets.push(links.to.len() as u32);
        }
        links.to.shrink_to_fit();
        links
    }

    /// The entries that `entry` is linked to; none for an entry outside the run.
    pub fn of(&self, entry: EntryId) -> &[EntryId] {
        let Some(place) = entry.checked_sub(self.first).map(|place| place as usize) else {
            return &[];
        };
        match (self.offsets.get(place), self.offsets.get(place + 1)) {
            (Some(&start), Some(&end)) => &self.to[start as usize..end as usize],
            _ => &[],
        }
    }

    /// The entries of the run that have any link.
    pub fn linked(&self) -> &[EntryId] {
        &self.linked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_are_ascending_and_without_repetition() {
        let mut index = Index::default();
        for (key, entry) in [("a", 1), ("a", 1), ("b", 2), ("a", 3), ("a", 3), ("a", 7)] {
            index.add(key.as_bytes(), entry);
            index.add_presence(entry);
        }
        assert_eq!(index.equal(b"a"), [1, 3, 7]);
        assert_eq!(index.equal(b"b"), [2]);
        assert_eq!(index.equal(b"c"), [0; 0]);
        assert_eq!(index.present(), [1, 2, 3, 7]);
    }

    #[test]
    fn links_belong_to_their_entry_only() {
        let links = Links::new(10, [vec![1, 2], vec![], vec![3]]);
        assert_eq!(links.of(10), [1, 2]);
        assert_eq!(links.of(11), [0; 0]);
        assert_eq!(links.of(12), [3]);
        assert_eq!(links.of(13), [0; 0]);
        assert_eq!(links.of(9), [0; 0]);
        assert_eq!(links.linked(), [10, 12]);
    }
}
