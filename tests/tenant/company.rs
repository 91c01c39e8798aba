//! The company behind the tenant: people, groups, memberships, and the journal of what happened to them.
//!
//! Properties are kept the way delta tells them: a key that is absent was never set, a key that is `null`
//! was cleared. Every change lands in the journal; a delta token is a position in it.

pub mod account;
pub mod group;
pub mod journal;
pub mod registration;
pub mod replication;
pub mod role;
pub mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::clock::span;
pub use account::{Account, FirstFactor, SecondFactor};
pub use group::{Group, GroupSpec, MemberKind};
pub use journal::{Change, What};
pub use registration::{Registration, Withdrawal};
pub use replication::Replication;
pub use user::{User, UserSpec};

/// How long a soft-deleted object can be restored before it is gone for good.
const RESTORABLE_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A tenant's directory and app registrations.
///
/// Built before the tenant starts, changed through [`Tenant`](super::Tenant) afterwards. Naming an object
/// that does not exist, or not unambiguously, is a mistake of the test and panics.
#[derive(Clone, Debug)]
pub struct Company {
    pub(super) tenant_id: Uuid,
    pub(super) display_name: String,
    pub(super) domains: Vec<Domain>,
    pub(super) registrations: Vec<Registration>,
    pub(super) users: BTreeMap<Uuid, User>,
    pub(super) groups: BTreeMap<Uuid, Group>,
    pub(super) journal: Vec<Change>,
    pub(super) replication: Replication,
    /// Who is or was called so, by lowercase UPN.
    upns: HashMap<String, Vec<Uuid>>,
    /// Names of members that are neither people nor groups.
    pub(super) things: BTreeMap<Uuid, String>,
    /// Full names of the directory extensions that some app has defined.
    pub(super) extensions: BTreeSet<String>,
}

/// A verified domain of the tenant.
#[derive(Clone, Debug)]
pub struct Domain {
    /// `contoso.example`
    pub name: String,
    /// The `….onmicrosoft.com` domain the tenant was born with.
    pub is_initial: bool,
    /// Passwords of this domain are checked by the company's own federation server, not by Entra.
    pub is_federated: bool,
}

/// What users and groups have in common: an id, properties, and a life.
#[derive(Clone, Debug)]
pub struct Object {
    /// Never reused, also not after deletion.
    pub id: Uuid,
    /// Absent key: never set. `null`: cleared. Shared with the pages of rounds under way.
    pub properties: Arc<Map<String, Value>>,
    /// The properties before the latest change, for rounds that show an object twice.
    pub earlier: Option<Arc<Map<String, Value>>>,
    /// Whether it is still there.
    pub life: Life,
    /// What Graph still shows while the latest changes are on their way.
    pub shown: Option<Shown>,
}

/// What Graph shows of an object whose changes have not arrived everywhere.
#[derive(Clone, Debug)]
pub enum Shown {
    /// Nothing yet.
    Nothing,
    /// As it was.
    Former(Arc<Map<String, Value>>, Life),
}

/// The stages of an object's existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// In the directory.
    Alive,
    /// In the recycle bin since then; memberships are untouched (delta query for groups).
    SoftDeleted(Timestamp),
    /// Gone for good.
    Purged,
}

impl Object {
    /// A new object.
    pub fn new(id: Uuid, properties: Map<String, Value>, life: Life) -> Self {
        Self {
            id,
            properties: Arc::new(properties),
            earlier: None,
            life,
            shown: None,
        }
    }

    /// Properties and life as Graph shows them; `None` while it has not heard of the object.
    pub fn visible(&self) -> Option<(&Arc<Map<String, Value>>, Life)> {
        match &self.shown {
            None => Some((&self.properties, self.life)),
            Some(Shown::Former(properties, life)) => Some((properties, *life)),
            Some(Shown::Nothing) => None,
        }
    }

    /// The properties Graph shows, if it shows the object among the living.
    pub fn visibly_alive(&self) -> Option<&Arc<Map<String, Value>>> {
        let (properties, life) = self.visible()?;
        (life == Life::Alive).then_some(properties)
    }

    /// The string under `property`, if there is one.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property).and_then(Value::as_str)
    }

    /// In the directory, neither deleted nor purged.
    pub fn is_alive(&self) -> bool {
        self.life == Life::Alive
    }

    /// Sets one property and remembers what the object looked like before.
    fn set(&mut self, property: &str, value: Value) {
        self.earlier = Some(self.properties.clone());
        Arc::make_mut(&mut self.properties).insert(property.to_owned(), value);
    }
}

impl Company {
    /// A company without people, whose default domain is `domain` and whose initial one is derived from it:
    /// `contoso.example` begets `contoso.onmicrosoft.com`.
    pub fn new(display_name: &str, domain: &str) -> Self {
        let tenant_id = Uuid::new_v5(&Uuid::NAMESPACE_DNS, domain.as_bytes());
        let stem = domain.split('.').next().unwrap_or(domain);
        let initial = Domain {
            name: format!("{stem}.onmicrosoft.com"),
            is_initial: true,
            is_federated: false,
        };
        Self {
            tenant_id,
            display_name: display_name.to_owned(),
            domains: vec![Domain::managed(domain), initial],
            registrations: vec![
                Registration::directory_reader(tenant_id),
                Registration::public_reader(tenant_id),
            ],
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            journal: Vec::new(),
            replication: Replication::default(),
            upns: HashMap::new(),
            things: BTreeMap::new(),
            extensions: BTreeSet::new(),
        }
    }

