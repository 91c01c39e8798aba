use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::graph::{Flaw, Problem};

const ADA: &str = "25dcffff-959e-4ece-9973-e5d9b800e8cc";
const BOSS: &str = "605d1257-ffff-40b6-8e6f-528a53f5dc55";
const KEYS: &str = "extension_0123456789abcdef0123456789abcdef_keys";
const FIRST: &str = "onPremisesExtensionAttributes.extensionAttribute1";

fn read(mut entry: Value) -> (Option<UserChange>, Vec<Problem>) {
    entry
        .as_object_mut()
        .unwrap()
        .entry("id")
        .or_insert(ADA.into());
    let mut problems = Vec::new();
    let mapped = [KEYS, FIRST].map(str::to_owned);
    (UserChange::read(&entry, &mapped, &mut problems), problems)
}

/// Applies an entry, which must be an upsert without flaws.
fn apply(user: &mut User, entry: Value) {
    let (Some(UserChange::Upsert { id, patch }), problems) = read(entry) else {
        panic!("not an upsert")
    };
    assert_eq!(problems, []);
    assert_eq!(id.to_string(), ADA);
    patch.apply_to(user);
}

fn ada() -> User {
    let mut user = User::default();
    apply(
        &mut user,
        json!({
            "proxyAddresses": ["SMTP:ada@contoso.example", "smtp:al@contoso.example"],
            "userPrincipalName": "ada@contoso.example", "displayName": "Ada Lovelace", "mail": "ada@contoso.example",
            "accountEnabled": true, "userType": "Member", "createdDateTime": "2020-02-03T04:05:06Z",
            "businessPhones": ["+44 1"], "mobilePhone": null, "manager@delta":
                [{"@odata.type": "#microsoft.graph.user", "id": BOSS}], "@odata.type": "#microsoft.graph.user",
        }),
    );
    user
}

#[test]
fn whole_object_is_read_in_any_order_of_properties() {
    let user = ada();
    assert_eq!(
        user.user_principal_name.as_deref(),
        Some("ada@contoso.example")
    );
    assert_eq!(
        user.proxy_addresses,
        ["SMTP:ada@contoso.example", "smtp:al@contoso.example"]
    );
    assert_eq!(user.account_enabled, Some(true));
    assert_eq!(user.created, Some("2020-02-03T04:05:06Z".parse().unwrap()));
    assert_eq!(user.manager, Some(BOSS.parse().unwrap()));
    assert!(!user.is_guest);
}

#[test]
fn absence_from_a_whole_object_means_never_set_but_for_enabled_and_manager() {
    let mut user = ada();
    apply(
        &mut user,
        json!({"userPrincipalName": "ada@contoso.example"}),
    );
    let expected = User {
        user_principal_name: Some("ada@contoso.example".to_owned()),
        account_enabled: Some(true),
        manager: Some(BOSS.parse().unwrap()),
        ..User::default()
    };
    assert_eq!(user, expected);
}

#[test]
fn partial_entry_changes_only_what_it_names() {
    let mut user = ada();
    apply(&mut user, json!({"jobTitle": "Countess", "mail": null}));
    let expected = User {
        job_title: Some("Countess".to_owned()),
        mail: None,
        ..ada()
    };
    assert_eq!(user, expected);
}

#[test]
fn explicit_null_clears_enabled_too() {
    let mut user = ada();
    apply(
        &mut user,
        json!({"accountEnabled": null, "businessPhones": null}),
    );
    assert_eq!(
        user,
        User {
            account_enabled: None,
            business_phones: Vec::new(),
            ..ada()
        }
    );
}

#[test]
fn empty_string_is_as_good_as_null() {
    let mut user = ada();
    apply(&mut user, json!({"displayName": ""}));
    assert_eq!(user.display_name, None);
}

#[test]
fn manager_is_replaced_in_either_order_and_removed() {
    let new = json!({"id": ADA});
    let old = json!({"id": BOSS, "@removed": {"reason": "deleted"}});
    for links in [[old.clone(), new.clone()], [new, old.clone()]] {
        let mut user = ada();
        apply(&mut user, json!({"manager@delta": links}));
        assert_eq!(user.manager, Some(ADA.parse().unwrap()));
    }
    let mut user = ada();
    apply(&mut user, json!({"manager@delta": [old]}));
    assert_eq!(user.manager, None);
}

#[test]
fn guest_is_known_by_user_type_in_any_case() {
    let mut user = ada();
    apply(&mut user, json!({"userType": "guest"}));
    assert!(user.is_guest);
}

#[test]
fn removal_is_read_with_or_without_other_properties() {
    let remove = |reason| {
        Some(UserChange::Remove {
            id: ADA.parse().unwrap(),
            reason,
        })
    };
    assert_eq!(
        read(json!({"@removed": {"reason": "changed"}})).0,
        remove(Removal::Soft)
    );
    assert_eq!(
        read(json!({"@removed": {"reason": "deleted"}, "displayName": "x"})).0,
        remove(Removal::Permanent)
    );
    assert_eq!(read(json!({"@removed": {}})).0, remove(Removal::Permanent));
}

