//! The items of a values return filter (RFC 3876), which choose among the values of an entry.

use super::extensible::assertion;
use super::{Assertion, Ava, Filter, normal_parts};
use crate::dit::matching::{Part, Rule};
use crate::dit::schema::{self, AttributeId};

/// A values return filter resolved against the schema.
#[derive(Debug)]
pub struct ValuesReturn {
    /// Each with what its values must satisfy; without an assertion any value does.
    tests: Vec<(AttributeId, Option<Assertion>)>,
}

impl ValuesReturn {
    /// From items; those that name what the schema does not know choose nothing.
    pub fn new(items: &[Filter]) -> Self {
        Self {
            tests: items.iter().flat_map(tests).collect(),
        }
    }

    /// Whether one of the items matches a value of an attribute.
    pub fn selects(&self, attribute: AttributeId, value: &[u8]) -> bool {
        let mut tests = self.tests.iter().filter(|(id, _)| *id == attribute);
        tests.any(|(_, assertion)| assertion.as_ref().is_none_or(|test| test.holds(value)))
    }
}

fn tests(item: &Filter) -> Vec<(AttributeId, Option<Assertion>)> {
    match item {
        Filter::Present(attribute) => on_types(attribute, |_| Some(None)),
        Filter::Equality(ava) | Filter::Approx(ava) => {
            with_rule(ava, |id| id.get().kind.equality(), Assertion::Equal)
        }
        Filter::GreaterOrEqual(ava) => {
            with_rule(ava, |id| id.get().kind.ordering(), Assertion::AtLeast)
        }
        Filter::LessOrEqual(ava) => {
            with_rule(ava, |id| id.get().kind.ordering(), Assertion::AtMost)
        }
        Filter::Substrings { attribute, parts } => on_types(attribute, |id| {
            Some(Some(substrings(id.get().kind.substrings()?, parts)?))
        }),
        Filter::Extensible {
            rule,
            attribute,
            value,
            ..
        } => extensible(*rule, *attribute, value),
        // A values return filter has none of these: its decoder sees to that.
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) => Vec::new(),
    }
}

/// One test for the type itself and each type below it.
fn on_types(
    description: &str,
    test: impl Fn(AttributeId) -> Option<Option<Assertion>>,
) -> Vec<(AttributeId, Option<Assertion>)> {
    let types = schema::lookup(description).map_or(&[][..], AttributeId::with_subtypes);
    types
        .iter()
        .filter_map(|&id| Some((id, test(id)?)))
        .collect()
}

fn with_rule(
    ava: &Ava,
    rule: impl Fn(AttributeId) -> Option<Rule>,
    assertion: fn(Rule, Vec<u8>) -> Assertion,
) -> Vec<(AttributeId, Option<Assertion>)> {
    on_types(ava.attribute, |id| {
        let rule = rule(id)?;
        let key = rule.normalise(ava.value)?.into_owned();
        Some(Some(assertion(rule, key)))
    })
}

fn substrings(rule: Rule, parts: &[(Part, &[u8])]) -> Option<Assertion> {
    Some(Assertion::Substrings(rule, normal_parts(rule, parts)?))
}

fn extensible(
    rule: Option<&str>,
    attribute: Option<&str>,
    value: &[u8],
) -> Vec<(AttributeId, Option<Assertion>)> {
    let rule_for = |id: AttributeId| match rule {
        Some(name) => Rule::lookup(name).filter(|rule| rule.fits(id.get().kind)),
        None => id.get().kind.equality(),
    };
    let test = |id| Some(Some(assertion(rule_for(id)?, value)?));
    match attribute {
        Some(description) => on_types(description, test),
        None => (0..schema::ATTRIBUTES.len() as u16)
            .map(AttributeId)
            .filter_map(|id| Some((id, test(id)?)))
            .collect(),
    }
}
