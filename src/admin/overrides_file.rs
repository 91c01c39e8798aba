//! Overrides as files that an administrator edits: CSV and JSON.
//!
//! Both hold rows of the same fields ([`COLUMNS`]). Here text becomes rows whose values have been checked; whom a row
//! means, and whether it contradicts another, is for [`apply`](crate::directory::overrides::apply) to say.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::directory::Override;
use crate::directory::attribute::{self, AttributeFlaw, Flaw};
use crate::directory::overrides::{Row, RowName};

/// The columns of a CSV file, which are the fields of a JSON object. A file need not have all, nor in this order.
pub const COLUMNS: [&str; 8] = [
    "user",
    "group",
    "uidNumber",
    "gidNumber",
    "loginShell",
    "homeDirectory",
    "sshPublicKey",
    "label",
];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of column names first. Several keys stand in one field, a line each, or in several rows.
    Csv,
    /// A list of objects. Several keys stand in a list.
    Json,
}

/// What is wrong with a line of a file. `Display` is a sentence that begins with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; where the row begins.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not in the format at all.
    Unreadable {
        /// What the parser said.
        cause: String,
    },
    /// A column that does not exist.
    UnknownColumn(String),
    /// Neither or both of `user` and `group`.
    NotOneName,
    /// Nothing is set.
    Nothing,
    /// A field that groups do not have.
    NotForGroups(&'static str),
    /// `uidNumber` in a row about a group.
    UidOfGroup,
    /// A person's `gidNumber` that is not the `uidNumber`: the two are one pair.
    UnequalPair,
    /// A value that could not be served.
    Value(AttributeFlaw),
}

/// The fields of a row as they are written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid_number: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid_number: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_shell: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_public_key: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// A number, in quotes or not.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

/// One text or several.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

/// The rows of a file, or everything that is wrong with it.
pub fn read(text: &str, format: Format) -> Result<Vec<Row>, Vec<Problem>> {
    // Spreadsheets put a byte order mark in front.
    let text = text.trim_start_matches('\u{feff}');
    let (fields, mut problems) = match format {
        Format::Csv => read_csv(text),
        Format::Json => read_json(text),
    };
    let mut rows = Vec::with_capacity(fields.len());
    for (line, fields) in fields {
        match row(line, fields) {
            Ok(row) => rows.push(row),
            Err(faults) => problems.extend(faults.into_iter().map(|fault| Problem { line, fault })),
        }
    }
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(problems)
    }
}

/// Fields with the line they begin in, and what could not be read.
type Read = (Vec<(usize, Fields)>, Vec<Problem>);

fn read_csv(text: &str) -> Read {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    let mut columns: Option<csv::StringRecord> = None;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push(unreadable_csv(text, &error));
                continue;
            }
        };
        let line = line_of(text, record.position());
        match &columns {
            None => {
                let strangers = record.iter().filter(|name| !COLUMNS.contains(name));
                problems.extend(strangers.map(|name| Problem {
                    line,
                    fault: Fault::UnknownColumn(name.to_owned()),
                }));
                columns = Some(record);
            }
            Some(columns) => read.push((line, csv_fields(columns, &record))),
        }
    }
    (read, problems)
}

fn csv_fields(columns: &csv::StringRecord, record: &csv::StringRecord) -> Fields {
    let field = |wanted: &str| {
        let place = columns.iter().position(|column| column == wanted)?;
        record
            .get(place)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    Fields {
        user: field("user"),
        group: field("group"),
        uid_number: field("uidNumber").map(Number::Text),
        gid_number: field("gidNumber").map(Number::Text),
        login_shell: field("loginShell"),
        home_directory: field("homeDirectory"),
        ssh_public_key: field("sshPublicKey").map(Texts::One),
        label: field("label"),
    }
}

fn unreadable_csv(text: &str, error: &csv::Error) -> Problem {
    let cause = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} fields where the first line has {expected_len}")
        }
        _ => error.to_string(),
    };
    Problem {
        line: line_of(text, error.position()),
        fault: Fault::Unreadable { cause },
    }
}

/// The line of a record. The parser's positions lie before what is left of the last line break, and empty lines.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else {
        return 1;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let before = text.as_bytes().get(start..).unwrap_or_default().iter();
    let breaks = before.take_while(|octet| matches!(octet, b'\r' | b'\n'));
    let lines = breaks.filter(|octet| **octet == b'\n').count();
    usize::try_from(position.line()).map_or(usize::MAX, |line| line + lines)
}

fn read_json(text: &str) -> Read {
    let unreadable = |line, error: &serde_json::Error| {
        // serde_json ends its sentence with a place, which is within the entry here.
        let cause = error.to_string();
        let cause = cause
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        Problem {
            line,
            fault: Fault::Unreadable { cause },
        }
    };
    let entries: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(entries) => entries,
        Err(error) => return (Vec::new(), vec![unreadable(error.line().max(1), &error)]),
    };
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for entry in entries {
        // The entry is a part of the text.
        let offset = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        let line = text[..offset].matches('\n').count() + 1;
        match serde_json::from_str(entry.get()) {
            Ok(fields) => read.push((line, fields)),
            Err(error) => problems.push(unreadable(line + error.line().max(1) - 1, &error)),
        }
    }
    (read, problems)
}

