//! Properties that the administrator names in `[directory.attributes]`: what may be named, and how it is read.
//!
//! Source: Graph, "Add custom data to resources by using extensions"; schema and open extensions are not tracked by
//! delta queries, so they cannot be named.

use std::collections::BTreeMap;

use serde_json::Value;

use super::property::{Entry, Property};
use super::user;

/// The object that holds the fifteen attributes; `$select` takes it as a whole only.
const EXTENSION_ATTRIBUTES: &str = "onPremisesExtensionAttributes";
/// What their names begin with; a number from 1 to 15 follows.
const EXTENSION_ATTRIBUTE: &str = "extensionAttribute";
const EXTENSION_ATTRIBUTES_MAX: u8 = 15;
/// What the name of a directory extension begins with; an app's id and a name follow.
const DIRECTORY_EXTENSION: &str = "extension_";
/// Digits of an app's id without hyphens.
const APP_ID_DIGITS: usize = 32;

/// Properties of users that nothing else here asks for.
const MORE_OF_USER: [&str; 11] = [
    "country",
    "faxNumber",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "securityIdentifier",
    "usageLocation",
];

/// Lists of strings among the properties asked for anyway.
const LISTS_OF_USER: [&str; 2] = ["businessPhones", "proxyAddresses"];

const OF_GROUP: [&str; 6] = [
    "description",
    "displayName",
    "mail",
    "mailNickname",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
];

/// The name of a user's property as Graph spells it; `None` when it is none that can be mapped.
///
/// Takes properties of the user itself, `onPremisesExtensionAttributes.extensionAttribute1` to `15` (with or without
/// what stands before the dot), and directory extensions, `extension_{app id without hyphens}_{name}`.
pub fn user_property(text: &str) -> Option<String> {
    let own = user::text_properties()
        .chain(LISTS_OF_USER)
        .chain(MORE_OF_USER);
    known(text, own)
        .or_else(|| extension_attribute(text))
        .or_else(|| directory_extension(text))
}

/// The same for a group, which has no extension attributes.
pub fn group_property(text: &str) -> Option<String> {
    known(text, OF_GROUP.into_iter()).or_else(|| directory_extension(text))
}

fn known(text: &str, mut names: impl Iterator<Item = &'static str>) -> Option<String> {
    names
        .find(|name| name.eq_ignore_ascii_case(text))
        .map(str::to_owned)
}

fn extension_attribute(text: &str) -> Option<String> {
    let name = match text.split_once('.') {
        Some((object, name)) if object.eq_ignore_ascii_case(EXTENSION_ATTRIBUTES) => name,
        Some(_) => return None,
        None => text,
    };
    let (word, digits) = name.split_at_checked(EXTENSION_ATTRIBUTE.len())?;
    let number: u8 = digits.parse().ok()?;
    let is_name = word.eq_ignore_ascii_case(EXTENSION_ATTRIBUTE)
        && number.to_string() == digits
        && (1..=EXTENSION_ATTRIBUTES_MAX).contains(&number);
    is_name.then(|| format!("{EXTENSION_ATTRIBUTES}.{EXTENSION_ATTRIBUTE}{number}"))
}

fn directory_extension(text: &str) -> Option<String> {
    let rest = text.strip_prefix(DIRECTORY_EXTENSION)?;
    let (app_id, name) = rest.split_once('_')?;
    let is_app_id =
        app_id.len() == APP_ID_DIGITS && app_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_app_id && is_name).then(|| {
        format!(
            "{DIRECTORY_EXTENSION}{}_{name}",
            app_id.to_ascii_lowercase()
        )
    })
}

/// What `$select` has to name for a property to come.
pub(super) fn selected(property: &str) -> &str {
    property
        .split_once('.')
        .map_or(property, |(object, _)| object)
}

/// What an entry says about the mapped properties, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MappedPatch(Vec<(String, Property<Vec<String>>)>);

impl MappedPatch {
    pub(super) fn read(entry: &mut Entry<'_>, properties: &[String]) -> Self {
        let read = |property: &String| (property.clone(), entry.mapped(property));
        Self(properties.iter().map(read).collect())
    }

    /// Brings an object's values up to date; a whole object has no others than those asked for.
    pub(super) fn apply_to(&self, is_whole: bool, mapped: &mut BTreeMap<String, Vec<String>>) {
        let mut known = std::mem::take(mapped);
        for (name, property) in &self.0 {
            let mut values = known.remove(name);
            property.apply(is_whole, &mut values);
            mapped.extend(values.map(|values| (name.clone(), values)));
        }
        if !is_whole {
            mapped.append(&mut known);
        }
    }
}

/// A mapped property's values as text: strings, numbers, booleans and lists of them. `None` for anything else.
/// Empty strings are no values, as no attribute could hold them (RFC 4517 §3.3.6).
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    let texts: Vec<String> = match value {
        Value::Array(elements) => elements.iter().map(scalar).collect::<Option<_>>()?,
        single => vec![scalar(single)?],
    };
    Some(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_known_in_any_case_and_spelled_as_graph_does() {
        let app = "0123456789abcdef0123456789ABCDEF";
        for (text, expected) in [
            ("officelocation", "officeLocation"),
            ("otherMails", "otherMails"),
            (
                "extensionAttribute7",
                "onPremisesExtensionAttributes.extensionAttribute7",
            ),
            (
                "onpremisesextensionattributes.ExtensionAttribute15",
                "onPremisesExtensionAttributes.extensionAttribute15",
            ),
            (
                &format!("extension_{app}_sshPublicKey"),
                "extension_0123456789abcdef0123456789abcdef_sshPublicKey",
            ),
        ] {
            assert_eq!(user_property(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_graph_could_not_select_is_refused() {
        for text in [
            "",
            "shoeSize",
            "extensionAttribute0",
            "extensionAttribute16",
            "extensionAttribute07",
            "extensionAttribute+7",
            "onPremisesExtensionAttributes",
            "other.extensionAttribute1",
            "extension_sshPublicKey",
            "extension_0123456789abcdef0123456789abcde_x",
            "extension_0123456789abcdef0123456789abcdef_",
            "extension_0123456789abcdef0123456789abcdef_a,id",
            "id",
        ] {
            assert_eq!(user_property(text), None, "{text}");
        }
        assert_eq!(group_property("extensionAttribute1"), None);
        assert_eq!(
            group_property("DESCRIPTION").as_deref(),
            Some("description")
        );
    }
}
