//! One property of an object on a delta page, and what its presence or absence means.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::mapped;
use super::problem::{Flaw, Problem};
use crate::directory::ObjectId;

/// How much of an id that is none is repeated in a report.
const ID_CHARS_MAX: usize = 64;

/// What an entry says about one property.
///
/// Source: Graph, `user: delta`: absent is "never set" in an entry that is the whole object and
/// "unchanged" in one that is not; an explicit `null` is "cleared".
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Property<T> {
    /// Not in the entry.
    #[default]
    Absent,
    /// In the entry, but not of the documented type: what is known stays.
    Unreadable,
    /// Explicitly `null`.
    Null,
    /// Set.
    Value(T),
}

impl<T: Clone> Property<T> {
    /// Brings `slot` up to date; `is_whole` when the entry is the whole object.
    pub(super) fn apply(&self, is_whole: bool, slot: &mut Option<T>) {
        match self {
            Self::Value(value) => *slot = Some(value.clone()),
            Self::Null => *slot = None,
            Self::Absent if is_whole => *slot = None,
            Self::Absent | Self::Unreadable => {}
        }
    }

    /// The same for a property whose unset state is `T`'s default.
    pub(super) fn apply_or_default(&self, is_whole: bool, slot: &mut T)
    where
        T: Default,
    {
        let mut known = Some(std::mem::take(slot));
        self.apply(is_whole, &mut known);
        *slot = known.unwrap_or_default();
    }
}

impl<T> Property<T> {
    /// Present with a value.
    pub(super) fn is_set(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// The same property seen another way.
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Property<U> {
        match self {
            Self::Absent => Property::Absent,
            Self::Unreadable => Property::Unreadable,
            Self::Null => Property::Null,
            Self::Value(value) => Property::Value(f(value)),
        }
    }
}

/// Reads the properties of one entry and notes what cannot be read.
pub(super) struct Entry<'a> {
    properties: &'a Map<String, Value>,
    problems: &'a mut Vec<Problem>,
}

/// One element of a `…@delta` array: the id of a linked object, and whether the link is gone.
pub(super) struct LinkChange<'a> {
    pub(super) id: ObjectId,
    pub(super) odata_type: &'a str,
    pub(super) is_removed: bool,
}

impl<'a> Entry<'a> {
    /// The entry and its object id; `None`, with a problem noted, when it is not an object with a GUID.
    pub(super) fn open(
        value: &'a Value,
        problems: &'a mut Vec<Problem>,
    ) -> Option<(ObjectId, Self)> {
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        match (value.as_object(), id.parse()) {
            (Some(properties), Ok(id)) => Some((
                id,
                Self {
                    properties,
                    problems,
                },
            )),
            _ => {
                problems.push(Problem {
                    id: shown(id),
                    field: "id".into(),
                    flaw: Flaw::NotAGuid,
                });
                None
            }
        }
    }

    /// The `@removed` annotation's reason, when the entry carries the annotation.
    pub(super) fn removed(&self) -> Option<&'a str> {
        let annotation = self.properties.get("@removed")?;
        Some(
            annotation
                .get("reason")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )
    }

    /// A string. An empty one is as good as `null`: no LDAP value can hold it (RFC 4517 §3.3.6).
    pub(super) fn text(&mut self, field: &'static str) -> Property<String> {
        let text = self.read(field, "a string", |value| value.as_str().map(str::to_owned));
        match text {
            Property::Value(text) if text.is_empty() => Property::Null,
            other => other,
        }
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, field: &'static str) -> Property<Vec<String>> {
        self.read(field, "a list of strings", |value| {
            value
                .as_array()?
                .iter()
                .map(|each| each.as_str().map(str::to_owned))
                .collect()
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, field: &'static str) -> Property<bool> {
        self.read(field, "true or false", Value::as_bool)
    }

    /// A date and time.
    pub(super) fn date(&mut self, field: &'static str) -> Property<Timestamp> {
        match self.text(field).map(|text| text.parse()) {
            Property::Value(Ok(date)) => Property::Value(date),
            Property::Value(Err(_)) => {
                self.note(field, Flaw::NotADate);
                Property::Unreadable
            }
            Property::Null => Property::Null,
            Property::Absent => Property::Absent,
            Property::Unreadable => Property::Unreadable,
        }
    }

    /// The elements of a `…@delta` array, in the order given; those without a GUID are noted and skipped.
    pub(super) fn links(&mut self, field: &'static str) -> Vec<LinkChange<'a>> {
        let elements = match self.properties.get(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(elements)) => elements,
            Some(_) => {
                self.note(
                    field,
                    Flaw::WrongType {
                        expected: "a list of links",
                    },
                );
                return Vec::new();
            }
        };
        let mut links = Vec::with_capacity(elements.len());
        for element in elements {
            match element
                .get("id")
                .and_then(Value::as_str)
                .and_then(|id| id.parse().ok())
            {
                Some(id) => links.push(LinkChange {
                    id,
                    odata_type: element
                        .get("@odata.type")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                    is_removed: element.get("@removed").is_some(),
                }),
                None => self.note(field, Flaw::NotAGuid),
            }
        }
        links
    }

    /// The values of a mapped property, which may stand within an object: `object.name`.
    pub(super) fn mapped(&mut self, property: &str) -> Property<Vec<String>> {
        const EXPECTED: &str = "a string, a number, true, false, or a list of these";
        let (name, inner) = match property.split_once('.') {
            None => (property, None),
            Some((object, name)) => (object, Some(name)),
        };
        let outer = self.properties.get(name);
        let values = match (outer, inner) {
            (Some(Value::Object(object)), Some(inner)) => {
                self.typed(property, EXPECTED, object.get(inner), mapped::texts)
            }
            // What is no object has no part: it is unreadable, unless it is null.
            (_, Some(_)) => self.typed(property, EXPECTED, outer, |_| None),
            (_, None) => self.typed(property, EXPECTED, outer, mapped::texts),
        };
        match values {
            Property::Value(values) if values.is_empty() => Property::Null,
            other => other,
        }
    }

    fn read<T>(
        &mut self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Property<T> {
        self.typed(field, expected, self.properties.get(field), read)
    }

    fn typed<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        value: Option<&Value>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Property<T> {
        match value {
            None => Property::Absent,
            Some(Value::Null) => Property::Null,
            Some(value) => read(value).map_or_else(
                || {
                    self.note(field, Flaw::WrongType { expected });
                    Property::Unreadable
                },
                Property::Value,
            ),
        }
    }

    fn note(&mut self, field: &str, flaw: Flaw) {
        let id = self
            .properties
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.problems.push(Problem {
            id: shown(id),
            field: field.to_owned().into(),
            flaw,
        });
    }
}

/// Text of a stranger, made fit for a log line.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(ID_CHARS_MAX)
        .collect()
}
