mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::directory::decision::Grounds;
use crate::directory::{Decision, Directory, Group, GroupId, Reason, User, UserId, number_range};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A tenant of a few objects, each named by one number, and the days that pass in it.
struct Tenant {
    directory: Directory,
    policy: Policy,
    today: i64,
    /// What registering had to report, last time.
    problems: Vec<Problem>,
}

impl Tenant {
    fn new() -> Self {
        let policy = Policy {
            username: UsernameSource::UpnPrefix,
            reserved_names: BTreeSet::from(["root".to_owned(), "sudo".to_owned()]),
            id_range: 1_879_048_192..=2_147_352_575,
            home: "/home/{username}".to_owned(),
            hold_names: Some(180 * DAY),
            mapped: MappedProperties::default(),
        };
        Self {
            directory: Directory::default(),
            policy,
            today: 0,
            problems: Vec::new(),
        }
    }

    fn user(mut self, id: u128, name: &str) -> Self {
        self.put_user(id, name, id as i64);
        self
    }

    fn group(mut self, id: u128, name: &str) -> Self {
        self.put_group(id, name, id as i64);
        self
    }

    fn put_user(&mut self, id: u128, name: &str, created: i64) {
        let user = User {
            user_principal_name: Some(format!("{name}@example.com")),
            account_enabled: Some(true),
            created: Some(day(created)),
            ..User::default()
        };
        self.directory.users.insert(user_id(id), Arc::new(user));
    }

    fn put_group(&mut self, id: u128, name: &str, created: i64) {
        let group = Group {
            display_name: Some(name.to_owned()),
            created: Some(day(created)),
            ..Group::default()
        };
        self.directory.groups.insert(group_id(id), Arc::new(group));
    }

    /// Everything in the directory is let in; then names and numbers are handed out.
    fn register(&mut self) {
        let include = || Decision::Include(Grounds::Default);
        self.directory.decisions.users = self
            .directory
            .users
            .keys()
            .map(|&id| (id, include()))
            .collect();
        self.directory.decisions.groups = self
            .directory
            .groups
            .keys()
            .map(|&id| (id, include()))
            .collect();
        self.problems = register(&mut self.directory, &self.policy, day(self.today));
    }

    fn registered(mut self) -> Self {
        self.register();
        self
    }

    fn after_days(mut self, days: i64) -> Self {
        self.today += days;
        self
    }

    fn without(mut self, id: u128) -> Self {
        self.directory.users.remove(&user_id(id));
        self.directory.groups.remove(&group_id(id));
        self
    }

    fn record(&self, id: u128) -> &Record {
        self.directory.registry.get(object(id)).unwrap()
    }

    /// The name an object is served under, or why it is not.
    fn verdict(&self, id: u128) -> Result<&str, &Reason> {
        let users = self.directory.decisions.users.get(&user_id(id));
        match users
            .or(self.directory.decisions.groups.get(&group_id(id)))
            .unwrap()
        {
            Decision::Include(_) => Ok(self.record(id).name.as_deref().unwrap()),
            Decision::Exclude(reason) => Err(reason),
        }
    }

    fn check(&self, expected: &[(u128, Result<&str, Reason>)]) {
        for (id, expected) in expected {
            assert_eq!(
                self.verdict(*id),
                expected.as_ref().map(|name| *name),
                "object {id}"
            );
        }
    }
}

fn object(id: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(id))
}

fn user_id(id: u128) -> UserId {
    UserId(object(id))
}

fn group_id(id: u128) -> GroupId {
    GroupId(object(id))
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + number * 86_400).unwrap()
}

fn taken<'a>(name: &str, holder: u128) -> Result<&'a str, Reason> {
    Err(Reason::NameTaken {
        name: name.to_owned(),
        holder: object(holder),
    })
}

