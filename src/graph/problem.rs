//! What could not be read of an object, for the report of a sync pass.

use std::borrow::Cow;
use std::fmt;

/// One flaw of one object on a page. The rest of the page, and mostly of the object, counts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The object's `id` as Graph gave it, cut to a readable length; empty when there is none.
    pub id: String,
    /// The property at fault, named as Graph names it.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The JSON type is another than Graph documents; the property is taken for unchanged.
    WrongType {
        /// What Graph documents.
        expected: &'static str,
    },
    /// An object id that is not a GUID: the object or link is skipped.
    NotAGuid,
    /// `null` where every object of its kind has a value: the permission to read it is missing. The
    /// whole entry is taken for unchanged.
    Withheld,
    /// Nothing but links was said about an object, never what it is: it is taken for unchanged.
    Bare,
    /// None where there were some, of a group that hides its members: they are taken for unchanged.
    Hidden {
        /// How many there were.
        kept: usize,
    },
    /// Not a date in RFC 3339 form; the property is taken for unchanged.
    NotADate,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, field, flaw } = self;
        match flaw {
            Flaw::WrongType { expected } => {
                write!(
                    f,
                    "object \"{id}\": {field} is not {expected}, and is taken for unchanged"
                )
            }
            Flaw::NotAGuid => write!(
                f,
                "object \"{id}\": {field} holds an id that is not a GUID, and is skipped"
            ),
            Flaw::Withheld => write!(
                f,
                "object \"{id}\": Graph withholds {field}, as it does without the permission to read it; the \
                 object is taken for unchanged"
            ),
            Flaw::Bare => write!(
                f,
                "object \"{id}\": Graph enumerates it without {field}, and it is taken for unchanged"
            ),
            Flaw::Hidden { kept } => write!(
                f,
                "group \"{id}\" hides its {field} and Graph shows none: the {kept} last known stay; grant \
                 Member.Read.Hidden to see them"
            ),
            Flaw::NotADate => write!(
                f,
                "object \"{id}\": {field} is not a date, and is taken for unchanged"
            ),
        }
    }
}
