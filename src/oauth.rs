//! The sign-in service: tokens for Graph, the sign-in of administrators, and password checks.
//!
//! [`SignIn`] speaks to the endpoints of one tenant with a [`Credential`] of the configuration. An
//! administrator's sign-in yields an [`Authorization`], which whoever calls must keep. [`TokenSource`] keeps
//! a Graph token alive from the first credential that works; read there how credentials fail over and come
//! back. [`aadsts`] is the table of what the service's error codes mean, [`http`] builds the one HTTP client
//! of the process. Nothing here knows of Graph's data or of LDAP, or stores anything.
//!
//! Source: Microsoft identity platform, "OAuth 2.0 client credentials flow", "authorization code flow",
//! "device authorization grant flow" and "Resource Owner Password Credentials".

pub mod aadsts;
mod access_token;
mod authorization;
mod authorize;
mod certificate;
mod credential;
mod error;
mod exchange;
mod fault;
pub mod http;
mod id_token;
mod sign_in;
mod token_source;

use std::path::PathBuf;

use url::Url;

pub use access_token::AccessToken;
pub use authorization::{Authorization, AuthorizationError};
pub use authorize::{AuthorizeError, Callback, DeviceCode, PendingAuthorization, Poll};
pub use certificate::{Certificate, CertificateError};
pub use credential::{Credential, Grant, Proof};
pub use error::{CredentialRefusal, Error, Refusal};
pub use fault::{CredentialFailure, CredentialFault};
pub use id_token::IdClaims;
pub use sign_in::SignIn;
pub use token_source::{
    AuthorizedBy, CredentialState, Keep, KeepError, KeepNothing, Notice, Rejection, Standing,
    TokenSource,
};

/// What it takes to reach the sign-in service of one tenant.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://login.microsoftonline.com`, another cloud's host, or a gateway; no trailing slash needed.
    pub login_url: Url,
    /// The root of Graph in the same cloud, for the scope `{graph_url}/.default`.
    pub graph_url: Url,
    /// A verified domain of the tenant, or its id.
    pub tenant: String,
    /// Extra certificate authorities (PEM) to trust for both hosts, beside the system's.
    pub ca_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
