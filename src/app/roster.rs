//! Everybody and every group, a line each, made as they are read.

use std::collections::BTreeSet;

use crate::admin::Rows;
use crate::admin::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use crate::directory::name::fold;
use crate::directory::{Directory, Group, GroupId, ObjectId, User, UserId};

use super::explain::kept;
use super::flaws;
use super::lookup::{self, registered_name};
use super::view::View;

/// The people whom `query` asks for, by name; new ones that are not let in yet are among them.
pub(crate) fn people(view: &View, query: &PersonQuery) -> Result<Rows<PersonRow>, lookup::Error> {
    let directory = &view.state.directory;
    let members = match &query.group {
        Some(name) => {
            let group = lookup::group(directory, name)?;
            Some(directory.members(group, view.terms.rules.nested_groups))
        }
        None => None,
    };
    let is_asked = |id: &UserId| members.as_ref().is_none_or(|members| members.contains(id));
    let mut ids: Vec<UserId> = lookup::people(directory)
        .map(|(id, _)| id)
        .filter(is_asked)
        .collect();
    ids.sort_by_cached_key(|&id| lookup::place(directory, id));
    let (view, wanted) = (view.clone(), Wanted::of(&query.filter, &query.reason));
    let is_active = query.is_active;
    let rows = ids.into_iter().filter_map(move |id| {
        let directory = &view.state.directory;
        let active = directory.decisions.is_active(id);
        if is_active.is_some_and(|wanted| wanted != active) {
            return None;
        }
        let user = user_of(directory, id)?;
        let names = [
            registered_name(directory, id),
            user.user_principal_name.as_deref(),
            user.display_name.as_deref(),
            user.mail.as_deref(),
        ];
        let reason = || kept::person(&view, id);
        wanted.fits(names, id.into(), reason).then(|| PersonRow {
            object_id: ObjectId::from(id).0,
            username: names[0].map(str::to_owned),
            user_principal_name: user.user_principal_name.clone(),
            display_name: user.display_name.clone(),
            mail: user.mail.clone(),
            uid_number: directory.registry.get(id).map(|record| record.number),
            is_active: active,
            reason: reason(),
            flaws: flaws::of_person(&view, id),
        })
    });
    Ok(Box::new(rows))
}

/// The groups that `query` asks for, by name; new ones that are not let in yet are among them.
pub(crate) fn groups(view: &View, query: &GroupQuery) -> Rows<GroupRow> {
    let directory = &view.state.directory;
    let mut ids: Vec<GroupId> = lookup::groups(directory).map(|(id, _)| id).collect();
    ids.sort_by_cached_key(|&id| lookup::place(directory, id));
    let (view, wanted) = (view.clone(), Wanted::of(&query.filter, &query.reason));
    let is_imported = query.is_imported;
    let rows = ids.into_iter().filter_map(move |id| {
        let directory = &view.state.directory;
        let imported = directory.decisions.is_imported(id);
        if is_imported.is_some_and(|wanted| wanted != imported) {
            return None;
        }
        let group = group_of(directory, id)?;
        let names = [
            registered_name(directory, id),
            group.display_name.as_deref(),
            group.mail.as_deref(),
        ];
        let reason = || kept::group(&view, id);
        wanted.fits(names, id.into(), reason).then(|| GroupRow {
            object_id: ObjectId::from(id).0,
            name: names[0].map(str::to_owned),
            display_name: group.display_name.clone(),
            mail: group.mail.clone(),
            kind: group.kind().as_str().to_owned(),
            gid_number: directory.registry.get(id).map(|record| record.number),
            members: group.members.len(),
            is_imported: imported,
            reason: reason(),
            flaws: flaws::of_group(&view, id),
        })
    });
    Box::new(rows)
}

/// How many people and groups there is something to say about.
pub(crate) fn flawed(view: &View) -> usize {
    let directory = &view.state.directory;
    let people = lookup::people(directory);
    let people = people.filter(|(id, _)| !flaws::of_person(view, *id).is_empty());
    let groups = lookup::groups(directory);
    let groups = groups.filter(|(id, _)| !flaws::of_group(view, *id).is_empty());
    people.count() + groups.count()
}

/// A user as served, or as the tenant has a new one.
pub(crate) fn user_of(directory: &Directory, id: UserId) -> Option<&User> {
    let new = || directory.withheld.users.get(&id).and_then(Option::as_ref);
    directory.users.get(&id).or_else(new).map(|user| &**user)
}

/// A group as served, or as the tenant has a new one.
pub(crate) fn group_of(directory: &Directory, id: GroupId) -> Option<&Group> {
    let new = || directory.withheld.groups.get(&id).and_then(Option::as_ref);
    directory.groups.get(&id).or_else(new).map(|group| &**group)
}

