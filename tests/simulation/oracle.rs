//! What must hold, whatever happened.

mod decisions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use ldap365::directory::name::fold;
use ldap365::directory::registry::Policy;
use ldap365::directory::{
    Directory, Group, GroupId, Member, MemberKind, ObjectId, State, User, UserId,
};
use ldap365::sync::{self, Rules, is_servable};
use uuid::Uuid;

use crate::tenant::{Kind, Person, Team, Tenant};

/// The numbers seen in one history, by object id.
#[derive(Default)]
pub struct Numbers {
    by_id: BTreeMap<ObjectId, u32>,
    by_number: BTreeMap<u32, ObjectId>,
}

/// Checks what every committed state must satisfy.
pub fn check_commit(state: &State, tenant: &Tenant, numbers: &mut Numbers) {
    check_numbers(&state.directory, numbers);
    check_names(&state.directory);
    check_nobody_inactive_is_served(state, tenant);
}

/// A number never changes, and never belongs to two.
fn check_numbers(directory: &Directory, numbers: &mut Numbers) {
    for (id, record) in directory.registry.iter() {
        let known = *numbers.by_id.entry(id).or_insert(record.number);
        assert_eq!(known, record.number, "the number of {id} changed");
        let owner = *numbers.by_number.entry(record.number).or_insert(id);
        assert_eq!(owner, id, "the number {known} was used again");
    }
}

/// No two who are served have one name.
fn check_names(directory: &Directory) {
    let users = directory
        .users
        .keys()
        .filter(|id| directory.decisions.is_active(**id));
    let groups = directory
        .groups
        .keys()
        .filter(|id| directory.decisions.is_imported(**id));
    let served = users.map(|id| id.0).chain(groups.map(|id| id.0));
    let mut names = BTreeSet::new();
    for id in served {
        let record = directory
            .registry
            .get(id)
            .expect("who is served is registered");
        let name = fold(record.name.as_deref().expect("who is served has a name"));
        assert!(names.insert(name.clone()), "two are called {name}");
    }
}

/// Whoever is disabled or gone, as of the change that the users' delta link covers, is out.
fn check_nobody_inactive_is_served(state: &State, tenant: &Tenant) {
    let Some(link) = &state.progress.users.link else {
        return;
    };
    let (_, covers) = link.0.rsplit_once('/').expect("a link of ours");
    let covers: u64 = covers.parse().expect("a number in a link of ours");
    for &id in state.directory.users.keys() {
        let person = tenant.people.get(&id.0.0.as_u128());
        let is_out = match person {
            Some(person) if person.changed > covers => continue,
            Some(person) => !person.is_enabled || person.is_deleted,
            None => tenant
                .buried_at(id.0.0.as_u128())
                .is_some_and(|at| at <= covers),
        };
        let is_let_in = state.directory.decisions.is_active(id) && !state.directory.is_barred(id);
        assert!(
            !(is_out && is_let_in),
            "{person:?} is disabled or deleted, and still let in"
        );
    }
}

/// After a quiet period: the directory is what a fresh enumeration would make of it, and what the rules say of it.
pub fn check_quiet(state: &State, tenant: &Tenant, rules: &Rules, policy: &Policy, now: Timestamp) {
    let directory = &state.directory;
    assert_eq!(
        *directory.tenant_users(),
        users(tenant),
        "users are not as the tenant has them"
    );
    let held = directory.tenant_groups();
    let living = held.iter().filter(|(_, group)| !group.is_deleted);
    let living: BTreeMap<_, _> = living.map(|(&id, group)| (id, group.clone())).collect();
    let expected = groups(tenant, &held);
    assert_eq!(living, expected, "groups are not as the tenant has them");

    let mut fresh = sync::Tenant {
        users: users(tenant).into(),
        groups: expected.into(),
    };
    let remaining = held.iter().filter(|(_, group)| group.is_deleted);
    fresh
        .groups
        .extend(remaining.map(|(&id, group)| (id, group.clone())));
    let (settled, _) = sync::settle(directory, fresh, rules, policy, now, !is_servable(state));
    assert_eq!(
        *directory, settled,
        "a fresh enumeration would decide otherwise"
    );
    decisions::check(directory, tenant, rules);
}

fn users(tenant: &Tenant) -> BTreeMap<UserId, Arc<User>> {
    let present = tenant
        .people
        .iter()
        .filter(|(_, person)| !person.is_deleted);
    present
        .map(|(&id, person)| (UserId(object_id(id)), Arc::new(user(person))))
        .collect()
}

fn user(person: &Person) -> User {
    User {
        user_principal_name: Some(person.upn.clone()),
        account_enabled: Some(person.is_enabled),
        is_guest: person.is_guest,
        city: person.city.clone(),
        ..User::default()
    }
}

/// The groups as the tenant has them, with the members `known` of those whose members nobody can be sure of.
fn groups(tenant: &Tenant, known: &BTreeMap<GroupId, Arc<Group>>) -> BTreeMap<GroupId, Arc<Group>> {
    let group = |(&id, team): (&u128, &Team)| {
        let id = GroupId(object_id(id));
        let mut group = group(team);
        if is_uncertain(tenant, team)
            && let Some(known) = known.get(&id)
        {
            group.members = known.members.clone();
        }
        (id, Arc::new(group))
    };
    tenant.teams.iter().map(group).collect()
}

/// Whether somebody may have left unseen: an enumeration cannot tell a group that hides its members from an empty
/// one, and the last known members stay.
fn is_uncertain(tenant: &Tenant, team: &Team) -> bool {
    team.hides_members && tenant.group_enumerations > 1
}

fn group(team: &Team) -> Group {
    let members = team.members.iter().filter(|(_, (_, is_in, _))| *is_in);
    let kind = |kind| match kind {
        Kind::User => MemberKind::User,
        Kind::Group => MemberKind::Group,
        Kind::Device => MemberKind::Other,
    };
    Group {
        display_name: Some(team.name.clone()),
        mail: team.mail.clone(),
        mail_enabled: team.is_unified,
        security_enabled: !team.is_unified,
        is_unified: team.is_unified,
        has_hidden_membership: team.hides_members,
        members: members
            .map(|(&id, &(is, ..))| (object_id(id), Member { kind: kind(is) }))
            .collect(),
        ..Group::default()
    }
}

fn object_id(id: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(id))
}
