//! Subschema subentries.

use std::collections::BTreeSet;

use ldap3_proto::proto::{LdapFilter, LdapSearchRequest, LdapSearchScope};

use crate::client::{Client, read, search, types, values};
use crate::world::{BASE, World};

#[tokio::test]
async fn the_subschema_is_read_by_the_search_the_rfc_names() {
    // The subschema is read by a base search for (objectClass=subschema), its attributes asked for by name (§4.4).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let request = LdapSearchRequest {
        filter: LdapFilter::Equality("objectClass".into(), "subschema".into()),
        ..read("cn=Subschema", &["objectClasses", "attributeTypes"])
    };
    let entry = client.entry(request).await;
    assert_eq!(types(&entry), ["attributeTypes", "objectClasses"]);
}

/// The names in a description: `NAME 'x'` or `NAME ( 'x' 'y' )`.
fn names(description: &str) -> impl Iterator<Item = String> {
    let (_, after) = description.split_once(" NAME ").unwrap();
    let end = if after.starts_with('(') { ")" } else { "' " };
    let (names, _) = after.split_once(end).unwrap();
    names
        .split('\'')
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "(")
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .into_iter()
}

#[tokio::test]
async fn everything_an_entry_holds_is_described() {
    // The subschema that controls an entry describes each attribute type and class the entry uses (§4.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let subschema = client.entry(read("cn=Subschema", &["+"])).await;
    let published = |name| -> BTreeSet<String> {
        values(&subschema, name)
            .into_iter()
            .flat_map(names)
            .collect()
    };
    let (attribute_types, classes) = (published("attributeTypes"), published("objectClasses"));
    let request = LdapSearchRequest {
        attrs: vec!["*".into(), "+".into()],
        ..search(BASE, LdapSearchScope::Subtree)
    };
    let (entries, _) = client.search(request).await;
    assert!(entries.len() > 5);
    for entry in &entries {
        for name in types(entry) {
            assert!(attribute_types.contains(&name.to_lowercase()), "{name}");
        }
        for class in values(entry, "objectClass") {
            assert!(classes.contains(&class.to_lowercase()), "{class}");
        }
        assert_eq!(values(entry, "subschemaSubentry"), ["cn=Subschema"]);
    }
}
