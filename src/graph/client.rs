//! Requests to Graph.

mod me;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::answer::{self, Request};
use super::{Change, Error, GroupChange, Link, Page, Settings, Trace, UserChange, link};
use crate::oauth::http::{BodyError, read_body, retry_after};
use crate::oauth::{AccessToken, CredentialFault, Rejection, TokenSource};

pub use me::{DirectoryRole, SignedIn};

/// How long one page may take in all.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest body that is read, after decompression. Pages are some hundred kilobytes.
const BODY_OCTETS_MAX: usize = 64 << 20;

/// Graph as one tenant's app sees it.
#[derive(Clone, Debug)]
pub struct GraphClient {
    http: reqwest::Client,
    root: Url,
    tokens: Arc<TokenSource>,
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

/// A body with status 200, and the request that brought it.
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
            root: settings.graph_url.clone(),
            tokens,
        }
    }

    /// The first link of a full round of users.
    pub fn users_delta_start(&self) -> Link {
        self.delta_start::<UserChange>(&[])
    }

    /// The first link of a full round of groups with their direct members.
    pub fn groups_delta_start(&self) -> Link {
        self.delta_start::<GroupChange>(&[])
    }

    /// The first link of a full round that leaves out the properties in `refused`
    /// (see [`Error::PropertyRefused`]).
    pub fn delta_start<C: Change>(&self, refused: &[&str]) -> Link {
        let select: Vec<_> = C::select()
            .into_iter()
            .filter(|property| !refused.contains(property))
            .collect();
        Link(format!(
            "{}/v1.0/{}/delta?$select={}",
            self.base(),
            C::COLLECTION,
            select.join(",")
        ))
    }

    /// Fetches one page, once. The link is followed exactly as given. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`]; [`page_with_retry`](Self::page_with_retry) asks again where that may help.
    pub async fn page<C: Change>(&self, link: &Link) -> Result<Page<C>, Error> {
        let request = Request {
            collection: C::COLLECTION,
            permission: C::PERMISSION,
            select: C::select(),
            is_delta: true,
        };
        let answer = self.get(link, &request).await?;
        let page = Page::read(&answer.body).map_err(|flaw| answer.malformed(flaw))?;
        // Before the caller can keep the link.
        link::own(&self.root, page.next.as_str())?;
        Ok(page)
    }

    /// Asks who the tenant is. One attempt: it is a person who waits for the answer. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`]. It may lack a permission that the sync itself does not need.
    pub async fn organization(&self) -> Result<Organization, Error> {
        let select = vec!["id", "displayName", "verifiedDomains"];
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

    fn base(&self) -> &str {
        self.root.as_str().trim_end_matches('/')
    }

    /// Gets `link`: once more with a new token when Graph refuses the one at hand, and with the next credential
    /// when it refuses that, too, or denies what the sync must read.
    async fn get(&self, link: &Link, request: &Request) -> Result<Answer, Error> {
        let url = link::own(&self.root, &link.0)?;
        loop {
            let mut token = self.tokens.token().await?;
            let mut outcome = self.send(url.clone(), &token, request).await;
            if let Err(Error::TokenRefused { trace }) = &outcome {
                // Expired by Graph's clock, or revoked: whatever the challenge says, a new token answers it.
                tracing::debug!(%trace, "Graph refused the token; a new one is tried");
                self.tokens.invalidate(&token).await;
                token = self.tokens.token().await?;
                outcome = self.send(url.clone(), &token, request).await;
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
        let retry_after = retry_after(response.headers(), Timestamp::now());
        let request_id = response
            .headers()
            .get("request-id")
            .and_then(|id| id.to_str().ok());
        trace.request_id = request_id.map(str::to_owned);
        tracing::debug!(collection = request.collection, status = status.as_u16(), %trace, "Graph answered");
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
            Err(answer::error(request, status, retry_after, &body, trace))
        }
    }
}

/// What an error says about the credential, if anything.
fn rejection(error: &Error, request: &Request) -> Option<Rejection> {
    let fault = match error {
        Error::TokenRefused { .. } => CredentialFault::Other,
        // Only the sync's own pages count: the rest may lack permissions that nobody asked for.
        Error::PermissionMissing { .. } if request.is_delta => CredentialFault::PermissionMissing,
        _ => return None,
    };
    Some(Rejection {
        fault,
        reason: error.to_string(),
        subject: request.collection,
    })
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
