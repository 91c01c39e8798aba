//! Entries as they will be sent: each attribute a PartialAttribute in BER, back to back.
//!
//! A [`Chunk`] holds some hundreds of entries in one allocation and is never changed, so that a later
//! snapshot can share the chunks that did not change. All user attributes of an entry are one slice.
//!
//! ```text
//! bytes:  dn  objectClass  uid  cn … │ entryUUID  modifyTimestamp … │ dn  objectClass …
//!         └ OCTET STRING └ user attributes └ operational attributes └ the next entry
//! ```

use super::schema::AttributeId;
use crate::ber;

/// Some entries, encoded.
#[derive(Debug)]
pub struct Chunk {
    bytes: Box<[u8]>,
    /// One for each entry, and one past the end.
    heads: Box<[Head]>,
    attributes: Box<[AttributeId]>,
    /// Where each of `attributes` starts in `bytes`.
    starts: Box<[u32]>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where the DN starts in `bytes`.
    dn: u32,
    /// The entry's first place in `attributes`.
    first: u32,
    /// The place of its first operational attribute.
    operational: u32,
}

/// One entry of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'c> {
    chunk: &'c Chunk,
    place: usize,
}

/// The values of one encoded attribute.
#[derive(Clone, Debug)]
pub struct Values<'c> {
    set: ber::Reader<'c>,
}

impl Chunk {
    /// The entry at `place`, which must be below the number of entries added.
    pub fn entry(&self, place: usize) -> Encoded<'_> {
        Encoded { chunk: self, place }
    }

    /// Octets held, for the measurement of memory.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.heads.len() * size_of::<Head>() + self.starts.len() * 6
    }
}

impl<'c> Encoded<'c> {
    fn head(&self) -> Head {
        self.chunk.heads[self.place]
    }

    fn next_head(&self) -> Head {
        self.chunk.heads[self.place + 1]
    }

    /// Where the attribute at `index` starts, or the entry ends.
    fn start(&self, index: u32) -> usize {
        if index == self.next_head().first {
            self.next_head().dn as usize
        } else {
            self.chunk.starts[index as usize] as usize
        }
    }

    /// The DN as an OCTET STRING element.
    pub fn dn_element(&self) -> &'c [u8] {
        &self.chunk.bytes[self.head().dn as usize..self.start(self.head().first)]
    }

    /// The DN's octets.
    pub fn dn(&self) -> &'c [u8] {
        contents(self.dn_element())
    }

    /// All user attributes held here, back to back.
    pub fn user_attributes(&self) -> &'c [u8] {
        &self.chunk.bytes[self.start(self.head().first)..self.start(self.head().operational)]
    }

    /// Every attribute held here with its PartialAttribute element.
    pub fn attributes(self) -> impl Iterator<Item = (AttributeId, &'c [u8])> {
        (self.head().first..self.next_head().first).map(move |index| {
            let element = &self.chunk.bytes[self.start(index)..self.start(index + 1)];
            (self.chunk.attributes[index as usize], element)
        })
    }

    /// Whether the attribute is held here.
    pub fn has(&self, attribute: AttributeId) -> bool {
        let head = self.head();
        self.chunk.attributes[head.first as usize..self.next_head().first as usize]
            .contains(&attribute)
    }

    /// The values of an attribute; none when it is not held here.
    pub fn values(&self, attribute: AttributeId) -> Values<'c> {
        let element = self
            .attributes()
            .find(|(held, _)| *held == attribute)
            .map(|(_, element)| element);
        Values {
            set: ber::Reader::new(element.map_or(&[], attribute_values)),
        }
    }

    /// The first value of an attribute.
    pub fn value(&self, attribute: AttributeId) -> Option<&'c [u8]> {
        self.values(attribute).next()
    }
}

impl<'c> Iterator for Values<'c> {
    type Item = &'c [u8];

    fn next(&mut self) -> Option<&'c [u8]> {
        self.set.element().ok().map(|(_, value)| value)
    }
}

/// The contents of an element we wrote ourselves.
fn contents(element: &[u8]) -> &[u8] {
    ber::Reader::new(element)
        .element()
        .map_or(&[], |(_, content)| content)
}

/// The contents of the SET in a PartialAttribute.
fn attribute_values(element: &[u8]) -> &[u8] {
    let mut fields = ber::Reader::new(contents(element));
    let _type = fields.element();
    fields.element().map_or(&[], |(_, values)| values)
}

/// Collects entries into a [`Chunk`].
#[derive(Debug, Default)]
pub struct ChunkBuilder {
    bytes: Vec<u8>,
    heads: Vec<Head>,
    attributes: Vec<AttributeId>,
    starts: Vec<u32>,
}

