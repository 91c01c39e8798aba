use std::sync::Arc;

use super::*;
use crate::directory::{Decision, ObjectId, Stamps};
use crate::dit::schema;
use crate::dit::tests::{at, directory, names, object, settings, snapshot};

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

/// MUST, MAY and SINGLE-VALUE of the published schema, held against every entry.
#[test]
fn every_entry_obeys_the_schema() {
    let snapshot = snapshot();
    for &entry in snapshot.visible() {
        let encoded = snapshot.entry(entry);
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
}
