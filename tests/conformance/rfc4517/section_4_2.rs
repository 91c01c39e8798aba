//! Matching rules, each chosen by an extensible match on a value it can tell apart.

use ldap3_proto::proto::{
    LdapFilter, LdapMatchingRuleAssertion, LdapSearchRequest, LdapSearchScope,
};

use crate::client::{Client, search};
use crate::world::{ADA, World};

async fn matches(client: &mut Client<tokio::net::TcpStream>, item: [&str; 3]) -> bool {
    let [attribute, rule, value] = item;
    let assertion = LdapMatchingRuleAssertion {
        matching_rule: Some(rule.into()),
        type_: Some(attribute.into()),
        match_value: value.into(),
        dn_attributes: false,
    };
    let request = LdapSearchRequest {
        filter: LdapFilter::Extensible(assertion),
        ..search(ADA, LdapSearchScope::Base)
    };
    !client.found(request).await.is_empty()
}

#[tokio::test]
async fn each_rule_matches_as_it_is_defined() {
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for (attribute, rule, yes, no) in [
        ("sn", "caseIgnoreMatch", "LOVELACE", "love"),
        ("sn", "caseExactMatch", "Lovelace", "lovelace"),
        ("sn", "caseIgnoreOrderingMatch", "M", "lovelace"),
        ("sn", "caseIgnoreSubstringsMatch", "LOVE*", "love"),
        ("sn", "caseExactSubstringsMatch", "L*ace", "l*ace"),
        ("mail", "caseIgnoreIA5Match", "ADA@CONTOSO.EXAMPLE", "ada"),
        (
            "mail",
            "caseExactIA5Match",
            "ada@contoso.example",
            "Ada@contoso.example",
        ),
        (
            "mail",
            "caseIgnoreIA5SubstringsMatch",
            "*@CONTOSO*",
            "*@fabrikam*",
        ),
        ("uidNumber", "integerMatch", "010001", "10002"),
        ("uidNumber", "integerOrderingMatch", "20000", "10001"),
        (
            "objectClass",
            "objectIdentifierMatch",
            "1.3.6.1.1.1.2.0",
            "posixGroup",
        ),
        ("hasSubordinates", "booleanMatch", "FALSE", "TRUE"),
        (
            "createTimestamp",
            "generalizedTimeMatch",
            "20200913122640.0Z",
            "20200913122641Z",
        ),
        (
            "createTimestamp",
            "generalizedTimeOrderingMatch",
            "20200913122641Z",
            "20200913122640Z",
        ),
        (
            "entryDN",
            "distinguishedNameMatch",
            "UID=Ada, OU=People,dc=example,dc=com",
            "uid=ada",
        ),
        (
            "entryUUID",
            "UUIDMatch",
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000002",
        ),
        (
            "entryUUID",
            "UUIDOrderingMatch",
            "00000000-0000-0000-0000-000000000002",
            "00000000-0000-0000-0000-000000000001",
        ),
    ] {
        assert!(
            matches(&mut client, [attribute, rule, yes]).await,
            "{rule} {yes}"
        );
        assert!(
            !matches(&mut client, [attribute, rule, no]).await,
            "{rule} {no}"
        );
    }
}

#[tokio::test]
async fn a_rule_that_does_not_fit_the_attribute_matches_nothing() {
    // The assertion is Undefined (RFC 4511 §4.5.1.7).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for item in [
        ["uidNumber", "caseIgnoreMatch", "10001"],
        ["sn", "integerMatch", "1"],
        ["sn", "1.2.840.113556.1.4.803", "1"],
    ] {
        assert!(!matches(&mut client, item).await, "{item:?}");
    }
}

#[tokio::test]
async fn a_schema_description_is_found_by_its_oid() {
    // objectIdentifierFirstComponentMatch (§4.2.26).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for (attribute, value, expected) in [
        ("attributeTypes", "2.5.4.3", 1),
        ("attributeTypes", "CN", 1),
        ("objectClasses", "posixGroup", 1),
        ("matchingRules", "caseIgnoreMatch", 1),
        ("attributeTypes", "2.5.4.3.99", 0),
    ] {
        let request = LdapSearchRequest {
            filter: LdapFilter::Equality(attribute.into(), value.into()),
            attrs: vec!["1.1".into()],
            ..search("cn=Subschema", LdapSearchScope::Base)
        };
        assert_eq!(client.found(request).await.len(), expected, "{value}");
    }
}
