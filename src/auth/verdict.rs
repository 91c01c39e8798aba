//! The answer to a bind, and the reason that only the log sees.

use std::net::IpAddr;

use uuid::Uuid;

use crate::oauth;

/// The answer to a bind.
#[derive(Debug)]
pub enum Verdict {
    /// The password is right, and its owner may in.
    Success,
    /// No. The client sees `invalidCredentials` whatever the reason.
    Refused(Refusal),
    /// Nobody can tell at the moment; another server or a later try may.
    Unavailable(Unavailable),
    /// Too many passwords are being checked already.
    Busy,
}

/// Why a bind is refused. For the log: the client must not learn it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No password at all.
    #[error("the password is empty")]
    PasswordEmpty,
    /// Longer than [`PASSWORD_OCTETS_MAX`](super::PASSWORD_OCTETS_MAX).
    #[error("the password is longer than any password can be")]
    PasswordTooLong,
    /// No service account has this name.
    #[error("there is no such service account")]
    UnknownServiceAccount,
    /// The service account may not bind from this address.
    #[error("the address is outside the account's networks")]
    NetworkNotAllowed,
    /// The account's `password_hash` is not an Argon2id hash. The administrator must mend it.
    #[error(
        "service_account.password_hash is not an Argon2id hash: print one with `ldap365 hash-password`"
    )]
    HashUnusable,
    /// A service account's password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The rules make the person inactive.
    #[error("the person is inactive (`ldap365 explain` says why)")]
    Inactive,
    /// Graph gave no `userPrincipalName` to ask the tenant about.
    #[error("the person has no userPrincipalName to sign in with")]
    NoUserPrincipalName,
    /// `auth.client_id` is not set.
    #[error("auth.client_id is not set, so the tenant cannot be asked to check passwords")]
    NoPasswordGrant,
    /// The tenant refused: wrong password, MFA demanded, blocked, a fault of the app registration.
    #[error("{0}")]
    ByTenant(oauth::Refusal),
    /// The password belongs to another account than the one that was to be bound.
    #[error(
        "the tenant accepted the password for another account (object {object} of tenant {tenant})"
    )]
    AnotherAccount {
        /// `oid` of the id_token.
        object: Uuid,
        /// `tid` of the id_token.
        tenant: Uuid,
    },
}

/// Why nobody can tell whether the password is right.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The tenant gave no verdict on the password.
    #[error(transparent)]
    Tenant(#[from] oauth::Error),
    /// The hash could not be computed: the process is stopping.
    #[error("the password check was broken off: the server is stopping")]
    Stopping,
}

impl Verdict {
    /// One line for each bind. `name` is the client's or the tenant's text, never a secret.
    pub(super) fn log(&self, kind: &'static str, name: &str, peer: Option<IpAddr>) {
        let peer = peer.map(tracing::field::display);
        match self {
            Self::Success => tracing::info!(kind, name, peer, "bind succeeded"),
            Self::Refused(Refusal::ByTenant(refusal)) => tracing::info!(
                kind,
                name,
                peer,
                codes = ?refusal.codes,
                trace_id = refusal.trace_id,
                correlation_id = refusal.correlation_id,
                "bind refused: {refusal}"
            ),
            // Somebody else's password fits: worth an administrator's eye.
            Self::Refused(reason @ (Refusal::AnotherAccount { .. } | Refusal::HashUnusable)) => {
                tracing::warn!(kind, name, peer, "bind refused: {reason}");
            }
            Self::Refused(reason) => tracing::info!(kind, name, peer, "bind refused: {reason}"),
            Self::Unavailable(reason) => {
                let refusal = match reason {
                    Unavailable::Tenant(error) => error.refusal(),
                    Unavailable::Stopping => None,
                };
                tracing::warn!(
                    kind,
                    name,
                    peer,
                    codes = ?refusal.map(|refusal| &refusal.codes),
                    correlation_id = refusal.and_then(|refusal| refusal.correlation_id.as_deref()),
                    "bind undecided: {reason}"
                );
            }
            Self::Busy => tracing::warn!(
                kind,
                name,
                peer,
                "bind turned away: too many password checks are waiting"
            ),
        }
    }
}
