//! Attributes that the administrator takes from Graph properties of their choice (`[directory.attributes]`).
//!
//! A [`Mapping`] says which; [`check`] is what a value must pass before it is served. A value that does not pass is
//! left out of that one entry, and is one of the [`flaws`] reported on its owner.

mod ssh_key;

use std::collections::BTreeMap;
use std::fmt;

use super::name::ascii_text;
use super::number_range::{NUMBER_MIN, claimant};
use super::{Group, User};

pub use ssh_key::KeyFlaw;

/// How much of a bad value is repeated in a report.
const SHOWN_CHARS_MAX: usize = 40;

/// `[directory.attributes]`: what is taken from which property, for people and for groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Attributes of people.
    pub user: Vec<MappedAttribute>,
    /// Attributes of groups: `gidNumber` is the only one.
    pub group: Vec<MappedAttribute>,
}

/// One line of `[directory.attributes]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedAttribute {
    /// What it becomes.
    pub attribute: Attribute,
    /// The Graph property, spelled as in [`User::mapped`].
    pub property: String,
}

/// An attribute that may be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as entries write it.
    pub name: &'static str,
    /// What its values must look like.
    pub form: Form,
    /// Holds one value at most.
    pub is_single: bool,
}

/// What the values of an attribute must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of authorized_keys(5) without options.
    SshKey,
    /// A number that may become a uidNumber or gidNumber.
    Number,
    /// An absolute path that a field of passwd(5) can hold.
    Path,
    /// A field of passwd(5) in ASCII; accents are dropped, as they are from names.
    Gecos,
    /// Any text.
    Text,
    /// Printable ASCII.
    Ascii,
}

/// A value fit to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of every form but [`Form::Number`].
    Text(String),
    /// Of [`Form::Number`].
    Number(u32),
}

/// Why a value is not served. `Display` completes the sentence "… is left out: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing but spaces.
    Empty,
    /// A control character, which no field of passwd(5) and no key can hold.
    Control,
    /// Not a decimal number that fits 32 bits.
    NotANumber,
    /// A number that others on a Linux host use.
    Claimed {
        /// The number.
        number: u32,
        /// Who uses it.
        owner: &'static str,
    },
    /// A path that does not start with `/`.
    NotAbsolute,
    /// A colon, which ends a field of passwd(5).
    Colon,
    /// Characters beyond printable ASCII, for which the attribute's syntax has no place.
    NotAscii,
    /// Not a public key.
    Key(KeyFlaw),
    /// Several values for an attribute that holds one.
    Several(usize),
}

/// A value that is not served, and where it stands. `Display` is a sentence on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeFlaw {
    /// The attribute that goes without it.
    pub attribute: &'static str,
    /// The Graph property that holds it; `None` for a local override.
    pub property: Option<String>,
    /// The value, cut to a readable length and without control characters.
    pub value: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

impl Mapping {
    /// The property that an attribute of people is taken from.
    pub fn of_user(&self, attribute: &str) -> Option<&MappedAttribute> {
        self.user
            .iter()
            .find(|mapped| mapped.attribute.name == attribute)
    }

    /// The property that an attribute of groups is taken from.
    pub fn of_group(&self, attribute: &str) -> Option<&MappedAttribute> {
        self.group
            .iter()
            .find(|mapped| mapped.attribute.name == attribute)
    }
}

impl MappedAttribute {
    /// What an object has for this attribute: the values fit to be served, in the order given, and the others.
    ///
    /// `mapped` is [`User::mapped`] or [`Group::mapped`].
    pub fn read(&self, mapped: &BTreeMap<String, Vec<String>>) -> (Vec<Value>, Vec<AttributeFlaw>) {
        let texts: Vec<&str> = mapped
            .get(&self.property)
            .into_iter()
            .flatten()
            .flat_map(|text| self.attribute.split(text))
            .collect();
        let flawed = |text: &str, flaw| AttributeFlaw {
            property: Some(self.property.clone()),
            ..AttributeFlaw::new(self.attribute.name, text, flaw)
        };
        // Graph keeps no order among them, so there is no first one to prefer.
        if self.attribute.is_single && texts.len() > 1 {
            let flaw = Flaw::Several(texts.len());
            return (Vec::new(), vec![flawed(texts[0], flaw)]);
        }
        let (mut values, mut flaws) = (Vec::new(), Vec::new());
        for text in texts {
            match check(&self.attribute, text) {
                Ok(value) => values.push(value),
                Err(flaw) => flaws.push(flawed(text, flaw)),
            }
        }
        (values, flaws)
    }
}

