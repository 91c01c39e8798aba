//! Extended operations (RFC 4511 §4.12): StartTLS and Who am I?

use ldap3_proto::proto::{LdapExtendedResponse, LdapOp, LdapResult, LdapResultCode, OID_WHOAMI};

use super::Context;
use super::refusal::{Refusal, success};
use super::request::{Envelope, Error};
use super::session::Session;

/// RFC 4511 §4.14
const OID_STARTTLS: &str = "1.3.6.1.4.1.1466.20037";

/// The response, and whether a TLS handshake follows it.
pub(super) struct Answer {
    pub response: LdapExtendedResponse,
    pub start_tls: bool,
}

/// The extended operations that the root DSE announces.
pub(super) fn supported(has_tls: bool) -> Vec<&'static str> {
    let start_tls = has_tls.then_some(OID_STARTTLS);
    start_tls.into_iter().chain([OID_WHOAMI]).collect()
}

/// Answers an extended request. `pipelined`: more octets have arrived behind it.
pub(super) fn answer(
    context: &Context,
    session: &Session,
    envelope: &Envelope,
    pipelined: bool,
) -> Result<Answer, Error> {
    let LdapOp::ExtendedRequest(request) = envelope.decode_operation()? else {
        return Err(Error::Field("the extended request cannot be decoded"));
    };
    let answer = |res: LdapResult, name: Option<&str>, value| LdapExtendedResponse {
        res,
        name: name.map(String::from),
        value,
    };
    let response = match request.name.as_str() {
        OID_WHOAMI => {
            let identity = session.identity.authz_id(context.snapshot().as_deref());
            answer(success(), None, Some(identity.into_bytes()))
        }
        OID_STARTTLS => {
            let outcome = start_tls(context, session, pipelined);
            let start_tls = outcome.is_ok();
            let result = outcome.map_or_else(Refusal::into, |()| success());
            return Ok(Answer {
                response: answer(result, Some(OID_STARTTLS), None),
                start_tls,
            });
        }
        _ => {
            let refusal = Refusal::new(
                LdapResultCode::ProtocolError,
                "no such extended operation here",
            );
            answer(refusal.into(), None, None)
        }
    };
    Ok(Answer {
        response,
        start_tls: false,
    })
}

/// Whether the handshake may begin (RFC 4511 §4.14.1).
fn start_tls(context: &Context, session: &Session, pipelined: bool) -> Result<(), Refusal> {
    if session.is_tls {
        return Err(Refusal::new(
            LdapResultCode::OperationsError,
            "TLS is in place already",
        ));
    }
    if context.tls.is_none() {
        return Err(Refusal::new(
            LdapResultCode::Unavailable,
            "this server has no certificate",
        ));
    }
    // What follows in the clear may have been put there by someone in between: it must never be
    // taken for something said under TLS.
    if pipelined {
        return Err(Refusal::new(
            LdapResultCode::OperationsError,
            "nothing may follow StartTLS before its answer",
        ));
    }
    Ok(())
}
