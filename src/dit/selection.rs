//! Which attributes a search asks for (RFC 4511 §4.5.1.8), and entries written accordingly.

use super::arena::{Encoded, attribute_bytes, write_attribute_header};
use super::filter::ValuesReturn;
use super::index::EntryId;
use super::schema::{self, AttributeId, id};
use super::snapshot::{EntryKind, Snapshot};
use crate::ber;

/// The attributes to return with each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Every user attribute.
    all_user: bool,
    /// Every operational attribute (RFC 3673).
    all_operational: bool,
    /// One bit for each attribute type named, by its place in the schema table.
    named: u128,
    types_only: bool,
}

const _: () = assert!(
    schema::ATTRIBUTES.len() <= 128,
    "Selection has a bit for each attribute type"
);

const MEMBER: AttributeId = id("member");
const MEMBER_UID: AttributeId = id("memberUid");
const MEMBER_OF: AttributeId = id("memberOf");
const UID: AttributeId = id("uid");

/// Identifier of the SearchResultEntry operation (RFC 4511 §4.5.2): `[APPLICATION 4]`, constructed.
const SEARCH_RESULT_ENTRY: u8 = 0x64;

impl Selection {
    /// Every user attribute, as an empty list asks for.
    pub const ALL_USER: Self = Self {
        all_user: true,
        all_operational: false,
        named: 0,
        types_only: false,
    };

    /// From the attribute selectors of a request. Names the schema does not know are passed over, and
    /// so is `1.1`, which names nothing and so leaves nothing when it stands alone.
    pub fn new<'m>(selectors: impl IntoIterator<Item = &'m str>, types_only: bool) -> Self {
        let mut selection = Self {
            all_user: false,
            all_operational: false,
            named: 0,
            types_only,
        };
        let mut is_empty = true;
        for selector in selectors {
            is_empty = false;
            match selector {
                "*" => selection.all_user = true,
                "+" => selection.all_operational = true,
                name => {
                    let types = schema::lookup(name).map_or(&[][..], AttributeId::with_subtypes);
                    selection.named |= types
                        .iter()
                        .fold(0, |bits, attribute| bits | 1 << attribute.0);
                }
            }
        }
        selection.all_user |= is_empty;
        selection
    }

    /// Whether the attribute is asked for.
    pub fn wants(&self, attribute: AttributeId) -> bool {
        let whole_kind = if attribute.get().operational {
            self.all_operational
        } else {
            self.all_user
        };
        whole_kind || self.named & (1 << attribute.0) != 0
    }

    /// Types are wanted without their values.
    pub fn is_types_only(&self) -> bool {
        self.types_only
    }

    /// Exactly the user attributes, with values: the common case, which copies them in one piece.
    fn is_all_user(&self) -> bool {
        *self == Self::ALL_USER
    }
}

/// Attributes rendered from links instead of being held in the arena.
struct Linked<'s> {
    attribute: AttributeId,
    entries: &'s [EntryId],
    values_bytes: usize,
}

impl Snapshot {
    /// Appends the whole SearchResultEntry message for an entry.
    pub fn write_entry(
        &self,
        message_id: u32,
        id: EntryId,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) {
        let linked = self.linked_attributes(id, selection);
        let linked_bytes = linked
            .iter()
            .flatten()
            .map(|linked| match selection.types_only {
                true => attribute_bytes(linked.attribute, 0),
                false => attribute_bytes(linked.attribute, linked.values_bytes),
            })
            .sum();
        write_message(message_id, self.entry(id), selection, linked_bytes, out);
        for linked in linked.iter().flatten() {
            self.write_linked(linked, selection.types_only, out);
        }
    }

    /// `member` and `memberUid` of a group, `memberOf` of a person, where asked for and not empty.
    fn linked_attributes(&self, id: EntryId, selection: &Selection) -> [Option<Linked<'_>>; 2] {
        match self.head(id).kind {
            EntryKind::Group => {
                let members = self.members(id);
                [MEMBER, MEMBER_UID].map(|attribute| self.linked(attribute, members, selection))
            }
            EntryKind::Person => [self.linked(MEMBER_OF, self.groups_of(id), selection), None],
            _ => [None, None],
        }
    }

