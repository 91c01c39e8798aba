//! From what an administrator calls somebody to who that is.

use std::sync::Arc;

use crate::admin::{Refusal, RefusalKind};
use crate::directory::name::fold;
use crate::directory::{Decision, Directory, Group, GroupId, ObjectId, Reason, User, UserId};

/// How many similar names are suggested.
const SUGGESTIONS_MAX: usize = 3;
/// How alike a suggestion must be, from 0 to 1 (Jaro-Winkler).
const LIKENESS_MIN: f64 = 0.8;
/// How many of several candidates are listed.
const CANDIDATES_MAX: usize = 10;

/// Why a name does not lead to one person or group. The administrator names another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// No person has the name.
    #[error(
        "nobody in the tenant has the object id, user principal name, mail address, display name or username {name:?}, as of the last sync{}",
        Closest(closest)
    )]
    NoUser {
        /// As given.
        name: String,
        /// Names that look like it.
        closest: Vec<String>,
    },
    /// No group has the name.
    #[error(
        "no group of the tenant has the object id, display name, mail address or cn {name:?}, as of the last sync{}",
        Closest(closest)
    )]
    NoGroup {
        /// As given.
        name: String,
        /// Names that look like it.
        closest: Vec<String>,
    },
    /// Several have it.
    #[error(
        "{name:?} may mean any of these; give the object id instead:{}",
        Lines(candidates)
    )]
    Ambiguous {
        /// As given.
        name: String,
        /// Id and label of each.
        candidates: Vec<String>,
    },
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::NoUser { .. } | Error::NoGroup { .. } => RefusalKind::NotFound,
            Error::Ambiguous { .. } => RefusalKind::Conflict,
        };
        Self::new(kind, error)
    }
}

/// Every user of the tenant, those who are new and not let in yet included.
pub(crate) fn people(directory: &Directory) -> impl Iterator<Item = (UserId, &Arc<User>)> {
    let served = directory.users.iter().map(|(&id, user)| (id, user));
    let is_new = |id: &UserId| !directory.users.contains_key(id);
    let withheld = directory.withheld.users.iter();
    let new =
        withheld.filter_map(move |(&id, user)| Some((id, user.as_ref().filter(|_| is_new(&id))?)));
    served.chain(new)
}

/// Every group of the tenant, those that are new and not let in yet included.
pub(crate) fn groups(directory: &Directory) -> impl Iterator<Item = (GroupId, &Arc<Group>)> {
    let served = directory.groups.iter().map(|(&id, group)| (id, group));
    let is_new = |id: &GroupId| !directory.groups.contains_key(id);
    let withheld = directory.withheld.groups.iter();
    let new = withheld
        .filter_map(move |(&id, group)| Some((id, group.as_ref().filter(|_| is_new(&id))?)));
    served.chain(new)
}

/// The name that an object of the registry bears.
pub(crate) fn registered_name(directory: &Directory, id: impl Into<ObjectId>) -> Option<&str> {
    directory.registry.get(id)?.name.as_deref()
}

/// Where an object stands in lists: by the name it bears, or what people call it.
pub(crate) fn place(directory: &Directory, id: impl Into<ObjectId>) -> String {
    let id = id.into();
    match registered_name(directory, id) {
        Some(name) => fold(name),
        None => fold(&label(directory, id)),
    }
}

/// Everybody whom `name` may mean; those who lost this very name to another included.
pub(crate) fn users_called(directory: &Directory, name: &str) -> Vec<UserId> {
    let wanted = fold(name);
    let is_meant = |id: UserId, user: &User| {
        let lost = lost_name(directory.decisions.users.get(&id));
        let names = [
            user.user_principal_name.as_deref(),
            user.mail.as_deref(),
            user.display_name.as_deref(),
            registered_name(directory, id),
            lost,
        ];
        is_one_of(names, &wanted) || id.to_string() == wanted
    };
    let meant = people(directory).filter(|(id, user)| is_meant(*id, user));
    meant.map(|(id, _)| id).collect()
}

/// Every group that `name` may mean; those that lost this very name to another included.
pub(crate) fn groups_called(directory: &Directory, name: &str) -> Vec<GroupId> {
    let wanted = fold(name);
    let is_meant = |id: GroupId, group: &Group| {
        let lost = lost_name(directory.decisions.groups.get(&id));
        let names = [
            group.display_name.as_deref(),
            group.mail.as_deref(),
            registered_name(directory, id),
            lost,
        ];
        is_one_of(names, &wanted) || id.to_string() == wanted
    };
    let meant = groups(directory).filter(|(id, group)| is_meant(*id, group));
    meant.map(|(id, _)| id).collect()
}

/// The one person whom `name` means. A username or userPrincipalName beats a display name, which anybody may share.
pub(crate) fn user(directory: &Directory, name: &str) -> Result<UserId, Error> {
    let meant = users_called(directory, name);
    let wanted = fold(name);
    let by_identifier: Vec<UserId> = meant
        .iter()
        .copied()
        .filter(|&id| {
            let user = directory.users.get(&id);
            let principal = user.and_then(|user| user.user_principal_name.as_deref());
            is_one_of([principal, registered_name(directory, id)], &wanted)
        })
        .collect();
    match (&meant[..], &by_identifier[..]) {
        (&[id], _) | (_, &[id]) => Ok(id),
        ([], _) => Err(Error::NoUser {
            name: name.to_owned(),
            closest: closest_users(directory, name),
        }),
        _ => Err(Error::Ambiguous {
            name: name.to_owned(),
            candidates: meant.iter().map(|&id| candidate(directory, id)).collect(),
        }),
    }
}

