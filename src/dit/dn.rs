//! Distinguished names in every spelling RFC 4514 allows, and one to write.

use std::fmt;

use super::schema;

/// A distinguished name, most specific RDN first; the empty DN names the root DSE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

/// A relative distinguished name: one or more attribute values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdn {
    /// Attribute descriptions as written, with their values unescaped.
    pub values: Vec<(String, Vec<u8>)>,
}

/// Why a text is no DN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No `=` after an attribute description, or a description that is none.
    #[error("an attribute type followed by '=' is missing at octet {at}")]
    Type {
        /// Offset into the text.
        at: usize,
    },
    /// A character that must be escaped, a bad escape, or a bad hexadecimal value.
    #[error("a value is not escaped as RFC 4514 demands at octet {at}")]
    Value {
        /// Offset into the text.
        at: usize,
    },
    /// More RDNs than any directory has levels.
    #[error("more than {RDNS_MAX} levels")]
    TooDeep,
}

/// Deeper names are refused before they cost anything.
const RDNS_MAX: usize = 64;

impl Dn {
    /// Parses the string representation (RFC 4514 §3), with the leniencies everyone has: spaces
    /// around separators, and `;` for `,` (RFC 2253 §4).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser {
            text: text.as_bytes(),
            at: 0,
        };
        parser.skip_spaces();
        let mut dn = Self::default();
        if parser.at == text.len() {
            return Ok(dn);
        }
        loop {
            if dn.rdns.len() == RDNS_MAX {
                return Err(Error::TooDeep);
            }
            dn.rdns.push(parser.rdn()?);
            match parser.peek() {
                None => return Ok(dn),
                Some(_) => parser.at += 1,
            }
        }
    }

    /// The RDNs, most specific first.
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }

    /// Names the root DSE.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The name without its most specific RDN.
    pub fn parent(&self) -> Option<Dn> {
        self.rdns.split_first().map(|(_, rest)| Dn {
            rdns: rest.to_vec(),
        })
    }

    /// The name of a child of this entry.
    pub fn child(&self, attribute: &str, value: &str) -> Dn {
        let mut rdns = Vec::with_capacity(self.rdns.len() + 1);
        rdns.push(Rdn {
            values: vec![(attribute.to_string(), value.as_bytes().to_vec())],
        });
        rdns.extend_from_slice(&self.rdns);
        Dn { rdns }
    }

    /// Octets equal for exactly the names that distinguishedNameMatch holds equal (RFC 4517 §4.2.15):
    /// values under their own equality rules, the parts of a multi-valued RDN in any order.
    ///
    /// The key of a name starts with the key of its parent, so that a subtree is a prefix.
    pub fn normalised(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        for rdn in self.rdns.iter().rev() {
            let mut parts: Vec<Vec<u8>> = rdn.values.iter().map(normalised_value).collect();
            parts.sort();
            key.push(parts.len() as u8);
            for part in parts {
                key.extend_from_slice(&(part.len() as u32).to_be_bytes());
                key.extend_from_slice(&part);
            }
        }
        key
    }
}

fn normalised_value((description, value): &(String, Vec<u8>)) -> Vec<u8> {
    let attribute = schema::lookup(description);
    let name = match attribute {
        Some(id) => id.get().name().to_ascii_lowercase(),
        None => description.to_ascii_lowercase(),
    };
    let rule = attribute.and_then(|id| id.get().kind.equality());
    let mut key = name.into_bytes();
    key.push(b'=');
    match rule.and_then(|rule| rule.normalise(value)) {
        Some(normal) => key.extend_from_slice(&normal),
        None => key.extend_from_slice(value),
    }
    key
}

