//! What tests can make go wrong between the client and the services.

mod detour;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use super::Tenant;
use super::log::LoggedRequest;
use super::wire::Pieces;
use super::world::Shared;

/// One of the two services that share the tenant's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// Tokens and metadata.
    SignIn,
    /// Everything under `/v1.0`.
    Graph,
}

impl Surface {
    /// The service that answers `path`.
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v1.0/") {
            Self::Graph
        } else {
            Self::SignIn
        }
    }
}

/// Something going wrong with one answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// An error status with the body Graph gives it, and the text of a `Retry-After` header.
    Status(u16, Option<String>),
    /// The connection closes without an answer.
    HangUp,
    /// 200 with a proxy's HTML page.
    HtmlPage,
    /// The connection breaks in the middle of the body.
    BrokenOff,
    /// A complete HTTP response with half of the JSON.
    HalfJson,
    /// A complete HTTP response with the whole text of the JSON, one bracket of which is of the wrong kind.
    BrokenJson,
    /// The next answer with a link has it point to this origin (`https://evil.example`).
    ForeignLink(String),
    /// The next answer with a nextLink has it point back to this very page.
    LoopingLink,
    /// 200 with a proxy's HTML page that claims to be JSON.
    HtmlAsJson,
    /// The answer comes in pieces of so many bytes, each after a pause.
    SlowDrip {
        /// Bytes in a piece.
        bytes: usize,
        /// What comes before each piece.
        pause: Duration,
    },
    /// The next answer with a nextLink has it lead to a page that says the same once more, and then on.
    RepeatedPage,
    /// The next answer with a nextLink has it lead to empty pages without end, each with a link never seen before.
    EndlessLinks,
    /// Graph's error with that code; if it `restarts`, `Location` names this URL with an empty `$deltatoken`.
    Refusal {
        /// The HTTP status.
        status: u16,
        /// `error.code`
        code: &'static str,
        /// There is a `Location`.
        restarts: bool,
    },
    /// 429 as the token endpoint words it: `Retry-After: 60` and plain text.
    PlainTooManyRequests,
}

/// No answer: the connection is closed instead.
#[derive(Debug, thiserror::Error)]
#[error("the simulated tenant hangs up on purpose")]
pub struct HangUp;

impl Fault {
    /// What is sent when the request does not reach the service at all.
    pub fn instead_of_an_answer(&self, own_url: &str) -> Option<Result<Response, HangUp>> {
        match self {
            Self::Status(status, retry_after) => Some(Ok(refusal(*status, retry_after.as_deref()))),
            Self::HangUp => Some(Err(HangUp)),
            Self::HtmlPage => Some(Ok(axum::response::Html(PROXY_PAGE).into_response())),
            Self::HtmlAsJson => {
                let json = [(header::CONTENT_TYPE, "application/json")];
                Some(Ok((json, PROXY_PAGE).into_response()))
            }
            Self::Refusal {
                status,
                code,
                restarts,
            } => Some(Ok(coded(*status, code, restarts.then(|| restart(own_url))))),
            Self::PlainTooManyRequests => {
                let wait = [(header::RETRY_AFTER, "60")];
                let text = "Too Many Requests";
                Some(Ok(
                    (StatusCode::TOO_MANY_REQUESTS, wait, text).into_response()
                ))
            }
            Self::BrokenOff
            | Self::HalfJson
            | Self::BrokenJson
            | Self::SlowDrip { .. }
            | Self::ForeignLink(_)
            | Self::LoopingLink
            | Self::RepeatedPage
            | Self::EndlessLinks => None,
        }
    }

    /// Works on the page, not on the bytes that carry it.
    pub fn bends_links(&self) -> bool {
        matches!(
            self,
            Self::ForeignLink(_) | Self::LoopingLink | Self::RepeatedPage | Self::EndlessLinks
        )
    }

