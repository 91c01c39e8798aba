//! A group as Graph describes one, with its direct members.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ObjectId;

/// A group's properties, named as Graph names them, and its direct members.
///
/// Source: Graph, resource type `group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// `displayName`; not unique in a tenant.
    pub display_name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `mailEnabled`
    pub mail_enabled: bool,
    /// `securityEnabled`
    pub security_enabled: bool,
    /// `groupTypes` contains `Unified`.
    pub is_unified: bool,
    /// `groupTypes` contains `DynamicMembership`.
    pub is_dynamic: bool,
    /// `visibility` is `HiddenMembership`: the members may be invisible to us.
    pub has_hidden_membership: bool,
    /// `createdDateTime`
    pub created: Option<Timestamp>,
    /// Direct members by object id. Nested groups are members like any other.
    pub members: BTreeMap<ObjectId, Member>,
    /// Deleted in the tenant, and kept as it last was because a rule is pinned to it.
    pub is_deleted: bool,
    /// Values of the properties that `[directory.attributes]` names for groups, as in [`User::mapped`](super::User).
    pub mapped: BTreeMap<String, Vec<String>>,
}

/// One direct membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// What the member is.
    pub kind: MemberKind,
}

/// The `@odata.type` of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// `#microsoft.graph.user`
    User,
    /// `#microsoft.graph.group`
    Group,
    /// A device, contact, service principal, or anything Graph may add: never served.
    Other,
}

/// The four kinds of group that the configuration's `group_kinds` tells apart
/// (Graph, "Working with groups": `groupTypes`, `mailEnabled`, `securityEnabled`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// `groupTypes` contains `Unified`.
    Microsoft365,
    /// Not mail-enabled.
    Security,
    /// Mail-enabled and security-enabled.
    MailSecurity,
    /// Mail-enabled only.
    Distribution,
}

impl GroupKind {
    /// Every kind, in the order the documentation lists them.
    pub const ALL: [GroupKind; 4] = [
        Self::Microsoft365,
        Self::Security,
        Self::MailSecurity,
        Self::Distribution,
    ];

    /// The kinds that ordinary members of a tenant can create unless its administrators forbid it: whoever imports
    /// them lets anybody make up a name that a host may trust (Microsoft Entra, "Set up self-service group management").
    pub const CREATED_BY_MEMBERS: [GroupKind; 2] = [Self::Microsoft365, Self::Security];

    /// The word for this kind in the configuration file and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft365 => "microsoft365",
            Self::Security => "security",
            Self::MailSecurity => "mail-security",
            Self::Distribution => "distribution",
        }
    }
}

impl Group {
    /// Which of the four kinds this group is.
    pub fn kind(&self) -> GroupKind {
        match (self.is_unified, self.mail_enabled, self.security_enabled) {
            (true, _, _) => GroupKind::Microsoft365,
            (false, false, _) => GroupKind::Security,
            (false, true, true) => GroupKind::MailSecurity,
            (false, true, false) => GroupKind::Distribution,
        }
    }

    /// What a person reading a log or a report calls this group.
    pub fn label(&self) -> &str {
        self.display_name
            .as_deref()
            .unwrap_or("a group without displayName")
    }
}
