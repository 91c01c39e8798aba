//! How far the sync has read, and when served entries last changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

/// The whole `@odata.deltaLink` URL that ended a round; opaque, and only ever sent to the Graph host.
#[derive(Clone, PartialEq, Eq)]
pub struct DeltaLink(pub String);

/// Where each phase of the sync goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The users phase.
    pub users: PhaseProgress,
    /// The groups phase.
    pub groups: PhaseProgress,
}

/// Where one phase goes on; all `None` or empty before its first commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseProgress {
    /// The delta link committed together with what it stands for.
    pub link: Option<DeltaLink>,
    /// When the phase was last committed.
    pub completed: Option<Timestamp>,
    /// When it last enumerated everything.
    pub enumerated: Option<Timestamp>,
    /// The properties that the delta link tracks: `$select` of the enumeration it descends from.
    pub selected: BTreeSet<String>,
    /// The properties that the tenant refused then, and that are served by nobody. Asked for again at
    /// the next full enumeration, and not before.
    pub refused: BTreeSet<String>,
}

impl PhaseProgress {
    /// Whether the delta link tracks all of `wanted` that the tenant allows, and nothing else.
    ///
    /// False after a mapping was changed, or after an update that reads more than the version before.
    pub fn is_tracking(&self, wanted: &BTreeSet<String>) -> bool {
        self.selected.union(&self.refused).eq(wanted)
    }
}

/// [`Stamp`]s by entryUUID, for the entries now served and no others.
pub type Stamps = BTreeMap<Uuid, Stamp>;

/// When an entry last changed, and a fingerprint to tell whether it has changed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// A hash of everything the entry shows but its timestamps; equal exactly when nothing moved.
    pub fingerprint: u64,
    /// `modifyTimestamp`
    pub modified: Timestamp,
}

/// The link carries a token: its host is shown, the rest is not.
impl fmt::Debug for DeltaLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.split('?').next().unwrap_or_default();
        write!(f, "DeltaLink({host}?…)")
    }
}
