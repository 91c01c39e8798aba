//! How much one search may cost, by who asks.

use std::time::Duration;

use super::session::Identity;

/// The bounds on one search, whatever the client allows itself. Reaching one is adminLimitExceeded, with what
/// was found until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries returned, over all pages.
    pub entries: usize,
    /// Entries tested against the filter, over all pages.
    pub tested: usize,
    /// Time spent searching and waiting for the client to read, over all pages.
    pub time: Duration,
    /// Entries on one page; who asks for more gets this many.
    pub page_entries: usize,
}

/// Root DSE and subschema are all there is to find.
const ANONYMOUS: Limits = Limits {
    entries: 10,
    tested: 10,
    time: Duration::from_secs(10),
    page_entries: 10,
};

/// An address book's worth: one person at a client, where the administrator lets people read the tree.
const PERSON: Limits = Limits {
    entries: 5_000,
    tested: 1_000_000,
    time: Duration::from_secs(60),
    page_entries: 1_000,
};

/// Programs that enumerate the whole directory, over slow lines too.
const SERVICE_ACCOUNT: Limits = Limits {
    entries: usize::MAX,
    tested: usize::MAX,
    time: Duration::from_secs(10 * 60),
    page_entries: usize::MAX,
};

impl Limits {
    /// The bounds for an identity.
    pub fn of(identity: &Identity) -> Self {
        match identity {
            Identity::Anonymous => ANONYMOUS,
            Identity::Person(_) => PERSON,
            Identity::ServiceAccount { .. } => SERVICE_ACCOUNT,
        }
    }
}
