//! The sign-in service: the token endpoint and the documents a client may read before it.

pub mod assertion;
pub mod authorize;
pub mod client;
pub mod code;
pub mod consent;
pub mod delegation;
pub mod device;
pub mod lockout;
pub mod metadata;
pub mod password;
pub mod refresh;
pub mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use uuid::Uuid;

use super::Tenant;
use super::company::Company;
use super::world::{Shared, World};
use lockout::Lockout;
use refusal::Refusal;

/// What the service remembers and how it is set up.
#[derive(Default)]
pub struct SignInService {
    lockouts: BTreeMap<Uuid, Lockout>,
    /// A Home Realm Discovery policy with `AllowCloudPasswordValidation`, and password hash sync.
    checks_federated_passwords: bool,
    /// Who answers consent pages without a browser, and how.
    visitor: Option<consent::Visitor>,
    codes: code::Codes,
    refresh_tokens: refresh::RefreshTokens,
    devices: device::Devices,
    /// `jti` of client assertions seen.
    assertions_seen: BTreeSet<String>,
}

/// Everything on the login host.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize::ask).post(authorize::decide),
        )
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::start))
        .route("/devicelogin", get(device::page).post(device::decide))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(metadata::openid_configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(metadata::keys))
        .route("/common/userrealm/{name}", get(metadata::user_realm))
        .route(
            "/common/discovery/instance",
            get(metadata::instance_discovery),
        )
}

/// The `{tenant}` of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// This tenant, by GUID or by verified domain.
    ThisTenant,
    /// `common` or `consumers`
    AnyAccount,
    /// `organizations`
    AnyOrganization,
}

impl Authority {
    /// Reads the path segment; `Err` for a tenant nobody knows.
    pub fn parse(segment: &str, company: &Company) -> Result<Self, Refusal> {
        let is_id = Uuid::parse_str(segment).is_ok_and(|id| id == company.tenant_id);
        match segment.to_ascii_lowercase().as_str() {
            "common" | "consumers" => Ok(Self::AnyAccount),
            "organizations" => Ok(Self::AnyOrganization),
            _ if is_id || company.verified_domain(segment).is_some() => Ok(Self::ThisTenant),
            _ => Err(Refusal::saying(
                90002,
                format!("Tenant '{segment}' not found."),
            )),
        }
    }
}

/// The fields of a form-encoded body; a body of another type has none.
pub struct Form(BTreeMap<String, String>);

impl Form {
    fn parse(headers: &HeaderMap, body: &[u8]) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE);
        let is_form = content_type.is_some_and(|value| {
            value
                .as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        Self::of(if is_form { body } else { b"" })
    }

    /// Reads form-encoded text, such as a query.
    pub fn of(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A field without which the request makes no sense: 900144.
    pub fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            Refusal::saying(900144, text)
        })
    }
}

async fn token(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = shared.world();
    let form = Form::parse(&headers, &body);
    let outcome = answer(&mut world, &tenant, &headers, &form);
    respond(&mut world, &headers, outcome)
}

/// Dresses an answer of a JSON endpoint in the service's headers.
fn respond(world: &mut World, headers: &HeaderMap, outcome: Result<Value, Refusal>) -> Response {
    let trace_id = world.random_id().to_string();
    let (mut response, code) = match outcome {
        Ok(body) => ((axum::Json(body)).into_response(), 0),
        Err(refusal) => {
            let sent_id = headers.get("client-request-id");
            let correlation_id = match sent_id.and_then(|id| id.to_str().ok()) {
                Some(id) => id.to_owned(),
                None => world.random_id().to_string(),
            };
            let now = world.clock.now();
            let code = refusal.code();
            (
                refusal.into_response(&world.base_url, now, &trace_id, &correlation_id),
                code,
            )
        }
    };
    let mut set = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).expect("these values are plain ASCII");
        response.headers_mut().insert(name, value);
    };
    set("cache-control", "no-store, no-cache");
    set("pragma", "no-cache");
    set("x-ms-request-id", &trace_id);
    set("x-ms-ests-server", "2.1.0 - SIMULATED");
    set("x-ms-clitelem", &format!("1,{code},0,,"));
    response
}

/// The order of checks: request shape, tenant, client and its credential, then the grant's own.
fn answer(
    world: &mut World,
    tenant: &str,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    let grant_type = form.require("grant_type")?;
    if ["client_credentials", "password"].contains(&grant_type) {
        form.require("scope")?;
    }
    let authority = Authority::parse(tenant, &world.company)?;
    match grant_type {
        "client_credentials" => client::grant(world, authority, headers, form),
        "password" => password::grant(world, authority, headers, form),
        "authorization_code" => code::grant(world, headers, form),
        "refresh_token" => refresh::grant(world, headers, form),
        device::GRANT_TYPE => device::grant(world, authority, headers, form),
        other => {
            let text = format!("The app requested an unsupported grant type '{other}'.");
            Err(Refusal::saying(70003, text))
        }
    }
}

impl Tenant {
    /// Whether passwords of federated domains are checked in the cloud too.
    pub fn check_federated_passwords(&self, checks: bool) {
        self.world().sign_in.checks_federated_passwords = checks;
    }
}
