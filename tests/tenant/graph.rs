//! Microsoft Graph v1.0: authorisation, headers, and who answers which path.

pub mod batch;
pub mod caller;
pub mod filter;
pub mod list;
pub mod object;
pub mod properties;
pub mod query;
pub mod refusal;
pub mod relation;
pub mod throttle;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::{Value, json};

use super::clock::graph_stamp;
use super::delta;
use super::world::{Shared, World};
use caller::Caller;
use properties::Collection;
use query::Query;
use refusal::Refusal;

/// The spellings of the delta function that Graph understands, and now and then uses itself.
pub const DELTA_SPELLINGS: [&str; 4] = [
    "delta",
    "delta()",
    "microsoft.graph.delta",
    "microsoft.graph.delta()",
];

const CONTENT_TYPE: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"AM0SIMULATED"}}"#;
/// Graph's own application id, named in every challenge.
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// Permissions of `/me` and what hangs on it.
const OWN: [&str; 3] = ["User.Read", "User.Read.All", "Directory.Read.All"];

/// Everything under `/v1.0`.
pub fn routes() -> Router<Arc<Shared>> {
    let mut routes = Router::new().route("/v1.0/organization", get(organization));
    for collection in [Collection::Users, Collection::Groups] {
        let path = format!("/v1.0/{}", collection.segment());
        routes = routes.route(&path, answering(collection, list::page));
        for spelling in DELTA_SPELLINGS {
            let path = format!("{path}/{spelling}");
            routes = routes.route(&path, answering(collection, delta::page));
        }
        let one = get(move |state, path, head| one(state, path, head, collection));
        let some = get(move |state, path, head| related(state, path, head, collection));
        let cast = get(move |state, path, head| related_of_type(state, path, head, collection));
        routes = routes
            .route(&format!("{path}/{{id}}"), one)
            .route(&format!("{path}/{{id}}/{{relation}}"), some)
            .route(&format!("{path}/{{id}}/{{relation}}/{{cast}}"), cast);
    }
    routes
        .route("/v1.0/me", get(me))
        .route("/v1.0/me/{relation}", get(own))
        .route("/v1.0/me/{relation}/{cast}", get(own_of_type))
        .route("/v1.0/directory/deletedItems/{cast}", get(recycle_bin))
        .route("/v1.0/$batch", post(batch::batch))
        .fallback(unknown_path)
}

/// A page of a collection, or why there is none.
type PageOf = fn(&mut World, &Caller, Collection, &Query) -> Result<Value, Refusal>;

fn answering(collection: Collection, page: PageOf) -> MethodRouter<Arc<Shared>> {
    get(
        move |State(shared): State<Arc<Shared>>, head: Parts| async move {
            respond(
                &shared,
                &head,
                collection.permissions(),
                |world, caller, query| page(world, caller, collection, query),
            )
        },
    )
}

async fn one(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    head: Parts,
    collection: Collection,
) -> Response {
    respond(
        &shared,
        &head,
        collection.permissions(),
        |world, caller, query| {
            let id = object::find(world, collection, &name)?;
            object::get(world, caller, collection, id, query)
        },
    )
}

async fn related(
    State(shared): State<Arc<Shared>>,
    Path((name, relation)): Path<(String, String)>,
    head: Parts,
    collection: Collection,
) -> Response {
    relation_of(&shared, &head, collection, &name, relation, None)
}

async fn related_of_type(
    State(shared): State<Arc<Shared>>,
    Path((name, relation, cast)): Path<(String, String, String)>,
    head: Parts,
    collection: Collection,
) -> Response {
    relation_of(&shared, &head, collection, &name, relation, Some(cast))
}

fn relation_of(
    shared: &Shared,
    head: &Parts,
    collection: Collection,
    name: &str,
    relation: String,
    cast: Option<String>,
) -> Response {
    respond(
        shared,
        head,
        collection.permissions(),
        |world, caller, query| {
            let path = relation::Path {
                root: format!("{}/{name}", collection.segment()),
                id: object::find(world, collection, name)?,
                relation,
                cast,
            };
            relation::page(world, caller, &path, query)
        },
    )
}

async fn me(State(shared): State<Arc<Shared>>, head: Parts) -> Response {
    respond(&shared, &head, &OWN, |world, caller, query| {
        object::get(
            world,
            caller,
            Collection::Users,
            caller.themselves()?,
            query,
        )
    })
}

async fn own(
    State(shared): State<Arc<Shared>>,
    Path(relation): Path<String>,
    head: Parts,
) -> Response {
    own_relation(&shared, &head, relation, None)
}

async fn own_of_type(
    State(shared): State<Arc<Shared>>,
    Path((relation, cast)): Path<(String, String)>,
    head: Parts,
) -> Response {
    own_relation(&shared, &head, relation, Some(cast))
}

fn own_relation(shared: &Shared, head: &Parts, relation: String, cast: Option<String>) -> Response {
    respond(shared, head, &OWN, |world, caller, query| {
        let path = relation::Path {
            root: "me".to_owned(),
            id: caller.themselves()?,
            relation,
            cast,
        };
        relation::page(world, caller, &path, query)
    })
}

