//! The client: which app it is, whether it proves it, and tokens for itself (client credentials grant).

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::company::Registration;
use super::super::token::Order;
use super::super::world::World;
use super::refusal::Refusal;
use super::{Authority, Form, assertion};

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
    let client = client.confidential()?;
    let scope = form.require("scope")?;
    if scope != format!("{}/.default", world.base_url) {
        return Err(invalid_scope(scope));
    }
    let is_cae = declares_cae(form);
    let lifetime = world.access_tokens.lifetime(is_cae).as_secs();
    let access_token = world.issue_access_token(Order {
        permissions: client.registration.roles.clone(),
        client: &client.registration,
        person: None,
        is_cae,
    });
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

/// Whether the request declares `cp1`, the capability to understand claims challenges.
pub fn declares_cae(form: &Form) -> bool {
    let claims = form.get("claims");
    let claims: Option<Value> = claims.and_then(|text| serde_json::from_str(text).ok());
    let values = claims
        .as_ref()
        .map(|claims| &claims["access_token"]["xms_cc"]["values"]);
    values
        .and_then(Value::as_array)
        .is_some_and(|values| values.contains(&json!("cp1")))
}

/// The app behind a request.
pub struct Client {
    /// Its registration.
    pub registration: Registration,
    /// It sent a secret or an assertion, and that is right.
    pub is_authenticated: bool,
}

impl Client {
    /// Proves itself, or 7000218.
    pub fn confidential(self) -> Result<Self, Refusal> {
        match self.is_authenticated {
            true => Ok(self),
            false => Err(Refusal::of(7000218)),
        }
    }

    /// Has nothing to prove itself with, or 700025.
    pub fn public(self) -> Result<Self, Refusal> {
        match self.is_authenticated {
            true => Err(Refusal::of(700025)),
            false => Ok(self),
        }
    }
}

/// The app called `client_id`: 700016 if there is none.
pub fn registered(world: &World, client_id: &str) -> Result<Registration, Refusal> {
    world.company.registration_called(client_id).cloned().ok_or_else(|| {
        let directory = &world.company.display_name;
        Refusal::saying(
            700016,
            format!("Application with identifier '{client_id}' was not found in the directory '{directory}'."),
        )
    })
}

/// Finds the app and checks the secret it sent, in the body or as Basic authorization, or its assertion; one that
/// sent neither is not refused here.
pub fn identify(world: &mut World, headers: &HeaderMap, form: &Form) -> Result<Client, Refusal> {
    let (basic_id, basic_secret) = basic(headers).unzip();
    let client_id = match &basic_id {
        Some(id) => id,
        None => form.require("client_id")?,
    };
    let registration = registered(world, client_id)?;
    let secret = basic_secret.as_deref().or(form.get("client_secret"));
    let is_authenticated = match secret {
        None => assertion::verify(world, &registration, form)?,
        Some(secret) if registration.secrets.contains(secret) => true,
        Some(secret) if registration.expired_secrets.contains(secret) => {
            return Err(Refusal::of(7000222));
        }
        Some(_) => return Err(Refusal::of(7000215)),
    };
    Ok(Client {
        registration,
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