fn row(line: usize, fields: Fields) -> Result<Row, Vec<Fault>> {
    let mut faults = Vec::new();
    let name = match (fields.user, fields.group) {
        (Some(user), None) => Some(RowName::User(user)),
        (None, Some(group)) => Some(RowName::Group(group)),
        _ => {
            faults.push(Fault::NotOneName);
            None
        }
    };
    let mut number = |name, number: Option<Number>| {
        let text = match number? {
            Number::Number(number) => number.to_string(),
            Number::Text(text) => text,
        };
        let read = attribute::number(text.trim());
        read.map_err(|flaw| faults.push(Fault::Value(AttributeFlaw::new(name, &text, flaw))))
            .ok()
    };
    let uid = number("uidNumber", fields.uid_number);
    let gid = number("gidNumber", fields.gid_number);
    let keys = match fields.ssh_public_key {
        None => Vec::new(),
        Some(Texts::One(text)) => vec![text],
        Some(Texts::Several(texts)) => texts,
    };
    let keys = keys.iter().flat_map(|text| text.lines()).map(str::trim);
    let set = Override {
        number: uid.or(gid),
        login_shell: fields.login_shell,
        home: fields.home_directory,
        ssh_keys: keys
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    match &name {
        Some(RowName::Group(_)) => faults.extend(not_for_groups(&set, uid)),
        // A number that could not be read has been noted already.
        _ if gid.is_some() && gid != uid && !has_number_flaw(&faults) => {
            faults.push(Fault::UnequalPair)
        }
        _ => {}
    }
    faults.extend(set.check().into_iter().map(Fault::Value));
    if set.is_empty() && faults.is_empty() {
        faults.push(Fault::Nothing);
    }
    match name {
        Some(name) if faults.is_empty() => Ok(Row {
            line,
            name,
            set,
            label: fields.label,
        }),
        _ => Err(faults),
    }
}

fn has_number_flaw(faults: &[Fault]) -> bool {
    let is_number = |fault: &Fault| matches!(fault, Fault::Value(flaw) if matches!(flaw.flaw, Flaw::NotANumber | Flaw::Claimed { .. }));
    faults.iter().any(is_number)
}

fn not_for_groups(set: &Override, uid: Option<u32>) -> Vec<Fault> {
    let fields = [
        ("loginShell", set.login_shell.is_some()),
        ("homeDirectory", set.home.is_some()),
        ("sshPublicKey", !set.ssh_keys.is_empty()),
    ];
    let foreign = fields.into_iter().filter(|(_, is_set)| *is_set);
    let foreign = foreign.map(|(name, _)| Fault::NotForGroups(name));
    uid.map(|_| Fault::UidOfGroup)
        .into_iter()
        .chain(foreign)
        .collect()
}

/// The file that [`read`] makes these rows of, but for their lines.
pub fn write(rows: &[Row], format: Format) -> String {
    match format {
        Format::Csv => write_csv(rows),
        Format::Json => {
            let fields: Vec<Fields> = rows.iter().map(fields_of).collect();
            let mut text =
                serde_json::to_string_pretty(&fields).expect("texts and numbers are JSON");
            text.push('\n');
            text
        }
    }
}

fn write_csv(rows: &[Row]) -> String {
    const INFALLIBLE: &str = "memory takes every record, and all have the same fields";
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).expect(INFALLIBLE);
    for row in rows {
        let (user, group) = match &row.name {
            RowName::User(name) => (name.as_str(), ""),
            RowName::Group(name) => ("", name.as_str()),
        };
        let number = row
            .set
            .number
            .map(|number| number.to_string())
            .unwrap_or_default();
        let (uid, gid) = if group.is_empty() {
            (number, String::new())
        } else {
            (String::new(), number)
        };
        let record = [
            user,
            group,
            &uid,
            &gid,
            row.set.login_shell.as_deref().unwrap_or_default(),
            row.set.home.as_deref().unwrap_or_default(),
            &row.set.ssh_keys.join("\n"),
            row.label.as_deref().unwrap_or_default(),
        ];
        writer.write_record(record).expect(INFALLIBLE);
    }
    let octets = writer.into_inner().expect(INFALLIBLE);
    String::from_utf8(octets).expect("fields and separators are UTF-8")
}

fn fields_of(row: &Row) -> Fields {
    let number = row.set.number.map(|number| Number::Number(number.into()));
    let keys = &row.set.ssh_keys;
    let common = Fields {
        login_shell: row.set.login_shell.clone(),
        home_directory: row.set.home.clone(),
        ssh_public_key: (!keys.is_empty()).then(|| Texts::Several(keys.clone())),
        label: row.label.clone(),
        ..Fields::default()
    };
    match &row.name {
        RowName::User(name) => Fields {
            user: Some(name.clone()),
            uid_number: number,
            ..common
        },
        RowName::Group(name) => Fields {
            group: Some(name.clone()),
            gid_number: number,
            ..common
        },
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { cause } => write!(f, "not readable: {cause}"),
            Self::UnknownColumn(name) => write!(
                f,
                "there is no column \"{name}\"; the first line names some of {}",
                COLUMNS.join(", ")
            ),
            Self::NotOneName => f.write_str("a row names either a user or a group"),
            Self::Nothing => f.write_str("nothing is set"),
            Self::NotForGroups(name) => write!(f, "a group has no {name}"),
            Self::UidOfGroup => f.write_str("a group has a gidNumber, not a uidNumber"),
            Self::UnequalPair => f.write_str(
                "a person's gidNumber is the uidNumber, so that it names the private group; leave it out (a shared \
                 primary group is set by directory.posix.primary_group)",
            ),
            Self::Value(flaw) => flaw.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