    /// Spoils the service's answer to a request for `own_url`; `Err` gives it back when there is nothing to
    /// spoil.
    pub async fn spoil(
        &self,
        shared: &Shared,
        own_url: &str,
        response: Response,
    ) -> Result<Response, Response> {
        let (mut head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .expect("answers are whole in memory")
            .to_bytes();
        head.headers.remove(header::CONTENT_LENGTH);
        let spoiled = match self {
            Self::BrokenOff => Some(Body::new(BrokenOff::half_of(&body))),
            Self::HalfJson => Some(Body::from(body.slice(..body.len() / 2))),
            Self::BrokenJson => {
                let mut broken = body.to_vec();
                if let Some(last) = broken.last_mut() {
                    *last = b']';
                }
                Some(Body::from(broken))
            }
            Self::ForeignLink(origin) => bend_links(&body, &[NEXT_LINK, DELTA_LINK], |link| {
                foreign(link, origin)
            }),
            Self::LoopingLink => bend_links(&body, &[NEXT_LINK], |_| own_url.to_owned()),
            Self::RepeatedPage => detour::once_more(&mut shared.world(), own_url, &body),
            Self::EndlessLinks => detour::endless(&mut shared.world(), own_url, &body),
            Self::SlowDrip { bytes, pause } => {
                Some(Body::new(Pieces::of(&body, *bytes, Some(*pause))))
            }
            Self::Status(..)
            | Self::HangUp
            | Self::HtmlPage
            | Self::HtmlAsJson
            | Self::Refusal { .. }
            | Self::PlainTooManyRequests => None,
        };
        match spoiled {
            Some(body) => Ok(Response::from_parts(head, body)),
            None => Err(Response::from_parts(head, Body::from(body))),
        }
    }
}

const NEXT_LINK: &str = "@odata.nextLink";
const DELTA_LINK: &str = "@odata.deltaLink";
const PROXY_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in to the guest network</title></head>\
                          <body><h1>Please accept our terms</h1></body></html>";

/// An error as Graph words it (`concepts/throttling`, `concepts/errors`).
fn refusal(status: u16, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).expect("tests inject HTTP statuses");
    let code = match status.as_u16() {
        404 => "UnknownError",
        429 => "TooManyRequests",
        500 => "generalException",
        _ => "serviceNotAvailable",
    };
    let body = json!({"error": {
        "code": code,
        "message": "Please retry again later.",
        "innerError": {
            "code": status.as_str(),
            "date": "2026-08-18T12:51:51",
            "message": "Please retry after",
            "request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2",
            "status": status.as_str(),
        },
    }});
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(text) = retry_after {
        let text = HeaderValue::from_str(text).expect("tests inject header text");
        response.headers_mut().insert(header::RETRY_AFTER, text);
    }
    response
}

fn coded(status: u16, code: &str, location: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).expect("tests inject HTTP statuses");
    let body = json!({"error": {
        "code": code,
        "message": "The simulated tenant refuses this request on purpose.",
        "innerError": {
            "date": "2026-08-18T12:51:51",
            "request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2",
            "client-request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2",
        },
    }});
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(location) = location {
        let location = HeaderValue::from_str(&location).expect("URLs are plain ASCII");
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The same round from the beginning.
fn restart(own_url: &str) -> String {
    let path = own_url.split('?').next().unwrap_or(own_url);
    format!("{path}?$deltatoken=")
}

/// `body` with the links under `keys` bent, when it is a page that has one.
fn bend_links(body: &Bytes, keys: &[&str], bend: impl Fn(&str) -> String) -> Option<Body> {
    let mut page: Value = serde_json::from_slice(body).ok()?;
    let mut bent = false;
    for key in keys {
        if let Some(Value::String(link)) = page.get_mut(*key) {
            *link = bend(link);
            bent = true;
        }
    }
    bent.then(|| Body::from(page.to_string()))
}

fn foreign(link: &str, origin: &str) -> String {
    let path = link.find("/v1.0/").expect("links lead to Graph");
    format!("{origin}{}", &link[path..])
}

/// A body whose sender dies half-way.
struct BrokenOff {
    half: Option<Bytes>,
    is_sent: bool,
}

impl BrokenOff {
    fn half_of(body: &Bytes) -> Self {
        Self {
            half: Some(body.slice(..body.len() / 2)),
            is_sent: false,
        }
    }
}

impl hyper::body::Body for BrokenOff {
    type Data = Bytes;
    type Error = HangUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HangUp>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.is_sent {
            // hyper flushes what it has when a body pauses, and drops it when a body fails.
            self.is_sent = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(HangUp)))
    }
}

/// Where in a conversation a request stands.
pub struct Position<'a> {
    /// The how-many-th request to its service since the fault was set up, from 1.
    pub nth: usize,
    /// Which page of its round or list it asks for, from 0.
    pub page: usize,
    /// The request.
    pub request: &'a LoggedRequest,
}

/// A fault that waits for its place.
struct Ambush {
    surface: Surface,
    is_due: Box<dyn Fn(&Position<'_>) -> bool + Send>,
    fault: Fault,
    seen: usize,
    times: usize,
}

/// Faults waiting for their request, per service.
#[derive(Default)]
pub struct Faults {
    waiting: BTreeMap<Surface, VecDeque<Fault>>,
    ambushes: Vec<Ambush>,
    delay: BTreeMap<Surface, Duration>,
    /// Statuses and `Retry-After` (seconds) of batch parts, by their id.
    parts: BTreeMap<String, (u16, String)>,
}

impl Faults {
    /// What happens to `request`, which just came in and asks for the `page`-th page, and how slowly.
    pub fn for_request(
        &mut self,
        request: &LoggedRequest,
        page: usize,
    ) -> (Option<Fault>, Duration) {
        let surface = request.surface();
        let mut sprung = None;
        for ambush in &mut self.ambushes {
            if ambush.surface != surface {
                continue;
            }
            ambush.seen += 1;
            let position = Position {
                nth: ambush.seen,
                page,
                request,
            };
            if sprung.is_none() && (ambush.is_due)(&position) {
                ambush.times -= 1;
                sprung = Some(ambush.fault.clone());
            }
        }
        self.ambushes.retain(|ambush| ambush.times > 0);
        let waiting = self.waiting.get_mut(&surface);
        let fault = sprung.or_else(|| waiting.and_then(VecDeque::pop_front));
        let delay = self.delay.get(&surface).copied().unwrap_or_default();
        (fault, delay)
    }

