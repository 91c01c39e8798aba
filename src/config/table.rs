//! A table of the file, and the ways to ask it for a key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, join};
use super::problem::{Fault, Position};
use super::value::{Value, type_name};

/// A table of the file, present or not.
pub(super) struct Table<'a> {
    document: &'a Document<'a>,
    path: String,
    position: Option<Position>,
    entries: Entries<'a>,
}

enum Entries<'a> {
    Present(&'a DeTable<'a>),
    Absent,
    /// Something else stands in its place, which has been noted: missing keys are no news.
    Unreadable,
}

impl<'a> Table<'a> {
    /// The table that holds all others.
    pub fn root(document: &'a Document<'a>, entries: &'a DeTable<'a>) -> Self {
        let entries = Entries::Present(entries);
        Self {
            document,
            path: String::new(),
            position: None,
            entries,
        }
    }

    /// The table under a key, `[name]`.
    pub fn table(&self, name: &'static str) -> Table<'a> {
        let path = self.know(name);
        let document = self.document;
        let Some((value, position)) = self.find(name) else {
            let entries = match self.entries {
                Entries::Unreadable => Entries::Unreadable,
                _ => Entries::Absent,
            };
            return Table {
                document,
                path,
                position: None,
                entries,
            };
        };
        let entries = match value {
            DeValue::Table(entries) => Entries::Present(entries),
            other => {
                let expected = format!("the table [{path}], not {}", type_name(other));
                let fault = Fault::Unfit {
                    value: None,
                    expected,
                    example: format!("[{path}]"),
                };
                document.note(Some(position), &path, fault);
                Entries::Unreadable
            }
        };
        Table {
            document,
            path,
            position: Some(position),
            entries,
        }
    }

    /// The tables of an array, `[[name]]`; none when the file has none.
    pub fn tables(&self, name: &'static str) -> Vec<Table<'a>> {
        let path = self.know(name);
        let Some((value, position)) = self.find(name) else {
            return Vec::new();
        };
        let document = self.document;
        let unfit = |position, found: &DeValue<'_>| {
            let expected = format!("a table [[{path}]] for each one, not {}", type_name(found));
            let fault = Fault::Unfit {
                value: None,
                expected,
                example: format!("[[{path}]]"),
            };
            document.note(Some(position), &path, fault);
            // One unreadable table in its place: something is there, so nothing is missing.
            Table {
                document,
                path: path.clone(),
                position: Some(position),
                entries: Entries::Unreadable,
            }
        };
        let DeValue::Array(elements) = value else {
            return vec![unfit(position, value)];
        };
        let read = |element: &'a Spanned<DeValue<'a>>| {
            let position = document.position(element.span());
            match element.get_ref() {
                DeValue::Table(entries) => {
                    let entries = Entries::Present(entries);
                    Table {
                        document,
                        path: path.clone(),
                        position: Some(position),
                        entries,
                    }
                }
                other => unfit(position, other),
            }
        };
        elements.iter().map(read).collect()
    }

    /// What stands under a key, read by `parse`; `None` when it is absent or does not fit.
    pub fn read<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let key = self.know(name);
        let (inner, position) = self.find(name)?;
        parse(&Value {
            document: self.document,
            key,
            position,
            inner,
        })
    }

    /// Like [`Self::read`], but an absent key is a problem. `example` is the value to suggest, as TOML.
    pub fn require<T>(
        &self,
        name: &'static str,
        example: &str,
        parse: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<T> {
        if self.find(name).is_none() && !matches!(self.entries, Entries::Unreadable) {
            self.note(
                name,
                Fault::Missing {
                    example: format!("{name} = {example}"),
                },
            );
        }
        self.read(name, parse)
    }

    /// A key whose feature is not built yet: any value but the `available` ones is refused by name.
    ///
    /// `instead` completes the sentence "not available in this version; …".
    pub fn read_unbuilt<T: PartialEq>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&Value<'a>) -> Option<T>,
        available: &[T],
        instead: &str,
    ) {
        self.read(name, |value| {
            if !available.contains(&parse(value)?) {
                value.refuse_unbuilt(instead);
            }
            Some(())
        });
    }

    /// Whether the file has this key.
    pub fn has(&self, name: &'static str) -> bool {
        self.find(name).is_some()
    }

    /// Whether a key that is not found may be called missing.
    pub fn is_readable(&self) -> bool {
        !matches!(self.entries, Entries::Unreadable)
    }

    /// Notes a fault of a key, at its place or else at the table's.
    pub fn note(&self, name: &'static str, fault: Fault) {
        let position = self
            .find(name)
            .map(|(_, position)| position)
            .or(self.position);
        self.document.note(position, &join(&self.path, name), fault);
    }

    fn know(&self, name: &'static str) -> String {
        let path = join(&self.path, name);
        self.document.know(&path);
        path
    }

    /// The value under a key, and the place of the key itself.
    fn find(&self, name: &str) -> Option<(&'a DeValue<'a>, Position)> {
        let Entries::Present(entries) = self.entries else {
            return None;
        };
        let (key, value) = entries.get_key_value(name)?;
        Some((value.get_ref(), self.document.position(key.span())))
    }
}
