//! Modify, Add, Delete and Modify DN operations (§4.6 to §4.9), of which this server has none.

use ldap3_proto::proto::{
    LdapAddRequest, LdapModifyDNRequest, LdapModifyRequest, LdapOp, LdapResult, LdapResultCode,
};

use crate::client::Client;
use crate::world::{ADA, World};

fn is_refused(result: &LdapResult) -> bool {
    result.code == LdapResultCode::UnwillingToPerform
}

#[tokio::test]
async fn each_update_is_answered_by_its_own_response() {
    // unwillingToPerform tells that the server will not do it (appendix A.2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let modify = LdapModifyRequest {
        dn: ADA.into(),
        changes: Vec::new(),
    };
    let response = client.ask(LdapOp::ModifyRequest(modify)).await;
    assert!(matches!(response, LdapOp::ModifyResponse(result) if is_refused(&result)));
    let add = LdapAddRequest {
        dn: ADA.into(),
        attributes: Vec::new(),
    };
    let response = client.ask(LdapOp::AddRequest(add)).await;
    assert!(matches!(response, LdapOp::AddResponse(result) if is_refused(&result)));
    let response = client.ask(LdapOp::DelRequest(ADA.into())).await;
    assert!(matches!(response, LdapOp::DelResponse(result) if is_refused(&result)));
    let rename = LdapModifyDNRequest {
        dn: ADA.into(),
        newrdn: "uid=countess".into(),
        deleteoldrdn: true,
        new_superior: None,
    };
    let response = client.ask(LdapOp::ModifyDNRequest(rename)).await;
    assert!(matches!(response, LdapOp::ModifyDNResponse(result) if is_refused(&result)));
}
