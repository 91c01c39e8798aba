//! Throttling by resource units: a bucket that fills over time and that every request draws from (throttling limits).

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::super::Tenant;
use super::super::clock::{http_date, span};
use super::refusal::Refusal;

/// How much may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Resource units in a full bucket.
    pub units: u32,
    /// How long an empty bucket takes to fill.
    pub window: Duration,
    /// How a refusal says when to come again.
    pub retry_after: RetryAfter,
}

/// The forms of `Retry-After` that were documented or seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds,
    /// `2.128`
    Fraction,
    /// An HTTP date (RFC 9110 §10.2.3).
    Date,
    /// Not said.
    Absent,
}

/// The bucket, if there is a quota.
#[derive(Clone, Debug, Default)]
pub struct Throttle(Option<Bucket>);

#[derive(Clone, Debug)]
struct Bucket {
    quota: Quota,
    /// Units left; below zero after refused requests, which count too.
    level: f64,
    seen: Timestamp,
}

/// The resource units of a request (throttling limits, "Identity and access").
pub fn cost(head: &Parts) -> u32 {
    let path = head.uri.path().trim_start_matches("/v1.0/");
    let segments: Vec<&str> = path.split('/').collect();
    let base: i64 = match segments[..] {
        ["users"] => 2,
        ["groups", _, "members", ..] => 3,
        ["groups", _, "transitiveMembers", ..] => 5,
        ["users", _, "memberOf" | "transitiveMemberOf", ..] => 2,
        ["applications", _, "extensionProperties"] => 2,
        _ => 1,
    };
    let query = head.uri.query().unwrap_or_default();
    let mut adjustment = 0;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.to_ascii_lowercase().as_str() {
            "$select" => adjustment -= 1,
            "$expand" => adjustment += 1,
            "$top" if value.parse::<u32>().is_ok_and(|top| top < 20) => adjustment -= 1,
            _ => {}
        }
    }
    u32::try_from((base + adjustment).max(1)).expect("costs are small")
}

impl Throttle {
    /// Draws `cost` units; the headers that tell of it, and the refusal if there were not enough.
    pub fn charge(&mut self, cost: u32, now: Timestamp) -> (HeaderMap, Option<Refusal>) {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-resource-unit", HeaderValue::from(cost));
        let Some(bucket) = &mut self.0 else {
            return (headers, None);
        };
        let is_enough = bucket.draw(cost, now);
        let full = f64::from(bucket.quota.units);
        let used = (full - bucket.level) / full;
        if used >= 0.8 {
            let used = format!("{:.1}", used.min(1.8));
            let used = HeaderValue::from_str(&used).expect("digits are ASCII");
            headers.insert("x-ms-throttle-limit-percentage", used);
        }
        if is_enough {
            return (headers, None);
        }
        let information = HeaderValue::from_static("ResourceUnitLimitExceeded");
        headers.insert("x-ms-throttle-information", information);
        let scope = HeaderValue::from_static("Tenant_Application/ReadLimit/simulated/simulated");
        headers.insert("x-ms-throttle-scope", scope);
        if let Some(text) = bucket.retry_after(cost, now) {
            let text = HeaderValue::from_str(&text).expect("times are ASCII");
            headers.insert("retry-after", text);
        }
        (headers, Some(Refusal::too_many_requests()))
    }
}

impl Bucket {
    fn rate(&self) -> f64 {
        f64::from(self.quota.units) / self.quota.window.as_secs_f64()
    }

    /// Whether there was enough. Debt is bounded by one bucket, or a client would never get out of it.
    fn draw(&mut self, cost: u32, now: Timestamp) -> bool {
        let full = f64::from(self.quota.units);
        let elapsed = now.duration_since(self.seen).as_secs_f64().max(0.0);
        self.level = (self.level + elapsed * self.rate()).min(full);
        self.seen = now;
        let is_enough = self.level >= f64::from(cost);
        self.level = (self.level - f64::from(cost)).max(-full);
        is_enough
    }

    fn retry_after(&self, cost: u32, now: Timestamp) -> Option<String> {
        let seconds = (f64::from(cost) - self.level) / self.rate();
        match self.quota.retry_after {
            RetryAfter::Seconds => Some(format!("{}", seconds.ceil())),
            RetryAfter::Fraction => Some(format!("{:.3}", seconds + 0.001)),
            RetryAfter::Date => {
                let wait = Duration::from_secs_f64(seconds.ceil() + 1.0);
                Some(http_date(now + span(wait)))
            }
            RetryAfter::Absent => None,
        }
    }
}

impl Tenant {
    /// Graph refuses requests beyond `quota` from now on, or none.
    pub fn throttle(&self, quota: Option<Quota>) {
        let mut world = self.world();
        let seen = world.clock.now();
        world.throttle = Throttle(quota.map(|quota| Bucket {
            quota,
            level: f64::from(quota.units),
            seen,
        }));
    }
}
