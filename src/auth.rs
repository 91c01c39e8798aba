//! Who may in: a bind name and a password become a verdict.

use ipnet::IpNet;

use crate::secret::Secret;
use std::sync::Arc;

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
