//! Extensible matches (RFC 4511 §4.5.1.7.7): a rule chosen by the client instead of the schema.

use super::chain::chain;
use super::{Assertion, Node, Test, any_of, equality, integer, normal_parts};
use crate::dit::matching::{Form, Part, Rule};
use crate::dit::schema::{self, AttributeId};
use crate::dit::snapshot::Snapshot;

/// The node for an extensible match. `None` when the rule is unknown, does not fit the attribute, or the value
/// does not obey its syntax.
pub(super) fn extensible<'s>(
    rule: Option<&str>,
    attribute: Option<&str>,
    value: &[u8],
    dn_attributes: bool,
    snapshot: &'s Snapshot,
) -> Option<Node<'s>> {
    let attribute = match attribute {
        Some(description) => Some(schema::lookup(description)?),
        None => None,
    };
    let types = |id: AttributeId| id.with_subtypes().iter();
    if let (None, Some(id), false) = (rule, attribute, dn_attributes) {
        return Some(any_of(types(id).map(|&id| equality(id, value, snapshot))));
    }
    let rule = match (rule, attribute) {
        (Some(rule), _) => Rule::lookup(rule)?,
        (None, Some(id)) => id.get().kind.equality()?,
        (None, None) => return None,
    };
    let attributes = match attribute {
        Some(id) if !rule.fits(id.get().kind) => return None,
        Some(id) => id.with_subtypes().to_vec(),
        None => fitting(rule),
    };
    if rule.form() == Form::Chain {
        let chains: Option<Vec<Node>> = attributes
            .into_iter()
            .map(|attribute| chain(attribute, value, snapshot))
            .collect();
        return Some(any_of(chains?.into_iter()));
    }
    Some(Node::Test(Test {
        attributes: attributes.into(),
        dn_attributes,
        assertion: assertion(rule, value)?,
    }))
}

/// What a rule that is named demands of a value.
pub(super) fn assertion(rule: Rule, value: &[u8]) -> Option<Assertion> {
    let key = |rule: Rule| rule.normalise(value).map(|key| key.into_owned());
    Some(match rule.form() {
        Form::Equality => Assertion::Equal(rule, key(rule)?),
        // An ordering rule used by name is true of smaller values (RFC 4517 §4.2.3).
        Form::Ordering => Assertion::Less(rule, key(rule)?),
        Form::Substrings => Assertion::Substrings(rule, substring_assertion(rule, value)?),
        Form::Bits if rule == Rule::BitAnd => Assertion::AllBits(integer(&key(rule)?)?),
        Form::Bits => Assertion::AnyBit(integer(&key(rule)?)?),
        Form::Chain => Assertion::Equal(Rule::DistinguishedName, key(rule)?),
    })
}

/// Attribute types whose values a rule can compare.
fn fitting(rule: Rule) -> Vec<AttributeId> {
    let ids = (0..schema::ATTRIBUTES.len() as u16).map(AttributeId);
    ids.filter(|id| rule.fits(id.get().kind)).collect()
}

/// A Substring Assertion (RFC 4517 §3.3.30): parts between asterisks, in which `\\2A` and `\\5C` stand for `*` and
/// `\\`.
fn substring_assertion(rule: Rule, value: &[u8]) -> Option<Vec<(Part, Vec<u8>)>> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = value;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        let literal = match octet {
            b'*' => {
                parts.push(Vec::new());
                continue;
            }
            b'\\' => {
                let (code, after) = rest.split_at_checked(2)?;
                rest = after;
                match code {
                    b"2A" | b"2a" => b'*',
                    b"5C" | b"5c" => b'\\',
                    _ => return None,
                }
            }
            literal => literal,
        };
        parts.last_mut()?.push(literal);
    }
    let last = parts.len() - 1;
    if last == 0 {
        // Without an asterisk it asserts no part of a value.
        return None;
    }
    let named: Vec<(Part, &[u8])> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| !part.is_empty())
        .map(|(place, part)| match place {
            0 => (Part::Initial, part.as_slice()),
            _ if place == last => (Part::Final, part.as_slice()),
            _ => (Part::Any, part.as_slice()),
        })
        .collect();
    if named.is_empty() {
        return None;
    }
    normal_parts(rule, &named)
}
