use proptest::prelude::*;

use super::*;
use crate::directory::registry::Policy;
use crate::directory::registry::UsernameSource;
use crate::directory::{Group, MemberKind, User};
use crate::sync::Tenant;
use crate::sync::settlement::Settlement;

/// Ada (1), bob (2) and cyd (3); staff (10) holds ada and bob.
fn company() -> Directory {
    Directory::default()
        .put_user(1, user("ada"))
        .put_user(2, user("bob"))
        .put_user(3, user("cyd"))
        .put_group(10, group("staff", &[1, 2], &[]))
}

/// The directory after these rules were applied to what the tenant is known to have; without the guard.
fn ruled(directory: &Directory, rules: &Rules) -> (Directory, Settled) {
    told(directory, Tenant::of(directory), rules)
}

/// The directory after the tenant was read like this; without the guard.
fn told(directory: &Directory, tenant: Tenant, rules: &Rules) -> (Directory, Settled) {
    let tenant_again = tenant.clone();
    let (next, settled) = settle(directory, tenant, rules, &policy(), hour(0), true);
    assert_eq!(
        Tenant::of(&next),
        tenant_again,
        "no word of the tenant is lost"
    );
    let (again, _) = resettle(&next, rules, &policy(), hour(0), true);
    assert!(again == next, "settling twice changes something");
    (next, settled)
}

fn change_user(tenant: &mut Tenant, number: u128, change: impl FnOnce(&mut User)) {
    change(Arc::make_mut(
        tenant.users.get_mut(&user_id(number)).unwrap(),
    ));
}

fn change_group(tenant: &mut Tenant, number: u128, change: impl FnOnce(&mut Group)) {
    change(Arc::make_mut(
        tenant.groups.get_mut(&group_id(number)).unwrap(),
    ));
}

fn reason(directory: &Directory, number: u128) -> Option<&Reason> {
    directory.decisions.users[&user_id(number)].reason()
}

#[test]
fn frozen_people_neither_come_nor_change_but_the_disabled_and_deleted_go() {
    let (before, _) = ruled(&company(), &open_rules());
    let frozen = Rules {
        users: false,
        ..open_rules()
    };
    let mut tenant = Tenant::of(&before);
    tenant.users.insert(user_id(4), Arc::new(user("dan")));
    change_user(&mut tenant, 1, |ada| {
        ada.user_principal_name = Some("countess@example.com".to_owned());
        ada.display_name = Some("Countess".to_owned());
    });
    change_user(&mut tenant, 2, |bob| bob.account_enabled = Some(false));
    tenant.users.remove(&user_id(3));
    let (after, _) = told(&before, tenant, &frozen);
    assert_eq!(after.users[&user_id(1)], before.users[&user_id(1)]);
    assert_eq!(
        after.registry.get(user_id(1)),
        before.registry.get(user_id(1))
    );
    assert_eq!(reason(&after, 2), Some(&Reason::Disabled));
    assert!(after.is_barred(user_id(2)));
    assert!(!after.users.contains_key(&user_id(3)) && !after.users.contains_key(&user_id(4)));

    let mut tenant = Tenant::of(&after);
    change_user(&mut tenant, 2, |bob| bob.account_enabled = Some(true));
    let (after, _) = told(&after, tenant, &frozen);
    assert_eq!(reason(&after, 2), None);

    let ignoring = Rules {
        ignored_groups: vec!["staff".to_owned()],
        ..frozen
    };
    let (ignored, _) = ruled(&after, &ignoring);
    assert!(
        matches!(reason(&ignored, 1), Some(Reason::Ignored(_))),
        "rules still apply"
    );

    let (thawed, _) = ruled(&after, &open_rules());
    let name = |id| {
        thawed
            .registry
            .get(user_id(id))
            .and_then(|record| record.name.as_deref())
    };
    assert_eq!((name(1), name(4)), (Some("countess"), Some("dan")));
    assert!(thawed.withheld.is_empty());
}

