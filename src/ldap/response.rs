//! Responses, encoded: results with whatever belongs to them, and controls behind.

use ldap3_proto::proto::LdapResult;

use super::control::ResponseControl;
use super::request::tag;
use crate::ber;

/// A response other than a search result entry.
#[derive(Clone, Debug)]
pub struct Response {
    /// The identifier octet of the operation.
    operation: u8,
    /// What became of the request.
    pub result: LdapResult,
    /// `responseName` of an extended response.
    pub name: Option<&'static str>,
    /// `responseValue` of an extended response.
    pub value: Option<Vec<u8>>,
    /// Controls behind the response.
    pub controls: Vec<ResponseControl>,
}

/// Identifier octets of responses (RFC 4511 §4.2 ff.).
const BIND: u8 = 0x61;
const SEARCH_DONE: u8 = 0x65;
const MODIFY: u8 = 0x67;
const ADD: u8 = 0x69;
const DELETE: u8 = 0x6b;
const MODIFY_DN: u8 = 0x6d;
const COMPARE: u8 = 0x6f;
const EXTENDED: u8 = 0x78;

impl Response {
    /// The response that belongs to a request of this [`tag`].
    pub fn to(request: u8, result: LdapResult) -> Self {
        let operation = match request {
            tag::BIND => BIND,
            tag::SEARCH => SEARCH_DONE,
            tag::MODIFY => MODIFY,
            tag::ADD => ADD,
            tag::DELETE => DELETE,
            tag::MODIFY_DN => MODIFY_DN,
            tag::COMPARE => COMPARE,
            _ => EXTENDED,
        };
        Self {
            operation,
            result,
            name: None,
            value: None,
            controls: Vec::new(),
        }
    }

    /// The response to an extended request.
    pub fn extended(
        result: LdapResult,
        name: Option<&'static str>,
        value: Option<Vec<u8>>,
    ) -> Self {
        Self {
            name,
            value,
            ..Self::to(tag::EXTENDED, result)
        }
    }

    /// Appends the whole message.
    pub fn write(&self, message_id: u32, out: &mut Vec<u8>) {
        let operation = self.operation();
        let controls = self.controls();
        let operation_bytes = ber::element_bytes(operation.len());
        let message_bytes = 2 + ber::integer_bytes(message_id) + operation_bytes + controls.len();
        out.reserve(ber::element_bytes(message_bytes));
        ber::write_header(out, ber::SEQUENCE, message_bytes);
        ber::write_integer(out, message_id);
        ber::write_element(out, self.operation, &operation);
        out.extend_from_slice(&controls);
    }

    /// The contents of the operation (RFC 4511 §4.1.9, §4.12).
    fn operation(&self) -> Vec<u8> {
        let LdapResult {
            code,
            matcheddn,
            message,
            referral,
        } = &self.result;
        let mut fields = Vec::with_capacity(matcheddn.len() + message.len() + 16);
        // Every code we send is below 128.
        ber::write_element(&mut fields, ber::ENUMERATED, &[code.clone() as i64 as u8]);
        ber::write_element(&mut fields, ber::OCTET_STRING, matcheddn.as_bytes());
        ber::write_element(&mut fields, ber::OCTET_STRING, message.as_bytes());
        debug_assert!(referral.is_empty(), "we refer nobody anywhere");
        if let Some(name) = self.name {
            ber::write_element(&mut fields, 0x8a, name.as_bytes());
        }
        if let Some(value) = &self.value {
            ber::write_element(&mut fields, 0x8b, value);
        }
        fields
    }

    /// The Controls element; nothing without controls.
    fn controls(&self) -> Vec<u8> {
        if self.controls.is_empty() {
            return Vec::new();
        }
        let mut list = Vec::new();
        for control in &self.controls {
            let mut fields = Vec::with_capacity(control.oid.len() + control.value.len() + 8);
            ber::write_element(&mut fields, ber::OCTET_STRING, control.oid.as_bytes());
            ber::write_element(&mut fields, ber::OCTET_STRING, &control.value);
            ber::write_element(&mut list, ber::SEQUENCE, &fields);
        }
        let mut element = Vec::with_capacity(list.len() + 6);
        ber::write_element(&mut element, 0xa0, &list);
        element
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use ldap3_proto::LdapCodec;
    use ldap3_proto::control::LdapControl;
    use ldap3_proto::proto::{LdapOp, LdapResultCode};
    use proptest::prelude::*;
    use tokio_util::codec::Decoder;

    use super::*;
    use crate::ldap::control::SortOutcome;
    use crate::ldap::refusal::Refusal;

    fn decoded(response: &Response, id: u32) -> ldap3_proto::LdapMsg {
        let mut out = Vec::new();
        response.write(id, &mut out);
        let mut bytes = BytesMut::from(&out[..]);
        let message = LdapCodec::default().decode(&mut bytes).unwrap().unwrap();
        assert!(bytes.is_empty());
        message
    }

    proptest! {
        #[test]
        fn a_result_reads_back_through_ldap3_proto(
            id in 1..=i32::MAX as u32,
            matched in ".{0,300}",
            diagnostic in ".{0,300}",
            cookie in proptest::collection::vec(any::<u8>(), 0..40),
            estimate in 0..=i32::MAX as u32,
        ) {
            let result = LdapResult {
                code: LdapResultCode::NoSuchObject,
                matcheddn: matched,
                message: diagnostic,
                referral: Vec::new(),
            };
            let response = Response {
                controls: vec![ResponseControl::page(estimate, &cookie)],
                ..Response::to(tag::SEARCH, result.clone())
            };
            let message = decoded(&response, id);
            prop_assert_eq!(message.msgid, id as i32);
            prop_assert_eq!(message.op, LdapOp::SearchResultDone(result));
            let page = LdapControl::SimplePagedResults { size: estimate.into(), cookie };
            prop_assert_eq!(message.ctrl, vec![page]);
        }
    }

    #[test]
    fn each_request_has_its_own_response() {
        let refused: LdapResult = Refusal::invalid_credentials().into();
        let op = |request| decoded(&Response::to(request, refused.clone()), 1).op;
        assert!(matches!(op(tag::BIND), LdapOp::BindResponse(_)));
        assert_eq!(op(tag::MODIFY), LdapOp::ModifyResponse(refused.clone()));
        assert_eq!(op(tag::ADD), LdapOp::AddResponse(refused.clone()));
        assert_eq!(op(tag::DELETE), LdapOp::DelResponse(refused.clone()));
        assert_eq!(
            op(tag::MODIFY_DN),
            LdapOp::ModifyDNResponse(refused.clone())
        );
        assert_eq!(op(tag::COMPARE), LdapOp::CompareResult(refused.clone()));
    }

    #[test]
    fn an_extended_response_has_name_and_value_where_there_are_any() {
        let result: LdapResult = Refusal::invalid_credentials().into();
        let response = Response::extended(result, Some("1.2.3"), Some(b"v".to_vec()));
        let LdapOp::ExtendedResponse(read) = decoded(&response, 7).op else {
            panic!("not an extended response");
        };
        assert_eq!(read.name.as_deref(), Some("1.2.3"));
        assert_eq!(read.value.as_deref(), Some(&b"v"[..]));
    }

    #[test]
    fn a_sort_result_names_the_attribute_at_fault() {
        let outcome = SortOutcome {
            code: LdapResultCode::NoSuchAttribute,
            attribute: Some("shoeSize".into()),
        };
        let control = ResponseControl::sorted(&outcome);
        assert_eq!(control.value, b"\x30\x0d\x0a\x01\x10\x80\x08shoeSize");
    }
}