#[test]
fn the_older_object_gets_a_contested_name() {
    let mut tenant = Tenant::new();
    tenant.put_user(1, "alice", 20);
    tenant.put_user(2, "alice", 10);
    tenant.put_user(3, "alice", 10);
    tenant.register();
    tenant.check(&[
        (1, taken("alice", 2)),
        (2, Ok("alice")),
        (3, taken("alice", 2)),
    ]);
}

#[test]
fn a_user_without_a_creation_time_is_older_than_any_other() {
    let mut tenant = Tenant::new().user(1, "alice").user(2, "alice");
    let user = tenant.directory.users.get_mut(&user_id(2)).unwrap();
    Arc::make_mut(user).created = None;
    tenant.register();
    tenant.check(&[(1, taken("alice", 2)), (2, Ok("alice"))]);
}

#[test]
fn a_holder_keeps_its_name_against_an_older_newcomer() {
    let tenant = Tenant::new()
        .user(5, "alice")
        .registered()
        .user(1, "alice")
        .registered();
    tenant.check(&[(5, Ok("alice")), (1, taken("alice", 5))]);
}

#[test]
fn a_rename_changes_the_name_and_neither_number_nor_home() {
    let before = Tenant::new().user(1, "alice").registered();
    let number = before.record(1).number;
    let after = before.user(1, "anna").registered();
    assert_eq!(
        *after.record(1),
        Record {
            number,
            name: Some("anna".to_owned()),
            former_names: vec![FormerName {
                name: "alice".to_owned(),
                released: day(0)
            }],
            home: Some("/home/alice".to_owned()),
            label: Some("anna@example.com".to_owned()),
            ..Record::default()
        }
    );
}

#[test]
fn a_former_name_is_held_against_others_and_may_be_taken_back() {
    let tenant = Tenant::new()
        .user(1, "alice")
        .registered()
        .user(1, "anna")
        .user(2, "alice")
        .registered();
    tenant.check(&[(1, Ok("anna")), (2, taken("alice", 1))]);
    let tenant = tenant.user(1, "alice").registered();
    tenant.check(&[(1, Ok("alice")), (2, taken("alice", 1))]);
    assert_eq!(tenant.record(1).former_names[0].name, "anna");
    assert_eq!(tenant.record(1).former_names.len(), 1);
}

#[test]
fn a_former_name_is_not_inherited_while_its_owner_lives_in_the_home_directory_of_that_name() {
    let tenant = Tenant::new()
        .user(1, "alice")
        .registered()
        .user(1, "anna")
        .registered();
    let tenant = tenant.after_days(400).user(2, "alice").registered();
    tenant.check(&[(2, taken("alice", 1))]);
}

#[test]
fn a_former_name_that_made_no_home_is_free_after_the_hold() {
    let tenant = Tenant::new()
        .user(1, "a")
        .registered()
        .user(1, "b")
        .registered();
    let tenant = tenant.user(1, "c").user(2, "b").registered();
    tenant.check(&[(1, Ok("c")), (2, taken("b", 1))]);
    let tenant = tenant.after_days(180).registered();
    tenant.check(&[(1, Ok("c")), (2, Ok("b"))]);
}

#[test]
fn a_rename_to_a_name_that_cannot_be_had_keeps_the_old_one() {
    let tenant = Tenant::new().user(1, "alice").user(2, "bob").registered();
    let tenant = tenant.user(2, "alice").user(3, "bob").registered();
    tenant.check(&[(1, Ok("alice")), (2, Ok("bob")), (3, taken("bob", 2))]);
    let kept = |reason| Problem::NameKept {
        id: object(2),
        label: "bob".to_owned(),
        reason,
    };
    let held = taken("alice", 1).unwrap_err();
    assert_eq!(tenant.problems, [kept(held)]);
    let tenant = tenant.user(2, "root").registered();
    let reserved = Reason::NameReserved("root".to_owned());
    assert_eq!(tenant.problems, [kept(reserved)]);
    let tenant = tenant.user(2, "").registered();
    assert_eq!(tenant.problems, [kept(Reason::NoUsername)]);
    tenant.check(&[(2, Ok("bob"))]);
}

