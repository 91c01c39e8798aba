//! `$filter`, as far as a directory reader needs it: comparisons and prefixes, joined by one kind of word.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::query::Query;
use super::refusal::Refusal;

/// A parsed `$filter`.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    terms: Vec<Term>,
    /// Any term will do, not all of them.
    is_any: bool,
}

#[derive(Clone, Debug)]
enum Term {
    Equal(String, Value),
    Unequal(String, Value),
    StartsWith(String, String),
}

impl Filter {
    /// Reads the filter of `query`, which may be none; `ne` is an advanced query.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        let Some(text) = &query.filter else {
            return Ok(Self::default());
        };
        let is_any = text.contains(" or ");
        let separator = if is_any { " or " } else { " and " };
        let terms: Option<Vec<Term>> = text
            .split(separator)
            .map(|term| Term::parse(term.trim()))
            .collect();
        let terms = terms.ok_or_else(|| {
            Refusal::unsupported_query("Unsupported or invalid query filter clause specified.")
        })?;
        if terms.iter().any(|term| matches!(term, Term::Unequal(..))) {
            query.require_advanced()?;
        }
        Ok(Self { terms, is_any })
    }

    /// Whether an object with that id and those properties is meant.
    pub fn matches(&self, id: Uuid, properties: &Map<String, Value>) -> bool {
        let mut terms = self.terms.iter();
        let holds = |term: &Term| term.holds(id, properties);
        match self.is_any {
            true => terms.any(holds),
            false => terms.all(holds),
        }
    }
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        if let Some(arguments) = text
            .strip_prefix("startswith(")
            .or(text.strip_prefix("startsWith("))
        {
            let (property, prefix) = arguments.strip_suffix(')')?.split_once(',')?;
            let Value::String(prefix) = literal(prefix.trim())? else {
                return None;
            };
            return Some(Self::StartsWith(property.trim().to_owned(), prefix));
        }
        let mut words = text.splitn(3, ' ');
        let (property, operator, value) = (words.next()?, words.next()?, words.next()?);
        let value = literal(value.trim())?;
        match operator {
            "eq" => Some(Self::Equal(property.to_owned(), value)),
            "ne" => Some(Self::Unequal(property.to_owned(), value)),
            _ => None,
        }
    }

    fn holds(&self, id: Uuid, properties: &Map<String, Value>) -> bool {
        let value = |property: &str| match property {
            "id" => json!(id),
            _ => properties.get(property).cloned().unwrap_or(Value::Null),
        };
        match self {
            Self::Equal(property, wanted) => is_equal(&value(property), wanted),
            Self::Unequal(property, wanted) => !is_equal(&value(property), wanted),
            Self::StartsWith(property, prefix) => value(property)
                .as_str()
                .is_some_and(|text| text.to_lowercase().starts_with(&prefix.to_lowercase())),
        }
    }
}

fn is_equal(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => one == other,
    }
}

/// `true`, `null`, or a quoted string in which a quote is doubled.
fn literal(text: &str) -> Option<Value> {
    match text {
        "true" => Some(json!(true)),
        "false" => Some(json!(false)),
        "null" => Some(Value::Null),
        _ => {
            let quoted = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(json!(quoted.replace("''", "'")))
        }
    }
}