#[test]
fn groups_off_serves_none_and_reads_them_for_the_rules() {
    let rules = Rules {
        groups: false,
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (after, settled) = ruled(&company(), &rules);
    let staff = &after.decisions.groups[&group_id(10)];
    assert_eq!(staff.reason(), Some(&Reason::GroupsOff));
    assert_eq!(
        [1, 2, 3].map(|id| reason(&after, id).is_none()),
        [true, true, false]
    );
    assert_eq!(settled, Settled::default());
}

#[test]
fn guests_are_served_only_when_asked_for_and_under_a_sound_name() {
    let mut directory = company();
    let guest = User {
        user_principal_name: Some("eve_partner.com#EXT#@contoso.example".to_owned()),
        mail_nickname: Some("eve_partner.com#EXT#".to_owned()),
        mail: Some("eve@partner.com".to_owned()),
        account_enabled: Some(true),
        is_guest: true,
        ..User::default()
    };
    directory = directory.put_user(5, guest);
    let (without, _) = ruled(&directory, &open_rules());
    assert_eq!(reason(&without, 5), Some(&Reason::Guest));
    assert!(without.registry.get(user_id(5)).is_none());

    let rules = Rules {
        guests: true,
        ..open_rules()
    };
    for (source, expected) in [
        (UsernameSource::UpnPrefix, "eve_partner.com"),
        (UsernameSource::Upn, "eve_partner.com@contoso.example"),
        (UsernameSource::MailNickname, "eve_partner.com"),
        (UsernameSource::MailPrefix, "eve"),
    ] {
        let policy = Policy {
            username: source,
            ..policy()
        };
        let (with, _) = resettle(&directory, &rules, &policy, hour(0), true);
        let record = with.registry.get(user_id(5)).unwrap();
        assert_eq!(record.name.as_deref(), Some(expected));
        assert_eq!(reason(&with, 5), None);
    }
}

#[test]
fn an_unresolved_rule_freezes_memberships_and_the_disabled_still_go() {
    let (before, _) = ruled(&company(), &open_rules());
    let broken = Rules {
        ignored_groups: vec!["nowhere".to_owned()],
        ..open_rules()
    };
    let mut tenant = Tenant::of(&before);
    change_group(&mut tenant, 10, |staff| {
        *staff = group("staff", &[2, 3], &[])
    });
    change_user(&mut tenant, 2, |bob| bob.account_enabled = Some(false));
    tenant
        .groups
        .insert(group_id(11), Arc::new(group("new", &[3], &[])));
    let (after, settled) = told(&before, tenant, &broken);
    assert_eq!(settled.problems.len(), 1);
    assert_eq!(after.groups[&group_id(10)], before.groups[&group_id(10)]);
    assert_eq!(reason(&after, 2), Some(&Reason::Disabled));
    assert!(!after.decisions.is_imported(group_id(11)));
    let (mended, _) = ruled(&after, &open_rules());
    assert!(mended.withheld.is_empty() && mended.decisions.is_imported(group_id(11)));
    assert!(
        mended.groups[&group_id(10)]
            .members
            .contains_key(&object_id(3))
    );
}

#[test]
fn emptied_group_of_hidden_membership_is_empty_and_told_of() {
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (before, _) = ruled(&company(), &rules);
    let mut tenant = Tenant::of(&before);
    change_group(&mut tenant, 10, |staff| {
        staff.has_hidden_membership = true;
        staff.members.clear();
    });
    let (after, settled) = told(&before, tenant, &rules);
    let id = group_id(10);
    assert_eq!(settled.warnings, [Warning::MembersHidden { id }]);
    assert_eq!(after.members(id, true).len(), 0);
    assert_eq!(reason(&after, 1), Some(&Reason::NotAllowed));
}

#[test]
fn members_of_unreadable_type_stay_what_they_were() {
    let (before, _) = ruled(&company(), &open_rules());
    let mut tenant = Tenant::of(&before);
    change_group(&mut tenant, 10, |staff| {
        staff
            .members
            .values_mut()
            .for_each(|member| member.kind = MemberKind::Other);
    });
    let (after, settled) = told(&before, tenant, &open_rules());
    let id = group_id(10);
    assert_eq!(
        settled.warnings,
        [Warning::MembersUnreadable { id, kept: 2 }]
    );
    assert_eq!(after.members(id, true).len(), 2);
}

#[test]
fn devices_contacts_and_service_principals_are_nobody() {
    let mut staff = group("staff", &[1], &[]);
    let device = crate::directory::Member {
        kind: MemberKind::Other,
    };
    staff.members.insert(object_id(77), device);
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (after, settled) = ruled(&company().put_group(10, staff), &rules);
    assert_eq!(after.members(group_id(10), true).len(), 1);
    assert!(after.registry.get(object_id(77)).is_none());
    assert_eq!(settled.warnings, []);
}

#[test]
fn soft_deleted_user_leaves_every_group_and_comes_back_with_a_restore() {
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (before, _) = ruled(&company(), &rules);
    let mut tenant = Tenant::of(&before);
    let ada = tenant.users.remove(&user_id(1)).unwrap();
    let (without, _) = told(&before, tenant, &rules);
    // Graph goes on listing a soft-deleted user as a member.
    assert!(
        without.groups[&group_id(10)]
            .members
            .contains_key(&object_id(1))
    );
    assert!(!without.decisions.users.contains_key(&user_id(1)) && without.is_barred(user_id(1)));
    let mut tenant = Tenant::of(&without);
    tenant.users.insert(user_id(1), ada);
    let (back, _) = told(&without, tenant, &rules);
    assert!(back.decisions.is_active(user_id(1)));
    assert_eq!(
        back.registry.get(user_id(1)),
        before.registry.get(user_id(1))
    );
}

#[test]
fn user_may_be_seen_in_a_group_before_being_seen_at_all() {
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let directory = company().put_group(10, group("staff", &[1, 9], &[]));
    let (before, settled) = ruled(&directory, &rules);
    assert_eq!(settled, Settled::default());
    let mut tenant = Tenant::of(&before);
    tenant.users.insert(user_id(9), Arc::new(user("late")));
    let (after, _) = told(&before, tenant, &rules);
    assert!(after.decisions.is_active(user_id(9)));
}

#[test]
fn recreated_group_counts_only_after_repinning() {
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (before, _) = ruled(&company(), &rules);
    let mut tenant = Tenant::of(&before);
    change_group(&mut tenant, 10, |staff| staff.is_deleted = true);
    tenant
        .groups
        .insert(group_id(11), Arc::new(group("Staff", &[3], &[])));
    let (mut degraded, settled) = told(&before, tenant, &rules);
    assert_eq!(settled.warnings.len(), 2, "{:?}", settled.warnings);
    assert!(degraded.decisions.is_active(user_id(1)) && !degraded.decisions.is_active(user_id(3)));

    let expected = Repinned {
        name: "staff".to_owned(),
        before: Some(group_id(10)),
        now: group_id(11),
    };
    assert_eq!(repin(&mut degraded, &rules, "staff"), Ok(expected));
    let tenant = Tenant::of(&degraded);
    let (after, settled) = settle(&degraded, tenant, &rules, &policy(), hour(0), true);
    assert_eq!(settled.warnings, []);
    assert!(!after.decisions.is_active(user_id(1)) && after.decisions.is_active(user_id(3)));
    assert!(!after.groups.contains_key(&group_id(10)));
}

#[test]
fn repin_refuses_what_it_cannot_decide_and_changes_nothing() {
    let rules = Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let (mut directory, _) = ruled(&company(), &rules);
    directory = directory.put_group(11, group("STAFF", &[], &[]));
    let pins = directory.pins.clone();
    let ids = vec![group_id(10), group_id(11)];
    let name = "staff".to_owned();
    let refused = repin(&mut directory, &rules, "staff");
    assert_eq!(refused, Err(RepinError::Ambiguous { name, ids }));
    directory.groups.clear();
    let refused = repin(&mut directory, &rules, "staff");
    assert_eq!(refused, Err(RepinError::NoMatch("staff".to_owned())));
    let refused = repin(&mut directory, &rules, "other").unwrap_err();
    assert!(
        refused.to_string().ends_with("name: \"staff\""),
        "{refused}"
    );
    assert_eq!(directory.pins, pins);
}

/// One thing that happens in a tenant, or to the rules.
#[derive(Clone, Debug)]
enum Happening {
    Enable(u128, bool),
    Rename(u128, u128),
    Delete(u128),
    Members(u128, Vec<u128>),
    DeleteGroup(u128),
    Rules(Rules),
    Accept,
    Hours(i64),
}

/// A member: a person or a group, which need not exist yet.
fn nested_or_person() -> impl Strategy<Value = u128> {
    prop_oneof![9 => 1..20_u128, 1 => 100..104_u128]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let person = || 1..20_u128;
    let group = || 100..104_u128;
    let rules = (any::<bool>(), any::<bool>(), 0..3_u8, 0..3_u8).prop_map(
        |(users, groups, allowed, max_change)| Rules {
            users,
            groups,
            max_change: [10, 30, 100][usize::from(max_change)],
            allowed_groups: match allowed {
                0 => Vec::new(),
                1 => vec!["group100".to_owned()],
                _ => vec!["nowhere".to_owned()],
            },
            ..open_rules()
        },
    );
    let happening = prop_oneof![
        4 => (person(), any::<bool>()).prop_map(|(id, is_enabled)| Happening::Enable(id, is_enabled)),
        2 => (person(), person()).prop_map(|(id, name)| Happening::Rename(id, name)),
        3 => person().prop_map(Happening::Delete),
        4 => (group(), prop::collection::vec(nested_or_person(), 0..20))
            .prop_map(|(id, members)| Happening::Members(id, members)),
        1 => group().prop_map(Happening::DeleteGroup),
        1 => rules.prop_map(Happening::Rules),
        1 => Just(Happening::Accept),
        1 => (1..30_i64).prop_map(Happening::Hours),
    ];
    prop::collection::vec(prop::collection::vec(happening, 1..12), 1..12).prop_map(|passes| {
        passes
            .into_iter()
            .flat_map(|mut pass| {
                pass.push(Happening::Hours(1));
                pass
            })
            .collect()
    })
}

fn happen(tenant: &mut Tenant, happening: &Happening) {
    match happening {
        Happening::Enable(id, is_enabled) => {
            let person = || Arc::new(user(&format!("user{id}")));
            let place = tenant.users.entry(user_id(*id)).or_insert_with(person);
            Arc::make_mut(place).account_enabled = Some(*is_enabled);
        }
        Happening::Rename(id, name) => {
            if let Some(place) = tenant.users.get_mut(&user_id(*id)) {
                let name = format!("user{name}@example.com");
                Arc::make_mut(place).user_principal_name = Some(name);
            }
        }
        Happening::Delete(id) => {
            tenant.users.remove(&user_id(*id));
        }
        Happening::Members(id, members) => {
            let (people, groups): (Vec<u128>, Vec<u128>) =
                members.iter().partition(|&&member| member < 100);
            let group = group(&format!("group{id}"), &people, &groups);
            tenant.groups.insert(group_id(*id), Arc::new(group));
        }
        Happening::DeleteGroup(id) => {
            tenant.groups.remove(&group_id(*id));
        }
        Happening::Rules(_) | Happening::Accept | Happening::Hours(_) => {}
    }
}

/// Whoever is let in is enabled in the tenant, or barred; and nothing is withheld without a reason.
fn check_served(served: &Directory, settled: &Settled, tenant: &Tenant, rules: &Rules) {
    for &id in served
        .users
        .keys()
        .filter(|id| served.decisions.is_active(**id))
    {
        let user = tenant.users.get(&id);
        let is_enabled = user.is_some_and(|user| user.account_enabled == Some(true));
        assert!(is_enabled || served.is_barred(id), "{id} is let in");
        let name = served
            .registry
            .get(id)
            .and_then(|record| record.name.as_ref());
        assert!(name.is_some(), "{id} is active without a name");
    }
    assert_eq!(Tenant::of(served).users, tenant.users);
    if settled.held.is_empty() && settled.problems.is_empty() && rules.users {
        assert!(served.withheld.is_empty(), "{:?}", served.withheld);
        let verdict = rules::decide(served, rules);
        for (id, decision) in &served.decisions.users {
            let ruled = &verdict.decisions.users[id];
            assert!(!decision.is_include() || ruled.is_include(), "{id}");
        }
    }
}

/// What is remembered of a directory that settled to itself is what settling it later comes to, and it is
/// remembered as long as nothing runs out.
fn check_recalled(
    next: &Directory,
    again: &Directory,
    settled: &Settled,
    rules: &Rules,
    now: i64,
    later: impl Fn(i64) -> (Directory, Settled),
) {
    let (settings, policy) = (settings(rules.clone()), policy());
    let order = Order {
        settings: &settings,
        policy: &policy,
        full: false,
        named_max: 0,
    };
    let settlement =
        Settlement::of(next, again, order, settled, hour(now)).expect("nothing is new");
    let is_recalled = settlement.recall(again, order, hour(now)) == Some(settled);
    assert!(is_recalled || !settled.held.kinds.is_empty());
    for hours in [1, 23, 24, 25, 24 * 40] {
        if let Some(recalled) = settlement.recall(again, order, hour(now + hours)) {
            assert_eq!((again.clone(), recalled.clone()), later(hours));
        }
    }
}

#[test]
fn what_is_remembered_of_other_rules_is_not_recalled() {
    let (before, _) = ruled(&company(), &open_rules());
    let (again, settled) = resettle(&before, &open_rules(), &policy(), hour(0), false);
    let (open, policy) = (settings(open_rules()), policy());
    let order = |settings| Order {
        settings,
        policy: &policy,
        full: false,
        named_max: 0,
    };
    let settlement = Settlement::of(&before, &again, order(&open), &settled, hour(0)).unwrap();
    assert!(settlement.recall(&again, order(&open), hour(1)).is_some());
    let staff = settings(staff_only());
    assert_eq!(settlement.recall(&again, order(&staff), hour(1)), None);
    let mut amended = again.clone();
    amended
        .overrides
        .objects
        .entry(user_id(1).into())
        .or_default();
    assert_eq!(settlement.recall(&amended, order(&open), hour(1)), None);
}

proptest! {
    #[test]
    fn whatever_happens_numbers_stay_and_nobody_barred_is_let_in(history in happenings()) {
        let (mut tenant, mut served, mut rules) = (Tenant::default(), Directory::default(), open_rules());
        (1..15_u128).for_each(|id| happen(&mut tenant, &Happening::Enable(id, true)));
        happen(&mut tenant, &Happening::Members(100, (1..12).collect()));
        happen(&mut tenant, &Happening::Members(101, vec![1, 2, 3, 100]));
        let (mut now, mut is_first) = (0, true);
        let mut numbers = std::collections::BTreeMap::new();
        for happening in &history {
            happen(&mut tenant, happening);
            match happening {
                Happening::Rules(new) => rules = new.clone(),
                Happening::Accept => {
                    let held = guard::changes_held(&served);
                    guard::accept(&mut served, &held, hour(now));
                }
                Happening::Hours(hours) => {
                    now += hours;
                    let settle_at = |before: &Directory, now, is_first| settle(before, tenant.clone(), &rules, &policy(), hour(now), is_first);
                    let settle = |before: &Directory| settle_at(before, now, is_first);
                    let (next, settled) = settle(&served);
                    let (again, settled_again) = settle(&next);
                    prop_assert!(again == next, "settling twice changes something");
                    prop_assert_eq!(&settled_again.held, &settled.held);
                    if !is_first {
                        let later = |hours| settle_at(&again, now + hours, false);
                        check_recalled(&next, &again, &settled_again, &rules, now, later);
                    }
                    check_served(&next, &settled, &tenant, &rules);
                    for (id, record) in next.registry.iter() {
                        prop_assert_eq!(*numbers.entry(id).or_insert(record.number), record.number);
                    }
                    (served, is_first) = (next, false);
                }
                _ => {}
            }
        }
        let distinct: BTreeSet<_> = numbers.values().collect();
        prop_assert_eq!(distinct.len(), numbers.len());
    }
}
