//! The claims of an id_token: whose password the service has just accepted.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use uuid::Uuid;

/// Who signed in, by the service's own account (Microsoft identity platform, "ID token claims reference").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdClaims {
    /// The object id: the `id` of the user in Graph.
    pub oid: Uuid,
    /// The tenant id.
    pub tid: Uuid,
    /// The name the person signs in with; for logs only, as it can change.
    pub preferred_username: Option<String>,
}

impl IdClaims {
    /// Reads the payload of a JWT; `None` when it is not one, or lacks `oid` or `tid`.
    ///
    /// The signature is not checked: the token comes straight from the token endpoint over TLS, which
    /// stands in for it (OpenID Connect Core 1.0 §3.1.3.7, item 6).
    pub(super) fn read(id_token: &str) -> Option<Self> {
        let payload = id_token.split('.').nth(1)?;
        let json = BASE64_URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn claims_are_read_from_the_payload() {
        let claims = IdClaims::read(&jwt(
            r#"{"oid":"87d349ed-44d7-43e1-9a83-5f2406dee5bd","tid":"12345678-1234-1234-1234-123456789012",
                "preferred_username":"ada@contoso.example","aio":"x"}"#,
        ))
        .unwrap();
        assert_eq!(
            claims.oid.to_string(),
            "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
        );
        assert_eq!(
            claims.tid.to_string(),
            "12345678-1234-1234-1234-123456789012"
        );
        assert_eq!(
            claims.preferred_username.as_deref(),
            Some("ada@contoso.example")
        );
    }

    #[test]
    fn token_without_object_id_says_nothing() {
        assert_eq!(
            IdClaims::read(&jwt(r#"{"tid":"12345678-1234-1234-1234-123456789012"}"#)),
            None
        );
        assert_eq!(IdClaims::read("not a token"), None);
    }
}
