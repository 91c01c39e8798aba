//! What a check found, one thing at a time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that was tried.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was tried.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found; for anything but `ok`, also what to do.
    pub detail: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and yet deserves a look.
    Warning,
    /// It does not work.
    Failed,
}

impl Finding {
    /// Something is as it should be.
    pub fn ok(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            outcome: Outcome::Ok,
            detail: detail.into(),
        }
    }

    /// Something works, and yet deserves a look.
    pub fn warning(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Warning,
            ..Self::ok(subject, detail)
        }
    }

    /// Something does not work.
    pub fn failed(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            ..Self::ok(subject, detail)
        }
    }

    /// Whether something does not work.
    pub fn is_failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            Outcome::Ok => "ok      ",
            Outcome::Warning => "warning ",
            Outcome::Failed => "FAILED  ",
        };
        write!(f, "{mark}{}: {}", self.subject, self.detail)
    }
}
