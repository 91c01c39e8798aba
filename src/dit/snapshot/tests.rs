use std::sync::Arc;

use super::*;
use crate::directory::attribute::{MappedAttribute, Mapping};
use crate::directory::{Decision, Directory, ObjectId, Override, Reason, Stamps};
use crate::dit::tests::{at, directory, names, object, settings, snapshot};
use crate::dit::{Filter, InactiveUsers, PrimaryGroup, Settings, schema};

const MODIFY_TIMESTAMP: AttributeId = id("modifyTimestamp");

fn modified(snapshot: &Snapshot, dn: &str) -> String {
    let entry = snapshot.find(&Dn::parse(dn).unwrap()).unwrap();
    String::from_utf8(
        snapshot
            .entry(entry)
            .value(MODIFY_TIMESTAMP)
            .unwrap()
            .to_vec(),
    )
    .unwrap()
}

#[test]
fn the_tree_has_containers_accounts_people_and_groups() {
    let snapshot = snapshot();
    let expected = [
        "dc=example",
        "ou=people",
        "ou=groups",
        "cn=vpn",
        "uid=ada",
        "uid=zoe",
        "cn=ada",
        "cn=zoe",
        "cn=eng",
        "cn=all",
        "cn=empty",
    ];
    assert_eq!(
        names(&snapshot, snapshot.visible().iter().copied()),
        expected
    );
}

#[test]
fn names_lead_to_entries_in_any_spelling() {
    let snapshot = snapshot();
    let find = |dn: &str| snapshot.find(&Dn::parse(dn).unwrap());
    assert_eq!(
        find("UID=Ada , OU=People,DC=EXAMPLE,dc=com"),
        find("uid=ada,ou=people,dc=example,dc=com")
    );
    assert!(
        find("uid=carl,ou=people,dc=example,dc=com").is_some(),
        "inactive people are held"
    );
    assert_eq!(find("uid=nobody,ou=people,dc=example,dc=com"), None);
    assert_eq!(find(""), None);
}

#[test]
fn a_person_is_found_by_entry_and_by_id() {
    let snapshot = snapshot();
    let entry = snapshot.entry_of(UserId(object(3))).unwrap();
    let carl = Person {
        id: UserId(object(3)),
        user_principal_name: Some("carl@contoso.example".into()),
        is_active: false,
    };
    assert_eq!(snapshot.person(entry), Some(carl));
    assert_eq!(snapshot.person(BASE), None);
}

#[test]
fn whoever_the_tenant_has_disabled_or_deleted_cannot_bind_while_that_is_held_back() {
    let mut directory = directory();
    let ada = UserId(object(1));
    Arc::make_mut(directory.users.get_mut(&ada).unwrap()).account_enabled = Some(false);
    directory.withheld.users.insert(UserId(object(2)), None);
    let snapshot = Snapshot::build(&directory, &settings(), &mut Stamps::new(), at(1_000));
    for id in [1, 2] {
        let entry = snapshot.entry_of(UserId(object(id))).unwrap();
        assert!(snapshot.head(entry).visible, "{id} is served");
        assert!(
            !snapshot.person(entry).unwrap().is_active,
            "{id} cannot bind"
        );
    }
}

#[test]
fn modify_timestamp_moves_with_the_entry_and_only_then() {
    let (mut directory, mut stamps) = (directory(), Stamps::new());
    Snapshot::build(&directory, &settings(), &mut stamps, at(1_000));
    let unchanged = Snapshot::build(&directory, &settings(), &mut stamps, at(2_000));
    let (ada, zoe) = (
        "uid=ada,ou=people,dc=example,dc=com",
        "uid=zoe,ou=people,dc=example,dc=com",
    );
    let (eng, all) = (
        "cn=eng,ou=groups,dc=example,dc=com",
        "cn=all,ou=groups,dc=example,dc=com",
    );
    assert_eq!(modified(&unchanged, ada), "19700101001640Z");

    let group = directory.groups.get_mut(&GroupId(object(10))).unwrap();
    Arc::make_mut(group).members.remove(&object(1));
    let left = Snapshot::build(&directory, &settings(), &mut stamps, at(3_000));
    for moved in [ada, eng, all] {
        assert_eq!(modified(&left, moved), "19700101005000Z", "{moved}");
    }
    assert_eq!(modified(&left, zoe), "19700101001640Z");
}

