use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::directory::Group;
use crate::sync::fixtures::*;
use crate::sync::{Rules, Tenant, settle};

/// A tenant, and what is served of it.
struct Company {
    tenant: Tenant,
    served: Directory,
    rules: Rules,
    hour: i64,
}

impl Company {
    /// People 1 to `people`, all in group 1000; settled for the first time.
    fn of(people: u128) -> Self {
        let mut company = Self {
            tenant: Tenant::default(),
            served: Directory::default(),
            rules: open_rules(),
            hour: 0,
        };
        let all: Vec<u128> = (1..=people).collect();
        for &number in &all {
            let user = Arc::new(user(&format!("user{number}")));
            company.tenant.users.insert(user_id(number), user);
        }
        company.put_group(1000, group("all", &all, &[]));
        company.settle_with(true);
        company
    }

    fn settle_with(&mut self, is_first: bool) -> Held {
        let tenant = self.tenant.clone();
        let now = hour(self.hour);
        let policy = policy();
        let settle = |before: &Directory| {
            settle(before, tenant.clone(), &self.rules, &policy, now, is_first)
        };
        let (served, settled) = settle(&self.served);
        let (again, settled_again) = settle(&served);
        assert!(again == served, "settling twice changes something");
        assert_eq!(settled_again, settled);
        assert_eq!(served.tenant_users(), self.tenant.users);
        assert_eq!(served.tenant_groups(), self.tenant.groups);
        self.served = served;
        settled.held
    }

    /// Accepts what is held; how much that is.
    fn accept(&mut self) -> usize {
        let held = changes_held(&self.served);
        accept(&mut self.served, &held, hour(self.hour));
        held.len()
    }

    /// A pass an hour later.
    fn pass(&mut self) -> Held {
        self.hour += 1;
        self.settle_with(false)
    }

    fn put_group(&mut self, number: u128, group: Group) {
        self.tenant.groups.insert(group_id(number), Arc::new(group));
    }

    fn enable(&mut self, people: impl IntoIterator<Item = u128>, is_enabled: bool) {
        for number in people {
            let user = self
                .tenant
                .users
                .entry(user_id(number))
                .or_insert_with(|| Arc::new(user(&format!("user{number}"))));
            Arc::make_mut(user).account_enabled = Some(is_enabled);
        }
    }

    fn delete(&mut self, people: impl IntoIterator<Item = u128>) {
        for number in people {
            self.tenant.users.remove(&user_id(number));
        }
    }

    fn active(&self) -> usize {
        let decisions = self.served.decisions.users.values();
        decisions.filter(|decision| decision.is_include()).count()
    }

    fn members(&self, group: u128) -> usize {
        self.served.members(group_id(group), true).len()
    }
}

/// The kinds that are held, each with how many people it concerns.
fn kinds(held: &Held) -> Vec<(ChangeKind, usize)> {
    held.kinds
        .iter()
        .map(|(kind, held)| (*kind, held.people))
        .collect()
}

#[test]
fn more_than_the_limit_is_held_and_exactly_the_limit_passes() {
    let mut company = Company::of(50);
    company.enable(1..=10, false);
    assert!(company.pass().is_empty());
    assert_eq!(company.active(), 40);

    let mut company = Company::of(50);
    company.enable(1..=11, false);
    let held = company.pass();
    assert_eq!(kinds(&held), [(ChangeKind::Deactivated, 11)]);
    assert_eq!((company.active(), held.items.len()), (50, 11));
    assert_eq!(held.items[0].label, "user1@example.com");
    assert_eq!(held.items[0].change.reason, Some(Reason::Disabled));
    assert_eq!(
        held.sentences().collect::<Vec<_>>(),
        [
            "held back: 11 of 50 people would be deactivated (limit 20%, sync.max_change); \
          `ldap365 sync --dry-run` lists them, `ldap365 sync --accept` lets them pass"
        ]
    );
}

