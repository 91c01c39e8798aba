//! The device code flow: a code shown here, typed in elsewhere (RFC 8628).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{Html, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Tenant;
use super::super::clock::span;
use super::super::company::Registration;
use super::super::world::{Shared, World};
use super::authorize::escape;
use super::client::{declares_cae, identify, registered};
use super::consent::{Decision, signed_in};
use super::delegation::{Delegation, Scopes};
use super::refusal::Refusal;
use super::{Authority, Form, respond};

/// The grant type of polls.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long a code can be typed in.
const LIFETIME: Duration = Duration::from_secs(900);
/// A poll may come this much early: clocks and networks are no metronomes.
const TOLERANCE: Duration = Duration::from_millis(100);

/// Codes handed out.
pub struct Devices {
    devices: BTreeMap<String, Device>,
    interval: Duration,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            devices: BTreeMap::new(),
            interval: Duration::from_secs(5),
        }
    }
}

/// One device waiting for its person.
#[derive(Clone, Debug)]
struct Device {
    user_code: String,
    client: Registration,
    scopes: Scopes,
    issued: Timestamp,
    interval: Duration,
    polls: usize,
    last_poll: Option<Timestamp>,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    Pending,
    Approved(Uuid, Scopes),
    Refused(Refusal),
    Collected,
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub async fn start(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = shared.world();
    let form = Form::parse(&headers, &body);
    let outcome = hand_out(&mut world, &tenant, &form);
    respond(&mut world, &headers, outcome)
}

fn hand_out(world: &mut World, tenant: &str, form: &Form) -> Result<Value, Refusal> {
    if Authority::parse(tenant, &world.company)? == Authority::AnyAccount {
        return Err(Refusal::saying(
            90133,
            "Device code flow is not supported over the /common endpoint.",
        )
        .under("invalid_request"));
    }
    let client = registered(world, form.require("client_id")?)?;
    let scopes = Scopes::parse(world, form.require("scope")?)?;
    let device_code = world.random_token(160);
    let letters: String = world.random_token(64).to_uppercase();
    let user_code: String = letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(9)
        .collect();
    let interval = world.sign_in.devices.interval;
    let device = Device {
        user_code: user_code.clone(),
        client,
        scopes,
        issued: world.clock.now(),
        interval,
        polls: 0,
        last_poll: None,
        answer: Answer::Pending,
    };
    let devices = &mut world.sign_in.devices.devices;
    devices.insert(device_code.clone(), device);
    let page = format!("{}/devicelogin", world.base_url);
    Ok(json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": page,
        "expires_in": LIFETIME.as_secs(),
        "interval": interval.as_secs(),
        "message": format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
        ),
    }))
}

/// A poll.
pub fn grant(
    world: &mut World,
    authority: Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    if authority == Authority::AnyAccount {
        return Err(Refusal::of(9001023));
    }
    let code = form.require("device_code")?;
    let client = identify(world, headers, form)?;
    let client = match client.registration.allows_public_client {
        true => client.public()?,
        false => client.confidential()?,
    };
    let now = world.clock.now();
    let device = world.sign_in.devices.devices.get_mut(code);
    let device = device.ok_or_else(|| Refusal::of(70018))?;
    if device.client.client_id != client.registration.client_id {
        return Err(Refusal::of(70018));
    }
    device.polls += 1;
    let last_poll = device.last_poll.replace(now);
    let is_early =
        |last: Timestamp| now.duration_since(last) + span(TOLERANCE) < span(device.interval);
    if last_poll.is_some_and(is_early) {
        return Err(Refusal::saying(70016, "Polling faster than the interval.").under("slow_down"));
    }
    if now.duration_since(device.issued) >= span(LIFETIME) {
        return Err(Refusal::of(70019));
    }
    match device.answer.clone() {
        Answer::Pending => Err(Refusal::of(70016)),
        Answer::Refused(refusal) => Err(refusal),
        Answer::Collected => Err(Refusal::of(90120)),
        Answer::Approved(person, scopes) => {
            device.answer = Answer::Collected;
            let delegation = Delegation {
                is_public: !client.is_authenticated,
                client: client.registration,
                person,
                scopes,
                is_cae: declares_cae(form),
            };
            Ok(delegation.issue(world))
        }
    }
}

