//! Groups on a delta page, with slices of their members (Graph, resource type `group`, `group: delta`).

use jiff::Timestamp;
use serde_json::Value;

use super::Settings;
use super::mapped::MappedPatch;
use super::page::{Change, Removal};
use super::problem::Problem;
use super::property::{Entry, LinkChange, Property};
use crate::directory::{Group, GroupId, MemberKind, ObjectId};

/// What an entry says about a group's properties; apply it with [`GroupPatch::apply_to`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupPatch {
    display_name: Property<String>,
    description: Property<String>,
    mail: Property<String>,
    mail_enabled: Property<bool>,
    security_enabled: Property<bool>,
    group_types: Property<Vec<String>>,
    visibility: Property<String>,
    created: Property<Timestamp>,
    mapped: MappedPatch,
}

/// One member that came or went. Apply them in the order given: slices add up, none replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The member's object id.
    pub id: ObjectId,
    /// What the member is; of no meaning when `removed`.
    pub kind: MemberKind,
    /// Whether it is a member no longer.
    pub removed: bool,
}

/// One entry of a page of groups. The same group may come on many pages of a round.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupChange {
    /// Created, restored, updated, or a further slice of its members.
    Upsert {
        /// Which group.
        id: GroupId,
        /// What is said about it.
        patch: GroupPatch,
        /// A slice of its direct members.
        members: Vec<MemberChange>,
    },
    /// Deleted; the id may be unknown, which is normal even in a first round.
    Remove {
        /// Which group.
        id: GroupId,
        /// Softly or for good.
        reason: Removal,
    },
}

impl GroupPatch {
    /// Brings a group's properties up to date, all but `members` and `is_deleted`.
    ///
    /// An entry with `displayName`, which can never be unset, is the whole object: what it lacks was never
    /// set. Any other entry changes only what it names.
    pub fn apply_to(&self, group: &mut Group) {
        let is_whole = self.is_whole();
        self.display_name.apply(is_whole, &mut group.display_name);
        self.description.apply(is_whole, &mut group.description);
        self.mail.apply(is_whole, &mut group.mail);
        self.mail_enabled
            .apply_or_default(is_whole, &mut group.mail_enabled);
        self.security_enabled
            .apply_or_default(is_whole, &mut group.security_enabled);
        self.has_type("Unified")
            .apply_or_default(is_whole, &mut group.is_unified);
        self.has_type("DynamicMembership")
            .apply_or_default(is_whole, &mut group.is_dynamic);
        self.visibility
            .clone()
            .map(|visibility| visibility.eq_ignore_ascii_case("HiddenMembership"))
            .apply_or_default(is_whole, &mut group.has_hidden_membership);
        self.created.apply(is_whole, &mut group.created);
        self.mapped.apply_to(is_whole, &mut group.mapped);
    }

    /// Whether the entry is the whole object; if not, the group must be known already.
    pub fn is_whole(&self) -> bool {
        self.display_name.is_set()
    }

    /// A property that every group has and this entry gives as `null`: what Graph does when the
    /// permission to read it is missing (Graph, "Limited information returned").
    pub fn withheld(&self) -> Option<&'static str> {
        matches!(self.display_name, Property::Null).then_some("displayName")
    }

    fn has_type(&self, name: &str) -> Property<bool> {
        self.group_types
            .clone()
            .map(|types| types.iter().any(|each| each.eq_ignore_ascii_case(name)))
    }

    fn read(entry: &mut Entry<'_>, mapped: &[String]) -> Self {
        Self {
            display_name: entry.text("displayName"),
            description: entry.text("description"),
            mail: entry.text("mail"),
            mail_enabled: entry.flag("mailEnabled"),
            security_enabled: entry.flag("securityEnabled"),
            group_types: entry.texts("groupTypes"),
            visibility: entry.text("visibility"),
            created: entry.date("createdDateTime"),
            mapped: MappedPatch::read(entry, mapped),
        }
    }
}

impl From<LinkChange<'_>> for MemberChange {
    fn from(link: LinkChange<'_>) -> Self {
        let kind = match link.odata_type {
            "#microsoft.graph.user" => MemberKind::User,
            "#microsoft.graph.group" => MemberKind::Group,
            _ => MemberKind::Other,
        };
        Self {
            id: link.id,
            kind,
            removed: link.is_removed,
        }
    }
}

impl Change for GroupChange {
    const COLLECTION: &'static str = "groups";
    const PERMISSION: &'static str = "GroupMember.Read.All";
    fn select() -> Vec<&'static str> {
        vec![
            "id",
            "displayName",
            "description",
            "mail",
            "mailEnabled",
            "securityEnabled",
            "groupTypes",
            "visibility",
            "createdDateTime",
            "members",
        ]
    }

    fn mapped(settings: &Settings) -> &[String] {
        &settings.mapped_group
    }

    fn read(entry: &Value, mapped: &[String], problems: &mut Vec<Problem>) -> Option<Self> {
        let (id, mut entry) = Entry::open(entry, problems)?;
        let id = GroupId(id);
        Some(match entry.removed() {
            Some(reason) => Self::Remove {
                id,
                reason: Removal::named(reason),
            },
            None => Self::Upsert {
                id,
                patch: GroupPatch::read(&mut entry, mapped),
                members: entry
                    .links("members@delta")
                    .into_iter()
                    .map(MemberChange::from)
                    .collect(),
            },
        })
    }
}

#[cfg(test)]
mod tests;
