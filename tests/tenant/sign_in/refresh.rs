//! Refresh tokens: renewed at every use, the old one staying good, until idle for 90 days or revoked.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::super::Tenant;
use super::super::clock::span;
use super::super::company::Life;
use super::super::world::World;
use super::Form;
use super::client::{declares_cae, identify};
use super::delegation::{Delegation, Scopes};
use super::refusal::Refusal;

/// A refresh token that nobody used for this long is dead (refresh tokens, "Token lifetime").
const IDLE_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Refresh tokens handed out.
#[derive(Default)]
pub struct RefreshTokens(BTreeMap<String, RefreshToken>);

/// What a refresh token stands for; the token itself is a meaningless key.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    delegation: Delegation,
    issued: Timestamp,
    used: Timestamp,
    /// The AADSTS code that using it ends with.
    fate: Option<u32>,
}

impl RefreshToken {
    /// Hands out a token for `delegation`.
    pub fn issue(world: &mut World, delegation: &Delegation) -> String {
        let token = format!("0.{}", world.random_token(200));
        let now = world.clock.now();
        let stands_for = Self {
            delegation: delegation.clone(),
            issued: now,
            used: now,
            fate: None,
        };
        let tokens = &mut world.sign_in.refresh_tokens.0;
        tokens.insert(token.clone(), stands_for);
        token
    }
}

/// New tokens for an old refresh token, which stays as it is.
///
/// The order of checks: client and its proof, the token, the person, consent.
pub fn grant(world: &mut World, headers: &HeaderMap, form: &Form) -> Result<Value, Refusal> {
    let text = form.require("refresh_token")?;
    let client = identify(world, headers, form)?;
    let known = world.sign_in.refresh_tokens.0.get(text).cloned();
    let token = known.ok_or_else(|| Refusal::of(9002313))?;
    if token.delegation.client.client_id != client.registration.client_id {
        return Err(Refusal::of(70000));
    }
    let client = match token.delegation.is_public {
        true => client.public()?,
        false => client.confidential()?,
    };
    check_fate(world, &token)?;
    check_person(world, token.delegation.person)?;
    let scopes = match form.get("scope") {
        Some(scope) => Scopes::consented(world, &client.registration, scope)?,
        None => {
            let mut scopes = token.delegation.scopes.clone();
            let consented = client
                .registration
                .standing(client.registration.scopes.clone());
            let lacking = scopes.lacking(&consented);
            if consented.is_empty() {
                return Err(Refusal::of(65001));
            }
            scopes.names.retain(|name| !lacking.contains(name));
            scopes
        }
    };
    let granted = token.delegation.scopes.clone();
    let delegation = Delegation {
        client: client.registration,
        scopes: renewable(scopes, &token.delegation.scopes),
        is_cae: declares_cae(form),
        ..token.delegation
    };
    let now = world.clock.now();
    if let Some(token) = world.sign_in.refresh_tokens.0.get_mut(text) {
        token.used = now;
    }
    let answer = delegation.issue(world);
    // It is bound to person and app, not to what this one answer was good for.
    let new = answer["refresh_token"].as_str().unwrap_or_default();
    if let Some(new) = world.sign_in.refresh_tokens.0.get_mut(new) {
        new.delegation.scopes = granted;
    }
    Ok(answer)
}

/// A refresh always brings a new refresh token, whether or not the request names `offline_access` again.
fn renewable(mut scopes: Scopes, granted: &Scopes) -> Scopes {
    let offline = granted.names.get("offline_access").cloned();
    scopes.names.extend(offline);
    scopes
}

fn check_fate(world: &World, token: &RefreshToken) -> Result<(), Refusal> {
    let now = world.clock.now();
    if let Some(code) = token.fate {
        let refusal = match code {
            50173 => Refusal::saying(code, revoked_text(token.issued, now)),
            _ => Refusal::of(code),
        };
        return Err(refusal);
    }
    if now.duration_since(token.used) >= span(IDLE_MAX) {
        let text = format!(
            "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for \
             90.00:00:00.",
            token.issued
        );
        return Err(Refusal::saying(700082, text));
    }
    Ok(())
}

fn revoked_text(issued: Timestamp, now: Timestamp) -> String {
    format!(
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have \
         changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before \
         which tokens are not valid) for this user is '{now}'."
    )
}

fn check_person(world: &World, id: Uuid) -> Result<(), Refusal> {
    let user = &world.company.users[&id];
    if user.object.life != Life::Alive {
        return Err(Refusal::of(50034));
    }
    if !user.is_enabled() {
        return Err(Refusal::of(50057));
    }
    match user.account.scripted_refresh {
        Some(code) => Err(Refusal::of(code)),
        None => Ok(()),
    }
}

impl Tenant {
    /// Ends every refresh on `upn`'s behalf with that AADSTS code, or no longer.
    pub fn script_refresh(&self, upn: &str, code: Option<u32>) {
        self.world().company.account_mut(upn).scripted_refresh = code;
    }

    /// Ends every use of that refresh token with that AADSTS code, or no longer.
    pub fn script_refresh_token(&self, token: &str, code: Option<u32>) {
        let mut world = self.world();
        let token = world.sign_in.refresh_tokens.0.get_mut(token);
        token.expect("the token was handed out here").fate = code;
    }

    /// The person changes the password: refresh tokens of public clients are revoked, those of confidential
    /// clients live on (refresh tokens, "Token revocation").
    pub fn change_password(&self, upn: &str) {
        self.revoke_refresh_tokens(upn, |token| token.delegation.is_public);
    }

    /// All the person's sessions are revoked, and with them every refresh token.
    pub fn revoke_sessions(&self, upn: &str) {
        self.revoke_refresh_tokens(upn, |_| true);
    }

    /// How many refresh tokens were handed out.
    pub fn refresh_tokens_issued(&self) -> usize {
        self.world().sign_in.refresh_tokens.0.len()
    }

    fn revoke_refresh_tokens(&self, upn: &str, is_revoked: impl Fn(&RefreshToken) -> bool) {
        let mut world = self.world();
        let person = world.company.user_id(upn);
        let tokens = world.sign_in.refresh_tokens.0.values_mut();
        for token in tokens.filter(|token| token.delegation.person == person) {
            if is_revoked(token) {
                token.fate = Some(50173);
            }
        }
    }
}
