//! Search filters (RFC 4511 §4.5.1.7) in three-valued logic, answered from the indexes.
//!
//! A [`Filter`] is what a client sent. [`compile`] resolves it against a snapshot: whatever an index
//! answers exactly becomes a list of entries, the rest a test on values. [`Plan::candidates`]
//! names the entries worth testing, [`Plan::matches`] tests one.

mod chain;
mod extensible;
mod values;

use std::borrow::Cow;
use std::cmp::Ordering;

use super::arena::Encoded;
use super::index::EntryId;
use super::matching::{Part, Rule};
use super::schema::{self, AttributeId, id};
use super::snapshot::{EntryKind, Snapshot};
use chain::Chain;
use extensible::extensible;
pub use values::ValuesReturn;

/// A search filter, borrowing from the request. Attribute descriptions are as sent; one that is not
/// UTF-8 is given as the empty text, which names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter<'m> {
    /// All of these; without any: absolute true (RFC 4526).
    And(Vec<Filter<'m>>),
    /// One of these; without any: absolute false (RFC 4526).
    Or(Vec<Filter<'m>>),
    /// Not this.
    Not(Box<Filter<'m>>),
    /// `(attribute=value)`
    Equality(Ava<'m>),
    /// `(attribute=initial*any*final)`
    Substrings {
        /// The attribute description.
        attribute: &'m str,
        /// The parts in order.
        parts: Vec<(Part, &'m [u8])>,
    },
    /// `(attribute>=value)`
    GreaterOrEqual(Ava<'m>),
    /// `(attribute<=value)`
    LessOrEqual(Ava<'m>),
    /// `(attribute=*)`
    Present(&'m str),
    /// `(attribute~=value)`: as equality.
    Approx(Ava<'m>),
    /// `(attribute:dn:rule:=value)`
    Extensible {
        /// The matching rule, by name or OID.
        rule: Option<&'m str>,
        /// The attribute description; without one the rule applies to every attribute it fits.
        attribute: Option<&'m str>,
        /// The assertion value.
        value: &'m [u8],
        /// Values in the entry's DN count too.
        dn_attributes: bool,
    },
}

/// An attribute value assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ava<'m> {
    /// The attribute description.
    pub attribute: &'m str,
    /// The assertion value.
    pub value: &'m [u8],
}

/// The outcome of a filter on an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It matches.
    True,
    /// It does not.
    False,
    /// Nobody can say: an attribute, rule or value the schema does not know. `Not` keeps it so.
    Undefined,
}

/// A filter resolved against one snapshot.
#[derive(Debug)]
pub struct Plan<'s> {
    snapshot: &'s Snapshot,
    node: Node<'s>,
}

#[derive(Debug)]
enum Node<'s> {
    /// The same for every entry.
    Constant(Truth),
    /// True for exactly these entries, false for the others.
    Entries(Cow<'s, [EntryId]>),
    And(Vec<Node<'s>>),
    Or(Vec<Node<'s>>),
    Not(Box<Node<'s>>),
    Test(Test),
    Chain(Chain),
}

/// A test on the values of attributes.
#[derive(Debug)]
struct Test {
    attributes: Cow<'static, [AttributeId]>,
    dn_attributes: bool,
    assertion: Assertion,
}

/// What a value must satisfy, in normal form.
#[derive(Debug)]
enum Assertion {
    Equal(Rule, Vec<u8>),
    AtLeast(Rule, Vec<u8>),
    AtMost(Rule, Vec<u8>),
    Less(Rule, Vec<u8>),
    Substrings(Rule, Vec<(Part, Vec<u8>)>),
    /// All of these bits are set.
    AllBits(i64),
    /// One of these bits is set.
    AnyBit(i64),
}

const MEMBER: AttributeId = id("member");
const MEMBER_UID: AttributeId = id("memberUid");
const MEMBER_OF: AttributeId = id("memberOf");
const UID: AttributeId = id("uid");
const ENTRY_DN: AttributeId = id("entryDN");

/// Resolves a filter against a snapshot.
pub fn compile<'s>(filter: &Filter, snapshot: &'s Snapshot) -> Plan<'s> {
    Plan {
        snapshot,
        node: resolve(filter, snapshot),
    }
}

fn resolve<'s>(filter: &Filter, snapshot: &'s Snapshot) -> Node<'s> {
    match filter {
        Filter::And(filters) => Node::And(filters.iter().map(|f| resolve(f, snapshot)).collect()),
        Filter::Or(filters) => any_of(filters.iter().map(|f| resolve(f, snapshot))),
        Filter::Not(filter) => Node::Not(Box::new(resolve(filter, snapshot))),
        Filter::Present(attribute) => on_attribute(attribute, |id| present(id, snapshot)),
        Filter::Equality(ava) | Filter::Approx(ava) => {
            on_attribute(ava.attribute, |id| equality(id, ava.value, snapshot))
        }
        Filter::GreaterOrEqual(ava) => on_attribute(ava.attribute, |id| {
            ordering(id, ava.value, Assertion::AtLeast)
        }),
        Filter::LessOrEqual(ava) => on_attribute(ava.attribute, |id| {
            ordering(id, ava.value, Assertion::AtMost)
        }),
        Filter::Substrings { attribute, parts } => {
            on_attribute(attribute, |id| substrings(id, parts))
        }
        Filter::Extensible {
            rule,
            attribute,
            value,
            dn_attributes,
        } => extensible(*rule, *attribute, value, *dn_attributes, snapshot).unwrap_or(UNDEFINED),
    }
}

const UNDEFINED: Node<'static> = Node::Constant(Truth::Undefined);

/// The node for an attribute description: one for the type itself and each type below it. No value
/// of ours is tagged with a language, so a description that is (RFC 3866) matches none; any other option is
/// one we do not know, and the description with it.
fn on_attribute<'s>(description: &str, node: impl Fn(AttributeId) -> Node<'s>) -> Node<'s> {
    match schema::lookup(description) {
        None if schema::is_language_tagged(description) => Node::Constant(Truth::False),
        None => UNDEFINED,
        Some(id) => any_of(id.with_subtypes().iter().map(|&id| node(id))),
    }
}

/// Lists of entries are joined to one up to this length; longer ones are looked into one by one, which
/// costs each entry tested a little, but no search the copying of the whole directory.
const JOINED_MAX: usize = 4096;

/// An Or, flattened to one list of entries where every part is one and they are short.
fn any_of<'s>(nodes: impl Iterator<Item = Node<'s>>) -> Node<'s> {
    let mut nodes: Vec<Node<'s>> = nodes.collect();
    if nodes.len() == 1 {
        return nodes.remove(0);
    }
    let mut union: Vec<EntryId> = Vec::new();
    for node in &nodes {
        match node {
            Node::Entries(entries) if union.len() + entries.len() <= JOINED_MAX => {
                union.extend_from_slice(entries);
            }
            _ => return Node::Or(nodes),
        }
    }
    union.sort_unstable();
    union.dedup();
    Node::Entries(union.into())
}

