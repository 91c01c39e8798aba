//! An app acting for a person: which scopes it gets, and the tokens that say so.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::company::Registration;
use super::super::token::{Order, id_token};
use super::super::world::World;
use super::client::invalid_scope;
use super::refresh::RefreshToken;
use super::refusal::Refusal;

/// Scopes of OpenID Connect, which need no consent of their own here.
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Scopes as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Short names, those of OpenID Connect included.
    pub names: BTreeSet<String>,
    /// `.default`: whatever was consented to before.
    pub all_consented: bool,
    /// Graph's were named with Graph's root, and are answered that way.
    pub is_qualified: bool,
}

impl Scopes {
    /// Reads a `scope` parameter; 70011 for a scope of another resource.
    pub fn parse(world: &World, text: &str) -> Result<Self, Refusal> {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            let of_graph = scope.strip_prefix(&format!("{}/", world.base_url));
            if of_graph.is_none() && scope.contains("://") {
                return Err(invalid_scope(scope));
            }
            scopes.is_qualified |= of_graph.is_some();
            match of_graph.unwrap_or(scope) {
                ".default" => scopes.all_consented = true,
                name => {
                    scopes.names.insert(name.to_owned());
                }
            }
        }
        Ok(scopes)
    }

    /// The scopes in `text`, all of them consented to: 65001 otherwise.
    pub fn consented(world: &World, client: &Registration, text: &str) -> Result<Self, Refusal> {
        let mut scopes = Self::parse(world, text)?;
        let consented = client.standing(client.scopes.clone());
        // Without any delegated permission the app has no business with the person at all.
        if consented.is_empty() || !scopes.lacking(&consented).is_empty() {
            return Err(Refusal::of(65001));
        }
        if scopes.all_consented {
            scopes.names.extend(consented);
        }
        Ok(scopes)
    }

    /// The names beyond OpenID Connect's that are not among `consented`.
    pub fn lacking(&self, consented: &BTreeSet<String>) -> BTreeSet<String> {
        let is_lacking =
            |name: &&String| !OPENID_SCOPES.contains(&name.as_str()) && !consented.contains(*name);
        self.names.iter().filter(is_lacking).cloned().collect()
    }

    fn text(&self, graph_root: &str) -> String {
        let spelled: Vec<String> = self
            .names
            .iter()
            .map(|name| match OPENID_SCOPES.contains(&name.as_str()) {
                false if self.is_qualified => format!("{graph_root}/{name}"),
                _ => name.clone(),
            })
            .collect();
        spelled.join(" ")
    }
}

/// What was agreed on between a person, a client and the service.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// The client.
    pub client: Registration,
    /// It has nothing to prove itself with.
    pub is_public: bool,
    /// The person's object id.
    pub person: Uuid,
    /// What the client may do for the person.
    pub scopes: Scopes,
    /// The client declared `cp1`.
    pub is_cae: bool,
}

impl Delegation {
    /// The success body: tokens as the scopes ask for.
    pub fn issue(&self, world: &mut World) -> Value {
        let lifetime = world.access_tokens.lifetime(self.is_cae).as_secs();
        let mut body = json!({
            "token_type": "Bearer",
            "scope": self.scopes.text(&world.base_url),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
        });
        if self.scopes.names.contains("openid") {
            body["id_token"] = json!(id_token(&self.claims(world)));
        }
        if self.scopes.names.contains("offline_access") {
            body["refresh_token"] = json!(RefreshToken::issue(world, self));
        }
        body["access_token"] = json!(world.issue_access_token(Order {
            client: &self.client,
            person: Some(self.person),
            permissions: self.scopes.names.clone(),
            is_cae: self.is_cae,
        }));
        body
    }

    fn claims(&self, world: &World) -> Value {
        let now = world.clock.now().as_second();
        let user = &world.company.users[&self.person];
        let tenant = user
            .account
            .claims_tenant
            .unwrap_or(world.company.tenant_id);
        let subject = user.account.impersonates.unwrap_or(self.person);
        json!({
            "aud": self.client.client_id,
            "iss": format!("{}/{tenant}/v2.0", world.base_url),
            "iat": now,
            "nbf": now,
            "exp": now + 3900,
            "name": user.object.text("displayName"),
            "oid": subject,
            "preferred_username": user.upn(),
            "rh": "0.simulated",
            "sub": Uuid::new_v5(&self.client.client_id, subject.as_bytes()),
            "tid": tenant,
            "uti": "simulated",
            "ver": "2.0",
        })
    }
}
