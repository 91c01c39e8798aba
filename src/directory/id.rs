//! Object ids: the only identity in the tenant that never changes.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The `id` of a directory object: a GUID, never reused (Graph, `directoryObject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub Uuid);

/// The [`ObjectId`] of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub ObjectId);

/// The [`ObjectId`] of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub ObjectId);

impl ObjectId {
    /// The sixteen octets of the GUID, in the order RFC 4122 writes them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<UserId> for ObjectId {
    fn from(id: UserId) -> Self {
        id.0
    }
}

impl From<GroupId> for ObjectId {
    fn from(id: GroupId) -> Self {
        id.0
    }
}

macro_rules! as_guid {
    ($($id:ident => $wrap:expr),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                ObjectId::from(*self).0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $id {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map($wrap)
            }
        }
    )*};
}

as_guid!(
    ObjectId => ObjectId,
    UserId => |guid| UserId(ObjectId(guid)),
    GroupId => |guid| GroupId(ObjectId(guid))
);
