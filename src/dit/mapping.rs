//! Which attributes `[directory.attributes]` may name, by the schema table.

use std::fmt;

use super::schema::{self, AttributeId, Kind, OBJECT_CLASSES, id};
use crate::directory::attribute::{Attribute, Form};

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person's.
    User,
    /// A group's.
    Group,
}

/// Why an attribute cannot be mapped. `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The schema has no attribute of this name.
    Unknown,
    /// It is about names, membership or locks, which the sync decides, or no attribute of people at all.
    Fixed(&'static str),
}

/// The classes of a person's entry.
pub(super) const PERSON_CLASSES: [&str; 8] = [
    "top",
    "person",
    "organizationalPerson",
    "inetOrgPerson",
    "posixAccount",
    "shadowAccount",
    "office365Object",
    LDAP_PUBLIC_KEY,
];

/// The class of people who have a key, and of no others.
pub(super) const LDAP_PUBLIC_KEY: &str = "ldapPublicKey";

/// Attributes of people by which they are known, which the rules or the registry decide: nothing in a property may
/// change who somebody is.
const FIXED: [AttributeId; 8] = [
    id("objectClass"),
    id("uid"),
    id("cn"),
    id("mail"),
    id("userPrincipalName"),
    id("sAMAccountName"),
    id("memberOf"),
    id("manager"),
];

const GID_NUMBER: AttributeId = id("gidNumber");
const UID_NUMBER: AttributeId = id("uidNumber");

/// The attribute that a key of `[directory.attributes]` means, by name or OID in any case, and whose it is.
///
/// `gidNumber` is a group's: a person's is one with the `uidNumber`.
pub fn mappable(name: &str) -> Result<(Subject, Attribute), Refusal> {
    let attribute = schema::lookup(name).ok_or(Refusal::Unknown)?;
    if attribute == GID_NUMBER {
        return Ok((Subject::Group, described(attribute, Form::Number)));
    }
    form(attribute)
        .map(|form| (Subject::User, described(attribute, form)))
        .ok_or(Refusal::Fixed(attribute.get().name()))
}

/// Every attribute that [`mappable`] takes, in the order of the alphabet.
pub fn mappable_names() -> Vec<&'static str> {
    let mut names: Vec<_> = schema::ATTRIBUTES
        .iter()
        .map(schema::AttributeType::name)
        .filter(|name| mappable(name).is_ok())
        .collect();
    names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
    names
}

fn described(attribute: AttributeId, form: Form) -> Attribute {
    let row = attribute.get();
    Attribute {
        name: row.name(),
        form,
        is_single: row.single,
    }
}

/// What a person's values of the attribute look like; `None` when it cannot be mapped.
fn form(attribute: AttributeId) -> Option<Form> {
    let row = attribute.get();
    let is_of_people = OBJECT_CLASSES
        .iter()
        .filter(|class| PERSON_CLASSES.contains(&class.name))
        .any(|class| class.must.contains(&row.name()) || class.may.contains(&row.name()));
    if row.operational || !is_of_people || FIXED.contains(&attribute) {
        return None;
    }
    match (row.name(), row.kind) {
        ("sshPublicKey", _) => Some(Form::SshKey),
        ("homeDirectory" | "loginShell", _) => Some(Form::Path),
        ("gecos", _) => Some(Form::Gecos),
        _ if attribute == UID_NUMBER => Some(Form::Number),
        (_, Kind::Text) => Some(Form::Text),
        (_, Kind::Ia5Text | Kind::Ia5Exact | Kind::Telephone) => Some(Form::Ascii),
        // The ages and the expiry of shadow(5) are about the password and the lock.
        _ => None,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such attribute is in the schema")?,
            Self::Fixed(name) => write!(f, "{name} cannot be taken from a property of choice")?,
        }
        write!(f, "; these can: {}", mappable_names().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_known_by_any_name_and_described_by_the_schema() {
        for (name, subject, form, is_single) in [
            ("sshPublicKey", Subject::User, Form::SshKey, false),
            (
                "1.3.6.1.4.1.24552.500.1.1.1.13",
                Subject::User,
                Form::SshKey,
                false,
            ),
            ("UIDNUMBER", Subject::User, Form::Number, true),
            ("gidNumber", Subject::Group, Form::Number, true),
            ("loginshell", Subject::User, Form::Path, true),
            ("gecos", Subject::User, Form::Gecos, true),
            ("title", Subject::User, Form::Text, false),
            ("employeeNumber", Subject::User, Form::Text, true),
            ("surname", Subject::User, Form::Text, false),
            ("mobile", Subject::User, Form::Ascii, false),
        ] {
            let (of, attribute) = mappable(name).unwrap();
            assert_eq!(
                (of, attribute.form, attribute.is_single),
                (subject, form, is_single),
                "{name}"
            );
        }
    }

    #[test]
    fn names_membership_locks_and_the_servers_own_attributes_are_refused() {
        for name in [
            "objectClass",
            "uid",
            "cn",
            "mail",
            "userPrincipalName",
            "member",
            "memberUid",
            "memberOf",
            "manager",
            "entryUUID",
            "shadowExpire",
            "nsAccountLock",
            "dc",
            "name",
        ] {
            assert!(matches!(mappable(name), Err(Refusal::Fixed(_))), "{name}");
        }
        assert_eq!(mappable("shoeSize"), Err(Refusal::Unknown));
    }

    #[test]
    fn a_refusal_lists_what_can_be_mapped() {
        assert_eq!(
            Refusal::Unknown.to_string(),
            "no such attribute is in the schema; these can: departmentNumber, description, displayName, \
             employeeNumber, employeeType, gecos, gidNumber, givenName, homeDirectory, l, loginShell, mobile, o, ou, \
             physicalDeliveryOfficeName, postalCode, preferredLanguage, sn, sshPublicKey, st, street, telephoneNumber, \
             title, uidNumber"
        );
    }
}
