//! The authorization endpoint: a page for people, a redirect for clients (RFC 6749 §4.1.1, OpenID Connect §3.1.2).
//!
//! What is wrong with the client or its redirect URI is told on the page, since nobody may be sent to an address
//! that was not registered; everything else goes back to the client.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use super::super::company::Registration;
use super::super::world::{Shared, World};
use super::client::{declares_cae, registered};
use super::code::Code;
use super::consent::{Decision, Visitor, signed_in};
use super::delegation::{Delegation, Scopes};
use super::refusal::Refusal;
use super::{Authority, Form};

/// The characters of a base64url SHA-256.
const CHALLENGE_LENGTH: usize = 43;

/// `GET`: answered at once if somebody is set to answer, by a form otherwise.
pub async fn ask(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let mut world = shared.world();
    let form = Form::of(query.unwrap_or_default().as_bytes());
    let visitor = world.sign_in.visitor.clone();
    answer(&mut world, &tenant, &form, visitor)
}

/// `POST`: the form with its decision.
pub async fn decide(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = shared.world();
    let form = Form::parse(&headers, &body);
    let visitor = Visitor {
        upn: form
            .get("signed_in_as")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        decision: match form.get("decision") {
            Some("accept") => Decision::Accept,
            _ => Decision::Decline,
        },
    };
    answer(&mut world, &tenant, &form, Some(visitor))
}

fn answer(world: &mut World, tenant: &str, form: &Form, visitor: Option<Visitor>) -> Response {
    let request = match Request::read(world, tenant, form) {
        Ok(request) => request,
        Err(refusal) => return refusal_page(&refusal),
    };
    let demands = match request.demands(world, form) {
        Ok(demands) => demands,
        Err(refusal) => return request.send_back(refusal_fields(&refusal)),
    };
    let Some(visitor) = visitor else {
        return match form.get("prompt") {
            Some("none") => request.send_back(refusal_fields(&Refusal::of(50058))),
            _ => page(&request, &demands, form).into_response(),
        };
    };
    let user = match (visitor.decision, signed_in(world, &visitor.upn)) {
        (Decision::Decline, Err(_)) => {
            return request.send_back(refusal_fields(&Refusal::of(65004)));
        }
        (_, Ok(user)) => user,
        (_, Err(refusal)) => return refusal_page(&refusal),
    };
    let decision = visitor.decision;
    match decision.carry_out(world, &request.client, &user, &demands.scopes) {
        Ok(scopes) => {
            let code = Code {
                delegation: Delegation {
                    is_public: request.is_public,
                    client: request.client.clone(),
                    person: user.object.id,
                    scopes,
                    is_cae: declares_cae(form),
                },
                redirect_uri: request.redirect_uri.clone(),
                challenge: demands.challenge,
                issued: world.clock.now(),
                is_spent: false,
                is_foreign: false,
            };
            let code = Code::issue(world, code);
            let session = world.random_id().to_string();
            request.send_back(vec![("code", code), ("session_state", session)])
        }
        Err(refusal) => request.send_back(refusal_fields(&refusal)),
    }
}

/// Who asks, and where the browser goes afterwards.
struct Request {
    client: Registration,
    is_public: bool,
    redirect_uri: String,
    state: Option<String>,
}

/// What is asked for.
struct Demands {
    scopes: Scopes,
    challenge: Option<String>,
}

