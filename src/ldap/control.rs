//! Controls (RFC 4511 §4.1.11): one table of those there are, and their values decoded.
//!
//! The root DSE announces the table, so nothing is announced that is not done. A request without controls
//! never comes here.

use ldap3_proto::proto::LdapResultCode;

use super::refusal::Refusal;
use super::request::{self, Error, tag};
use crate::ber::{self, Reader};
use crate::dit::Filter;

/// The sort result (RFC 2891 §1.2).
pub const SORT_RESULT: &str = "1.2.840.113556.1.4.474";
/// Simple paged results, in requests and responses (RFC 2696 §2).
pub const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// A request with more controls is refused.
const CONTROLS_MAX: usize = 64;
/// More sort keys than anyone has a use for.
const SORT_KEYS_MAX: usize = 16;

/// What a control asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PagedResults,
    Sort,
    Assertion,
    MatchedValues,
    ManageDsaIt,
}

struct Supported {
    oid: &'static str,
    kind: Kind,
    /// The operations it goes with, by their [`tag`]s.
    operations: &'static [u8],
}

const SUPPORTED: &[Supported] = &[
    Supported {
        oid: PAGED_RESULTS,
        kind: Kind::PagedResults,
        operations: &[tag::SEARCH],
    },
    Supported {
        oid: "1.2.840.113556.1.4.473",
        kind: Kind::Sort,
        operations: &[tag::SEARCH],
    },
    Supported {
        oid: "1.3.6.1.1.12",
        kind: Kind::Assertion,
        operations: &[tag::SEARCH, tag::COMPARE],
    },
    Supported {
        oid: "1.2.826.0.1.3344810.2.3",
        kind: Kind::MatchedValues,
        operations: &[tag::SEARCH],
    },
    // There are no referral objects here, so every one of them is already treated as an entry.
    Supported {
        oid: "2.16.840.1.113730.3.4.2",
        kind: Kind::ManageDsaIt,
        operations: &[
            tag::SEARCH,
            tag::COMPARE,
            tag::ADD,
            tag::DELETE,
            tag::MODIFY,
            tag::MODIFY_DN,
        ],
    },
];

/// The controls that the root DSE announces.
pub fn supported() -> Vec<&'static str> {
    SUPPORTED.iter().map(|control| control.oid).collect()
}

/// The controls of one request that change what is done.
#[derive(Debug, Default, PartialEq)]
pub struct Controls<'m> {
    /// Simple paged results (RFC 2696).
    pub paged: Option<Paged<'m>>,
    /// Server-side sort (RFC 2891).
    pub sort: Option<Sort<'m>>,
    /// Assertion (RFC 4528).
    pub assertion: Option<Filter<'m>>,
    /// Matched values (RFC 3876).
    pub matched_values: Option<Vec<Filter<'m>>>,
}

/// A request for one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paged<'m> {
    /// Entries wanted; zero ends the walk.
    pub size: u32,
    /// What the page before gave; empty for the first.
    pub cookie: &'m [u8],
}

/// A request for order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort<'m> {
    /// The keys, most significant first.
    pub keys: Vec<SortKey<'m>>,
    /// Unsorted entries are of no use to the client.
    pub is_critical: bool,
    /// The value as sent.
    pub value: &'m [u8],
}

/// One sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey<'m> {
    /// The attribute description.
    pub attribute: &'m str,
    /// The ordering rule, when it is not the attribute's own.
    pub rule: Option<&'m str>,
    /// Largest first.
    pub is_reverse: bool,
}

/// One control as it stands in a message.
#[derive(Clone, Copy, Debug)]
struct Raw<'m> {
    oid: &'m [u8],
    is_critical: bool,
    value: Option<&'m [u8]>,
}

impl<'m> Raw<'m> {
    fn decode(controls: &mut Reader<'m>) -> Result<Self, Error> {
        let mut control = Reader::new(controls.expect(ber::SEQUENCE)?);
        let oid = control.expect(ber::OCTET_STRING)?;
        let is_critical = control
            .optional(ber::BOOLEAN)?
            .map_or(Ok(false), ber::boolean)?;
        let value = control.optional(ber::OCTET_STRING)?;
        control.finish()?;
        Ok(Self {
            oid,
            is_critical,
            value,
        })
    }

    fn value(&self) -> Result<&'m [u8], Error> {
        self.value
            .ok_or(Error::Field("a control lacks the value it is about"))
    }
}

impl<'m> Controls<'m> {
    /// Decodes the contents of the Controls of a request for `operation`.
    ///
    /// Fails with unavailableCriticalExtension for a critical control that is unknown or does not go with the
    /// operation, and with protocolError for one that cannot be read or stands twice.
    pub fn decode(controls: &'m [u8], operation: u8) -> Result<Self, Refusal> {
        let mut reader = Reader::new(controls);
        let mut seen: Vec<Kind> = Vec::new();
        let mut decoded = Self::default();
        for _ in 0..CONTROLS_MAX {
            if reader.is_empty() {
                return Ok(decoded);
            }
            let raw = Raw::decode(&mut reader)?;
            let fitting = SUPPORTED.iter().find(|supported| {
                supported.oid.as_bytes() == raw.oid && supported.operations.contains(&operation)
            });
            let Some(supported) = fitting else {
                if raw.is_critical {
                    return Err(unavailable());
                }
                continue;
            };
            if seen.contains(&supported.kind) {
                return Err(Error::Field("a control stands twice").into());
            }
            seen.push(supported.kind);
            decoded.add(supported.kind, raw)?;
        }
        Err(Error::Field("the request has too many controls").into())
    }