#[test]
fn two_who_swap_names_both_keep_what_they_hold() {
    let tenant = Tenant::new().user(1, "alice").user(2, "bob").registered();
    let tenant = tenant.user(1, "bob").user(2, "alice").registered();
    tenant.check(&[(1, Ok("alice")), (2, Ok("bob"))]);
}

#[test]
fn a_deleted_object_holds_its_name_until_the_hold_has_passed() {
    let tenant = Tenant::new()
        .user(1, "alice")
        .registered()
        .without(1)
        .registered();
    assert_eq!(tenant.record(1).deleted, Some(day(0)));
    let tenant = tenant.after_days(179).user(2, "alice").registered();
    tenant.check(&[(2, taken("alice", 1))]);
    assert_eq!(tenant.record(1).deleted, Some(day(0)));
    let tenant = tenant.after_days(1).registered();
    tenant.check(&[(2, Ok("alice"))]);
    assert_ne!(tenant.record(1).number, tenant.record(2).number);
}

#[test]
fn held_for_ever_means_for_ever() {
    let mut tenant = Tenant::new().user(1, "alice");
    tenant.policy.hold_names = None;
    let tenant = tenant
        .registered()
        .without(1)
        .registered()
        .after_days(40_000)
        .user(2, "alice")
        .registered();
    tenant.check(&[(2, taken("alice", 1))]);
}

#[test]
fn a_restored_object_gets_its_record_back() {
    let tenant = Tenant::new().user(1, "alice").registered();
    let record = tenant.record(1).clone();
    let tenant = tenant
        .without(1)
        .registered()
        .after_days(29)
        .user(1, "alice")
        .registered();
    assert_eq!(*tenant.record(1), record);
}

#[test]
fn a_username_beats_a_group_that_had_the_name_first() {
    let tenant = Tenant::new().group(1, "Eng").registered();
    tenant.check(&[(1, Ok("Eng"))]);
    let number = tenant.record(1).number;
    let tenant = tenant.user(2, "eng").registered();
    tenant.check(&[(1, taken("Eng", 2)), (2, Ok("eng"))]);
    assert_eq!(
        (tenant.record(1).number, tenant.record(1).name.as_deref()),
        (number, None)
    );
}

#[test]
fn a_username_does_not_inherit_the_name_of_a_deleted_group() {
    let tenant = Tenant::new()
        .group(1, "eng")
        .registered()
        .without(1)
        .user(2, "eng")
        .registered();
    tenant.check(&[(2, taken("eng", 1))]);
}

#[test]
fn group_names_are_unique_ignoring_case_and_may_change_case() {
    let tenant = Tenant::new()
        .group(1, "Eng Team")
        .group(2, "ENG-TEAM")
        .registered();
    tenant.check(&[(1, Ok("Eng-Team")), (2, taken("ENG-TEAM", 1))]);
    let tenant = tenant.group(1, "eng team").registered();
    tenant.check(&[(1, Ok("eng-team"))]);
    assert_eq!(tenant.record(1).former_names, []);
    assert_eq!(tenant.record(1).home, None);
}

#[test]
fn reserved_and_unusable_names_are_refused() {
    let tenant = Tenant::new()
        .user(1, "Root")
        .user(2, "123")
        .group(3, "SUDO")
        .group(4, "?")
        .registered();
    tenant.check(&[
        (1, Err(Reason::NameReserved("root".to_owned()))),
        (2, Err(Reason::NoUsername)),
        (3, Err(Reason::NameReserved("SUDO".to_owned()))),
        (4, Err(Reason::NoUsername)),
    ]);
}

