//! What a pass would change (`ldap365 sync --dry-run`), a line for each object.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One thing that would be different for LDAP clients, or is held back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum PlannedChange {
    /// The person becomes active.
    Activate(Planned),
    /// The person becomes inactive.
    Deactivate(Planned),
    /// The person is new, and inactive.
    AddInactive(Planned),
    /// The person, inactive before, leaves the tenant.
    RemoveInactive(Planned),
    /// The group is imported.
    Import(Planned),
    /// The group is imported no longer.
    Drop(Planned),
    /// The entry gets another name.
    Rename {
        /// Whose.
        #[serde(flatten)]
        object: Planned,
        /// The name it has.
        from: String,
        /// The name it gets.
        to: String,
    },
    /// Attributes of an entry that stays change.
    Update(Planned),
    /// Members of an imported group come and go.
    Members {
        /// The group.
        #[serde(flatten)]
        group: Planned,
        /// Usernames that come in.
        joined: Vec<String>,
        /// Usernames that go out.
        left: Vec<String>,
    },
    /// A change that the mass-change guard holds back, or that waits until people or groups are synced again.
    Held(Planned),
}

/// Whom a change is about, and why it happens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Planned {
    /// The object id.
    pub object_id: Uuid,
    /// What people call the object.
    pub label: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activate(person) => write!(f, "activate    {person}"),
            Self::Deactivate(person) => write!(f, "deactivate  {person}"),
            Self::AddInactive(person) => write!(f, "add         {person}"),
            Self::RemoveInactive(person) => write!(f, "remove      {person}"),
            Self::Import(group) => write!(f, "import      {group}"),
            Self::Drop(group) => write!(f, "drop        {group}"),
            Self::Rename { object, from, to } => {
                write!(f, "rename      {from} to {to}: {}", object.label)
            }
            Self::Update(object) => write!(f, "update      {object}"),
            Self::Members {
                group,
                joined,
                left,
            } => {
                write!(f, "members     {}:", group.label)?;
                joined.iter().try_for_each(|name| write!(f, " +{name}"))?;
                left.iter().try_for_each(|name| write!(f, " -{name}"))
            }
            Self::Held(object) => write!(f, "held back   {object}"),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let staff = || Planned {
            object_id: Uuid::from_u128(1),
            label: "Staff".to_owned(),
            reason: "members changed".to_owned(),
        };
        let members = PlannedChange::Members {
            group: staff(),
            joined: vec!["ada".to_owned()],
            left: vec!["bob".to_owned(), "eve".to_owned()],
        };
        assert_eq!(members.to_string(), "members     Staff: +ada -bob -eve");
        let json = serde_json::to_string(&PlannedChange::Drop(staff())).expect("serialises");
        assert_eq!(
            json,
            r#"{"change":"drop","object_id":"00000000-0000-0000-0000-000000000001","label":"Staff","reason":"members changed"}"#
        );
    }
}
