//! Why an operation is refused: one part for the client, one for the log.

use std::borrow::Cow;

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use super::request;

/// A result other than success, on its way to the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What the client branches on (RFC 4511 §4.1.9).
    pub code: LdapResultCode,
    /// The deepest entry above a name that does not exist; empty otherwise.
    pub matched_dn: String,
    /// For the person at the client. Says nothing about people of the directory.
    pub diagnostic: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with a fixed diagnostic.
    pub fn new(code: LdapResultCode, diagnostic: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            matched_dn: String::new(),
            diagnostic: diagnostic.into(),
        }
    }

    /// The one answer to a wrong password, an unknown name and an inactive account alike.
    pub fn invalid_credentials() -> Self {
        Self::new(LdapResultCode::InvalidCredentials, "")
    }

    /// No directory has been synced yet: neither a result nor its absence would be true.
    pub fn no_snapshot() -> Self {
        Self::new(
            LdapResultCode::Unavailable,
            "the directory has not been read from the tenant yet",
        )
    }

    /// A password or a search in the clear.
    pub fn confidentiality_required() -> Self {
        Self::new(
            LdapResultCode::ConfidentialityRequired,
            "use ldaps:// or StartTLS",
        )
    }
}

/// The table from decoding errors to results. Those that end the session keep their code for the
/// Notice of Disconnection.
impl From<request::Error> for Refusal {
    fn from(error: request::Error) -> Self {
        let code = match error {
            request::Error::FilterItems => LdapResultCode::AdminLimitExceeded,
            _ => LdapResultCode::ProtocolError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Refusal> for LdapResult {
    fn from(refusal: Refusal) -> Self {
        LdapResult {
            code: refusal.code,
            matcheddn: refusal.matched_dn,
            message: refusal.diagnostic.into_owned(),
            referral: Vec::new(),
        }
    }
}

/// The result of an operation that did what was asked.
pub fn success() -> LdapResult {
    LdapResult {
        code: LdapResultCode::Success,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}
