use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::directory::registry::Record;
use crate::directory::{Group, Registry, User};

fn object(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

/// Ada (1), registered as `ada` with the number 5001; two people with one mail address (2, 3); the groups `eng` (10),
/// with the number 5010, and two called `Twins` (11, 12).
fn directory() -> Directory {
    let mut directory = Directory::default();
    let users = [
        (1, "ada@x", "ada.l@x"),
        (2, "bob@x", "shared@x"),
        (3, "carl@x", "shared@x"),
    ];
    for (number, upn, mail) in users {
        let user = User {
            user_principal_name: Some(upn.to_owned()),
            mail: Some(mail.to_owned()),
            ..User::default()
        };
        directory
            .users
            .insert(UserId(object(number)), Arc::new(user));
    }
    for (number, name) in [(10, "Eng Team"), (11, "Twins"), (12, "twins")] {
        let group = Group {
            display_name: Some(name.to_owned()),
            ..Group::default()
        };
        directory
            .groups
            .insert(GroupId(object(number)), Arc::new(group));
    }
    let record = |number, name: &str, home: Option<&str>| Record {
        number,
        former_numbers: Vec::new(),
        label: None,
        name: Some(name.to_owned()),
        former_names: Vec::new(),
        home: home.map(str::to_owned),
        deleted: None,
    };
    directory.registry = Registry::from_records([
        (object(1), record(5001, "ada", Some("/home/ada"))),
        (object(10), record(5010, "Eng-Team", None)),
    ])
    .into();
    directory
}

fn number(number: u32) -> Override {
    Override {
        number: Some(number),
        ..Override::default()
    }
}

fn key(key: &str) -> Override {
    Override {
        ssh_keys: vec![key.to_owned()],
        ..Override::default()
    }
}

fn user(line: usize, name: &str, set: Override) -> Row {
    Row {
        line,
        name: RowName::User(name.to_owned()),
        set,
        label: None,
    }
}

fn group(line: usize, name: &str, set: Override) -> Row {
    Row {
        name: RowName::Group(name.to_owned()),
        ..user(line, "", set)
    }
}

#[test]
fn objects_are_found_by_any_of_their_names() {
    for (row, id) in [
        (user(1, "ADA@x", key("k")), 1),
        (user(1, "ada.l@x", key("k")), 1),
        (user(1, "Ada", key("k")), 1),
        (user(1, "00000000-0000-0000-0000-000000000002", key("k")), 2),
        (
            user(1, "00000000-0000-0000-0000-000000000063", key("k")),
            0x63,
        ),
        (group(1, "eng-team", number(5010)), 10),
        (group(1, "Eng Team", number(5010)), 10),
    ] {
        let mut directory = directory();
        let applied = apply(std::slice::from_ref(&row), &mut directory).unwrap();
        assert_eq!(applied.awaited, [""; 0], "{row:?}");
        assert_eq!(directory.overrides.objects, [(object(id), row.set)].into());
    }
}

#[test]
fn names_that_nobody_has_yet_are_awaited_and_people_are_no_groups() {
    let mut directory = directory();
    let rows = [
        user(1, "Dora", number(6000)),
        group(2, "dora", number(6001)),
        group(3, "ada", number(6002)),
    ];
    let applied = apply(&rows, &mut directory).unwrap();
    assert_eq!(applied.changed, 0);
    assert_eq!(
        directory.overrides.awaited,
        [
            ("group:ada".to_owned(), number(6002)),
            ("group:dora".to_owned(), number(6001)),
            ("user:dora".to_owned(), number(6000)),
        ]
        .into()
    );
}

#[test]
fn what_cannot_be_is_refused_all_at_once_and_nothing_is_applied() {
    let mut directory = directory();
    let before = directory.clone();
    let rows = [
        user(1, "ada", key("k")),
        user(2, "shared@x", key("k")),
        group(3, "TWINS", number(6000)),
        group(4, "00000000-0000-0000-0000-000000000001", number(6001)),
        user(5, "bob@x", number(5010)),
        user(6, "carl@x", number(7000)),
        user(7, "carl@x", number(7001)),
        user(8, "dora", number(7000)),
    ];
    let refusals = apply(&rows, &mut directory).unwrap_err();
    let sentences: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "line 2: \"shared@x\" means more than one object; write one of the ids \
             00000000-0000-0000-0000-000000000002, 00000000-0000-0000-0000-000000000003",
            "line 3: \"TWINS\" means more than one object; write one of the ids \
             00000000-0000-0000-0000-00000000000b, 00000000-0000-0000-0000-00000000000c",
            "line 4: 00000000-0000-0000-0000-000000000001 is of the other kind: people stand under user, groups under group",
            "line 7: an earlier line sets another uidNumber or gidNumber for \"carl@x\"",
            "line 5: the number 5010 for \"bob@x\" belongs to object 00000000-0000-0000-0000-00000000000a",
            "line 8: the number 7000 for \"dora\" belongs to \"carl@x\" in line 6",
        ]
    );
    assert_eq!(directory, before);
}

#[test]
fn keys_add_up_within_an_import_and_replace_those_before() {
    let mut directory = directory();
    directory.overrides.objects.insert(
        object(1),
        Override {
            number: Some(5001),
            ..key("old")
        },
    );
    let rows = [
        user(1, "ada", key("a")),
        user(2, "ada@x", key("b")),
        user(3, "ada", key("a")),
    ];
    let applied = apply(&rows, &mut directory).unwrap();
    let expected = Override {
        number: Some(5001),
        ssh_keys: vec!["a".to_owned(), "b".to_owned()],
        ..Override::default()
    };
    assert_eq!(directory.overrides.objects[&object(1)], expected);
    assert_eq!(applied.changed, 1);
    assert_eq!(apply(&rows, &mut directory).unwrap().changed, 0);
}

#[test]
fn a_number_for_somebody_registered_waits_to_be_adopted() {
    let mut directory = directory();
    let applied = apply(&[user(1, "ada", number(6000))], &mut directory).unwrap();
    assert_eq!(applied.to_adopt, [object(1)]);
    let applied = apply(&[user(1, "ada", number(5001))], &mut directory).unwrap();
    assert_eq!(applied.to_adopt, []);
}

#[test]
fn rows_lead_back_to_the_same_overrides() {
    let mut directory = directory();
    let rows_in = [
        user(1, "ada", key("k")),
        group(2, "Eng Team", number(5010)),
        user(3, "dora", number(6000)),
        group(4, "new team", number(6001)),
    ];
    apply(&rows_in, &mut directory).unwrap();
    let out = rows(&directory);
    assert_eq!(out[0].label.as_deref(), Some("ada@x"));
    let mut again = self::directory();
    apply(&out, &mut again).unwrap();
    assert_eq!(again.overrides, directory.overrides);
}
