//! Requests to Graph.

mod me;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, DATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::answer::{self, Head, Request};
use super::pause::Pause;
use super::{
    Change, Error, GroupChange, Link, Next, Page, Settings, Trace, UserChange, link, mapped,
};
use crate::oauth::http::{BodyError, read_body, retry_after};
use crate::oauth::{AccessToken, CredentialFault, Rejection, TokenSource};

pub use me::{DirectoryRole, SignedIn};

/// How long one page may take in all.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);
/// How far this host's clock may be from Graph's; client assertions and tickets bear about as much.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);
/// The longest body that is read, after decompression. Pages are some hundred kilobytes.
const BODY_OCTETS_MAX: usize = 64 << 20;

/// Graph as one tenant's app sees it.
#[derive(Clone, Debug)]
pub struct GraphClient {
    http: reqwest::Client,
    settings: Arc<Settings>,
    tokens: Arc<TokenSource>,
    /// Whether this host's clock was found wrong; shared, so that it is said once.
    has_skewed_clock: Arc<AtomicBool>,
    /// How long Graph wants to be left alone, by every clone of this client.
    pause: Arc<Pause>,
}

/// The tenant's own record (Graph, resource type `organization`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The tenant id.
    pub id: Uuid,
    /// `displayName`
    pub display_name: Option<String>,
    /// `verifiedDomains`
    #[serde(default)]
    pub verified_domains: Vec<VerifiedDomain>,
}

/// A domain that the tenant has proved to own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedDomain {
    /// The domain.
    pub name: String,
    /// Whether new users get it.
    #[serde(default)]
    pub is_default: bool,
    /// Whether it is the `onmicrosoft.com` one.
    #[serde(default)]
    pub is_initial: bool,
}

#[derive(Deserialize)]
struct Organizations {
    value: Vec<Organization>,
}

/// A page whose objects are not decoded yet, and where the next one is.
#[derive(Debug)]
pub(super) struct Fetched {
    answer: Answer,
    next: Next,
}

impl Fetched {
    /// Where the round goes on.
    pub(super) fn next(&self) -> &Next {
        &self.next
    }
}

/// A body with status 200, and the request that brought it.
#[derive(Debug)]
struct Answer {
    body: Vec<u8>,
    trace: Trace,
}

impl Answer {
    fn malformed(&self, what: impl ToString) -> Error {
        Error::Malformed {
            status: StatusCode::OK.as_u16(),
            what: what.to_string(),
            trace: self.trace.clone(),
        }
    }
}

impl GraphClient {
    /// A client of the configured Graph; nothing is asked yet.
    pub fn new(settings: &Settings, http: reqwest::Client, tokens: Arc<TokenSource>) -> Self {
        Self {
            http,
            settings: Arc::new(settings.clone()),
            tokens,
            has_skewed_clock: Arc::default(),
            pause: Arc::default(),
        }
    }

    /// How long Graph has asked to be left alone from now on; until then, every request fails at once.
    pub fn pause(&self) -> Duration {
        let left = self.pause.left(Instant::now());
        left.map_or(Duration::ZERO, |(left, _)| left)
    }

    /// The first link of a full round of users.
    pub fn users_delta_start(&self) -> Link {
        self.delta_start::<UserChange>(&BTreeSet::new())
    }

    /// The first link of a full round of groups with their direct members.
    pub fn groups_delta_start(&self) -> Link {
        self.delta_start::<GroupChange>(&BTreeSet::new())
    }

    /// The first link of a full round that leaves out the properties in `refused`
    /// (see [`Error::PropertyRefused`]).
    pub fn delta_start<C: Change>(&self, refused: &BTreeSet<String>) -> Link {
        let mut select = self.select::<C>();
        select.retain(|property| !refused.contains(property));
        Link(format!(
            "{}/v1.0/{}/delta?$select={}",
            self.base(),
            C::COLLECTION,
            select.join(",")
        ))
    }

    /// The properties to be read, when the tenant refuses none: those in `$select`, and parts of them that a
    /// mapping names.
    pub fn wanted<C: Change>(&self) -> BTreeSet<String> {
        let mapped = C::mapped(&self.settings).iter().cloned();
        self.select::<C>().into_iter().chain(mapped).collect()
    }

    /// The names in `$select`, when the tenant refuses none.
    fn select<C: Change>(&self) -> Vec<String> {
        let mut select: Vec<String> = C::select().into_iter().map(str::to_owned).collect();
        for property in C::mapped(&self.settings) {
            let name = mapped::selected(property);
            if !select.iter().any(|known| known == name) {
                select.push(name.to_owned());
            }
        }
        select
    }

