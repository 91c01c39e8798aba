//! A typed walk over the TOML document that notes every problem instead of stopping at the first.
//!
//! A [`Document`] hands out [`Table`]s, a table hands out [`Value`]s, a value becomes a type of ours. Whatever does not
//! fit is noted in the document and read as `None`, so that the walk goes on. The document remembers which keys were
//! asked for: those are the keys that exist, and everything else in the file is a stranger.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::problem::{Fault, Position, Problem};

/// What a configuration file may refer to outside itself.
pub struct Surroundings<'a> {
    /// The file being read; relative paths in it start from its directory.
    pub file: &'a Path,
    /// Looks an environment variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a whole file.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// The file being read, with the problems found so far.
pub(super) struct Document<'a> {
    text: &'a str,
    pub surroundings: &'a Surroundings<'a>,
    problems: RefCell<Vec<Problem>>,
    known: RefCell<BTreeSet<String>>,
}

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

/// A value of the file, with the key it stands under.
pub(super) struct Value<'a> {
    pub document: &'a Document<'a>,
    pub key: String,
    pub position: Position,
    pub inner: &'a DeValue<'a>,
}

impl<'a> Document<'a> {
    pub fn new(text: &'a str, surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            text,
            surroundings,
            problems: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// The table that holds all others.
    pub fn root(&'a self, entries: &'a DeTable<'a>) -> Table<'a> {
        let position = None;
        Table {
            document: self,
            path: String::new(),
            position,
            entries: Entries::Present(entries),
        }
    }

    pub fn note(&self, position: Option<Position>, key: &str, fault: Fault) {
        self.problems.borrow_mut().push(Problem {
            position,
            key: key.to_owned(),
            fault,
        });
    }

    /// Notes an error of the TOML parser. Its message names what was expected and never quotes the file, which may
    /// hold a secret at that place.
    pub fn note_syntax(&self, error: &toml::de::Error) {
        let position = error.span().map(|span| Position::of(span.start, self.text));
        self.note(position, "", Fault::Syntax(error.message().to_owned()));
    }

    /// Notes every key of the file that nobody has asked for. To be called once, after everything was read.
    pub fn note_strangers(&self, root: &DeTable<'_>) {
        self.note_strangers_below("", root);
    }

    fn note_strangers_below(&self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = join(path, key.get_ref());
            if !self.known.borrow().contains(&name) {
                let suggestion = self.suggestion(path, key.get_ref());
                let position = Position::of(key.span().start, self.text);
                self.note(Some(position), &name, Fault::UnknownKey { suggestion });
                continue;
            }
            if !self.is_table(&name) {
                continue;
            }
            match value.get_ref() {
                DeValue::Table(inner) => self.note_strangers_below(&name, inner),
                DeValue::Array(elements) => {
                    for inner in elements
                        .iter()
                        .filter_map(|element| element.get_ref().as_table())
                    {
                        self.note_strangers_below(&name, inner);
                    }
                }
                _ => {}
            }
        }
    }

    /// Tables whose keys are ours; the others (a secret's `{ file = … }`) have been read as values.
    fn is_table(&self, path: &str) -> bool {
        let prefix = format!("{path}.");
        self.known
            .borrow()
            .iter()
            .any(|key| key.starts_with(&prefix))
    }

    /// The known key that was probably meant: one spelled alike in the same table, else the same word in another.
    fn suggestion(&self, path: &str, stranger: &str) -> Option<String> {
        const LIKENESS_MIN: f64 = 0.84;
        let known = self.known.borrow();
        let siblings = known.iter().filter_map(|key| {
            let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
            (table == path).then_some(name)
        });
        let alike = siblings
            .map(|name| {
                (
                    strsim::jaro_winkler(name, &stranger.to_lowercase().replace('-', "_")),
                    name,
                )
            })
            .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name.to_owned());
        alike.or_else(|| {
            let elsewhere = known
                .iter()
                .find(|key| key.rsplit('.').next() == Some(stranger));
            elsewhere.cloned()
        })
    }

