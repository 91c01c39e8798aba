//! What is not as the tenant or an administrator wants it, about single people and groups, in sentences.

use crate::directory::guard::{ChangeKind, HeldChange, Standing, Subject};
use crate::directory::name::fold;
use crate::directory::registry::{NumberFault, NumberSource, Problem};
use crate::directory::{Directory, GroupId, ObjectId, UserId, attribute};

use super::explain::sentence;
use super::lookup::{label, registered_name};
use super::view::View;

/// Everything that deserves a look about one person.
pub(crate) fn of_person(view: &View, id: UserId) -> Vec<String> {
    let directory = &view.state.directory;
    let mut flaws: Vec<String> = held_person(directory, id).into_iter().collect();
    if let Some(user) = directory.users.get(&id) {
        let mapped = attribute::flaws(user, &view.terms.mapping);
        flaws.extend(mapped.iter().map(ToString::to_string));
    }
    flaws.extend(registered(view, id.into()));
    flaws.extend(home_kept(directory, id.into()));
    flaws
}

/// Why the home directory that is set here is not the served one, if that is so.
pub(crate) fn home_kept(directory: &Directory, id: ObjectId) -> Option<String> {
    let wanted = directory.overrides.objects.get(&id)?.home.as_deref()?;
    let registered = directory.registry.get(id)?.home.as_deref()?;
    (wanted != registered).then(|| {
        format!(
            "the home directory {wanted} is set here, but {registered} was registered before, and stays: files are there"
        )
    })
}

/// Everything that deserves a look about one group.
pub(crate) fn of_group(view: &View, id: GroupId) -> Vec<String> {
    let directory = &view.state.directory;
    let mut flaws: Vec<String> = held_group(directory, id).into_iter().collect();
    if let Some(group) = directory.groups.get(&id) {
        if group.has_hidden_membership {
            let hidden = "the membership is hidden in Office 365: members may be missing here";
            flaws.push(hidden.to_owned());
        }
        let mapped = attribute::group_flaws(group, &view.terms.mapping);
        flaws.extend(mapped.iter().map(ToString::to_string));
    }
    flaws.extend(registered(view, id.into()));
    flaws
}

/// What the registry could not do for an object as it was asked to.
fn registered(view: &View, id: ObjectId) -> impl Iterator<Item = String> {
    let problems = view.findings.about(id).iter();
    problems.filter_map(|problem| registration(&view.state.directory, problem))
}

/// A problem of the registry without the name of its object, which stands beside it. `None` for what the value's own
/// flaw says already.
fn registration(directory: &Directory, problem: &Problem) -> Option<String> {
    Some(match problem {
        Problem::NumberUnusable {
            source: NumberSource::Mapped,
            fault: NumberFault::NoNumber(_) | NumberFault::Reserved(_),
            ..
        } => return None,
        Problem::NumberUnusable { source, fault, .. } => {
            format!("the number {source} cannot be used: {fault}")
        }
        Problem::NumberDiffers {
            id,
            registered,
            wanted,
            source,
            ..
        } => format!(
            "the number {wanted} is {source}, but {registered} is registered; `ldap365 ids adopt {id}` changes it"
        ),
        Problem::HomeUnusable { home, .. } => {
            format!("the home directory \"{home}\" is no absolute path without a colon")
        }
        Problem::NameKept { label, reason, .. } => format!(
            "renamed, but keeps the name \"{label}\": {}",
            sentence(directory, reason)
        ),
    })
}

/// Why a person is served otherwise than the tenant and the rules have it, if that is so.
pub(crate) fn held_person(directory: &Directory, id: UserId) -> Option<String> {
    let barred = match directory.is_barred(id) {
        true => "; every bind is refused meanwhile",
        false => "",
    };
    if let Some(change) = held(directory, Subject::Person(id)) {
        let change = held_change(Subject::Person(id), change);
        return Some(format!("held back {change}{barred}"));
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
        let change = held_change(Subject::Group(id), change);
        return Some(format!("held back {change}"));
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

/// A change of a subject that the guard holds back, as the rest of a sentence that says "held back".
pub(crate) fn held_change(subject: Subject, change: &HeldChange) -> String {
    let outcome = match (subject, change.to) {
        (Subject::Membership(..), _) if change.kind == ChangeKind::MembershipsLost => {
            "would leave the group"
        }
        (Subject::Membership(..), _) => "would join the group",
        (Subject::Person(_) | Subject::Group(_), Standing::Absent) => "would be removed",
        (Subject::Person(_), Standing::Inactive) => "would become inactive",
        (Subject::Person(_), Standing::Active) => "would become active",
        (Subject::Group(_), Standing::Inactive) => "would no longer be imported",
        (Subject::Group(_), Standing::Active) => "would be imported",
    };
    let reason = change.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let since = change.since.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("since {since}: {outcome}{reason}")
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

/// The number that is asked for, where it is another one than the registered.
pub(crate) fn wanted_number(view: &View, id: ObjectId) -> Option<u32> {
    let wanted = |problem: &Problem| match problem {
        Problem::NumberDiffers { wanted, .. } => Some(*wanted),
        _ => None,
    };
    view.findings.about(id).iter().find_map(wanted)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::fixtures::{directory, group_id, policy, rules, settled, user_id, view};
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
    fn a_home_directory_that_came_too_late_is_told() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let id = ObjectId::from(user_id(1));
        let set = directory.overrides.objects.entry(id).or_default();
        set.home = Some("/srv/ada".to_owned());
        let flaws = of_person(&view(directory, rules(), policy()), user_id(1));
        assert!(
            flaws[0].starts_with("the home directory /srv/ada is set here, but /home/ada was"),
            "{flaws:?}"
        );
    }

    #[test]
    fn a_group_that_is_held_back_is_not_said_to_leave_a_group() {
        let change = HeldChange {
            kind: ChangeKind::MembershipsLost,
            from: Standing::Active,
            to: Standing::Inactive,
            reason: None,
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(
            held_change(Subject::Group(group_id(1)), &change),
            "since 1970-01-01 00:00:00 UTC: would no longer be imported"
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
            flaws[0].starts_with("the number 4711 is set here, but"),
            "{flaws:?}"
        );
    }

    #[test]
    fn a_mapped_number_that_differs_is_told_and_named_as_wanted() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let mut ada = User::clone(&directory.users[&user_id(1)]);
        let property = "employeeId".to_owned();
        ada.mapped.insert(property.clone(), vec!["4711".to_owned()]);
        directory.users.insert(user_id(1), Arc::new(ada));
        let mut policy = policy();
        policy.mapped.uid_number = Some(property);
        let view = view(directory, rules(), policy);
        let flaws = of_person(&view, user_id(1));
        assert!(
            flaws[0].starts_with("the number 4711 is mapped from Graph, but"),
            "{flaws:?}"
        );
        assert_eq!(wanted_number(&view, user_id(1).into()), Some(4711));
    }
}