#[test]
fn five_people_may_always_change_and_six_of_a_few_may_not() {
    let mut company = Company::of(8);
    company.enable(1..=5, false);
    assert!(company.pass().is_empty());
    company.enable([6], false);
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Deactivated, 6)]);
    assert_eq!(company.active(), 3);
}

#[test]
fn whoever_is_held_in_spite_of_being_disabled_or_deleted_is_barred() {
    let mut company = Company::of(20);
    company.enable(1..=6, false);
    company.delete(7..=12);
    let held = company.pass();
    assert_eq!(
        kinds(&held),
        [(ChangeKind::Deactivated, 6), (ChangeKind::Removed, 6)]
    );
    assert_eq!((company.active(), company.members(1000)), (20, 20));
    let barred = (1..=20).filter(|&number| company.served.is_barred(user_id(number)));
    assert_eq!(barred.collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
}

#[test]
fn the_rest_of_a_pass_commits_beside_what_is_held() {
    let mut company = Company::of(20);
    company.delete(1..=6);
    company.enable([7, 21], false);
    company.enable([21], true);
    let renamed = company.tenant.users.get_mut(&user_id(8)).unwrap();
    Arc::make_mut(renamed).display_name = Some("Renamed".to_owned());
    let all = company.tenant.groups.get_mut(&group_id(1000)).unwrap();
    Arc::make_mut(all).description = Some("new".to_owned());
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Removed, 6)]);
    assert!(!company.served.decisions.is_active(user_id(7)));
    assert!(company.served.decisions.is_active(user_id(21)));
    let renamed = &company.served.users[&user_id(8)];
    assert_eq!(renamed.display_name.as_deref(), Some("Renamed"));
    let all = &company.served.groups[&group_id(1000)];
    assert_eq!(all.description.as_deref(), Some("new"));
}

#[test]
fn new_people_beyond_the_limit_arrive_inactive() {
    let mut company = Company::of(20);
    company.enable(21..=26, true);
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Activated, 6)]);
    assert_eq!((company.active(), company.served.users.len()), (20, 26));
    let decision = &company.served.decisions.users[&user_id(21)];
    assert_eq!(decision.reason(), Some(&Reason::ChangeHeld));
    assert!(company.served.registry.get(user_id(21)).is_some());
}

#[test]
fn slow_drip_adds_up_within_a_day_and_is_forgotten_after_it() {
    let mut company = Company::of(50);
    for number in 1..=10 {
        company.enable([number], false);
        assert!(company.pass().is_empty(), "{number}");
    }
    company.enable([11], false);
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Deactivated, 11)]);
    assert_eq!(company.active(), 40);
    // The first two moved more than a day ago: nine of those 48 who were active then.
    company.hour = 25;
    assert!(company.pass().is_empty());
    assert_eq!(company.active(), 39);
}

#[test]
fn flapping_is_not_counted_twice_and_a_way_back_is_free() {
    let mut company = Company::of(50);
    for _ in 0..3 {
        company.enable(1..=10, false);
        assert!(company.pass().is_empty());
        company.enable(1..=10, true);
        assert!(company.pass().is_empty());
    }
    assert_eq!(company.active(), 50);
    assert!(company.served.guard.subjects.is_empty());
}

#[test]
fn a_hundred_percent_never_holds_and_a_first_pass_is_exempt() {
    let mut company = Company::of(20);
    company.rules.max_change = 100;
    company.delete(1..=20);
    company.enable([30], true);
    assert!(company.pass().is_empty());
    assert_eq!(company.active(), 1);
    assert_eq!(Company::of(500).active(), 500);
}

