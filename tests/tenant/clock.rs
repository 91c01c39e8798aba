//! The tenant's own time: the machine's clock plus whatever a test has added.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that tests can push forward; it drives every lifetime in the tenant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// The tenant's present.
    pub fn now(self) -> Timestamp {
        Timestamp::now() + self.ahead
    }

    /// Lets `duration` pass at once.
    pub fn advance(&mut self, duration: Duration) {
        self.ahead += span(duration);
    }
}

/// `duration` as the signed kind that timestamps add.
pub fn span(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).expect("tests advance the clock by days, not by aeons")
}

/// The sign-in service's way of writing a time: with a blank where ISO 8601 has a `T`.
pub fn sign_in_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Graph's way of writing a time inside an error: UTC, without saying so.
pub fn graph_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A time as HTTP headers write it (RFC 9110 §5.6.7).
pub fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
