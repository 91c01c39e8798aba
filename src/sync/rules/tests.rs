use std::collections::BTreeSet;

use super::*;
use crate::directory::GroupKind;
use crate::sync::fixtures::*;

/// Users 1 ada, 2 bob, 3 cyd; groups 10 staff {ada}, 11 all {bob, group 12}, 12 inner {cyd, group 11}.
fn tenant() -> Directory {
    Directory::default()
        .put_user(1, user("ada"))
        .put_user(2, user("bob"))
        .put_user(3, user("cyd"))
        .put_group(10, group("Staff", &[1], &[]))
        .put_group(11, group("All", &[2], &[12]))
        .put_group(12, group("Inner", &[3], &[11]))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rules(allowed: &[&str], ignored: &[&str]) -> Rules {
    Rules {
        allowed_groups: names(allowed),
        ignored_groups: names(ignored),
        ..open_rules()
    }
}

fn path(rule: &str, groups: &[u128]) -> GroupPath {
    GroupPath {
        rule: rule.to_owned(),
        groups: groups.iter().map(|&id| group_id(id)).collect(),
    }
}

fn allowed(rule: &str, groups: &[u128]) -> Decision {
    Decision::Include(Grounds::Allowed(path(rule, groups)))
}

fn ignored(rule: &str, groups: &[u128]) -> Decision {
    out(Reason::Ignored(path(rule, groups)))
}

fn out(reason: Reason) -> Decision {
    Decision::Exclude(reason)
}

const IN: Decision = Decision::Include(Grounds::Default);

/// The decisions on users 1, 2, 3, …, when every name resolves.
fn check(directory: &Directory, rules: &Rules, expected: &[Decision]) {
    let verdict = decide(directory, rules);
    assert_eq!(verdict.problems, []);
    let got: Vec<_> = verdict.decisions.users.into_values().collect();
    assert_eq!(got, expected);
}

/// The directory after these rules were applied.
fn settled(mut directory: Directory, rules: &Rules) -> Directory {
    let verdict = decide(&directory, rules);
    directory.decisions = verdict.decisions.into();
    directory.pins = verdict.pins;
    directory
}

fn deleted(mut group: Group) -> Group {
    group.is_deleted = true;
    group
}

#[test]
fn without_rules_everyone_is_active() {
    check(&tenant(), &rules(&[], &[]), &[IN, IN, IN]);
}

#[test]
fn only_members_of_an_allowed_group_are_active() {
    check(
        &tenant(),
        &rules(&["staff", "INNER"], &[]),
        &[
            allowed("staff", &[10]),
            allowed("INNER", &[12, 11]),
            allowed("INNER", &[12]),
        ],
    );
    check(
        &tenant(),
        &rules(&["Staff"], &[]),
        &[
            allowed("Staff", &[10]),
            out(Reason::NotAllowed),
            out(Reason::NotAllowed),
        ],
    );
}

#[test]
fn ignored_group_outranks_allowed_group() {
    check(
        &tenant(),
        &rules(&["All", "Staff"], &["Inner"]),
        &[
            allowed("Staff", &[10]),
            ignored("Inner", &[12, 11]),
            ignored("Inner", &[12]),
        ],
    );
}

#[test]
fn shortest_path_is_the_reason_given() {
    check(
        &tenant(),
        &rules(&[], &["Inner", "All"]),
        &[IN, ignored("All", &[11]), ignored("Inner", &[12])],
    );
}

#[test]
fn nested_members_count_only_when_nested_groups_count() {
    let mut rules = rules(&[], &["All"]);
    check(
        &tenant(),
        &rules,
        &[IN, ignored("All", &[11]), ignored("All", &[11, 12])],
    );
    rules.nested_groups = false;
    check(&tenant(), &rules, &[IN, ignored("All", &[11]), IN]);
}

#[test]
fn account_itself_is_judged_before_any_rule() {
    let mut disabled = user("ada");
    disabled.account_enabled = Some(false);
    disabled.is_guest = true;
    let mut unknown = user("bob");
    unknown.account_enabled = None;
    let mut guest = user("cyd");
    guest.is_guest = true;
    let directory = tenant()
        .put_user(1, disabled)
        .put_user(2, unknown)
        .put_user(3, guest);
    check(
        &directory,
        &rules(&["Staff", "All"], &["Staff"]),
        &[
            out(Reason::Disabled),
            out(Reason::EnabledUnknown),
            out(Reason::Guest),
        ],
    );
}

#[test]
fn group_that_is_not_imported_counts_in_rules() {
    let rules = Rules {
        groups_without_email: false,
        ..rules(&["Staff"], &[])
    };
    let verdict = decide(&tenant(), &rules);
    assert_eq!(verdict.decisions.groups[&group_id(10)], out(Reason::NoMail));
    assert_eq!(
        verdict.decisions.users[&user_id(1)],
        allowed("Staff", &[10])
    );
}

#[test]
fn group_is_found_by_mail_address_and_by_object_id() {
    let mut staff = group("Staff", &[1], &[]);
    staff.mail = Some("staff@example.com".to_owned());
    let directory = tenant().put_group(10, staff);
    let id = group_id(10).to_string();
    for name in ["STAFF@example.com", id.as_str(), &id.to_uppercase()] {
        let verdict = decide(&directory, &rules(&[name], &[]));
        assert_eq!(verdict.pins, Pins::from([(name.to_owned(), group_id(10))]));
        assert_eq!(verdict.problems, []);
    }
}

#[test]
fn group_called_like_the_object_id_of_another_is_not_that_group() {
    let id = group_id(10).to_string();
    let verdict = decide(
        &tenant().put_group(13, group(&id, &[2], &[])),
        &rules(&[&id], &[]),
    );
    assert_eq!(verdict.pins, Pins::from([(id, group_id(10))]));
    let id = group_id(99).to_string();
    let verdict = decide(
        &tenant().put_group(13, group(&id, &[2], &[])),
        &rules(&[&id], &[]),
    );
    assert_eq!(
        verdict.problems,
        [RuleProblem::NoMatch {
            key: RuleKey::AllowedGroups,
            name: id
        }]
    );
}

#[test]
fn pinned_name_means_its_group_after_renames_and_beside_impostors() {
    let rules = rules(&["Staff"], &[]);
    let directory = settled(tenant(), &rules)
        .put_group(10, group("Old Staff", &[1], &[]))
        .put_group(13, group("STAFF", &[2], &[]));
    let verdict = decide(&directory, &rules);
    let name = "Staff".to_owned();
    assert_eq!(
        verdict.warnings,
        [Warning::Impostor {
            name,
            pinned: group_id(10),
            other: group_id(13)
        }]
    );
    check(
        &directory,
        &rules,
        &[
            allowed("Staff", &[10]),
            out(Reason::NotAllowed),
            out(Reason::NotAllowed),
        ],
    );
}

#[test]
fn name_that_fits_nothing_or_several_is_a_problem_and_gets_no_pin() {
    let directory = tenant().put_group(13, group("staff", &[2], &[]));
    let verdict = decide(&directory, &rules(&["Staff"], &["nobody"]));
    let problems = [
        RuleProblem::Ambiguous {
            key: RuleKey::AllowedGroups,
            name: "Staff".to_owned(),
            ids: vec![group_id(10), group_id(13)],
        },
        RuleProblem::NoMatch {
            key: RuleKey::IgnoredGroups,
            name: "nobody".to_owned(),
        },
    ];
    assert_eq!(verdict.problems, problems);
    assert_eq!(verdict.pins, Pins::new());
    assert!(
        verdict
            .decisions
            .users
            .values()
            .all(|each| *each == out(Reason::RulesUnresolved))
    );
}

#[test]
fn unresolved_rule_keeps_last_decisions_but_lets_nobody_new_in() {
    let before = settled(tenant(), &rules(&["Staff"], &[]));
    let mut disabled = user("ada");
    disabled.account_enabled = Some(false);
    let rules = rules(&["Staff", "nobody"], &[]);
    let users = |directory: &Directory| decide(directory, &rules).decisions.users;

    let joined = before
        .clone()
        .put_user(4, user("dee"))
        .put_group(10, group("Staff", &[1, 2, 4], &[]));
    let got: Vec<_> = users(&joined).into_values().collect();
    let expected = [
        allowed("Staff", &[10]),
        out(Reason::NotAllowed),
        out(Reason::NotAllowed),
        out(Reason::RulesUnresolved),
    ];
    assert_eq!(got, expected);

    let mut locked = before.put_user(1, disabled);
    locked.decisions.users = users(&locked);
    assert_eq!(locked.decisions.users[&user_id(1)], out(Reason::Disabled));
    let unlocked = locked.put_user(1, user("ada"));
    assert_eq!(users(&unlocked)[&user_id(1)], out(Reason::RulesUnresolved));
}

#[test]
fn deleted_pinned_group_counts_with_its_last_members() {
    let rules = rules(&["Staff"], &[]);
    let directory = settled(tenant(), &rules).put_group(10, deleted(group("Staff", &[1], &[])));
    let verdict = decide(&directory, &rules);
    let name = "Staff".to_owned();
    assert_eq!(
        verdict.warnings,
        [Warning::PinnedGroupDeleted {
            name,
            id: group_id(10)
        }]
    );
    assert_eq!(
        verdict.decisions.users[&user_id(1)],
        allowed("Staff", &[10])
    );
    assert_eq!(
        verdict.decisions.groups[&group_id(10)],
        out(Reason::Deleted)
    );
}

#[test]
fn group_recreated_under_another_id_takes_nobodys_place() {
    let rules = rules(&["Staff"], &[]);
    let directory = settled(tenant(), &rules)
        .put_group(10, deleted(group("Staff", &[1], &[])))
        .put_group(13, group("Staff", &[2], &[]));
    check(
        &directory,
        &rules,
        &[
            allowed("Staff", &[10]),
            out(Reason::NotAllowed),
            out(Reason::NotAllowed),
        ],
    );
}

#[test]
fn pinned_group_without_a_trace_is_a_problem() {
    let rules = rules(&["Staff"], &[]);
    let mut directory = settled(tenant(), &rules);
    directory.groups.remove(&group_id(10));
    let verdict = decide(&directory, &rules);
    let name = "Staff".to_owned();
    assert_eq!(
        verdict.problems,
        [RuleProblem::PinnedGroupGone {
            key: RuleKey::AllowedGroups,
            name,
            id: group_id(10)
        }]
    );
    assert_eq!(verdict.pins, directory.pins);
}

#[test]
fn pins_of_names_no_longer_in_the_rules_are_dropped() {
    let directory = settled(tenant(), &rules(&["Staff"], &["All"]));
    let verdict = decide(&directory, &rules(&["Staff"], &[]));
    assert_eq!(
        verdict.pins,
        Pins::from([("Staff".to_owned(), group_id(10))])
    );
}

#[test]
fn group_is_imported_by_kind_mail_and_prefix() {
    let check = |rules: &Rules, group: &Group, expected: Decision| {
        let directory = Directory::default().put_group(10, group.clone());
        assert_eq!(
            decide(&directory, rules).decisions.groups[&group_id(10)],
            expected
        );
    };
    let plain = group("Eng-Core", &[], &[]);
    let mailed = Group {
        mail: Some("eng@example.com".to_owned()),
        ..plain.clone()
    };
    let strict = Rules {
        groups_without_email: false,
        group_prefixes: names(&["ops-", "ENG-"]),
        group_kinds: BTreeSet::from([GroupKind::Security]),
        ..open_rules()
    };
    check(&open_rules(), &plain, IN);
    check(&strict, &mailed, IN);
    check(&strict, &plain, out(Reason::NoMail));
    let distribution = Group {
        mail_enabled: true,
        security_enabled: false,
        ..mailed.clone()
    };
    check(
        &strict,
        &distribution,
        out(Reason::KindExcluded(GroupKind::Distribution)),
    );
    let sales = Group {
        display_name: Some("Sales".to_owned()),
        ..mailed.clone()
    };
    check(&strict, &sales, out(Reason::PrefixMismatch));
    check(
        &strict,
        &Group {
            display_name: None,
            ..mailed
        },
        out(Reason::PrefixMismatch),
    );
    check(&open_rules(), &deleted(plain), out(Reason::Deleted));
}

#[test]
fn problems_and_warnings_name_what_to_do_it_with() {
    let problem = RuleProblem::Ambiguous {
        key: RuleKey::IgnoredGroups,
        name: "Staff".to_owned(),
        ids: vec![group_id(1), group_id(2)],
    };
    let text = problem.to_string();
    for part in [
        "sync.ignored_groups",
        "\"Staff\"",
        &group_id(1).to_string(),
        &group_id(2).to_string(),
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn unresolved_rule_keeps_the_groups_that_were_imported_and_imports_no_other() {
    let before =
        settled(tenant(), &rules(&["Staff"], &[])).put_group(77, group("Newcomers", &[1], &[]));
    let mut changed = rules(&["Staff", "nobody"], &[]);
    changed.group_prefixes = vec!["no group starts so".to_owned()];
    let groups = decide(&before, &changed).decisions.groups;
    assert_eq!(groups[&group_id(10)], Decision::Include(Grounds::Default));
    assert_eq!(groups[&group_id(77)], out(Reason::RulesUnresolved));
}

#[test]
fn groups_nested_in_a_deleted_group_neither_let_in_nor_throw_out_any_more() {
    for rules in [rules(&["All"], &[]), rules(&[], &["All"])] {
        let before = settled(tenant(), &rules);
        let last = before.decisions.users.clone();
        let mut after = before
            .put_group(11, deleted(group("All", &[2], &[12])))
            .put_group(12, group("Inner", &[1], &[11]));
        for _ in 0..2 {
            let verdict = decide(&after, &rules);
            assert_eq!(verdict.decisions.users, last);
            after.decisions = verdict.decisions.into();
        }
    }
}
