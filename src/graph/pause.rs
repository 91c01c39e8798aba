//! How long Graph wants to be left alone.
//!
//! Throttling is by app and tenant (Graph, "Throttling guidance"): whoever is told to wait is told it for every
//! request of this program.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Trace;

/// The longest wait that is taken at its word; after it Graph is asked how things are.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The wait that Graph asked for last, shared by all requests.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Told>>);

#[derive(Clone, Debug)]
struct Told {
    until: Instant,
    trace: Trace,
}

impl Pause {
    /// Graph asked `now` for a `wait`; a longer one that it asked for before stands.
    pub(super) fn told(&self, wait: Duration, trace: &Trace, now: Instant) {
        let until = now + wait.min(WAIT_MAX);
        let mut told = self.lock();
        if told.as_ref().is_none_or(|known| known.until < until) {
            let trace = trace.clone();
            *told = Some(Told { until, trace });
        }
    }

    /// What is left of the wait, and which request it was asked of; `None` when it is over.
    pub(super) fn left(&self, now: Instant) -> Option<(Duration, Trace)> {
        let told = self.lock().clone()?;
        let left = told.until.saturating_duration_since(now);
        (!left.is_zero()).then_some((left, told.trace))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn longest_wait_asked_for_stands_until_it_is_over() {
        let (pause, now) = (Pause::default(), Instant::now());
        let trace = Trace {
            client_request_id: Uuid::nil(),
            request_id: None,
        };
        let left = |seconds| {
            let left = pause.left(now + Duration::from_secs(seconds));
            left.map(|(left, _)| left.as_secs())
        };
        assert_eq!(left(0), None);
        pause.told(Duration::from_secs(400), &trace, now);
        pause.told(Duration::from_secs(10), &trace, now);
        assert_eq!((left(0), left(399), left(400)), (Some(400), Some(1), None));
        pause.told(Duration::MAX, &trace, now);
        assert_eq!(left(0), Some(WAIT_MAX.as_secs()));
    }
}
