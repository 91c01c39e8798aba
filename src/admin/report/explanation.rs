//! Why a person is active or a group imported, or not (`ldap365 explain`).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::IdentityKind;
use super::moment;

/// About whom `explain` is asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ExplainQuery {
    /// An object id, userPrincipalName, mail address, display name, username or `cn`.
    pub name: String,
    /// Only groups; otherwise people, and groups only when nobody has the name.
    #[serde(default)]
    pub is_group: bool,
}

/// What is known about one object that has the name asked for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Explanation {
    /// A person of the tenant.
    Person(PersonExplanation),
    /// A group of the tenant.
    Group(GroupExplanation),
    /// An object that was deleted in the tenant; the registry remembers it.
    Former(FormerExplanation),
}

/// Why one person is active or not.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PersonExplanation {
    /// The object id.
    pub object_id: Uuid,
    /// `userPrincipalName`
    pub user_principal_name: Option<String>,
    /// `displayName`
    pub display_name: Option<String>,
    /// `uid`; `None` when no name was ever won.
    pub username: Option<String>,
    /// `uidNumber`; `None` when none was ever handed out.
    pub uid_number: Option<u32>,
    /// Whether searches find the person and a bind may succeed.
    pub is_active: bool,
    /// The sentence that decided.
    pub reason: String,
    /// From the rule's group down to the one that holds the person; empty when no group decided.
    pub path: Vec<GroupReference>,
    /// Everything that was looked at, in the order it counts, the deciding one included.
    pub chain: Vec<String>,
    /// What is not as the tenant or an administrator wants it, one sentence each.
    pub flaws: Vec<String>,
    /// Every group the person is a member of, imported or not.
    pub groups: Vec<GroupMembership>,
}

/// Why one group is imported or not.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct GroupExplanation {
    /// The object id.
    pub object_id: Uuid,
    /// `displayName`
    pub display_name: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `cn`; `None` when no name was ever won.
    pub name: Option<String>,
    /// `gidNumber`; `None` when none was ever handed out.
    pub gid_number: Option<u32>,
    /// `microsoft365`, `security`, `mail-security` or `distribution`.
    pub group_kind: String,
    /// Whether hosts see the group.
    pub is_imported: bool,
    /// The sentence that decided.
    pub reason: String,
    /// Direct members of every type.
    pub members: usize,
    /// People below it, nested groups included as configured.
    pub people: usize,
    /// Those of them who are active.
    pub active_people: usize,
    /// What is not as the tenant or an administrator wants it, and which rules mean this group; one sentence each.
    pub flaws: Vec<String>,
}

/// What the registry remembers of a deleted object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FormerExplanation {
    /// The object id.
    pub object_id: Uuid,
    /// What it was.
    pub was: IdentityKind,
    /// Names still held for it.
    pub names: Vec<String>,
    /// Its number, which nobody else gets.
    pub number: u32,
    /// When it was seen deleted; `None` when that has not been noted yet.
    pub deleted: Option<Timestamp>,
    /// When the names become free; `None`: never by themselves.
    pub held_until: Option<Timestamp>,
}

/// A group by name and id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupReference {
    /// `displayName`, or what stands in for it.
    pub name: String,
    /// The object id.
    pub object_id: Uuid,
}

/// A group of a person, and whether hosts see it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupMembership {
    /// Which group.
    #[serde(flatten)]
    pub group: GroupReference,
    /// Nested groups from it down to the one that holds the person; empty for a direct member.
    pub through: Vec<GroupReference>,
    /// Why the group is not imported; `None` when it is.
    pub not_imported: Option<String>,
}

/// What stands where nothing is known.
const ABSENT: &str = "none";

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => person.fmt(f),
            Self::Group(group) => group.fmt(f),
            Self::Former(former) => former.fmt(f),
        }
    }
}

