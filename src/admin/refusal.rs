//! A no, with what to do instead.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a question is not answered, or an act not done. The sentence names the choices there are.
#[derive(Clone, Debug, Deserialize, Eq, Error, PartialEq, Serialize)]
#[error("{error}")]
pub struct Refusal {
    /// Who has to think again.
    pub kind: RefusalKind,
    /// What is wrong and what to do; whole lines, no line end at the end.
    pub error: String,
}

/// Who has to think again, and the HTTP status that says so.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// Nobody and nothing has the name: 404.
    NotFound,
    /// The name fits more than one, or what is asked contradicts what there is: 409.
    Conflict,
    /// What was sent makes no sense by itself: 400.
    Invalid,
    /// We are at fault; nothing was changed: 500.
    Failed,
}

impl Refusal {
    /// A refusal of this kind, with what `error` says.
    pub fn new(kind: RefusalKind, error: impl ToString) -> Self {
        Self {
            kind,
            error: error.to_string(),
        }
    }
}
