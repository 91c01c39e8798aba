//! What an administrator may have done to the directory, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A change that an administrator orders. It is durable, and served, before it is answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// A group name in a rule is resolved anew (`ldap365 repin`).
    Repin {
        /// The name as the rule spells it.
        rule: String,
    },
    /// A name that is held for a deleted or renamed object is given free (`ldap365 release-name`).
    ReleaseName {
        /// A username or a group's `cn`.
        name: String,
    },
    /// The number that an override or a mapped attribute asks for becomes the registered one (`ldap365 ids adopt`).
    AdoptNumber {
        /// Whose; `None`: everybody's who asks for another number than they have.
        whom: Option<String>,
    },
    /// The shell of a person (`ldap365 user set-shell`).
    SetShell {
        /// Whose.
        user: String,
        /// An absolute path; `None` leaves it to the tenant and the configuration again.
        shell: Option<String>,
    },
    /// A key for a person beside those of the tenant (`ldap365 user add-key`).
    AddKey {
        /// Whose.
        user: String,
        /// A line as in `authorized_keys`, without options.
        key: String,
    },
    /// A key added here is taken away (`ldap365 user remove-key`).
    RemoveKey {
        /// Whose.
        user: String,
        /// The line, the key without its comment, or the comment.
        key: String,
    },
    /// Local settings from a file (`ldap365 user import`, `ldap365 ids import`).
    Import {
        /// How the text is to be read.
        format: Format,
        /// The file's text.
        text: String,
    },
}

/// How local settings are written down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values, the first line naming the columns (RFC 4180).
    Csv,
    /// A JSON array of objects.
    Json,
}

/// What came of an [`Act`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Done {
    /// What is different now, one sentence each; empty when everything was so already.
    pub changed: Vec<String>,
    /// What was so already, what comes next, or what the administrator should do.
    pub notes: Vec<String>,
}

impl Done {
    /// One thing changed.
    pub fn changed(sentence: impl Into<String>) -> Self {
        Self {
            changed: vec![sentence.into()],
            notes: Vec::new(),
        }
    }

    /// Nothing changed.
    pub fn unchanged(sentence: impl Into<String>) -> Self {
        Self::default().note(sentence)
    }

    /// The same with another note.
    pub fn note(mut self, sentence: impl Into<String>) -> Self {
        self.notes.push(sentence.into());
        self
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repin { rule } => write!(f, "repin {rule:?}"),
            Self::ReleaseName { name } => write!(f, "release the name {name:?}"),
            Self::AdoptNumber { whom: Some(whom) } => write!(f, "adopt the number of {whom:?}"),
            Self::AdoptNumber { whom: None } => f.write_str("adopt all numbers"),
            Self::SetShell {
                user,
                shell: Some(shell),
            } => write!(f, "set the shell of {user:?} to {shell:?}"),
            Self::SetShell { user, shell: None } => write!(f, "clear the shell of {user:?}"),
            Self::AddKey { user, .. } => write!(f, "add an SSH key to {user:?}"),
            Self::RemoveKey { user, .. } => write!(f, "remove an SSH key of {user:?}"),
            Self::Import { text, .. } => {
                write!(f, "import local settings, {} lines", text.lines().count())
            }
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.changed.iter().chain(&self.notes);
        for (at, line) in lines.enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_told_apart_by_its_name_in_json() {
        let act = Act::SetShell {
            user: "ada".to_owned(),
            shell: None,
        };
        let json = serde_json::to_string(&act).expect("serialises");
        assert_eq!(json, r#"{"act":"set-shell","user":"ada","shell":null}"#);
        assert_eq!(serde_json::from_str::<Act>(&json).expect("reads back"), act);
    }

    #[test]
    fn changes_stand_before_notes() {
        let done = Done::changed("alice has the shell /bin/zsh").note("hosts see it at once");
        assert_eq!(
            done.to_string(),
            "alice has the shell /bin/zsh\nhosts see it at once"
        );
    }
}
