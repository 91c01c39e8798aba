//! What registering has to report on single objects; it hurts nobody else.

use std::fmt;

use crate::directory::{ObjectId, Reason, number_range};

/// Something about one object that an administrator should know. The object is served all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A number that was asked for cannot be had; another one was registered.
    NumberUnusable {
        /// The object.
        id: ObjectId,
        /// What people call it.
        label: String,
        /// Who asked for the number.
        source: NumberSource,
        /// Why it cannot be had.
        fault: NumberFault,
    },
    /// Another number is asked for than the registered one, which stays until `ldap365 ids adopt`.
    NumberDiffers {
        /// The object.
        id: ObjectId,
        /// What people call it.
        label: String,
        /// The registered number.
        registered: u32,
        /// The number asked for.
        wanted: u32,
        /// Who asks for it.
        source: NumberSource,
    },
    /// The home directory that was asked for is no absolute path; the configured one was registered.
    HomeUnusable {
        /// The object.
        id: ObjectId,
        /// What people call it.
        label: String,
        /// The text.
        home: String,
    },
    /// The object was renamed in the tenant, and keeps its old name because it cannot have the new one.
    NameKept {
        /// The object.
        id: ObjectId,
        /// The name that it keeps.
        label: String,
        /// Why it cannot have the new one.
        reason: Reason,
    },
}

/// Who asks for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberSource {
    /// An administrator, here.
    Override,
    /// The tenant, in a mapped property.
    Mapped,
}

/// Why a number cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// The property holds no number.
    NoNumber(String),
    /// It is below 1000, or other software claims it.
    Reserved(number_range::Error),
    /// It belongs to another object, or did once.
    Taken {
        /// The number.
        number: u32,
        /// Whose it is.
        holder: ObjectId,
    },
}

impl Problem {
    /// The object it is about.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::NumberUnusable { id, .. }
            | Self::NumberDiffers { id, .. }
            | Self::HomeUnusable { id, .. }
            | Self::NameKept { id, .. } => *id,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NumberUnusable {
                id,
                label,
                source,
                fault,
            } => write!(
                f,
                "{label} ({id}): the number {source} cannot be used, {fault}"
            ),
            Self::NumberDiffers {
                id,
                label,
                registered,
                wanted,
                source,
            } => write!(
                f,
                "{label} ({id}) has the number {registered}, and {source} says {wanted}: `ldap365 ids adopt` takes it over"
            ),
            Self::HomeUnusable { id, label, home } => write!(
                f,
                "{label} ({id}): the home directory \"{home}\" is no absolute path without a colon"
            ),
            Self::NameKept { id, label, reason } => {
                write!(
                    f,
                    "object {id} was renamed and keeps the name \"{label}\": {reason}"
                )
            }
        }
    }
}

impl fmt::Display for NumberSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Override => "set here",
            Self::Mapped => "mapped from Graph",
        })
    }
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber(text) => write!(f, "\"{text}\" is no number"),
            Self::Reserved(error) => error.fmt(f),
            Self::Taken { number, holder } => {
                write!(f, "{number} belongs to object {holder}")
            }
        }
    }
}