fn present(attribute: AttributeId, snapshot: &Snapshot) -> Node<'_> {
    match attribute {
        MEMBER | MEMBER_UID => Node::Entries(snapshot.groups_with_members().into()),
        MEMBER_OF => Node::Entries(snapshot.people_with_groups().into()),
        _ => Node::Entries(snapshot.index_of(attribute).present().into()),
    }
}

fn equality<'s>(attribute: AttributeId, value: &[u8], snapshot: &'s Snapshot) -> Node<'s> {
    let Some(rule) = attribute.get().kind.equality() else {
        return UNDEFINED;
    };
    let Some(key) = rule.normalise(value) else {
        return UNDEFINED;
    };
    match attribute {
        MEMBER => Node::Entries(linked(snapshot.find_normalised(&key), |person| {
            snapshot.groups_of(person)
        })),
        MEMBER_OF => Node::Entries(linked(snapshot.find_normalised(&key), |group| {
            snapshot.members(group)
        })),
        MEMBER_UID => Node::Entries(linked(person_named(value, snapshot), |person| {
            snapshot.groups_of(person)
        })),
        ENTRY_DN => Node::Entries(snapshot.find_normalised(&key).into_iter().collect()),
        _ if attribute.get().indexed => {
            Node::Entries(snapshot.index_of(attribute).equal(&key).into())
        }
        _ => test(attribute, Assertion::Equal(rule, key.into_owned())),
    }
}

