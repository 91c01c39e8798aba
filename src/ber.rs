//! BER as LDAP uses it (RFC 4511 §5.1): definite lengths, minimal on the way out.
//!
//! Only tags and lengths; what the octets mean is for the caller. Nothing here allocates on behalf
//! of a length that has not arrived.

/// Universal tag BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// Universal tag INTEGER.
pub const INTEGER: u8 = 0x02;
/// Universal tag OCTET STRING, primitive as LDAP demands.
pub const OCTET_STRING: u8 = 0x04;
/// Universal tag ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// Universal tag SEQUENCE, constructed.
pub const SEQUENCE: u8 = 0x30;
/// Universal tag SET, constructed.
pub const SET: u8 = 0x31;

/// How the octets at the front of a buffer divide into one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The identifier octet.
    pub tag: u8,
    /// Octets of identifier and length together.
    pub header_bytes: usize,
    /// Octets of contents.
    pub content_bytes: usize,
}

/// The octets are not BER, or not the BER that LDAP allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An element ends before its length says, or an expected element is missing.
    #[error("an element is cut short")]
    Truncated,
    /// The indefinite form, or a length of more than four octets.
    #[error("a length is not in the definite form of at most four octets")]
    Length,
    /// A tag of several octets; LDAP has none.
    #[error("a tag of more than one octet")]
    Tag,
    /// Another element than the one required here.
    #[error("tag {found:#04x} stands where {expected:#04x} belongs")]
    Unexpected {
        /// The tag required.
        expected: u8,
        /// The tag found.
        found: u8,
    },
    /// An INTEGER or ENUMERATED without octets or beyond 64 bits, or a BOOLEAN not of one octet.
    #[error("a number or boolean of the wrong size")]
    Number,
    /// Octets follow where an element should have ended.
    #[error("octets left over after the last element")]
    Trailing,
}

/// Reads the header at the front of `bytes`; `None` while more octets are needed to tell.
pub fn header(bytes: &[u8]) -> Result<Option<Header>, Error> {
    let Some(&tag) = bytes.first() else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err(Error::Tag);
    }
    let Some(&first) = bytes.get(1) else {
        return Ok(None);
    };
    if first < 0x80 {
        return Ok(Some(Header {
            tag,
            header_bytes: 2,
            content_bytes: usize::from(first),
        }));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 || octets > 4 {
        return Err(Error::Length);
    }
    let Some(length) = bytes.get(2..2 + octets) else {
        return Ok(None);
    };
    let content_bytes = length
        .iter()
        .fold(0, |sum, &octet| sum << 8 | usize::from(octet));
    Ok(Some(Header {
        tag,
        header_bytes: 2 + octets,
        content_bytes,
    }))
}

/// A cursor over the contents of one element.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The identifier octet of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element: its tag and contents.
    pub fn element(&mut self) -> Result<(u8, &'a [u8]), Error> {
        let header = header(self.rest)?.ok_or(Error::Truncated)?;
        let end = header.header_bytes + header.content_bytes;
        let content = self
            .rest
            .get(header.header_bytes..end)
            .ok_or(Error::Truncated)?;
        self.rest = &self.rest[end..];
        Ok((header.tag, content))
    }

    /// The contents of the next element, which must carry `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], Error> {
        let (found, content) = self.element()?;
        if found != tag {
            return Err(Error::Unexpected {
                expected: tag,
                found,
            });
        }
        Ok(content)
    }

    /// The contents of the next element if it carries `tag`; otherwise nothing is consumed.
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Error> {
        if self.peek() == Some(tag) {
            self.expect(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The next element as a number, whichever of INTEGER and ENUMERATED `tag` says.
    pub fn number(&mut self, tag: u8) -> Result<i64, Error> {
        number(self.expect(tag)?)
    }

    /// The next element as a BOOLEAN.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        boolean(self.expect(BOOLEAN)?)
    }

    /// Fails unless everything has been read.
    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::Trailing)
        }
    }
}

/// Fails unless `content` is a sequence of whole elements, and so is each constructed one in it, down to
/// `depth` levels.
pub fn check(content: &[u8], depth: usize) -> Result<(), Error> {
    const CONSTRUCTED: u8 = 0x20;
    let mut elements = Reader::new(content);
    while !elements.is_empty() {
        let (tag, inner) = elements.element()?;
        if tag & CONSTRUCTED != 0 && depth > 0 {
            check(inner, depth - 1)?;
        }
    }
    Ok(())
}