#[test]
fn an_entry_that_reappears_is_stamped_anew() {
    let (mut directory, mut stamps) = (directory(), Stamps::new());
    let zoe = UserId(object(2));
    Snapshot::build(&directory, &settings(), &mut stamps, at(1_000));
    let included = directory.decisions.users[&zoe].clone();
    directory
        .decisions
        .users
        .insert(zoe, Decision::Exclude(crate::directory::Reason::Disabled));
    Snapshot::build(&directory, &settings(), &mut stamps, at(2_000));
    assert!(!stamps.contains_key(&ObjectId::from(zoe).0));
    directory.decisions.users.insert(zoe, included);
    let back = Snapshot::build(&directory, &settings(), &mut stamps, at(3_000));
    assert_eq!(
        modified(&back, "uid=zoe,ou=people,dc=example,dc=com"),
        "19700101005000Z"
    );
}

/// `attribute: value` of an entry, objectClass and what never changes left out, in the order of the alphabet.
fn shown(snapshot: &Snapshot, dn: &str) -> Vec<String> {
    const LEFT_OUT: [&str; 5] = [
        "structuralObjectClass",
        "subschemaSubentry",
        "hasSubordinates",
        "entryDN",
        "modifyTimestamp",
    ];
    let entry = snapshot.entry(snapshot.find(&Dn::parse(dn).unwrap()).unwrap());
    let mut lines: Vec<_> = entry
        .attributes()
        .filter(|(attribute, _)| !LEFT_OUT.contains(&attribute.get().name()))
        .flat_map(|(attribute, _)| {
            let name = attribute.get().name();
            let text = move |value: &[u8]| format!("{name}: {}", String::from_utf8_lossy(value));
            entry.values(attribute).map(text)
        })
        .collect();
    lines.sort_unstable();
    lines
}

const ADA: &str = "uid=ada,ou=people,dc=example,dc=com";
const ZOE: &str = "uid=zoe,ou=people,dc=example,dc=com";
const CARL: &str = "uid=carl,ou=people,dc=example,dc=com";

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH9GWN8Yx/hZMqWepqTKrg6VQlQW9xfDt6wG5jbQlyCm ada@laptop";
const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH9GWN8Yx/hZMqWepqTKrg6VQlQW9xfDt6wG5jbQlyCm ada@tower";

/// Settings that map these attributes of people to properties of the same name.
fn mapping(attributes: &[&str]) -> Settings {
    let mapped = |name: &&str| MappedAttribute {
        attribute: crate::dit::mapping::mappable(name).unwrap().1,
        property: name.to_string(),
    };
    Settings {
        mapping: Mapping {
            user: attributes.iter().map(mapped).collect(),
            group: Vec::new(),
        },
        ..settings()
    }
}

/// The directory in which the tenant holds these values of mapped properties for Ada (1) and Carl (3).
fn directory_with(values: &[(&str, &str)]) -> Directory {
    let mut directory = directory();
    for id in [1, 3] {
        let user = Arc::make_mut(directory.users.get_mut(&UserId(object(id))).unwrap());
        let values = values
            .iter()
            .map(|(name, value)| (name.to_string(), vec![value.to_string()]));
        user.mapped = values.collect();
    }
    directory
}

fn built(directory: &Directory, settings: &Settings) -> Snapshot {
    Snapshot::build(directory, settings, &mut Stamps::new(), at(1_000))
}