#[test]
fn changed_configuration_is_not_exempt() {
    let mut company = Company::of(20);
    company.put_group(1, group("few", &[1, 2], &[]));
    company.pass();
    company.rules.allowed_groups = vec!["few".to_owned()];
    let held = company.pass();
    assert_eq!(kinds(&held), [(ChangeKind::Deactivated, 18)]);
    assert_eq!(held.items[0].change.reason, Some(Reason::NotAllowed));
    assert_eq!(company.active(), 20);
    assert!(
        !company.served.is_barred(user_id(3)),
        "the tenant has nothing against them"
    );

    let mut company = Company::of(20);
    company.rules.groups = false;
    assert_eq!(kinds(&company.pass()), [(ChangeKind::MembershipsLost, 20)]);
    assert!(company.served.decisions.is_imported(group_id(1000)));
}

#[test]
fn accepted_changes_pass_and_so_does_a_part_of_them_but_nothing_beyond() {
    let mut company = Company::of(50);
    company.enable(1..=20, false);
    company.pass();
    assert_eq!(company.accept(), 20);
    company.enable(1..=5, true);
    assert!(company.pass().is_empty());
    assert_eq!(company.active(), 35);

    // The rest of the accepted set, and ten more, who are not too many by themselves.
    company.enable(1..=5, false);
    company.enable(21..=26, false);
    assert!(company.pass().is_empty());
    assert_eq!(company.active(), 24);
    company.enable(27..=30, false);
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Deactivated, 10)]);
    assert_eq!(company.active(), 24);
}

#[test]
fn acceptance_lasts_a_day() {
    let mut company = Company::of(50);
    company.enable(1..=20, false);
    company.pass();
    company.accept();
    company.enable(1..=20, true);
    company.pass();
    company.hour += 24;
    company.enable(1..=20, false);
    assert_eq!(kinds(&company.pass()), [(ChangeKind::Deactivated, 20)]);
}

#[test]
fn since_when_something_is_held_stays() {
    let mut company = Company::of(50);
    company.enable(1..=20, false);
    company.pass();
    let first = company.hour;
    company.enable([21], false);
    let held = company.pass();
    assert_eq!(held.since(), Some(hour(first)));
    assert_eq!(held.items[0].change.since, hour(first));
    assert_eq!(held.items[20].change.since, hour(first + 1));
}

#[test]
fn emptied_group_keeps_its_members_until_accepted() {
    let mut company = Company::of(20);
    company.put_group(1000, group("all, renamed", &[1, 2], &[]));
    let held = company.pass();
    assert_eq!(kinds(&held), [(ChangeKind::MembershipsLost, 18)]);
    assert_eq!(company.members(1000), 20);
    assert_eq!(
        company.served.groups[&group_id(1000)].label(),
        "all, renamed"
    );
    assert_eq!(held.items[0].member.as_deref(), Some("user3@example.com"));
    company.accept();
    assert!(company.pass().is_empty());
    assert_eq!(company.members(1000), 2);
}

#[test]
fn deleted_group_of_many_goes_on_being_served_until_accepted() {
    let mut company = Company::of(20);
    company.tenant.groups.remove(&group_id(1000));
    let held = company.pass();
    assert_eq!(kinds(&held), [(ChangeKind::MembershipsLost, 20)]);
    assert!(company.served.decisions.is_imported(group_id(1000)));
    assert_eq!(company.members(1000), 20);
    company.accept();
    assert!(company.pass().is_empty());
    assert!(company.served.groups.is_empty());
}

#[test]
fn filled_group_is_held_and_a_new_group_is_not() {
    let mut company = Company::of(20);
    company.put_group(1, group("admins", &[1], &[]));
    company.pass();
    company.put_group(1, group("admins", &(1..=10).collect::<Vec<_>>(), &[]));
    company.put_group(2, group("new", &(1..=20).collect::<Vec<_>>(), &[]));
    assert_eq!(kinds(&company.pass()), [(ChangeKind::MembershipsGained, 9)]);
    assert_eq!((company.members(1), company.members(2)), (1, 20));
}

