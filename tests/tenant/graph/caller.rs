//! Who asks Graph, and what they may see.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::company::Withdrawal;
use super::super::token::Grant;
use super::super::world::World;
use super::refusal::Refusal;

/// The holder of an access token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The application id of the client.
    pub client: Uuid,
    /// The person the client acts for; nobody when it acts for itself.
    pub person: Option<Uuid>,
    /// Roles or scopes that still stand.
    permissions: BTreeSet<String>,
    /// Of those, the ones that open answers without content.
    hollow: BTreeSet<String>,
}

impl Caller {
    /// The caller behind a token, less what was withdrawn since it was issued.
    pub fn of(world: &World, grant: &Grant) -> Self {
        let client = world.company.registration_called(&grant.client.to_string());
        let withdrawn = client.map(|client| client.withdrawn.clone());
        let withdrawn = withdrawn.unwrap_or_default();
        let held = grant.roles.union(&grant.scopes).cloned();
        let (hollow, denied): (Vec<_>, Vec<_>) = withdrawn
            .into_iter()
            .partition(|(_, withdrawal)| *withdrawal == Withdrawal::Nulls);
        let names = |list: Vec<(String, Withdrawal)>| -> BTreeSet<String> {
            list.into_iter().map(|(name, _)| name).collect()
        };
        let denied = names(denied);
        Self {
            client: grant.client,
            person: grant.person,
            permissions: held.filter(|name| !denied.contains(name)).collect(),
            hollow: names(hollow),
        }
    }

    /// Whether the answer is not 403.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// Whether any of `permissions` lets the caller see more than ids.
    pub fn sees(&self, permissions: &[&str]) -> bool {
        permissions
            .iter()
            .any(|name| self.may(name) && !self.hollow.contains(*name))
    }

    /// The person, for `/me`: 400 to an app that has none.
    pub fn themselves(&self) -> Result<Uuid, Refusal> {
        self.person.ok_or_else(|| {
            Refusal::bad_request("/me request is only valid with delegated authentication flow.")
        })
    }
}
