//! Why a person is active, or a group imported, or not: the whole chain, from the state alone.

pub(crate) mod kept;
mod memberships;

use jiff::{SignedDuration, Timestamp};

use crate::admin::report::explanation::{
    ExplainQuery, Explanation, FormerExplanation, GroupExplanation, GroupReference,
    PersonExplanation,
};
use crate::admin::report::identity::IdentityKind;
use crate::directory::decision::{Grounds, GroupPath, Reason};
use crate::directory::membership::members_with_paths;
use crate::directory::name::fold;
use crate::directory::registry::{Policy, Record};
use crate::directory::{Decision, Directory, GroupId, ObjectId, User, UserId};
use crate::sync::Rules;

use super::flaws;
use super::lookup::{self, label};
use super::roster::{group_of, served_members, user_of};
use super::view::View;

/// Every person whom the name may mean; failing that every group; failing that everything deleted that held it.
///
/// # Errors
/// [`lookup::Error::NoUser`] or [`NoGroup`](lookup::Error::NoGroup), with the closest names, when there is nothing.
pub(crate) fn explain(
    view: &View,
    query: &ExplainQuery,
) -> Result<Vec<Explanation>, lookup::Error> {
    let directory = &view.state.directory;
    let name = &query.name;
    if !query.is_group {
        let people = lookup::users_called(directory, name).into_iter();
        let people: Vec<_> = people.filter_map(|id| person(view, id)).collect();
        if !people.is_empty() {
            return Ok(people);
        }
    }
    let groups = lookup::groups_called(directory, name).into_iter();
    let groups: Vec<_> = groups.filter_map(|id| group(view, id)).collect();
    if !groups.is_empty() {
        return Ok(groups);
    }
    let former = former(directory, &view.terms.policy, name);
    match (former.is_empty(), query.is_group) {
        (false, _) => Ok(former),
        (true, false) => Err(lookup::Error::NoUser {
            name: name.clone(),
            closest: lookup::closest_objects(directory, name),
        }),
        (true, true) => Err(lookup::Error::NoGroup {
            name: name.clone(),
            closest: lookup::closest_groups(directory, name),
        }),
    }
}

/// The sentence that decided on a person.
pub(crate) fn person_reason(directory: &Directory, id: UserId) -> String {
    match directory.decisions.users.get(&id) {
        Some(Decision::Include(Grounds::Default)) => "no rule speaks against the person".to_owned(),
        Some(Decision::Include(Grounds::Allowed(path))) => {
            format!("member of the allowed group \"{}\"", path.rule)
        }
        Some(Decision::Exclude(reason)) => sentence(directory, reason),
        None => undecided(directory.withheld.users.contains_key(&id)),
    }
}

/// The sentence that decided on a group.
pub(crate) fn group_reason(directory: &Directory, id: GroupId) -> String {
    match directory.decisions.groups.get(&id) {
        Some(Decision::Include(_)) => "no rule speaks against the group".to_owned(),
        Some(Decision::Exclude(reason)) => sentence(directory, reason),
        None => undecided(directory.withheld.groups.contains_key(&id)),
    }
}

/// A reason, with the name of whoever is behind it.
pub(crate) fn sentence(directory: &Directory, reason: &Reason) -> String {
    match reason {
        Reason::NameTaken { name, holder } => flaws::held_by(directory, name, *holder),
        reason => reason.to_string(),
    }
}

fn undecided(is_withheld: bool) -> String {
    match is_withheld {
        true => "new in Office 365, and not let in yet: the change is held back".to_owned(),
        false => "the rules have not been applied yet".to_owned(),
    }
}

fn person(view: &View, id: UserId) -> Option<Explanation> {
    let (directory, rules) = (&view.state.directory, &view.terms.rules);
    let user = user_of(directory, id)?;
    let record = directory.registry.get(id);
    let path = match directory.decisions.users.get(&id) {
        Some(Decision::Include(Grounds::Allowed(path)))
        | Some(Decision::Exclude(Reason::Ignored(path))) => references(directory, &path.groups),
        _ => Vec::new(),
    };
    Some(Explanation::Person(PersonExplanation {
        object_id: ObjectId::from(id).0,
        user_principal_name: user.user_principal_name.clone(),
        display_name: user.display_name.clone(),
        username: record.and_then(|record| record.name.clone()),
        uid_number: record.map(|record| record.number),
        is_active: directory.decisions.is_active(id),
        reason: kept::person(view, id),
        path,
        chain: chain(view, id, user),
        flaws: flaws::of_person(view, id),
        groups: memberships::of_person(directory, rules.nested_groups, id),
    }))
}

