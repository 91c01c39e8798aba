//! The client: which app it is, whether it proves it, and tokens for itself (client credentials grant).

use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::company::Registration;
use super::super::world::World;
use super::refusal::Refusal;
use super::{Authority, Form};

/// An app-only token for Graph, without `roles` if nothing was consented to; never a refresh token.
pub fn grant(
    world: &mut World,
    authority: Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    if authority != Authority::ThisTenant {
        return Err(Refusal::of(50059));
    }
    let client = identify(world, headers, form)?;
    if !client.is_authenticated {
        return Err(Refusal::of(7000218));
    }
    let scope = form.require("scope")?;
    if scope != format!("{}/.default", world.base_url) {
        return Err(invalid_scope(scope));
    }
    let lifetime = world.access_tokens.lifetime().as_secs();
    let access_token = world.issue_access_token(client.registration.roles, BTreeSet::new());
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token,
    }))
}

/// 70011 about `scope`.
pub fn invalid_scope(scope: &str) -> Refusal {
    Refusal::saying(
        70011,
        format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        ),
    )
}

/// The app behind a request.
pub struct Client {
    /// Its registration.
    pub registration: Registration,
    /// It sent a secret, and the secret is right.
    pub is_authenticated: bool,
}

/// Finds the app and checks the secret it sent, in the body or as Basic authorization; one that sent none is
/// not refused here.
pub fn identify(world: &World, headers: &HeaderMap, form: &Form) -> Result<Client, Refusal> {
    let (basic_id, basic_secret) = basic(headers).unzip();
    let client_id = match &basic_id {
        Some(id) => id,
        None => form.require("client_id")?,
    };
    let registrations = &world.company.registrations;
    let registration = registrations
        .iter()
        .find(|registration| registration.client_id.to_string().eq_ignore_ascii_case(client_id))
        .ok_or_else(|| {
            let directory = &world.company.display_name;
            Refusal::saying(
                700016,
                format!("Application with identifier '{client_id}' was not found in the directory '{directory}'."),
            )
        })?;
    let secret = basic_secret.as_deref().or(form.get("client_secret"));
    let is_authenticated = match secret {
        None => false,
        Some(secret) if registration.secrets.contains(secret) => true,
        Some(secret) if registration.expired_secrets.contains(secret) => {
            return Err(Refusal::of(7000222));
        }
        Some(_) => return Err(Refusal::of(7000215)),
    };
    Ok(Client {
        registration: registration.clone(),
        is_authenticated,
    })
}

/// Client id and secret from a Basic header, each form-encoded first (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let mut pairs = url::form_urlencoded::parse(part.as_bytes());
        pairs.next().map(|(key, _)| key.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}