impl Attribute {
    /// The values in one text: several keys may stand in one, each on a line of its own.
    fn split(self, text: &str) -> impl Iterator<Item = &str> {
        let is_lines = self.form == Form::SshKey;
        text.split(move |c| is_lines && matches!(c, '\n' | '\r'))
            .filter(move |line| !(is_lines && line.trim().is_empty()))
    }
}

impl Value {
    /// The value as an entry writes it.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

impl AttributeFlaw {
    /// A flaw of a value that no property holds.
    pub fn new(attribute: &'static str, value: &str, flaw: Flaw) -> Self {
        Self {
            attribute,
            property: None,
            value: shown(value),
            flaw,
        }
    }
}

/// The value that a text makes for an attribute, spaces around it dropped.
pub fn check(attribute: &Attribute, text: &str) -> Result<Value, Flaw> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    match attribute.form {
        Form::SshKey => ssh_key(text).map(Value::Text),
        Form::Number => number(text).map(Value::Number),
        Form::Path => path(text).map(Value::Text),
        Form::Gecos => gecos(text).map(Value::Text),
        // A line break is lawful in an address (RFC 4517 §3.3.6).
        Form::Text
            if text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) =>
        {
            Err(Flaw::Control)
        }
        Form::Text => Ok(Value::Text(text.to_owned())),
        Form::Ascii => printable(text).map(Value::Text),
    }
}

/// A line of authorized_keys(5): type, key and comment.
pub fn ssh_key(text: &str) -> Result<String, Flaw> {
    if text.contains(char::is_control) {
        return Err(Flaw::Control);
    }
    ssh_key::check(text).map_err(Flaw::Key)?;
    Ok(text.to_owned())
}

/// A number that may become a uidNumber or gidNumber.
pub fn number(text: &str) -> Result<u32, Flaw> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|_| is_decimal)
        .ok_or(Flaw::NotANumber)?;
    match claimant(number) {
        Some(owner) => Err(Flaw::Claimed { number, owner }),
        None => Ok(number),
    }
}

/// An absolute path that a field of passwd(5) can hold.
pub fn path(text: &str) -> Result<String, Flaw> {
    if !text.starts_with('/') {
        return Err(Flaw::NotAbsolute);
    }
    let text = printable(text)?;
    if text.contains(':') {
        return Err(Flaw::Colon);
    }
    Ok(text)
}

fn gecos(text: &str) -> Result<String, Flaw> {
    if text.contains(char::is_control) {
        return Err(Flaw::Control);
    }
    if text.contains(':') {
        return Err(Flaw::Colon);
    }
    let ascii = ascii_text(text).trim().to_owned();
    if ascii.is_empty() {
        Err(Flaw::NotAscii)
    } else {
        Ok(ascii)
    }
}

fn printable(text: &str) -> Result<String, Flaw> {
    if text.contains(char::is_control) {
        return Err(Flaw::Control);
    }
    if !text.is_ascii() {
        return Err(Flaw::NotAscii);
    }
    Ok(text.to_owned())
}

/// Everything in a user's mapped properties that is not served.
pub fn flaws(user: &User, mapping: &Mapping) -> Vec<AttributeFlaw> {
    flaws_of(&user.mapped, &mapping.user)
}

/// The same for a group.
pub fn group_flaws(group: &Group, mapping: &Mapping) -> Vec<AttributeFlaw> {
    flaws_of(&group.mapped, &mapping.group)
}

fn flaws_of(
    mapped: &BTreeMap<String, Vec<String>>,
    attributes: &[MappedAttribute],
) -> Vec<AttributeFlaw> {
    attributes
        .iter()
        .flat_map(|attribute| attribute.read(mapped).1)
        .collect()
}

/// A stranger's text, made fit for a line of a report.
fn shown(text: &str) -> String {
    let mut visible = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = visible.by_ref().take(SHOWN_CHARS_MAX).collect();
    if visible.next().is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for AttributeFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attribute,
            property,
            value,
            flaw,
        } = self;
        write!(f, "{attribute} \"{value}\"")?;
        match property {
            Some(property) => write!(f, " from {property} is left out: {flaw}"),
            None => write!(f, ": {flaw}"),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Control => f.write_str("it holds a line break or another control character"),
            Self::NotANumber => f.write_str("it is not a whole number below 4294967296"),
            Self::Claimed { number, owner } => write!(
                f,
                "{number} belongs to {owner}; numbers are {NUMBER_MIN} or more and outside the ranges that Linux reserves"
            ),
            Self::NotAbsolute => f.write_str("it is not an absolute path"),
            Self::Colon => f.write_str("it holds a colon, which ends a field of passwd"),
            Self::NotAscii => f.write_str("it holds characters beyond ASCII"),
            Self::Key(flaw) => flaw.fmt(f),
            Self::Several(count) => write!(f, "there are {count} values where one fits"),
        }
    }
}

#[cfg(test)]
mod tests;