fn linked<'s>(
    entry: Option<EntryId>,
    links: impl Fn(EntryId) -> &'s [EntryId],
) -> Cow<'s, [EntryId]> {
    entry.map_or(&[][..], links).into()
}

/// The person whose `uid` is exactly this: `memberUid` compares case (RFC 2307), the index of `uid` does not.
fn person_named(value: &[u8], snapshot: &Snapshot) -> Option<EntryId> {
    let folded = Rule::CaseIgnore.normalise(value)?;
    let exact = Rule::CaseExactIa5.normalise(value)?;
    let named = snapshot.index_of(UID).equal(&folded).iter().copied();
    let mut named = named.filter(|&entry| snapshot.head(entry).kind == EntryKind::Person);
    named.find(|&entry| snapshot.entry(entry).value(UID) == Some(exact.as_ref()))
}

fn ordering(
    attribute: AttributeId,
    value: &[u8],
    bound: fn(Rule, Vec<u8>) -> Assertion,
) -> Node<'static> {
    let Some(rule) = attribute.get().kind.ordering() else {
        return UNDEFINED;
    };
    match rule.normalise(value) {
        Some(key) => test(attribute, bound(rule, key.into_owned())),
        None => UNDEFINED,
    }
}

fn substrings(attribute: AttributeId, parts: &[(Part, &[u8])]) -> Node<'static> {
    let Some(rule) = attribute.get().kind.substrings() else {
        return UNDEFINED;
    };
    match normal_parts(rule, parts) {
        Some(parts) => test(attribute, Assertion::Substrings(rule, parts)),
        None => UNDEFINED,
    }
}

fn normal_parts(rule: Rule, parts: &[(Part, &[u8])]) -> Option<Vec<(Part, Vec<u8>)>> {
    parts
        .iter()
        .map(|(part, value)| Some((*part, rule.normalise_part(*part, value)?)))
        .collect()
}

fn test(attribute: AttributeId, assertion: Assertion) -> Node<'static> {
    Node::Test(Test {
        attributes: vec![attribute].into(),
        dn_attributes: false,
        assertion,
    })
}

impl<'s> Plan<'s> {
    /// The entries among which every match is, in ascending order; `None`: any entry may match.
    pub fn candidates(&self) -> Option<Cow<'s, [EntryId]>> {
        self.node.candidates(self.snapshot)
    }

    /// Whether the entry matches: a filter that is Undefined does not.
    pub fn matches(&self, entry: EntryId) -> bool {
        self.evaluate(entry) == Truth::True
    }

    /// The filter's value on one entry.
    pub fn evaluate(&self, entry: EntryId) -> Truth {
        self.node.evaluate(entry, self.snapshot)
    }
}

impl<'s> Node<'s> {
    /// How many candidates there are at most, without listing them.
    fn cost(&self, snapshot: &Snapshot) -> usize {
        match self {
            Self::Constant(Truth::True) | Self::Not(_) => snapshot.len(),
            Self::Constant(_) => 0,
            Self::Entries(entries) => entries.len(),
            Self::And(nodes) => nodes
                .iter()
                .map(|node| node.cost(snapshot))
                .min()
                .unwrap_or(snapshot.len()),
            Self::Or(nodes) => nodes.iter().map(|node| node.cost(snapshot)).sum(),
            // A test decodes values, which costs more than any other entry of a list.
            Self::Test(_) | Self::Chain(_) => snapshot.len(),
        }
    }

