//! App registrations: who may ask for tokens, and for what.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

/// The application permissions of a directory reader, the one for hidden members included.
pub const DIRECTORY_PERMISSIONS: [&str; 3] = [
    "GroupMember.Read.All",
    "Member.Read.Hidden",
    "User.Read.All",
];

/// The secret of the registration that every company has.
pub const CLIENT_SECRET: &str = "Sim8Q~a-secret-of-the-simulated-tenant.only";

/// The delegated permissions that an administrator lends to a directory reader.
pub const DELEGATED_PERMISSIONS: [&str; 4] = [
    "GroupMember.Read.All",
    "Member.Read.Hidden",
    "User.Read",
    "User.Read.All",
];

/// Where the browser comes back to; any port of it will do.
pub const REDIRECT_URI: &str = "http://localhost";

/// An app registration together with what was consented to.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The application id.
    pub client_id: Uuid,
    /// Secrets that work; the others answer 7000215.
    pub secrets: BTreeSet<String>,
    /// Secrets that once worked: 7000222.
    pub expired_secrets: BTreeSet<String>,
    /// Certificates (DER) whose keys may sign client assertions.
    pub certificates: Vec<Vec<u8>>,
    /// Redirect URIs of the platform "Web": whoever redeems a code sent there proves itself.
    pub redirect_uris: BTreeSet<String>,
    /// Redirect URIs of "Mobile and desktop applications": whoever redeems a code sent there has no secret.
    pub public_redirect_uris: BTreeSet<String>,
    /// Application permissions with admin consent, the `roles` of its app-only tokens.
    pub roles: BTreeSet<String>,
    /// Delegated permissions with admin consent; anything else asked for is 65001.
    pub scopes: BTreeSet<String>,
    /// "Allow public client flows": without it, and without a secret, the answer is 7000218.
    pub allows_public_client: bool,
    /// Permissions of either kind that an administrator took back, and how Graph shows it.
    pub withdrawn: BTreeMap<String, Withdrawal>,
}

/// What a client sees of a permission that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// 403 `Authorization_RequestDenied`, also to tokens that were issued before.
    Denied,
    /// 200, with nothing but ids: "limited information" (Graph, permissions overview).
    Nulls,
}

impl Registration {
    /// A registration called `name`, with one secret, nothing consented, public client flows off.
    pub fn new(tenant_id: Uuid, name: &str, secret: &str) -> Self {
        Self {
            client_id: Uuid::new_v5(&tenant_id, format!("app/{name}").as_bytes()),
            secrets: BTreeSet::from([secret.to_owned()]),
            expired_secrets: BTreeSet::new(),
            certificates: Vec::new(),
            redirect_uris: BTreeSet::new(),
            public_redirect_uris: BTreeSet::new(),
            roles: BTreeSet::new(),
            scopes: BTreeSet::new(),
            allows_public_client: false,
            withdrawn: BTreeMap::new(),
        }
    }

    /// The registration every company has: reads the directory and checks passwords.
    pub fn directory_reader(tenant_id: Uuid) -> Self {
        let mut registration = Self::new(tenant_id, "directory reader", CLIENT_SECRET);
        registration.roles = DIRECTORY_PERMISSIONS.map(str::to_owned).into();
        registration.scopes = DELEGATED_PERMISSIONS.map(str::to_owned).into();
        registration.redirect_uris = BTreeSet::from([REDIRECT_URI.to_owned()]);
        registration
    }

    /// The registration every company has for programs that cannot keep a secret: delegated permissions only.
    pub fn public_reader(tenant_id: Uuid) -> Self {
        let mut registration = Self::new(tenant_id, "public reader", CLIENT_SECRET);
        registration.secrets.clear();
        registration.scopes = DELEGATED_PERMISSIONS.map(str::to_owned).into();
        registration.public_redirect_uris = BTreeSet::from([REDIRECT_URI.to_owned()]);
        registration.allows_public_client = true;
        registration
    }

    /// `permissions` without those taken back for good.
    pub fn standing(&self, permissions: BTreeSet<String>) -> BTreeSet<String> {
        let is_denied = |name: &String| self.withdrawn.get(name) == Some(&Withdrawal::Denied);
        permissions
            .into_iter()
            .filter(|name| !is_denied(name))
            .collect()
    }
}
