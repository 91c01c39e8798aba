//! Matching rules (RFC 4517 §4.2) and the string preparation under them (RFC 4518).
//!
//! Every equality rule is a normal form: two values match when their normal forms are the same
//! octets. The indexes are keyed by normal forms, and ordering and substrings compare them too.

mod prepare;
mod time;

use std::borrow::Cow;
use std::cmp::Ordering;

use uuid::Uuid;

use super::dn::Dn;
use super::schema::{self, Kind};
use prepare::{Case, fold, squeeze, text};
pub use time::{generalized_time, parse_generalized_time};

/// A value or assertion longer than this is compared to nothing: preparing it could cost an
/// attacker's message seconds of ours.
pub const ASSERTION_BYTES_MAX: usize = 64 * 1024;

/// A matching rule of RFC 4517, 4530 or 2307.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// bitStringMatch and others we do not serve have no variant: a filter that names them is Undefined.
    ObjectIdentifier,
    /// distinguishedNameMatch
    DistinguishedName,
    /// caseIgnoreMatch
    CaseIgnore,
    /// caseIgnoreOrderingMatch
    CaseIgnoreOrdering,
    /// caseIgnoreSubstringsMatch
    CaseIgnoreSubstrings,
    /// caseExactMatch
    CaseExact,
    /// caseExactOrderingMatch
    CaseExactOrdering,
    /// caseExactSubstringsMatch
    CaseExactSubstrings,
    /// caseIgnoreIA5Match
    CaseIgnoreIa5,
    /// caseIgnoreIA5SubstringsMatch
    CaseIgnoreIa5Substrings,
    /// caseExactIA5Match
    CaseExactIa5,
    /// caseExactIA5SubstringsMatch (OpenLDAP's arc; RFC 4517 has none)
    CaseExactIa5Substrings,
    /// booleanMatch
    Boolean,
    /// integerMatch
    Integer,
    /// integerOrderingMatch
    IntegerOrdering,
    /// octetStringMatch
    OctetString,
    /// octetStringOrderingMatch
    OctetStringOrdering,
    /// telephoneNumberMatch
    TelephoneNumber,
    /// telephoneNumberSubstringsMatch
    TelephoneNumberSubstrings,
    /// generalizedTimeMatch
    GeneralizedTime,
    /// generalizedTimeOrderingMatch
    GeneralizedTimeOrdering,
    /// UUIDMatch (RFC 4530)
    Uuid,
    /// UUIDOrderingMatch (RFC 4530)
    UuidOrdering,
    /// objectIdentifierFirstComponentMatch
    ObjectIdentifierFirstComponent,
    /// Every bit of the assertion is set (Active Directory's LDAP_MATCHING_RULE_BIT_AND)
    BitAnd,
    /// A bit of the assertion is set (Active Directory's LDAP_MATCHING_RULE_BIT_OR)
    BitOr,
    /// Names the entry, directly or through others (Active Directory's LDAP_MATCHING_RULE_IN_CHAIN)
    InChain,
}

/// What a rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Whole values for equality.
    Equality,
    /// Whole values for order.
    Ordering,
    /// Parts of values.
    Substrings,
    /// The bits of integers.
    Bits,
    /// Names, and names in the entries that they name.
    Chain,
}