/// The two's complement number in the contents of an INTEGER or ENUMERATED.
pub fn number(content: &[u8]) -> Result<i64, Error> {
    if content.is_empty() || content.len() > 8 {
        return Err(Error::Number);
    }
    let sign = if content[0] & 0x80 == 0 { 0 } else { -1 };
    Ok(content
        .iter()
        .fold(sign, |sum, &octet| sum << 8 | i64::from(octet)))
}

/// The truth value in the contents of a BOOLEAN; any octet but zero is true.
pub fn boolean(content: &[u8]) -> Result<bool, Error> {
    match content {
        [octet] => Ok(*octet != 0),
        _ => Err(Error::Number),
    }
}

/// Octets that identifier and length take in front of `content_bytes` octets.
pub fn header_bytes(content_bytes: usize) -> usize {
    match content_bytes {
        0..=0x7f => 2,
        0x80..=0xff => 3,
        0x100..=0xffff => 4,
        0x1_0000..=0xff_ffff => 5,
        _ => 6,
    }
}

/// Octets of a whole element with `content_bytes` octets of contents.
pub fn element_bytes(content_bytes: usize) -> usize {
    header_bytes(content_bytes) + content_bytes
}

/// Appends identifier and minimal length. `content_bytes` must stay below 4 GiB.
pub fn write_header(out: &mut Vec<u8>, tag: u8, content_bytes: usize) {
    out.push(tag);
    let length = (content_bytes as u32).to_be_bytes();
    match header_bytes(content_bytes) - 2 {
        0 => out.push(length[3]),
        octets => {
            out.push(0x80 | octets as u8);
            out.extend_from_slice(&length[4 - octets..]);
        }
    }
}

/// Appends a whole element.
pub fn write_element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    write_header(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Octets of the contents of an INTEGER holding `number`, which must not be negative.
pub fn integer_bytes(number: u32) -> usize {
    match number {
        0..=0x7f => 1,
        0x80..=0x7fff => 2,
        0x8000..=0x7f_ffff => 3,
        0x80_0000..=0x7fff_ffff => 4,
        _ => 5,
    }
}

/// Appends an INTEGER in its shortest form.
pub fn write_integer(out: &mut Vec<u8>, number: u32) {
    let octets = integer_bytes(number);
    write_header(out, INTEGER, octets);
    out.extend_from_slice(&u64::from(number).to_be_bytes()[8 - octets..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_as_written_at_every_length_boundary() {
        for content_bytes in [
            0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000,
        ] {
            let mut out = Vec::new();
            write_header(&mut out, SEQUENCE, content_bytes);
            assert_eq!(out.len(), header_bytes(content_bytes));
            let expected = Header {
                tag: SEQUENCE,
                header_bytes: out.len(),
                content_bytes,
            };
            assert_eq!(header(&out), Ok(Some(expected)));
            for cut in 0..out.len() {
                assert_eq!(header(&out[..cut]), Ok(None), "cut at {cut}");
            }
        }
    }

    #[test]
    fn integers_read_back_as_written() {
        for value in [
            0,
            1,
            127,
            128,
            255,
            256,
            32767,
            32768,
            8_388_607,
            8_388_608,
            i32::MAX as u32,
            u32::MAX,
        ] {
            let mut out = Vec::new();
            write_integer(&mut out, value);
            assert_eq!(Reader::new(&out).number(INTEGER), Ok(i64::from(value)));
        }
        assert_eq!(number(&[0xff]), Ok(-1));
        assert_eq!(number(&[0x80, 0x00]), Ok(-32768));
        assert_eq!(number(&[]), Err(Error::Number));
        assert_eq!(number(&[0; 9]), Err(Error::Number));
    }

    #[test]
    fn forbidden_forms_are_refused() {
        assert_eq!(header(&[0x30, 0x80]), Err(Error::Length));
        assert_eq!(header(&[0x30, 0x85, 0, 0, 0, 0, 1]), Err(Error::Length));
        assert_eq!(header(&[0x3f, 0x21]), Err(Error::Tag));
    }

    #[test]
    fn structure_is_checked_at_every_level() {
        assert_eq!(check(&[0x30, 3, 4, 1, b'a', 4, 0], 8), Ok(()));
        assert_eq!(check(&[0x30, 3, 4, 2, b'a'], 8), Err(Error::Truncated));
        assert_eq!(check(&[4, 0, 0x30], 8), Err(Error::Truncated));
    }

    #[test]
    fn a_length_beyond_the_buffer_is_truncation() {
        assert_eq!(
            Reader::new(&[0x04, 0x05, b'a']).element(),
            Err(Error::Truncated)
        );
        assert_eq!(Reader::new(&[]).element(), Err(Error::Truncated));
    }
}
