use super::*;
use crate::dit::tests::{names, snapshot};

/// The entries a filter finds, visible or not, by their RDNs.
fn check(filter: &str, expected: &[&str]) {
    let snapshot = snapshot();
    let plan = compile(&parse(filter), &snapshot);
    let all = 0..snapshot.len() as EntryId;
    let matching: Vec<EntryId> = all.filter(|&entry| plan.matches(entry)).collect();
    assert_eq!(
        names(&snapshot, matching.iter().copied()),
        expected,
        "{filter}"
    );
    if let Some(candidates) = plan.candidates() {
        assert!(
            matching.iter().all(|entry| candidates.contains(entry)),
            "{filter}: candidates {candidates:?}"
        );
        assert!(
            candidates.is_sorted(),
            "{filter}: candidates {candidates:?}"
        );
    }
}

/// The string form of RFC 4515, without escapes, so that every part can be borrowed.
fn parse(text: &str) -> Filter<'_> {
    let (filter, rest) = parse_one(text);
    assert_eq!(rest, "", "{text}");
    filter
}

fn parse_one(text: &str) -> (Filter<'_>, &str) {
    let inner = text.strip_prefix('(').unwrap();
    match inner.as_bytes()[0] {
        b'&' | b'|' => {
            let (filters, rest) = parse_list(&inner[1..]);
            (
                if inner.starts_with('&') {
                    Filter::And(filters)
                } else {
                    Filter::Or(filters)
                },
                rest,
            )
        }
        b'!' => {
            let (filter, rest) = parse_one(&inner[1..]);
            (
                Filter::Not(Box::new(filter)),
                rest.strip_prefix(')').unwrap(),
            )
        }
        _ => {
            let (item, rest) = inner.split_once(')').unwrap();
            (parse_item(item), rest)
        }
    }
}

fn parse_list(mut text: &str) -> (Vec<Filter<'_>>, &str) {
    let mut filters = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix(')') {
            return (filters, rest);
        }
        let (filter, rest) = parse_one(text);
        filters.push(filter);
        text = rest;
    }
}

fn parse_item(item: &str) -> Filter<'_> {
    let (left, value) = item.split_once('=').unwrap();
    let ava = |attribute| Ava {
        attribute,
        value: value.as_bytes(),
    };
    match left.as_bytes()[left.len() - 1] {
        b'>' => Filter::GreaterOrEqual(ava(&left[..left.len() - 1])),
        b'<' => Filter::LessOrEqual(ava(&left[..left.len() - 1])),
        b'~' => Filter::Approx(ava(&left[..left.len() - 1])),
        b':' => parse_extensible(&left[..left.len() - 1], value),
        _ if value == "*" => Filter::Present(left),
        _ if value.contains('*') => Filter::Substrings {
            attribute: left,
            parts: parse_parts(value),
        },
        _ => Filter::Equality(ava(left)),
    }
}

fn parse_extensible<'m>(left: &'m str, value: &'m str) -> Filter<'m> {
    let mut fields = left.split(':');
    let attribute = fields.next().filter(|attribute| !attribute.is_empty());
    let fields: Vec<&str> = fields.collect();
    let rule = fields.iter().copied().find(|field| *field != "dn");
    Filter::Extensible {
        rule,
        attribute,
        value: value.as_bytes(),
        dn_attributes: fields.contains(&"dn"),
    }
}

fn parse_parts(value: &str) -> Vec<(Part, &[u8])> {
    let texts: Vec<&str> = value.split('*').collect();
    let part = |place| match place {
        0 => Part::Initial,
        place if place == texts.len() - 1 => Part::Final,
        _ => Part::Any,
    };
    let parts = texts
        .iter()
        .enumerate()
        .filter(|(_, text)| !text.is_empty());
    parts
        .map(|(place, text)| (part(place), text.as_bytes()))
        .collect()
}

const PEOPLE: &[&str] = &["uid=ada", "uid=zoe", "uid=carl"];

#[test]
fn equality_follows_the_attributes_syntax() {
    check("(uid=ADA)", &["uid=ada"]);
    check("(userid=ada)", &["uid=ada"]);
    check("(0.9.2342.19200300.100.1.1=ada)", &["uid=ada"]);
    check("(cn=ada  lovelace)", &["uid=ada"]);
    check("(cn=ZOE\u{308} A\u{30a}ngstro\u{308}m)", &["uid=zoe"]);
    check("(uidNumber=010001)", &["uid=ada"]);
    check("(uidNumber=ada)", &[]);
    check("(loginShell=/BIN/BASH)", &[]);
    check("(loginShell=/bin/bash)", &["uid=ada", "uid=zoe"]);
    check("(loginShell=/usr/sbin/nologin)", &["uid=carl"]);
    check("(telephoneNumber=+14255550100)", &["uid=ada"]);
    check(
        "(entryUUID=00000000-0000-0000-0000-000000000001)",
        &["uid=ada"],
    );
    check("(objectClass=POSIXACCOUNT)", PEOPLE);
    check("(objectClass=1.3.6.1.1.1.2.0)", PEOPLE);
    check(
        "(manager=UID=Ada, OU=People,dc=example,dc=com)",
        &["uid=zoe"],
    );
    check("(entryDN=ou=PEOPLE,dc=example,dc=com)", &["ou=people"]);
}