#[test]
fn mapped_values_take_the_place_of_the_built_in_source() {
    let directory = directory_with(&[
        ("sshPublicKey", &format!("{KEY}\n{OTHER_KEY}\n{KEY}")),
        ("loginShell", "/bin/zsh"),
        ("ou", "Engines"),
        ("description", "Wrote the first program"),
        ("gecos", "Ada, Room 7"),
    ]);
    let settings = mapping(&[
        "sshPublicKey",
        "loginShell",
        "ou",
        "description",
        "gecos",
        "title",
    ]);
    assert_eq!(
        shown(&built(&directory, &settings), ADA),
        [
            "cn: Ada Lovelace",
            "createTimestamp: 20200913122640Z",
            "departmentNumber: Research",
            "description: Wrote the first program",
            "displayName: Ada Lovelace",
            "entryUUID: 00000000-0000-0000-0000-000000000001",
            "gecos: Ada, Room 7",
            "gidNumber: 10001",
            "givenName: Ada",
            "homeDirectory: /home/ada",
            "loginShell: /bin/zsh",
            "mail: Ada@contoso.example",
            "objectClass: inetOrgPerson",
            "objectClass: ldapPublicKey",
            "objectClass: office365Object",
            "objectClass: organizationalPerson",
            "objectClass: person",
            "objectClass: posixAccount",
            "objectClass: shadowAccount",
            "objectClass: top",
            "ou: Engines",
            "sAMAccountName: ada",
            "sn: Lovelace",
            &format!("sshPublicKey: {KEY}"),
            &format!("sshPublicKey: {OTHER_KEY}"),
            "telephoneNumber: +1 425-555-0100",
            "uid: ada",
            "uidNumber: 10001",
            "userPrincipalName: ada@contoso.example",
        ]
    );
}

#[test]
fn a_bad_value_is_left_out_and_the_built_in_source_stands() {
    let directory = directory_with(&[
        ("sshPublicKey", "hunter2"),
        ("loginShell", "zsh"),
        ("gecos", "a:b"),
        ("sn", " "),
    ]);
    let mapped = built(
        &directory,
        &mapping(&["sshPublicKey", "loginShell", "gecos", "sn"]),
    );
    let plain = built(&directory, &settings());
    assert_eq!(shown(&mapped, ADA), shown(&plain, ADA));
}

#[test]
fn what_the_administrator_set_comes_before_the_tenant_and_keys_add_up() {
    let mut directory = directory_with(&[("sshPublicKey", KEY), ("loginShell", "/bin/zsh")]);
    let set = Override {
        login_shell: Some("/bin/fish".to_owned()),
        ssh_keys: vec![OTHER_KEY.to_owned(), KEY.to_owned()],
        ..Override::default()
    };
    directory.overrides.objects.insert(object(1), set.clone());
    directory.overrides.objects.insert(object(3), set);
    let snapshot = built(&directory, &mapping(&["sshPublicKey", "loginShell"]));
    let ada = shown(&snapshot, ADA);
    assert!(ada.contains(&"loginShell: /bin/fish".to_owned()));
    let keys: Vec<_> = ada
        .iter()
        .filter(|line| line.starts_with("sshPublicKey"))
        .collect();
    assert_eq!(
        keys,
        [
            &format!("sshPublicKey: {KEY}"),
            &format!("sshPublicKey: {OTHER_KEY}")
        ]
    );
    assert!(
        !shown(&snapshot, ZOE)
            .iter()
            .any(|line| line.contains("ublicKey"))
    );
}

#[test]
fn modify_timestamp_moves_with_the_mapping_and_the_mapped_value() {
    let directory = directory_with(&[("title", "Countess")]);
    let mut stamps = Stamps::new();
    Snapshot::build(&directory, &settings(), &mut stamps, at(1_000));
    let mapped = Snapshot::build(&directory, &mapping(&["title"]), &mut stamps, at(2_000));
    assert_eq!(modified(&mapped, ADA), "19700101003320Z");
    assert_eq!(modified(&mapped, ZOE), "19700101001640Z");
    let changed = directory_with(&[("title", "Baroness")]);
    let changed = Snapshot::build(&changed, &mapping(&["title"]), &mut stamps, at(3_000));
    assert_eq!(modified(&changed, ADA), "19700101005000Z");
}

fn showing_inactive() -> Settings {
    Settings {
        inactive_users: InactiveUsers::Show,
        ..mapping(&["sshPublicKey", "loginShell"])
    }
}

