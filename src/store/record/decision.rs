//! The record of a decision.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Guid;
use super::group::GroupKindRecord;
use crate::directory::decision::{Decision, Grounds, GroupPath, Reason};
use crate::directory::{GroupId, ObjectId};

/// The mirror of [`Decision`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum DecisionRecord {
    Include(GroundsRecord),
    Exclude(ReasonRecord),
}

/// The mirror of [`Grounds`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum GroundsRecord {
    Default,
    Allowed(GroupPathRecord),
}

/// The mirror of [`GroupPath`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct GroupPathRecord {
    rule: String,
    groups: Vec<Guid>,
}

/// The mirror of [`Reason`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum ReasonRecord {
    Disabled,
    EnabledUnknown,
    Guest,
    Ignored(GroupPathRecord),
    NotAllowed,
    RulesUnresolved,
    NoUsername,
    NameReserved(String),
    NameTaken { name: String, holder: Guid },
    NumbersExhausted,
    NoMail,
    PrefixMismatch,
    KindExcluded(GroupKindRecord),
    Deleted,
    GroupsOff,
    ChangeHeld,
}

impl From<&Decision> for DecisionRecord {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Include(Grounds::Default) => Self::Include(GroundsRecord::Default),
            Decision::Include(Grounds::Allowed(path)) => {
                Self::Include(GroundsRecord::Allowed(path.into()))
            }
            Decision::Exclude(reason) => Self::Exclude(reason.into()),
        }
    }
}

impl From<DecisionRecord> for Decision {
    fn from(record: DecisionRecord) -> Self {
        match record {
            DecisionRecord::Include(GroundsRecord::Default) => Self::Include(Grounds::Default),
            DecisionRecord::Include(GroundsRecord::Allowed(path)) => {
                Self::Include(Grounds::Allowed(path.into()))
            }
            DecisionRecord::Exclude(reason) => Self::Exclude(reason.into()),
        }
    }
}

impl From<&GroupPath> for GroupPathRecord {
    fn from(GroupPath { rule, groups }: &GroupPath) -> Self {
        Self {
            rule: rule.clone(),
            groups: groups.iter().map(|id| *id.0.as_bytes()).collect(),
        }
    }
}

impl From<GroupPathRecord> for GroupPath {
    fn from(GroupPathRecord { rule, groups }: GroupPathRecord) -> Self {
        let id = |octets| GroupId(ObjectId(Uuid::from_bytes(octets)));
        Self {
            rule,
            groups: groups.into_iter().map(id).collect(),
        }
    }
}

impl From<&Reason> for ReasonRecord {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::Disabled => Self::Disabled,
            Reason::EnabledUnknown => Self::EnabledUnknown,
            Reason::Guest => Self::Guest,
            Reason::Ignored(path) => Self::Ignored(path.into()),
            Reason::NotAllowed => Self::NotAllowed,
            Reason::RulesUnresolved => Self::RulesUnresolved,
            Reason::NoUsername => Self::NoUsername,
            Reason::NameReserved(name) => Self::NameReserved(name.clone()),
            Reason::NameTaken { name, holder } => Self::NameTaken {
                name: name.clone(),
                holder: *holder.as_bytes(),
            },
            Reason::NumbersExhausted => Self::NumbersExhausted,
            Reason::NoMail => Self::NoMail,
            Reason::PrefixMismatch => Self::PrefixMismatch,
            Reason::KindExcluded(kind) => Self::KindExcluded((*kind).into()),
            Reason::Deleted => Self::Deleted,
            Reason::GroupsOff => Self::GroupsOff,
            Reason::ChangeHeld => Self::ChangeHeld,
        }
    }
}

impl From<ReasonRecord> for Reason {
    fn from(record: ReasonRecord) -> Self {
        match record {
            ReasonRecord::Disabled => Self::Disabled,
            ReasonRecord::EnabledUnknown => Self::EnabledUnknown,
            ReasonRecord::Guest => Self::Guest,
            ReasonRecord::Ignored(path) => Self::Ignored(path.into()),
            ReasonRecord::NotAllowed => Self::NotAllowed,
            ReasonRecord::RulesUnresolved => Self::RulesUnresolved,
            ReasonRecord::NoUsername => Self::NoUsername,
            ReasonRecord::NameReserved(name) => Self::NameReserved(name),
            ReasonRecord::NameTaken { name, holder } => Self::NameTaken {
                name,
                holder: ObjectId(Uuid::from_bytes(holder)),
            },
            ReasonRecord::NumbersExhausted => Self::NumbersExhausted,
            ReasonRecord::NoMail => Self::NoMail,
            ReasonRecord::PrefixMismatch => Self::PrefixMismatch,
            ReasonRecord::KindExcluded(kind) => Self::KindExcluded(kind.into()),
            ReasonRecord::Deleted => Self::Deleted,
            ReasonRecord::GroupsOff => Self::GroupsOff,
            ReasonRecord::ChangeHeld => Self::ChangeHeld,
        }
    }
}
