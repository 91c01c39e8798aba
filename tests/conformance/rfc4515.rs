//! RFC 4515: filters, of every kind that RFC 4511 §4.5.1.7 has.

use ldap3_proto::proto::{
    LdapFilter, LdapMatchingRuleAssertion, LdapSearchRequest, LdapSearchScope,
};

use crate::client::{Client, search};
use crate::world::{ADA, BASE, ENGINEERING, World};

/// `attribute:dn:rule:=value`
fn extensible(attribute: &str, dn: bool, rule: &str, value: &str) -> LdapFilter {
    let named = |name: &str| Some(name.to_string()).filter(|name| !name.is_empty());
    LdapFilter::Extensible(LdapMatchingRuleAssertion {
        matching_rule: named(rule),
        type_: named(attribute),
        match_value: value.into(),
        dn_attributes: dn,
    })
}

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
async fn a_rule_can_be_chosen_by_name_and_by_oid() {
    // MatchingRuleAssertion.matchingRule names the rule (RFC 4511 §4.5.1.7.7).
    check(
        extensible("sn", false, "caseExactMatch", "Lovelace"),
        &["uid=ada"],
    )
    .await;
    check(extensible("sn", false, "2.5.13.5", "lovelace"), &[]).await;
    check(extensible("2.5.4.4", false, "", "lovelace"), &["uid=ada"]).await;
}

#[tokio::test]
async fn values_in_the_name_of_an_entry_count_where_dn_says_so() {
    // With dnAttributes the values in the entry's DN are matched too.
    check(extensible("ou", false, "", "groups"), &["ou=groups"]).await;
    let expected = [
        "cn=ada",
        "cn=compilers",
        "cn=empty",
        "cn=engineering",
        "cn=grace",
        "ou=groups",
    ];
    check(extensible("ou", true, "", "groups"), &expected).await;
}

#[tokio::test]
async fn approximate_matches_are_equal_ones() {
    // Where no approximate matching is implemented, it is equality (RFC 4511 §4.5.1.7.6).
    check(
        LdapFilter::Approx("SN".into(), "  LoveLace ".into()),
        &["uid=ada"],
    )
    .await;
}

#[tokio::test]
async fn bits_of_integers_are_matched() {
    // Active Directory's rules: all of the bits, one of the bits. 10001 is 0b10011100010001.
    let (all, one) = ("1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804");
    check(extensible("uidNumber", false, all, "17"), &["uid=ada"]).await;
    check(
        extensible("uidNumber", false, one, "3"),
        &["uid=ada", "uid=grace"],
    )
    .await;
    // An attribute that is not served is Undefined, also when negated.
    let disabled = extensible("userAccountControl", false, all, "2");
    check(LdapFilter::Not(Box::new(disabled)), &[]).await;
}

#[tokio::test]
async fn a_chain_of_memberships_is_the_membership_that_is_served() {
    // Active Directory's rule in chain; nested groups are expanded already.
    let chain = "1.2.840.113556.1.4.1941";
    let inside = extensible("memberOf", false, chain, ENGINEERING);
    check(inside, &["uid=ada", "uid=grace"]).await;
    check(extensible("member", false, chain, ADA), &["cn=engineering"]).await;
    let grace = "uid=grace,ou=people,dc=example,dc=com";
    let groups = &["cn=compilers", "cn=engineering"];
    check(extensible("member", false, chain, grace), groups).await;
}

#[tokio::test]
async fn a_language_that_no_value_has_matches_nothing_and_is_no_error() {
    // An attribute description with options is another attribute, a subtype (RFC 4512 §2.5).
    let tagged = || LdapFilter::Present("cn;lang-de".into());
    check(tagged(), &[]).await;
    let both = LdapFilter::And(vec![
        LdapFilter::Not(Box::new(tagged())),
        LdapFilter::Equality("uid".into(), "ada".into()),
    ]);
    check(both, &["uid=ada"]).await;
}