#[test]
fn inactive_people_are_shown_locked_in_every_way() {
    let mut directory = directory_with(&[("sshPublicKey", KEY), ("loginShell", "/bin/zsh")]);
    let set = Override {
        ssh_keys: vec![KEY.to_owned()],
        login_shell: Some("/bin/sh".to_owned()),
        ..Override::default()
    };
    directory.overrides.objects.insert(object(3), set);
    let snapshot = built(&directory, &showing_inactive());
    assert_eq!(
        shown(&snapshot, CARL),
        [
            "cn: carl",
            "entryUUID: 00000000-0000-0000-0000-000000000003",
            "gecos: carl",
            "gidNumber: 10003",
            "homeDirectory: /home/carl",
            "loginShell: /usr/sbin/nologin",
            "nsAccountLock: TRUE",
            "objectClass: inetOrgPerson",
            "objectClass: office365Object",
            "objectClass: organizationalPerson",
            "objectClass: person",
            "objectClass: posixAccount",
            "objectClass: shadowAccount",
            "objectClass: top",
            "pwdAccountLockedTime: 000001010000Z",
            "sAMAccountName: carl",
            "shadowExpire: 1",
            "sn: carl",
            "uid: carl",
            "uidNumber: 10003",
            "userPrincipalName: carl@contoso.example",
        ]
    );
    let entry = snapshot.entry_of(UserId(object(3))).unwrap();
    assert!(!snapshot.person(entry).unwrap().is_active);
    assert!(snapshot.groups_of(entry).is_empty());
    let group = snapshot
        .find(&Dn::parse("cn=eng,ou=groups,dc=example,dc=com").unwrap())
        .unwrap();
    assert!(!snapshot.members(group).contains(&entry));
    let visible = names(&snapshot, snapshot.visible().iter().copied());
    assert_eq!(
        visible
            .iter()
            .filter(|name| *name == "uid=carl" || *name == "cn=carl")
            .count(),
        2
    );
}

#[test]
fn no_search_for_members_finds_inactive_people_and_searches_for_locks_do() {
    let snapshot = built(&directory(), &showing_inactive());
    let found = |filter: Filter| {
        let plan = crate::dit::filter::compile(&filter, &snapshot);
        names(
            &snapshot,
            snapshot
                .visible()
                .iter()
                .copied()
                .filter(|&entry| plan.matches(entry)),
        )
    };
    let equal = |attribute, value: &'static str| {
        Filter::Equality(crate::dit::filter::Ava {
            attribute,
            value: value.as_bytes(),
        })
    };
    assert_eq!(found(equal("memberUid", "carl")), [""; 0]);
    assert_eq!(found(equal("member", CARL)), [""; 0]);
    assert_eq!(
        found(equal("memberOf", "cn=eng,ou=groups,dc=example,dc=com")),
        ["uid=ada"]
    );
    assert_eq!(found(equal("nsAccountLock", "true")), ["uid=carl"]);
    assert_eq!(found(equal("shadowExpire", "1")), ["uid=carl"]);
    assert_eq!(
        found(equal("pwdAccountLockedTime", "000001010000Z")),
        ["uid=carl"]
    );
}

#[test]
fn who_has_no_sound_name_or_is_a_guest_is_not_shown() {
    let mut directory = directory();
    let carl = UserId(object(3));
    let is_shown = |directory: &Directory, settings: &Settings| {
        let snapshot = built(directory, settings);
        let entry = snapshot.entry_of(carl).unwrap();
        snapshot.head(entry).visible
    };
    for reason in [
        Reason::Guest,
        Reason::NoUsername,
        Reason::NameReserved("carl".to_owned()),
        Reason::NameTaken {
            name: "carl".to_owned(),
            holder: object(1),
        },
        Reason::NumbersExhausted,
    ] {
        directory
            .decisions
            .users
            .insert(carl, Decision::Exclude(reason.clone()));
        assert!(!is_shown(&directory, &showing_inactive()), "{reason}");
    }
    directory
        .decisions
        .users
        .insert(carl, Decision::Exclude(Reason::NotAllowed));
    assert!(is_shown(&directory, &showing_inactive()));
    Arc::make_mut(directory.users.get_mut(&carl).unwrap()).is_guest = true;
    assert!(!is_shown(&directory, &showing_inactive()));
    let with_guests = Settings {
        guests: true,
        ..showing_inactive()
    };
    assert!(is_shown(&directory, &with_guests));
}

