//! When a failed request is sent again: the policy, and the loop around one page.
//!
//! Source: Graph, "Throttling guidance": honour `Retry-After`, else back off exponentially.

use std::time::Duration;

use super::Error;

/// How often one page is asked for in all while Graph asks for patience.
pub const ATTEMPTS_MAX: u32 = 6;
/// The same when nobody says how long it will take: some seconds, and then the pass is over. It comes back by
/// itself and goes on where it stopped, and until then the status tells what is the matter.
pub const UNTOLD_ATTEMPTS_MAX: u32 = 4;
/// The same for a page that Graph says it does not know: it has been seen to find it again.
pub const LOST_PAGE_ATTEMPTS_MAX: u32 = 3;
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
        Error::Unreachable { .. } | Error::Malformed { .. } | Error::PageGone { .. } => None,
        Error::Token(error) if error.is_transient() => error.retry_after(),
        Error::Token(_)
        | Error::TokenRefused { .. }
        | Error::PermissionMissing { .. }
        | Error::ClaimsDemanded { .. }
        | Error::ResyncRequired { .. }
        | Error::PropertyRefused { .. }
        | Error::ForeignLink { .. }
        | Error::Refused { .. } => return Verdict::GiveUp,
    };
    let attempts_max = match error {
        Error::PageGone { .. } => LOST_PAGE_ATTEMPTS_MAX,
        Error::Throttled { .. } => ATTEMPTS_MAX,
        _ if told.is_some() => ATTEMPTS_MAX,
        _ => UNTOLD_ATTEMPTS_MAX,
    };
    if attempt >= attempts_max {
        return Verdict::GiveUp;
    }
    match told {
        Some(wait) if wait > RETRY_AFTER_MAX => Verdict::GiveUp,
        Some(wait) if !wait.is_zero() => Verdict::Again(wait),
        // "At once", or a date gone by, is no advice to whom it was just refused.
        Some(_) | None => Verdict::Again(backoff(attempt, jitter)),
    }
}

/// Half of the doubling wait is certain, the other half up to chance, so that many daemons spread out.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    doubled
        .min(BACKOFF_MAX)
        .mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// A page is asked for again after a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How long.
    pub wait: Duration,
    /// What happened, with the ids of the request.
    pub reason: String,
}

/// Runs `request` until it succeeds or [`judge`] says to give up. `waiting` hears of every wait before
/// it begins. Cancel-safe if `request` is.
///
/// # Errors
/// The last failure, when asking again would not help or has not.
pub async fn with_retry<T, F: Future<Output = Result<T, Error>>>(
    mut request: impl FnMut() -> F,
    mut waiting: impl FnMut(&Error, Duration),
) -> Result<T, Error> {
    let mut attempt = 1;
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Verdict::Again(wait) = judge(&error, attempt, fastrand::f64()) else {
            return Err(error);
        };
        waiting(&error, wait);
        tokio::time::sleep(wait).await;
        attempt += 1;
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
    fn told_wait_of_nothing_is_backed_off_all_the_same() {
        let error = throttled(Some(Duration::ZERO));
        assert_eq!(judge(&error, 1, 1.0), Verdict::Again(BACKOFF_FIRST));
        assert_eq!(judge(&error, 3, 1.0), Verdict::Again(BACKOFF_FIRST * 4));
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
        for (retry_after, attempts_max) in [
            (None, UNTOLD_ATTEMPTS_MAX),
            (Some(BACKOFF_FIRST), ATTEMPTS_MAX),
        ] {
            let outage = Error::Outage {
                status: 503,
                retry_after,
                trace: trace(),
            };
            assert_ne!(judge(&outage, attempts_max - 1, 0.0), Verdict::GiveUp);
            assert_eq!(judge(&outage, attempts_max, 0.0), Verdict::GiveUp);
        }
    }

    #[test]
    fn lost_page_is_asked_for_a_few_times_only() {
        let lost = Error::PageGone {
            collection: "users",
            status: 404,
            trace: trace(),
        };
        let last = LOST_PAGE_ATTEMPTS_MAX;
        assert!(matches!(judge(&lost, last - 1, 0.0), Verdict::Again(_)));
        assert_eq!(judge(&lost, last, 0.0), Verdict::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn every_wait_is_told_before_it_begins() {
        let answers = std::cell::Cell::new(0);
        let mut waits = Vec::new();
        let outcome = with_retry(
            || {
                answers.set(answers.get() + 1);
                let answer = match answers.get() {
                    1 => Err(throttled(Some(Duration::from_millis(2128)))),
                    2 => Err(throttled(None)),
                    _ => Ok(7),
                };
                async move { answer }
            },
            |error, wait| {
                assert!(matches!(error, Error::Throttled { .. }));
                waits.push(wait);
            },
        )
        .await;
        assert_eq!(outcome.unwrap(), 7);
        assert_eq!((waits.len(), waits[0]), (2, Duration::from_millis(2128)));
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
            is_delegated: false,
            trace: trace(),
        };
        let dead = Error::Token(oauth::Error::AllRefused(Vec::new()));
        let unauthorized = Error::TokenRefused { trace: trace() };
        let foreign = Error::ForeignLink {
            origin: String::new(),
            expected: String::new(),
            trace: None,
        };
        for error in [refused, resync, denied, dead, unauthorized, foreign] {
            assert_eq!(judge(&error, 1, 0.0), Verdict::GiveUp, "{error}");
        }
    }
}
