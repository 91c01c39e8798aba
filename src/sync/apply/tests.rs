use serde_json::json;

use super::*;
use crate::sync::fixtures::*;

type Users = BTreeMap<UserId, Arc<User>>;
type Groups = BTreeMap<GroupId, Arc<Group>>;

fn users(changes: Vec<UserChange>) -> Users {
    let mut users = Users::new();
    for change in changes {
        apply_user(&mut users, change);
    }
    users
}

fn groups(pinned: &[u128], changes: Vec<GroupChange>) -> Groups {
    let mut groups = Groups::new();
    for change in changes {
        apply_group(&mut groups, change, |id| {
            pinned.iter().any(|&pin| group_id(pin) == id)
        });
    }
    groups
}

fn member_numbers(groups: &Groups, number: u128) -> Vec<u128> {
    groups[&group_id(number)]
        .members
        .keys()
        .map(|id| id.0.as_u128())
        .collect()
}

#[test]
fn null_clears_and_a_part_leaves_the_rest() {
    let users = users(vec![
        user_entry(
            1,
            json!({"userPrincipalName": "ada@example.com", "mail": "a@example.com", "city": "Oslo"}),
        ),
        user_entry(1, json!({"mail": null, "accountEnabled": true})),
    ]);
    let ada = User {
        city: Some("Oslo".to_owned()),
        ..user("ada")
    };
    assert_eq!(*users[&user_id(1)], ada);
}

#[test]
fn removed_user_goes_however_it_was_removed() {
    for reason in ["changed", "deleted"] {
        let users = users(vec![
            whole_user(1, "ada"),
            whole_user(2, "bob"),
            removed(1, reason),
            removed(9, reason),
        ]);
        assert_eq!(users.keys().copied().collect::<Vec<_>>(), [user_id(2)]);
    }
}

#[test]
fn slices_of_a_group_add_up() {
    let groups = groups(
        &[],
        vec![
            slice(10, "staff", &[1, 2]),
            slice(11, "other", &[7]),
            slice(10, "staff", &[3]),
            slice(10, "staff", &[-2, 4]),
            slice(10, "staff", &[-9, 4]),
        ],
    );
    assert_eq!(member_numbers(&groups, 10), [1, 3, 4]);
    assert_eq!(member_numbers(&groups, 11), [7]);
}

#[test]
fn removed_group_goes_unless_a_rule_is_pinned_to_it() {
    let groups = groups(
        &[10],
        vec![
            slice(10, "staff", &[1, 2]),
            slice(11, "other", &[7]),
            removed(10, "changed"),
            removed(11, "deleted"),
            removed(99, "deleted"),
        ],
    );
    assert_eq!(groups.len(), 1);
    assert!(groups[&group_id(10)].is_deleted);
    assert_eq!(member_numbers(&groups, 10), [1, 2]);
}

#[test]
fn deleted_group_that_comes_back_has_the_members_then_reported() {
    let groups = groups(
        &[10],
        vec![
            slice(10, "staff", &[1, 2]),
            removed(10, "changed"),
            slice(10, "staff", &[3]),
            slice(10, "staff", &[4]),
        ],
    );
    assert!(!groups[&group_id(10)].is_deleted);
    assert_eq!(member_numbers(&groups, 10), [3, 4]);
}

#[test]
fn changing_a_copy_leaves_the_original_alone() {
    let before = users(vec![whole_user(1, "ada"), whole_user(2, "bob")]);
    let mut after = before.clone();
    apply_user(&mut after, whole_user(1, "anna"));
    assert_eq!(*before[&user_id(1)], user("ada"));
    assert!(Arc::ptr_eq(&before[&user_id(2)], &after[&user_id(2)]));
}