/// Answers the device that shows `user_code`; says who does not exist, or that the code does not.
fn settle(
    world: &mut World,
    user_code: &str,
    upn: &str,
    decision: Decision,
) -> Result<(), Refusal> {
    let now = world.clock.now();
    let mut waiting = world.sign_in.devices.devices.values().filter(|device| {
        device.user_code.eq_ignore_ascii_case(user_code)
            && now.duration_since(device.issued) < span(LIFETIME)
            && matches!(device.answer, Answer::Pending)
    });
    let device = waiting.next().cloned().ok_or_else(|| Refusal::of(70018))?;
    let outcome = match decision {
        Decision::Decline => Err(Refusal::of(65004).under("authorization_declined")),
        decision => {
            let user = signed_in(world, upn)?;
            let scopes = decision.carry_out(world, &device.client, &user, &device.scopes);
            scopes.map(|scopes| (user.object.id, scopes))
        }
    };
    let answer = match outcome {
        Ok((person, scopes)) => Answer::Approved(person, scopes),
        Err(refusal) => Answer::Refused(refusal),
    };
    let devices = world.sign_in.devices.devices.values_mut();
    for device in devices.filter(|other| other.user_code == device.user_code) {
        device.answer = answer.clone();
    }
    Ok(())
}

/// `GET /devicelogin`: where a person types the code in.
pub async fn page() -> Html<String> {
    form_page("Enter the code that the application shows.")
}

/// `POST /devicelogin`
pub async fn decide(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Html<String> {
    let form = Form::parse(&headers, &body);
    let field = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let decision = match form.get("decision") {
        Some("accept") => Decision::Accept,
        _ => Decision::Decline,
    };
    let mut world = shared.world();
    match settle(
        &mut world,
        &field("user_code"),
        &field("signed_in_as"),
        decision,
    ) {
        Ok(()) => form_page("Done. You can close this window."),
        Err(refusal) => form_page(&refusal.summary()),
    }
}

fn form_page(message: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><title>Device login</title><h1>Device login</h1><p>{}</p>\
         <form method=\"post\">\
         <p><label>Code <input name=\"user_code\"></label></p>\
         <p><label>Sign in as <input name=\"signed_in_as\"></label></p>\
         <button name=\"decision\" value=\"accept\">Accept</button> \
         <button name=\"decision\" value=\"decline\">Decline</button></form>",
        escape(message)
    ))
}

impl Tenant {
    /// `upn` types `user_code` in and accepts.
    pub fn approve_device(&self, user_code: &str, upn: &str) {
        self.answer_device(user_code, upn, Decision::Accept);
    }

    /// Somebody types `user_code` in and declines.
    pub fn decline_device(&self, user_code: &str) {
        self.answer_device(user_code, "", Decision::Decline);
    }

    /// `upn` types `user_code` in, with that outcome. A code that nobody was shown is a mistake of the test.
    pub fn answer_device(&self, user_code: &str, upn: &str, decision: Decision) {
        let outcome = settle(&mut self.world(), user_code, upn, decision);
        outcome.unwrap_or_else(|refusal| panic!("{user_code}: {}", refusal.summary()));
    }

    /// The user codes that wait for somebody, oldest first.
    pub fn waiting_user_codes(&self) -> Vec<String> {
        let world = self.world();
        let devices = world.sign_in.devices.devices.values();
        let mut waiting: Vec<&Device> = devices
            .filter(|device| matches!(device.answer, Answer::Pending))
            .collect();
        waiting.sort_by_key(|device| device.issued);
        waiting
            .iter()
            .map(|device| device.user_code.clone())
            .collect()
    }

    /// How often the device that shows `user_code` has polled.
    pub fn device_polls(&self, user_code: &str) -> usize {
        let world = self.world();
        let mut devices = world.sign_in.devices.devices.values();
        let device = devices.find(|device| device.user_code == user_code);
        device.map_or(0, |device| device.polls)
    }

    /// New device codes ask to be polled this often; whole seconds.
    pub fn set_device_interval(&self, interval: Duration) {
        self.world().sign_in.devices.interval = interval;
    }
}
