//! Who may in: a bind name and a password become a verdict.
//!
//! [`Authenticator`] checks service accounts against the configuration file ([`service_account`]) and
//! people against the tenant ([`tenant`]). It does not know who is active, nor how a bind name is resolved:
//! the caller hands over the [`Person`]. It logs each outcome once, with the reason that no client sees.

pub mod password_hash;
mod service_account;
mod tenant;
mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::directory::UserId;
use crate::oauth::SignIn;
use crate::secret::Secret;

pub use verdict::{Refusal, Unavailable, Verdict};

use password_hash::Verifier;

/// The longest password that is looked at, in octets. Microsoft allows 256 characters.
pub const PASSWORD_OCTETS_MAX: usize = 1024;

/// How people and service accounts prove who they are (`[auth]`, `[[service_account]]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app registration for the password grant; `None`: nobody can bind with a password of the tenant.
    pub client_id: Option<String>,
    /// Its secret, when it is a confidential client.
    pub client_secret: Option<Arc<Secret>>,
    /// Accounts of the configuration file, which read the directory for a host or an application.
    pub service_accounts: Vec<ServiceAccount>,
}

/// An account of the configuration file ("LDAP binder"): `cn=NAME` directly under the base.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The RDN value.
    pub name: String,
    /// An Argon2id hash in PHC string form, as `ldap365 hash-password` prints it.
    pub password_hash: Arc<Secret>,
    /// Client addresses it may bind from; empty: any.
    pub networks: Vec<IpNet>,
}

/// The person a bind name stands for, as far as a password check needs to know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The object id, which the tenant must confirm.
    pub id: UserId,
    /// The synced `userPrincipalName`; what the client typed may be something else.
    pub user_principal_name: Option<String>,
    /// Whether the rules let the person in.
    pub is_active: bool,
}

/// Decides on bind names and passwords.
#[derive(Debug)]
pub struct Authenticator {
    settings: Settings,
    sign_in: Option<SignIn>,
    verifier: Verifier,
}

impl Authenticator {
    /// An authenticator that checks people's passwords through `sign_in`; without it, or without
    /// `settings.client_id`, no person can bind.
    pub fn new(settings: Settings, sign_in: Option<SignIn>) -> Self {
        Self {
            settings,
            sign_in,
            verifier: Verifier::for_this_host(),
        }
    }

    /// Checks a service account, named by its RDN value in any case, that asks from `peer`.
    ///
    /// An unknown name costs as much time as a known one. Cancel-safe.
    pub async fn verify_service_account(
        &self,
        name: &str,
        password: &Secret,
        peer: IpAddr,
    ) -> Verdict {
        let verdict = match refuse_unseen(password) {
            Some(refusal) => Verdict::Refused(refusal),
            None => {
                service_account::verify(
                    &self.settings.service_accounts,
                    &self.verifier,
                    name,
                    password,
                    peer,
                )
                .await
            }
        };
        verdict.log("service account", name, Some(peer));
        verdict
    }

    /// Has the tenant check a person's password; within ten seconds. Cancel-safe.
    ///
    /// Empty and overlong passwords, and those of inactive people, never leave this host.
    pub async fn verify_person(&self, person: &Person, password: &Secret) -> Verdict {
        let verdict = match refuse_unseen(password) {
            Some(refusal) => Verdict::Refused(refusal),
            None => tenant::verify(&self.settings, self.sign_in.as_ref(), person, password).await,
        };
        verdict.log(
            "person",
            person.user_principal_name.as_deref().unwrap_or_default(),
            None,
        );
        verdict
    }
}

/// Passwords that are refused whoever sends them (RFC 4513 §5.1.2 for the empty one).
fn refuse_unseen(password: &Secret) -> Option<Refusal> {
    if password.is_empty() {
        Some(Refusal::PasswordEmpty)
    } else if password.expose().len() > PASSWORD_OCTETS_MAX {
        Some(Refusal::PasswordTooLong)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
