//! Server-side sort (RFC 2891): the keys resolved against the schema, and entries put in their order.

use std::cmp::Ordering;

use ldap3_proto::proto::LdapResultCode;

use crate::dit::matching::{Form, Rule};
use crate::dit::schema::{self, AttributeId};
use crate::dit::{EntryId, Snapshot};
use crate::ldap::control::{SortKey, SortOutcome};

/// Entries sorted for one search at most.
const ENTRIES_MAX: usize = 200_000;
/// Octets of sort keys held for one search at most.
const KEY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Entries on their way to being sorted.
pub struct Sorter {
    keys: Vec<Key>,
    rows: Vec<Row>,
    key_bytes: usize,
}

struct Key {
    attributes: &'static [AttributeId],
    rule: Rule,
    is_reverse: bool,
}

/// The normal form of the least value of each key, and the entry.
struct Row {
    values: Box<[Option<Box<[u8]>>]>,
    entry: EntryId,
}

impl Sorter {
    /// Resolves the keys; fails with the reason for which nothing can be sorted by them.
    pub fn new(keys: &[SortKey]) -> Result<Self, SortOutcome> {
        Ok(Self {
            keys: keys.iter().map(resolve).collect::<Result<_, _>>()?,
            rows: Vec::new(),
            key_bytes: 0,
        })
    }

    /// Takes in an entry; `false` when there are too many.
    pub fn add(&mut self, snapshot: &Snapshot, entry: EntryId) -> bool {
        let values: Box<[_]> = self
            .keys
            .iter()
            .map(|key| least(key, snapshot, entry))
            .collect();
        let held = values.iter().flatten();
        self.key_bytes += held.map(|value| value.len()).sum::<usize>();
        if self.rows.len() == ENTRIES_MAX || self.key_bytes > KEY_BYTES_MAX {
            return false;
        }
        self.rows.push(Row { values, entry });
        true
    }

    /// The entries in order; equal ones stay as they came.
    pub fn finish(mut self) -> Vec<EntryId> {
        let keys = &self.keys;
        self.rows.sort_by(|left, right| {
            let pairs = left.values.iter().zip(&right.values);
            let mut orders = keys
                .iter()
                .zip(pairs)
                .map(|(key, (l, r))| key.compare(l, r));
            orders
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        self.rows.into_iter().map(|row| row.entry).collect()
    }
}

impl Key {
    /// Absent values are larger than all others, and so come first in reverse (RFC 2891 §2.2).
    fn compare(&self, left: &Option<Box<[u8]>>, right: &Option<Box<[u8]>>) -> Ordering {
        let order = match (left, right) {
            (Some(left), Some(right)) => self.rule.compare(left, right),
            (left, right) => left.is_none().cmp(&right.is_none()),
        };
        if self.is_reverse {
            order.reverse()
        } else {
            order
        }
    }
}

fn resolve(key: &SortKey) -> Result<Key, SortOutcome> {
    let failed = |code| SortOutcome {
        code,
        attribute: Some(key.attribute.to_string()),
    };
    let attribute =
        schema::lookup(key.attribute).ok_or_else(|| failed(LdapResultCode::NoSuchAttribute))?;
    let rule = match key.rule {
        None => attribute.get().kind.ordering(),
        Some(name) => Rule::lookup(name)
            .filter(|rule| rule.form() == Form::Ordering && rule.fits(attribute.get().kind)),
    };
    Ok(Key {
        attributes: attribute.with_subtypes(),
        rule: rule.ok_or_else(|| failed(LdapResultCode::InappropriateMatching))?,
        is_reverse: key.is_reverse,
    })
}

fn least(key: &Key, snapshot: &Snapshot, entry: EntryId) -> Option<Box<[u8]>> {
    let entry = snapshot.entry(entry);
    let values = key
        .attributes
        .iter()
        .flat_map(|&attribute| entry.values(attribute));
    let forms = values.filter_map(|value| key.rule.normalise(value));
    let least = forms.min_by(|left, right| key.rule.compare(left, right));
    least.map(|value| value.into_owned().into())
}
