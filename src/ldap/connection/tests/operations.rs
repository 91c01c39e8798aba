//! Compare, controls, extended operations, and everything that is refused.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapAddRequest, LdapCompareRequest, LdapModify, LdapModifyDNRequest, LdapModifyRequest,
    LdapModifyType, LdapPartialAttribute,
};

use super::client::{bind, extended, result, who_am_i};
use super::*;

async fn check_compare(dn: &str, attribute: &str, value: &[u8], expected: LdapResultCode) {
    let mut client = World::new().connect_as(vpn());
    let request = LdapCompareRequest {
        dn: dn.into(),
        atype: attribute.into(),
        val: value.into(),
    };
    let response = client.ask(LdapOp::CompareRequest(request)).await;
    let LdapOp::CompareResult(result) = response else {
        panic!("{response:?}");
    };
    assert_eq!(result.code, expected, "{dn} {attribute}");
}

#[tokio::test]
async fn compare_tells_true_from_false_from_absent_from_unknown() {
    use LdapResultCode::*;
    check_compare(ADA, "sn", b"LOVELACE", CompareTrue).await;
    check_compare(ADA, "surname", b"Lovelace", CompareTrue).await;
    check_compare(ADA, "sn", b"Byron", CompareFalse).await;
    check_compare(ADA, "title", b"Countess", NoSuchAttribute).await;
    check_compare(ADA, "shoeSize", b"38", UndefinedAttributeType).await;
    check_compare(ADA, "uidNumber", b"many", InvalidAttributeSyntax).await;
    check_compare(ADA, "cn", b"\xff\xfe", InvalidAttributeSyntax).await;
    check_compare("", "supportedLDAPVersion", b"3", CompareTrue).await;
}

#[tokio::test]
async fn compare_sees_memberships() {
    use LdapResultCode::*;
    let eng = "cn=eng,ou=groups,dc=example,dc=com";
    check_compare(eng, "member", ADA.as_bytes(), CompareTrue).await;
    check_compare(eng, "memberUid", b"ada", CompareTrue).await;
    check_compare(eng, "memberUid", b"zoe", CompareFalse).await;
    check_compare(ADA, "memberOf", eng.as_bytes(), CompareTrue).await;
    let empty = "cn=empty,ou=groups,dc=example,dc=com";
    check_compare(empty, "memberUid", b"ada", NoSuchAttribute).await;
}

#[tokio::test]
async fn compare_needs_an_entry_with_a_name() {
    let nobody = "uid=nobody,ou=people,dc=example,dc=com";
    check_compare(nobody, "uid", b"nobody", LdapResultCode::NoSuchObject).await;
    // Inactive people are in the tree for nobody.
    let carl = "uid=carl,ou=people,dc=example,dc=com";
    check_compare(carl, "uid", b"carl", LdapResultCode::NoSuchObject).await;
    check_compare("nobody", "uid", b"nobody", LdapResultCode::InvalidDNSyntax).await;
}

#[tokio::test]
async fn write_operations_are_refused_each_with_its_own_response() {
    let mut client = World::new().connect_as(vpn());
    let attribute = LdapPartialAttribute {
        atype: "sn".into(),
        vals: vec![b"Byron".to_vec()],
    };
    let modify = LdapOp::ModifyRequest(LdapModifyRequest {
        dn: ADA.into(),
        changes: vec![LdapModify {
            operation: LdapModifyType::Replace,
            modification: attribute.clone(),
        }],
    });
    let add = LdapOp::AddRequest(LdapAddRequest {
        dn: "uid=new,ou=people,dc=example,dc=com".into(),
        attributes: vec![attribute],
    });
    let rename = LdapOp::ModifyDNRequest(LdapModifyDNRequest {
        dn: ADA.into(),
        newrdn: "uid=countess".into(),
        deleteoldrdn: true,
        new_superior: None,
    });
    let refused = |result: &LdapResult| result.code == LdapResultCode::UnwillingToPerform;
    let response = client.ask(modify).await;
    assert!(matches!(response, LdapOp::ModifyResponse(result) if refused(&result)));
    let response = client.ask(add).await;
    assert!(matches!(response, LdapOp::AddResponse(result) if refused(&result)));
    let response = client.ask(LdapOp::DelRequest(ADA.into())).await;
    assert!(matches!(response, LdapOp::DelResponse(result) if refused(&result)));
    let response = client.ask(rename).await;
    assert!(matches!(response, LdapOp::ModifyDNResponse(result) if refused(&result)));
}

#[tokio::test]
async fn an_extended_operation_nobody_knows_is_a_protocol_error() {
    let mut client = World::new().connect();
    let response = client.ask(extended("1.3.6.1.4.1.99999.7")).await;
    let LdapOp::ExtendedResponse(response) = response else {
        panic!("{response:?}");
    };
    assert_eq!(response.res.code, LdapResultCode::ProtocolError);
    assert_eq!((response.name, response.value), (None, None));
    assert_eq!(client.who_am_i().await, "");
}

fn control(criticality: bool) -> Vec<LdapControl> {
    vec![LdapControl::Unknown {
        oid: "1.3.6.1.4.1.99999.1".into(),
        criticality,
        value: None,
    }]
}

#[tokio::test]
async fn a_critical_control_nobody_knows_keeps_the_operation_from_being_done() {
    let mut client = World::new().connect();
    for request in [
        who_am_i(),
        LdapOp::SearchRequest(search("", LdapSearchScope::Base)),
        LdapOp::DelRequest(ADA.into()),
        bind(VPN, PASSWORD),
    ] {
        let response = client.ask_with(request, control(true)).await;
        let code = result(response).code;
        assert_eq!(code, LdapResultCode::UnavailableCriticalExtension);
    }
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn a_control_that_is_not_critical_is_ignored() {
    let mut client = World::new().connect();
    let response = client.ask_with(bind(VPN, PASSWORD), control(false)).await;
    assert_eq!(result(response).code, LdapResultCode::Success);
    assert_eq!(client.who_am_i().await, format!("dn:{VPN}"));
}

#[tokio::test]
async fn a_field_out_of_range_is_a_protocol_error_and_the_session_goes_on() {
    let mut client = World::new().connect_as(vpn());
    let request = LdapSearchRequest {
        sizelimit: -1,
        ..search(BASE, LdapSearchScope::Subtree)
    };
    let (found, result) = client.search(request).await;
    assert_eq!(found, [""; 0]);
    assert_eq!(result.code, LdapResultCode::ProtocolError);
    assert_eq!(client.who_am_i().await, format!("dn:{VPN}"));
}