/// What a row must contain; folded.
struct Wanted {
    filter: Option<String>,
    reason: Option<String>,
}

impl Wanted {
    fn of(filter: &Option<String>, reason: &Option<String>) -> Self {
        Self {
            filter: filter.as_deref().map(fold),
            reason: reason.as_deref().map(fold),
        }
    }

    fn fits<const N: usize>(
        &self,
        names: [Option<&str>; N],
        id: ObjectId,
        reason: impl Fn() -> String,
    ) -> bool {
        let has = |wanted: &String| {
            let mut names = names.iter().flatten();
            names.any(|name| fold(name).contains(wanted)) || id.to_string().contains(wanted)
        };
        self.filter.as_ref().is_none_or(has)
            && self
                .reason
                .as_ref()
                .is_none_or(|wanted| fold(&reason()).contains(wanted))
    }
}

/// The people below a group who are active: those whom hosts see in it.
pub(crate) fn served_members(
    directory: &Directory,
    group: GroupId,
    nested: bool,
) -> BTreeSet<UserId> {
    let mut members = directory.members(group, nested);
    members.retain(|id| directory.decisions.is_active(*id));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{directory, policy, rules, view};

    fn names(rows: Rows<PersonRow>) -> Vec<String> {
        rows.filter_map(|row| row.username).collect()
    }

    fn ask(view: &View, query: PersonQuery) -> Vec<String> {
        names(people(view, &query).expect("the group is known"))
    }

    #[test]
    fn every_part_of_a_question_narrows_the_answer() {
        let directory = directory(
            &[("ada", "Ada Lovelace"), ("bob", "Bob"), ("eve", "Adaline")],
            &[("Staff", &[0x1002]), ("Inner", &[1, 2])],
        );
        let view = view(directory, rules(), policy());
        let query = PersonQuery::default;
        assert_eq!(ask(&view, query()), ["ada", "bob", "eve"]);
        let filter = Some("ADA".to_owned());
        assert_eq!(
            ask(
                &view,
                PersonQuery {
                    filter: filter.clone(),
                    ..query()
                }
            ),
            ["ada", "eve"]
        );
        let group = Some("staff".to_owned());
        assert_eq!(
            ask(
                &view,
                PersonQuery {
                    group: group.clone(),
                    ..query()
                }
            ),
            ["ada", "bob"]
        );
        assert_eq!(
            ask(
                &view,
                PersonQuery {
                    filter,
                    group,
                    ..query()
                }
            ),
            ["ada"]
        );
        let inactive = PersonQuery {
            is_active: Some(false),
            ..query()
        };
        assert_eq!(ask(&view, inactive), [""; 0]);
        let reason = PersonQuery {
            reason: Some("no rule".to_owned()),
            ..query()
        };
        assert_eq!(ask(&view, reason).len(), 3);
    }

    #[test]
    fn lists_are_in_the_order_of_names() {
        let directory = directory(
            &[("zoe", "Zoe"), ("Bob", "Bob"), ("ada", "Ada")],
            &[("Staff", &[]), ("admins", &[])],
        );
        let view = view(directory, rules(), policy());
        assert_eq!(ask(&view, PersonQuery::default()), ["ada", "bob", "zoe"]);
        let groups = groups(&view, &GroupQuery::default());
        let groups: Vec<_> = groups.filter_map(|row| row.display_name).collect();
        assert_eq!(groups, ["admins", "Staff"]);
    }

    #[test]
    fn a_group_nobody_knows_is_refused_with_the_closest_name() {
        let view = view(directory(&[], &[("Staff", &[])]), rules(), policy());
        let query = PersonQuery {
            group: Some("stafff".to_owned()),
            ..PersonQuery::default()
        };
        let error = people(&view, &query).err().expect("refused").to_string();
        assert!(error.contains("the closest name is Staff"), "{error}");
    }

    #[test]
    fn groups_are_counted_and_judged() {
        let directory = directory(&[("ada", "Ada")], &[("Staff", &[1]), ("root", &[])]);
        let view = view(directory, rules(), policy());
        let query = GroupQuery {
            is_imported: Some(false),
            ..GroupQuery::default()
        };
        let rows: Vec<GroupRow> = groups(&view, &query).collect();
        assert_eq!(rows.len(), 1);
        assert!(
            rows[0].reason.contains("reserved_names"),
            "{}",
            rows[0].reason
        );
        let all: Vec<GroupRow> = groups(&view, &GroupQuery::default()).collect();
        assert_eq!((all[1].members, all[1].is_imported), (1, true));
    }
}
