//! The records of time: progress, stamps, the commit counter; and whose data it all is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Fault, Moment, optional_time};
use crate::directory::{DeltaLink, PhaseProgress, Stamp};
use crate::store::Generation;

/// The mirror of [`PhaseProgress`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct ProgressRecord {
    link: Option<String>,
    completed: Option<Moment>,
    enumerated: Option<Moment>,
    selected: BTreeSet<String>,
    refused: BTreeSet<String>,
}

/// The mirror of [`Stamp`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StampRecord {
    fingerprint: u64,
    modified: Moment,
}

/// The mirror of [`Generation`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct GenerationRecord {
    number: u64,
    committed: Option<Moment>,
}

/// The tenant whose data the store holds, as the configuration named it on first use.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct TenantRecord(pub(in crate::store) String);

impl From<&PhaseProgress> for ProgressRecord {
    fn from(progress: &PhaseProgress) -> Self {
        let PhaseProgress {
            link,
            completed,
            enumerated,
            selected,
            refused,
        } = progress;
        Self {
            link: link.as_ref().map(|link| link.0.clone()),
            completed: completed.map(Moment::from),
            enumerated: enumerated.map(Moment::from),
            selected: selected.clone(),
            refused: refused.clone(),
        }
    }
}

impl TryFrom<ProgressRecord> for PhaseProgress {
    type Error = Fault;

    fn try_from(record: ProgressRecord) -> Result<Self, Fault> {
        Ok(Self {
            link: record.link.map(DeltaLink),
            completed: optional_time(record.completed)?,
            enumerated: optional_time(record.enumerated)?,
            selected: record.selected,
            refused: record.refused,
        })
    }
}

impl From<Stamp> for StampRecord {
    fn from(stamp: Stamp) -> Self {
        let Stamp {
            fingerprint,
            modified,
        } = stamp;
        Self {
            fingerprint,
            modified: modified.into(),
        }
    }
}

impl TryFrom<StampRecord> for Stamp {
    type Error = Fault;

    fn try_from(record: StampRecord) -> Result<Self, Fault> {
        Ok(Self {
            fingerprint: record.fingerprint,
            modified: record.modified.try_into()?,
        })
    }
}

impl From<Generation> for GenerationRecord {
    fn from(Generation { number, committed }: Generation) -> Self {
        Self {
            number,
            committed: committed.map(Moment::from),
        }
    }
}

impl TryFrom<GenerationRecord> for Generation {
    type Error = Fault;

    fn try_from(record: GenerationRecord) -> Result<Self, Fault> {
        Ok(Self {
            number: record.number,
            committed: optional_time(record.committed)?,
        })
    }
}