/// OID, name, assertion syntax and form of every rule, in the order of the OIDs.
pub static RULES: &[(Rule, &str, &str, &str, Form)] = &[
    (
        Rule::ObjectIdentifier,
        "2.5.13.0",
        "objectIdentifierMatch",
        "1.3.6.1.4.1.1466.115.121.1.38",
        Form::Equality,
    ),
    (
        Rule::DistinguishedName,
        "2.5.13.1",
        "distinguishedNameMatch",
        "1.3.6.1.4.1.1466.115.121.1.12",
        Form::Equality,
    ),
    (
        Rule::CaseIgnore,
        "2.5.13.2",
        "caseIgnoreMatch",
        "1.3.6.1.4.1.1466.115.121.1.15",
        Form::Equality,
    ),
    (
        Rule::CaseIgnoreOrdering,
        "2.5.13.3",
        "caseIgnoreOrderingMatch",
        "1.3.6.1.4.1.1466.115.121.1.15",
        Form::Ordering,
    ),
    (
        Rule::CaseIgnoreSubstrings,
        "2.5.13.4",
        "caseIgnoreSubstringsMatch",
        "1.3.6.1.4.1.1466.115.121.1.58",
        Form::Substrings,
    ),
    (
        Rule::CaseExact,
        "2.5.13.5",
        "caseExactMatch",
        "1.3.6.1.4.1.1466.115.121.1.15",
        Form::Equality,
    ),
    (
        Rule::CaseExactOrdering,
        "2.5.13.6",
        "caseExactOrderingMatch",
        "1.3.6.1.4.1.1466.115.121.1.15",
        Form::Ordering,
    ),
    (
        Rule::CaseExactSubstrings,
        "2.5.13.7",
        "caseExactSubstringsMatch",
        "1.3.6.1.4.1.1466.115.121.1.58",
        Form::Substrings,
    ),
    (
        Rule::Boolean,
        "2.5.13.13",
        "booleanMatch",
        "1.3.6.1.4.1.1466.115.121.1.7",
        Form::Equality,
    ),
    (
        Rule::Integer,
        "2.5.13.14",
        "integerMatch",
        "1.3.6.1.4.1.1466.115.121.1.27",
        Form::Equality,
    ),
    (
        Rule::IntegerOrdering,
        "2.5.13.15",
        "integerOrderingMatch",
        "1.3.6.1.4.1.1466.115.121.1.27",
        Form::Ordering,
    ),
    (
        Rule::OctetString,
        "2.5.13.17",
        "octetStringMatch",
        "1.3.6.1.4.1.1466.115.121.1.40",
        Form::Equality,
    ),
    (
        Rule::OctetStringOrdering,
        "2.5.13.18",
        "octetStringOrderingMatch",
        "1.3.6.1.4.1.1466.115.121.1.40",
        Form::Ordering,
    ),
    (
        Rule::TelephoneNumber,
        "2.5.13.20",
        "telephoneNumberMatch",
        "1.3.6.1.4.1.1466.115.121.1.50",
        Form::Equality,
    ),
    (
        Rule::TelephoneNumberSubstrings,
        "2.5.13.21",
        "telephoneNumberSubstringsMatch",
        "1.3.6.1.4.1.1466.115.121.1.58",
        Form::Substrings,
    ),
    (
        Rule::GeneralizedTime,
        "2.5.13.27",
        "generalizedTimeMatch",
        "1.3.6.1.4.1.1466.115.121.1.24",
        Form::Equality,
    ),
    (
        Rule::GeneralizedTimeOrdering,
        "2.5.13.28",
        "generalizedTimeOrderingMatch",
        "1.3.6.1.4.1.1466.115.121.1.24",
        Form::Ordering,
    ),
    (
        Rule::ObjectIdentifierFirstComponent,
        "2.5.13.30",
        "objectIdentifierFirstComponentMatch",
        "1.3.6.1.4.1.1466.115.121.1.38",
        Form::Equality,
    ),
    (
        Rule::Uuid,
        "1.3.6.1.1.16.2",
        "UUIDMatch",
        "1.3.6.1.1.16.1",
        Form::Equality,
    ),
    (
        Rule::UuidOrdering,
        "1.3.6.1.1.16.3",
        "UUIDOrderingMatch",
        "1.3.6.1.1.16.1",
        Form::Ordering,
    ),
    (
        Rule::CaseExactIa5,
        "1.3.6.1.4.1.1466.109.114.1",
        "caseExactIA5Match",
        "1.3.6.1.4.1.1466.115.121.1.26",
        Form::Equality,
    ),
    (
        Rule::CaseIgnoreIa5,
        "1.3.6.1.4.1.1466.109.114.2",
        "caseIgnoreIA5Match",
        "1.3.6.1.4.1.1466.115.121.1.26",
        Form::Equality,
    ),
    (
        Rule::CaseIgnoreIa5Substrings,
        "1.3.6.1.4.1.1466.109.114.3",
        "caseIgnoreIA5SubstringsMatch",
        "1.3.6.1.4.1.1466.115.121.1.58",
        Form::Substrings,
    ),
    (
        Rule::CaseExactIa5Substrings,
        "1.3.6.1.4.1.4203.1.2.1",
        "caseExactIA5SubstringsMatch",
        "1.3.6.1.4.1.1466.115.121.1.26",
        Form::Substrings,
    ),
    (
        Rule::BitAnd,
        "1.2.840.113556.1.4.803",
        "integerBitAndMatch",
        "1.3.6.1.4.1.1466.115.121.1.27",
        Form::Bits,
    ),
    (
        Rule::BitOr,
        "1.2.840.113556.1.4.804",
        "integerBitOrMatch",
        "1.3.6.1.4.1.1466.115.121.1.27",
        Form::Bits,
    ),
    (
        Rule::InChain,
        "1.2.840.113556.1.4.1941",
        "inChainMatch",
        "1.3.6.1.4.1.1466.115.121.1.12",
        Form::Chain,
    ),
];

