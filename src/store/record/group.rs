//! The records of a group and of one membership.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fault, Moment, optional_time};
use crate::directory::{Group, GroupKind, Member, MemberKind};

/// The mirror of [`Group`]; its members have records of their own.
#[derive(PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct GroupRecord {
    display_name: Option<String>,
    description: Option<String>,
    mail: Option<String>,
    mail_enabled: bool,
    security_enabled: bool,
    is_unified: bool,
    is_dynamic: bool,
    has_hidden_membership: bool,
    created: Option<Moment>,
    is_deleted: bool,
    mapped: BTreeMap<String, Vec<String>>,
}

/// The mirror of [`Member`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum MemberRecord {
    User,
    Group,
    Other,
}

/// The mirror of [`GroupKind`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum GroupKindRecord {
    Microsoft365,
    Security,
    MailSecurity,
    Distribution,
}

impl From<&Group> for GroupRecord {
    fn from(group: &Group) -> Self {
        // Named one by one, so that a new field of `Group` is not forgotten here.
        let Group {
            display_name,
            description,
            mail,
            mail_enabled,
            security_enabled,
            is_unified,
            is_dynamic,
            has_hidden_membership,
            created,
            members: _,
            is_deleted,
            mapped,
        } = group;
        Self {
            display_name: display_name.clone(),
            description: description.clone(),
            mail: mail.clone(),
            mail_enabled: *mail_enabled,
            security_enabled: *security_enabled,
            is_unified: *is_unified,
            is_dynamic: *is_dynamic,
            has_hidden_membership: *has_hidden_membership,
            created: created.map(Moment::from),
            is_deleted: *is_deleted,
            mapped: mapped.clone(),
        }
    }
}

impl TryFrom<GroupRecord> for Group {
    type Error = Fault;

    fn try_from(record: GroupRecord) -> Result<Self, Fault> {
        Ok(Self {
            display_name: record.display_name,
            description: record.description,
            mail: record.mail,
            mail_enabled: record.mail_enabled,
            security_enabled: record.security_enabled,
            is_unified: record.is_unified,
            is_dynamic: record.is_dynamic,
            has_hidden_membership: record.has_hidden_membership,
            created: optional_time(record.created)?,
            members: Default::default(),
            is_deleted: record.is_deleted,
            mapped: record.mapped,
        })
    }
}

impl From<Member> for MemberRecord {
    fn from(Member { kind }: Member) -> Self {
        match kind {
            MemberKind::User => Self::User,
            MemberKind::Group => Self::Group,
            MemberKind::Other => Self::Other,
        }
    }
}

impl From<MemberRecord> for Member {
    fn from(record: MemberRecord) -> Self {
        let kind = match record {
            MemberRecord::User => MemberKind::User,
            MemberRecord::Group => MemberKind::Group,
            MemberRecord::Other => MemberKind::Other,
        };
        Self { kind }
    }
}

impl From<GroupKind> for GroupKindRecord {
    fn from(kind: GroupKind) -> Self {
        match kind {
            GroupKind::Microsoft365 => Self::Microsoft365,
            GroupKind::Security => Self::Security,
            GroupKind::MailSecurity => Self::MailSecurity,
            GroupKind::Distribution => Self::Distribution,
        }
    }
}

impl From<GroupKindRecord> for GroupKind {
    fn from(record: GroupKindRecord) -> Self {
        match record {
            GroupKindRecord::Microsoft365 => Self::Microsoft365,
            GroupKindRecord::Security => Self::Security,
            GroupKindRecord::MailSecurity => Self::MailSecurity,
            GroupKindRecord::Distribution => Self::Distribution,
        }
    }
}
