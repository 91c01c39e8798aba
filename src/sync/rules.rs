//! The administrator's rules: which users are active, which groups are imported, and why.
//!
//! Pure: the same directory and rules always give the same verdict. Names and numbers are the
//! [registry](crate::directory::registry)'s affair and come afterwards.

mod repin;
mod resolve;

use std::collections::BTreeMap;
use std::fmt;

use crate::directory::decision::{Grounds, GroupPath};
use crate::directory::membership::members_with_paths;
use crate::directory::name::fold;
use crate::directory::{
    Decision, Decisions, Directory, Group, GroupId, Pins, Reason, User, UserId,
};

use super::Rules;
use resolve::resolve;

pub use repin::{RepinError, Repinned, repin};

/// What the rules make of a directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// One for each user and group of the directory; names are not looked at yet.
    pub decisions: Decisions,
    /// Each resolved group name in the rules, and the object it means from now on.
    pub pins: Pins,
    /// Group names that cannot be resolved. If there is one, users keep the decision they had.
    pub problems: Vec<RuleProblem>,
    /// What the administrator should look at, though the rules work.
    pub warnings: Vec<Warning>,
}

/// The key in the configuration file that names a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKey {
    /// `sync.allowed_groups`
    AllowedGroups,
    /// `sync.ignored_groups`
    IgnoredGroups,
}

/// A group name in the rules that cannot be resolved. The administrator must change the rule or the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleProblem {
    /// No group has this display name, mail address or object id.
    NoMatch {
        /// Where the name stands.
        key: RuleKey,
        /// The name as written.
        name: String,
    },
    /// Several groups had this name when it was first looked up.
    Ambiguous {
        /// Where the name stands.
        key: RuleKey,
        /// The name as written.
        name: String,
        /// The groups to choose from, by object id.
        ids: Vec<GroupId>,
    },
    /// The group that the name is pinned to is unknown, not even as a deleted one.
    PinnedGroupGone {
        /// Where the name stands.
        key: RuleKey,
        /// The name as written.
        name: String,
        /// The object it is pinned to.
        id: GroupId,
    },
}

/// Something about a rule that deserves a look; the rule itself works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Another group answers to a name in the rules. It changes nothing: the pinned one counts.
    Impostor {
        /// The name as written in the rules.
        name: String,
        /// The group that counts.
        pinned: GroupId,
        /// The group that does not.
        other: GroupId,
    },
    /// The group was deleted in the tenant; its last members keep counting.
    PinnedGroupDeleted {
        /// The name as written in the rules.
        name: String,
        /// The deleted group.
        id: GroupId,
    },
    /// The group's membership is hidden and nobody was ever seen in it. Grant `Member.Read.Hidden`, or it is empty.
    MembersHidden {
        /// The group.
        id: GroupId,
    },
    /// Graph says of some members that they exist, and not what they are. Grant the permission to read them.
    MembersUnreadable {
        /// The group.
        id: GroupId,
        /// How many of them are known from before; they stay.
        kept: usize,
    },
}

/// Applies the rules to the whole tenant, imported or not.
///
/// A user is judged by the account first (disabled, unknown, guest), then by `ignored_groups`, then by
/// `allowed_groups`. When a group name cannot be resolved, every user and group keeps the decision in
/// `directory.decisions`, except that whoever is out by the account is out, and nothing new is let in.
pub fn decide(directory: &Directory, rules: &Rules) -> Verdict {
    let resolved = resolve(directory, rules);
    let (users, groups) = match resolved.problems.is_empty() {
        true => (
            decide_users(directory, rules, &resolved.pins),
            decide_groups(directory, rules),
        ),
        false => (
            freeze_users(directory, rules),
            freeze_groups(directory, rules),
        ),
    };
    Verdict {
        decisions: Decisions { users, groups },
        pins: resolved.pins,
        problems: resolved.problems,
        warnings: resolved.warnings,
    }
}

fn decide_users(directory: &Directory, rules: &Rules, pins: &Pins) -> BTreeMap<UserId, Decision> {
    let members = |names: &[String]| members_by_rule(directory, names, pins, rules.nested_groups);
    let mut ignored = members(&rules.ignored_groups);
    let mut allowed = members(&rules.allowed_groups);
    let mut decide_user = |id: &UserId, user: &User| {
        if let Some(reason) = account_reason(user, rules) {
            return Decision::Exclude(reason);
        }
        if let Some(path) = ignored.remove(id) {
            return Decision::Exclude(Reason::Ignored(path));
        }
        match allowed.remove(id) {
            Some(path) => Decision::Include(Grounds::Allowed(path)),
            None if rules.allowed_groups.is_empty() => Decision::Include(Grounds::Default),
            None => Decision::Exclude(Reason::NotAllowed),
        }
    };
    directory
        .users
        .iter()
        .map(|(id, user)| (*id, decide_user(id, user)))
        .collect()
}

/// What is wrong with the account itself, whatever the rules say.
fn account_reason(user: &User, rules: &Rules) -> Option<Reason> {
    match (user.account_enabled, user.is_guest && !rules.guests) {
        (Some(false), _) => Some(Reason::Disabled),
        (None, _) => Some(Reason::EnabledUnknown),
        (Some(true), true) => Some(Reason::Guest),
        (Some(true), false) => None,
    }
}

