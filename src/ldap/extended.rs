//! Extended operations (RFC 4511 §4.12): StartTLS, Who am I?, and Cancel.

use ldap3_proto::proto::{LdapOp, LdapResultCode, OID_WHOAMI};

use super::Context;
use super::refusal::{Refusal, success};
use super::request::{Envelope, Error};
use super::response::Response;
use super::session::Session;
use crate::ber::{self, Reader};

/// RFC 4511 §4.14
const OID_STARTTLS: &str = "1.3.6.1.4.1.1466.20037";
/// RFC 3909 §2
const OID_CANCEL: &str = "1.3.6.1.1.8";

/// What an extended request comes to.
pub enum Answer {
    /// This response.
    Response(Response),
    /// This response, and a TLS handshake after it.
    StartTls(Response),
    /// The end of the operation with this message id, if there is one (RFC 3909).
    Cancel(u32),
}

/// The extended operations that the root DSE announces.
pub fn supported(has_tls: bool) -> Vec<&'static str> {
    let start_tls = has_tls.then_some(OID_STARTTLS);
    start_tls
        .into_iter()
        .chain([OID_CANCEL, OID_WHOAMI])
        .collect()
}

/// Answers an extended request. `pipelined`: more octets have arrived behind it.
pub fn answer(
    context: &Context,
    session: &Session,
    envelope: &Envelope,
    pipelined: bool,
) -> Result<Answer, Refusal> {
    let LdapOp::ExtendedRequest(request) = envelope.decode_operation()? else {
        return Err(Error::Field("the extended request cannot be decoded").into());
    };
    match request.name.as_str() {
        OID_WHOAMI if request.value.is_some() => Err(Error::Field("Who am I? has no value").into()),
        OID_WHOAMI => {
            let identity = session.identity.authz_id(context.snapshot().as_deref());
            let response = Response::extended(success(), None, Some(identity.into_bytes()));
            Ok(Answer::Response(response))
        }
        OID_STARTTLS => {
            let response = |result| Response::extended(result, Some(OID_STARTTLS), None);
            Ok(match start_tls(context, session, pipelined) {
                Ok(()) => Answer::StartTls(response(success())),
                Err(refusal) => Answer::Response(response(refusal.into())),
            })
        }
        OID_CANCEL => Ok(Answer::Cancel(cancel_id(request.value.as_deref())?)),
        _ => Err(Refusal::new(
            LdapResultCode::ProtocolError,
            "no such extended operation here",
        )),
    }
}

/// Whether a request is for StartTLS, as far as its name can be read.
pub fn is_start_tls(envelope: &Envelope) -> bool {
    let name = Reader::new(envelope.content).optional(0x80);
    name == Ok(Some(OID_STARTTLS.as_bytes()))
}

/// `cancelRequestValue` (RFC 3909 §2.1).
fn cancel_id(value: Option<&[u8]>) -> Result<u32, Error> {
    let mut outer = Reader::new(value.ok_or(Error::Field("a cancel request needs a value"))?);
    let mut fields = Reader::new(outer.expect(ber::SEQUENCE)?);
    outer.finish()?;
    let id = fields.number(ber::INTEGER)?;
    fields.finish()?;
    u32::try_from(id).map_err(|_| Error::MessageId)
}

/// The response to a Cancel, by whether there was such an operation (RFC 3909 §2.2).
pub fn cancelled(found: bool) -> Response {
    let result = if found {
        success()
    } else {
        Refusal::new(
            LdapResultCode::NoSuchOperation,
            "no operation with this message id is under way",
        )
        .into()
    };
    Response::extended(result, None, None)
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
