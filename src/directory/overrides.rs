//! What an administrator has set for single people and groups here, whatever the tenant says.

mod import;

use std::collections::BTreeMap;

use super::ObjectId;
use super::attribute::{self, AttributeFlaw, Flaw};
use super::name::fold;
use super::number_range::claimant;

pub use import::{Applied, Refusal, Row, RowName, apply, rows};

/// Local settings by object id, and those that wait for an object that has not been read yet.
///
/// They survive every sync, and the deletion of the object: its number stays its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Of objects that are known.
    pub objects: BTreeMap<ObjectId, Override>,
    /// Of names that are not known yet, as imported from another directory before the first sync. The keys are
    /// [`AwaitedName`]s as text; [`Overrides::claim`] hands them to the first object of that name.
    pub awaited: BTreeMap<String, Override>,
}

/// A name that no object had when something was set for it: `user:` or `group:`, and the name folded.
///
/// People and groups are told apart, because ordinary members of a tenant may create groups of any name, and such a
/// group must not get the number that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwaitedName(String);

const USER_PREFIX: &str = "user:";
const GROUP_PREFIX: &str = "group:";

impl AwaitedName {
    /// A person's userPrincipalName, mail address or username.
    pub fn user(name: &str) -> Self {
        Self(format!("{USER_PREFIX}{}", fold(name)))
    }

    /// A group's `cn`, display name or mail address.
    pub fn group(name: &str) -> Self {
        Self(format!("{GROUP_PREFIX}{}", fold(name)))
    }

    /// The key in [`Overrides::awaited`].
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Overrides {
    /// Hands an object what waits for one of its names, when nothing is set for the object itself.
    ///
    /// To be called before the object's first registration, with its names in the order in which they count.
    pub fn claim(&mut self, id: ObjectId, names: impl IntoIterator<Item = AwaitedName>) {
        if self.awaited.is_empty() || self.objects.contains_key(&id) {
            return;
        }
        let mut names = names.into_iter();
        if let Some(set) = names.find_map(|name| self.awaited.remove(name.as_str())) {
            self.objects.insert(id, set);
        }
    }
}

/// What is set for one object; absent means that the tenant or the configuration decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// `uidNumber` and private `gidNumber` of a person, `gidNumber` of a group. Counts at first registration; later
    /// only through `ldap365 ids adopt`.
    pub number: Option<u32>,
    /// `loginShell` of a person.
    pub login_shell: Option<String>,
    /// `homeDirectory` of a person. Counts at first registration.
    pub home: Option<String>,
    /// `sshPublicKey` values of a person, beside those of a mapped attribute.
    pub ssh_keys: Vec<String>,
}

impl Override {
    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What could not be served of it, each with the attribute's name. A shell or key goes straight into entries, so
    /// nothing with a flaw may be stored.
    pub fn check(&self) -> Vec<AttributeFlaw> {
        let mut flaws = Vec::new();
        let mut note = |name, text: &str, flaw: Option<Flaw>| {
            flaws.extend(flaw.map(|flaw| AttributeFlaw::new(name, text, flaw)));
        };
        if let Some(number) = self.number {
            let flaw = claimant(number).map(|owner| Flaw::Claimed { number, owner });
            note("uidNumber or gidNumber", &number.to_string(), flaw);
        }
        if let Some(shell) = &self.login_shell {
            note("loginShell", shell, attribute::path(shell).err());
        }
        if let Some(home) = &self.home {
            note("homeDirectory", home, attribute::path(home).err());
        }
        for key in &self.ssh_keys {
            note("sshPublicKey", key, attribute::ssh_key(key).err());
        }
        flaws
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn number(number: u32) -> Override {
        Override {
            number: Some(number),
            ..Override::default()
        }
    }

    #[test]
    fn every_flaw_of_an_override_is_found_at_once() {
        let set = Override {
            number: Some(999),
            login_shell: Some("zsh".to_owned()),
            home: Some("/home/a:b".to_owned()),
            ssh_keys: vec!["hunter2".to_owned()],
        };
        let found: Vec<_> = set.check().into_iter().map(|flaw| flaw.attribute).collect();
        assert_eq!(
            found,
            [
                "uidNumber or gidNumber",
                "loginShell",
                "homeDirectory",
                "sshPublicKey"
            ]
        );
        assert_eq!(
            set.check()[1].to_string(),
            "loginShell \"zsh\": it is not an absolute path"
        );
        assert_eq!(Override::default().check(), []);
    }

    #[test]
    fn what_waits_goes_to_the_first_object_of_that_name_and_kind() {
        let (person, namesake, group) = [1, 2, 3].map(|n| ObjectId(Uuid::from_u128(n))).into();
        let mut overrides = Overrides::default();
        let alice = AwaitedName::user("Alice");
        overrides
            .awaited
            .insert(alice.as_str().to_owned(), number(5000));
        overrides.claim(group, [AwaitedName::group("alice")]);
        overrides.claim(
            person,
            [
                AwaitedName::user("a@example.com"),
                AwaitedName::user("ALICE"),
            ],
        );
        overrides.claim(namesake, [AwaitedName::user("alice")]);
        assert_eq!(overrides.objects, [(person, number(5000))].into());
        assert!(overrides.awaited.is_empty());
    }

    #[test]
    fn what_is_set_for_an_object_is_not_replaced_by_what_waits() {
        let person = ObjectId(Uuid::from_u128(1));
        let mut overrides = Overrides::default();
        overrides.objects.insert(person, number(6000));
        let alice = AwaitedName::user("alice");
        overrides
            .awaited
            .insert(alice.as_str().to_owned(), number(5000));
        overrides.claim(person, [alice]);
        assert_eq!(overrides.objects[&person], number(6000));
        assert_eq!(overrides.awaited.len(), 1);
    }
}
