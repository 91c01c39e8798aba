//! Numbers, homes and names that somebody asks for by hand.

use super::*;
use crate::directory::Override;

impl Tenant {
    fn set_number(mut self, id: u128, number: u32) -> Self {
        let set = self
            .directory
            .overrides
            .objects
            .entry(object(id))
            .or_default();
        set.number = Some(number);
        self
    }

    fn mapped(mut self, id: u128, property: &str, value: &str) -> Self {
        let mapped = match self.directory.users.get_mut(&user_id(id)) {
            Some(user) => &mut Arc::make_mut(user).mapped,
            None => {
                let group = self.directory.groups.get_mut(&group_id(id)).unwrap();
                &mut Arc::make_mut(group).mapped
            }
        };
        mapped.insert(property.to_owned(), vec![value.to_owned()]);
        self.policy.mapped = MappedProperties {
            uid_number: Some("uid".to_owned()),
            gid_number: Some("gid".to_owned()),
            home: Some("home".to_owned()),
        };
        self
    }

    fn number(&self, id: u128) -> u32 {
        self.record(id).number
    }

    fn adopt(&mut self, id: u128) -> Result<Adopted, AdoptError> {
        adopt(&mut self.directory, &self.policy, object(id))
    }
}

#[test]
fn an_override_goes_before_a_mapped_number_and_that_before_the_derived_one() {
    let derived = Tenant::new().user(3, "c").registered().number(3);
    let tenant = Tenant::new()
        .user(1, "a")
        .user(2, "b")
        .user(3, "c")
        .group(4, "g");
    let tenant = tenant
        .mapped(1, "uid", "5001")
        .mapped(2, "uid", "5002")
        .mapped(4, "gid", "5004");
    let tenant = tenant.set_number(1, 5000).registered();
    assert_eq!(
        [1, 2, 3, 4].map(|id| tenant.number(id)),
        [5000, 5002, derived, 5004]
    );
    assert_eq!(tenant.problems, []);
}

#[test]
fn a_number_that_cannot_be_had_is_reported_and_the_derived_one_is_used() {
    for (value, fault) in [
        (
            "999",
            NumberFault::Reserved(number_range::Error::SystemAccounts(999)),
        ),
        ("five", NumberFault::NoNumber("five".to_owned())),
        (
            "5000",
            NumberFault::Taken {
                number: 5000,
                holder: object(1),
            },
        ),
    ] {
        let derived = Tenant::new().user(2, "b").registered().number(2);
        let tenant = Tenant::new().user(1, "a").set_number(1, 5000).user(2, "b");
        let tenant = tenant.mapped(2, "uid", value).registered();
        assert_eq!(tenant.number(2), derived);
        let problem = Problem::NumberUnusable {
            id: object(2),
            label: "b@example.com".to_owned(),
            source: NumberSource::Mapped,
            fault,
        };
        assert_eq!(tenant.problems, [problem]);
    }
}

#[test]
fn the_registered_number_wins_until_another_one_is_adopted_and_is_never_reused() {
    let mut tenant = Tenant::new()
        .user(1, "a")
        .registered()
        .set_number(1, 5000)
        .registered();
    let first = tenant.number(1);
    let problem = Problem::NumberDiffers {
        id: object(1),
        label: "a@example.com".to_owned(),
        registered: first,
        wanted: 5000,
        source: NumberSource::Override,
    };
    assert_eq!(tenant.problems, [problem]);
    assert_eq!(
        tenant.adopt(1),
        Ok(Adopted {
            from: first,
            to: 5000
        })
    );
    assert_eq!(tenant.adopt(1), Err(AdoptError::NothingToAdopt(object(1))));

    let records = tenant.directory.registry.iter();
    let again = Registry::from_records(records.map(|(id, record)| (id, record.clone())));
    assert_eq!(again, *tenant.directory.registry);
    let mut tenant = tenant
        .user(2, "b")
        .registered()
        .set_number(2, first)
        .registered();
    let fault = NumberFault::Taken {
        number: first,
        holder: object(1),
    };
    assert_eq!(
        tenant.adopt(2),
        Err(AdoptError::Unusable {
            id: object(2),
            fault
        })
    );
    assert_eq!(tenant.adopt(9), Err(AdoptError::Unregistered(object(9))));
    // Its own old number may be taken back.
    let mut tenant = tenant.set_number(1, first);
    assert_eq!(
        tenant.adopt(1),
        Ok(Adopted {
            from: 5000,
            to: first
        })
    );
    assert_eq!(tenant.record(1).former_numbers, [5000]);
}

#[test]
fn settings_for_a_name_wait_for_the_object_that_bears_it() {
    let mut tenant = Tenant::new();
    for (name, number) in [
        ("user:a@example.com", 5000),
        ("group:eng", 5001),
        ("user:later", 5002),
    ] {
        let set = Override {
            number: Some(number),
            ..Override::default()
        };
        tenant
            .directory
            .overrides
            .awaited
            .insert(name.to_owned(), set);
    }
    let tenant = tenant.user(1, "A").group(2, "Eng").registered();
    assert_eq!((tenant.number(1), tenant.number(2)), (5000, 5001));
    let awaited = tenant.directory.overrides.awaited.keys();
    assert_eq!(awaited.collect::<Vec<_>>(), ["user:later"]);
    assert_eq!(tenant.directory.overrides.objects.len(), 2);
}

#[test]
fn a_home_is_registered_as_asked_for_once() {
    let tenant = Tenant::new()
        .user(1, "a")
        .mapped(1, "home", "/srv/a")
        .registered();
    assert_eq!(tenant.record(1).home.as_deref(), Some("/srv/a"));
    let tenant = tenant.mapped(1, "home", "/srv/b").registered();
    assert_eq!(tenant.record(1).home.as_deref(), Some("/srv/a"));
    let tenant = tenant.user(2, "b").mapped(2, "home", "srv:b").registered();
    assert_eq!(tenant.record(2).home.as_deref(), Some("/home/b"));
    assert!(matches!(
        tenant.problems[..],
        [Problem::HomeUnusable { .. }]
    ));
}

#[test]
fn a_name_is_released_from_the_dead_and_the_renamed_but_never_from_its_user() {
    let mut tenant = Tenant::new().user(1, "alice").user(2, "bob").registered();
    let directory = &mut tenant.directory;
    let in_use = release_name(directory, "Alice");
    let expected = ReleaseError::InUse {
        name: "Alice".to_owned(),
        holder: object(1),
        label: Some("alice@example.com".to_owned()),
    };
    assert_eq!(in_use, Err(expected));
    let free = release_name(directory, "nobody");
    assert_eq!(free, Err(ReleaseError::NotHeld("nobody".to_owned())));

    let mut tenant = tenant.user(2, "rob").without(1).registered();
    for name in ["alice", "bob"] {
        assert!(release_name(&mut tenant.directory, name).is_ok(), "{name}");
    }
    let tenant = tenant.user(3, "alice").user(4, "bob").registered();
    tenant.check(&[(2, Ok("rob")), (3, Ok("alice")), (4, Ok("bob"))]);
}

#[test]
fn the_deleted_are_remembered_by_what_people_called_them() {
    let tenant = Tenant::new()
        .user(1, "alice")
        .user(2, "bob")
        .registered()
        .without(1)
        .registered();
    let registry = &tenant.directory.registry;
    for name in ["Alice", "ALICE@example.com"] {
        let found: Vec<_> = registry.deleted_named(name).map(|(id, _)| id).collect();
        assert_eq!(found, [object(1)], "{name}");
    }
    assert_eq!(registry.deleted_named("bob").count(), 0);
}
