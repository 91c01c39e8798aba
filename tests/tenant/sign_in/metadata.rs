//! Documents without authentication: OpenID metadata, keys, and which kind of domain a user is in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::world::{Shared, World};
use super::Authority;

/// `/{tenant}/v2.0/.well-known/openid-configuration`: GUID-based URLs, also when asked by domain.
pub async fn openid_configuration(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
) -> Response {
    let mut world = shared.world();
    let (path, issuer) = match Authority::parse(&tenant, &world.company) {
        Ok(Authority::ThisTenant) => {
            let id = world.company.tenant_id.to_string();
            (id.clone(), id)
        }
        Ok(Authority::AnyAccount | Authority::AnyOrganization) => (tenant, "{tenantid}".to_owned()),
        Err(refusal) => {
            let ids = [world.random_id().to_string(), world.random_id().to_string()];
            let now = world.clock.now();
            return refusal.into_response(&world.base_url, now, &ids[0], &ids[1]);
        }
    };
    let body = Json(configuration(&world, &path, &issuer));
    ([(header::CACHE_CONTROL, "max-age=86400, private")], body).into_response()
}

fn configuration(world: &World, path: &str, issuer: &str) -> Value {
    let login = &world.base_url;
    let host = login.trim_start_matches("http://");
    json!({
        "token_endpoint": format!("{login}/{path}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{login}/{path}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{login}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{login}/oidc/userinfo"),
        "authorization_endpoint": format!("{login}/{path}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{login}/{path}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{login}/{path}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "preferred_username", "name"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": host,
    })
}

/// `/common/discovery/instance?api-version=1.1&authorization_endpoint=…`: which hosts are one cloud.
pub async fn instance_discovery(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    let mut world = shared.world();
    let form = super::Form::of(query.unwrap_or_default().as_bytes());
    let endpoint = form.get("authorization_endpoint").unwrap_or_default();
    let path = endpoint.strip_prefix(&format!("{}/", world.base_url));
    let segment = path.and_then(|path| path.split('/').next());
    let known = segment.map(|segment| Authority::parse(segment, &world.company));
    let Some(Ok(authority)) = known else {
        let ids = [world.random_id().to_string(), world.random_id().to_string()];
        let text = format!("Unknown or invalid instance: '{endpoint}'.");
        let refusal = super::Refusal::saying(50049, text).under("invalid_instance");
        return refusal.into_response(&world.base_url, world.clock.now(), &ids[0], &ids[1]);
    };
    let tenant = match authority {
        Authority::ThisTenant => world.company.tenant_id.to_string(),
        Authority::AnyAccount => "common".to_owned(),
        Authority::AnyOrganization => "organizations".to_owned(),
    };
    let own = world.base_url.trim_start_matches("http://");
    let cloud = |preferred: &str, cache: &str, aliases: &[&str]| json!({"preferred_network": preferred, "preferred_cache": cache, "aliases": aliases});
    Json(json!({
        "tenant_discovery_endpoint":
            format!("{}/{tenant}/v2.0/.well-known/openid-configuration", world.base_url),
        "api-version": "1.1",
        "metadata": [
            cloud(own, own, &[own]),
            cloud(
                "login.partner.microsoftonline.cn",
                "login.partner.microsoftonline.cn",
                &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
            ),
            cloud(
                "login.microsoftonline.us",
                "login.microsoftonline.us",
                &["login.microsoftonline.us", "login.usgovcloudapi.net"],
            ),
        ],
    }))
    .into_response()
}

/// The keys that sign tokens: none, since nobody signs here.
pub async fn keys() -> Json<Value> {
    Json(json!({"keys": []}))
}

/// `/common/userrealm/{upn or domain}?api-version=1.0`
pub async fn user_realm(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    if query.as_deref() != Some("api-version=1.0") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let world = shared.world();
    let domain = name.rsplit('@').next().unwrap_or_default();
    let account_type = match world.company.verified_domain(domain) {
        Some(domain) if domain.is_federated => "Federated",
        Some(_) => "Managed",
        None => "Unknown",
    };
    let mut body = json!({
        "ver": "1.0",
        "account_type": account_type,
        "domain_name": domain,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    });
    if account_type == "Federated" {
        let server = format!("https://sts.{domain}");
        body["federation_protocol"] = json!("WSTrust");
        body["federation_metadata_url"] = json!(format!("{server}/adfs/services/trust/mex"));
        body["federation_active_auth_url"] =
            json!(format!("{server}/adfs/services/trust/2005/usernamemixed"));
    }
    Json(body).into_response()
}
