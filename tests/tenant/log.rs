//! Every request the tenant has seen, without passwords, secrets and bearer tokens.

use axum::http::{StatusCode, header, request};

use super::Tenant;
use super::faults::Surface;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// `GET`, `POST`
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query as sent, percent-encoding and all; empty when there was none.
    pub query: String,
    /// A bearer token came along.
    pub has_bearer: bool,
    /// The `client-request-id` header.
    pub client_request_id: Option<String>,
    /// `grant_type` of a token request.
    pub grant_type: Option<String>,
    /// `client_id` of a token request.
    pub client_id: Option<String>,
    /// `scope` of a token request.
    pub scope: Option<String>,
    /// `username` of a token request.
    pub username: Option<String>,
    /// The status of the answer; `None` while there is none, and for good after a hang-up.
    pub status: Option<u16>,
}

impl LoggedRequest {
    /// Which service it went to.
    pub fn surface(&self) -> Surface {
        Surface::of(&self.path)
    }

    /// A password grant: somebody's password was checked.
    pub fn is_password_check(&self) -> bool {
        self.grant_type.as_deref() == Some("password")
    }

    /// The query decoded, as name and value pairs.
    pub fn options(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// The decoded value of an option, its name in any case.
    pub fn option(&self, name: &str) -> Option<String> {
        let mut options = self.options().into_iter();
        let option = options.find(|(sent, _)| sent.eq_ignore_ascii_case(name));
        option.map(|(_, value)| value)
    }

    /// The first request of a delta round from the beginning: no token of either kind.
    pub fn starts_a_full_round(&self) -> bool {
        let is_token = |name: &str| {
            name.eq_ignore_ascii_case("$skiptoken") || name.eq_ignore_ascii_case("$deltatoken")
        };
        self.path.contains("delta")
            && !self
                .options()
                .iter()
                .any(|(name, value)| is_token(name) && !value.is_empty())
    }
}

/// A moment in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

/// The requests in order of arrival.
#[derive(Default)]
pub struct Log {
    requests: Vec<LoggedRequest>,
}

impl Log {
    /// Notes a request on arrival and returns its place.
    pub fn record(&mut self, head: &request::Parts, body: &[u8]) -> usize {
        let text = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        let field = |name: &str| {
            let mut form = url::form_urlencoded::parse(body);
            form.find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let authorization = text(header::AUTHORIZATION.as_str()).unwrap_or_default();
        self.requests.push(LoggedRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            has_bearer: authorization.starts_with("Bearer "),
            client_request_id: text("client-request-id"),
            grant_type: field("grant_type"),
            client_id: field("client_id"),
            scope: field("scope"),
            username: field("username"),
            status: None,
        });
        self.requests.len() - 1
    }

    /// The request at `place`.
    pub fn request(&self, place: usize) -> &LoggedRequest {
        &self.requests[place]
    }

    /// Notes how the request at `place` was answered.
    pub fn answered(&mut self, place: usize, status: Option<StatusCode>) {
        self.requests[place].status = status.map(|status| status.as_u16());
    }
}

impl Tenant {
    /// Now, to ask later what came after.
    pub fn mark(&self) -> Mark {
        Mark(self.world().log.requests.len())
    }

    /// Every request since the tenant started.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.requests_since(Mark(0))
    }

    /// The requests that arrived after `mark`.
    pub fn requests_since(&self, mark: Mark) -> Vec<LoggedRequest> {
        self.world().log.requests[mark.0..].to_vec()
    }

    /// How often `upn`'s password was checked here, whatever the outcome.
    pub fn password_checks(&self, upn: &str) -> usize {
        let is_theirs = |request: &&LoggedRequest| {
            let username = request.username.as_deref().unwrap_or_default();
            request.is_password_check() && username.eq_ignore_ascii_case(upn)
        };
        self.requests().iter().filter(is_theirs).count()
    }

    /// Waits until a request after `mark` satisfies `is_awaited` and has been dealt with.
    pub async fn answered_since(&self, mark: Mark, is_awaited: impl Fn(&LoggedRequest) -> bool) {
        let has_come = || {
            self.requests_since(mark)
                .iter()
                .any(|request| request.status.is_some() && is_awaited(request))
        };
        let mut answered = self.shared.answered.subscribe();
        let arrival = answered.wait_for(|_| has_come()).await;
        arrival.expect("the tenant outlives the wait");
    }
}
