//! When the next pass runs. Pure: the time comes in, and so does the jitter.

use std::time::{Duration, Instant};

/// The first wait after a failure, unless `interval` is shorter; it doubles with every further one.
const BACKOFF_MIN: Duration = Duration::from_secs(15);

/// The longest wait after failures, unless `interval` itself is longer.
const BACKOFF_MAX: Duration = Duration::from_secs(10 * 60);

/// Decides when the next pass runs: `interval` after a success, later and later after failures, and
/// at once when triggered. The first pass is due at once.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval: Duration,
    failures: u32,
    due: Instant,
    is_triggered: bool,
}

impl Schedule {
    /// A schedule whose first pass is due `now`.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            failures: 0,
            due: now,
            is_triggered: false,
        }
    }

    /// How long to wait until the next pass; zero when it is due.
    pub fn wait(&self, now: Instant) -> Duration {
        match self.is_triggered {
            true => Duration::ZERO,
            false => self.due.saturating_duration_since(now),
        }
    }

    /// Somebody wants a pass now. During a pass, this asks for another one after it: what it is to see
    /// may have come too late for the running one.
    pub fn trigger(&mut self) {
        self.is_triggered = true;
    }

    /// A pass begins, and answers every trigger so far.
    pub fn began(&mut self) {
        self.is_triggered = false;
    }

    /// A pass ended `now`, and Graph asks to be left alone for a `pause`. `jitter`, from 0 to 1, spreads the
    /// retries of many daemons over the second half of the wait.
    pub fn ended(&mut self, is_success: bool, pause: Duration, now: Instant, jitter: f64) {
        let wait = if is_success {
            self.failures = 0;
            self.interval
        } else {
            self.failures = self.failures.saturating_add(1);
            self.backoff().mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
        };
        self.due = now + wait.max(pause);
    }

    /// A changed configuration; what is due already stays due.
    pub fn set_interval(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.due = self.due.min(now + interval.max(self.backoff()));
    }

    /// How many passes have failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after this many failures, before jitter.
    fn backoff(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        (BACKOFF_MIN.min(self.interval) * (1 << doublings)).min(BACKOFF_MAX.max(self.interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn check(schedule: &Schedule, now: Instant, expected: Duration) {
        assert_eq!(schedule.wait(now), expected);
    }

    #[test]
    fn first_pass_is_due_at_once_and_the_next_after_the_interval() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, now);
        check(&schedule, now, Duration::ZERO);
        schedule.began();
        schedule.ended(true, Duration::ZERO, now, 1.0);
        check(&schedule, now, MINUTE);
        check(&schedule, now + MINUTE / 4, MINUTE * 3 / 4);
        check(&schedule, now + MINUTE * 2, Duration::ZERO);
    }

    #[test]
    fn waits_double_after_failures_up_to_a_bound_and_a_success_ends_that() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, now);
        for seconds in [15, 30, 60, 120, 240, 480, 600, 600] {
            schedule.ended(false, Duration::ZERO, now, 1.0);
            check(&schedule, now, Duration::from_secs(seconds));
        }
        for _ in 0..100 {
            schedule.ended(false, Duration::ZERO, now, 1.0);
        }
        check(&schedule, now, BACKOFF_MAX);
        schedule.ended(true, Duration::ZERO, now, 0.0);
        check(&schedule, now, MINUTE);
    }

    #[test]
    fn pause_that_graph_asked_for_is_waited_out() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, now);
        for is_success in [false, true] {
            schedule.ended(is_success, MINUTE * 10, now, 0.0);
            check(&schedule, now, MINUTE * 10);
        }
    }

    #[test]
    fn jitter_halves_the_wait_at_most() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, now);
        schedule.ended(false, Duration::ZERO, now, 0.0);
        check(&schedule, now, BACKOFF_MIN / 2);
        let mut schedule = Schedule::new(MINUTE, now);
        schedule.ended(false, Duration::ZERO, now, 7.0);
        check(&schedule, now, BACKOFF_MIN);
    }

    #[test]
    fn long_interval_bounds_the_backoff_instead() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE * 30, now);
        for _ in 0..20 {
            schedule.ended(false, Duration::ZERO, now, 1.0);
        }
        check(&schedule, now, MINUTE * 30);
    }

    #[test]
    fn short_interval_is_not_left_for_a_longer_wait_by_one_failure() {
        let now = Instant::now();
        let interval = Duration::from_secs(2);
        let mut schedule = Schedule::new(interval, now);
        for doubled in [1, 2, 4, 8] {
            schedule.ended(false, Duration::ZERO, now, 1.0);
            check(&schedule, now, interval * doubled);
        }
    }

    #[test]
    fn trigger_during_a_pass_asks_for_another_one() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, now);
        schedule.trigger();
        schedule.began();
        schedule.ended(true, Duration::ZERO, now, 0.0);
        check(&schedule, now, MINUTE);
        schedule.began();
        schedule.trigger();
        schedule.ended(true, Duration::ZERO, now, 0.0);
        check(&schedule, now, Duration::ZERO);
    }

    #[test]
    fn shorter_interval_takes_effect_at_once() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE * 60, now);
        schedule.ended(true, Duration::ZERO, now, 0.0);
        schedule.set_interval(MINUTE, now);
        check(&schedule, now, MINUTE);
    }
}