async fn recycle_bin(
    State(shared): State<Arc<Shared>>,
    Path(cast): Path<String>,
    head: Parts,
) -> Response {
    let (collection, permissions): (_, &[&str]) = match cast.as_str() {
        "microsoft.graph.user" => (Collection::Users, Collection::Users.permissions()),
        "microsoft.graph.group" => (
            Collection::Groups,
            &["Group.Read.All", "Directory.Read.All"],
        ),
        _ => {
            return respond(&shared, &head, &[], |_, _, _| {
                Err(Refusal::unknown_segment())
            });
        }
    };
    let place = format!("directory/deletedItems/{cast}");
    respond(&shared, &head, permissions, |world, _, query| {
        object::deleted(world, collection, &place, query)
    })
}

async fn organization(State(shared): State<Arc<Shared>>, head: Parts) -> Response {
    // Lenient on purpose: whether User.Read.All alone opens this to an app is not confirmed, and a client can
    // do without the answer.
    let permissions = [
        "Organization.Read.All",
        "User.Read.All",
        "Directory.Read.All",
    ];
    respond(&shared, &head, &permissions, |world, _, _| {
        Ok(about_the_company(world))
    })
}

async fn unknown_path(State(shared): State<Arc<Shared>>, head: Parts) -> Response {
    respond(&shared, &head, &[], |_, _, _| {
        Err(Refusal::unknown_segment())
    })
}

fn about_the_company(world: &World) -> Value {
    let company = &world.company;
    let domains: Vec<Value> = company
        .domains
        .iter()
        .map(|domain| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": domain.name == company.default_domain(),
                "isInitial": domain.is_initial,
                "name": domain.name,
                "type": if domain.is_federated { "Federated" } else { "Managed" },
            })
        })
        .collect();
    json!({
        "@odata.context": format!("{}/v1.0/$metadata#organization", world.base_url),
        "value": [{
            "id": company.tenant_id.to_string(),
            "displayName": company.display_name,
            "createdDateTime": "2014-02-11T09:00:00Z",
            "tenantType": "AAD",
            "verifiedDomains": domains,
        }],
    })
}

/// Checks the token and the quota, runs `answer`, and dresses the result in Graph's headers.
///
/// An empty list of permissions asks for a valid token only.
fn respond(
    shared: &Shared,
    head: &Parts,
    permissions: &[&str],
    answer: impl FnOnce(&mut World, &Caller, &Query) -> Result<Value, Refusal>,
) -> Response {
    let mut world = shared.world();
    let cost = throttle::cost(head);
    let caller = authorize(&world, &head.headers, permissions);
    let now = world.clock.now();
    let (metering, overdraft) = world.throttle.charge(cost, now);
    let outcome = match (caller, overdraft) {
        (Err(refusal), _) | (Ok(_), Some(refusal)) => Err(refusal),
        (Ok(caller), None) => Query::parse(head.uri.query(), &head.headers)
            .and_then(|query| answer(&mut world, &caller, &query)),
    };
    let mut response = dress(&mut world, &head.headers, outcome);
    response.headers_mut().extend(metering);
    response
}

/// An answer that costs nothing and needs no token of its own.
fn respond_plainly(
    shared: &Shared,
    headers: &HeaderMap,
    outcome: Result<Value, Refusal>,
) -> Response {
    dress(&mut shared.world(), headers, outcome)
}

fn dress(world: &mut World, headers: &HeaderMap, outcome: Result<Value, Refusal>) -> Response {
    let request_id = world.random_id().to_string();
    let sent_id = headers.get("client-request-id");
    let client_request_id = sent_id
        .and_then(|id| id.to_str().ok())
        .unwrap_or(&request_id)
        .to_owned();
    let mut response = match outcome {
        Ok(body) => (StatusCode::OK, body.to_string()).into_response(),
        Err(refusal) => {
            let date = graph_stamp(world.clock.now());
            refusal.into_response(&date, &request_id, &client_request_id)
        }
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).expect("these values are plain ASCII");
        headers.insert(name, value);
    };
    set("content-type", CONTENT_TYPE);
    set("cache-control", "no-cache");
    set("request-id", &request_id);
    set("client-request-id", &client_request_id);
    set("x-ms-ags-diagnostic", DIAGNOSTIC);
    response
}

/// Whom the bearer token speaks for, if it is one of ours, for this Graph, alive, and strong enough.
fn authorize(world: &World, headers: &HeaderMap, permissions: &[&str]) -> Result<Caller, Refusal> {
    let authorization = headers.get(header::AUTHORIZATION);
    let token = authorization
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| Refusal::bad_token("Access token is empty."))?;
    let grant = world.access_tokens.grant(token).ok_or_else(|| {
        Refusal::bad_token("CompactToken parsing failed with error code: 80049217")
    })?;
    if grant.audience != world.base_url {
        return Err(Refusal::bad_token(
            "Access token validation failure. Invalid audience.",
        ));
    }
    if grant.expires <= world.clock.now() {
        return Err(Refusal::bad_token(
            "Lifetime validation failed, the token is expired.",
        ));
    }
    if grant.is_challenged {
        let nbf = world.clock.now().as_second();
        return Err(Refusal::challenge(grant.is_cae.then_some(nbf)));
    }
    let caller = Caller::of(world, grant);
    if permissions.is_empty() || permissions.iter().any(|name| caller.may(name)) {
        return Ok(caller);
    }
    Err(Refusal::insufficient_privileges())
}
