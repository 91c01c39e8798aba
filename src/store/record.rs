//! Records: the mirror of each `directory` type on disk.
//!
//! A record is one version byte, then bincode (variable-length integers, little endian). **The
//! order of fields and variants below is the format.** To change a record: raise [`VERSION`], keep
//! the old mirror for reading, and convert it to the new one on the way in. The golden tests fail
//! on any change made by accident.

mod decision;
mod group;
mod guard;
mod progress;
mod registry;
mod sealed;
mod user;
mod withheld;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(super) use decision::DecisionRecord;
pub(super) use group::{GroupRecord, MemberRecord};
pub(super) use guard::{HeldKindsRecord, MemoryRecord};
pub(super) use progress::{GenerationRecord, ProgressRecord, StampRecord, TenantRecord};
pub(super) use registry::{PinRecord, RegistrationRecord};
pub(super) use sealed::SealedRecord;
pub(super) use user::UserRecord;
pub(super) use withheld::{OverrideRecord, WithheldGroupRecord, WithheldUserRecord};

/// The version byte in front of every record written.
const VERSION: u8 = 1;

/// No record comes near this; it keeps a damaged length from asking for all memory.
const RECORD_BYTES_MAX: usize = 16 << 20;

/// What is wrong with a record or its key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A version byte or a kind of key that this version does not know.
    #[error("its format {0} is unknown")]
    Newer(u8),
    /// Not even a version byte.
    #[error("it is empty")]
    Empty,
    /// The bytes end early, or mean nothing.
    #[error("{0}")]
    Undecodable(bincode::error::DecodeError),
    /// More bytes than the record needs.
    #[error("{0} bytes are left over")]
    TrailingBytes(usize),
    /// A time outside the years -9999 to 9999.
    #[error("{0}")]
    TimeOutOfRange(jiff::Error),
    /// The key does not hold whole ids.
    #[error("its key has the wrong length")]
    KeyLength,
    /// The key is not UTF-8.
    #[error("its key is no text: {0}")]
    KeyText(std::str::Utf8Error),
    /// A membership in a group that is not there.
    #[error("its group is missing")]
    GroupMissing,
}

/// The record of a value, as bytes.
pub(super) fn encode<R: Serialize>(record: impl Into<R>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bincode::serde::encode_into_std_write(record.into(), &mut bytes, bincode::config::standard())
        .expect("records hold plain data, and writing to a Vec cannot fail");
    bytes
}

/// The value of a record read from bytes.
pub(super) fn decode<R: DeserializeOwned>(bytes: &[u8]) -> Result<R, Fault> {
    let (&version, body) = bytes.split_first().ok_or(Fault::Empty)?;
    if version != VERSION {
        return Err(Fault::Newer(version));
    }
    let config = bincode::config::standard().with_limit::<RECORD_BYTES_MAX>();
    let (record, used) =
        bincode::serde::decode_from_slice(body, config).map_err(Fault::Undecodable)?;
    match body.len() - used {
        0 => Ok(record),
        left => Err(Fault::TrailingBytes(left)),
    }
}

/// A [`Timestamp`]: seconds since 1970 and nanoseconds, both with the same sign.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Moment(i64, i32);

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self(time.as_second(), time.subsec_nanosecond())
    }
}

impl TryFrom<Moment> for Timestamp {
    type Error = Fault;

    fn try_from(Moment(seconds, nanoseconds): Moment) -> Result<Self, Fault> {
        Self::new(seconds, nanoseconds).map_err(Fault::TimeOutOfRange)
    }
}

/// A time that may be absent.
fn optional_time(moment: Option<Moment>) -> Result<Option<Timestamp>, Fault> {
    moment.map(Timestamp::try_from).transpose()
}

/// An object id: its sixteen octets, without a length in front.
type Guid = [u8; 16];
