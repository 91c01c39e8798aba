use std::sync::Arc;

use super::*;
use crate::app::fixtures::{directory, group_id, policy, rules, settled, user_id, view};
use crate::app::view::View;
use crate::directory::guard::{ChangeKind, HeldChange, Memory, Standing, Subject};

fn ask(view: &View, name: &str) -> Result<Vec<Explanation>, lookup::Error> {
    let query = ExplainQuery {
        name: name.to_owned(),
        is_group: false,
    };
    explain(view, &query)
}

fn only(explanations: Vec<Explanation>) -> PersonExplanation {
    match <[Explanation; 1]>::try_from(explanations) {
        Ok([Explanation::Person(person)]) => person,
        other => panic!("not one person: {other:?}"),
    }
}

#[test]
fn the_chain_names_every_rule_and_the_way_to_it() {
    let rules = Rules {
        ignored_groups: vec!["Temps".to_owned()],
        allowed_groups: vec!["Staff".to_owned()],
        ..rules()
    };
    let plain = directory(
        &[("ada", "Ada")],
        &[("Staff", &[0x1003]), ("Temps", &[]), ("Inner", &[1])],
    );
    let view = view(settled(&plain, &rules), rules, policy());
    let ada = only(ask(&view, "ada").expect("known"));
    assert!(ada.is_active);
    let (staff, inner) = (group_id(1), group_id(3));
    assert_eq!(
        ada.chain[..4],
        [
            "the account is enabled in Office 365".to_owned(),
            "the account is no guest".to_owned(),
            "member of no group in sync.ignored_groups".to_owned(),
            format!("member of the allowed group \"Staff\": Staff ({staff}) > Inner ({inner})"),
        ]
    );
    let groups: Vec<_> = ada
        .groups
        .iter()
        .map(|held| (held.group.name.as_str(), held.through.len()))
        .collect();
    assert_eq!(groups, [("Staff", 1), ("Inner", 0)]);
}

#[test]
fn groups_that_contain_each_other_are_listed_once() {
    let directory = directory(
        &[("ada", "Ada")],
        &[("One", &[1, 0x1002]), ("Two", &[0x1001])],
    );
    let view = view(directory, rules(), policy());
    let ada = only(ask(&view, "ada").expect("known"));
    assert_eq!(ada.groups.len(), 2);
}

#[test]
fn whoever_lost_a_name_is_found_by_it_and_told_the_holder() {
    let directory = directory(&[("ada", "Ada"), ("Ada", "Another")], &[]);
    let view = view(directory, rules(), policy());
    let explanations = ask(&view, &user_id(2).to_string()).expect("known");
    let holder = user_id(1);
    let loser = only(explanations);
    assert_eq!(
        loser.reason,
        format!("\"ada\" belongs to ada@contoso.com ({holder})")
    );
    assert_eq!(ask(&view, "ada").expect("both").len(), 2);
}

#[test]
fn somebody_deleted_is_remembered_with_name_and_number() {
    let mut directory = directory(&[("ada", "Ada"), ("bob", "Bob")], &[]);
    directory.users.remove(&user_id(1));
    let directory = settled(&directory, &rules());
    let view = view(directory, rules(), policy());
    let explanations = ask(&view, "ada").expect("remembered");
    let [Explanation::Former(former)] = &explanations[..] else {
        panic!("{explanations:?}");
    };
    assert_eq!(former.was, IdentityKind::User);
    assert_eq!(former.names, ["ada"]);
    assert!(former.deleted.is_some());
}

#[test]
fn a_name_of_a_group_only_explains_the_group() {
    let directory = directory(&[("ada", "Ada")], &[("root", &[1]), ("Staff", &[1])]);
    let view = view(directory, rules(), policy());
    let explanations = ask(&view, "ROOT").expect("known");
    let [Explanation::Group(group)] = &explanations[..] else {
        panic!("{explanations:?}");
    };
    assert!(!group.is_imported);
    assert!(group.reason.contains("reserved_names"), "{}", group.reason);
    assert_eq!((group.members, group.active_people), (1, 1));
}

#[test]
fn somebody_new_who_is_held_back_is_explained() {
    let mut directory = directory(&[("ada", "Ada")], &[]);
    let new = User {
        user_principal_name: Some("new@contoso.com".to_owned()),
        account_enabled: Some(true),
        ..User::default()
    };
    directory
        .withheld
        .users
        .insert(user_id(9), Some(Arc::new(new)));
    let view = view(directory, rules(), policy());
    let person = only(ask(&view, "new@contoso.com").expect("known"));
    assert!(!person.is_active);
    assert!(person.reason.contains("held back"), "{}", person.reason);
}

#[test]
fn nobody_is_answered_with_the_closest_names() {
    let view = view(directory(&[("alice", "Alice")], &[]), rules(), policy());
    let error = ask(&view, "alcie").expect_err("nobody").to_string();
    assert!(error.starts_with("nobody in the tenant has"), "{error}");
    assert!(error.contains("the closest name is alice"), "{error}");
}

#[test]
fn while_a_rule_cannot_be_resolved_the_earlier_decision_is_called_so() {
    let rules = Rules {
        allowed_groups: vec!["Stafff".to_owned()],
        ..rules()
    };
    let before = directory(&[("ada", "Ada")], &[("Staff", &[1])]);
    let view = view(settled(&before, &rules), rules, policy());
    let ada = only(ask(&view, "ada").expect("known"));
    assert!(ada.is_active);
    assert!(
        ada.reason.starts_with("the earlier decision is kept"),
        "{}",
        ada.reason
    );
    assert_eq!(
        ada.chain[3],
        "member of none of the groups in sync.allowed_groups that are known"
    );
    assert!(
        ada.chain[4].contains("\"Stafff\"") && ada.chain[4].contains("every earlier decision"),
        "{}",
        ada.chain[4]
    );
}

#[test]
fn whoever_stays_active_because_the_guard_holds_back_is_told_so() {
    let mut directory = directory(&[("ada", "Ada")], &[]);
    let held = HeldChange {
        kind: ChangeKind::Deactivated,
        from: Standing::Active,
        to: Standing::Inactive,
        reason: Some(Reason::NotAllowed),
        since: Timestamp::UNIX_EPOCH,
    };
    let memory = Memory {
        held: Some(held),
        ..Memory::default()
    };
    let subject = Subject::Person(user_id(1));
    directory.guard.subjects.insert(subject, memory);
    let ada = only(ask(&view(directory, rules(), policy()), "ada").expect("known"));
    assert!(ada.reason.contains("held back"), "{}", ada.reason);
}

#[test]
fn a_name_that_misses_is_answered_with_groups_too() {
    let view = view(directory(&[], &[("VPN Users", &[])]), rules(), policy());
    let error = ask(&view, "VPN").expect_err("nobody").to_string();
    assert!(error.contains("VPN Users (a group)"), "{error}");
}
