//! Requests, decoded: the envelope and the two operations that `ldap3_proto`'s types cannot carry whole.
//!
//! Assertion values, passwords and names are octets on the wire (RFC 4511 §4.1), but `String` in
//! `ldap3_proto`, whose decoder fails on any that is not UTF-8. Bind and search are therefore read
//! here, in place, and every other operation is left to it.

use std::borrow::Cow;

use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{LdapMsg, LdapOp};
use tokio_util::codec::Decoder;

use super::control::Controls;
use super::refusal::Refusal;
use crate::ber::{self, Reader};
use crate::dit::Filter;
use crate::dit::filter::Ava;
use crate::dit::matching::Part;

/// Filters nested deeper are refused: each level costs stack, here and in evaluation.
pub const FILTER_DEPTH_MAX: usize = 64;

/// Filters with more items are refused: each costs time on every entry that is tested. Programs that put
/// hundreds of names into one filter are common, thousands are not.
pub const FILTER_ITEMS_MAX: usize = 4096;

/// Identifier octets of the request operations (RFC 4511 §4.2 ff.).
pub mod tag {
    /// BindRequest
    pub const BIND: u8 = 0x60;
    /// UnbindRequest
    pub const UNBIND: u8 = 0x42;
    /// SearchRequest
    pub const SEARCH: u8 = 0x63;
    /// ModifyRequest
    pub const MODIFY: u8 = 0x66;
    /// AddRequest
    pub const ADD: u8 = 0x68;
    /// DelRequest
    pub const DELETE: u8 = 0x4a;
    /// ModifyDNRequest
    pub const MODIFY_DN: u8 = 0x6c;
    /// CompareRequest
    pub const COMPARE: u8 = 0x6e;
    /// AbandonRequest
    pub const ABANDON: u8 = 0x50;
    /// ExtendedRequest
    pub const EXTENDED: u8 = 0x77;
}

/// Why a message could not be decoded. In the envelope any of these ends the session (RFC 4511 §4.1.1); inside
/// it, the request is answered with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Tags or lengths are wrong.
    #[error("the message is not well-formed: {0}")]
    Structure(#[from] ber::Error),
    /// No request is identified by this octet.
    #[error("{0:#04x} identifies no request")]
    UnknownOperation(u8),
    /// A message id of zero, or beyond 2^31-1.
    #[error("the message id is not between 1 and 2147483647")]
    MessageId,
    /// The filter has more than [`FILTER_ITEMS_MAX`] items: adminLimitExceeded.
    #[error("the filter has more than {FILTER_ITEMS_MAX} items")]
    FilterItems,
    /// The message is well-formed, but a field holds what it may not: protocolError for this request.
    #[error("{0}")]
    Field(&'static str),
}

/// A message without its operation decoded.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'m> {
    /// The whole message.
    pub message: &'m [u8],
    /// The message id, 1 to 2^31-1.
    pub message_id: u32,
    /// The identifier octet of the operation, one of [`tag`].
    pub operation: u8,
    /// The contents of the operation.
    pub content: &'m [u8],
    /// The contents of the controls, if there are any.
    pub controls: Option<&'m [u8]>,
}

/// A BindRequest.
#[derive(Clone, Copy)]
pub struct Bind<'m> {
    /// The protocol version.
    pub version: i64,
    /// The name, as sent.
    pub name: &'m [u8],
    /// How the client means to authenticate.
    pub authentication: Authentication<'m>,
}

/// The AuthenticationChoice of a bind.
#[derive(Clone, Copy)]
pub enum Authentication<'m> {
    /// The password.
    Simple(&'m [u8]),
    /// SASL, or a choice RFC 4511 does not define.
    Other,
}

/// A SearchRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search<'m> {
    /// The base object's name, as sent.
    pub base: &'m [u8],
    /// How far below the base to look.
    pub scope: Scope,
    /// Most entries the client wants; 0: all.
    pub size_limit: u32,
    /// Most seconds the client waits; 0: any.
    pub time_limit: u32,
    /// Attribute types without values.
    pub types_only: bool,
    /// What to look for.
    pub filter: Filter<'m>,
    /// Attribute selectors, as sent.
    pub attributes: Vec<&'m str>,
}

/// The scope of a search (RFC 4511 §4.5.1.2, draft-sermersheim-ldap-subordinate-scope).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base alone.
    Base,
    /// Directly below the base.
    OneLevel,
    /// The base and everything below.
    Subtree,
    /// Everything below the base.
    Subordinates,
}

