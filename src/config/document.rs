//! The file being read: a typed walk that notes every problem instead of stopping at the first.
//!
//! A [`Document`] hands out [`Table`]s, a table hands out [`Value`](super::value::Value)s, a value becomes a type of
//! ours. Whatever does not fit is noted in the document and read as `None`, so that the walk goes on. The document
//! remembers which keys were asked for: those are the keys that exist, and everything else in the file is a stranger.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::problem::{Fault, Position, Problem};
use super::table::Table;

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
        Table::root(self, entries)
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

    /// Remembers that a key exists.
    pub fn know(&self, key: &str) {
        self.known.borrow_mut().insert(key.to_owned());
    }

    pub fn position(&self, span: Range<usize>) -> Position {
        Position::of(span.start, self.text)
    }

    /// A path of the file as the process must open it.
    pub fn resolve(&self, path: &str) -> PathBuf {
        let directory = self.surroundings.file.parent().unwrap_or(Path::new(""));
        directory.join(path)
    }
}

/// A key with the tables it stands in.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
