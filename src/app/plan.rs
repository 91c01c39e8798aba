//! What is different between two directories, for LDAP clients: the plan of a pass that is not committed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::admin::report::plan::{Planned, PlannedChange};
use crate::directory::guard::Subject;
use crate::directory::name::fold;
use crate::directory::{Directory, GroupId, ObjectId, State, UserId};
use crate::sync::guard::{self, HeldItem};

use super::explain::{group_reason, person_reason};
use super::flaws::{held_change, held_person, is_guarded};
use super::lookup::{label, registered_name};
use super::roster::served_members;

/// Every change from `before` to `after`, people first, then groups and their members, then what is held back; each
/// kind by name.
///
/// Made object by object as it is read: the memberships of a large tenant are not in memory at once.
pub(crate) fn plan(
    before: Arc<State>,
    after: Arc<State>,
    nested: bool,
) -> impl Iterator<Item = PlannedChange> + Send {
    let ids = |state: &State| state.directory.users.keys().copied().collect::<Vec<_>>();
    let people: BTreeSet<UserId> = [ids(&before), ids(&after)].concat().into_iter().collect();
    let ids = |state: &State| state.directory.groups.keys().copied().collect::<Vec<_>>();
    let groups: BTreeSet<GroupId> = [ids(&before), ids(&after)].concat().into_iter().collect();
    let place = |id: ObjectId| {
        let named = planned(&before.directory, &after.directory, id, String::new());
        (fold(&named.label), id)
    };
    let mut people: Vec<UserId> = people.into_iter().collect();
    people.sort_by_cached_key(|&id| place(id.into()));
    let mut groups: Vec<GroupId> = groups.into_iter().collect();
    groups.sort_by_cached_key(|&id| place(id.into()));
    let held = held(&after.directory);
    let of_person = {
        let (before, after) = (before.clone(), after.clone());
        move |id| person(&before.directory, &after.directory, id)
    };
    let of_group = move |id| group(&before.directory, &after.directory, nested, id);
    people
        .into_iter()
        .flat_map(of_person)
        .chain(groups.into_iter().flat_map(of_group))
        .chain(held)
}

/// What the guard holds back, and who is frozen.
fn held(directory: &Directory) -> Vec<PlannedChange> {
    let item = |item: HeldItem| {
        let object_id = match item.subject {
            Subject::Person(id) => id.into(),
            Subject::Group(id) | Subject::Membership(id, _) => ObjectId::from(id),
        };
        let label = match &item.member {
            Some(member) => format!("{member} in {}", item.label),
            None => item.label.clone(),
        };
        Planned {
            object_id: object_id.0,
            label,
            reason: held_change(item.subject, &item.change),
        }
    };
    let guarded = guard::held(directory).items.into_iter().map(item);
    let people = directory.withheld.users.keys();
    let frozen = people.filter(|id| !is_guarded(directory, Subject::Person(**id)));
    let frozen = frozen.filter_map(|&id| {
        let reason = held_person(directory, id)?;
        Some(planned(directory, directory, id, reason))
    });
    let mut held: Vec<Planned> = guarded.chain(frozen).collect();
    held.sort_by_cached_key(|held| fold(&held.label));
    held.into_iter().map(PlannedChange::Held).collect()
}

fn person(before: &Directory, after: &Directory, id: UserId) -> Vec<PlannedChange> {
    let (old, new) = (before.users.get(&id), after.users.get(&id));
    let was_active = before.decisions.is_active(id);
    let is_active = after.decisions.is_active(id);
    let reason = match new {
        Some(_) => person_reason(after, id),
        None => "deleted in Office 365".to_owned(),
    };
    let object = planned(before, after, id, reason);
    let mut changes = Vec::new();
    match (was_active, is_active) {
        (false, true) => changes.push(PlannedChange::Activate(object.clone())),
        (true, false) => changes.push(PlannedChange::Deactivate(object.clone())),
        (false, false) if old.is_none() => changes.push(PlannedChange::AddInactive(object.clone())),
        (false, false) if new.is_none() => {
            changes.push(PlannedChange::RemoveInactive(object.clone()));
        }
        (true, true) | (false, false) => {}
    }
    changes.extend(rename(before, after, id, &object));
    let is_same = old.zip(new).is_none_or(|(old, new)| old == new);
    if was_active && is_active && !is_same {
        let reason = "its properties changed in Office 365".to_owned();
        changes.push(PlannedChange::Update(Planned { reason, ..object }));
    }
    changes
}

