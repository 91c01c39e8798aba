//! The schema table written out as RFC 4512 §4 descriptions, for the subschema entry.

use std::fmt::Write;

use super::matching::{RULES, Rule};
use super::schema::{ATTRIBUTES, AttributeType, OBJECT_CLASSES, ObjectClass};

/// Syntaxes in use, with their names (RFC 4517 §3.3, RFC 4530).
const SYNTAXES: &[(&str, &str)] = &[
    ("1.3.6.1.4.1.1466.115.121.1.3", "Attribute Type Description"),
    ("1.3.6.1.4.1.1466.115.121.1.7", "Boolean"),
    ("1.3.6.1.4.1.1466.115.121.1.12", "DN"),
    ("1.3.6.1.4.1.1466.115.121.1.15", "Directory String"),
    ("1.3.6.1.4.1.1466.115.121.1.24", "Generalized Time"),
    ("1.3.6.1.4.1.1466.115.121.1.26", "IA5 String"),
    ("1.3.6.1.4.1.1466.115.121.1.27", "INTEGER"),
    ("1.3.6.1.4.1.1466.115.121.1.30", "Matching Rule Description"),
    ("1.3.6.1.4.1.1466.115.121.1.37", "Object Class Description"),
    ("1.3.6.1.4.1.1466.115.121.1.38", "OID"),
    ("1.3.6.1.4.1.1466.115.121.1.40", "Octet String"),
    ("1.3.6.1.4.1.1466.115.121.1.45", "SubtreeSpecification"),
    ("1.3.6.1.4.1.1466.115.121.1.50", "Telephone Number"),
    ("1.3.6.1.4.1.1466.115.121.1.54", "LDAP Syntax Description"),
    ("1.3.6.1.4.1.1466.115.121.1.58", "Substring Assertion"),
    ("1.3.6.1.1.16.1", "UUID"),
];

/// Values of `ldapSyntaxes`.
pub fn ldap_syntaxes() -> Vec<String> {
    SYNTAXES
        .iter()
        .map(|(oid, name)| format!("( {oid} DESC '{name}' )"))
        .collect()
}

/// Values of `matchingRules`.
pub fn matching_rules() -> Vec<String> {
    RULES
        .iter()
        .map(|(_, oid, name, syntax, _)| format!("( {oid} NAME '{name}' SYNTAX {syntax} )"))
        .collect()
}

/// Values of `attributeTypes`.
pub fn attribute_types() -> Vec<String> {
    ATTRIBUTES.iter().map(describe_attribute).collect()
}

/// Values of `objectClasses`.
pub fn object_classes() -> Vec<String> {
    OBJECT_CLASSES.iter().map(describe_class).collect()
}

fn describe_attribute(attribute: &AttributeType) -> String {
    let mut text = format!("( {} NAME {}", attribute.oid, quoted(attribute.names));
    if let Some(sup) = attribute.sup {
        let _ = write!(text, " SUP {sup}");
    }
    let rules: [(&str, Option<Rule>); 3] = [
        ("EQUALITY", attribute.kind.equality()),
        ("ORDERING", attribute.kind.ordering()),
        ("SUBSTR", attribute.kind.substrings()),
    ];
    for (keyword, rule) in rules {
        if let Some(rule) = rule {
            let _ = write!(text, " {keyword} {}", rule.name());
        }
    }
    let _ = write!(text, " SYNTAX {}", attribute.kind.syntax());
    if attribute.single {
        text.push_str(" SINGLE-VALUE");
    }
    if attribute.operational {
        text.push_str(" NO-USER-MODIFICATION USAGE directoryOperation");
    }
    text.push_str(" )");
    text
}

fn describe_class(class: &ObjectClass) -> String {
    let mut text = format!("( {} NAME '{}'", class.oid, class.name);
    if let Some(sup) = class.sup {
        let _ = write!(text, " SUP {sup}");
    }
    let _ = write!(text, " {}", class.form);
    for (keyword, attributes) in [("MUST", class.must), ("MAY", class.may)] {
        match attributes {
            [] => {}
            [only] => {
                let _ = write!(text, " {keyword} {only}");
            }
            several => {
                let _ = write!(text, " {keyword} ( {} )", several.join(" $ "));
            }
        }
    }
    text.push_str(" )");
    text
}

fn quoted(names: &[&str]) -> String {
    match names {
        [only] => format!("'{only}'"),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("'{name}'")).collect();
            format!("( {} )", names.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::dit::schema;

    #[test]
    fn descriptions_are_written_as_rfc_4512_has_them() {
        let types = attribute_types();
        assert!(types.contains(&"( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name EQUALITY caseIgnoreMatch ORDERING caseIgnoreOrderingMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )".to_string()));
        assert!(types.contains(&"( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )".to_string()));
        assert!(object_classes().contains(&"( 1.3.6.1.1.1.2.2 NAME 'posixGroup' SUP top AUXILIARY MUST gidNumber MAY ( memberUid $ description ) )".to_string()));
    }

    #[test]
    fn everything_the_table_refers_to_is_in_the_table() {
        for class in OBJECT_CLASSES {
            assert!(
                class
                    .sup
                    .is_none_or(|sup| schema::object_class(sup).is_some()),
                "{}",
                class.name
            );
            for name in class.must.iter().chain(class.may) {
                assert!(
                    schema::lookup(name).is_some(),
                    "{} names {name}",
                    class.name
                );
            }
        }
        let syntaxes: HashSet<_> = SYNTAXES.iter().map(|(oid, _)| *oid).collect();
        for attribute in ATTRIBUTES {
            assert!(
                syntaxes.contains(attribute.kind.syntax()),
                "{}",
                attribute.name()
            );
            assert!(
                attribute
                    .sup
                    .is_none_or(|sup| schema::lookup(sup).is_some()),
                "{}",
                attribute.name()
            );
        }
        for (_, _, name, syntax, _) in RULES {
            assert!(syntaxes.contains(syntax), "{name}");
        }
    }

    #[test]
    fn no_name_or_oid_stands_twice() {
        let mut seen = HashSet::new();
        let attributes = ATTRIBUTES
            .iter()
            .flat_map(|a| a.names.iter().copied().chain([a.oid]));
        let classes = OBJECT_CLASSES
            .iter()
            .flat_map(|class| [class.name, class.oid]);
        let rules = RULES.iter().flat_map(|(_, oid, name, ..)| [*name, *oid]);
        for name in attributes.chain(classes).chain(rules) {
            assert!(seen.insert(name.to_ascii_lowercase()), "{name}");
        }
    }
}
