//! Everybody and every group, a line each (`ldap365 users`, `ldap365 groups`).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which people are asked for; every field narrows the choice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PersonQuery {
    /// Part of the username, `userPrincipalName`, `displayName`, mail address or object id, case ignored.
    pub filter: Option<String>,
    /// Part of the reason, case ignored.
    pub reason: Option<String>,
    /// Only active people, or only inactive ones.
    pub is_active: Option<bool>,
    /// Only members of this group, nested ones included as `sync.nested_groups` says.
    pub group: Option<String>,
}

/// Which groups are asked for; every field narrows the choice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct GroupQuery {
    /// Part of the `cn`, `displayName`, mail address or object id, case ignored.
    pub filter: Option<String>,
    /// Part of the reason, case ignored.
    pub reason: Option<String>,
    /// Only imported groups, or only the others.
    pub is_imported: Option<bool>,
}

/// One person of the tenant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PersonRow {
    /// The object id.
    pub object_id: Uuid,
    /// `uid`; `None` when no name was ever won.
    pub username: Option<String>,
    /// `userPrincipalName`
    pub user_principal_name: Option<String>,
    /// `displayName`
    pub display_name: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `uidNumber`; `None` when none was ever handed out.
    pub uid_number: Option<u32>,
    /// Whether searches find the person and a bind may succeed.
    pub is_active: bool,
    /// Why.
    pub reason: String,
    /// What is not as the tenant or an administrator wants it, one sentence each.
    pub flaws: Vec<String>,
}

/// One group of the tenant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupRow {
    /// The object id.
    pub object_id: Uuid,
    /// `cn`; `None` when no name was ever won.
    pub name: Option<String>,
    /// `displayName`
    pub display_name: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `microsoft365`, `security`, `mail-security` or `distribution`.
    pub kind: String,
    /// `gidNumber`; `None` when none was ever handed out.
    pub gid_number: Option<u32>,
    /// Direct members of every type, as the tenant has them.
    pub members: usize,
    /// Whether hosts see the group.
    pub is_imported: bool,
    /// Why.
    pub reason: String,
    /// What is not as the tenant or an administrator wants it, one sentence each.
    pub flaws: Vec<String>,
}

impl PersonQuery {
    /// As the query of a URL.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let Self {
            filter,
            reason,
            is_active,
            group,
        } = self;
        pairs([
            ("filter", filter.clone()),
            ("reason", reason.clone()),
            ("is_active", is_active.map(|active| active.to_string())),
            ("group", group.clone()),
        ])
    }
}

impl GroupQuery {
    /// As the query of a URL.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let Self {
            filter,
            reason,
            is_imported,
        } = self;
        pairs([
            ("filter", filter.clone()),
            ("reason", reason.clone()),
            (
                "is_imported",
                is_imported.map(|imported| imported.to_string()),
            ),
        ])
    }
}

fn pairs<const N: usize>(
    fields: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    let set = fields.into_iter();
    set.filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
