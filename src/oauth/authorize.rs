//! The sign-in of an administrator, once, for a delegated credential: with a code on another device, or in
//! a browser on this host.

mod browser;
mod device_code;

use jiff::Timestamp;
use oauth2::TokenResponse;
use uuid::Uuid;

pub use browser::{Callback, PendingAuthorization};
pub use device_code::{DeviceCode, Poll};

use super::exchange::TokenAnswer;
use super::sign_in::{granted_scopes, id_claims};
use super::{Authorization, Error, Refusal, SignIn};
use crate::secret::Secret;

/// Why the sign-in of an administrator gave no authorization.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The browser came back with a state that was not sent: an old window, or a forged request.
    #[error(
        "the answer does not belong to this sign-in: close old sign-in windows and start again"
    )]
    StateMismatch,
    /// The browser came back with neither a code nor an error.
    #[error("the answer holds neither a code nor an error: start the sign-in again")]
    CallbackUnreadable,
    /// The administrator declined, or closed the page.
    #[error("the sign-in was declined: start it again and accept the permissions")]
    Declined,
    /// Nobody entered the code in time.
    #[error("the code has expired: start the sign-in again")]
    Expired,
    /// The service does not know the device code.
    #[error("the sign-in service does not know the code: start the sign-in again")]
    CodeUnknown,
    /// Somebody signed in to another tenant than the configured one.
    #[error(
        "{who} signed in to the tenant {actual}, but tenant.id is {expected}: sign in with an account of the \
         configured tenant"
    )]
    AnotherTenant {
        /// Who signed in.
        who: String,
        /// The id of the configured tenant.
        expected: Uuid,
        /// The id of the tenant that answered.
        actual: Uuid,
    },
    /// The answer has no refresh token, so the sync could go on for an hour only.
    #[error(
        "the sign-in gave no refresh token: consent to offline_access (\"Maintain access to data you have given it access to\")"
    )]
    NoRefreshToken,
    /// The service answered no for another reason, or did not answer.
    #[error(transparent)]
    SignIn(#[from] Error),
}

impl AuthorizeError {
    /// What an error answer of a sign-in means.
    fn of_refusal(refusal: Refusal) -> Self {
        match refusal.error.as_str() {
            _ if refusal.codes.contains(&65_004) => Self::Declined,
            // Codes say more: `access_denied` comes for a policy's reasons, too.
            "access_denied" if refusal.codes.is_empty() => Self::Declined,
            "authorization_declined" => Self::Declined,
            "expired_token" => Self::Expired,
            "bad_verification_code" => Self::CodeUnknown,
            _ => Self::SignIn(Error::Refused(Box::new(refusal))),
        }
    }

    /// An error of an exchange, told apart as those of the redirect are.
    fn of_exchange(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::of_refusal(*refusal),
            error => Self::SignIn(error),
        }
    }
}

impl SignIn {
    /// What a sign-in to the tenant `expected` has yielded.
    fn authorization(
        client_id: &str,
        expected: Uuid,
        answer: &TokenAnswer,
    ) -> Result<Authorization, AuthorizeError> {
        let claims = id_claims(answer)?;
        if claims.tid != expected {
            return Err(AuthorizeError::AnotherTenant {
                who: claims
                    .preferred_username
                    .unwrap_or_else(|| claims.oid.to_string()),
                expected,
                actual: claims.tid,
            });
        }
        let refresh_token = answer
            .refresh_token()
            .ok_or(AuthorizeError::NoRefreshToken)?;
        let now = Timestamp::now();
        Ok(Authorization {
            client_id: client_id.to_owned(),
            refresh_token: Secret::new(refresh_token.secret().clone()),
            oid: claims.oid,
            tid: claims.tid,
            preferred_username: claims.preferred_username,
            scopes: granted_scopes(answer).unwrap_or_default(),
            authorized: now,
            refreshed: now,
        })
    }
}

#[cfg(test)]
mod tests;