#[test]
fn a_user_who_is_out_anyway_keeps_that_reason_and_the_name() {
    let mut tenant = Tenant::new()
        .user(1, "alice")
        .user(2, "alice")
        .user(3, "root");
    for id in [1, 2, 3] {
        let disabled = Decision::Exclude(Reason::Disabled);
        tenant
            .directory
            .decisions
            .users
            .insert(user_id(id), disabled);
    }
    register(&mut tenant.directory, &tenant.policy, day(0));
    for id in [1, 2, 3] {
        assert_eq!(tenant.verdict(id), Err(&Reason::Disabled));
    }
    assert_eq!(tenant.directory.registry.holder("ALICE"), Some(object(1)));
}

#[test]
fn guests_and_groups_left_out_are_not_registered() {
    let mut tenant = Tenant::new().user(1, "guest").group(2, "hidden");
    Arc::make_mut(tenant.directory.users.get_mut(&user_id(1)).unwrap()).is_guest = true;
    let no_mail = Decision::Exclude(Reason::NoMail);
    tenant
        .directory
        .decisions
        .groups
        .insert(group_id(2), no_mail);
    register(&mut tenant.directory, &tenant.policy, day(0));
    assert!(tenant.directory.registry.is_empty());
}

#[test]
fn numbers_are_derived_from_the_object_id_alone() {
    let tenant = Tenant::new().user(0x1234, "alice").registered();
    // A fixed point: another value here renumbers every installation that loses its store.
    assert_eq!(tenant.record(0x1234).number, 1_973_481_154);
}

#[test]
fn a_used_up_range_excludes_the_youngest_and_nobody_else() {
    let mut tenant = Tenant::new().user(1, "a").user(2, "b").user(3, "c");
    tenant.policy.id_range = 5000..=5001;
    tenant.register();
    tenant.check(&[
        (1, Ok("a")),
        (2, Ok("b")),
        (3, Err(Reason::NumbersExhausted)),
    ]);
    let numbers = BTreeSet::from([tenant.record(1).number, tenant.record(2).number]);
    assert_eq!(numbers, BTreeSet::from([5000, 5001]));
    let tenant = tenant.without(1).registered().after_days(9999).registered();
    tenant.check(&[(3, Err(Reason::NumbersExhausted))]);
}

#[test]
fn records_make_the_same_registry_again() {
    let tenant = Tenant::new()
        .user(1, "alice")
        .group(2, "eng")
        .registered()
        .user(1, "anna")
        .without(2)
        .registered();
    let registry = &tenant.directory.registry;
    let again = Registry::from_records(registry.iter().map(|(id, record)| (id, record.clone())));
    assert_eq!(again, **registry);
    assert_eq!(again.holder("Alice"), Some(object(1)));
}