impl fmt::Display for PersonExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let activity = if self.is_active { "active" } else { "inactive" };
        let who = self
            .user_principal_name
            .as_deref()
            .or(self.display_name.as_deref());
        writeln!(
            f,
            "{}: {activity}",
            who.unwrap_or("a user without userPrincipalName")
        )?;
        writeln!(f, "reason:    {}", self.reason)?;
        if !self.path.is_empty() {
            writeln!(f, "through:   {}", Path(&self.path))?;
        }
        for step in &self.chain {
            writeln!(f, "because:   {step}")?;
        }
        for flaw in &self.flaws {
            writeln!(f, "note:      {flaw}")?;
        }
        writeln!(f, "object id: {}", self.object_id)?;
        writeln!(
            f,
            "username:  {}",
            self.username.as_deref().unwrap_or(ABSENT)
        )?;
        match self.uid_number {
            Some(number) => write!(f, "uidNumber: {number}")?,
            None => write!(f, "uidNumber: {ABSENT}")?,
        }
        for membership in &self.groups {
            write!(f, "\nmember of: {}", membership.group)?;
            if !membership.through.is_empty() {
                write!(f, " through {}", Path(&membership.through))?;
            }
            if let Some(reason) = &membership.not_imported {
                write!(f, ", not imported: {reason}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for GroupExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.is_imported {
            true => "imported",
            false => "not imported",
        };
        let who = self.display_name.as_deref();
        writeln!(f, "group {}: {state}", who.unwrap_or("without displayName"))?;
        writeln!(f, "reason:    {}", self.reason)?;
        for flaw in &self.flaws {
            writeln!(f, "note:      {flaw}")?;
        }
        writeln!(f, "object id: {}", self.object_id)?;
        writeln!(f, "kind:      {}", self.group_kind)?;
        writeln!(f, "mail:      {}", self.mail.as_deref().unwrap_or(ABSENT))?;
        writeln!(f, "cn:        {}", self.name.as_deref().unwrap_or(ABSENT))?;
        match self.gid_number {
            Some(number) => writeln!(f, "gidNumber: {number}")?,
            None => writeln!(f, "gidNumber: {ABSENT}")?,
        }
        write!(
            f,
            "members:   {} direct, {} people below, {} of them active",
            self.members, self.people, self.active_people
        )
    }
}

impl fmt::Display for FormerExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let was = match self.was {
            IdentityKind::User => "a person who was",
            IdentityKind::Group => "a group that was",
            IdentityKind::Unknown => "an object that was",
        };
        let name = self.names.first().map_or("without a name", String::as_str);
        write!(f, "{name}: {was} deleted in Office 365")?;
        if let Some(deleted) = self.deleted {
            write!(f, ", noticed {}", moment(deleted))?;
        }
        writeln!(f, "\nobject id: {}", self.object_id)?;
        writeln!(
            f,
            "number:    {}, never to be given to another",
            self.number
        )?;
        match (&self.names[..], self.held_until) {
            ([], _) => f.write_str("names:     none is held"),
            (names, Some(until)) => write!(
                f,
                "names:     {} held until {}, or until `ldap365 release-name`",
                names.join(", "),
                moment(until)
            ),
            (names, None) => write!(
                f,
                "names:     {} held until `ldap365 release-name`",
                names.join(", ")
            ),
        }
    }
}

/// Groups on the way down.
struct Path<'a>(&'a [GroupReference]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" > ")?;
            }
            group.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.object_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, id: u128) -> GroupReference {
        GroupReference {
            name: name.to_owned(),
            object_id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn an_explanation_shows_the_way_to_the_deciding_group() {
        let explanation = PersonExplanation {
            object_id: Uuid::from_u128(1),
            user_principal_name: Some("ada@contoso.com".to_owned()),
            username: Some("ada".to_owned()),
            reason: "member of the ignored group \"Contractors\"".to_owned(),
            path: vec![group("Contractors", 2), group("Temps", 3)],
            chain: vec!["the account is enabled in Office 365".to_owned()],
            flaws: vec!["the number 5 is not adopted".to_owned()],
            groups: vec![GroupMembership {
                group: group("Staff", 4),
                through: vec![group("Temps", 3)],
                not_imported: Some("no mail".to_owned()),
            }],
            ..PersonExplanation::default()
        };
        assert_eq!(
            explanation.to_string(),
            "ada@contoso.com: inactive\n\
             reason:    member of the ignored group \"Contractors\"\n\
             through:   Contractors (00000000-0000-0000-0000-000000000002) > Temps (00000000-0000-0000-0000-000000000003)\n\
             because:   the account is enabled in Office 365\n\
             note:      the number 5 is not adopted\n\
             object id: 00000000-0000-0000-0000-000000000001\n\
             username:  ada\n\
             uidNumber: none\n\
             member of: Staff (00000000-0000-0000-0000-000000000004) through Temps (00000000-0000-0000-0000-000000000003), not imported: no mail"
        );
    }

    #[test]
    fn somebody_deleted_says_how_long_the_name_is_held() {
        let former = FormerExplanation {
            object_id: Uuid::from_u128(1),
            was: IdentityKind::User,
            names: vec!["ada".to_owned()],
            number: 1_900_000_000,
            deleted: None,
            held_until: None,
        };
        assert_eq!(
            former.to_string(),
            "ada: a person who was deleted in Office 365\n\
             object id: 00000000-0000-0000-0000-000000000001\n\
             number:    1900000000, never to be given to another\n\
             names:     ada held until `ldap365 release-name`"
        );
    }
}
