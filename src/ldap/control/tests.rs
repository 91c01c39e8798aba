//! The decoder of controls against `ldap3_proto`'s encoder, and against broken input.

use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::{LdapControl, ServerSortRequet};
use ldap3_proto::proto::{LdapMsg, LdapOp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokio_util::codec::Encoder;

use super::*;
use crate::dit::filter::Ava;
use crate::ldap::request::Envelope;

fn unknown(oid: &str, criticality: bool, value: Option<&[u8]>) -> LdapControl {
    LdapControl::Unknown {
        oid: oid.into(),
        criticality,
        value: value.map(<[u8]>::to_vec),
    }
}

/// A message with these controls, as `ldap3_proto` writes it.
fn message(controls: Vec<LdapControl>) -> Vec<u8> {
    let message = LdapMsg::new_with_ctrls(1, LdapOp::AbandonRequest(9), controls);
    let mut encoded = BytesMut::new();
    LdapCodec::default().encode(message, &mut encoded).unwrap();
    encoded.to_vec()
}

/// The result code of decoding controls as those of an operation; `None`: they are accepted.
fn code(operation: u8, controls: Vec<LdapControl>) -> Option<LdapResultCode> {
    let message = message(controls);
    let envelope = Envelope::decode(&message).unwrap();
    let controls = envelope.controls.unwrap_or_default();
    Controls::decode(controls, operation)
        .err()
        .map(|refusal| refusal.code)
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    ber::write_element(&mut out, tag, &parts.concat());
    out
}

fn octets(text: &str) -> Vec<u8> {
    element(ber::OCTET_STRING, &[text.as_bytes()])
}

const NOBODYS: &str = "1.3.6.1.4.1.99999.1";
const MANAGE_DSA_IT: &str = "2.16.840.1.113730.3.4.2";
const SORT: &str = "1.2.840.113556.1.4.473";
const ASSERTION: &str = "1.3.6.1.1.12";
const MATCHED_VALUES: &str = "1.2.826.0.1.3344810.2.3";

proptest! {
    #[test]
    fn a_page_request_says_here_what_ldap3_proto_wrote(
        size in 0..=i32::MAX as u32,
        cookie in vec(any::<u8>(), 0..40),
    ) {
        let paged = LdapControl::SimplePagedResults { size: size.into(), cookie: cookie.clone() };
        let message = message(vec![paged]);
        let envelope = Envelope::decode(&message).unwrap();
        let controls = Controls::decode(envelope.controls.unwrap(), tag::SEARCH).unwrap();
        prop_assert_eq!(controls.paged, Some(Paged { size, cookie: &cookie }));
    }

    #[test]
    fn a_sort_request_says_here_what_ldap3_proto_wrote(
        keys in vec((".{0,20}", option::of(".{0,20}"), any::<bool>()), 1..5),
    ) {
        let requests = keys.iter().map(|(attribute, rule, reverse)| ServerSortRequet {
            attribute_name: attribute.clone(),
            ordering_rule: rule.clone(),
            reverse_order: *reverse,
        });
        let sort = LdapControl::ServerSort { sort_requests: requests.collect() };
        let message = message(vec![sort]);
        let envelope = Envelope::decode(&message).unwrap();
        let controls = Controls::decode(envelope.controls.unwrap(), tag::SEARCH).unwrap();
        let expected: Vec<SortKey> = keys.iter().map(|(attribute, rule, reverse)| SortKey {
            attribute,
            rule: rule.as_deref(),
            is_reverse: *reverse,
        }).collect();
        prop_assert_eq!(controls.sort.unwrap().keys, expected);
    }

    #[test]
    fn octets_of_any_kind_are_an_error_at_worst(octets in vec(any::<u8>(), 0..100)) {
        let _ = Controls::decode(&octets, tag::SEARCH);
        for kind in [Kind::PagedResults, Kind::Sort, Kind::Assertion, Kind::MatchedValues] {
            let raw = Raw { oid: b"", is_critical: true, value: Some(&octets) };
            let _ = Controls::default().add(kind, raw);
        }
    }
}

#[test]
fn a_control_nobody_knows_matters_only_where_it_is_critical() {
    let unavailable = Some(LdapResultCode::UnavailableCriticalExtension);
    let control = |criticality| unknown(NOBODYS, criticality, None);
    assert_eq!(code(tag::SEARCH, vec![]), None);
    assert_eq!(code(tag::SEARCH, vec![control(false)]), None);
    assert_eq!(code(tag::SEARCH, vec![control(true)]), unavailable);
    let both = vec![control(false), control(true)];
    assert_eq!(code(tag::SEARCH, both), unavailable);
}

#[test]
fn a_control_of_another_operation_counts_as_one_nobody_knows() {
    let manage = |criticality| vec![unknown(MANAGE_DSA_IT, criticality, None)];
    let unavailable = Some(LdapResultCode::UnavailableCriticalExtension);
    assert_eq!(code(tag::SEARCH, manage(true)), None);
    assert_eq!(code(tag::BIND, manage(false)), None);
    assert_eq!(code(tag::BIND, manage(true)), unavailable);
    // Its value is none of the operation's business either.
    assert_eq!(code(tag::COMPARE, vec![unknown(SORT, false, None)]), None);
}

#[test]
fn a_control_that_stands_twice_is_a_protocol_error() {
    let twice = vec![unknown(MANAGE_DSA_IT, false, None); 2];
    let refused = Some(LdapResultCode::ProtocolError);
    assert_eq!(code(tag::SEARCH, twice), refused);
}

#[test]
fn a_value_that_is_absent_or_cannot_be_read_is_a_protocol_error() {
    let refused = Some(LdapResultCode::ProtocolError);
    for oid in [PAGED_RESULTS, SORT, ASSERTION, MATCHED_VALUES] {
        for value in [None, Some(&b""[..]), Some(b"\x30"), Some(b"\x30\x00\x00")] {
            let control = vec![unknown(oid, false, value)];
            assert_eq!(code(tag::SEARCH, control), refused, "{oid} {value:?}");
        }
    }
}

#[test]
fn a_control_that_is_built_wrongly_is_a_protocol_error() {
    let (oid, yes) = (octets(NOBODYS), element(ber::BOOLEAN, &[&[0xff]]));
    let decode = |parts: &[&[u8]]| {
        let controls = element(ber::SEQUENCE, parts);
        Controls::decode(&controls, tag::SEARCH).map(drop)
    };
    assert_eq!(decode(&[&oid]), Ok(()));
    let wide = element(ber::BOOLEAN, &[&[0xff, 0xff]]);
    for parts in [&[&yes[..]][..], &[&oid, &wide], &[&oid, &yes, &yes], &[]] {
        let refusal = decode(parts).unwrap_err();
        assert_eq!(refusal.code, LdapResultCode::ProtocolError);
    }
}

#[test]
fn items_of_a_values_return_filter_are_read_and_nothing_else() {
    let ava = [octets("mail"), octets("a@b")].concat();
    let equality = element(0xa3, &[&ava]);
    let present = element(0x87, &[b"cn"]);
    let list = element(ber::SEQUENCE, &[&equality, &present]);
    let items = values_return(&list).unwrap();
    let expected = Ava {
        attribute: "mail",
        value: b"a@b",
    };
    let expected = [Filter::Equality(expected), Filter::Present("cn")];
    assert_eq!(items, expected);
    for combined in [0xa0, 0xa1, 0xa2] {
        let list = element(ber::SEQUENCE, &[&element(combined, &[&present])]);
        assert!(values_return(&list).is_err());
    }
}