    /// Fetches one page, once. The link is followed exactly as given. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`]; a [`Reader`](super::Reader) asks again where that may help.
    pub async fn page<C: Change>(&self, link: &Link) -> Result<Page<C>, Error> {
        let fetched = self.fetch::<C>(link).await?;
        self.decode(&fetched)
    }

    /// The same, with the objects on the page not decoded yet.
    pub(super) async fn fetch<C: Change>(&self, link: &Link) -> Result<Fetched, Error> {
        let request = Request {
            collection: C::COLLECTION,
            permission: C::PERMISSION,
            select: self.select::<C>(),
            is_delta: true,
        };
        let answer = self.get(link, &request).await?;
        let next = Next::read(&answer.body).map_err(|flaw| answer.malformed(flaw))?;
        // Before the caller can keep the link.
        link::own(&self.settings.graph_url, next.as_str(), Some(&answer.trace))?;
        Ok(Fetched { answer, next })
    }

    /// Reads the objects on a page.
    pub(super) fn decode<C: Change>(&self, fetched: &Fetched) -> Result<Page<C>, Error> {
        Page::read(&fetched.answer.body, C::mapped(&self.settings))
            .map_err(|flaw| fetched.answer.malformed(flaw))
    }

    /// Asks who the tenant is. One attempt: it is a person who waits for the answer. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`]. It may lack a permission that the sync itself does not need.
    pub async fn organization(&self) -> Result<Organization, Error> {
        let select = ["id", "displayName", "verifiedDomains"]
            .map(str::to_owned)
            .to_vec();
        let link = Link(format!(
            "{}/v1.0/organization?$select={}",
            self.base(),
            select.join(",")
        ));
        let request = Request {
            collection: "organization",
            // "List organizations" names Directory.Read.All; the permissions reference has the narrower one.
            permission: "Organization.Read.All (or Directory.Read.All)",
            select,
            is_delta: false,
        };
        let answer = self.get(&link, &request).await?;
        let organizations: Organizations = serde_json::from_slice(&answer.body)
            .map_err(|_| answer.malformed("not the expected JSON"))?;
        organizations
            .value
            .into_iter()
            .next()
            .ok_or_else(|| answer.malformed("no organization in it"))
    }

    /// Tries every credential that the sync has not used for long: a token, and one short answer of Graph for each
    /// collection. What comes of it is told by [`TokenSource::states`]. Does nothing while none is due. Cancel-safe.
    pub async fn probe_idle(&self) {
        for name in self.tokens.idle().await {
            if let Some(token) = self.tokens.exercise(&name).await {
                self.probe::<UserChange>(&token).await;
                self.probe::<GroupChange>(&token).await;
            }
        }
    }

    /// Asks for no more than a link to what will change from now on (Graph, "user: delta", `$deltatoken=latest`).
    async fn probe<C: Change>(&self, token: &AccessToken) {
        let request = Request {
            collection: C::COLLECTION,
            permission: C::PERMISSION,
            select: vec!["id".to_owned()],
            is_delta: true,
        };
        let link = Link(format!(
            "{}/v1.0/{}/delta?$deltatoken=latest&$select=id",
            self.base(),
            C::COLLECTION
        ));
        let answered = async {
            let url = link::own(&self.settings.graph_url, &link.0, None)?;
            self.send(url, token, &request).await
        };
        match answered.await {
            Ok(_) => self.tokens.accept(token, C::COLLECTION).await,
            Err(error) => match rejection(&error, &request) {
                Some(rejection) => {
                    self.tokens.reject(token, rejection).await;
                }
                None => {
                    tracing::debug!(%error, "Graph did not say what an unused credential may read");
                    self.tokens.postpone(token).await;
                }
            },
        }
    }

    /// What time it is by Graph's clock, or by ours when Graph does not say; warns when they begin to differ.
    fn compare_clocks(&self, headers: &HeaderMap, trace: &Trace) -> Timestamp {
        let ours = Timestamp::now();
        let Some(theirs) = date(headers) else {
            return ours;
        };
        let skew = ours.duration_since(theirs);
        let is_skewed = skew.abs() > CLOCK_SKEW_MAX;
        if self.has_skewed_clock.swap(is_skewed, Ordering::Relaxed) != is_skewed && is_skewed {
            tracing::warn!(
                skew_seconds = skew.as_secs(), %trace,
                "this host's clock and Graph's differ: set it right, or signing in may fail and times are wrong"
            );
        }
        theirs
    }

    fn base(&self) -> &str {
        self.settings.graph_url.as_str().trim_end_matches('/')
    }

