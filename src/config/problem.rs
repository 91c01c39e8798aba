//! What is wrong with a configuration file, said so that it can be put right in one go.

use std::fmt;
use std::path::PathBuf;

/// One thing to change in the configuration file.
///
/// `Display` is one line without the file's name: `12:1: sync.intervall: unknown key; did you mean "interval"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` when the file has no such table at all.
    pub position: Option<Position>,
    /// The key with its tables, `sync.interval`; empty for a syntax error.
    pub key: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A place in the file. Both numbers start at 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What is wrong with a key. No variant ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not TOML.
    Syntax(String),
    /// No such key exists.
    UnknownKey {
        /// The key that was probably meant.
        suggestion: Option<String>,
    },
    /// A required key is absent.
    Missing {
        /// A line to write.
        example: String,
    },
    /// Wrong type, or a value that cannot be.
    Unfit {
        /// The value as TOML; `None` when it could be a secret.
        value: Option<String>,
        /// What fits.
        expected: String,
        /// A value that would do, as TOML.
        example: String,
    },
    /// The feature is not built yet.
    NotAvailable {
        /// The value as TOML.
        value: String,
        /// What to do instead.
        instead: String,
    },
    /// Two keys that cannot both be meant.
    Contradiction(String),
    /// A file that a secret or a certificate should come from cannot be read.
    UnreadableFile {
        /// The file, made absolute against the configuration file's directory.
        path: PathBuf,
        /// What the operating system said.
        cause: String,
    },
    /// A file that was read does not hold what it should.
    UnusableFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        cause: String,
    },
    /// A file that a secret should come from is empty.
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// An environment variable that a secret should come from is unset or empty.
    EmptyVariable {
        /// The variable.
        name: String,
    },
}

impl Position {
    /// The place of a byte offset in a text.
    pub fn of(offset: usize, text: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(&self.key)?;
        match &self.fault {
            Fault::Syntax(message) => f.write_str(message),
            Fault::UnknownKey {
                suggestion: Some(key),
            } => write!(f, ": unknown key; did you mean \"{key}\"?"),
            Fault::UnknownKey { suggestion: None } => f.write_str(": unknown key"),
            Fault::Missing { example } => write!(f, ": missing; for example: {example}"),
            Fault::Unfit {
                value,
                expected,
                example,
            } => {
                if let Some(value) = value {
                    write!(f, " = {value}")?;
                }
                write!(f, ": expected {expected}, for example {example}")
            }
            Fault::NotAvailable { value, instead } => {
                write!(
                    f,
                    " = {value}: not available in this version of ldap365; {instead}"
                )
            }
            Fault::Contradiction(sentence) => write!(f, ": {sentence}"),
            Fault::UnreadableFile { path, cause } => {
                write!(f, ": cannot read {}: {cause}", path.display())
            }
            Fault::UnusableFile { path, cause } => {
                write!(f, ": {} cannot be used: {cause}", path.display())
            }
            Fault::EmptyFile { path } => {
                write!(f, ": {} is empty; write the secret into it", path.display())
            }
            Fault::EmptyVariable { name } => {
                write!(f, ": the environment variable {name} is unset or empty")
            }
        }
    }
}
