//! A value of the file, and the types of ours it can become.
//!
//! Each method notes in the document why a value does not fit, with an example of one that would.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::document::Document;
use super::problem::{Fault, Position};
use super::text;
use crate::secret::Secret;

/// A value of the file, with the key it stands under.
pub(super) struct Value<'a> {
    pub document: &'a Document<'a>,
    pub key: String,
    pub position: Position,
    pub inner: &'a DeValue<'a>,
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
        let read = |element: &'a Spanned<DeValue<'a>>| {
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

    pub fn duration(&self) -> Option<Duration> {
        self.parsed(
            "a duration: a whole number and s, m, h or d",
            "\"90s\"",
            text::duration,
        )
    }

    /// A duration longer than none.
    pub fn interval(&self) -> Option<Duration> {
        let positive = |written| text::duration(written).filter(|length| !length.is_zero());
        self.parsed(
            "a duration of at least a second: a whole number and s, m, h or d",
            "\"1m\"",
            positive,
        )
    }

    pub fn network(&self) -> Option<IpNet> {
        self.parsed("a network or an address", "\"10.0.0.0/8\"", text::network)
    }

    pub fn service_url(&self, example: &str) -> Option<Url> {
        let expected = "an https URL without user name and query (http only to this machine: localhost, 127.0.0.1, [::1])";
        let url = self.inner.as_str().and_then(text::service_url);
        if url.is_none() {
            // A URL may carry a password; one that is refused for it must not be repeated.
            match self.inner.as_str() {
                Some(text) if text.contains('@') => self.refuse_unseen(expected, example),
                _ => self.refuse(expected, example),
            }
        }
        url
    }

    /// An address and port to listen on.
    pub fn listen_address(&self, example: &str) -> Option<SocketAddr> {
        self.parsed(
            "an IP address with a port (no host name, no ldap://)",
            example,
            |text| text.parse().ok(),
        )
    }

    pub fn password_hash(&self) -> Option<Secret> {
        let hash = self.secret()?;
        if text::is_argon2id_hash(hash.expose()) {
            return Some(hash);
        }
        self.refuse_unseen(
            "the line that `ldap365 hash-password` prints",
            "\"$argon2id$v=19$m=19456,t=2,p=1$…\"",
        );
        None
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

/// A value's type, in the words of the messages.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a single table",
    }
}