/// Whether the ends of a substring part touch the ends of the value, which decides about the
/// white space there (RFC 4518 §2.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The part starts the value.
    Initial,
    /// The part stands anywhere.
    Any,
    /// The part ends the value.
    Final,
}

impl Rule {
    /// The rule with this name (any case) or OID.
    pub fn lookup(name: &str) -> Option<Rule> {
        RULES
            .iter()
            .find(|(_, oid, rule_name, ..)| *oid == name || rule_name.eq_ignore_ascii_case(name))
            .map(|(rule, ..)| *rule)
    }

    /// The rule's row in [`RULES`].
    fn row(self) -> &'static (Rule, &'static str, &'static str, &'static str, Form) {
        RULES
            .iter()
            .find(|(rule, ..)| *rule == self)
            .expect("every rule has a row")
    }

    /// The name RFC 4517 gives it.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// What it compares.
    pub fn form(self) -> Form {
        self.row().4
    }

    /// The normal form of a whole value or assertion; `None` when it does not obey the syntax, which
    /// makes an assertion Undefined (RFC 4511 §4.5.1.7).
    pub fn normalise<'v>(self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        if value.len() > ASSERTION_BYTES_MAX {
            return None;
        }
        match self {
            Self::CaseIgnore | Self::CaseIgnoreOrdering | Self::CaseIgnoreSubstrings => {
                text(value, Case::Ignore)
            }
            Self::CaseExact | Self::CaseExactOrdering | Self::CaseExactSubstrings => {
                text(value, Case::Exact)
            }
            Self::CaseIgnoreIa5 | Self::CaseIgnoreIa5Substrings => {
                value.is_ascii().then(|| text(value, Case::Ignore))?
            }
            Self::CaseExactIa5 | Self::CaseExactIa5Substrings => {
                value.is_ascii().then(|| text(value, Case::Exact))?
            }
            Self::TelephoneNumber | Self::TelephoneNumberSubstrings => telephone(value),
            Self::Integer | Self::IntegerOrdering | Self::BitAnd | Self::BitOr => {
                integer(value).map(Cow::Borrowed)
            }
            Self::Boolean => matches!(value, b"TRUE" | b"FALSE").then_some(Cow::Borrowed(value)),
            Self::DistinguishedName | Self::InChain => {
                let dn = Dn::parse(std::str::from_utf8(value).ok()?).ok()?;
                Some(Cow::Owned(dn.normalised()))
            }
            Self::ObjectIdentifier => object_identifier(value),
            Self::ObjectIdentifierFirstComponent => first_component(value),
            Self::GeneralizedTime | Self::GeneralizedTimeOrdering => {
                let time = parse_generalized_time(value)?;
                // Offset so that the octets sort as the times do.
                let key = time.as_nanosecond().wrapping_sub(i128::MIN) as u128;
                Some(Cow::Owned(key.to_be_bytes().to_vec()))
            }
            Self::Uuid | Self::UuidOrdering => {
                let guid = Uuid::try_parse_ascii(value)
                    .ok()
                    .filter(|_| value.len() == 36)?;
                Some(Cow::Owned(guid.as_bytes().to_vec()))
            }
            Self::OctetString | Self::OctetStringOrdering => Some(Cow::Borrowed(value)),
        }
    }

    /// The normal form of one part of a substring assertion; `None` when it cannot match anything.
    pub fn normalise_part(self, part: Part, value: &[u8]) -> Option<Vec<u8>> {
        if value.len() > ASSERTION_BYTES_MAX {
            return None;
        }
        let case = match self {
            Self::CaseIgnoreSubstrings => Case::Ignore,
            Self::CaseExactSubstrings => Case::Exact,
            Self::CaseIgnoreIa5Substrings => value.is_ascii().then_some(Case::Ignore)?,
            Self::CaseExactIa5Substrings => value.is_ascii().then_some(Case::Exact)?,
            Self::TelephoneNumberSubstrings => return telephone(value).map(Cow::into_owned),
            _ => return None,
        };
        let folded = fold(std::str::from_utf8(value).ok()?, case);
        let inner = squeeze(folded.as_bytes());
        let mut key = Vec::with_capacity(folded.len());
        let space_before = folded.starts_with(' ') && part != Part::Initial;
        let space_after = folded.ends_with(' ') && part != Part::Final;
        if inner.is_empty() {
            // Only spaces: one of them is significant between two words, none at an end.
            return Some(if space_before && space_after {
                vec![b' ']
            } else {
                Vec::new()
            });
        }
        key.extend(space_before.then_some(b' '));
        key.extend_from_slice(&inner);
        key.extend(space_after.then_some(b' '));
        Some(key)
    }

    /// Whether the rule can compare values of this kind: one of its own rules, or one of the same syntax.
    pub fn fits(self, kind: Kind) -> bool {
        let own = [kind.equality(), kind.ordering(), kind.substrings()];
        match self {
            Self::BitAnd | Self::BitOr => kind == Kind::Integer,
            Self::InChain => kind == Kind::Dn,
            _ if self.is_text() => own.into_iter().flatten().any(Self::is_text),
            _ => own.contains(&Some(self)),
        }
    }

    /// Compares strings: any of these may compare a string of any kind.
    fn is_text(self) -> bool {
        matches!(
            self,
            Self::CaseIgnore
                | Self::CaseIgnoreOrdering
                | Self::CaseIgnoreSubstrings
                | Self::CaseExact
                | Self::CaseExactOrdering
                | Self::CaseExactSubstrings
                | Self::CaseIgnoreIa5
                | Self::CaseIgnoreIa5Substrings
                | Self::CaseExactIa5
                | Self::CaseExactIa5Substrings
                | Self::TelephoneNumber
                | Self::TelephoneNumberSubstrings
        )
    }

    /// The order of two normal forms under an ordering rule.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::IntegerOrdering => compare_integers(left, right),
            _ => left.cmp(right),
        }
    }
}

