//! Smart lockout: too many different wrong passwords close an account for a while.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::super::clock::span;

/// Wrong passwords before the first lockout (smart lockout, default threshold).
const FAILURES_MAX: u32 = 10;
/// Wrong passwords remembered, so that repeating one of them does not count.
const REMEMBERED: usize = 3;
/// The first lockout; each one after it is twice as long.
const FIRST_LOCKOUT: Duration = Duration::from_secs(60);

/// The failures of one account.
#[derive(Clone, Debug, Default)]
pub struct Lockout {
    failures: u32,
    lockouts: u32,
    recent: VecDeque<String>,
    until: Option<Timestamp>,
}

impl Lockout {
    /// Whether nobody gets in at `now`, whatever the password.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Notes a wrong password.
    pub fn note_failure(&mut self, password: &str, now: Timestamp) {
        if self.recent.iter().any(|recent| recent == password) {
            return;
        }
        self.recent.push_back(password.to_owned());
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            self.until = Some(now + span(FIRST_LOCKOUT * 2_u32.saturating_pow(self.lockouts)));
            self.lockouts += 1;
        }
    }
}
