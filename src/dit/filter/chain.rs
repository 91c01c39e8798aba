//! The rule "in chain": a DN attribute that leads to an entry, directly or over others.
//!
//! `member` and `memberOf` are served with nested groups already expanded, through groups that are not imported
//! too, so for them the chain is what equality finds. Other attributes, such as `manager`, are followed from
//! entry to entry.

use std::collections::BTreeSet;

use super::{MEMBER, MEMBER_OF, Node, Truth, equality};
use crate::dit::index::EntryId;
use crate::dit::matching::Rule;
use crate::dit::schema::AttributeId;
use crate::dit::snapshot::Snapshot;

/// Entries that one evaluation passes through at most: longer chains are no line of managers.
const STEPS_MAX: usize = 256;

/// A chain of an attribute to one name.
#[derive(Debug)]
pub(super) struct Chain {
    attribute: AttributeId,
    /// The normal form of the name it must lead to.
    target: Vec<u8>,
}

/// The node for a chain to a name; `None` when that is none.
pub(super) fn chain<'s>(
    attribute: AttributeId,
    value: &[u8],
    snapshot: &'s Snapshot,
) -> Option<Node<'s>> {
    let target = Rule::DistinguishedName.normalise(value)?.into_owned();
    Some(match attribute {
        MEMBER | MEMBER_OF => equality(attribute, value, snapshot),
        // Whatever names an entry names one that is there: nothing leads to another.
        _ if snapshot.find_normalised(&target).is_none() => Node::Constant(Truth::False),
        _ => Node::Chain(Chain { attribute, target }),
    })
}

impl Chain {
    /// Whether the attribute leads from the entry to the name.
    pub(super) fn holds(&self, entry: EntryId, snapshot: &Snapshot) -> bool {
        let mut seen = BTreeSet::from([entry]);
        let mut open = vec![entry];
        while let Some(entry) = open.pop() {
            for value in snapshot.entry(entry).values(self.attribute) {
                let Some(name) = Rule::DistinguishedName.normalise(value) else {
                    continue;
                };
                if *name == *self.target {
                    return true;
                }
                let next = snapshot.find_normalised(&name);
                if let Some(next) = next.filter(|_| seen.len() < STEPS_MAX)
                    && seen.insert(next)
                {
                    open.push(next);
                }
            }
        }
        false
    }
}
