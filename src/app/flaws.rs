//! What is not as the tenant or an administrator wants it, about single people and groups, in sentences.

use crate::directory::guard::{ChangeKind, HeldChange, Standing, Subject};
use crate::directory::name::{fold, group_name, username};
use crate::directory::registry::{Policy, Record};
use crate::directory::{Directory, GroupId, ObjectId, UserId, attribute};

use super::lookup::{label, registered_name};
use super::view::View;

/// Everything that deserves a look about one person.
pub(crate) fn of_person(view: &View, id: UserId) -> Vec<String> {
    let directory = &view.state.directory;
    let policy = &view.terms.policy;
    let mut flaws = Vec::new();
    flaws.extend(held_person(directory, id));
    let record = directory.registry.get(id);
    if let Some(user) = directory.users.get(&id) {
        let wanted = username(user, policy.username);
        flaws.extend(lost_rename(directory, policy, record, wanted));
        let mapped = attribute::flaws(user, &view.terms.mapping);
        flaws.extend(mapped.iter().map(ToString::to_string));
    }
    flaws.extend(other_number(view, id.into()));
    flaws
}

/// Everything that deserves a look about one group.
pub(crate) fn of_group(view: &View, id: GroupId) -> Vec<String> {
    let directory = &view.state.directory;
    let policy = &view.terms.policy;
    let mut flaws = Vec::new();
    flaws.extend(held_group(directory, id));
    let record = directory.registry.get(id);
    if let Some(group) = directory.groups.get(&id) {
        if directory.decisions.is_imported(id) {
            let wanted = group.display_name.as_deref().and_then(group_name);
            flaws.extend(lost_rename(directory, policy, record, wanted));
        }
        if group.has_hidden_membership {
            let hidden = "the membership is hidden in Office 365: members may be missing here";
            flaws.push(hidden.to_owned());
        }
        let mapped = attribute::group_flaws(group, &view.terms.mapping);
        flaws.extend(mapped.iter().map(ToString::to_string));
    }
    flaws.extend(other_number(view, id.into()));
    flaws
}

/// Why a person is served otherwise than the tenant and the rules have it, if that is so.
pub(crate) fn held_person(directory: &Directory, id: UserId) -> Option<String> {
    let barred = match directory.is_barred(id) {
        true => "; every bind is refused meanwhile",
        false => "",
    };
    if let Some(change) = held(directory, Subject::Person(id)) {
        return Some(format!("{}{barred}", held_change(change)));
    }
    let tenant = directory.withheld.users.get(&id)?;
    let news = match (tenant, directory.users.contains_key(&id)) {
        (None, _) => "is deleted",
        (Some(_), false) => "is new",
        (Some(_), true) => "was changed",
    };
    Some(format!(
        "not served as it is: the account {news} in Office 365{barred}"
    ))
}

/// Why a group is served otherwise than the tenant and the rules have it, if that is so.
pub(crate) fn held_group(directory: &Directory, id: GroupId) -> Option<String> {
    if let Some(change) = held(directory, Subject::Group(id)) {
        return Some(held_change(change));
    }
    let tenant = directory.withheld.groups.get(&id)?;
    let news = match (tenant, directory.groups.contains_key(&id)) {
        (None, _) => "is deleted",
        (Some(_), false) => "is new",
        (Some(_), true) => "or who is in it was changed",
    };
    Some(format!(
        "not served as it is: the group {news} in Office 365"
    ))
}

/// The guard holds a change of this subject back.
pub(crate) fn is_guarded(directory: &Directory, subject: Subject) -> bool {
    held(directory, subject).is_some()
}

fn held(directory: &Directory, subject: Subject) -> Option<&HeldChange> {
    directory.guard.subjects.get(&subject)?.held.as_ref()
}

/// A change that the guard holds back, as a sentence.
pub(crate) fn held_change(change: &HeldChange) -> String {
    let outcome = match (change.kind, change.to) {
        (ChangeKind::MembershipsLost, _) => "would leave the group",
        (ChangeKind::MembershipsGained, _) => "would join the group",
        (_, Standing::Absent) => "would be removed",
        (_, Standing::Inactive) => "would become inactive",
        (_, Standing::Active) => "would become active",
    };
    let reason = change.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let since = change.since.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("held back since {since}: {outcome}{reason}")
}

