//! Why the sign-in service gave no token, and who must act.

use std::fmt;
use std::time::Duration;

use super::aadsts::{self, Entry, PasswordVerdict};
use super::fault::{CredentialFailure, CredentialFault};
use super::http::chain;

/// Why no token, and no verdict on a password, came from the sign-in service.
///
/// `Display` is a sentence that says what to do. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service answered, and its answer is no. The administrator (or the person signing in) must act.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Too many requests. Nobody need act; ask again later.
    #[error("the sign-in service is throttling us{}: it is asked again later", in_seconds(*retry_after))]
    Throttled {
        /// The wait that the service asked for.
        retry_after: Option<Duration>,
    },
    /// The service failed by its own account. Microsoft must act; ask again later.
    #[error("the sign-in service failed with HTTP {status}: it is asked again later")]
    Outage {
        /// The HTTP status, 500 or more.
        status: u16,
        /// The wait that the service asked for.
        retry_after: Option<Duration>,
    },
    /// No answer: DNS, TCP, TLS, proxy or time limit. Whoever runs the network must act.
    #[error(
        "{host} cannot be reached ({}): check DNS, firewall, HTTPS_PROXY and tenant.ca_file",
        chain(source)
    )]
    Unreachable {
        /// The host asked.
        host: String,
        /// What the HTTP client said, without the URL.
        source: reqwest::Error,
    },
    /// An answer that is none of the service's: an HTML page of a proxy, a redirect, a broken body.
    #[error(
        "what answers at the sign-in address is not Microsoft's sign-in service (HTTP {status}, {what}): \
         check tenant.login_url and any proxy in between"
    )]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What was wrong, without any of the body.
        what: String,
    },
    /// The certificate's key would not sign. A fault of this host; nothing was sent.
    #[error(
        "the assertion could not be signed with the certificate's key: check that the key is intact"
    )]
    Unsigned,
    /// Every `[[credential]]` was refused. The administrator must mend one.
    #[error("no [[credential]] works: {}", join(.0))]
    AllRefused(Vec<CredentialRefusal>),
}

/// Why one `[[credential]]` gave no token that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRefusal {
    /// The administrator's name for the credential.
    pub name: String,
    /// What is wrong with it.
    pub failure: CredentialFailure,
}

/// The token endpoint's answer to a request it will not grant.
///
/// Source: Microsoft identity platform, "Authentication and authorization error codes".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `error`, the class of OAuth. It decides only where there is no code, as one code comes with several.
    pub error: String,
    /// `error_codes`: AADSTS numbers, possibly several; from the description when the array is missing.
    pub codes: Vec<u32>,
    /// The first line of `error_description`, without control characters and cut to a readable length.
    pub description: String,
    /// `suberror`, for instance `basic_action` or `message_only`.
    pub suberror: Option<String>,
    /// `trace_id`, for Microsoft's support.
    pub trace_id: Option<String>,
    /// `correlation_id`, which finds the attempt in the tenant's sign-in log.
    pub correlation_id: Option<String>,
}

impl Error {
    /// The refusal, when the service gave one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The wait that the service asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Outage { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether time alone may mend it: an outage, throttling, or a code of that kind.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Outage { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. } => true,
            Self::Refused(refusal) => refusal.is_transient(),
            Self::Unsigned | Self::AllRefused(_) => false,
        }
    }
}

impl Refusal {
    /// What the answer says about the password that was sent. Decided on the codes alone.
    pub fn password_verdict(&self) -> PasswordVerdict {
        aadsts::password_verdict(&self.codes)
    }

    /// Whether the codes speak of a passing fault: nothing was decided about the credential or password.
    pub fn is_transient(&self) -> bool {
        let is_passing = matches!(
            self.error.as_str(),
            "temporarily_unavailable" | "server_error"
        );
        self.password_verdict() == PasswordVerdict::NothingTransient
            || (self.codes.is_empty() && is_passing)
    }

    /// What the answer says about the credential that was used. Decided on the codes alone, but for
    /// `temporarily_unavailable`, which comes without one.
    pub fn fault(&self) -> CredentialFault {
        match aadsts::credential_fault(&self.codes) {
            _ if self.is_transient() && self.codes.is_empty() => CredentialFault::Outage,
            fault => fault,
        }
    }

    /// The table's entry for the first code that has one.
    pub fn entry(&self) -> Option<&'static Entry> {
        self.codes.iter().find_map(|&code| aadsts::entry(code))
    }

    /// What is the case, with the code: the table's words, or else the service's own.
    pub fn reason(&self) -> String {
        match self.entry() {
            Some(entry) => format!("{} (AADSTS{})", entry.meaning, entry.code),
            None => format!("the sign-in service refused ({})", self.description),
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        self.entry().map_or(
            "look the code up at https://login.microsoftonline.com/error",
            |entry| entry.advice,
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason(), self.advice())?;
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

fn join(refusals: &[CredentialRefusal]) -> String {
    if refusals.is_empty() {
        return "none is configured".to_owned();
    }
    let each: Vec<String> = refusals
        .iter()
        .map(|each| format!("\"{}\": {}", each.name, each.failure))
        .collect();
    each.join("; ")
}

fn in_seconds(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(" for {} s", wait.as_secs_f64().ceil())
    })
}
