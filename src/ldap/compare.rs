//! Compare (RFC 4511 §4.10): a login path for web servers and VPN plug-ins.

use ldap3_proto::proto::{LdapOp, LdapResult, LdapResultCode};

use super::Context;
use super::refusal::Refusal;
use super::request::{Envelope, Error, Scope};
use super::search::{parse_name, server_region, tree_region};
use super::session::Session;
use crate::dit::filter::{Ava, Filter, Truth, compile};
use crate::dit::schema;
use crate::dit::snapshot::Snapshot;
use crate::dit::{Dn, EntryId};

/// Answers a compare.
pub(super) fn answer(
    context: &Context,
    session: &Session,
    envelope: &Envelope,
) -> Result<LdapResult, Error> {
    let LdapOp::CompareRequest(request) = envelope.decode_operation()? else {
        return Err(Error::Field("the compare request cannot be decoded"));
    };
    let ava = Ava {
        attribute: &request.atype,
        value: &request.val,
    };
    let answer =
        parse_name(request.dn.as_bytes()).and_then(|dn| locate(context, session, &dn, ava));
    Ok(answer.unwrap_or_else(Refusal::into))
}

fn locate(context: &Context, session: &Session, dn: &Dn, ava: Ava) -> Result<LdapResult, Refusal> {
    if let Some(region) = server_region(context, dn, Scope::Base) {
        return Ok(compare(&context.server_entries, region.base(), ava));
    }
    if !session.is_confidential {
        return Err(Refusal::confidentiality_required());
    }
    let snapshot = context.snapshot().ok_or_else(Refusal::no_snapshot)?;
    let region = tree_region(context, session, &snapshot, dn, Scope::Base)?;
    Ok(compare(&snapshot, region.base(), ava))
}

fn compare(snapshot: &Snapshot, entry: EntryId, ava: Ava) -> LdapResult {
    let result = |code| Refusal::new(code, "").into();
    if schema::lookup(ava.attribute).is_none() {
        return result(LdapResultCode::UndefinedAttributeType);
    }
    match compile(&Filter::Equality(ava), snapshot).evaluate(entry) {
        Truth::True => result(LdapResultCode::CompareTrue),
        Truth::Undefined => result(LdapResultCode::InvalidAttributeSyntax),
        Truth::False if compile(&Filter::Present(ava.attribute), snapshot).matches(entry) => {
            result(LdapResultCode::CompareFalse)
        }
        Truth::False => result(LdapResultCode::NoSuchAttribute),
    }
}
