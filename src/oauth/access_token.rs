//! The token that Graph asks for.

use std::time::{Duration, Instant};

use oauth2::TokenResponse;

use super::exchange::TokenAnswer;
use crate::secret::Secret;

/// The life of a token whose answer does not name one.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(3599);
/// A longer life than any token has; the answer's number is not trusted beyond it.
const LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A bearer token for Graph, and when it ends. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: Secret,
    issued: Instant,
    expires: Instant,
    is_delegated: bool,
}

impl AccessToken {
    /// The token of an answer to a request that was sent at `issued`.
    pub(super) fn of_answer(answer: &TokenAnswer, issued: Instant) -> Self {
        let lifetime = answer.expires_in().unwrap_or(LIFETIME_DEFAULT);
        Self {
            secret: Secret::new(answer.access_token().secret().clone()),
            issued,
            expires: issued + lifetime.min(LIFETIME_MAX),
            is_delegated: false,
        }
    }

    /// The same token, as one of an administrator who signed in.
    pub(super) fn delegated(self) -> Self {
        Self {
            is_delegated: true,
            ..self
        }
    }

    /// Whether it speaks for an administrator who signed in, and not for the app itself.
    pub fn is_delegated(&self) -> bool {
        self.is_delegated
    }

    /// The token itself, for an `Authorization` header and nothing else.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// When it was asked for.
    pub fn issued(&self) -> Instant {
        self.issued
    }

    /// When it ends.
    pub fn expires(&self) -> Instant {
        self.expires
    }

    /// A token of the tests.
    #[cfg(test)]
    pub(super) fn of_lifetime(text: &str, issued: Instant, seconds: u64) -> Self {
        Self {
            secret: Secret::new(text.to_owned()),
            issued,
            expires: issued + Duration::from_secs(seconds),
            is_delegated: false,
        }
    }

    /// How long it was issued for.
    pub(super) fn lifetime(&self) -> Duration {
        self.expires - self.issued
    }

    /// Whether it is the same token.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.secret.expose() == other.secret.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_invisible_to_debug() {
        let now = Instant::now();
        let token = AccessToken::of_lifetime("eyJsecret", now, 60);
        assert!(!format!("{token:?}").contains("eyJsecret"));
    }
}
