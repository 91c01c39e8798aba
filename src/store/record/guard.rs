//! The records of what the mass-change guard remembers.

use serde::{Deserialize, Serialize};

use super::decision::ReasonRecord;
use super::{Fault, Moment};
use crate::directory::guard::{
    Accepted, ChangeKind, HeldChange, HeldKind, Memory, Moved, Standing,
};

/// The mirror of [`Memory`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct MemoryRecord {
    moved: Option<(StandingRecord, Moment)>,
    held: Option<HeldChangeRecord>,
    accepted: Option<(StandingRecord, Moment)>,
}

/// The mirror of [`HeldChange`].
#[derive(Serialize, Deserialize)]
struct HeldChangeRecord {
    kind: ChangeKindRecord,
    from: StandingRecord,
    to: StandingRecord,
    reason: Option<ReasonRecord>,
    since: Moment,
}

/// The mirror of [`Standing`].
#[derive(Serialize, Deserialize)]
enum StandingRecord {
    Absent,
    Inactive,
    Active,
}

/// The mirror of [`ChangeKind`].
#[derive(Serialize, Deserialize)]
enum ChangeKindRecord {
    Deactivated,
    Activated,
    Removed,
    MembershipsLost,
    MembershipsGained,
}

/// The kinds of change that are held, each with its [`HeldKind`]: people, active, limit and since when.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct HeldKindsRecord(Vec<(ChangeKindRecord, (u64, u64, u8, Moment))>);

impl From<&Memory> for MemoryRecord {
    fn from(
        Memory {
            moved,
            held,
            accepted,
        }: &Memory,
    ) -> Self {
        Self {
            moved: moved.map(|Moved { from, at }| (from.into(), at.into())),
            held: held.as_ref().map(HeldChangeRecord::from),
            accepted: accepted.map(|Accepted { to, at }| (to.into(), at.into())),
        }
    }
}

impl TryFrom<MemoryRecord> for Memory {
    type Error = Fault;

    fn try_from(record: MemoryRecord) -> Result<Self, Fault> {
        let moved = |(from, at): (StandingRecord, Moment)| {
            let from = from.into();
            at.try_into().map(|at| Moved { from, at })
        };
        let accepted = |(to, at): (StandingRecord, Moment)| {
            let to = to.into();
            at.try_into().map(|at| Accepted { to, at })
        };
        Ok(Self {
            moved: record.moved.map(moved).transpose()?,
            held: record.held.map(HeldChange::try_from).transpose()?,
            accepted: record.accepted.map(accepted).transpose()?,
        })
    }
}

impl From<&HeldChange> for HeldChangeRecord {
    fn from(change: &HeldChange) -> Self {
        let HeldChange {
            kind,
            from,
            to,
            reason,
            since,
        } = change;
        Self {
            kind: (*kind).into(),
            from: (*from).into(),
            to: (*to).into(),
            reason: reason.as_ref().map(ReasonRecord::from),
            since: (*since).into(),
        }
    }
}

impl TryFrom<HeldChangeRecord> for HeldChange {
    type Error = Fault;

    fn try_from(record: HeldChangeRecord) -> Result<Self, Fault> {
        Ok(Self {
            kind: record.kind.into(),
            from: record.from.into(),
            to: record.to.into(),
            reason: record.reason.map(Into::into),
            since: record.since.try_into()?,
        })
    }
}

impl<'a> FromIterator<(&'a ChangeKind, &'a HeldKind)> for HeldKindsRecord {
    fn from_iter<I: IntoIterator<Item = (&'a ChangeKind, &'a HeldKind)>>(held: I) -> Self {
        let record = |(&kind, held): (&ChangeKind, &HeldKind)| {
            let (people, active) = (held.people as u64, held.active as u64);
            (
                kind.into(),
                (people, active, held.max_change, held.since.into()),
            )
        };
        Self(held.into_iter().map(record).collect())
    }
}

impl TryFrom<HeldKindsRecord> for Vec<(ChangeKind, HeldKind)> {
    type Error = Fault;

    fn try_from(HeldKindsRecord(kinds): HeldKindsRecord) -> Result<Self, Fault> {
        let kind = |(kind, (people, active, max_change, since)): (_, (u64, u64, u8, Moment))| {
            let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let held = HeldKind {
                people: count(people),
                active: count(active),
                max_change,
                since: since.try_into()?,
            };
            Ok((ChangeKind::from(kind), held))
        };
        kinds.into_iter().map(kind).collect()
    }
}

macro_rules! mirror {
    ($of:ident, $record:ident: $($variant:ident),*) => {
        impl From<$of> for $record {
            fn from(it: $of) -> Self {
                match it { $($of::$variant => Self::$variant),* }
            }
        }

        impl From<$record> for $of {
            fn from(record: $record) -> Self {
                match record { $($record::$variant => Self::$variant),* }
            }
        }
    };
}

mirror!(Standing, StandingRecord: Absent, Inactive, Active);
mirror!(
    ChangeKind,
    ChangeKindRecord: Deactivated, Activated, Removed, MembershipsLost, MembershipsGained
);