#[test]
fn group_nested_into_a_served_one_counts_by_its_people() {
    let mut company = Company::of(20);
    company.put_group(1, group("admins", &[1], &[]));
    company.pass();
    company.put_group(1, group("admins", &[1], &[1000]));
    let held = company.pass();
    assert_eq!(kinds(&held), [(ChangeKind::MembershipsGained, 19)]);
    assert_eq!(
        (held.items.len(), held.items[0].member.as_deref()),
        (1, Some("all"))
    );
    assert_eq!(company.members(1), 1);
}

#[test]
fn losses_pass_while_gains_are_held() {
    let mut company = Company::of(20);
    company.put_group(1, group("one", &(1..=8).collect::<Vec<_>>(), &[]));
    company.put_group(2, group("two", &[], &[]));
    company.pass();
    company.put_group(1, group("one", &(2..=8).collect::<Vec<_>>(), &[]));
    company.put_group(2, group("two", &(9..=16).collect::<Vec<_>>(), &[]));
    assert_eq!(kinds(&company.pass()), [(ChangeKind::MembershipsGained, 8)]);
    assert_eq!((company.members(1), company.members(2)), (7, 0));
}

#[test]
fn nested_groups_are_held_together_so_that_nobody_is_left_between_two() {
    let mut company = Company::of(20);
    company.put_group(1, group("one", &(1..=8).collect::<Vec<_>>(), &[]));
    company.put_group(2, group("two", &[], &[]));
    company.put_group(3, group("both", &[], &[1, 2]));
    company.pass();
    // Eight gain "two", and one goes from "one" to "two": in "both" all along.
    company.put_group(1, group("one", &(2..=8).collect::<Vec<_>>(), &[]));
    company.put_group(2, group("two", &[1, 9, 10, 11, 12, 13, 14, 15, 16], &[]));
    assert_eq!(kinds(&company.pass()), [(ChangeKind::MembershipsGained, 9)]);
    assert_eq!((company.members(1), company.members(2)), (8, 0));
    let both = company.served.members(group_id(3), true);
    assert!(both.contains(&user_id(1)));
}

#[test]
fn new_group_nested_into_a_held_one_is_kept_out_with_it() {
    let mut company = Company::of(20);
    company.put_group(1, group("admins", &[1], &[5]));
    company.pass();
    company.put_group(5, group("new", &(1..=20).collect::<Vec<_>>(), &[]));
    assert_eq!(
        kinds(&company.pass()),
        [(ChangeKind::MembershipsGained, 19)]
    );
    assert_eq!(company.served.members(group_id(1), true).len(), 1);
    assert!(!company.served.groups.contains_key(&group_id(5)));
    company.accept();
    assert!(company.pass().is_empty());
    assert_eq!(company.served.members(group_id(1), true).len(), 20);
}

#[test]
fn memberships_that_drip_away_add_up() {
    let mut company = Company::of(20);
    for first in 2..=5 {
        company.put_group(1000, group("all", &(first..=20).collect::<Vec<_>>(), &[]));
        assert!(company.pass().is_empty());
    }
    // Five of twenty would be under the floor; the sixth is not.
    company.put_group(1000, group("all", &(7..=20).collect::<Vec<_>>(), &[]));
    assert_eq!(kinds(&company.pass()), [(ChangeKind::MembershipsLost, 6)]);
    assert_eq!(company.members(1000), 16);
}

#[test]
fn guard_remembers_nothing_after_a_quiet_day() {
    let mut company = Company::of(50);
    company.enable(1..=5, false);
    company.put_group(1000, group("all", &[1], &[]));
    company.pass();
    company.tenant = Tenant {
        users: company.tenant.users.clone(),
        groups: BTreeMap::from([(
            group_id(1000),
            Arc::clone(&company.served.groups[&group_id(1000)]),
        )])
        .into(),
    };
    company.pass();
    company.hour += 24;
    company.pass();
    assert_eq!(company.served.guard, Guard::default());
    assert!(company.served.withheld.is_empty());
}