fn group(before: &Directory, after: &Directory, nested: bool, id: GroupId) -> Vec<PlannedChange> {
    let was_imported = before.decisions.is_imported(id);
    let is_imported = after.decisions.is_imported(id);
    if !was_imported && !is_imported {
        return Vec::new();
    }
    let (old, new) = (before.groups.get(&id), after.groups.get(&id));
    let reason = match new {
        Some(_) => group_reason(after, id),
        None => "deleted in Office 365".to_owned(),
    };
    let object = planned(before, after, id, reason);
    let mut changes = Vec::new();
    match (was_imported, is_imported) {
        (false, _) => changes.push(PlannedChange::Import(object.clone())),
        (true, false) => changes.push(PlannedChange::Drop(object.clone())),
        (true, true) => {}
    }
    changes.extend(rename(before, after, id, &object));
    let is_renamed = !changes.is_empty();
    if is_imported {
        let now = served_members(after, id, nested);
        let then = match was_imported {
            true => served_members(before, id, nested),
            false => BTreeSet::new(),
        };
        let names = |directory: &Directory, ids: Vec<UserId>| -> Vec<String> {
            let name = |id: UserId| {
                let name = registered_name(directory, id).map(str::to_owned);
                name.unwrap_or_else(|| label(directory, id.into()))
            };
            let mut names: Vec<String> = ids.into_iter().map(name).collect();
            names.sort();
            names
        };
        let joined = names(after, now.difference(&then).copied().collect());
        let left = names(before, then.difference(&now).copied().collect());
        if !joined.is_empty() || !left.is_empty() {
            let group = Planned {
                reason: "who is in it changed".to_owned(),
                ..object.clone()
            };
            changes.push(PlannedChange::Members {
                group,
                joined,
                left,
            });
        }
    }
    let has_changed = old.zip(new).is_some_and(|(old, new)| {
        (&old.display_name, &old.description, &old.mail)
            != (&new.display_name, &new.description, &new.mail)
    });
    if was_imported && is_imported && !is_renamed && has_changed {
        let reason = "its properties changed in Office 365".to_owned();
        changes.push(PlannedChange::Update(Planned { reason, ..object }));
    }
    changes
}

/// The entry's name, where it bore another one before.
fn rename(
    before: &Directory,
    after: &Directory,
    id: impl Into<ObjectId> + Copy,
    object: &Planned,
) -> Option<PlannedChange> {
    let (from, to) = (registered_name(before, id)?, registered_name(after, id)?);
    (from != to).then(|| PlannedChange::Rename {
        object: object.clone(),
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

fn planned(
    before: &Directory,
    after: &Directory,
    id: impl Into<ObjectId>,
    reason: String,
) -> Planned {
    let id = id.into();
    let is_known = after.users.contains_key(&UserId(id)) || after.groups.contains_key(&GroupId(id));
    Planned {
        object_id: id.0,
        label: label(if is_known { after } else { before }, id),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{directory, group_id, rules, settled, user_id};
    use crate::directory::{Group, User};

    fn lines(before: Directory, after: Directory) -> Vec<String> {
        let state = |directory| {
            Arc::new(State {
                directory,
                ..State::default()
            })
        };
        let changes = plan(state(before), state(after), true);
        changes.map(|change| change.to_string()).collect()
    }

    #[test]
    fn nothing_changes_between_equal_directories() {
        let directory = directory(&[("ada", "Ada")], &[("Staff", &[1])]);
        assert_eq!(lines(directory.clone(), directory), [""; 0]);
    }

    #[test]
    fn a_first_pass_lets_everybody_in() {
        let after = directory(&[("ada", "Ada")], &[("Staff", &[1])]);
        assert_eq!(
            lines(Directory::default(), after),
            [
                "activate    ada@contoso.com: no rule speaks against the person",
                "import      Staff: no rule speaks against the group",
                "members     Staff: +ada",
            ]
        );
    }

    #[test]
    fn whoever_is_disabled_leaves_the_groups_too() {
        let before = directory(&[("ada", "Ada"), ("bob", "Bob")], &[("Staff", &[1, 2])]);
        let mut after = before.clone();
        let disabled = User {
            account_enabled: Some(false),
            ..User::clone(&after.users[&user_id(1)])
        };
        after.users.insert(user_id(1), Arc::new(disabled));
        assert_eq!(
            lines(before, settled(&after, &rules())),
            [
                "deactivate  ada@contoso.com: the account is disabled in Office 365",
                "members     Staff: -ada",
            ]
        );
    }

    #[test]
    fn a_rename_is_one_change_and_a_deletion_another() {
        let before = directory(&[("ada", "Ada")], &[("Staff", &[1]), ("Old", &[])]);
        let mut after = before.clone();
        let renamed = Group {
            display_name: Some("Crew".to_owned()),
            ..Group::clone(&after.groups[&group_id(1)])
        };
        after.groups.insert(group_id(1), Arc::new(renamed));
        after.groups.remove(&group_id(2));
        assert_eq!(
            lines(before, settled(&after, &rules())),
            [
                "rename      Staff to Crew: Crew",
                "drop        Old: deleted in Office 365",
            ]
        );
    }

    #[test]
    fn what_is_held_back_is_listed() {
        let before = directory(&[("ada", "Ada")], &[]);
        let mut after = before.clone();
        after.withheld.users.insert(user_id(1), None);
        let lines = lines(before, after);
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].starts_with("held back   ada@contoso.com: "),
            "{lines:?}"
        );
    }
}