    /// Every key that has been asked for, whether or not the file has it.
    #[cfg(test)]
    pub fn known_keys(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// The problems, in the order of the file; what has no place in it comes last.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.position.is_none(), problem.position));
        problems
    }

    fn position(&self, span: Range<usize>) -> Position {
        Position::of(span.start, self.text)
    }
}

impl<'a> Table<'a> {
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
        let read = |element: &'a toml::Spanned<DeValue<'a>>| {
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
        self.document.known.borrow_mut().insert(path.clone());
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

impl<'a> Value<'a> {
    pub fn note(&self, fault: Fault) {
        self.document.note(Some(self.position), &self.key, fault);
    }

    /// Notes that the value does not fit, and shows it.
    pub fn refuse(&self, expected: &str, example: &str) {
        self.note(Fault::Unfit {
            value: Some(render(self.inner)),
            expected: expected.to_owned(),
            example: example.to_owned(),
        });
    }

    /// Notes that the value does not fit, without showing it.
    pub fn refuse_unseen(&self, expected: &str, example: &str) {
        let (expected, example) = (expected.to_owned(), example.to_owned());
        self.note(Fault::Unfit {
            value: None,
            expected,
            example,
        });
    }

    /// Notes that the value asks for a feature that is not built yet.
    pub fn refuse_unbuilt(&self, instead: &str) {
        let value = render(self.inner);
        self.note(Fault::NotAvailable {
            value,
            instead: instead.to_owned(),
        });
    }

    /// A text that is not empty, turned into something by `parse`.
    pub fn parsed<T>(
        &self,
        expected: &str,
        example: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let parsed = self
            .inner
            .as_str()
            .filter(|text| !text.is_empty())
            .and_then(parse);
        if parsed.is_none() {
            self.refuse(expected, example);
        }
        parsed
    }

    /// A text that is not empty.
    pub fn text(&self) -> Option<String> {
        self.parsed("a text in quotes that is not empty", "\"…\"", |text| {
            Some(text.to_owned())
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        let boolean = self.inner.as_bool();
        if boolean.is_none() {
            self.refuse("true or false, without quotes", "true");
        }
        boolean
    }

    /// One of a few words, each with its meaning.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let quoted: Vec<String> = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        let expected = match quoted.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => quoted.concat(),
        };
        let example = quoted.first().map_or("", String::as_str);
        self.parsed(&expected, example, |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, meaning)| *meaning)
        })
    }

    /// An array, each element read by `parse`; elements that do not fit are noted and left out.
    pub fn list<T>(
        &self,
        example: &str,
        parse: impl Fn(&Value<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(elements) = self.inner.as_array() else {
            self.refuse("a list in square brackets", example);
            return None;
        };
        let read = |element: &'a toml::Spanned<DeValue<'a>>| {
            parse(&Value {
                document: self.document,
                key: self.key.clone(),
                position: self.document.position(element.span()),
                inner: element.get_ref(),
            })
        };
        Some(elements.iter().filter_map(read).collect())
    }

    /// A path; a relative one starts from the configuration file's directory.
    pub fn path(&self) -> Option<PathBuf> {
        self.parsed("a path", "\"/etc/ldap365/…\"", |text| {
            Some(self.document.resolve(text))
        })
    }
}

impl Document<'_> {
    /// A path of the file as the process must open it.
    pub fn resolve(&self, path: &str) -> PathBuf {
        let directory = self.surroundings.file.parent().unwrap_or(Path::new(""));
        directory.join(path)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A value as the file could spell it, short enough for a message.
fn render(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(elements) => {
            let rendered: Vec<String> = elements
                .iter()
                .map(|element| render(element.get_ref()))
                .collect();
            format!("[{}]", rendered.join(", "))
        }
        DeValue::Table(_) => "{…}".to_owned(),
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a single table",
    }
}
