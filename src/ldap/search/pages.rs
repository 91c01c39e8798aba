//! Paged results (RFC 2696): the walks that wait for their next page, each known to its own connection alone.

use std::collections::VecDeque;
use std::time::Duration;

use ldap3_proto::proto::LdapResultCode;
use tokio::time::Instant;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::Place;
use crate::ldap::refusal::Refusal;

/// Walks that one connection may leave waiting; the one that has waited longest gives way.
pub const WAITING_MAX: usize = 8;
/// How long a walk waits for its next page. It holds on to a whole snapshot.
pub const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Octets of a cookie.
const COOKIE_BYTES: usize = 16;

/// A paged search between two pages.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which search it is.
    pub fingerprint: Fingerprint,
    /// Where it stands.
    pub place: Place,
}

/// Tells one search from another: everything that must stay the same from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of the contents of a SearchRequest and the value of its sort control.
    pub fn new(request: &[u8], sort: Option<&[u8]>) -> Self {
        let sort = sort.map_or(0, |value| xxh3_128(value).rotate_left(64));
        Self(xxh3_128(request) ^ sort)
    }
}

/// The walks of one connection that wait, the one that has waited longest first.
#[derive(Debug, Default)]
pub struct Pages {
    waiting: VecDeque<(Uuid, Instant, Waiting)>,
}

impl Pages {
    /// Keeps a walk, and gives the cookie that it goes on with: chosen at random, so that it cannot be guessed, and
    /// good for one page.
    pub fn keep(&mut self, walk: Waiting) -> [u8; COOKIE_BYTES] {
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        let cookie = Uuid::new_v4();
        let until = Instant::now() + PATIENCE;
        self.waiting.push_back((cookie, until, walk));
        *cookie.as_bytes()
    }

    /// The walk that a cookie belongs to. It is gone afterwards, also where the search is another one than it was.
    pub fn take(&mut self, cookie: &[u8], fingerprint: Fingerprint) -> Result<Waiting, Refusal> {
        self.expire();
        let cookie = Uuid::from_slice(cookie).map_err(|_| {
            Refusal::new(
                LdapResultCode::ProtocolError,
                "the paged results cookie is none of this server's",
            )
        })?;
        let place = self.waiting.iter().position(|(key, ..)| *key == cookie);
        let walk = place.and_then(|place| self.waiting.remove(place));
        match walk {
            None => Err(Refusal::new(
                LdapResultCode::UnwillingToPerform,
                "the paged results cookie is old, or of another connection",
            )),
            Some((.., walk)) if walk.fingerprint != fingerprint => Err(Refusal::new(
                LdapResultCode::UnwillingToPerform,
                "the paged results cookie is of another search",
            )),
            Some((.., walk)) => Ok(walk),
        }
    }

    /// Lets go of walks that have waited too long.
    pub fn expire(&mut self) {
        let now = Instant::now();
        while self
            .waiting
            .front()
            .is_some_and(|(_, until, _)| *until <= now)
        {
            self.waiting.pop_front();
        }
    }

    /// When the next walk will have waited too long.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.waiting.front().map(|(_, until, _)| *until)
    }

    /// Lets go of every walk: they belong to who was bound.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}