    fn candidates(&self, snapshot: &Snapshot) -> Option<Cow<'s, [EntryId]>> {
        match self {
            Self::Constant(Truth::True) | Self::Not(_) | Self::Test(_) | Self::Chain(_) => None,
            Self::Constant(_) => Some(Cow::Borrowed(&[])),
            Self::Entries(entries) => Some(entries.clone()),
            Self::And(nodes) => nodes
                .iter()
                .min_by_key(|node| node.cost(snapshot))?
                .candidates(snapshot),
            // Together longer than the directory: the directory itself is the shorter list.
            Self::Or(_) if self.cost(snapshot) >= snapshot.len() => None,
            Self::Or(nodes) => {
                let mut union = Vec::new();
                for node in nodes {
                    union.extend_from_slice(&node.candidates(snapshot)?);
                }
                union.sort_unstable();
                union.dedup();
                Some(Cow::Owned(union))
            }
        }
    }

    fn evaluate(&self, entry: EntryId, snapshot: &Snapshot) -> Truth {
        match self {
            Self::Constant(truth) => *truth,
            Self::Entries(entries) => Truth::from(entries.binary_search(&entry).is_ok()),
            Self::And(nodes) => {
                let mut truth = Truth::True;
                for node in nodes {
                    match node.evaluate(entry, snapshot) {
                        Truth::False => return Truth::False,
                        Truth::Undefined => truth = Truth::Undefined,
                        Truth::True => {}
                    }
                }
                truth
            }
            Self::Or(nodes) => {
                let mut truth = Truth::False;
                for node in nodes {
                    match node.evaluate(entry, snapshot) {
                        Truth::True => return Truth::True,
                        Truth::Undefined => truth = Truth::Undefined,
                        Truth::False => {}
                    }
                }
                truth
            }
            Self::Not(node) => match node.evaluate(entry, snapshot) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Undefined => Truth::Undefined,
            },
            Self::Test(test) => Truth::from(test.holds(entry, snapshot)),
            Self::Chain(chain) => Truth::from(chain.holds(entry, snapshot)),
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Test {
    fn holds(&self, id: EntryId, snapshot: &Snapshot) -> bool {
        let entry = snapshot.entry(id);
        let in_values = self.attributes.iter().any(|&attribute| match attribute {
            MEMBER => self.any_dn(snapshot, snapshot.members(id)),
            MEMBER_OF => self.any_dn(snapshot, snapshot.groups_of(id)),
            MEMBER_UID => {
                let mut uids = snapshot
                    .members(id)
                    .iter()
                    .filter_map(|&member| snapshot.entry(member).value(UID));
                uids.any(|uid| self.assertion.holds(uid))
            }
            attribute => entry
                .values(attribute)
                .any(|value| self.assertion.holds(value)),
        });
        in_values || (self.dn_attributes && self.holds_in_dn(entry))
    }

    fn any_dn(&self, snapshot: &Snapshot, linked: &[EntryId]) -> bool {
        linked
            .iter()
            .any(|&entry| self.assertion.holds(snapshot.entry(entry).dn()))
    }

    fn holds_in_dn(&self, entry: Encoded) -> bool {
        let Some(dn) = std::str::from_utf8(entry.dn())
            .ok()
            .and_then(|dn| super::dn::Dn::parse(dn).ok())
        else {
            return false;
        };
        let holds = |(description, value): &(String, Vec<u8>)| {
            schema::lookup(description).is_some_and(|id| self.attributes.contains(&id))
                && self.assertion.holds(value)
        };
        dn.rdns().iter().flat_map(|rdn| &rdn.values).any(holds)
    }
}

impl Assertion {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Equal(rule, key) => rule.normalise(value).is_some_and(|value| value == *key),
            Self::AtLeast(rule, key) => rule
                .normalise(value)
                .is_some_and(|value| rule.compare(&value, key) != Ordering::Less),
            Self::AtMost(rule, key) => rule
                .normalise(value)
                .is_some_and(|value| rule.compare(&value, key) != Ordering::Greater),
            Self::Less(rule, key) => rule
                .normalise(value)
                .is_some_and(|value| rule.compare(&value, key) == Ordering::Less),
            Self::Substrings(rule, parts) => rule
                .normalise(value)
                .is_some_and(|value| contains_in_order(&value, parts)),
            Self::AllBits(bits) => integer(value).is_some_and(|value| value & bits == *bits),
            Self::AnyBit(bits) => integer(value).is_some_and(|value| value & bits != 0),
        }
    }
}

/// An integer as far as it has bits that could be tested: 64 of them.
fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Each part found at the earliest place after the one before it: no back-tracking is needed, as an
/// earlier place never spoils a later part.
fn contains_in_order(value: &[u8], parts: &[(Part, Vec<u8>)]) -> bool {
    let mut rest = value;
    for (part, text) in parts {
        match part {
            Part::Initial => match rest.strip_prefix(text.as_slice()) {
                Some(after) => rest = after,
                None => return false,
            },
            Part::Any => match memchr::memmem::find(rest, text) {
                Some(at) => rest = &rest[at + text.len()..],
                None => return false,
            },
            Part::Final => return rest.ends_with(text),
        }
    }
    true
}

#[cfg(test)]
mod tests;
