//! The decoder of bind and search against `ldap3_proto`'s encoder, and against broken input.

use bytes::BytesMut;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapCompareRequest, LdapDerefAliases, LdapFilter,
    LdapMatchingRuleAssertion, LdapSearchRequest, LdapSearchScope, LdapSubstringFilter,
    SaslCredentials,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokio_util::codec::Encoder;

use super::*;

const SEQUENCE: u8 = ber::SEQUENCE;

fn encode(message: LdapMsg) -> Vec<u8> {
    let mut encoded = BytesMut::new();
    LdapCodec::default().encode(message, &mut encoded).unwrap();
    encoded.to_vec()
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    ber::write_element(&mut out, tag, &parts.concat());
    out
}

/// A message put together by hand.
fn message(id: &[u8], operation: &[u8], controls: &[u8]) -> Vec<u8> {
    element(
        SEQUENCE,
        &[&element(ber::INTEGER, &[id]), operation, controls],
    )
}

/// Decodes a message and the operation in it, each with the decoder that the server would use.
fn decode(frame: &[u8]) -> Result<(), Error> {
    let envelope = Envelope::decode(frame)?;
    match envelope.operation {
        tag::SEARCH => Search::decode(envelope.content).map(drop),
        tag::BIND => Bind::decode(envelope.content).map(drop),
        tag::UNBIND | tag::ABANDON => Ok(()),
        _ => envelope.decode_operation().map(drop),
    }
}

/// The filter that should come out of what `ldap3_proto` was given.
fn expected(filter: &LdapFilter) -> Filter<'_> {
    fn pair<'f>(attribute: &'f str, value: &'f str) -> Ava<'f> {
        Ava {
            attribute,
            value: value.as_bytes(),
        }
    }
    match filter {
        LdapFilter::And(filters) => Filter::And(filters.iter().map(expected).collect()),
        LdapFilter::Or(filters) => Filter::Or(filters.iter().map(expected).collect()),
        LdapFilter::Not(filter) => Filter::Not(Box::new(expected(filter))),
        LdapFilter::Equality(attribute, value) => Filter::Equality(pair(attribute, value)),
        LdapFilter::GreaterOrEqual(attribute, value) => {
            Filter::GreaterOrEqual(pair(attribute, value))
        }
        LdapFilter::LessOrEqual(attribute, value) => Filter::LessOrEqual(pair(attribute, value)),
        LdapFilter::Approx(attribute, value) => Filter::Approx(pair(attribute, value)),
        LdapFilter::Present(attribute) => Filter::Present(attribute),
        LdapFilter::Substring(attribute, parts) => {
            let initial = parts.initial.iter().map(|text| (Part::Initial, text));
            let any = parts.any.iter().map(|text| (Part::Any, text));
            let last = parts.final_.iter().map(|text| (Part::Final, text));
            let parts = initial.chain(any).chain(last);
            Filter::Substrings {
                attribute,
                parts: parts.map(|(part, text)| (part, text.as_bytes())).collect(),
            }
        }
        LdapFilter::Extensible(assertion) => Filter::Extensible {
            rule: assertion.matching_rule.as_deref(),
            attribute: assertion.type_.as_deref(),
            value: assertion.match_value.as_bytes(),
            dn_attributes: assertion.dn_attributes,
        },
    }
}

fn substrings() -> impl Strategy<Value = LdapSubstringFilter> {
    let parts = (option::of(".*"), vec(".*", 0..4), option::of(".*"));
    parts
        .prop_map(|(initial, any, final_)| LdapSubstringFilter {
            initial,
            any,
            final_,
        })
        .prop_filter("a substring filter has a part", |parts| {
            *parts != LdapSubstringFilter::default()
        })
}

fn extensible() -> impl Strategy<Value = LdapMatchingRuleAssertion> {
    let names = (option::of(".*"), option::of(".*")).prop_filter("names something", |names| {
        names.0.is_some() || names.1.is_some()
    });
    (names, ".*", any::<bool>()).prop_map(|((matching_rule, type_), match_value, dn_attributes)| {
        LdapMatchingRuleAssertion {
            matching_rule,
            type_,
            match_value,
            dn_attributes,
        }
    })
}

