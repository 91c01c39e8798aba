//! `[directory]` and `[directory.posix]`: how people and groups appear.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::attributes;
use super::problem::Fault;
use super::table::Table;
use super::text::is_passwd_field;
use super::value::Value;
use crate::directory::attribute::{MappedAttribute, Mapping};
use crate::directory::name::BUILTIN_RESERVED;
use crate::directory::number_range;
use crate::directory::registry::{MappedProperties, Policy, UsernameSource};
use crate::dit::entry::base_class;
use crate::dit::{Dn, InactiveUsers, PrimaryGroup};
use crate::ldap::UsersMayRead;

const USERNAME_SOURCES: [(&str, UsernameSource); 5] = [
    ("upn-prefix", UsernameSource::UpnPrefix),
    ("upn", UsernameSource::Upn),
    ("mail-nickname", UsernameSource::MailNickname),
    ("mail-prefix", UsernameSource::MailPrefix),
    ("sam-account-name", UsernameSource::SamAccountName),
];

const BUILTIN: &str = "+builtin";

/// The primary group that is each person's own.
const PRIVATE: &str = "private";

/// What the tables say, before it is dealt out to the parts.
pub(super) struct Directory {
    pub base: Dn,
    pub users_may_read: UsersMayRead,
    pub login_shell: String,
    pub inactive_users: InactiveUsers,
    pub primary_group: PrimaryGroup,
    pub mapping: Mapping,
    /// Complete but for `hold_names`, which stands in `[sync]`.
    pub policy: Policy,
}

/// Reads `[directory]` and the tables below it.
pub(super) fn read(directory: &Table<'_>) -> Option<Directory> {
    let posix = directory.table("posix");
    let base = directory.require("base_dn", "\"dc=example,dc=com\"", |dn| {
        dn.parsed(
            "a DN that begins with dc=, o= or ou= (RFC 4514)",
            "\"dc=example,dc=com\"",
            base_dn,
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
    let inactive_users = directory.read("inactive_users", |value| {
        value.word(&[("hide", InactiveUsers::Hide), ("show", InactiveUsers::Show)])
    });
    let primary_group = posix.read("primary_group", Value::text);
    let mapping = attributes::read(directory);
    let mapped = registered_properties(&mapping);
    Some(Directory {
        base: base?,
        users_may_read: users_may_read.unwrap_or(UsersMayRead::OwnEntry),
        inactive_users: inactive_users.unwrap_or_default(),
        primary_group: match primary_group {
            Some(name) if name != PRIVATE => PrimaryGroup::Shared(name),
            _ => PrimaryGroup::Private,
        },
        mapping,
        login_shell: shell.unwrap_or_else(|| "/bin/bash".to_owned()),
        policy: Policy {
            username: username.unwrap_or(UsernameSource::UpnPrefix),
            reserved_names: reserved_names.unwrap_or_else(|| builtin_names().collect()),
            id_range: id_range.unwrap_or(number_range::DEFAULT),
            home: home.unwrap_or_else(|| "/home/{username}".to_owned()),
            hold_names: None,
            mapped,
        },
    })
}

/// The mapped properties that the registry reads, because it hands out what they ask for.
fn registered_properties(mapping: &Mapping) -> MappedProperties {
    let property = |mapped: Option<&MappedAttribute>| mapped.map(|it| it.property.clone());
    MappedProperties {
        uid_number: property(mapping.of_user("uidNumber")),
        gid_number: property(mapping.of_group("gidNumber")),
        home: property(mapping.of_user("homeDirectory")),
    }
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
    match number_range::check(low, high) {
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

/// A name the tree can stand under.
fn base_dn(text: &str) -> Option<Dn> {
    Dn::parse(text).ok().filter(|dn| base_class(dn).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_name_the_tree_can_stand_under() {
        for text in [
            "dc=example,dc=com",
            "o=Doe\\, Inc.,c=DE",
            "2.5.4.10=Example",
            "ou=it,o=x",
        ] {
            assert!(base_dn(text).is_some(), "{text}");
        }
        for text in [
            "example.com",
            "dc=example,",
            "cn=directory",
            "dc=a+o=b,dc=c",
            "o=Doe, Inc.",
            "",
        ] {
            assert!(base_dn(text).is_none(), "{text}");
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