impl Request {
    /// `Err` is for the page.
    fn read(world: &World, tenant: &str, form: &Form) -> Result<Self, Refusal> {
        Authority::parse(tenant, &world.company)?;
        let client = registered(world, form.require("client_id")?)?;
        let redirect_uri = form.require("redirect_uri")?.to_owned();
        let is_among = |registered: &std::collections::BTreeSet<String>| {
            registered.iter().any(|uri| is_match(uri, &redirect_uri))
        };
        let is_public = match (
            is_among(&client.redirect_uris),
            is_among(&client.public_redirect_uris),
        ) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => {
                let text = format!(
                    "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs \
                     configured for the application '{}'.",
                    client.client_id
                );
                return Err(Refusal::saying(50011, text));
            }
        };
        Ok(Self {
            client,
            is_public,
            redirect_uri,
            state: form.get("state").map(str::to_owned),
        })
    }

    /// `Err` is for the client.
    fn demands(&self, world: &World, form: &Form) -> Result<Demands, Refusal> {
        let response_type = form.require("response_type")?;
        if response_type != "code" {
            let text =
                format!("response_type '{response_type}' is not enabled for the application.");
            return Err(Refusal::saying(700051, text).under("unsupported_response_type"));
        }
        if form
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(Refusal::saying(
                900144,
                "Only response_mode 'query' is simulated.",
            ));
        }
        let challenge = form.get("code_challenge").map(str::to_owned);
        if let Some(challenge) = &challenge {
            let method = form.get("code_challenge_method");
            if method != Some("S256") || challenge.len() != CHALLENGE_LENGTH {
                return Err(Refusal::of(50147));
            }
        }
        Ok(Demands {
            scopes: Scopes::parse(world, form.require("scope")?)?,
            challenge,
        })
    }

    /// 302 to the client, with `fields` and the state in the query.
    fn send_back(&self, fields: Vec<(&str, String)>) -> Response {
        let mut url = Url::parse(&self.redirect_uri).expect("it matches a registered URL");
        let state = self.state.clone().map(|state| ("state", state));
        url.query_pairs_mut()
            .extend_pairs(fields.into_iter().chain(state));
        (StatusCode::FOUND, [(header::LOCATION, url.to_string())]).into_response()
    }
}

/// Equal; on loopback, equal but for the port ("Redirect URI restrictions and limitations").
fn is_match(registered: &str, sent: &str) -> bool {
    if registered == sent {
        return true;
    }
    let (Ok(registered), Ok(sent)) = (Url::parse(registered), Url::parse(sent)) else {
        return false;
    };
    let is_loopback = |url: &Url| {
        url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
    };
    is_loopback(&registered)
        && is_loopback(&sent)
        && registered.host_str() == sent.host_str()
        && registered.path() == sent.path()
        && registered.query() == sent.query()
        && sent.fragment().is_none()
}

fn refusal_fields(refusal: &Refusal) -> Vec<(&'static str, String)> {
    vec![
        ("error", refusal.error().to_owned()),
        ("error_description", refusal.summary()),
    ]
}

fn refusal_page(refusal: &Refusal) -> Response {
    let text = format!(
        "<!DOCTYPE html><title>Sign in</title><h1>Sorry, but we're having trouble signing you in.</h1><p>{}</p>",
        escape(&refusal.summary())
    );
    (StatusCode::BAD_REQUEST, Html(text)).into_response()
}

fn page(request: &Request, demands: &Demands, form: &Form) -> Html<String> {
    let hidden: String = form
        .fields()
        .map(|(name, value)| {
            let (name, value) = (escape(name), escape(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let scopes: String = demands
        .scopes
        .names
        .iter()
        .map(|scope| format!("<li>{}</li>", escape(scope)))
        .collect();
    let hint = escape(form.get("login_hint").unwrap_or_default());
    let client = request.client.client_id;
    Html(format!(
        "<!DOCTYPE html><title>Permissions requested</title><h1>Permissions requested</h1>\
         <p>The application {client} would like to:</p><ul>{scopes}</ul>\
         <form method=\"post\">{hidden}\
         <p><label>Sign in as <input name=\"signed_in_as\" value=\"{hint}\"></label></p>\
         <button name=\"decision\" value=\"accept\">Accept</button> \
         <button name=\"decision\" value=\"decline\">Decline</button></form>"
    ))
}

/// Text as it may stand in HTML and in its attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