    /// Gets `link`: once more with a new token when Graph refuses the one at hand, and with the next credential
    /// when it refuses that, too, or denies what the sync must read.
    async fn get(&self, link: &Link, request: &Request) -> Result<Answer, Error> {
        let url = link::own(&self.settings.graph_url, &link.0, None)?;
        let began = Instant::now();
        loop {
            if let Some((left, trace)) = self.pause.left(Instant::now()) {
                let retry_after = Some(left);
                return Err(Error::Throttled { retry_after, trace });
            }
            let mut token = self.tokens.token().await?;
            let mut outcome = self.send(url.clone(), &token, request).await;
            let mut is_first = true;
            // Expired by Graph's clock, or revoked: whatever the challenge says, a new token answers it. The next one
            // may be another credential's, and old as well.
            while let Err(Error::TokenRefused { trace }) = &outcome
                && (is_first || token.issued() < began)
            {
                tracing::info!(%trace, "Graph refused the token; a new one is tried");
                self.tokens.invalidate(&token).await;
                token = self.tokens.token().await?;
                outcome = self.send(url.clone(), &token, request).await;
                is_first = false;
            }
            let Err(error) = outcome else {
                self.tokens.accept(&token, request.collection).await;
                return outcome;
            };
            let Some(rejection) = rejection(&error, request) else {
                return Err(error);
            };
            if !self.tokens.reject(&token, rejection).await {
                return Err(error);
            }
            tracing::debug!(%error, "the next credential is tried");
        }
    }

    async fn send(
        &self,
        url: Url,
        token: &AccessToken,
        request: &Request,
    ) -> Result<Answer, Error> {
        let mut trace = Trace {
            client_request_id: Uuid::new_v4(),
            request_id: None,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let unreachable = |source: reqwest::Error, trace: &Trace| Error::Unreachable {
            host: host.clone(),
            source: source.without_url(),
            trace: trace.clone(),
        };
        let response = self
            .http
            .get(url)
            .header(AUTHORIZATION, bearer(token, &trace)?)
            .header(ACCEPT, "application/json")
            .header("client-request-id", trace.client_request_id.to_string())
            // Background work: under load the people in front of a screen go first.
            .header("x-ms-throttle-priority", "low")
            .timeout(PAGE_TIMEOUT)
            .send()
            .await
            .map_err(|source| unreachable(source, &trace))?;
        let status = response.status();
        // A date is Graph's to the second, so it is taken by Graph's clock and not by ours.
        let now = self.compare_clocks(response.headers(), &trace);
        let retry_after = retry_after(response.headers(), now);
        let request_id = response
            .headers()
            .get("request-id")
            .and_then(|id| id.to_str().ok());
        trace.request_id = request_id.map(str::to_owned);
        tracing::debug!(collection = request.collection, status = status.as_u16(), %trace, "Graph answered");
        let head = Head {
            status,
            retry_after,
            demands_claims: answer::demands_claims(response.headers()),
            is_delegated: token.is_delegated(),
        };
        let body = match read_body(response, BODY_OCTETS_MAX).await {
            Ok(body) => body,
            // The status has said it all.
            Err(_) if status != StatusCode::OK => Vec::new(),
            Err(BodyError::Broken(source)) => return Err(unreachable(source, &trace)),
            Err(error @ BodyError::TooLong { .. }) => {
                return Err(Error::Malformed {
                    status: status.as_u16(),
                    what: error.to_string(),
                    trace,
                });
            }
        };
        if status == StatusCode::OK {
            Ok(Answer { body, trace })
        } else {
            if let (Some(wait), true) = (retry_after, answer::is_throttling(status)) {
                self.pause.told(wait, &trace, Instant::now());
            }
            Err(answer::error(request, &head, &body, trace))
        }
    }
}

/// What an error says about the credential, if anything.
fn rejection(error: &Error, request: &Request) -> Option<Rejection> {
    let fault = match error {
        Error::TokenRefused { .. } => CredentialFault::Other,
        // Only the sync's own pages count: the rest may lack permissions that nobody asked for.
        Error::PermissionMissing { .. } if request.is_delta => CredentialFault::PermissionMissing,
        Error::ClaimsDemanded { .. } if request.is_delta => CredentialFault::ConditionalAccess,
        _ => return None,
    };
    Some(Rejection {
        fault,
        reason: error.to_string(),
        subject: request.collection,
    })
}

/// The `Date` header (RFC 9110 §6.6.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// The `Authorization` header, marked so that no layer below logs it.
fn bearer(token: &AccessToken, trace: &Trace) -> Result<HeaderValue, Error> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.secret().expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::TokenRefused {
        trace: trace.clone(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
