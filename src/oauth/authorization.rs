//! What the sign-in of an administrator leaves behind: a refresh token, and who gave it.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The version of the written form.
const VERSION: u32 = 1;
/// How long a refresh token lives unused (Microsoft identity platform, "Refresh token lifetime").
const IDLE_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An administrator's standing permission for the sync. `Debug` does not show the token.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The app registration that the token was issued to; no other can use it.
    pub client_id: String,
    /// The newest refresh token.
    pub refresh_token: Secret,
    /// The object id of whoever signed in.
    pub oid: Uuid,
    /// The tenant they signed in to.
    pub tid: Uuid,
    /// The name they signed in with.
    pub preferred_username: Option<String>,
    /// The permissions granted with the newest token, without the root of Graph: `User.Read.All`.
    pub scopes: Vec<String>,
    /// When they signed in.
    pub authorized: Timestamp,
    /// When the newest refresh token was issued.
    pub refreshed: Timestamp,
}

/// Why stored bytes are no [`Authorization`]: the administrator must sign in again.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// A later version of ldap365 wrote them.
    #[error(
        "the stored authorisation has the form {0}, which this version of ldap365 does not know: update it, or authorise again"
    )]
    UnknownVersion(u32),
    /// Damaged.
    #[error("the stored authorisation cannot be read: authorise again with `ldap365 authorize`")]
    Unreadable,
}

/// The version alone, which is read first.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The written form: JSON, which bears further fields.
#[derive(Deserialize, Serialize)]
struct Record<'a> {
    version: u32,
    client_id: Cow<'a, str>,
    refresh_token: Cow<'a, str>,
    oid: Uuid,
    tid: Uuid,
    preferred_username: Option<Cow<'a, str>>,
    scopes: Cow<'a, [String]>,
    authorized: Timestamp,
    refreshed: Timestamp,
}

impl Authorization {
    /// The bytes to keep. They hold the token in clear: whoever stores them must encrypt them.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let record = Record {
            version: VERSION,
            client_id: Cow::Borrowed(&self.client_id),
            refresh_token: Cow::Borrowed(self.refresh_token.expose()),
            oid: self.oid,
            tid: self.tid,
            preferred_username: self.preferred_username.as_deref().map(Cow::Borrowed),
            scopes: Cow::Borrowed(&self.scopes),
            authorized: self.authorized,
            refreshed: self.refreshed,
        };
        Zeroizing::new(serde_json::to_vec(&record).expect("texts, ids and times are JSON"))
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// See [`AuthorizationError`]; the bytes may still be of use to a later version, so keep them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuthorizationError> {
        let versioned: Versioned =
            serde_json::from_slice(bytes).map_err(|_| AuthorizationError::Unreadable)?;
        if versioned.version != VERSION {
            return Err(AuthorizationError::UnknownVersion(versioned.version));
        }
        let record: Record<'_> =
            serde_json::from_slice(bytes).map_err(|_| AuthorizationError::Unreadable)?;
        Ok(Self {
            client_id: record.client_id.into_owned(),
            refresh_token: Secret::new(record.refresh_token.into_owned()),
            oid: record.oid,
            tid: record.tid,
            preferred_username: record.preferred_username.map(Cow::into_owned),
            scopes: record.scopes.into_owned(),
            authorized: record.authorized,
            refreshed: record.refreshed,
        })
    }

    /// Until when the token can still be used if nobody uses it before.
    pub fn idle_end(&self) -> Timestamp {
        self.refreshed
            .saturating_add(IDLE_MAX)
            .unwrap_or(self.refreshed)
    }

    /// Whether a permission was granted, named without the root of Graph. Case does not matter.
    pub fn has_scope(&self, permission: &str) -> bool {
        self.scopes
            .iter()
            .any(|scope| scope.eq_ignore_ascii_case(permission))
    }

    /// Who signed in, for people: the name, or else the object id.
    pub fn who(&self) -> String {
        self.preferred_username
            .clone()
            .unwrap_or_else(|| self.oid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization() -> Authorization {
        Authorization {
            client_id: "app".to_owned(),
            refresh_token: Secret::new("0.AX\"€".to_owned()),
            oid: Uuid::from_u128(1),
            tid: Uuid::from_u128(2),
            preferred_username: Some("ada@contoso.example".to_owned()),
            scopes: vec!["User.Read.All".to_owned()],
            authorized: "2026-01-01T00:00:00Z".parse().unwrap(),
            refreshed: "2026-02-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn bytes_bring_back_what_they_were_made_of() {
        let before = authorization();
        let after = Authorization::from_bytes(&before.to_bytes()).unwrap();
        assert_eq!(after.refresh_token.expose(), "0.AX\"€");
        // Debug hides the token and nothing else.
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
        assert!(!format!("{after:?}").contains("0.AX"));
    }

    #[test]
    fn later_form_is_told_from_damage() {
        let later = Authorization::from_bytes(br#"{"version":2,"token":{}}"#).unwrap_err();
        assert!(matches!(later, AuthorizationError::UnknownVersion(2)));
        let damaged = &authorization().to_bytes()[..40];
        let damaged = Authorization::from_bytes(damaged).unwrap_err();
        assert!(matches!(damaged, AuthorizationError::Unreadable));
    }

    #[test]
    fn unused_token_ends_ninety_days_after_it_was_issued() {
        let end = authorization().idle_end();
        assert_eq!(end.to_string(), "2026-05-02T00:00:00Z");
    }

    #[test]
    fn scopes_are_compared_without_case() {
        assert!(authorization().has_scope("user.read.all"));
        assert!(!authorization().has_scope("GroupMember.Read.All"));
    }
}
