//! Search operation.

use ldap3_proto::proto::{
    LdapDerefAliases, LdapFilter, LdapMatchingRuleAssertion, LdapResultCode, LdapSearchRequest,
    LdapSearchScope, LdapSubstringFilter,
};

use crate::client::{Client, read, search, types, values};
use crate::world::{ADA, BASE, ENGINEERING, GROUPS, PEOPLE, World};

#[tokio::test]
async fn each_scope_covers_what_it_says() {
    // baseObject is the entry named, singleLevel its immediate subordinates, wholeSubtree both and all below (§4.5.1.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let found = client.found(search(PEOPLE, LdapSearchScope::Base)).await;
    assert_eq!(found, ["ou=people"]);
    let found = client
        .found(search(PEOPLE, LdapSearchScope::OneLevel))
        .await;
    assert_eq!(found, ["uid=ada", "uid=grace"]);
    let found = client.found(search(PEOPLE, LdapSearchScope::Subtree)).await;
    assert_eq!(found, ["ou=people", "uid=ada", "uid=grace"]);
    let found = client
        .found(search(PEOPLE, LdapSearchScope::Children))
        .await;
    assert_eq!(found, ["uid=ada", "uid=grace"]);
}

#[tokio::test]
async fn aliases_are_dereferenced_the_same_where_there_are_none() {
    // derefAliases is one of four values (§4.5.1.3); without alias entries all mean the same.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for aliases in [
        LdapDerefAliases::Never,
        LdapDerefAliases::InSearching,
        LdapDerefAliases::FindingBaseObj,
        LdapDerefAliases::Always,
    ] {
        let request = LdapSearchRequest {
            aliases,
            ..search(PEOPLE, LdapSearchScope::OneLevel)
        };
        assert_eq!(client.found(request).await, ["uid=ada", "uid=grace"]);
    }
}

#[tokio::test]
async fn no_more_entries_than_the_size_limit_are_returned() {
    // A size limit other than zero bounds the entries returned; sizeLimitExceeded tells of more (§4.5.1.4).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let limited = |size_limit| LdapSearchRequest {
        sizelimit: size_limit,
        ..search(PEOPLE, LdapSearchScope::OneLevel)
    };
    let (entries, result) = client.search(limited(1)).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(result.code, LdapResultCode::SizeLimitExceeded);
    let (entries, result) = client.search(limited(2)).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(result.code, LdapResultCode::Success);
}

#[tokio::test]
async fn types_only_leaves_the_values_out() {
    // typesOnly returns attribute descriptions without values (§4.5.1.6).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapSearchRequest {
        typesonly: true,
        ..read(ENGINEERING, &["cn", "member", "objectClass"])
    };
    let entry = client.entry(request).await;
    assert_eq!(types(&entry), ["cn", "member", "objectClass"]);
    assert!(
        entry
            .attributes
            .iter()
            .all(|attribute| attribute.vals.is_empty())
    );
}

fn equal(attribute: &str, value: &str) -> LdapFilter {
    LdapFilter::Equality(attribute.into(), value.into())
}

/// Who among the people and groups matches.
async fn check(filter: LdapFilter, expected: &[&str]) {
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapSearchRequest {
        filter: filter.clone(),
        ..search(BASE, LdapSearchScope::Subtree)
    };
    assert_eq!(client.found(request).await, expected, "{filter:?}");
}