/// The one group that `name` means.
pub(crate) fn group(directory: &Directory, name: &str) -> Result<GroupId, Error> {
    let meant = groups_called(directory, name);
    match meant[..] {
        [id] => Ok(id),
        [] => Err(Error::NoGroup {
            name: name.to_owned(),
            closest: closest_groups(directory, name),
        }),
        _ => Err(Error::Ambiguous {
            name: name.to_owned(),
            candidates: meant.iter().map(|&id| candidate(directory, id)).collect(),
        }),
    }
}

/// What people call an object, living or remembered: a sentence can be made with it.
pub(crate) fn label(directory: &Directory, id: ObjectId) -> String {
    let (user, group) = (UserId(id), GroupId(id));
    let withheld = &directory.withheld;
    let user = directory
        .users
        .get(&user)
        .or(withheld.users.get(&user).and_then(Option::as_ref));
    let group = directory
        .groups
        .get(&group)
        .or(withheld.groups.get(&group).and_then(Option::as_ref));
    match (user, group) {
        (Some(user), _) => user.label().to_owned(),
        (None, Some(group)) => group.label().to_owned(),
        (None, None) => registered_name(directory, id)
            .unwrap_or("an object that is gone")
            .to_owned(),
    }
}

/// Usernames and user principal names that look like `name`.
pub(crate) fn closest_users(directory: &Directory, name: &str) -> Vec<String> {
    let names = people(directory).flat_map(|(id, user)| {
        let principal = user.user_principal_name.as_deref();
        registered_name(directory, id).into_iter().chain(principal)
    });
    closest(names, name)
}

/// Display names and `cn`s that look like `name`.
pub(crate) fn closest_groups(directory: &Directory, name: &str) -> Vec<String> {
    let names = groups(directory).flat_map(|(id, group)| {
        let display = group.display_name.as_deref();
        display.into_iter().chain(registered_name(directory, id))
    });
    closest(names, name)
}

/// Names of people and groups that look like `name`.
pub(crate) fn closest_objects(directory: &Directory, name: &str) -> Vec<String> {
    let mut closest = closest_users(directory, name);
    let groups = closest_groups(directory, name).into_iter();
    closest.extend(groups.map(|group| format!("{group} (a group)")));
    closest
}

/// The candidates most like `name`, best first.
pub(crate) fn closest<'a>(candidates: impl Iterator<Item = &'a str>, name: &str) -> Vec<String> {
    let wanted = fold(name);
    let mut best: Vec<(f64, &str)> = Vec::new();
    for candidate in candidates {
        let likeness = strsim::jaro_winkler(&wanted, &fold(candidate));
        if likeness < LIKENESS_MIN || best.iter().any(|(_, known)| *known == candidate) {
            continue;
        }
        let at = best.partition_point(|(other, _)| *other >= likeness);
        best.insert(at, (likeness, candidate));
        best.truncate(SUGGESTIONS_MAX);
    }
    best.into_iter().map(|(_, name)| name.to_owned()).collect()
}

fn candidate(directory: &Directory, id: impl Into<ObjectId>) -> String {
    let id = id.into();
    let name = registered_name(directory, id).unwrap_or("no name won");
    format!("{id}  {} ({name})", label(directory, id))
}

fn lost_name(decision: Option<&Decision>) -> Option<&str> {
    match decision {
        Some(Decision::Exclude(Reason::NameTaken { name, .. } | Reason::NameReserved(name))) => {
            Some(name)
        }
        _ => None,
    }
}

fn is_one_of<const N: usize>(names: [Option<&str>; N], wanted: &str) -> bool {
    names.into_iter().flatten().any(|name| fold(name) == wanted)
}

/// "; the closest names are …", or nothing.
struct Closest<'a>(&'a [String]);

impl std::fmt::Display for Closest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [] => Ok(()),
            [one] => write!(f, "; the closest name is {one}"),
            several => write!(f, "; the closest names are {}", several.join(", ")),
        }
    }
}

/// Each on a line of its own, the first ones only.
struct Lines<'a>(&'a [String]);

impl std::fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let listed = self.0.iter().take(CANDIDATES_MAX);
        listed
            .into_iter()
            .try_for_each(|line| write!(f, "\n  {line}"))?;
        match self.0.len().saturating_sub(CANDIDATES_MAX) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{directory, user_id};

    #[test]
    fn a_username_beats_a_display_name_that_others_share() {
        let directory = directory(&[("ada", "Ada"), ("bob", "ada")], &[]);
        assert_eq!(user(&directory, "ADA"), Ok(user_id(1)));
        assert_eq!(users_called(&directory, "ada").len(), 2);
    }

    #[test]
    fn an_ambiguous_name_lists_the_ids_to_choose_from() {
        let directory = directory(&[("ada", "Twin"), ("bob", "Twin")], &[]);
        let error = user(&directory, "twin")
            .expect_err("two have it")
            .to_string();
        assert!(error.contains(&user_id(1).to_string()), "{error}");
        assert!(error.contains(&user_id(2).to_string()), "{error}");
    }

    #[test]
    fn a_misspelt_name_brings_the_closest_ones() {
        let directory = directory(&[("alice", "Alice"), ("bob", "Bob")], &[]);
        let error = user(&directory, "alcie").expect_err("nobody").to_string();
        assert!(error.contains("the closest name is alice"), "{error}");
        let error = user(&directory, "zzzzzz").expect_err("nobody").to_string();
        assert!(!error.contains("closest"), "{error}");
    }
}