    /// What happens to the batch part called `id`, once.
    pub fn for_part(&mut self, id: &str) -> Option<(u16, String)> {
        self.parts.remove(id)
    }

    /// A fault that found nothing to spoil.
    pub fn put_back(&mut self, surface: Surface, fault: Fault) {
        self.waiting.entry(surface).or_default().push_front(fault);
    }
}

/// Where requests wait while a test holds a service.
#[derive(Default)]
pub struct Gates {
    sign_in: Arc<RwLock<()>>,
    graph: Arc<RwLock<()>>,
}

impl Gates {
    fn of(&self, surface: Surface) -> &Arc<RwLock<()>> {
        match surface {
            Surface::SignIn => &self.sign_in,
            Surface::Graph => &self.graph,
        }
    }

    /// Waits until nobody holds the service.
    pub async fn pass(&self, surface: Surface) {
        drop(self.of(surface).read().await);
    }
}

/// Requests to a service wait while this lives; they are logged on arrival.
#[must_use = "requests pass again as soon as this is dropped"]
pub struct Hold(#[expect(dead_code, reason = "held, not read")] OwnedRwLockWriteGuard<()>);

impl Tenant {
    /// The next `times` requests to `surface` meet `fault`, after those already waiting.
    pub fn inject(&self, surface: Surface, fault: Fault, times: usize) {
        let mut world = self.world();
        let waiting = world.faults.waiting.entry(surface).or_default();
        waiting.extend(std::iter::repeat_n(fault, times));
    }

    /// The first request to `surface` that `is_due` meets `fault`.
    pub fn inject_at(
        &self,
        surface: Surface,
        is_due: impl Fn(&Position<'_>) -> bool + Send + 'static,
        fault: Fault,
    ) {
        self.inject_whenever(surface, is_due, fault, 1);
    }

    /// The first `times` requests to `surface` that are due meet `fault`.
    pub fn inject_whenever(
        &self,
        surface: Surface,
        is_due: impl Fn(&Position<'_>) -> bool + Send + 'static,
        fault: Fault,
        times: usize,
    ) {
        assert!(times > 0, "a fault that never happens is a mistake");
        self.world().faults.ambushes.push(Ambush {
            surface,
            is_due: Box::new(is_due),
            fault,
            seen: 0,
            times,
        });
    }

    /// Whether every fault set up by position has happened.
    pub fn faults_are_spent(&self) -> bool {
        let world = self.world();
        world.faults.ambushes.is_empty() && world.faults.waiting.values().all(VecDeque::is_empty)
    }

    /// The next `times` Graph requests answer `status`, with `Retry-After` if given.
    pub fn fail_graph(&self, status: u16, retry_after: Option<&str>, times: usize) {
        let fault = Fault::Status(status, retry_after.map(str::to_owned));
        self.inject(Surface::Graph, fault, times);
    }

    /// The next batch part with the id `id` answers `status` with `Retry-After`, the others are spared.
    pub fn fail_batch_part(&self, id: &str, status: u16, retry_after: &str) {
        let mut world = self.world();
        let parts = &mut world.faults.parts;
        parts.insert(id.to_owned(), (status, retry_after.to_owned()));
    }

    /// The next `times` sign-in requests answer `status`.
    pub fn fail_sign_in(&self, status: u16, retry_after: Option<&str>, times: usize) {
        let fault = Fault::Status(status, retry_after.map(str::to_owned));
        self.inject(Surface::SignIn, fault, times);
    }

    /// Forgets the faults that have not happened yet, and answers at full speed again.
    pub fn clear_faults(&self) {
        self.world().faults = Faults::default();
    }

    /// Every answer of `surface` takes this long from now on.
    pub fn delay(&self, surface: Surface, delay: Duration) {
        self.world().faults.delay.insert(surface, delay);
    }

    /// Lets requests to `surface` arrive but not be answered until the hold is dropped.
    pub async fn hold(&self, surface: Surface) -> Hold {
        Hold(self.shared.gates.of(surface).clone().write_owned().await)
    }
}
