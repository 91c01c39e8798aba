//! The records of names: what an object holds, and what a rule's name means.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Fault, Guid, Moment, optional_time};
use crate::directory::registry::{FormerName, Record};
use crate::directory::{GroupId, ObjectId};

/// The mirror of [`Record`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct RegistrationRecord {
    number: u32,
    former_numbers: Vec<u32>,
    name: Option<String>,
    former_names: Vec<FormerNameRecord>,
    home: Option<String>,
    deleted: Option<Moment>,
    label: Option<String>,
}

/// The mirror of [`FormerName`].
#[derive(Serialize, Deserialize)]
struct FormerNameRecord {
    name: String,
    released: Moment,
}

/// The group that a name in a rule is pinned to.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct PinRecord(Guid);

impl From<&Record> for RegistrationRecord {
    fn from(record: &Record) -> Self {
        let Record {
            number,
            former_numbers,
            name,
            former_names,
            home,
            deleted,
            label,
        } = record;
        Self {
            number: *number,
            former_numbers: former_numbers.clone(),
            name: name.clone(),
            former_names: former_names.iter().map(FormerNameRecord::from).collect(),
            home: home.clone(),
            deleted: deleted.map(Moment::from),
            label: label.clone(),
        }
    }
}

impl TryFrom<RegistrationRecord> for Record {
    type Error = Fault;

    fn try_from(record: RegistrationRecord) -> Result<Self, Fault> {
        let former_names = record.former_names.into_iter().map(FormerName::try_from);
        Ok(Self {
            number: record.number,
            former_numbers: record.former_numbers,
            name: record.name,
            former_names: former_names.collect::<Result<_, _>>()?,
            home: record.home,
            deleted: optional_time(record.deleted)?,
            label: record.label,
        })
    }
}

impl From<&FormerName> for FormerNameRecord {
    fn from(FormerName { name, released }: &FormerName) -> Self {
        Self {
            name: name.clone(),
            released: (*released).into(),
        }
    }
}

impl TryFrom<FormerNameRecord> for FormerName {
    type Error = Fault;

    fn try_from(FormerNameRecord { name, released }: FormerNameRecord) -> Result<Self, Fault> {
        Ok(Self {
            name,
            released: released.try_into()?,
        })
    }
}

impl From<GroupId> for PinRecord {
    fn from(id: GroupId) -> Self {
        Self(*id.0.as_bytes())
    }
}

impl From<PinRecord> for GroupId {
    fn from(PinRecord(octets): PinRecord) -> Self {
        Self(ObjectId(Uuid::from_bytes(octets)))
    }
}
