//! The sign-in service: tokens for Graph, and password checks.
//!
//! [`SignIn`] speaks to the token endpoint of one tenant, [`TokenSource`] keeps a Graph token alive from
//! the first credential that works, and [`aadsts`] is the table of what the service's error codes mean.
//! [`http`] builds the one HTTP client of the process. Nothing here knows of Graph's data or of LDAP.
//!
//! Source: Microsoft identity platform, "OAuth 2.0 client credentials flow" and "Resource Owner Password
//! Credentials".

pub mod aadsts;
mod error;
pub mod http;
mod id_token;
mod sign_in;
mod token_source;

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::secret::Secret;

pub use error::{CredentialRefusal, Error, Refusal};
pub use id_token::IdClaims;
pub use sign_in::{AccessToken, SignIn};
pub use token_source::{CredentialState, TokenSource};

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

/// One way for the sync to obtain a token, tried in the order of the configuration file.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The administrator's name for it.
    pub name: String,
    /// `client_id` of the app registration.
    pub client_id: String,
    /// `client_secret`
    pub client_secret: Arc<Secret>,
}
