//! Access tokens as Graph sees them, and id_tokens as clients see them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Tenant;
use super::clock::span;
use super::company::Registration;
use super::world::World;

/// What an access token stands for; the token itself is a meaningless key.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The resource it is good for: a Graph root.
    pub audience: String,
    /// The application id of the client.
    pub client: Uuid,
    /// The person the client acts for; nobody in an app-only token.
    pub person: Option<Uuid>,
    /// Application permissions; empty in a delegated token and when nothing was consented to.
    pub roles: BTreeSet<String>,
    /// Delegated permissions.
    pub scopes: BTreeSet<String>,
    /// The end of its life.
    pub expires: Timestamp,
    /// The client declared `cp1`: it understands claims challenges.
    pub is_cae: bool,
    /// A policy wants it renewed: 401, with a challenge for those who understand it.
    pub is_challenged: bool,
}

/// What a new access token is to say.
pub struct Order<'a> {
    /// The client.
    pub client: &'a Registration,
    /// For whom, unless for itself.
    pub person: Option<Uuid>,
    /// Roles or scopes, as the case may be.
    pub permissions: BTreeSet<String>,
    /// The client declared `cp1`.
    pub is_cae: bool,
}

/// The lifetime of a token for a client that understands claims challenges (seen: 86399).
const CAE_LIFETIME: Duration = Duration::from_secs(86_399);
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3599);

/// Access tokens handed out and not revoked.
pub struct AccessTokens {
    grants: BTreeMap<String, Grant>,
    lifetime: Duration,
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self {
            grants: BTreeMap::new(),
            lifetime: DEFAULT_LIFETIME,
        }
    }
}

impl AccessTokens {
    /// How long a new token will live.
    pub fn lifetime(&self, is_cae: bool) -> Duration {
        if is_cae && self.lifetime == DEFAULT_LIFETIME {
            return CAE_LIFETIME;
        }
        self.lifetime
    }

    /// What `token` stands for.
    pub fn grant(&self, token: &str) -> Option<&Grant> {
        self.grants.get(token)
    }
}

impl World {
    /// Hands out a token for this tenant's Graph.
    pub fn issue_access_token(&mut self, order: Order<'_>) -> String {
        let expires = self.clock.now() + span(self.access_tokens.lifetime(order.is_cae));
        let permissions = order.client.standing(order.permissions);
        let (roles, scopes) = match order.person {
            None => (permissions, BTreeSet::new()),
            Some(_) => (BTreeSet::new(), permissions),
        };
        let grant = Grant {
            audience: self.base_url.clone(),
            client: order.client.client_id,
            person: order.person,
            roles,
            scopes,
            expires,
            is_cae: order.is_cae,
            is_challenged: false,
        };
        let token = format!(
            "eyJ0eXAiOiJKV1QiLCJub25jZSI6I{}.{}",
            self.random_token(40),
            self.random_token(120)
        );
        self.access_tokens.grants.insert(token.clone(), grant);
        token
    }
}

/// A JWT with `claims`, signed by nobody: clients that got it from the token endpoint need not verify it
/// (OpenID Connect Core §3.1.3.7, 6).
pub fn id_token(claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "simulated-tenant"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode("not-a-signature");
    format!("{}.{}.{signature}", part(&header), part(claims))
}

impl Tenant {
    /// New access tokens live this long.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.world().access_tokens.lifetime = lifetime;
    }

    /// Every access token handed out so far is refused from now on.
    pub fn revoke_access_tokens(&self) {
        self.world().access_tokens.grants.clear();
    }

    /// A policy wants every access token handed out so far renewed: those of clients that declared `cp1` get a
    /// claims challenge, the others a plain 401.
    pub fn challenge_access_tokens(&self) {
        for grant in self.world().access_tokens.grants.values_mut() {
            grant.is_challenged = true;
        }
    }

    /// An access token for another cloud's Graph, well-formed and useless here.
    pub fn issue_foreign_token(&self) -> String {
        let mut world = self.world();
        let client = world.company.registrations[0].clone();
        let token = world.issue_access_token(Order {
            permissions: client.roles.clone(),
            client: &client,
            person: None,
            is_cae: false,
        });
        let grant = world.access_tokens.grants.get_mut(&token);
        grant.expect("just issued").audience = "https://graph.microsoft.us".to_owned();
        token
    }
}
