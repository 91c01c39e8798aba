//! When a failed request is sent again: the policy, and the loop around one page.
//!
//! Source: Graph, "Throttling guidance": honour `Retry-After`, else back off exponentially.

use std::time::Duration;

use super::{Change, Error, GraphClient, Link, Page};

/// How often one page is asked for in all.
pub const ATTEMPTS_MAX: u32 = 6;
/// The first wait of the backoff; each further one doubles.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait of the backoff.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is waited for; a longer one ends the pass, which comes back by itself.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask for the same link again after this wait.
    Again(Duration),
    /// Asking again would not help, or not soon.
    GiveUp,
}

/// Judges the failure of the `attempt`-th attempt (from 1). `jitter` is a random number in `0.0..1.0`.
pub fn judge(error: &Error, attempt: u32, jitter: f64) -> Verdict {
    let told = match error {
        Error::Throttled { retry_after, .. } | Error::Outage { retry_after, .. } => *retry_after,
        Error::Unreachable { .. } | Error::Malformed { .. } => None,
        Error::Token(error) if error.is_transient() => error.retry_after(),
        Error::Token(_)
        | Error::TokenRefused { .. }
        | Error::PermissionMissing { .. }
        | Error::ResyncRequired { .. }
        | Error::PropertyRefused { .. }
        | Error::ForeignLink { .. }
        | Error::Refused { .. } => return Verdict::GiveUp,
    };
    if attempt >= ATTEMPTS_MAX {
        return Verdict::GiveUp;
    }
    match told {
        Some(wait) if wait > RETRY_AFTER_MAX => Verdict::GiveUp,
        Some(wait) => Verdict::Again(wait),
        None => Verdict::Again(backoff(attempt, jitter)),
    }
}

/// Half of the doubling wait is certain, the other half up to chance, so that many daemons spread out.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    doubled
        .min(BACKOFF_MAX)
        .mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

impl GraphClient {
    /// Fetches a page, asking for the same link again as [`judge`] says. Cancel-safe.
    ///
    /// # Errors
    /// The last failure, when asking again would not help or has not.
    pub async fn page_with_retry<C: Change>(&self, link: &Link) -> Result<Page<C>, Error> {
        let mut attempt = 1;
        loop {
            let error = match self.page(link).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let Verdict::Again(wait) = judge(&error, attempt, fastrand::f64()) else {
                return Err(error);
            };
            tracing::warn!(
                collection = C::COLLECTION,
                attempt,
                wait_seconds = wait.as_secs_f64(),
                %error,
                "a page of the tenant failed; it is asked for again"
            );
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::graph::Trace;
    use crate::oauth;

    fn trace() -> Trace {
        Trace {
            client_request_id: Uuid::nil(),
            request_id: None,
        }
    }

    fn throttled(retry_after: Option<Duration>) -> Error {
        Error::Throttled {
            retry_after,
            trace: trace(),
        }
    }

    #[test]
    fn told_wait_is_kept_to_the_fraction() {
        let wait = Duration::from_millis(2128);
        assert_eq!(judge(&throttled(Some(wait)), 1, 0.9), Verdict::Again(wait));
        let token = Error::Token(oauth::Error::Outage {
            status: 503,
            retry_after: Some(wait),
        });
        assert_eq!(judge(&token, 1, 0.9), Verdict::Again(wait));
    }

    #[test]
    fn told_wait_beyond_bearing_gives_up() {
        let wait = RETRY_AFTER_MAX + Duration::from_secs(1);
        assert_eq!(judge(&throttled(Some(wait)), 1, 0.0), Verdict::GiveUp);
    }

    #[test]
    fn untold_wait_doubles_with_jitter_up_to_a_limit() {
        for (attempt, jitter, millis) in [
            (1, 0.0, 500),
            (1, 1.0, 1000),
            (2, 1.0, 2000),
            (5, 0.5, 12_000),
        ] {
            let wait = Duration::from_millis(millis);
            assert_eq!(
                judge(&throttled(None), attempt, jitter),
                Verdict::Again(wait),
                "attempt {attempt}"
            );
        }
        assert_eq!(backoff(40, 1.0), BACKOFF_MAX);
    }

    #[test]
    fn attempts_end() {
        assert!(matches!(
            judge(&throttled(None), ATTEMPTS_MAX - 1, 0.0),
            Verdict::Again(_)
        ));
        assert_eq!(judge(&throttled(None), ATTEMPTS_MAX, 0.0), Verdict::GiveUp);
    }

    #[test]
    fn only_what_time_may_mend_is_asked_again() {
        let outage = Error::Outage {
            status: 504,
            retry_after: None,
            trace: trace(),
        };
        let html = Error::Malformed {
            status: 200,
            what: String::new(),
            trace: trace(),
        };
        for error in [outage, html] {
            assert!(
                matches!(judge(&error, 1, 0.0), Verdict::Again(_)),
                "{error}"
            );
        }
        let refused = Error::Refused {
            status: 400,
            code: String::new(),
            message: String::new(),
            trace: trace(),
        };
        let resync = Error::ResyncRequired {
            collection: "users",
            trace: trace(),
        };
        let denied = Error::PermissionMissing {
            collection: "users",
            permission: "",
            trace: trace(),
        };
        let dead = Error::Token(oauth::Error::AllRefused(Vec::new()));
        let unauthorized = Error::TokenRefused { trace: trace() };
        let foreign = Error::ForeignLink {
            origin: String::new(),
            expected: String::new(),
        };
        for error in [refused, resync, denied, dead, unauthorized, foreign] {
            assert_eq!(judge(&error, 1, 0.0), Verdict::GiveUp, "{error}");
        }
    }
}