fn any_filter() -> impl Strategy<Value = LdapFilter> {
    let leaf = prop_oneof![
        (".*", ".*").prop_map(|(attribute, value)| LdapFilter::Equality(attribute, value)),
        (".*", substrings()).prop_map(|(attribute, parts)| LdapFilter::Substring(attribute, parts)),
        (".*", ".*").prop_map(|(attribute, value)| LdapFilter::GreaterOrEqual(attribute, value)),
        (".*", ".*").prop_map(|(attribute, value)| LdapFilter::LessOrEqual(attribute, value)),
        ".*".prop_map(LdapFilter::Present),
        (".*", ".*").prop_map(|(attribute, value)| LdapFilter::Approx(attribute, value)),
        extensible().prop_map(LdapFilter::Extensible),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(LdapFilter::And),
            vec(inner.clone(), 0..4).prop_map(LdapFilter::Or),
            inner.prop_map(|filter| LdapFilter::Not(Box::new(filter))),
        ]
    })
}

fn any_search() -> impl Strategy<Value = LdapSearchRequest> {
    let scope = prop_oneof![
        Just(LdapSearchScope::Base),
        Just(LdapSearchScope::OneLevel),
        Just(LdapSearchScope::Subtree),
        Just(LdapSearchScope::Children),
    ];
    let aliases = prop_oneof![
        Just(LdapDerefAliases::Never),
        Just(LdapDerefAliases::InSearching),
        Just(LdapDerefAliases::FindingBaseObj),
        Just(LdapDerefAliases::Always),
    ];
    let limits = (0..=i32::MAX, 0..=i32::MAX, any::<bool>());
    let rest = (any_filter(), vec(".*", 0..5));
    (".*", scope, aliases, limits, rest).prop_map(
        |(base, scope, aliases, (sizelimit, timelimit, typesonly), (filter, attrs))| {
            LdapSearchRequest {
                base,
                scope,
                aliases,
                sizelimit,
                timelimit,
                typesonly,
                filter,
                attrs,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_search_says_here_what_ldap3_proto_wrote(id in 1..=i32::MAX, request in any_search()) {
        let frame = encode(LdapMsg::new(id, LdapOp::SearchRequest(request.clone())));
        let envelope = Envelope::decode(&frame).unwrap();
        prop_assert_eq!(envelope.message_id, id as u32);
        prop_assert_eq!(envelope.operation, tag::SEARCH);
        prop_assert_eq!(envelope.controls, None);
        let scope = match request.scope {
            LdapSearchScope::Base => Scope::Base,
            LdapSearchScope::OneLevel => Scope::OneLevel,
            LdapSearchScope::Subtree => Scope::Subtree,
            LdapSearchScope::Children => Scope::Subordinates,
        };
        let search = Search {
            base: request.base.as_bytes(),
            scope,
            size_limit: request.sizelimit as u32,
            time_limit: request.timelimit as u32,
            types_only: request.typesonly,
            filter: expected(&request.filter),
            attributes: request.attrs.iter().map(String::as_str).collect(),
        };
        prop_assert_eq!(Search::decode(envelope.content), Ok(search));
    }

    #[test]
    fn a_bind_says_here_what_ldap3_proto_wrote(
        id in 1..=i32::MAX,
        version in 0..=127_i64,
        dn in ".*",
        password in ".*",
    ) {
        let request = LdapBindRequest {
            version,
            dn: dn.clone(),
            cred: LdapBindCred::Simple(password.clone()),
        };
        let frame = encode(LdapMsg::new(id, LdapOp::BindRequest(request)));
        let envelope = Envelope::decode(&frame).unwrap();
        prop_assert_eq!(envelope.operation, tag::BIND);
        let bind = Bind::decode(envelope.content).unwrap();
        prop_assert_eq!((bind.version, bind.name), (version, dn.as_bytes()));
        let Authentication::Simple(found) = bind.authentication else {
            panic!("a simple bind was read as another");
        };
        prop_assert_eq!(found, password.as_bytes());
    }

    #[test]
    fn octets_of_any_kind_are_an_error_at_worst(octets in vec(any::<u8>(), 0..200)) {
        let _ = decode(&octets);
        let framed = element(SEQUENCE, &[&octets]);
        let _ = decode(&framed);
        let _ = Search::decode(&octets);
        let _ = Bind::decode(&octets);
    }
}

fn full_search() -> Vec<u8> {
    let filter = LdapFilter::And(vec![
        LdapFilter::Not(Box::new(LdapFilter::Equality("uid".into(), "ada".into()))),
        LdapFilter::Or(vec![LdapFilter::Present("mail".into())]),
        LdapFilter::Substring("cn".into(), LdapSubstringFilter::from("a*b*c")),
        LdapFilter::Extensible(LdapMatchingRuleAssertion {
            matching_rule: Some("caseExactMatch".into()),
            type_: Some("cn".into()),
            match_value: "x".into(),
            dn_attributes: true,
        }),
    ]);
    let request = LdapSearchRequest {
        base: "dc=example,dc=com".into(),
        scope: LdapSearchScope::Subtree,
        aliases: LdapDerefAliases::Never,
        sizelimit: 1000,
        timelimit: 30,
        typesonly: false,
        filter,
        attrs: vec!["uid".into(), "+".into()],
    };
    encode(LdapMsg {
        msgid: 70_000,
        op: LdapOp::SearchRequest(request),
        ctrl: vec![control(false)],
    })
}

fn control(criticality: bool) -> LdapControl {
    LdapControl::Unknown {
        oid: "1.3.6.1.4.1.99999.1".into(),
        criticality,
        value: Some(b"value".to_vec()),
    }
}

/// One whole message of each operation that carries anything.
fn samples() -> Vec<Vec<u8>> {
    let bind = LdapBindRequest {
        version: 3,
        dn: "cn=vpn,dc=example,dc=com".into(),
        cred: LdapBindCred::Simple("secret".into()),
    };
    let compare = LdapCompareRequest {
        dn: "uid=ada,ou=people,dc=example,dc=com".into(),
        atype: "cn".into(),
        val: b"Ada".to_vec(),
    };
    vec![
        full_search(),
        encode(LdapMsg::new(1, LdapOp::BindRequest(bind))),
        encode(LdapMsg::new(2, LdapOp::CompareRequest(compare))),
        encode(LdapMsg::new(3, LdapOp::AbandonRequest(1))),
    ]
}

#[test]
fn every_truncation_is_an_error_of_structure() {
    for sample in samples() {
        assert!(decode(&sample).is_ok());
        for cut in 0..sample.len() {
            let outcome = decode(&sample[..cut]);
            assert!(
                matches!(outcome, Err(Error::Structure(_))),
                "{cut} of {}: {outcome:?}",
                sample.len()
            );
        }
    }
}

#[test]
fn octets_behind_a_message_are_an_error_of_structure() {
    for mut sample in samples() {
        sample.push(0);
        assert_eq!(
            decode(&sample).unwrap_err(),
            Error::Structure(ber::Error::Trailing)
        );
    }
}

#[test]
fn every_other_length_of_the_message_is_an_error() {
    for sample in samples() {
        let header = ber::header(&sample).unwrap().unwrap();
        let place = header.header_bytes - 1;
        for length in (0..=u8::MAX).filter(|length| *length != sample[place]) {
            let mut changed = sample.clone();
            changed[place] = length;
            assert!(decode(&changed).is_err(), "length octet {length}");
        }
    }
}

#[test]
fn no_change_of_a_single_octet_panics_or_reaches_outside_the_message() {
    for sample in samples() {
        for place in 0..sample.len() {
            for octet in 0..=u8::MAX {
                let mut changed = sample.clone();
                changed[place] = octet;
                let Ok(envelope) = Envelope::decode(&changed) else {
                    continue;
                };
                assert!(
                    changed
                        .as_ptr_range()
                        .contains(&envelope.content.as_ptr_range().start)
                        || envelope.content.is_empty()
                );
                let _ = decode(&changed);
            }
        }
    }
}

#[test]
fn a_message_id_lies_between_1_and_2147483647() {
    let unbind = element(tag::UNBIND, &[]);
    let id = |octets: &[u8]| {
        Envelope::decode(&message(octets, &unbind, &[])).map(|envelope| envelope.message_id)
    };
    assert_eq!(id(&[1]), Ok(1));
    assert_eq!(id(&[0x7f, 0xff, 0xff, 0xff]), Ok(2_147_483_647));
    assert_eq!(id(&[0]), Err(Error::MessageId));
    assert_eq!(id(&[0xff]), Err(Error::MessageId));
    assert_eq!(id(&[0x80, 0, 0, 0]), Err(Error::MessageId));
    assert_eq!(id(&[0, 0x80, 0, 0, 0]), Err(Error::MessageId));
    assert_eq!(id(&[1, 0, 0, 0, 0, 0, 0, 0]), Err(Error::MessageId));
    assert_eq!(id(&[1; 9]), Err(Error::Structure(ber::Error::Number)));
    assert_eq!(id(&[]), Err(Error::Structure(ber::Error::Number)));
}

#[test]
fn what_is_no_request_is_named_by_its_octet() {
    let requests = [0x42, 0x4a, 0x50, 0x60, 0x63, 0x66, 0x68, 0x6c, 0x6e, 0x77];
    for tag in (0..=u8::MAX).filter(|tag| tag & 0x1f != 0x1f) {
        let outcome = Envelope::decode(&message(&[1], &element(tag, &[]), &[]))
            .map(|envelope| envelope.operation);
        if requests.contains(&tag) {
            assert_eq!(outcome, Ok(tag));
        } else {
            assert_eq!(outcome, Err(Error::UnknownOperation(tag)));
        }
    }
}

/// A SearchRequest with one field other than the usual.
fn search_with(place: usize, field: Vec<u8>) -> Vec<u8> {
    let text = |octets: &[u8]| element(ber::OCTET_STRING, &[octets]);
    let mut fields = [
        text(b"dc=example,dc=com"),
        element(ber::ENUMERATED, &[&[2]]),
        element(ber::ENUMERATED, &[&[0]]),
        element(ber::INTEGER, &[&[0]]),
        element(ber::INTEGER, &[&[0]]),
        element(ber::BOOLEAN, &[&[0]]),
        element(0x87, &[b"objectClass"]),
        element(SEQUENCE, &[&text(b"cn")]),
    ];
    fields[place] = field;
    fields.concat()
}

const FILTER: usize = 6;

#[test]
fn fields_out_of_their_range_are_refused_without_ending_the_session() {
    let enumerated = |octet| element(ber::ENUMERATED, &[&[octet]]);
    let beyond = element(ber::INTEGER, &[&[0, 0x80, 0, 0, 0]]);
    let negative = element(ber::INTEGER, &[&[0xff]]);
    for (place, field) in [
        (1, enumerated(4)),
        (1, enumerated(0xff)),
        (2, enumerated(4)),
        (2, enumerated(0xff)),
        (3, beyond.clone()),
        (3, negative.clone()),
        (4, beyond),
        (4, negative),
    ] {
        let content = search_with(place, field);
        let outcome = Search::decode(&content);
        assert!(
            matches!(outcome, Err(Error::Field(_))),
            "{place}: {outcome:?}"
        );
    }
    let largest = search_with(3, element(ber::INTEGER, &[&[0x7f, 0xff, 0xff, 0xff]]));
    assert_eq!(Search::decode(&largest).unwrap().size_limit, 2_147_483_647);
}

#[test]
fn fields_of_another_type_are_errors_of_structure() {
    for place in (0..8).filter(|place| *place != FILTER) {
        let content = search_with(place, element(0x05, &[]));
        let outcome = Search::decode(&content);
        assert!(
            matches!(outcome, Err(Error::Structure(_))),
            "{place}: {outcome:?}"
        );
    }
}

#[test]
fn a_filter_may_be_nested_as_deep_as_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        let innermost = element(0x87, &[b"objectClass"]);
        let filter = (1..depth).fold(innermost, |inner, _| element(0xa2, &[&inner]));
        Search::decode(&search_with(FILTER, filter)).map(|search| search.size_limit)
    };
    assert_eq!(nested(FILTER_DEPTH_MAX), Ok(0));
    let refused = Err(Error::Field("the filter is nested too deeply"));
    assert_eq!(nested(FILTER_DEPTH_MAX + 1), refused);
    assert_eq!(nested(10_000), refused);
}

#[test]
fn filters_that_rfc_4511_does_not_know_are_refused_without_ending_the_session() {
    let cn = element(ber::OCTET_STRING, &[b"cn"]);
    let parts = |parts: &[&[u8]]| element(0xa4, &[&cn, &element(SEQUENCE, parts)]);
    let initial = element(0x80, &[b"a"]);
    let last = element(0x82, &[b"z"]);
    for filter in [
        element(0xaa, &[]),
        element(0x80, &[]),
        parts(&[]),
        parts(&[&last, &initial]),
        parts(&[&initial, &initial]),
        parts(&[&last, &last]),
        parts(&[&element(0x83, &[b"?"])]),
        element(0xa9, &[&element(0x83, &[b"value of nothing"])]),
    ] {
        let content = search_with(FILTER, filter.clone());
        let outcome = Search::decode(&content);
        assert!(
            matches!(outcome, Err(Error::Field(_))),
            "{filter:02x?}: {outcome:?}"
        );
    }
}

#[test]
fn binary_assertion_values_and_names_arrive_as_sent() {
    const OBJECT_GUID: [u8; 16] = [
        0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28, 0xa0, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    let name = element(ber::OCTET_STRING, &[b"objectGUID"]);
    let value = element(ber::OCTET_STRING, &[&OBJECT_GUID]);
    let content = search_with(FILTER, element(0xa3, &[&name, &value]));
    let expected = Filter::Equality(Ava {
        attribute: "objectGUID",
        value: &OBJECT_GUID,
    });
    assert_eq!(Search::decode(&content).unwrap().filter, expected);

    let latin_1 = b"cn=J\xfcrgen,dc=example,dc=com";
    let content = search_with(0, element(ber::OCTET_STRING, &[latin_1]));
    assert_eq!(Search::decode(&content).unwrap().base, latin_1);

    let bind = [
        element(ber::INTEGER, &[&[3]]),
        element(ber::OCTET_STRING, &[latin_1]),
        element(0x80, &[&[0xfc, 0x00]]),
    ]
    .concat();
    let bind = Bind::decode(&bind).unwrap();
    assert_eq!(bind.name, latin_1);
    assert!(matches!(
        bind.authentication,
        Authentication::Simple(&[0xfc, 0x00])
    ));
}

#[test]
fn an_attribute_description_that_is_not_utf_8_names_nothing() {
    let content = search_with(FILTER, element(0x87, &[&[0xff]]));
    assert_eq!(
        Search::decode(&content).unwrap().filter,
        Filter::Present("")
    );
    let selectors = element(SEQUENCE, &[&element(ber::OCTET_STRING, &[&[0xff]])]);
    let content = search_with(7, selectors);
    assert_eq!(Search::decode(&content).unwrap().attributes, [""]);
}

#[test]
fn dn_attributes_are_off_unless_said_otherwise() {
    let rule = element(0x82, &[b"ou"]);
    let value = element(0x83, &[b"people"]);
    let content = search_with(FILTER, element(0xa9, &[&rule, &value]));
    let expected = Filter::Extensible {
        rule: None,
        attribute: Some("ou"),
        value: b"people",
        dn_attributes: false,
    };
    assert_eq!(Search::decode(&content).unwrap().filter, expected);
}

#[test]
fn any_choice_but_a_simple_password_is_read_as_another() {
    let sasl = LdapBindRequest {
        version: 3,
        dn: String::new(),
        cred: LdapBindCred::SASL(SaslCredentials {
            mechanism: "PLAIN".into(),
            credentials: b"\0ada\0secret".to_vec(),
        }),
    };
    let frame = encode(LdapMsg::new(1, LdapOp::BindRequest(sasl)));
    let bind = Bind::decode(Envelope::decode(&frame).unwrap().content).unwrap();
    assert!(matches!(bind.authentication, Authentication::Other));
}

#[test]
fn names_for_the_log_hold_no_control_characters_and_fit_a_line() {
    assert_eq!(printable("Zoë".as_bytes()), "Zoë");
    assert_eq!(printable(b"a\nb\x1b[0m"), "a\u{fffd}b\u{fffd}[0m");
    assert_eq!(printable(b"\xff"), "\u{fffd}");
    assert_eq!(printable(&[b'x'; 1000]), "x".repeat(200));
}