/// One thing that happens in a tenant.
#[derive(Clone, Debug)]
enum Happening {
    User { id: u128, name: String },
    Group { id: u128, name: String },
    Delete(u128),
    Days(i64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let name = || "[a-d]{1}";
    let happening = prop_oneof![
        3 => (1..8_u128, name()).prop_map(|(id, name)| Happening::User { id, name }),
        2 => (8..14_u128, name()).prop_map(|(id, name)| Happening::Group { id, name }),
        2 => (1..14_u128).prop_map(Happening::Delete),
        1 => (1..120_i64).prop_map(Happening::Days),
    ];
    prop::collection::vec(happening, 1..40)
}

fn happen(tenant: &mut Tenant, happening: &Happening) {
    match happening {
        Happening::User { id, name } => tenant.put_user(*id, name, *id as i64),
        Happening::Group { id, name } => tenant.put_group(*id, name, *id as i64),
        Happening::Delete(id) => {
            tenant.directory.users.remove(&user_id(*id));
            tenant.directory.groups.remove(&group_id(*id));
        }
        Happening::Days(days) => tenant.today += days,
    }
    tenant.register();
}

fn names_held(registry: &Registry) -> Vec<String> {
    let of = |record: &Record| {
        let former = record.former_names.iter().map(|former| former.name.clone());
        former
            .chain(record.name.clone())
            .map(|name| fold(&name))
            .collect::<Vec<_>>()
    };
    registry.iter().flat_map(|(_, record)| of(record)).collect()
}

#[test]
fn username_beats_a_group_that_goes_back_to_the_name() {
    let mut tenant = Tenant::new()
        .group(9, "a")
        .registered()
        .group(9, "b")
        .registered()
        .user(1, "a")
        .group(9, "a")
        .registered();
    tenant.check(&[(1, Ok("a")), (9, Ok("b"))]);
    tenant.register();
    tenant.check(&[(1, Ok("a")), (9, Ok("b"))]);
}

proptest! {
    #[test]
    fn numbers_are_unique_and_stay_and_names_have_one_holder(history in happenings()) {
        let mut tenant = Tenant::new();
        tenant.policy.id_range = 5000..=5015;
        let mut numbers = BTreeMap::new();
        for happening in &history {
            happen(&mut tenant, happening);
            let registry = &tenant.directory.registry;
            for (id, record) in registry.iter() {
                prop_assert_eq!(*numbers.entry(id).or_insert(record.number), record.number);
                prop_assert_eq!(registry.number_holder(record.number), Some(id));
            }
            let distinct: BTreeSet<u32> = numbers.values().copied().collect();
            prop_assert_eq!(distinct.len(), numbers.len());
            let held = names_held(registry);
            let distinct: BTreeSet<&String> = held.iter().collect();
            prop_assert_eq!(distinct.len(), held.len());
            prop_assert_eq!(distinct.len(), registry.holders.len());
            let again = Registry::from_records(registry.iter().map(|(id, record)| (id, record.clone())));
            prop_assert_eq!(&again, &**registry);
        }
    }

    #[test]
    fn homes_are_never_shared_by_the_living_and_never_change(history in happenings()) {
        let mut tenant = Tenant::new();
        let mut homes = BTreeMap::new();
        for happening in &history {
            happen(&mut tenant, happening);
            let mut inhabited = BTreeSet::new();
            for &id in tenant.directory.users.keys() {
                let Some(home) = tenant.directory.registry.get(id).and_then(|record| record.home.clone()) else { continue };
                prop_assert!(inhabited.insert(home.clone()), "{home} is shared");
                let stays = homes.get(&id).is_none_or(|(old, seen)| *old == home || tenant.today - *seen >= 180);
                prop_assert!(stays, "the home of {id} became {home}");
                homes.insert(id, (home, tenant.today));
            }
        }
    }

    #[test]
    fn the_oldest_user_wins_a_name_then_the_oldest_group_whatever_their_ids(
        wanted in Just((1..14_u128).collect::<Vec<_>>()).prop_shuffle().prop_flat_map(|ids| {
            prop::collection::vec("[a-d]{1}", ids.len()).prop_map(move |names| ids.iter().copied().zip(names).collect::<Vec<_>>())
        }),
    ) {
        let mut tenant = Tenant::new();
        for (created, (id, name)) in wanted.iter().enumerate() {
            match id {
                ..8 => tenant.put_user(*id, name, created as i64),
                _ => tenant.put_group(*id, name, created as i64),
            }
        }
        tenant.register();
        for (id, name) in &wanted {
            let oldest = |is_user: bool| wanted.iter().find(|(id, other)| other == name && (*id < 8) == is_user);
            let (winner, _) = oldest(true).or(oldest(false)).unwrap();
            let expected = match id == winner {
                true => Ok(name.as_str()),
                false => taken(name, *winner),
            };
            prop_assert_eq!(tenant.verdict(*id), expected.as_ref().map(|name| *name));
        }
    }

    #[test]
    fn registering_again_changes_nothing(history in happenings()) {
        let mut tenant = Tenant::new();
        for happening in &history {
            happen(&mut tenant, happening);
        }
        let before = tenant.directory.clone();
        tenant.register();
        prop_assert_eq!(before, tenant.directory);
    }
}