#[test]
fn a_shared_primary_group_is_everybodys_and_replaces_the_private_ones() {
    let shared = |name: &str| Settings {
        primary_group: PrimaryGroup::Shared(name.to_owned()),
        ..showing_inactive()
    };
    let snapshot = built(&directory(), &shared("eng"));
    for (dn, uid_number) in [(ADA, "10001"), (ZOE, "10002"), (CARL, "10003")] {
        let lines = shown(&snapshot, dn);
        assert!(lines.contains(&"gidNumber: 10010".to_owned()), "{dn}");
        assert!(lines.contains(&format!("uidNumber: {uid_number}")), "{dn}");
    }
    let ada = snapshot.entry_of(UserId(object(1))).unwrap();
    assert_eq!(snapshot.private_group_of(ada), None);
    let visible = names(&snapshot, snapshot.visible().iter().copied());
    assert_eq!(
        visible[visible.len() - 6..],
        [
            "uid=ada", "uid=zoe", "uid=carl", "cn=eng", "cn=all", "cn=empty"
        ]
    );
    let groups = ["eng", "all"].map(|name| {
        let dn = format!("cn={name},ou=groups,dc=example,dc=com");
        snapshot.find(&Dn::parse(&dn).unwrap()).unwrap()
    });
    assert_eq!(snapshot.groups_of(ada), groups);
    assert_eq!(snapshot.group(groups[0]), Some(GroupId(object(10))));

    let unknown = built(&directory(), &shared("nobody"));
    assert!(shown(&unknown, ADA).contains(&"gidNumber: 10001".to_owned()));
    assert!(
        unknown
            .private_group_of(unknown.entry_of(UserId(object(1))).unwrap())
            .is_some()
    );
}

/// MUST, MAY and SINGLE-VALUE of the published schema, held against every entry of every shape.
#[test]
fn every_entry_obeys_the_schema() {
    let values = [
        ("sshPublicKey", KEY),
        ("loginShell", "/bin/zsh"),
        ("description", "x"),
        ("title", "x"),
        ("gecos", "x"),
    ];
    let directory_of_values = directory_with(&values);
    let mapped = mapping(&values.map(|(name, _)| name));
    let shared = Settings {
        primary_group: PrimaryGroup::Shared("eng".to_owned()),
        inactive_users: InactiveUsers::Show,
        ..mapped.clone()
    };
    for snapshot in [
        snapshot(),
        built(&directory_of_values, &mapped),
        built(&directory_of_values, &showing_inactive()),
        built(&directory_of_values, &shared),
    ] {
        for &entry in snapshot.visible() {
            check_schema(snapshot.entry(entry));
        }
    }
}

fn check_schema(encoded: Encoded) {
    let label = String::from_utf8_lossy(encoded.dn()).into_owned();
    let classes: Vec<_> = encoded
        .values(id("objectClass"))
        .map(|name| schema::object_class(std::str::from_utf8(name).unwrap()).unwrap())
        .collect();
    let structural: Vec<_> = classes
        .iter()
        .filter(|class| class.form == "STRUCTURAL")
        .collect();
    let is_chain = structural
        .windows(2)
        .all(|pair| pair[1].sup == Some(pair[0].name));
    assert!(!structural.is_empty() && is_chain, "{label}");
    for class in &classes {
        for must in class.must {
            assert!(
                encoded.has(schema::lookup(must).unwrap()),
                "{label} lacks {must}"
            );
        }
    }
    let allowed = |name: &str| {
        classes
            .iter()
            .any(|c| c.must.contains(&name) || c.may.contains(&name))
    };
    for (attribute, _) in encoded.attributes() {
        let row = attribute.get();
        assert!(
            row.operational || allowed(row.name()),
            "{label} may not have {}",
            row.name()
        );
        assert!(
            !row.single || encoded.values(attribute).count() == 1,
            "{label}: {}",
            row.name()
        );
    }
}