    fn linked<'s>(
        &self,
        attribute: AttributeId,
        entries: &'s [EntryId],
        selection: &Selection,
    ) -> Option<Linked<'s>> {
        if entries.is_empty() || !selection.wants(attribute) {
            return None;
        }
        let value_bytes = |&entry: &EntryId| match attribute {
            MEMBER_UID => {
                ber::element_bytes(self.entry(entry).value(UID).unwrap_or_default().len())
            }
            _ => self.entry(entry).dn_element().len(),
        };
        let values_bytes = entries.iter().map(value_bytes).sum();
        Some(Linked {
            attribute,
            entries,
            values_bytes,
        })
    }

    fn write_linked(&self, linked: &Linked, types_only: bool, out: &mut Vec<u8>) {
        if types_only {
            return write_attribute_header(out, linked.attribute, 0);
        }
        write_attribute_header(out, linked.attribute, linked.values_bytes);
        for &entry in linked.entries {
            let entry = self.entry(entry);
            match linked.attribute {
                MEMBER_UID => {
                    ber::write_element(out, ber::OCTET_STRING, entry.value(UID).unwrap_or_default())
                }
                _ => out.extend_from_slice(entry.dn_element()),
            }
        }
    }
}

/// Appends a SearchResultEntry message up to the `linked_bytes` of attributes that the caller adds.
fn write_message(
    message_id: u32,
    entry: Encoded,
    selection: &Selection,
    linked_bytes: usize,
    out: &mut Vec<u8>,
) {
    let whole = selection.is_all_user().then(|| entry.user_attributes());
    let held_bytes = match whole {
        Some(attributes) => attributes.len(),
        None => selected(entry, selection)
            .map(|(id, element)| selected_bytes(id, element, selection))
            .sum(),
    };
    let attributes_bytes = held_bytes + linked_bytes;
    let dn = entry.dn_element();
    let operation_bytes = dn.len() + ber::element_bytes(attributes_bytes);
    let message_bytes = 2 + ber::integer_bytes(message_id) + ber::element_bytes(operation_bytes);
    out.reserve(ber::element_bytes(message_bytes));
    ber::write_header(out, ber::SEQUENCE, message_bytes);
    ber::write_integer(out, message_id);
    ber::write_header(out, SEARCH_RESULT_ENTRY, operation_bytes);
    out.extend_from_slice(dn);
    ber::write_header(out, ber::SEQUENCE, attributes_bytes);
    if let Some(attributes) = whole {
        out.extend_from_slice(attributes);
        return;
    }
    for (id, element) in selected(entry, selection) {
        match selection.types_only {
            true => write_attribute_header(out, id, 0),
            false => out.extend_from_slice(element),
        }
    }
}

impl Snapshot {
    /// Appends the whole SearchResultEntry message for an entry, with the values that are chosen alone. An attribute
    /// none of whose values are keeps its type (RFC 3876 §2).
    pub fn write_matched_values(
        &self,
        message_id: u32,
        id: EntryId,
        selection: &Selection,
        chosen: &ValuesReturn,
        out: &mut Vec<u8>,
    ) {
        let mut attributes = Vec::new();
        let mut put = |attribute: AttributeId, values: &mut dyn Iterator<Item = &[u8]>| {
            let mut kept = Vec::new();
            for value in values.filter(|value| chosen.selects(attribute, value)) {
                ber::write_element(&mut kept, ber::OCTET_STRING, value);
            }
            write_attribute_header(&mut attributes, attribute, kept.len());
            attributes.extend_from_slice(&kept);
        };
        let entry = self.entry(id);
        for (attribute, _) in selected(entry, selection) {
            put(attribute, &mut entry.values(attribute));
        }
        for linked in self.linked_attributes(id, selection).iter().flatten() {
            let attribute = linked.attribute;
            let value = |&id: &EntryId| match attribute {
                MEMBER_UID => self.entry(id).value(UID).unwrap_or_default(),
                _ => self.entry(id).dn(),
            };
            put(attribute, &mut linked.entries.iter().map(value));
        }
        let mut operation = entry.dn_element().to_vec();
        ber::write_element(&mut operation, ber::SEQUENCE, &attributes);
        let operation_bytes = ber::element_bytes(operation.len());
        let message_bytes = 2 + ber::integer_bytes(message_id) + operation_bytes;
        ber::write_header(out, ber::SEQUENCE, message_bytes);
        ber::write_integer(out, message_id);
        ber::write_element(out, SEARCH_RESULT_ENTRY, &operation);
    }
}

fn selected<'c>(
    entry: Encoded<'c>,
    selection: &Selection,
) -> impl Iterator<Item = (AttributeId, &'c [u8])> {
    let selection = *selection;
    entry
        .attributes()
        .filter(move |(id, _)| selection.wants(*id))
}

fn selected_bytes(id: AttributeId, element: &[u8], selection: &Selection) -> usize {
    if selection.types_only {
        attribute_bytes(id, 0)
    } else {
        element.len()
    }
}

#[cfg(test)]
mod tests;
