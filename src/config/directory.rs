//! `[directory]`, `[directory.posix]` and `[directory.attributes]`: how people and groups appear.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::id_range;
use super::problem::Fault;
use super::table::Table;
use super::text::is_passwd_field;
use super::value::Value;
use crate::directory::name::BUILTIN_RESERVED;
use crate::directory::registry::{Policy, UsernameSource};
use crate::ldap::UsersMayRead;

const USERNAME_SOURCES: [(&str, UsernameSource); 5] = [
    ("upn-prefix", UsernameSource::UpnPrefix),
    ("upn", UsernameSource::Upn),
    ("mail-nickname", UsernameSource::MailNickname),
    ("mail-prefix", UsernameSource::MailPrefix),
    ("sam-account-name", UsernameSource::SamAccountName),
];

const BUILTIN: &str = "+builtin";

/// What the two tables say, before it is dealt out to the parts.
pub(super) struct Directory {
    pub base_dn: String,
    pub users_may_read: UsersMayRead,
    pub login_shell: String,
    /// Complete but for `hold_names`, which stands in `[sync]`.
    pub policy: Policy,
}

/// Reads `[directory]` and the tables below it.
pub(super) fn read(directory: &Table<'_>) -> Option<Directory> {
    let posix = directory.table("posix");
    refuse_unbuilt(directory, &posix);
    let base_dn = directory.require("base_dn", "\"dc=example,dc=com\"", |dn| {
        let plausible = |text: &str| is_plausible_dn(text).then(|| text.to_owned());
        dn.parsed(
            "a DN: attribute=value pairs between commas (RFC 4514)",
            "\"dc=example,dc=com\"",
            plausible,
        )
    });
    let users_may_read = directory.read("users_may_read", |value| {
        value.word(&[("self", UsersMayRead::OwnEntry), ("all", UsersMayRead::All)])
    });
    let username = directory.read("username", |value| value.word(&USERNAME_SOURCES));
    let reserved_names = directory.read("reserved_names", read_reserved_names);
    let id_range = posix.read("id_range", read_id_range);
    let home = posix.read("home", |value| {
        value.parsed(
            "an absolute path with {username} in it, without colon",
            "\"/home/{username}\"",
            home_template,
        )
    });
    let shell = posix.read("shell", |value| {
        let absolute = |text: &str| is_absolute(text).then(|| text.to_owned());
        value.parsed("an absolute path without colon", "\"/bin/bash\"", absolute)
    });
    Some(Directory {
        base_dn: base_dn?,
        users_may_read: users_may_read.unwrap_or(UsersMayRead::OwnEntry),
        login_shell: shell.unwrap_or_else(|| "/bin/bash".to_owned()),
        policy: Policy {
            username: username.unwrap_or(UsernameSource::UpnPrefix),
            reserved_names: reserved_names.unwrap_or_else(|| builtin_names().collect()),
            id_range: id_range.unwrap_or(id_range::DEFAULT),
            home: home.unwrap_or_else(|| "/home/{username}".to_owned()),
            hold_names: None,
        },
    })
}

fn refuse_unbuilt(directory: &Table<'_>, posix: &Table<'_>) {
    let shown = |value: &Value<'_>| value.word(&[("hide", false), ("show", true)]);
    directory.read_unbuilt("inactive_users", shown, &[false], "leave it at \"hide\"");
    let private = ["private".to_owned()];
    posix.read_unbuilt(
        "primary_group",
        Value::text,
        &private,
        "leave it at \"private\"",
    );
    directory.read("attributes", |attributes| {
        match attributes.inner {
            DeValue::Table(entries) if entries.is_empty() => {}
            DeValue::Table(_) => attributes.refuse_unbuilt("leave the table out"),
            _ => attributes.refuse("a table of LDAP attributes", "[directory.attributes]"),
        }
        Some(())
    });
}

fn read_reserved_names(list: &Value<'_>) -> Option<BTreeSet<String>> {
    let names = list.list("[\"+builtin\", \"vpn\"]", |name| {
        let known =
            |text: &str| (text == BUILTIN || !text.starts_with('+')).then(|| text.to_owned());
        name.parsed(
            "a name, or \"+builtin\" for the names every Linux system has",
            "\"+builtin\"",
            known,
        )
    })?;
    let expanded = names.into_iter().flat_map(|name| match name.as_str() {
        BUILTIN => builtin_names().collect(),
        _ => vec![name.to_lowercase()],
    });
    Some(expanded.collect())
}

/// The registry compares after folding, so the list is folded too.
fn builtin_names() -> impl Iterator<Item = String> {
    BUILTIN_RESERVED.iter().map(|name| name.to_lowercase())
}

fn read_id_range(value: &Value<'_>) -> Option<RangeInclusive<u32>> {
    let bound = |bound: &Value<'_>| {
        let number = bound
            .inner
            .as_integer()
            .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        if number.is_none() {
            bound.refuse(
                "a number from 1000 to 4294967294, without quotes",
                "1879048192",
            );
        }
        number
    };
    let example = "[1879048192, 2147352575]";
    let elements = value.inner.as_array().map_or(0, |array| array.len());
    let bounds = value.list(example, bound)?;
    let &[low, high] = bounds.as_slice() else {
        // A bound that is no number has been noted already.
        if bounds.len() == elements {
            value.refuse("two numbers: the first and the last of the range", example);
        }
        return None;
    };
    match id_range::check(low, high) {
        Ok(range) => Some(range),
        Err(error) => {
            value.note(Fault::Contradiction(error.to_string()));
            None
        }
    }
}

fn home_template(text: &str) -> Option<String> {
    let rest = text.replace("{username}", "");
    let has_name_only = text.contains("{username}") && !rest.contains(['{', '}']);
    (is_absolute(text) && has_name_only).then(|| text.to_owned())
}

fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && is_passwd_field(text)
}

/// Whether a text looks like a DN: pairs between unescaped commas, each an attribute type and a value.
fn is_plausible_dn(text: &str) -> bool {
    let mut escaped = false;
    let separator = |c: char| {
        let splits = !escaped && matches!(c, ',' | '+');
        escaped = c == '\\' && !escaped;
        splits
    };
    text.split(separator).all(|pair| {
        pair.split_once('=').is_some_and(|(attribute, value)| {
            let is_type = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            let attribute = attribute.trim();
            !attribute.is_empty() && attribute.chars().all(is_type) && !value.trim().is_empty()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dn_is_pairs_between_unescaped_commas() {
        for text in [
            "dc=example,dc=com",
            "o=Doe\\, Inc.,c=DE",
            "2.5.4.10=Example",
            "cn=a+ou=b,dc=c",
        ] {
            assert!(is_plausible_dn(text), "{text}");
        }
        for text in [
            "example.com",
            "dc=example,",
            "dc=,dc=com",
            "=x",
            "dc=a,,dc=b",
            "d c=a",
            "o=Doe, Inc.",
        ] {
            assert!(!is_plausible_dn(text), "{text}");
        }
    }

    #[test]
    fn a_home_names_its_owner_and_nothing_else() {
        assert!(home_template("/srv/{username}/home").is_some());
        for text in [
            "/home",
            "home/{username}",
            "/home/{user}/{username}",
            "/home:/{username}",
        ] {
            assert!(home_template(text).is_none(), "{text}");
        }
    }
}
