//! Who must be in and who out, read off the tenant itself with none of the code that decides.

use std::collections::BTreeSet;

use ldap365::directory::guard::Subject;
use ldap365::directory::name::fold;
use ldap365::directory::{Decision, Directory, GroupId, MemberKind, ObjectId, Reason, UserId};
use ldap365::sync::Rules;

use super::{is_uncertain, object_id};
use crate::tenant::{Kind, Person, Team, Tenant};

/// Checks every decision on a person or group whose change is not held back, while every rule names a group that
/// is there: what a name means once it is pinned is taken from the directory.
pub fn check(directory: &Directory, tenant: &Tenant, rules: &Rules) {
    if !directory.guard.held.is_empty()
        && tenant.teams.values().any(|team| is_uncertain(tenant, team))
    {
        // Members that may be hidden are looked up in what is served, which is not what was decided by.
        return;
    }
    let living = |name: &String| {
        let id = directory.pins.get(name)?.0.0.as_u128();
        tenant.teams.contains_key(&id).then_some(id)
    };
    let pinned = |names: &[String]| names.iter().map(living).collect::<Option<BTreeSet<_>>>();
    let (Some(allowed), Some(ignored)) =
        (pinned(&rules.allowed_groups), pinned(&rules.ignored_groups))
    else {
        return;
    };
    let truth = Truth { directory, tenant };
    let allowed = truth.people_below(allowed, rules.nested_groups);
    let ignored = truth.people_below(ignored, rules.nested_groups);
    for (&id, person) in tenant.people.iter().filter(|(_, it)| !it.is_deleted) {
        let is_in = person.is_enabled
            && (rules.guests || !person.is_guest)
            && !ignored.contains(&id)
            && (rules.allowed_groups.is_empty() || allowed.contains(&id));
        let id = UserId(object_id(id));
        if !is_held(directory, Subject::Person(id)) {
            let decision = directory.decisions.users.get(&id);
            check_one(directory, id.0, decision, is_in, &username(person));
        }
    }
    for (&id, team) in &tenant.teams {
        let has_prefix = |prefix: &String| team.name.starts_with(prefix.as_str());
        let is_in = rules.groups
            && (rules.groups_without_email || team.mail.is_some())
            && (rules.group_prefixes.is_empty() || rules.group_prefixes.iter().any(has_prefix));
        let id = GroupId(object_id(id));
        if !is_held(directory, Subject::Group(id)) {
            let decision = directory.decisions.groups.get(&id);
            check_one(directory, id.0, decision, is_in, &team.name);
        }
    }
    if directory.guard.held.is_empty() {
        truth.check_nothing_is_withheld();
    }
}

/// Whoever the rules let in is in, or another holds the name, or no number is left; whoever they do not is out.
fn check_one(
    directory: &Directory,
    id: ObjectId,
    decision: Option<&Decision>,
    is_in: bool,
    wanted: &str,
) {
    match decision.expect("everybody and every group is decided on") {
        Decision::Include(_) => assert!(is_in, "{id} is let in against the rules"),
        Decision::Exclude(Reason::NameTaken { name, holder }) => {
            assert!(is_in, "{id} is out by the rules, and not for its name");
            assert_eq!(fold(name), fold(wanted), "{id} has not asked for this name");
            assert_ne!(*holder, id, "{id} holds the name itself");
            assert_eq!(directory.registry.holder(name), Some(*holder));
        }
        Decision::Exclude(Reason::NumbersExhausted) => {
            assert!(
                is_in,
                "{id} is out by the rules, and not for want of numbers"
            );
            assert!(directory.registry.get(id).is_none(), "{id} has a number");
        }
        Decision::Exclude(reason) => assert!(!is_in, "{id} is kept out: {reason}"),
    }
}

fn is_held(directory: &Directory, subject: Subject) -> bool {
    let memory = directory.guard.subjects.get(&subject);
    memory.is_some_and(|memory| memory.held.is_some())
}

fn username(person: &Person) -> String {
    let (name, _) = person.upn.split_once('@').expect("a user principal name");
    name.to_owned()
}

/// The tenant, and the directory for what the tenant does not show.
struct Truth<'a> {
    directory: &'a Directory,
    tenant: &'a Tenant,
}

impl Truth<'_> {
    /// Everybody in one of these groups, or in a group within them.
    fn people_below(&self, roots: BTreeSet<u128>, nested: bool) -> BTreeSet<u128> {
        let groups = match nested {
            true => self.groups_below(roots),
            false => roots,
        };
        let people = groups.iter().flat_map(|&id| self.members(id, Kind::User));
        people.collect()
    }

    /// These groups, and all within them.
    fn groups_below(&self, mut groups: BTreeSet<u128>) -> BTreeSet<u128> {
        loop {
            let within = groups.iter().flat_map(|&id| self.members(id, Kind::Group));
            let grown: BTreeSet<u128> = within.chain(groups.iter().copied()).collect();
            if grown == groups {
                return groups;
            }
            groups = grown;
        }
    }

    fn members(&self, id: u128, wanted: Kind) -> BTreeSet<u128> {
        let Some(team) = self.tenant.teams.get(&id) else {
            return BTreeSet::new();
        };
        if is_uncertain(self.tenant, team) {
            return self.known_members(id, team, wanted);
        }
        members_now(team, wanted)
    }

    /// Those who are served as members: all who are, and perhaps some who have left.
    fn known_members(&self, id: u128, team: &Team, wanted: Kind) -> BTreeSet<u128> {
        let kind = match wanted {
            Kind::User => MemberKind::User,
            Kind::Group => MemberKind::Group,
            Kind::Device => MemberKind::Other,
        };
        let group = &self.directory.groups[&GroupId(object_id(id))];
        let known = group.members.iter().filter(|(_, it)| it.kind == kind);
        let known: BTreeSet<u128> = known.map(|(id, _)| id.0.as_u128()).collect();
        assert!(
            known.iter().all(|id| team.members.contains_key(id)),
            "{} has a member who never was in it",
            team.name
        );
        let missing: Vec<_> = members_now(team, wanted)
            .difference(&known)
            .copied()
            .collect();
        assert!(missing.is_empty(), "{} lacks {missing:?}", team.name);
        known
    }

    /// What is served is what the tenant says, except for members that may be hidden.
    fn check_nothing_is_withheld(&self) {
        let withheld = &self.directory.withheld;
        assert!(withheld.users.is_empty(), "{:?}", withheld.users);
        for id in withheld.groups.keys() {
            let team = &self.tenant.teams[&id.0.0.as_u128()];
            assert!(
                is_uncertain(self.tenant, team),
                "{id} is not as the tenant has it"
            );
        }
    }
}

fn members_now(team: &Team, wanted: Kind) -> BTreeSet<u128> {
    let members = team.members.iter();
    let members = members.filter(|(_, (kind, is_in, _))| *is_in && *kind == wanted);
    members.map(|(&id, _)| id).collect()
}