/// The string representation (RFC 4514 §2), every value escaped as little as allowed.
impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rdn) in self.rdns.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            for (part, (description, value)) in rdn.values.iter().enumerate() {
                if part > 0 {
                    f.write_str("+")?;
                }
                write!(f, "{description}=")?;
                write_value(f, value)?;
            }
        }
        Ok(())
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &[u8]) -> fmt::Result {
    let Ok(text) = std::str::from_utf8(value) else {
        return value
            .iter()
            .try_for_each(|octet| write!(f, "\\{octet:02X}"));
    };
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    for (at, c) in text.char_indices() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            '#' | ' ' if at == 0 => write!(f, "\\{c}")?,
            ' ' if at == last => f.write_str("\\ ")?,
            c if c.is_control() => {
                let mut utf8 = [0; 4];
                c.encode_utf8(&mut utf8)
                    .bytes()
                    .try_for_each(|octet| write!(f, "\\{octet:02X}"))?;
            }
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// One RDN; stops at the separator after it.
    fn rdn(&mut self) -> Result<Rdn, Error> {
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            let description = self.description()?;
            self.skip_spaces();
            let value = if self.peek() == Some(b'#') {
                self.hex_value()?
            } else {
                self.value()?
            };
            values.push((description, value));
            self.skip_spaces();
            match self.peek() {
                Some(b'+') => self.at += 1,
                None | Some(b',' | b';') => return Ok(Rdn { values }),
                Some(_) => return Err(Error::Value { at: self.at }),
            }
        }
    }

    /// A short name or OID, and the `=` after it. `OID.` in front is what old clients write.
    fn description(&mut self) -> Result<String, Error> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
        {
            self.at += 1;
        }
        let name = &self.text[start..self.at];
        self.skip_spaces();
        if !name.first().is_some_and(u8::is_ascii_alphanumeric) || self.peek() != Some(b'=') {
            return Err(Error::Type { at: start });
        }
        self.at += 1;
        let name = match name {
            [b'O' | b'o', b'I' | b'i', b'D' | b'd', b'.', oid @ ..] => oid,
            name => name,
        };
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// `#` and the BER of the value; only OCTET STRING and the string types are names here.
    fn hex_value(&mut self) -> Result<Vec<u8>, Error> {
        let start = self.at;
        self.at += 1;
        let mut octets = Vec::new();
        while let Some(octet) = self.hex_pair() {
            octets.push(octet);
        }
        let mut reader = crate::ber::Reader::new(&octets);
        match reader.element() {
            Ok((_, content)) if reader.is_empty() => Ok(content.to_vec()),
            _ => Err(Error::Value { at: start }),
        }
    }

    fn hex_pair(&mut self) -> Option<u8> {
        let pair = self.text.get(self.at..self.at + 2)?;
        let digits = std::str::from_utf8(pair)
            .ok()
            .filter(|d| d.bytes().all(|c| c.is_ascii_hexdigit()))?;
        let octet = u8::from_str_radix(digits, 16).ok()?;
        self.at += 2;
        Some(octet)
    }

    /// A string with escapes; spaces at its end are not part of it unless escaped.
    fn value(&mut self) -> Result<Vec<u8>, Error> {
        let quoted = self.peek() == Some(b'"');
        self.at += usize::from(quoted);
        let mut value = Vec::new();
        let mut significant = 0;
        loop {
            match self.peek() {
                Some(b'\\') => {
                    value.push(self.escape()?);
                    significant = value.len();
                }
                Some(b'"') if quoted => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'"' | b'<' | b'>' | 0) if !quoted => {
                    return Err(Error::Value { at: self.at });
                }
                None if quoted => return Err(Error::Value { at: self.at }),
                None => break,
                Some(b',' | b';' | b'+') if !quoted => break,
                Some(octet) => {
                    value.push(octet);
                    self.at += 1;
                    if octet != b' ' || quoted {
                        significant = value.len();
                    }
                }
            }
        }
        value.truncate(significant);
        Ok(value)
    }

    fn escape(&mut self) -> Result<u8, Error> {
        let start = self.at;
        self.at += 1;
        if let Some(octet) = self.hex_pair() {
            return Ok(octet);
        }
        match self.peek() {
            Some(c @ (b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b' ' | b'#' | b'=')) => {
                self.at += 1;
                Ok(c)
            }
            _ => Err(Error::Value { at: start }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` parses, is written as `written`, and that parses to the same name.
    fn check(text: &str, written: &str) {
        let dn = Dn::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(dn.to_string(), written);
        assert_eq!(Dn::parse(written).unwrap().normalised(), dn.normalised());
    }

    fn same(left: &str, right: &str) {
        assert_eq!(
            Dn::parse(left).unwrap().normalised(),
            Dn::parse(right).unwrap().normalised()
        );
    }

    #[test]
    fn names_parse_in_every_spelling_of_rfc_4514_section_4() {
        check(
            "UID=jsmith,DC=example,DC=net",
            "UID=jsmith,DC=example,DC=net",
        );
        check(
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        );
        check(
            "CN=James \\\"Jim\\\" Smith\\, III,DC=net",
            "CN=James \\\"Jim\\\" Smith\\, III,DC=net",
        );
        check("CN=Before\\0dAfter,DC=net", "CN=Before\\0DAfter,DC=net");
        check("1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=Hi");
        check("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić");
        check("cn=\"a, b\" , dc = net", "cn=a\\, b,dc=net");
        check("cn=\\ padded\\ ", "cn=\\ padded\\ ");
        check("cn=\\#1;dc=net", "cn=\\#1,dc=net");
        check("cn=a=b", "cn=a=b");
        check("", "");
        check("cn=", "cn=");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "alice",
            "=x",
            "cn",
            "cn=a,",
            "cn=a,,dc=b",
            "cn=a\\",
            "cn=a\\zz",
            "cn=\"a",
            "cn=#zz",
            "cn=a<b",
            ",",
            "cn=a++",
            "c n=a",
        ] {
            assert!(
                Dn::parse(text).is_err(),
                "{text:?} parsed as {:?}",
                Dn::parse(text)
            );
        }
        assert_eq!(Dn::parse(&"a=b,".repeat(1000)), Err(Error::TooDeep));
    }

    #[test]
    fn equal_names_have_one_key() {
        same(
            "UID=Alice,OU=People,DC=Example,DC=com",
            "uid=alice, ou=people, dc=example, dc=com",
        );
        same("userid=alice", "0.9.2342.19200300.100.1.1=ALICE");
        same("oid.2.5.4.3=x", "commonName=X");
        same("cn=a+sn=b", "sn=B+cn=A");
        same("cn=a  b", "cn=A b ");
        assert_ne!(
            Dn::parse("cn=a,dc=b").unwrap().normalised(),
            Dn::parse("cn=a+dc=b").unwrap().normalised()
        );
    }

    #[test]
    fn the_key_of_a_child_starts_with_its_parents() {
        let parent = Dn::parse("dc=example,dc=com").unwrap();
        let child = parent.child("cn", "Smith, John");
        assert_eq!(child.to_string(), "cn=Smith\\, John,dc=example,dc=com");
        assert!(child.normalised().starts_with(&parent.normalised()));
        assert_eq!(child.parent(), Some(parent));
    }
}