/// An object that was renamed in the tenant and could not have the new name keeps the old one.
fn lost_rename(
    directory: &Directory,
    policy: &Policy,
    record: Option<&Record>,
    wanted: Option<String>,
) -> Option<String> {
    let kept = record?.name.as_deref()?;
    let wanted = wanted.filter(|wanted| fold(wanted) != fold(kept))?;
    let obstacle = match directory.registry.holder(&wanted) {
        Some(holder) => held_by(directory, &wanted, holder),
        None if policy.reserved_names.contains(&fold(&wanted)) => {
            format!("\"{wanted}\" is in directory.reserved_names")
        }
        None => return None,
    };
    Some(format!(
        "renamed, but keeps the name \"{kept}\": {obstacle}"
    ))
}

/// Who holds a name, and what can be done about it.
pub(crate) fn held_by(directory: &Directory, name: &str, holder: ObjectId) -> String {
    let label = label(directory, holder);
    let is_current =
        registered_name(directory, holder).is_some_and(|held| fold(held) == fold(name));
    let is_deleted = directory
        .registry
        .get(holder)
        .is_some_and(|record| record.deleted.is_some());
    match (is_deleted, is_current) {
        (true, _) => format!(
            "\"{name}\" is held for {label} ({holder}), who is deleted; `ldap365 release-name {name}` gives it free"
        ),
        (false, true) => format!("\"{name}\" belongs to {label} ({holder})"),
        (false, false) => format!(
            "\"{name}\" is held for {label} ({holder}), who had it before; `ldap365 release-name {name}` gives it free"
        ),
    }
}

/// The number that is asked for here, where it is another one than the registered.
pub(crate) fn wanted_number(view: &View, id: ObjectId) -> Option<u32> {
    let directory = &view.state.directory;
    let wanted = directory.overrides.objects.get(&id)?.number?;
    let registered = directory.registry.get(id)?.number;
    (wanted != registered).then_some(wanted)
}

fn other_number(view: &View, id: ObjectId) -> Option<String> {
    let registered = view.state.directory.registry.get(id)?.number;
    let wanted = wanted_number(view, id)?;
    Some(format!(
        "the number {wanted} is asked for, but {registered} is registered; `ldap365 ids adopt {id}` changes it"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::fixtures::{directory, policy, rules, settled, user_id, view};
    use crate::directory::User;

    #[test]
    fn a_rename_that_lost_names_the_holder() {
        let mut directory = directory(&[("ada", "Ada"), ("bob", "Bob")], &[]);
        let renamed = User {
            user_principal_name: Some("ada@fabrikam.com".to_owned()),
            ..User::clone(&directory.users[&user_id(2)])
        };
        directory.users.insert(user_id(2), Arc::new(renamed));
        let directory = settled(&directory, &rules());
        let view = view(directory, rules(), policy());
        let flaws = of_person(&view, user_id(2));
        let holder = user_id(1);
        assert_eq!(
            flaws,
            [format!(
                "renamed, but keeps the name \"bob\": \"ada\" belongs to ada@contoso.com ({holder})"
            )]
        );
        assert_eq!(of_person(&view, user_id(1)), [""; 0]);
    }

    #[test]
    fn a_deletion_that_is_held_back_says_that_binds_are_refused() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        directory.withheld.users.insert(user_id(1), None);
        assert_eq!(
            of_person(&view(directory.clone(), rules(), policy()), user_id(1)),
            [
                "not served as it is: the account is deleted in Office 365; every bind is refused meanwhile"
            ]
        );
    }

    #[test]
    fn a_number_that_is_asked_for_and_not_adopted_is_told() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let registered = directory
            .registry
            .get(user_id(1))
            .expect("registered")
            .number;
        let set = directory
            .overrides
            .objects
            .entry(user_id(1).into())
            .or_default();
        set.number = Some(registered);
        assert_eq!(
            of_person(&view(directory.clone(), rules(), policy()), user_id(1)),
            [""; 0]
        );
        let set = directory
            .overrides
            .objects
            .entry(user_id(1).into())
            .or_default();
        set.number = Some(4711);
        let flaws = of_person(&view(directory.clone(), rules(), policy()), user_id(1));
        assert!(
            flaws[0].starts_with("the number 4711 is asked for"),
            "{flaws:?}"
        );
    }
}
