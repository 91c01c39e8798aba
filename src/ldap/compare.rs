//! Compare (RFC 4511 §4.10): a login path for web servers and VPN plug-ins.

use ldap3_proto::proto::{LdapOp, LdapResult, LdapResultCode};

use super::Context;
use super::control::Controls;
use super::refusal::Refusal;
use super::request::{Envelope, Error, Scope};
use super::search::{check_assertion, locate, parse_name};
use super::session::Session;
use crate::dit::EntryId;
use crate::dit::filter::{Ava, Filter, Truth, compile};
use crate::dit::schema;
use crate::dit::snapshot::Snapshot;

/// Answers a compare.
pub fn answer(
    context: &Context,
    session: &Session,
    envelope: &Envelope,
    controls: &Controls,
) -> Result<LdapResult, Refusal> {
    let LdapOp::CompareRequest(request) = envelope.decode_operation()? else {
        return Err(Error::Field("the compare request cannot be decoded").into());
    };
    let ava = Ava {
        attribute: &request.atype,
        value: &request.val,
    };
    let dn = parse_name(request.dn.as_bytes())?;
    let (snapshot, region) = locate(context, session, &dn, Scope::Base)?;
    if let Some(assertion) = &controls.assertion {
        check_assertion(assertion, &snapshot, region.base())?;
    }
    Ok(Refusal::new(compare(&snapshot, region.base(), ava), "").into())
}

fn compare(snapshot: &Snapshot, entry: EntryId, ava: Ava) -> LdapResultCode {
    let Some(attribute) = schema::lookup(ava.attribute) else {
        // No value of ours is in a language.
        return match schema::is_language_tagged(ava.attribute) {
            true => LdapResultCode::NoSuchAttribute,
            false => LdapResultCode::UndefinedAttributeType,
        };
    };
    if attribute.get().kind.equality().is_none() {
        return LdapResultCode::InappropriateMatching;
    }
    match compile(&Filter::Equality(ava), snapshot).evaluate(entry) {
        Truth::True => LdapResultCode::CompareTrue,
        Truth::Undefined => LdapResultCode::InvalidAttributeSyntax,
        Truth::False if compile(&Filter::Present(ava.attribute), snapshot).matches(entry) => {
            LdapResultCode::CompareFalse
        }
        Truth::False => LdapResultCode::NoSuchAttribute,
    }
}