/// Without spaces and hyphens (RFC 4518 §2.6.3), case ignored.
fn telephone(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let folded = fold(std::str::from_utf8(value).ok()?, Case::Ignore);
    Some(Cow::Owned(
        folded
            .bytes()
            .filter(|octet| !matches!(octet, b' ' | b'-'))
            .collect(),
    ))
}

/// Digits with an optional minus, without leading zeros; other spellings are not Integers
/// (RFC 4517 §3.3.16), but clients pad, so zeros are dropped rather than refused.
fn integer(value: &[u8]) -> Option<&[u8]> {
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    match (zeros == digits.len(), negative, zeros) {
        (true, ..) => Some(&digits[digits.len() - 1..]),
        (false, true, 0) => Some(value),
        // A padded negative number has no contiguous normal form; nobody stores one.
        (false, true, _) => None,
        (false, false, _) => Some(&digits[zeros..]),
    }
}

fn compare_integers(left: &[u8], right: &[u8]) -> Ordering {
    let magnitude = |l: &[u8], r: &[u8]| l.len().cmp(&r.len()).then_with(|| l.cmp(r));
    match (left.strip_prefix(b"-"), right.strip_prefix(b"-")) {
        (None, None) => magnitude(left, right),
        (Some(l), Some(r)) => magnitude(r, l),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

/// The OID in front of a schema description, or the OID or name that is to be found there.
fn first_component(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(description) = value.strip_prefix(b"( ") else {
        return first_component_asserted(value);
    };
    description
        .split(|octet| *octet == b' ')
        .next()
        .map(Cow::Borrowed)
}

fn first_component_asserted(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let name = std::str::from_utf8(value).ok()?;
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(Cow::Borrowed(value));
    }
    let class = schema::object_class(name).map(|class| class.oid);
    let attribute = || schema::lookup(name).map(|attribute| attribute.get().oid);
    let rule = || Rule::lookup(name).map(|rule| rule.row().1);
    let oid = class.or_else(attribute).or_else(rule)?;
    Some(Cow::Borrowed(oid.as_bytes()))
}

/// The name by which the schema table knows the class or attribute type, in lower case.
///
/// A descriptor the table does not know is Undefined (RFC 4517 §4.2.26); a numeric OID is itself.
fn object_identifier(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let name = std::str::from_utf8(value).ok()?;
    if let Some(class) = schema::object_class(name) {
        return Some(Cow::Owned(class.name.to_ascii_lowercase().into_bytes()));
    }
    if let Some(attribute) = schema::lookup(name) {
        return Some(Cow::Owned(
            attribute.get().name().to_ascii_lowercase().into_bytes(),
        ));
    }
    let numeric = value.first().is_some_and(u8::is_ascii_digit);
    numeric.then_some(Cow::Borrowed(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(rule: Rule, left: &str, right: &str) {
        let normal = |value: &str| rule.normalise(value.as_bytes()).map(Cow::into_owned);
        assert!(
            normal(left).is_some(),
            "{left:?} is no value of {}",
            rule.name()
        );
        assert_eq!(
            normal(left),
            normal(right),
            "{} of {left:?} and {right:?}",
            rule.name()
        );
    }

    fn differ(rule: Rule, left: &str, right: &str) {
        assert_ne!(
            rule.normalise(left.as_bytes()),
            rule.normalise(right.as_bytes()),
            "{left:?} {right:?}"
        );
    }

    fn undefined(rule: Rule, value: &str) {
        assert_eq!(
            rule.normalise(value.as_bytes()),
            None,
            "{} of {value:?}",
            rule.name()
        );
    }

    #[test]
    fn case_and_space_do_not_count_under_case_ignore() {
        same(Rule::CaseIgnore, "Ada  Lovelace ", "ada lovelace");
        same(Rule::CaseIgnore, "ZOË", "zoe\u{308}");
        same(Rule::CaseIgnore, "ﬁne", "FINE");
        same(Rule::CaseIgnore, "soft\u{ad}hyphen", "softhyphen");
        same(Rule::CaseIgnore, "a\u{a0}b", "a b");
        differ(Rule::CaseIgnore, "a b", "ab");
    }

    #[test]
    fn case_counts_under_case_exact() {
        differ(Rule::CaseExactIa5, "Ada", "ada");
        same(Rule::CaseExactIa5, "/home/ada", "/home/ada ");
        undefined(Rule::CaseExactIa5, "/home/zoë");
    }

    #[test]
    fn integers_compare_as_numbers() {
        same(Rule::Integer, "007", "7");
        same(Rule::Integer, "000", "0");
        same(Rule::Integer, "-0", "0");
        undefined(Rule::Integer, "alice");
        undefined(Rule::Integer, "");
        let order = |l: &str, r: &str| Rule::IntegerOrdering.compare(l.as_bytes(), r.as_bytes());
        assert_eq!(order("9", "10"), Ordering::Less);
        assert_eq!(order("-9", "-10"), Ordering::Greater);
        assert_eq!(order("-1", "1"), Ordering::Less);
    }

    #[test]
    fn telephone_numbers_ignore_spaces_and_hyphens() {
        same(Rule::TelephoneNumber, "+1 425-555-0100", "+14255550100");
    }

    #[test]
    fn times_are_instants_in_every_spelling() {
        same(
            Rule::GeneralizedTime,
            "20261123101112Z",
            "20261123101112.0Z",
        );
        same(
            Rule::GeneralizedTime,
            "20261123101112Z",
            "20261123121112+0200",
        );
        same(Rule::GeneralizedTime, "2026112310Z", "20261123100000Z");
        same(Rule::GeneralizedTime, "2026112310.5Z", "20261123103000Z");
        undefined(Rule::GeneralizedTime, "20261123101112");
        undefined(Rule::GeneralizedTime, "20261323101112Z");
        undefined(Rule::GeneralizedTime, "20261123101112.Z");
        undefined(Rule::GeneralizedTime, "Z");
        undefined(Rule::GeneralizedTime, "é1123101112Z");
    }

    #[test]
    fn order_of_times_is_order_of_keys() {
        let key = |t: &str| {
            Rule::GeneralizedTimeOrdering
                .normalise(t.as_bytes())
                .unwrap()
                .into_owned()
        };
        assert!(key("19691231235959Z") < key("19700101000000Z"));
        assert!(key("20261123101112Z") < key("20261123101113Z"));
    }

    #[test]
    fn object_classes_have_names_oids_and_any_case() {
        same(Rule::ObjectIdentifier, "POSIXACCOUNT", "1.3.6.1.1.1.2.0");
        undefined(Rule::ObjectIdentifier, "sudoRole");
    }

    #[test]
    fn guids_ignore_case_and_have_one_spelling() {
        same(
            Rule::Uuid,
            "C2F798FD-F95D-4623-8824-63AEC21FFFFF",
            "c2f798fd-f95d-4623-8824-63aec21fffff",
        );
        undefined(Rule::Uuid, "c2f798fdf95d4623882463aec21fffff");
    }

    #[test]
    fn space_at_the_end_of_a_part_is_significant_only_inside_the_value() {
        let part = |part, value: &str| {
            Rule::CaseIgnoreSubstrings
                .normalise_part(part, value.as_bytes())
                .unwrap()
        };
        assert_eq!(part(Part::Initial, " Ada "), b"ada ");
        assert_eq!(part(Part::Any, " love "), b" love ");
        assert_eq!(part(Part::Final, " lace "), b" lace");
        assert_eq!(part(Part::Any, "  "), b" ");
    }

    #[test]
    fn a_value_too_long_to_prepare_matches_nothing() {
        let long = "\u{301}".repeat(ASSERTION_BYTES_MAX);
        undefined(Rule::CaseIgnore, &long);
    }
}