#[test]
fn membership_is_found_from_both_ends_and_counts_nested_groups() {
    check(
        "(member=uid=Ada, ou=people,dc=example,dc=com)",
        &["cn=eng", "cn=all"],
    );
    check("(memberUid=ada)", &["cn=eng", "cn=all"]);
    check("(memberUid=ADA)", &[]);
    check(
        "(memberOf=cn=ALL,ou=groups,dc=example,dc=com)",
        &["uid=ada", "uid=zoe"],
    );
    check("(member=*)", &["cn=eng", "cn=all"]);
    check("(memberOf=*)", &["uid=ada", "uid=zoe"]);
    check("(memberUid=zo*)", &["cn=all"]);
    check(
        "(&(objectClass=posixGroup)(|(memberUid=ada)(member=uid=ada,ou=people,dc=example,dc=com)))",
        &["cn=eng", "cn=all"],
    );
}

#[test]
fn inactive_people_are_members_of_nothing() {
    check("(memberUid=carl)", &[]);
    check("(member=uid=carl,ou=people,dc=example,dc=com)", &[]);
}

#[test]
fn what_the_schema_does_not_know_is_undefined_even_when_negated() {
    check("(nope=x)", &[]);
    check("(!(nope=x))", &[]);
    check("(!(nope=*))", &[]);
    check("(!(uidNumber=ada))", &[]);
    check("(!(objectClass=sudoRole))", &[]);
    check("(!(userAccountControl:1.2.840.113556.1.4.803:=2))", &[]);
    check("(|(uid=ada)(nope=x))", &["uid=ada"]);
    check("(&(uid=ada)(nope=x))", &[]);
    check("(!(cn;x-spelling=Ada))", &[]);
    check(
        "(!(&(uid=ada)(nope=x)))",
        &[
            "dc=example",
            "ou=people",
            "ou=groups",
            "cn=vpn",
            "uid=zoe",
            "uid=carl",
            "cn=ada",
            "cn=zoe",
            "cn=carl",
            "cn=eng",
            "cn=all",
            "cn=empty",
        ],
    );
    check("(!(|(uid=ada)(nope=x)))", &[]);
    check("(cn>=x)", &["uid=zoe", "cn=zoe"]);
    check("(!(gecos>=a))", &[]);
}

#[test]
fn a_known_attribute_that_is_absent_is_false() {
    check(
        "(&(objectClass=posixAccount)(!(mail=*)))",
        &["uid=zoe", "uid=carl"],
    );
    check(
        "(&(objectClass=posixAccount)(!(mail=ada@contoso.example)))",
        &["uid=zoe", "uid=carl"],
    );
}

#[test]
fn order_is_numeric_for_numbers_and_temporal_for_times() {
    check("(uidNumber>=10002)", &["uid=zoe", "uid=carl"]);
    check("(uidNumber<=9999)", &[]);
    check("(uidNumber>=9)", PEOPLE);
    check(
        "(createTimestamp<=20200913122640.0Z)",
        &["uid=ada", "cn=ada"],
    );
    check("(&(modifyTimestamp>=20231114221320Z)(uid=*))", PEOPLE);
    check("(modifyTimestamp>=20231114221321Z)", &[]);
}

#[test]
fn substrings_match_in_order_and_without_overlap() {
    check("(cn=ada*)", &["uid=ada", "cn=ada"]);
    check("(cn=*love*)", &["uid=ada"]);
    check("(cn=*LACE)", &["uid=ada"]);
    check("(cn=a*da*l*e)", &["uid=ada"]);
    check("(cn=ada*ada)", &[]);
    check("(cn=*lace*love*)", &[]);
    check("(cn=ada *)", &["uid=ada"]);
    check("(uidNumber=100*)", &[]);
    check("(mail=ADA@*)", &["uid=ada"]);
}

#[test]
fn a_supertype_covers_its_subtypes() {
    check("(name=lovelace)", &["uid=ada"]);
    check("(name=research)", &["uid=ada"]);
    check("(name=ada*)", &["uid=ada", "cn=ada"]);
    check(
        "(distinguishedName=uid=zoe,ou=people,dc=example,dc=com)",
        &["cn=all"],
    );
}

#[test]
fn extensible_matches_choose_rule_attribute_and_dn() {
    check("(cn:caseExactMatch:=ada)", &["cn=ada"]);
    check("(cn:2.5.13.5:=Ada Lovelace)", &["uid=ada"]);
    check("(cn:=ADA)", &["cn=ada"]);
    check(
        "(ou:dn:=people)",
        &["ou=people", "uid=ada", "uid=zoe", "uid=carl"],
    );
    check("(:caseIgnoreMatch:=RESEARCH)", &["uid=ada"]);
    check(
        "(:dn:caseIgnoreMatch:=zoe)",
        &["uid=zoe", "cn=zoe", "cn=all"],
    );
    check("(!(cn:noSuchMatch:=ada))", &[]);
    check("(!(cn:integerMatch:=ada))", &[]);
}

#[test]
fn absolute_true_and_false_are_what_rfc_4526_says() {
    check("(|)", &[]);
    check("(&(uid=ada)(&))", &["uid=ada"]);
    check("(!(&))", &[]);
}

#[test]
fn sssd_finds_a_user_through_one_candidate() {
    let filter = "(&(uid=ada)(objectclass=posixAccount)(uid=*)(&(uidNumber=*)(!(uidNumber=0))))";
    check(filter, &["uid=ada"]);
    let snapshot = snapshot();
    let plan = compile(&parse(filter), &snapshot);
    assert_eq!(
        plan.candidates().map(|candidates| candidates.len()),
        Some(1)
    );
}
