//! App registrations: who may ask for tokens, and for what.

use std::collections::BTreeSet;

use uuid::Uuid;

/// The application permissions that a directory reader needs.
pub const DIRECTORY_PERMISSIONS: [&str; 2] = ["GroupMember.Read.All", "User.Read.All"];

/// The secret of the registration that every company has.
pub const CLIENT_SECRET: &str = "Sim8Q~a-secret-of-the-simulated-tenant.only";

/// An app registration together with what was consented to.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The application id.
    pub client_id: Uuid,
    /// Secrets that work; the others answer 7000215.
    pub secrets: BTreeSet<String>,
    /// Secrets that once worked: 7000222.
    pub expired_secrets: BTreeSet<String>,
    /// Application permissions with admin consent, the `roles` of its app-only tokens.
    pub roles: BTreeSet<String>,
    /// Delegated permissions with admin consent; anything else asked for is 65001.
    pub scopes: BTreeSet<String>,
    /// "Allow public client flows": without it, and without a secret, the answer is 7000218.
    pub allows_public_client: bool,
}

impl Registration {
    /// A registration called `name`, with one secret, nothing consented, public client flows off.
    pub fn new(tenant_id: Uuid, name: &str, secret: &str) -> Self {
        Self {
            client_id: Uuid::new_v5(&tenant_id, format!("app/{name}").as_bytes()),
            secrets: BTreeSet::from([secret.to_owned()]),
            expired_secrets: BTreeSet::new(),
            roles: BTreeSet::new(),
            scopes: BTreeSet::new(),
            allows_public_client: false,
        }
    }

    /// The registration every company has: reads the directory and checks passwords.
    pub fn directory_reader(tenant_id: Uuid) -> Self {
        let mut registration = Self::new(tenant_id, "directory reader", CLIENT_SECRET);
        registration.roles = DIRECTORY_PERMISSIONS.map(str::to_owned).into();
        registration.scopes = BTreeSet::from(["User.Read".to_owned()]);
        registration
    }
}