impl<'m> Envelope<'m> {
    /// Decodes one whole message.
    pub fn decode(frame: &'m [u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(frame);
        let mut message = Reader::new(outer.expect(ber::SEQUENCE)?);
        outer.finish()?;
        let message_id = message.number(ber::INTEGER)?;
        let message_id = u32::try_from(message_id)
            .ok()
            .filter(|id| (1..=i32::MAX as u32).contains(id));
        let message_id = message_id.ok_or(Error::MessageId)?;
        let (operation, content) = message.element()?;
        if !is_request(operation) {
            return Err(Error::UnknownOperation(operation));
        }
        let controls = message.optional(0xa0)?;
        // Octets after the controls belong to extensions we do not know (RFC 4511 §4, extensibility).
        Ok(Self {
            message: frame,
            message_id,
            operation,
            content,
            controls,
        })
    }

    /// Decodes the controls, which a request mostly has none of.
    pub fn decode_controls(&self) -> Result<Controls<'m>, Refusal> {
        match self.controls {
            None => Ok(Controls::default()),
            Some(controls) => Controls::decode(controls, self.operation),
        }
    }

    /// Decodes the operation with `ldap3_proto`, the controls left out: it refuses some it knows.
    pub fn decode_operation(&self) -> Result<LdapOp, Error> {
        let operation_bytes = ber::element_bytes(self.content.len());
        let mut message = Vec::with_capacity(operation_bytes + 16);
        let message_bytes = 2 + ber::integer_bytes(self.message_id) + operation_bytes;
        ber::write_header(&mut message, ber::SEQUENCE, message_bytes);
        ber::write_integer(&mut message, self.message_id);
        ber::write_element(&mut message, self.operation, self.content);
        let mut bytes = bytes::BytesMut::from(&message[..]);
        let mut codec = LdapCodec::new(Some(message.len()), None);
        match codec.decode(&mut bytes) {
            Ok(Some(LdapMsg { op, .. })) => Ok(op),
            Ok(None) | Err(_) => Err(Error::Field("the operation cannot be decoded")),
        }
    }
}

fn is_request(operation: u8) -> bool {
    use tag::*;
    matches!(
        operation,
        BIND | UNBIND | SEARCH | MODIFY | ADD | DELETE | MODIFY_DN | COMPARE | ABANDON | EXTENDED
    )
}

impl<'m> Bind<'m> {
    /// Decodes the contents of a BindRequest (RFC 4511 §4.2).
    pub fn decode(content: &'m [u8]) -> Result<Self, Error> {
        let mut fields = Reader::new(content);
        let version = fields.number(ber::INTEGER)?;
        let name = fields.expect(ber::OCTET_STRING)?;
        let authentication = match fields.element()? {
            (0x80, password) => Authentication::Simple(password),
            _ => Authentication::Other,
        };
        fields.finish()?;
        Ok(Self {
            version,
            name,
            authentication,
        })
    }
}

impl<'m> Search<'m> {
    /// Decodes the contents of a SearchRequest (RFC 4511 §4.5.1).
    pub fn decode(content: &'m [u8]) -> Result<Self, Error> {
        let mut fields = Reader::new(content);
        let base = fields.expect(ber::OCTET_STRING)?;
        let scope = match fields.number(ber::ENUMERATED)? {
            0 => Scope::Base,
            1 => Scope::OneLevel,
            2 => Scope::Subtree,
            3 => Scope::Subordinates,
            _ => {
                return Err(Error::Field(
                    "the scope is none of base, one, sub and children",
                ));
            }
        };
        if !(0..=3).contains(&fields.number(ber::ENUMERATED)?) {
            return Err(Error::Field(
                "derefAliases is none of the four values of RFC 4511",
            ));
        }
        let size_limit = limit(fields.number(ber::INTEGER)?)?;
        let time_limit = limit(fields.number(ber::INTEGER)?)?;
        let types_only = fields.boolean()?;
        let mut items_left = FILTER_ITEMS_MAX;
        let filter = filter(&mut fields, FILTER_DEPTH_MAX, &mut items_left)?;
        let mut selectors = Reader::new(fields.expect(ber::SEQUENCE)?);
        let mut attributes = Vec::new();
        while !selectors.is_empty() {
            attributes.push(text(selectors.expect(ber::OCTET_STRING)?));
        }
        fields.finish()?;
        Ok(Self {
            base,
            scope,
            size_limit,
            time_limit,
            types_only,
            filter,
            attributes,
        })
    }
}

/// A size or time limit, or a page size.
pub fn limit(number: i64) -> Result<u32, Error> {
    u32::try_from(number)
        .ok()
        .filter(|number| *number <= i32::MAX as u32)
        .ok_or(Error::Field(
            "a limit or page size is not between 0 and 2147483647",
        ))
}

/// An attribute description or rule; one that is not UTF-8 becomes the empty text, which names nothing.
pub fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap_or_default()
}