    fn add(&mut self, kind: Kind, raw: Raw<'m>) -> Result<(), Error> {
        match kind {
            Kind::PagedResults => self.paged = Some(paged(raw.value()?)?),
            Kind::Sort => self.sort = Some(sort(raw.value()?, raw.is_critical)?),
            Kind::Assertion => self.assertion = Some(request::decode_filter(raw.value()?)?),
            Kind::MatchedValues => self.matched_values = Some(values_return(raw.value()?)?),
            Kind::ManageDsaIt => {}
        }
        Ok(())
    }
}

fn unavailable() -> Refusal {
    Refusal::new(
        LdapResultCode::UnavailableCriticalExtension,
        "a control was marked critical that this server does not have for this operation",
    )
}

/// `realSearchControlValue` (RFC 2696 §2).
fn paged(value: &[u8]) -> Result<Paged<'_>, Error> {
    let mut outer = Reader::new(value);
    let mut fields = Reader::new(outer.expect(ber::SEQUENCE)?);
    outer.finish()?;
    let size = request::limit(fields.number(ber::INTEGER)?)?;
    let cookie = fields.expect(ber::OCTET_STRING)?;
    fields.finish()?;
    Ok(Paged { size, cookie })
}

/// `SortKeyList` (RFC 2891 §1.1).
fn sort(value: &[u8], is_critical: bool) -> Result<Sort<'_>, Error> {
    let mut outer = Reader::new(value);
    let mut list = Reader::new(outer.expect(ber::SEQUENCE)?);
    outer.finish()?;
    let mut keys = Vec::new();
    while !list.is_empty() {
        if keys.len() == SORT_KEYS_MAX {
            return Err(Error::Field("there are too many sort keys"));
        }
        let mut key = Reader::new(list.expect(ber::SEQUENCE)?);
        let attribute = request::text(key.expect(ber::OCTET_STRING)?);
        let rule = key.optional(0x80)?.map(request::text);
        let is_reverse = key.optional(0x81)?.map_or(Ok(false), ber::boolean)?;
        key.finish()?;
        keys.push(SortKey {
            attribute,
            rule,
            is_reverse,
        });
    }
    if keys.is_empty() {
        return Err(Error::Field("there is no sort key"));
    }
    Ok(Sort {
        keys,
        is_critical,
        value,
    })
}

/// `ValuesReturnFilter` (RFC 3876 §2): single items, neither combined nor with `:dn`.
fn values_return(value: &[u8]) -> Result<Vec<Filter<'_>>, Error> {
    let mut outer = Reader::new(value);
    let mut list = Reader::new(outer.expect(ber::SEQUENCE)?);
    outer.finish()?;
    let mut items = Vec::new();
    while !list.is_empty() {
        match list.peek() {
            Some(0xa0..=0xa2) => {
                return Err(Error::Field("an item of a values return filter is not one"));
            }
            _ => items.push(request::filter_item(&mut list)?),
        }
        if items.len() > request::FILTER_ITEMS_MAX {
            return Err(Error::FilterItems);
        }
        if let Some(Filter::Extensible {
            dn_attributes: true,
            ..
        }) = items.last()
        {
            return Err(Error::Field(
                "an item of a values return filter asks for the DN",
            ));
        }
    }
    Ok(items)
}

/// A control on its way to the client, never critical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseControl {
    /// Which.
    pub oid: &'static str,
    /// Its value.
    pub value: Vec<u8>,
}

impl ResponseControl {
    /// What follows a page: the cookie for the next, empty when there is none, and how many entries there are in
    /// all; zero: unknown.
    pub fn page(estimate: u32, cookie: &[u8]) -> Self {
        let mut fields = Vec::with_capacity(32);
        ber::write_integer(&mut fields, estimate);
        ber::write_element(&mut fields, ber::OCTET_STRING, cookie);
        let mut value = Vec::with_capacity(fields.len() + 4);
        ber::write_element(&mut value, ber::SEQUENCE, &fields);
        Self {
            oid: PAGED_RESULTS,
            value,
        }
    }

    /// How the sort went, and the attribute at fault.
    pub fn sorted(outcome: &SortOutcome) -> Self {
        let mut fields = Vec::new();
        // None of these codes takes more than an octet.
        ber::write_element(
            &mut fields,
            ber::ENUMERATED,
            &[outcome.code.clone() as i64 as u8],
        );
        if let Some(attribute) = &outcome.attribute {
            ber::write_element(&mut fields, 0x80, attribute.as_bytes());
        }
        let mut value = Vec::new();
        ber::write_element(&mut value, ber::SEQUENCE, &fields);
        Self {
            oid: SORT_RESULT,
            value,
        }
    }
}

/// How a sort went (RFC 2891 §1.2).
#[derive(Clone, Debug, PartialEq)]
pub struct SortOutcome {
    /// success, or why the entries are not sorted.
    pub code: LdapResultCode,
    /// The attribute at fault.
    pub attribute: Option<String>,
}

impl SortOutcome {
    /// The entries are sorted.
    pub fn success() -> Self {
        Self {
            code: LdapResultCode::Success,
            attribute: None,
        }
    }
}

#[cfg(test)]
mod tests;
