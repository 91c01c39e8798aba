//! What is known of each credential, for `status`, `check`, logs and metrics.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::oauth::{Authorization, Certificate, Credential, CredentialFailure};

/// How long before its end a certificate is announced.
const CERTIFICATE_NOTICE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long before its end an unused refresh token is announced.
const IDLE_NOTICE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is known of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialState {
    /// The administrator's name for it.
    pub name: String,
    /// `secret`, `certificate` or `delegated`.
    pub kind: &'static str,
    /// How it is doing.
    pub standing: Standing,
    /// Since when that is so; `None` while untried.
    pub since: Option<Timestamp>,
    /// Why the last attempt failed. Beside [`Standing::Working`] it is an outage, which says nothing about the
    /// credential.
    pub failure: Option<CredentialFailure>,
    /// Who signed in for it, when it is delegated and somebody has.
    pub authorized_by: Option<AuthorizedBy>,
    /// Whether the sync reads with its token.
    pub in_use: bool,
    /// What will soon end, or has ended.
    pub notices: Vec<Notice>,
}

/// How a credential is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The service has said neither yes nor no since the start.
    Untried,
    /// It last yielded a token, and Graph did not refuse that.
    Working,
    /// It was refused, and is tried again at a sensible pace.
    Failing,
    /// Nobody has signed in for it yet.
    NotAuthorized,
}

/// Who signed in for a delegated credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedBy {
    /// The object id.
    pub oid: Uuid,
    /// The name they signed in with.
    pub preferred_username: Option<String>,
    /// When they signed in.
    pub authorized: Timestamp,
    /// When the refresh token was last renewed.
    pub refreshed: Timestamp,
    /// The permissions granted, without the root of Graph.
    pub scopes: Vec<String>,
}

/// Something that will end by itself, announced while there is time. `Display` is a sentence with advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The certificate ends soon.
    CertificateEnds {
        /// When.
        at: Timestamp,
    },
    /// The certificate has ended.
    CertificateEnded {
        /// When.
        at: Timestamp,
    },
    /// The refresh token has not been used for long, as when the daemon was off.
    AuthorizationEnds {
        /// The credential.
        name: String,
        /// When, if nobody uses it before.
        at: Timestamp,
    },
}

impl CredentialState {
    /// What is known of a credential that has not been tried.
    pub(super) fn untried(credential: &Credential) -> Self {
        Self {
            name: credential.name.clone(),
            kind: credential.kind(),
            standing: Standing::Untried,
            since: None,
            failure: None,
            authorized_by: None,
            in_use: false,
            notices: Vec::new(),
        }
    }
}

impl Standing {
    /// The name for metrics and JSON, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Untried => "untried",
            Self::Working => "working",
            Self::Failing => "failing",
            Self::NotAuthorized => "not-authorized",
        }
    }
}

impl AuthorizedBy {
    pub(super) fn of(authorization: &Authorization) -> Self {
        Self {
            oid: authorization.oid,
            preferred_username: authorization.preferred_username.clone(),
            authorized: authorization.authorized,
            refreshed: authorization.refreshed,
            scopes: authorization.scopes.clone(),
        }
    }
}

/// When what a credential depends on ends by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    pub(super) certificate: Option<Timestamp>,
    /// The refresh token, if nobody uses it before.
    pub(super) authorization: Option<Timestamp>,
}

impl Ends {
    pub(super) fn of(credential: &Credential, authorization: Option<&Authorization>) -> Self {
        Self {
            certificate: credential.certificate().map(Certificate::not_after),
            authorization: authorization.map(Authorization::idle_end),
        }
    }

    /// What is to be announced at `now` of the credential `name`.
    pub(super) fn notices(self, name: &str, now: Timestamp) -> Vec<Notice> {
        let of_certificate = self
            .certificate
            .and_then(|at| match at.duration_since(now) {
                left if left <= SignedDuration::ZERO => Some(Notice::CertificateEnded { at }),
                left if left < CERTIFICATE_NOTICE => Some(Notice::CertificateEnds { at }),
                _ => None,
            });
        let of_authorization = self
            .authorization
            .filter(|at| at.duration_since(now) < IDLE_NOTICE)
            .map(|at| Notice::AuthorizationEnds {
                name: name.to_owned(),
                at,
            });
        of_certificate.into_iter().chain(of_authorization).collect()
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |at: &Timestamp| at.strftime("%Y-%m-%d").to_string();
        match self {
            Self::CertificateEnds { at } => write!(
                f,
                "the certificate ends on {}: upload a new one to the app registration and configure it",
                day(at)
            ),
            Self::CertificateEnded { at } => write!(
                f,
                "the certificate ended on {}: upload a new one to the app registration and configure it",
                day(at)
            ),
            Self::AuthorizationEnds { name, at } => write!(
                f,
                "the authorisation ends on {} unless it is used before: if the sync cannot use it, \
                 run `ldap365 authorize {name}`",
                day(at)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i64) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        start + SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn certificate_is_announced_thirty_days_before_its_end_and_when_it_has_ended() {
        let at = day(100);
        let ends = Ends {
            certificate: Some(at),
            authorization: None,
        };
        assert_eq!(ends.notices("app", day(69)), []);
        assert_eq!(
            ends.notices("app", day(71)),
            [Notice::CertificateEnds { at }]
        );
        assert_eq!(
            ends.notices("app", day(100)),
            [Notice::CertificateEnded { at }]
        );
    }

    #[test]
    fn authorization_is_announced_two_weeks_before_it_ends_unused() {
        let ends = Ends {
            certificate: None,
            authorization: Some(day(90)),
        };
        assert_eq!(ends.notices("backup", day(75)), []);
        let [notice] = &ends.notices("backup", day(77))[..] else {
            panic!("one thing ends")
        };
        let words = notice.to_string();
        assert!(
            words.contains("2026-04-01") && words.contains("ldap365 authorize backup"),
            "{words}"
        );
    }
}