/// Decodes a filter that stands alone.
pub fn decode_filter(octets: &[u8]) -> Result<Filter<'_>, Error> {
    let mut fields = Reader::new(octets);
    let mut items_left = FILTER_ITEMS_MAX;
    let decoded = filter(&mut fields, FILTER_DEPTH_MAX, &mut items_left)?;
    fields.finish()?;
    Ok(decoded)
}

/// Decodes the next filter, which has none inside.
pub fn filter_item<'m>(fields: &mut Reader<'m>) -> Result<Filter<'m>, Error> {
    filter(fields, 1, &mut 1)
}

/// Decodes the next filter; `depth` is how many levels may still follow, `items_left` how many items.
fn filter<'m>(
    fields: &mut Reader<'m>,
    depth: usize,
    items_left: &mut usize,
) -> Result<Filter<'m>, Error> {
    if depth == 0 {
        return Err(Error::Field("the filter is nested too deeply"));
    }
    *items_left = items_left.checked_sub(1).ok_or(Error::FilterItems)?;
    let (choice, content) = fields.element()?;
    let mut inner = Reader::new(content);
    match choice {
        0xa0 => Ok(Filter::And(filters(inner, depth - 1, items_left)?)),
        0xa1 => Ok(Filter::Or(filters(inner, depth - 1, items_left)?)),
        0xa2 => {
            let negated = filter(&mut inner, depth - 1, items_left)?;
            inner.finish()?;
            Ok(Filter::Not(Box::new(negated)))
        }
        0xa3 => ava(inner).map(Filter::Equality),
        0xa4 => substrings(inner),
        0xa5 => ava(inner).map(Filter::GreaterOrEqual),
        0xa6 => ava(inner).map(Filter::LessOrEqual),
        0x87 => Ok(Filter::Present(text(content))),
        0xa8 => ava(inner).map(Filter::Approx),
        0xa9 => extensible(inner),
        _ => Err(Error::Field(
            "the filter holds a choice that RFC 4511 does not define",
        )),
    }
}

fn filters<'m>(
    mut set: Reader<'m>,
    depth: usize,
    items_left: &mut usize,
) -> Result<Vec<Filter<'m>>, Error> {
    let mut filters = Vec::new();
    while !set.is_empty() {
        filters.push(filter(&mut set, depth, items_left)?);
    }
    Ok(filters)
}

fn ava<'m>(mut fields: Reader<'m>) -> Result<Ava<'m>, Error> {
    let attribute = text(fields.expect(ber::OCTET_STRING)?);
    let value = fields.expect(ber::OCTET_STRING)?;
    fields.finish()?;
    Ok(Ava { attribute, value })
}

fn substrings<'m>(mut fields: Reader<'m>) -> Result<Filter<'m>, Error> {
    let attribute = text(fields.expect(ber::OCTET_STRING)?);
    let mut sequence = Reader::new(fields.expect(ber::SEQUENCE)?);
    fields.finish()?;
    let mut parts: Vec<(Part, &[u8])> = Vec::new();
    while !sequence.is_empty() {
        let (choice, value) = sequence.element()?;
        let part = match choice {
            0x80 if parts.is_empty() => Part::Initial,
            0x81 => Part::Any,
            0x82 if sequence.is_empty() => Part::Final,
            _ => {
                return Err(Error::Field(
                    "the parts of a substring filter are out of order",
                ));
            }
        };
        parts.push((part, value));
    }
    if parts.is_empty() {
        return Err(Error::Field("a substring filter has no part"));
    }
    Ok(Filter::Substrings { attribute, parts })
}

fn extensible<'m>(mut fields: Reader<'m>) -> Result<Filter<'m>, Error> {
    let rule = fields.optional(0x81)?.map(text);
    let attribute = fields.optional(0x82)?.map(text);
    let value = fields.expect(0x83)?;
    let dn_attributes = fields.optional(0x84)?.map_or(Ok(false), ber::boolean)?;
    fields.finish()?;
    if rule.is_none() && attribute.is_none() {
        return Err(Error::Field(
            "an extensible match names neither attribute nor rule",
        ));
    }
    Ok(Filter::Extensible {
        rule,
        attribute,
        value,
        dn_attributes,
    })
}

/// Octets of the peer as text for a log line: never control characters, never more than a line.
pub fn printable(octets: &[u8]) -> Cow<'_, str> {
    const SHOWN_CHARS: usize = 200;
    let text = String::from_utf8_lossy(octets);
    if text.chars().count() <= SHOWN_CHARS && !text.chars().any(char::is_control) {
        return text;
    }
    let shown = text
        .chars()
        .take(SHOWN_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests;