impl ChunkBuilder {
    /// Starts an entry; its user attributes follow.
    pub fn begin(&mut self, dn: &str) {
        let first = self.attributes.len() as u32;
        self.heads.push(Head {
            dn: self.offset(),
            first,
            operational: first,
        });
        ber::write_element(&mut self.bytes, ber::OCTET_STRING, dn.as_bytes());
    }

    /// Everything encoded of the current entry so far, DN included.
    pub fn current(&self) -> &[u8] {
        self.heads
            .last()
            .map_or(&[], |head| &self.bytes[head.dn as usize..])
    }

    /// Ends the user attributes of the entry; operational ones may follow.
    pub fn begin_operational(&mut self) {
        let operational = self.attributes.len() as u32;
        if let Some(head) = self.heads.last_mut() {
            head.operational = operational;
        }
    }

    /// Adds an attribute; without values it is left out, as the protocol has no empty attribute.
    pub fn attribute<V: AsRef<[u8]>>(&mut self, attribute: AttributeId, values: &[V]) {
        if values.is_empty() {
            return;
        }
        self.attributes.push(attribute);
        self.starts.push(self.offset());
        let values_bytes = values
            .iter()
            .map(|value| ber::element_bytes(value.as_ref().len()))
            .sum();
        write_attribute_header(&mut self.bytes, attribute, values_bytes);
        for value in values {
            ber::write_element(&mut self.bytes, ber::OCTET_STRING, value.as_ref());
        }
    }

    /// Entries added so far.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// No entry was added.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Octets encoded so far; a chunk must stay far below 4 GiB.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The finished chunk.
    pub fn finish(mut self) -> Chunk {
        let end = self.attributes.len() as u32;
        self.heads.push(Head {
            dn: self.offset(),
            first: end,
            operational: end,
        });
        Chunk {
            bytes: self.bytes.into(),
            heads: self.heads.into(),
            attributes: self.attributes.into(),
            starts: self.starts.into(),
        }
    }

    fn offset(&self) -> u32 {
        self.bytes.len() as u32
    }
}

/// Octets of a PartialAttribute whose values take `values_bytes`, headers included.
pub fn attribute_bytes(attribute: AttributeId, values_bytes: usize) -> usize {
    let name_bytes = ber::element_bytes(attribute.get().name().len());
    ber::element_bytes(name_bytes + ber::element_bytes(values_bytes))
}

/// Writes everything of a PartialAttribute that stands before its values.
pub fn write_attribute_header(out: &mut Vec<u8>, attribute: AttributeId, values_bytes: usize) {
    let name = attribute.get().name().as_bytes();
    ber::write_header(
        out,
        ber::SEQUENCE,
        ber::element_bytes(name.len()) + ber::element_bytes(values_bytes),
    );
    ber::write_element(out, ber::OCTET_STRING, name);
    ber::write_header(out, ber::SET, values_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dit::schema::id;

    #[test]
    fn entries_read_back_as_added() {
        let (uid, cn, uuid) = (id("uid"), id("cn"), id("entryUUID"));
        let mut builder = ChunkBuilder::default();
        builder.begin("uid=ada");
        builder.attribute(uid, &["ada"]);
        builder.attribute(cn, &["Ada", "Ada Lovelace"]);
        builder.begin_operational();
        builder.attribute(uuid, &["1"]);
        builder.begin("ou=empty");
        builder.begin_operational();
        builder.begin("uid=bob");
        builder.attribute::<&str>(cn, &[]);
        builder.attribute(uid, &["bob"]);
        builder.begin_operational();
        let chunk = builder.finish();

        let ada = chunk.entry(0);
        assert_eq!(ada.dn(), b"uid=ada");
        assert_eq!(
            ada.values(cn).collect::<Vec<_>>(),
            [&b"Ada"[..], b"Ada Lovelace"]
        );
        assert_eq!(
            ada.attributes().map(|(id, _)| id).collect::<Vec<_>>(),
            [uid, cn, uuid]
        );
        let user: Vec<u8> = ada
            .attributes()
            .take(2)
            .flat_map(|(_, element)| element.to_vec())
            .collect();
        assert_eq!(ada.user_attributes(), user);
        assert!(ada.has(uuid));

        let empty = chunk.entry(1);
        assert_eq!(
            (empty.dn(), empty.user_attributes()),
            (&b"ou=empty"[..], &b""[..])
        );
        assert_eq!(empty.attributes().count(), 0);

        let bob = chunk.entry(2);
        assert!(!bob.has(cn));
        assert_eq!(bob.value(uid), Some(&b"bob"[..]));
    }
}