    /// Adds a verified domain.
    pub fn domain(mut self, domain: Domain) -> Self {
        self.domains.push(domain);
        self
    }

    /// Adds an app registration beside the one every company has.
    pub fn registration(mut self, registration: Registration) -> Self {
        self.registrations.push(registration);
        self
    }

    /// Adds a person.
    pub fn user(mut self, spec: UserSpec) -> Self {
        self.hire(spec);
        self
    }

    /// Adds a group; the members it names must be there already.
    pub fn group(mut self, spec: GroupSpec) -> Self {
        self.create_group(spec);
        self
    }

    /// Makes `member` (a UPN or another group) a member of `group`, for cycles and late joiners.
    pub fn membership(mut self, group: &str, member: &str) -> Self {
        self.add_to_group(group, member);
        self
    }

    /// The domain under which the company is known.
    pub(super) fn default_domain(&self) -> &str {
        &self.domains[0].name
    }

    /// The verified domain called `name`, in any case.
    pub(super) fn verified_domain(&self, name: &str) -> Option<&Domain> {
        self.domains
            .iter()
            .find(|domain| domain.name.eq_ignore_ascii_case(name))
    }

    /// The app with that application id, in any case.
    pub(super) fn registration_called(&self, client_id: &str) -> Option<&Registration> {
        self.registrations.iter().find(|registration| {
            registration
                .client_id
                .to_string()
                .eq_ignore_ascii_case(client_id)
        })
    }

    /// Defines a directory extension (`extension_{app id}_{name}`) that nobody may have a value of. One that
    /// somebody has a value of is defined by that.
    pub fn extension(mut self, name: &str) -> Self {
        self.extensions.insert(name.to_owned());
        self
    }

    /// Names of `properties` that are directory extensions are defined from now on.
    fn define_extensions<'a>(&mut self, properties: impl IntoIterator<Item = &'a String>) {
        let extensions = properties
            .into_iter()
            .filter(|name| name.starts_with("extension_"));
        self.extensions.extend(extensions.cloned());
    }

    /// An id derived from `name`, another one for each object that ever bore the name.
    fn fresh_id(&self, name: &str) -> Uuid {
        (0..)
            .map(|attempt: u32| match attempt {
                0 => Uuid::new_v5(&self.tenant_id, name.as_bytes()),
                _ => Uuid::new_v5(&self.tenant_id, format!("{name}#{attempt}").as_bytes()),
            })
            .find(|id| !self.users.contains_key(id) && !self.groups.contains_key(id))
            .expect("attempts do not run out")
    }

    /// Purges whatever has been in the recycle bin for 30 days.
    pub(super) fn empty_recycle_bin(&mut self, now: Timestamp) {
        let is_due = |object: &Object| match object.life {
            Life::SoftDeleted(since) => now.duration_since(since) >= span(RESTORABLE_FOR),
            Life::Alive | Life::Purged => false,
        };
        let users = self.users.values().map(|user| &user.object);
        let groups = self.groups.values().map(|group| &group.object);
        let due: Vec<Uuid> = users
            .chain(groups)
            .filter(|object| is_due(object))
            .map(|object| object.id)
            .collect();
        for id in due {
            self.purge(id);
        }
    }

    /// Removes an object for good, and with it every link to it.
    pub(super) fn purge(&mut self, id: Uuid) {
        self.conceal(id);
        self.object_mut(id).life = Life::Purged;
        self.note(id, What::Vanished);
        let links: Vec<(Uuid, MemberKind)> = self
            .groups
            .values()
            .filter_map(|group| Some((group.object.id, *group.members.get(&id)?)))
            .collect();
        for (group, kind) in links {
            self.unlink(group, id, kind);
        }
        let reports: Vec<Uuid> = self
            .users
            .values()
            .filter(|user| user.manager == Some(id))
            .map(|user| user.object.id)
            .collect();
        for report in reports {
            self.assign_manager(report, None);
        }
    }

    fn object_mut(&mut self, id: Uuid) -> &mut Object {
        if let Some(user) = self.users.get_mut(&id) {
            return &mut user.object;
        }
        let group = self.groups.get_mut(&id);
        &mut group.expect("ids come from the company itself").object
    }

    /// Sets `property` of any object.
    pub(super) fn set(&mut self, id: Uuid, property: &str, value: Value) {
        self.conceal(id);
        self.define_extensions([&property.to_owned()]);
        if let ("userPrincipalName", Some(upn)) = (property, value.as_str()) {
            self.index_upn(upn, id);
        }
        self.object_mut(id).set(property, value);
        self.note(id, What::Property(property.to_owned()));
    }

    /// Puts an object into the recycle bin.
    pub(super) fn soft_delete(&mut self, id: Uuid, now: Timestamp) {
        self.conceal(id);
        self.object_mut(id).life = Life::SoftDeleted(now);
        self.note(id, What::Vanished);
    }

    /// Takes an object out of the recycle bin, memberships and all.
    pub(super) fn restore(&mut self, id: Uuid) {
        self.conceal(id);
        let object = self.object_mut(id);
        assert!(
            matches!(object.life, Life::SoftDeleted(_)),
            "object {id} is not in the recycle bin"
        );
        object.life = Life::Alive;
        self.note(id, What::Appeared);
    }
}

impl Domain {
    /// A domain whose passwords Entra checks.
    pub fn managed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_initial: false,
            is_federated: false,
        }
    }

    /// A domain whose passwords Entra cannot check.
    pub fn federated(name: &str) -> Self {
        Self {
            is_federated: true,
            ..Self::managed(name)
        }
    }
}
