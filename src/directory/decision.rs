//! The verdict on each user and group, and the reason for it as a sentence.

use std::collections::BTreeMap;
use std::fmt;

use super::{GroupId, GroupKind, ObjectId, UserId};

/// Whether a user is active, or a group imported; if not, why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The user is active; the group is imported.
    Include(Grounds),
    /// The user is inactive; the group is not imported.
    Exclude(Reason),
}

/// What let a user or group in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// No rule speaks against it.
    Default,
    /// The user is in an allowed group.
    Allowed(GroupPath),
}

/// A rule's group, and the nested groups that lead from it down to the one that holds the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPath {
    /// The name in the configuration file.
    pub rule: String,
    /// From the rule's group to the group that has the user as a direct member; never empty.
    pub groups: Vec<GroupId>,
}

/// Why a user is inactive, or a group not imported. `Display` is the sentence that `explain` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `accountEnabled` is false.
    Disabled,
    /// Graph did not say whether the account is enabled.
    EnabledUnknown,
    /// A guest, while `guests` is off.
    Guest,
    /// Member of a group in `ignored_groups`.
    Ignored(GroupPath),
    /// Member of no group in `allowed_groups`.
    NotAllowed,
    /// A group named in a rule cannot be resolved, so nothing new is let in.
    RulesUnresolved,
    /// The username rule, or a group's display name, yields no usable name.
    NoUsername,
    /// The username or `cn` is reserved.
    NameReserved(String),
    /// The username or `cn` belongs to someone else.
    NameTaken {
        /// The contested name.
        name: String,
        /// Who holds it.
        holder: ObjectId,
    },
    /// The id range holds no free number.
    NumbersExhausted,
    /// The group has no mail address, while `groups_without_email` is off.
    NoMail,
    /// The display name starts with none of `group_prefixes`.
    PrefixMismatch,
    /// The group's kind is not in `group_kinds`.
    KindExcluded(GroupKind),
    /// The group was deleted in the tenant, and is kept for a rule only.
    Deleted,
    /// `sync.groups` is off.
    GroupsOff,
    /// The rules would let it in, but the mass-change guard holds that back.
    ChangeHeld,
}

/// Every decision taken at the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// One for each user of the directory.
    pub users: BTreeMap<UserId, Decision>,
    /// One for each group of the directory.
    pub groups: BTreeMap<GroupId, Decision>,
}

impl Decision {
    /// Active, or imported.
    pub fn is_include(&self) -> bool {
        matches!(self, Self::Include(_))
    }

    /// Why it is out; `None` when it is in.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Include(_) => None,
            Self::Exclude(reason) => Some(reason),
        }
    }
}

impl Decisions {
    /// Whether the user is active.
    pub fn is_active(&self, id: UserId) -> bool {
        self.users.get(&id).is_some_and(Decision::is_include)
    }

    /// Whether the group is imported.
    pub fn is_imported(&self, id: GroupId) -> bool {
        self.groups.get(&id).is_some_and(Decision::is_include)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("the account is disabled in Office 365"),
            Self::EnabledUnknown => {
                f.write_str("Graph did not say whether the account is enabled (accountEnabled is missing)")
            }
            Self::Guest => f.write_str("the account is a guest, and sync.guests is false"),
            Self::Ignored(path) => write!(f, "member of the ignored group \"{}\"", path.rule),
            Self::NotAllowed => f.write_str("member of no group in sync.allowed_groups"),
            Self::RulesUnresolved => f.write_str(
                "a group named in sync.allowed_groups or sync.ignored_groups cannot be resolved: nothing new is let in",
            ),
            Self::NoUsername => {
                f.write_str("no usable name can be made of it (directory.username; for a group, its display name)")
            }
            Self::NameReserved(name) => {
                write!(f, "the name \"{name}\" is in directory.reserved_names: a host would trust it by name")
            }
            Self::NameTaken { name, holder } => write!(f, "the name \"{name}\" belongs to object {holder}"),
            Self::NumbersExhausted => f.write_str("directory.posix.id_range has no free number left"),
            Self::NoMail => f.write_str("the group has no mail address, and sync.groups_without_email is false"),
            Self::PrefixMismatch => {
                f.write_str("the display name starts with none of sync.group_prefixes")
            }
            Self::KindExcluded(kind) => {
                write!(f, "groups of kind \"{}\" are not in sync.group_kinds", kind.as_str())
            }
            Self::GroupsOff => f.write_str("sync.groups is false: groups are read for the rules only"),
            Self::ChangeHeld => f.write_str(
                "too many would be let in at once, so the change is held back (sync.max_change); `ldap365 sync --accept` lets it pass",
            ),
            Self::Deleted => f.write_str("the group was deleted in Office 365; a rule still refers to it"),
        }
    }
}
