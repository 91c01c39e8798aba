//! What the sync signs in with, as the configuration file names it.

use std::sync::Arc;

use super::{Certificate, Error};
use crate::secret::Secret;

/// One way for the sync to obtain a token, tried in the order of the configuration file.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The administrator's name for it.
    pub name: String,
    /// `client_id` of the app registration.
    pub client_id: String,
    /// On whose behalf, and by which proof.
    pub grant: Grant,
}

/// On whose behalf a token is asked for.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The app itself: client credentials (RFC 6749 §4.4).
    App(Proof),
    /// An administrator who signed in once: a refresh token (RFC 6749 §6), which the [`Authorization`]
    /// holds. With a proof it is a confidential client, whose refresh token survives a change of the
    /// administrator's password.
    ///
    /// [`Authorization`]: super::Authorization
    Delegated(Option<Proof>),
}

/// How the app proves that it is the registered one.
#[derive(Clone, Debug)]
pub enum Proof {
    /// `client_secret`
    Secret(Arc<Secret>),
    /// A signed assertion (RFC 7523 §2.2, `private_key_jwt`).
    Certificate(Arc<Certificate>),
}

/// `client_assertion_type` of a JWT (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Credential {
    /// The `kind` in the configuration file.
    pub fn kind(&self) -> &'static str {
        match &self.grant {
            Grant::App(Proof::Secret(_)) => "secret",
            Grant::App(Proof::Certificate(_)) => "certificate",
            Grant::Delegated(_) => "delegated",
        }
    }

    /// Whether it is an administrator's, and so needs an authorization.
    pub fn is_delegated(&self) -> bool {
        matches!(self.grant, Grant::Delegated(_))
    }

    /// How the app proves itself; `None` for a public client.
    pub fn proof(&self) -> Option<&Proof> {
        match &self.grant {
            Grant::App(proof) => Some(proof),
            Grant::Delegated(proof) => proof.as_ref(),
        }
    }

    /// The certificate it signs with, if any.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self.proof()? {
            Proof::Certificate(certificate) => Some(certificate),
            Proof::Secret(_) => None,
        }
    }
}

impl Proof {
    /// The form fields that prove the app to the token endpoint at `token_url`.
    pub(super) fn fields(
        &self,
        client_id: &str,
        token_url: &str,
    ) -> Result<Vec<(&'static str, Secret)>, Error> {
        match self {
            Self::Secret(secret) => Ok(vec![("client_secret", Secret::clone(secret))]),
            Self::Certificate(certificate) => Ok(vec![
                ("client_assertion_type", Secret::new(JWT_BEARER.to_owned())),
                (
                    "client_assertion",
                    certificate.assertion(client_id, token_url)?,
                ),
            ]),
        }
    }
}