#[test]
fn wrongly_typed_property_is_reported_and_left_as_known_even_in_a_whole_object() {
    let (change, problems) = read(json!({
        "userPrincipalName": "ada@contoso.example", "displayName": 7, "proxyAddresses": ["ok", 1],
        "accountEnabled": "yes", "createdDateTime": "yesterday", "manager@delta": "nobody",
    }));
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_ref())
        .collect();
    assert_eq!(
        fields,
        [
            "displayName",
            "proxyAddresses",
            "accountEnabled",
            "createdDateTime",
            "manager@delta"
        ]
    );
    assert_eq!(problems[3].flaw, Flaw::NotADate);
    assert!(problems.iter().all(|problem| problem.id == ADA));

    let Some(UserChange::Upsert { patch, .. }) = change else {
        panic!("skipped")
    };
    let (mut user, known) = (ada(), ada());
    patch.apply_to(&mut user);
    assert_eq!(user.display_name, known.display_name);
    assert_eq!(user.proxy_addresses, known.proxy_addresses);
    assert_eq!(user.account_enabled, known.account_enabled);
    assert_eq!(user.created, known.created);
    assert_eq!(user.mail, None);
}

#[test]
fn every_property_that_is_read_is_asked_for() {
    let select = UserChange::select();
    for name in [
        "id",
        "userPrincipalName",
        "preferredLanguage",
        "accountEnabled",
        "userType",
        "manager",
    ] {
        assert_eq!(
            select.iter().filter(|property| **property == name).count(),
            1,
            "{name}"
        );
    }
    assert_eq!(select.len(), 27);
}

#[test]
fn mapped_values_become_texts_and_follow_the_rules_of_presence() {
    let with = |values: Value| json!({"userPrincipalName": "ada@contoso.example", KEYS: values});
    let attributes = |first: Value| {
        json!({"userPrincipalName": "ada@contoso.example",
            "onPremisesExtensionAttributes": {"extensionAttribute1": first, "extensionAttribute2": "other"}})
    };
    let held = |name: &str, values: &[&str]| -> BTreeMap<String, Vec<String>> {
        [(
            name.to_owned(),
            values.iter().map(|text| text.to_string()).collect(),
        )]
        .into()
    };
    let none = BTreeMap::new();
    for (entry, expected) in [
        (with(json!("a")), held(KEYS, &["a"])),
        (with(json!(["a", "b"])), held(KEYS, &["a", "b"])),
        (with(json!(4711)), held(KEYS, &["4711"])),
        (with(json!(true)), held(KEYS, &["true"])),
        (with(json!("")), none.clone()),
        (with(json!([])), none.clone()),
        (with(json!(null)), none.clone()),
        (
            json!({"userPrincipalName": "ada@contoso.example"}),
            none.clone(),
        ),
        (json!({"displayName": "Ada"}), held(KEYS, &["known"])),
        (json!({"displayName": "Ada", KEYS: null}), none.clone()),
        (attributes(json!("first")), held(FIRST, &["first"])),
        (attributes(json!(null)), none.clone()),
        (
            json!({"userPrincipalName": "ada@contoso.example", "onPremisesExtensionAttributes": null}),
            none,
        ),
    ] {
        let mut user = User {
            mapped: held(KEYS, &["known"]),
            ..User::default()
        };
        apply(&mut user, entry.clone());
        assert_eq!(user.mapped, expected, "{entry}");
    }
}

#[test]
fn unreadable_mapped_value_is_reported_and_left_as_known() {
    for entry in [
        json!({"userPrincipalName": "ada@contoso.example", KEYS: {"a": 1}}),
        json!({"userPrincipalName": "ada@contoso.example", KEYS: ["a", null]}),
    ] {
        let (Some(UserChange::Upsert { patch, .. }), problems) = read(entry) else {
            panic!("skipped")
        };
        assert_eq!((problems.len(), problems[0].field.as_ref()), (1, KEYS));
        let mut user = User::default();
        user.mapped
            .insert(KEYS.to_owned(), vec!["known".to_owned()]);
        user.mapped
            .insert("no longer mapped".to_owned(), vec!["x".to_owned()]);
        patch.apply_to(&mut user);
        assert_eq!(user.mapped.len(), 1);
        assert_eq!(user.mapped[KEYS], ["known"]);
    }
}

#[test]
fn extension_attributes_that_are_no_object_are_unreadable() {
    let entry =
        json!({"userPrincipalName": "ada@contoso.example", "onPremisesExtensionAttributes": 7});
    let (_, problems) = read(entry);
    assert_eq!(problems[0].field, FIRST);
}
