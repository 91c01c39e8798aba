//! Why Graph gave no page, and who must act.

use std::fmt;
use std::mem::Discriminant;
use std::time::Duration;

use uuid::Uuid;

use crate::oauth;
use crate::oauth::http::chain;

/// The ids under which Microsoft's support finds a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// `client-request-id`: made here, a new one for each request.
    pub client_request_id: Uuid,
    /// `request-id`: made by Graph; `None` when Graph did not answer.
    pub request_id: Option<String>,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.request_id {
            write!(f, "request-id {id}, ")?;
        }
        write!(f, "client-request-id {}", self.client_request_id)
    }
}

/// Why there is no answer from Graph. `Display` is a sentence that says what to do; no variant holds a
/// token or a link.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no token to ask with. See the inner error for who must act.
    #[error(transparent)]
    Token(#[from] oauth::Error),
    /// 401, for a new token as well. The administrator must look at the app registration.
    #[error(
        "Graph refuses the token, also a new one: check that tenant.graph_url belongs to the tenant's cloud and \
         that no policy revokes the app's tokens ({trace})"
    )]
    TokenRefused {
        /// The request.
        trace: Trace,
    },
    /// 403. The administrator must grant a permission, or whoever signed in a right of their own.
    #[error(
        "Graph denies access to {collection}: {}; it can take some minutes to act ({trace})",
        advice(permission, *is_delegated)
    )]
    PermissionMissing {
        /// What was asked for.
        collection: &'static str,
        /// The least permission for it.
        permission: &'static str,
        /// Whether the token speaks for an administrator who signed in, and not for the app itself.
        is_delegated: bool,
        /// The request.
        trace: Trace,
    },
    /// 403 `insufficient_claims`: Conditional Access wants more of the sign-in than this token has. The administrator
    /// must sign in again, or change the policy.
    #[error(
        "Conditional Access of the tenant demands a stronger sign-in for {collection}: {} ({trace})",
        match is_delegated {
            true => "authorise again with `ldap365 authorize` and satisfy it, or except this app from the policy",
            false => "except this app or this host's address from the policy for workload identities",
        }
    )]
    ClaimsDemanded {
        /// What was asked for.
        collection: &'static str,
        /// Whether the token speaks for an administrator who signed in, and not for the app itself.
        is_delegated: bool,
        /// The request.
        trace: Trace,
    },
    /// The delta link is too old, or the service was reset: the phase must enumerate everything again.
    #[error("Graph asks for a full enumeration of {collection} ({trace})")]
    ResyncRequired {
        /// What was asked for.
        collection: &'static str,
        /// The request.
        trace: Trace,
    },
    /// Graph no longer knows the page that its own link leads to: the round must start over.
    #[error(
        "Graph has lost a page of {collection} in the middle of a round (HTTP {status}; {trace})"
    )]
    PageGone {
        /// What was asked for.
        collection: &'static str,
        /// The HTTP status.
        status: u16,
        /// The request.
        trace: Trace,
    },
    /// A property of `$select` is not to be had from this tenant: leave it out and ask again.
    #[error("Graph refuses the property {property} of {collection} ({trace})")]
    PropertyRefused {
        /// What was asked for.
        collection: &'static str,
        /// The property, as Graph names it.
        property: String,
        /// The request.
        trace: Trace,
    },
    /// A link leads off the configured host; the token was not sent there.
    #[error(
        "a page link leads to {origin} instead of {expected}; the token was not sent there: check tenant.graph_url \
         and any gateway in between{}",
        trace.as_ref().map(|trace| format!(" ({trace})")).unwrap_or_default()
    )]
    ForeignLink {
        /// Where it leads.
        origin: String,
        /// The configured Graph.
        expected: String,
        /// The request that brought the link; `None` when the link was at hand before.
        trace: Option<Trace>,
    },
    /// 429. Nobody need act; ask again later.
    #[error("Graph is throttling us ({trace})")]
    Throttled {
        /// The wait that Graph asked for.
        retry_after: Option<Duration>,
        /// The request.
        trace: Trace,
    },
    /// Graph failed by its own account. Microsoft must act; ask again later.
    #[error("Graph failed with HTTP {status} ({trace})")]
    Outage {
        /// The HTTP status.
        status: u16,
        /// The wait that Graph asked for.
        retry_after: Option<Duration>,
        /// The request.
        trace: Trace,
    },
    /// No answer, or one that broke off: DNS, TCP, TLS, proxy or time limit. Whoever runs the network must act.
    #[error(
        "{host} cannot be reached ({}): check DNS, firewall, HTTPS_PROXY and tenant.ca_file ({trace})",
        chain(source)
    )]
    Unreachable {
        /// The host asked.
        host: String,
        /// What the HTTP client said, without the URL.
        source: reqwest::Error,
        /// The request.
        trace: Trace,
    },
    /// An answer that is none of Graph's: an HTML page of a proxy, a redirect, truncated JSON.
    #[error(
        "what answers at the Graph address did not speak as Graph does (HTTP {status}, {what}): check \
         tenant.graph_url and any proxy in between ({trace})"
    )]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What was wrong, without any of the body.
        what: String,
        /// The request.
        trace: Trace,
    },
    /// Any other refusal. It points at a fault of ours.
    #[error("Graph refused the request with HTTP {status} {code}: {message} ({trace})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// `error.code`
        code: String,
        /// `error.message`, cut to a readable length.
        message: String,
        /// The request.
        trace: Trace,
    },
}

/// What helps against a 403.
fn advice(permission: &str, is_delegated: bool) -> String {
    let place = "(Entra admin center, App registrations, API permissions)";
    match is_delegated {
        true => format!(
            "grant the delegated permission {permission} with admin consent {place} and authorise again; where it is \
             granted, the account that signed in may not read the directory itself"
        ),
        false => {
            format!("grant the application permission {permission} and give admin consent {place}")
        }
    }
}

impl Error {
    /// Whether time alone may mend it: asking for the same page again, now or at a later pass, may work.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Outage { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. } => true,
            Self::Token(error) => error.is_transient(),
            Self::TokenRefused { .. }
            | Self::PermissionMissing { .. }
            | Self::ClaimsDemanded { .. }
            | Self::ResyncRequired { .. }
            | Self::PageGone { .. }
            | Self::PropertyRefused { .. }
            | Self::ForeignLink { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// What kind of trouble this is, to tell it from another of another request.
    pub fn kind(&self) -> Kind {
        let status = match self {
            Self::Outage { status, .. } | Self::Malformed { status, .. } => Some(*status),
            _ => None,
        };
        Kind(std::mem::discriminant(self), status)
    }
}

/// The kind of an [`Error`]: the variant, and the HTTP status where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(Discriminant<Error>, Option<u16>);
