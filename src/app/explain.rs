//! Why a person is active or not, from the state alone.

use crate::admin::report::{Explanation, GroupMembership, GroupReference};
use crate::directory::decision::{Grounds, GroupPath, Reason};
use crate::directory::name::fold;
use crate::directory::{Decision, Directory, GroupId, ObjectId, User, UserId};

/// Everyone `name` may mean: an object id, userPrincipalName, mail address or username.
pub(crate) fn explain(directory: &Directory, nested: bool, name: &str) -> Vec<Explanation> {
    let wanted = fold(name);
    let is_meant = |id: UserId, user: &User| {
        let username = directory
            .registry
            .get(id)
            .and_then(|record| record.name.as_deref());
        let names = [
            user.user_principal_name.as_deref(),
            user.mail.as_deref(),
            username,
        ];
        names.into_iter().flatten().any(|name| fold(name) == wanted) || id.to_string() == wanted
    };
    let meant = directory
        .users
        .iter()
        .filter(|(id, user)| is_meant(**id, user));
    meant
        .map(|(&id, user)| explain_user(directory, nested, id, user))
        .collect()
}

fn explain_user(directory: &Directory, nested: bool, id: UserId, user: &User) -> Explanation {
    let decision = directory.decisions.users.get(&id);
    let (reason, path) = match decision {
        Some(Decision::Include(Grounds::Default)) => {
            ("no rule speaks against the person".to_string(), None)
        }
        Some(Decision::Include(Grounds::Allowed(path))) => (
            format!("member of the allowed group \"{}\"", path.rule),
            Some(path),
        ),
        Some(Decision::Exclude(reason @ Reason::Ignored(path))) => (reason.to_string(), Some(path)),
        Some(Decision::Exclude(reason)) => (reason.to_string(), None),
        None => ("the rules have not been applied yet".to_string(), None),
    };
    let record = directory.registry.get(id);
    Explanation {
        object_id: ObjectId::from(id).0,
        user_principal_name: user.user_principal_name.clone(),
        display_name: user.display_name.clone(),
        username: record.and_then(|record| record.name.clone()),
        uid_number: record.map(|record| record.number),
        is_active: directory.decisions.is_active(id),
        reason,
        path: path.map_or_else(Vec::new, |path| references(directory, path)),
        groups: memberships(directory, nested, id),
    }
}

fn references(directory: &Directory, path: &GroupPath) -> Vec<GroupReference> {
    path.groups
        .iter()
        .map(|&group| reference(directory, group))
        .collect()
}

fn reference(directory: &Directory, id: GroupId) -> GroupReference {
    let name = directory
        .groups
        .get(&id)
        .map_or("a group that is gone", |group| group.label());
    GroupReference {
        name: name.to_string(),
        object_id: ObjectId::from(id).0,
    }
}

fn memberships(directory: &Directory, nested: bool, user: UserId) -> Vec<GroupMembership> {
    let holding = directory
        .groups
        .keys()
        .filter(|group| directory.members(**group, nested).contains(&user));
    holding
        .map(|&group| GroupMembership {
            group: reference(directory, group),
            not_imported: match directory.decisions.groups.get(&group) {
                Some(Decision::Include(_)) => None,
                Some(Decision::Exclude(reason)) => Some(reason.to_string()),
                None => Some("the rules have not been applied yet".to_string()),
            },
        })
        .collect()
}
