//! Public keys as authorized_keys(5) writes them, without options.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// sshd takes keys with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The types of keys that sshd accepts, and how many fields follow the type's name within the key
/// (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH PROTOCOL.u2f). `ssh-dss` is not among them: no supported
/// sshd takes it any more.
const TYPES: [(&str, usize); 7] = [
    ("ssh-ed25519", 1),
    ("ssh-rsa", 2),
    ("ecdsa-sha2-nistp256", 2),
    ("ecdsa-sha2-nistp384", 2),
    ("ecdsa-sha2-nistp521", 2),
    ("sk-ssh-ed25519@openssh.com", 2),
    ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
];

/// Why a text is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFlaw {
    /// Options stand before the type (`command="…"`): nothing in a tenant may say what a login runs.
    Options,
    /// The first word is no type of key that sshd accepts.
    UnknownType,
    /// No base64 follows the type.
    NotBase64,
    /// The key is of another type than stands before it.
    OtherType,
    /// The key ends too early or too late.
    Broken,
}

/// Whether `text`, one line, is a type, a key of that type, and perhaps a comment.
pub(super) fn check(text: &str) -> Result<(), KeyFlaw> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let Some(&(name, fields)) = TYPES.iter().find(|(known, _)| *known == name) else {
        let is_type = |word: &str| TYPES.iter().any(|(known, _)| *known == word);
        return Err(if words.any(is_type) {
            KeyFlaw::Options
        } else {
            KeyFlaw::UnknownType
        });
    };
    let encoded = words.next().ok_or(KeyFlaw::NotBase64)?;
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let blob = match BASE64.decode(encoded) {
        Ok(blob) => blob,
        // The right letters in a wrong number: the end is missing.
        Err(_) if encoded.chars().all(is_base64) => return Err(KeyFlaw::Broken),
        Err(_) => return Err(KeyFlaw::NotBase64),
    };
    let (inner, mut rest) = field(&blob).ok_or(KeyFlaw::Broken)?;
    if inner != name.as_bytes() {
        return Err(KeyFlaw::OtherType);
    }
    for _ in 0..fields {
        (_, rest) = field(rest)
            .filter(|(field, _)| !field.is_empty())
            .ok_or(KeyFlaw::Broken)?;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(KeyFlaw::Broken)
    }
}

/// A field behind its length in four octets (RFC 4251 §5), and what follows it.
fn field(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

impl fmt::Display for KeyFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options => f.write_str("options in front of a key are not taken; write the type, the key and a comment"),
            Self::UnknownType => write!(
                f,
                "it does not begin with a type of key that sshd accepts, such as {} or {}",
                TYPES[0].0, TYPES[1].0
            ),
            Self::NotBase64 => f.write_str("no key in base64 follows its type"),
            Self::OtherType => f.write_str("the key is of another type than stands before it"),
            Self::Broken => f.write_str(
                "the key is cut short or damaged (a directory extension holds 256 characters, less than an RSA key)",
            ),
        }
    }
}