/// Every user below the groups of a rule, each with the shortest path; the first rule wins a tie.
fn members_by_rule(
    directory: &Directory,
    names: &[String],
    pins: &Pins,
    nested: bool,
) -> BTreeMap<UserId, GroupPath> {
    let mut found: BTreeMap<UserId, GroupPath> = BTreeMap::new();
    for name in names {
        let Some(&root) = pins.get(name) else {
            continue;
        };
        let is_deleted = directory
            .groups
            .get(&root)
            .is_some_and(|group| group.is_deleted);
        let members = match is_deleted {
            true => last_members(directory, name, root, nested),
            false => members_with_paths(&directory.groups, root, nested),
        };
        for (user, path) in members {
            if found
                .get(&user)
                .is_none_or(|known| path.len() < known.groups.len())
            {
                found.insert(
                    user,
                    GroupPath {
                        rule: name.clone(),
                        groups: path,
                    },
                );
            }
        }
    }
    found
}

/// Every user whom a rule counted when its group was deleted: the direct members that it was left with, and
/// whoever is in or out by this rule by now. The groups once nested in it live on, and count no more.
fn last_members(
    directory: &Directory,
    rule: &str,
    root: GroupId,
    nested: bool,
) -> BTreeMap<UserId, Vec<GroupId>> {
    let mut members = members_with_paths(&directory.groups, root, false);
    for (&user, decision) in directory.decisions.users.iter() {
        let (Decision::Include(Grounds::Allowed(path)) | Decision::Exclude(Reason::Ignored(path))) =
            decision
        else {
            continue;
        };
        if path.rule == rule && (nested || path.groups.len() == 1) {
            members.entry(user).or_insert_with(|| path.groups.clone());
        }
    }
    members
}

fn decide_groups(directory: &Directory, rules: &Rules) -> BTreeMap<GroupId, Decision> {
    let groups = directory.groups.iter();
    groups
        .map(|(&id, group)| (id, decide_group(group, rules)))
        .collect()
}

/// The last good decisions on groups, while the rules cannot be read.
fn freeze_groups(directory: &Directory, rules: &Rules) -> BTreeMap<GroupId, Decision> {
    let freeze = |id: GroupId, group: &Group| match directory.decisions.groups.get(&id) {
        _ if group.is_deleted => Decision::Exclude(Reason::Deleted),
        _ if !rules.groups => Decision::Exclude(Reason::GroupsOff),
        Some(decision) if !is_passing(decision) => decision.clone(),
        _ => Decision::Exclude(Reason::RulesUnresolved),
    };
    let groups = directory.groups.iter();
    groups.map(|(&id, group)| (id, freeze(id, group))).collect()
}

/// The last good decisions on users, while the rules cannot be read.
fn freeze_users(directory: &Directory, rules: &Rules) -> BTreeMap<UserId, Decision> {
    let freeze = |id: &UserId, user: &User| {
        if let Some(reason) = account_reason(user, rules) {
            return Decision::Exclude(reason);
        }
        match directory.decisions.users.get(id) {
            // The account is in order again, but what the rules would say is unknown.
            None
            | Some(Decision::Exclude(
                Reason::Disabled | Reason::EnabledUnknown | Reason::Guest | Reason::ChangeHeld,
            )) => Decision::Exclude(Reason::RulesUnresolved),
            Some(last) => last.clone(),
        }
    };
    directory
        .users
        .iter()
        .map(|(id, user)| (*id, freeze(id, user)))
        .collect()
}

/// The reason was a state of affairs that has ended, so it says nothing about the rules.
fn is_passing(decision: &Decision) -> bool {
    let reason = decision.reason();
    reason.is_some_and(|reason| {
        matches!(
            reason,
            Reason::GroupsOff | Reason::ChangeHeld | Reason::Deleted
        )
    })
}

fn decide_group(group: &Group, rules: &Rules) -> Decision {
    if group.is_deleted {
        return Decision::Exclude(Reason::Deleted);
    }
    if !rules.groups {
        return Decision::Exclude(Reason::GroupsOff);
    }
    if !rules.group_kinds.contains(&group.kind()) {
        return Decision::Exclude(Reason::KindExcluded(group.kind()));
    }
    if !rules.groups_without_email && group.mail.as_deref().is_none_or(str::is_empty) {
        return Decision::Exclude(Reason::NoMail);
    }
    if !has_prefix(group, &rules.group_prefixes) {
        return Decision::Exclude(Reason::PrefixMismatch);
    }
    Decision::Include(Grounds::Default)
}

fn has_prefix(group: &Group, prefixes: &[String]) -> bool {
    let name = fold(group.display_name.as_deref().unwrap_or_default());
    prefixes.is_empty()
        || prefixes
            .iter()
            .any(|prefix| name.starts_with(&fold(prefix)))
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllowedGroups => "sync.allowed_groups",
            Self::IgnoredGroups => "sync.ignored_groups",
        })
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch { key, name } => write!(
                f,
                "{key} names \"{name}\", but no group has that display name, mail address or object id"
            ),
            Self::Ambiguous { key, name, ids } => {
                write!(
                    f,
                    "{key} names \"{name}\", but several groups have that name; write one of these ids instead:"
                )?;
                ids.iter().try_for_each(|id| write!(f, " {id}"))
            }
            Self::PinnedGroupGone { key, name, id } => write!(
                f,
                "{key} names \"{name}\", which means group {id}, and that group is not in the tenant; change the rule"
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impostor {
                name,
                pinned,
                other,
            } => write!(
                f,
                "the rule for \"{name}\" means group {pinned}; group {other} has the same name and is not counted"
            ),
            Self::PinnedGroupDeleted { name, id } => write!(
                f,
                "group {id}, which the rule for \"{name}\" means, was deleted; its last members keep counting until the rule is changed"
            ),
            Self::MembersHidden { id } => write!(
                f,
                "group {id} hides its members and Graph shows none: unless it is empty, grant Member.Read.Hidden to see them"
            ),
            Self::MembersUnreadable { id, kept } => write!(
                f,
                "Graph does not say what {kept} members of group {id} are: they stay as last known; grant User.Read.All and GroupMember.Read.All"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
