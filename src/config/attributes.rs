//! `[directory.attributes]`: LDAP attributes, each with the Graph property it is taken from.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::document::join;
use super::problem::Fault;
use super::table::Table;
use super::value::Value;
use crate::directory::attribute::{MappedAttribute, Mapping};
use crate::dit::mapping::{Subject, mappable};
use crate::graph::mapped::{group_property, user_property};

const EXAMPLE: &str = "\"extension_00000000000000000000000000000000_sshPublicKey\"";
const GROUP_EXAMPLE: &str = "\"extension_00000000000000000000000000000000_gidNumber\"";

/// Reads the table; lines that do not fit are noted and left out.
pub(super) fn read(directory: &Table<'_>) -> Mapping {
    directory.read("attributes", read_table).unwrap_or_default()
}

fn read_table(table: &Value<'_>) -> Option<Mapping> {
    let DeValue::Table(entries) = table.inner else {
        table.refuse("a table of LDAP attributes", "[directory.attributes]");
        return None;
    };
    let mut mapping = Mapping::default();
    let mut keys: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let line = Value {
            document: table.document,
            key: join(&table.key, key.get_ref()),
            position: table.document.position(key.span()),
            inner: value.get_ref(),
        };
        let Some((subject, mapped)) = read_line(key, &line) else {
            continue;
        };
        if let Some(first) = keys.insert(mapped.attribute.name, key.get_ref().to_string()) {
            let name = mapped.attribute.name;
            line.note(Fault::Contradiction(format!(
                "{name} is mapped already, by the key \"{first}\"; keep one of them"
            )));
        }
        match subject {
            Subject::User => mapping.user.push(mapped),
            Subject::Group => mapping.group.push(mapped),
        }
    }
    Some(mapping)
}

fn read_line(
    key: &Spanned<impl AsRef<str>>,
    line: &Value<'_>,
) -> Option<(Subject, MappedAttribute)> {
    let attribute = mappable(key.get_ref().as_ref());
    if let Err(refusal) = &attribute {
        line.note(Fault::Contradiction(refusal.to_string()));
    }
    // The property is read all the same, so that one run finds both problems.
    let subject = attribute
        .as_ref()
        .map_or(Subject::User, |(subject, _)| *subject);
    let property = match subject {
        Subject::User => line.parsed(
            "a property of Graph's users by its name, extensionAttribute1 to 15, or a directory extension \
             (extension_, the app's id without hyphens, _, a name)",
            EXAMPLE,
            user_property,
        ),
        Subject::Group => line.parsed(
            "a property of Graph's groups by its name, or a directory extension (extension_, the app's id without \
             hyphens, _, a name)",
            GROUP_EXAMPLE,
            group_property,
        ),
    };
    let (subject, attribute) = attribute.ok()?;
    Some((
        subject,
        MappedAttribute {
            attribute,
            property: property?,
        },
    ))
}