#[tokio::test]
async fn every_choice_of_filter_selects_what_matches() {
    // An entry is returned when the filter is True of it (§4.5.1.7).
    check(equal("uid", "ADA"), &["uid=ada"]).await;
    let substring = LdapFilter::Substring("sn".into(), LdapSubstringFilter::from("l*V*e"));
    check(substring, &["uid=ada"]).await;
    let at_least = LdapFilter::GreaterOrEqual("uidNumber".into(), "10002".into());
    check(at_least, &["uid=grace"]).await;
    let at_most = LdapFilter::LessOrEqual("uidNumber".into(), "10001".into());
    check(at_most, &["uid=ada"]).await;
    let approx = LdapFilter::Approx("givenName".into(), "grace".into());
    check(approx, &["uid=grace"]).await;
    let present = LdapFilter::Present("member".into());
    check(present, &["cn=compilers", "cn=engineering"]).await;
    let or = LdapFilter::Or(vec![equal("uid", "ada"), equal("cn", "empty")]);
    check(or, &["cn=empty", "uid=ada"]).await;
    let not_ada = LdapFilter::Not(Box::new(equal("uid", "ada")));
    let and = LdapFilter::And(vec![equal("objectClass", "person"), not_ada]);
    check(and, &["uid=grace"]).await;
    let extensible = LdapFilter::Extensible(LdapMatchingRuleAssertion {
        matching_rule: Some("caseExactMatch".into()),
        type_: Some("sn".into()),
        match_value: "Hopper".into(),
        dn_attributes: false,
    });
    check(extensible, &["uid=grace"]).await;
}

#[tokio::test]
async fn what_is_undefined_stays_undefined_under_not() {
    // What names an unknown attribute, or asserts a bad value, is Undefined, and so is its negation (§4.5.1.7).
    let unknown = LdapFilter::Not(Box::new(equal("shoeSize", "38")));
    check(unknown.clone(), &[]).await;
    let or = LdapFilter::Or(vec![unknown, equal("uid", "ada")]);
    check(or, &["uid=ada"]).await;
    check(LdapFilter::Not(Box::new(equal("uidNumber", "many"))), &[]).await;
}

#[tokio::test]
async fn attributes_are_selected_by_name_star_and_1_1() {
    // `*` asks for all user attributes, `1.1` for none, no selector for `*`; an unknown one is ignored (§4.5.1.8).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let named = client
        .entry(read(ADA, &["UID", "2.5.4.4", "shoeSize", "uid"]))
        .await;
    assert_eq!(types(&named), ["sn", "uid"]);
    let none = client.entry(read(ADA, &["1.1"])).await;
    assert_eq!(types(&none), [""; 0]);
    let star = client.entry(read(ADA, &["*"])).await;
    let unnamed = client.entry(read(ADA, &[])).await;
    assert_eq!(star, unnamed);
    assert_eq!(values(&star, "uidNumber"), ["10001"]);
    assert_eq!(values(&star, "entryUUID"), [""; 0]);
    let both = client.entry(read(ADA, &["*", "entryUUID"])).await;
    assert_eq!(types(&both).len(), types(&star).len() + 1);
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_answered_with_the_last_entry_that_does() {
    // noSuchObject comes with the name of the last entry above the target that exists (§4.1.9).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let nowhere = "cn=x,cn=nobody,ou=groups,dc=example,dc=com";
    let (entries, result) = client
        .search(search(nowhere, LdapSearchScope::Subtree))
        .await;
    assert_eq!(entries, []);
    assert_eq!(result.code, LdapResultCode::NoSuchObject);
    assert_eq!(result.matcheddn, GROUPS);
}

#[tokio::test]
async fn a_base_that_is_no_name_is_invalid_dn_syntax() {
    // invalidDNSyntax: the name does not follow the syntax of DNs (appendix A.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (_, result) = client.search(search("people", LdapSearchScope::Base)).await;
    assert_eq!(result.code, LdapResultCode::InvalidDNSyntax);
}

#[tokio::test]
async fn names_compare_by_the_rules_of_their_attributes() {
    // The base is matched by distinguishedNameMatch, whatever its spelling (RFC 4512 §2.3.2, RFC 4517 §4.2.15).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    for spelling in [
        "UID=Ada, OU=People, DC=Example, DC=COM",
        "0.9.2342.19200300.100.1.1=ada,ou=people,dc=example,dc=com",
        "uid=\\61da,ou=people,dc=example,dc=com",
    ] {
        let entry = client.entry(read(spelling, &["uid"])).await;
        assert_eq!(entry.dn, ADA);
    }
}
