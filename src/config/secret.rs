//! Secrets of the configuration file: written in it, in a file of their own, or in the environment.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::problem::Fault;
use super::value::Value;
use crate::secret::Secret;

impl Value<'_> {
    /// A text, `{ file = "…" }` or `{ env = "…" }`. A line end at the end of the file does not count.
    pub fn secret(&self) -> Option<Secret> {
        match self.inner {
            DeValue::String(text) if !text.is_empty() => {
                Some(Secret::new(text.clone().into_owned()))
            }
            DeValue::Table(table) => match single_entry(table) {
                Some(("file", path)) => self.secret_from_file(path),
                Some(("env", name)) => self.secret_from_variable(name),
                _ => self.refuse_secret(),
            },
            _ => self.refuse_secret(),
        }
    }

    /// A path, and the text of the file there, which may be a key.
    pub fn file(&self) -> Option<(PathBuf, Secret)> {
        let path = self.path()?;
        let text = self.read_file(&path)?;
        Some((path, Secret::new(text)))
    }

    fn secret_from_file(&self, path: &str) -> Option<Secret> {
        let path = self.document.resolve(path);
        let mut text = self.read_file(&path)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            self.note(Fault::EmptyFile { path });
            return None;
        }
        Some(Secret::new(text))
    }

    fn read_file(&self, path: &Path) -> Option<String> {
        match (self.document.surroundings.read_file)(path) {
            Ok(text) => Some(text),
            Err(error) => {
                self.note(Fault::UnreadableFile {
                    path: path.to_owned(),
                    cause: error.to_string(),
                });
                None
            }
        }
    }

    fn secret_from_variable(&self, name: &str) -> Option<Secret> {
        let value = (self.document.surroundings.variable)(name).filter(|value| !value.is_empty());
        if value.is_none() {
            self.note(Fault::EmptyVariable {
                name: name.to_owned(),
            });
        }
        value.map(Secret::new)
    }

    fn refuse_secret(&self) -> Option<Secret> {
        self.refuse_unseen(
            "a text that is not empty, { file = \"…\" } or { env = \"…\" }",
            "{ file = \"app.secret\" }",
        );
        None
    }
}

/// The only entry of a table, when its value is a text that is not empty.
fn single_entry<'a>(table: &'a DeTable<'_>) -> Option<(&'a str, &'a str)> {
    let mut entries = table.iter();
    let (key, value) = entries.next()?;
    let value = value.get_ref().as_str().filter(|text| !text.is_empty())?;
    entries
        .next()
        .is_none()
        .then(|| (key.get_ref().as_ref(), value))
}
