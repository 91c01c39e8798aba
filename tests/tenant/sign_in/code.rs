//! Authorization codes: ten minutes, once, and only for whoever holds the verifier (RFC 6749 §4.1, RFC 7636).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::super::Tenant;
use super::super::clock::span;
use super::super::world::World;
use super::Form;
use super::client::{declares_cae, identify};
use super::delegation::Delegation;
use super::refusal::Refusal;

/// How long a code can be redeemed.
const LIFETIME: Duration = Duration::from_secs(600);

/// Codes handed out, redeemed ones included.
#[derive(Default)]
pub struct Codes(BTreeMap<String, Code>);

/// What a code stands for.
#[derive(Clone, Debug)]
pub struct Code {
    /// What was agreed on.
    pub delegation: Delegation,
    /// Where the browser was sent.
    pub redirect_uri: String,
    /// base64url of the verifier's SHA-256.
    pub challenge: Option<String>,
    /// When it was handed out.
    pub issued: Timestamp,
    /// It cannot be redeemed again.
    pub is_spent: bool,
    /// Another tenant's sign-in service made it.
    pub is_foreign: bool,
}

impl Code {
    /// Hands out a code for what it stands for.
    pub fn issue(world: &mut World, stands_for: Self) -> String {
        let code = format!("0.A{}", world.random_token(120));
        world.sign_in.codes.0.insert(code.clone(), stands_for);
        code
    }
}

/// Tokens for a code.
pub fn grant(world: &mut World, headers: &HeaderMap, form: &Form) -> Result<Value, Refusal> {
    let text = form.require("code")?;
    let redirect_uri = form.require("redirect_uri")?;
    let client = identify(world, headers, form)?;
    let known = world.sign_in.codes.0.get(text).cloned();
    let code = known.ok_or_else(|| Refusal::of(70000))?;
    if code.delegation.client.client_id != client.registration.client_id {
        return Err(Refusal::of(70000));
    }
    match code.delegation.is_public {
        true => client.public()?,
        false => client.confidential()?,
    };
    if code.is_foreign {
        return Err(Refusal::of(700005));
    }
    if code.is_spent {
        return Err(Refusal::of(54005));
    }
    if world.clock.now().duration_since(code.issued) >= span(LIFETIME) {
        return Err(Refusal::of(70008));
    }
    if code.redirect_uri != redirect_uri {
        return Err(Refusal::of(500112));
    }
    if let Some(challenge) = &code.challenge {
        let verifier = form.get("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != *challenge {
            return Err(Refusal::of(501481));
        }
    }
    if let Some(code) = world.sign_in.codes.0.get_mut(text) {
        code.is_spent = true;
    }
    let delegation = Delegation {
        is_cae: declares_cae(form),
        ..code.delegation
    };
    Ok(delegation.issue(world))
}

impl Tenant {
    /// Every code handed out so far turns out to be another tenant's: 700005.
    pub fn estrange_codes(&self) {
        for code in self.world().sign_in.codes.0.values_mut() {
            code.is_foreign = true;
        }
    }
}
