//! The records of what is served otherwise than the tenant says, and of what the administrator has set.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Fault, GroupRecord, Guid, MemberRecord, UserRecord};
use crate::directory::{Group, Member, ObjectId, Override, User};

/// The tenant's word on a user; `None` for one deleted there.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct WithheldUserRecord(Option<UserRecord>);

/// The tenant's word on a group with its members; `None` for one deleted there.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct WithheldGroupRecord(Option<(GroupRecord, Vec<(Guid, MemberRecord)>)>);

/// The mirror of [`Override`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct OverrideRecord {
    number: Option<u32>,
    login_shell: Option<String>,
    home: Option<String>,
    ssh_keys: Vec<String>,
}

impl From<Option<&User>> for WithheldUserRecord {
    fn from(user: Option<&User>) -> Self {
        Self(user.map(UserRecord::from))
    }
}

impl TryFrom<WithheldUserRecord> for Option<User> {
    type Error = Fault;

    fn try_from(WithheldUserRecord(user): WithheldUserRecord) -> Result<Self, Fault> {
        user.map(User::try_from).transpose()
    }
}

impl From<Option<&Group>> for WithheldGroupRecord {
    fn from(group: Option<&Group>) -> Self {
        let members = |group: &Group| {
            let members = group.members.iter();
            members
                .map(|(id, &member)| (*id.as_bytes(), MemberRecord::from(member)))
                .collect()
        };
        Self(group.map(|group| (GroupRecord::from(group), members(group))))
    }
}

impl TryFrom<WithheldGroupRecord> for Option<Group> {
    type Error = Fault;

    fn try_from(WithheldGroupRecord(group): WithheldGroupRecord) -> Result<Self, Fault> {
        let Some((group, members)) = group else {
            return Ok(None);
        };
        let member = |(id, record)| (ObjectId(Uuid::from_bytes(id)), Member::from(record));
        Ok(Some(Group {
            members: members.into_iter().map(member).collect(),
            ..Group::try_from(group)?
        }))
    }
}

impl From<&Override> for OverrideRecord {
    fn from(set: &Override) -> Self {
        let Override {
            number,
            login_shell,
            home,
            ssh_keys,
        } = set.clone();
        Self {
            number,
            login_shell,
            home,
            ssh_keys,
        }
    }
}

impl From<OverrideRecord> for Override {
    fn from(record: OverrideRecord) -> Self {
        Self {
            number: record.number,
            login_shell: record.login_shell,
            home: record.home,
            ssh_keys: record.ssh_keys,
        }
    }
}