/// Everything that counts, in the order it counts.
fn chain(view: &View, id: UserId, user: &User) -> Vec<String> {
    let (directory, rules) = (&view.state.directory, &view.terms.rules);
    let mut chain = vec![
        match user.account_enabled {
            Some(true) => "the account is enabled in Office 365".to_owned(),
            Some(false) => Reason::Disabled.to_string(),
            None => Reason::EnabledUnknown.to_string(),
        },
        match user.is_guest {
            true => "the account is a guest".to_owned(),
            false => "the account is no guest".to_owned(),
        },
        rule(directory, rules, id, &rules.ignored_groups, "ignored"),
        rule(directory, rules, id, &rules.allowed_groups, "allowed"),
    ];
    let unresolved = view.findings.settled.problems.iter();
    chain.extend(unresolved.map(|problem| {
        format!("{problem}: until it can be resolved every earlier decision is kept, and nothing new is let in")
    }));
    let record = directory.registry.get(id);
    chain.push(match directory.decisions.users.get(&id) {
        Some(Decision::Exclude(reason @ (Reason::NameTaken { .. } | Reason::NameReserved(_)))) => {
            sentence(directory, reason)
        }
        _ => match record {
            Some(Record {
                name: Some(name),
                number,
                ..
            }) => format!(
                "the registry has the name \"{name}\" and the number {number} for the person"
            ),
            Some(record) => format!("the registry has the number {} and no name", record.number),
            None => "the registry has neither a name nor a number for the person".to_owned(),
        },
    });
    chain
}

/// Whether a kind of rule speaks about a person, and through which groups.
fn rule(directory: &Directory, rules: &Rules, id: UserId, names: &[String], kind: &str) -> String {
    if names.is_empty() {
        return format!("sync.{kind}_groups is empty");
    }
    let paths = names.iter().filter_map(|name| {
        let root = *directory.pins.get(name)?;
        let path = members_with_paths(&directory.groups, root, rules.nested_groups).remove(&id)?;
        Some(GroupPath {
            rule: name.clone(),
            groups: path,
        })
    });
    match paths.min_by_key(|path| path.groups.len()) {
        None if !names.iter().all(|name| directory.pins.contains_key(name)) => {
            format!("member of none of the groups in sync.{kind}_groups that are known")
        }
        None => format!("member of no group in sync.{kind}_groups"),
        Some(path) => {
            let through: Vec<String> = references(directory, &path.groups)
                .iter()
                .map(GroupReference::to_string)
                .collect();
            let through = through.join(" > ");
            format!("member of the {kind} group \"{}\": {through}", path.rule)
        }
    }
}

fn group(view: &View, id: GroupId) -> Option<Explanation> {
    let (directory, rules) = (&view.state.directory, &view.terms.rules);
    let group = group_of(directory, id)?;
    let record = directory.registry.get(id);
    let mut notes = flaws::of_group(view, id);
    for (name, _) in directory.pins.iter().filter(|(_, pinned)| **pinned == id) {
        notes.push(format!("the rule for \"{name}\" means this group"));
    }
    Some(Explanation::Group(GroupExplanation {
        object_id: ObjectId::from(id).0,
        display_name: group.display_name.clone(),
        mail: group.mail.clone(),
        name: record.and_then(|record| record.name.clone()),
        gid_number: record.map(|record| record.number),
        group_kind: group.kind().as_str().to_owned(),
        is_imported: directory.decisions.is_imported(id),
        reason: kept::group(view, id),
        members: group.members.len(),
        people: directory.members(id, rules.nested_groups).len(),
        active_people: served_members(directory, id, rules.nested_groups).len(),
        flaws: notes,
    }))
}

/// Deleted objects that hold the name, or whose id it is.
fn former(directory: &Directory, policy: &Policy, name: &str) -> Vec<Explanation> {
    let wanted = fold(name);
    let held_names = |record: &Record| -> Vec<String> {
        let former = record.former_names.iter().map(|former| &former.name);
        record.name.iter().chain(former).cloned().collect()
    };
    let is_meant = |id: ObjectId, record: &Record| {
        let is_gone = !directory.users.contains_key(&UserId(id))
            && !directory.groups.contains_key(&GroupId(id));
        let has_name = held_names(record).iter().any(|name| fold(name) == wanted);
        is_gone && (has_name || id.to_string() == wanted)
    };
    let meant = directory.registry.iter();
    meant
        .filter(|(id, record)| is_meant(*id, record))
        .map(|(id, record)| {
            Explanation::Former(FormerExplanation {
                object_id: id.0,
                was: kind(directory, id, record),
                names: held_names(record),
                number: record.number,
                deleted: record.deleted,
                held_until: record
                    .deleted
                    .and_then(|deleted| held_until(policy, deleted)),
            })
        })
        .collect()
}

/// Whether a record of the registry is a person's or a group's; only people ever have a home directory.
pub(crate) fn kind(directory: &Directory, id: ObjectId, record: &Record) -> IdentityKind {
    let is_user = directory.users.contains_key(&UserId(id)) || record.home.is_some();
    match (is_user, directory.groups.contains_key(&GroupId(id))) {
        (true, _) => IdentityKind::User,
        (false, true) => IdentityKind::Group,
        (false, false) if record.name.is_some() => IdentityKind::Group,
        (false, false) => IdentityKind::Unknown,
    }
}

fn held_until(policy: &Policy, deleted: Timestamp) -> Option<Timestamp> {
    let hold = SignedDuration::try_from(policy.hold_names?).ok()?;
    deleted.checked_add(hold).ok()
}

fn references(directory: &Directory, groups: &[GroupId]) -> Vec<GroupReference> {
    groups.iter().map(|&id| reference(directory, id)).collect()
}

/// A group by name and id, whatever is left of it.
pub(crate) fn reference(directory: &Directory, id: GroupId) -> GroupReference {
    GroupReference {
        name: label(directory, id.into()),
        object_id: ObjectId::from(id).0,
    }
}

#[cfg(test)]
mod tests;
