//! A directory rendered into a [`Snapshot`]: first who is in the tree and in which group, then every entry.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{BASE, EntryKind, GROUPS, Head, PEOPLE, Snapshot};
use crate::directory::attribute::{MappedAttribute, Mapping, Value};
use crate::directory::registry::Record;
use crate::directory::{
    Decision, Directory, Group, GroupId, ObjectId, Override, Reason, Stamp, Stamps, User, UserId,
};
use crate::dit::arena::ChunkBuilder;
use crate::dit::dn::Dn;
use crate::dit::entry::{self, Access, EntryWriter, Operational};
use crate::dit::index::{EntryId, Index, Links};
use crate::dit::schema::{self, ATTRIBUTES, AttributeId};
use crate::dit::{InactiveUsers, Settings};

/// Entries to a chunk: enough to make the chunk's own cost vanish, few enough to rebuild one cheaply.
pub(super) const CHUNK_ENTRIES: usize = 256;

/// An entry about the server, and how its attributes are written.
pub(in crate::dit) struct ServerEntry<'e> {
    pub dn: &'static str,
    pub write_user: &'e dyn Fn(&mut EntryWriter),
    pub write_operational: &'e dyn Fn(&mut EntryWriter),
}

impl Snapshot {
    /// Builds the tree of a directory. `stamps` are the last snapshot's and become this one's: an
    /// entry that changed, or was not there, is stamped `now`.
    ///
    /// `settings.base` must be one that [`entry::base_class`] accepts; the configuration sees to that.
    pub fn build(
        directory: &Directory,
        settings: &Settings,
        stamps: &mut Stamps,
        now: Timestamp,
    ) -> Self {
        let plan = Plan::new(directory, settings);
        let active = plan.people.iter().filter(|person| person.is_active);
        let barred = active.map(|person| person.id);
        let barred = barred.filter(|&id| directory.is_barred(id)).collect();
        let mut builder = Builder {
            snapshot: Snapshot {
                barred,
                ..plan.skeleton()
            },
            open: ChunkBuilder::default(),
            previous: std::mem::take(stamps),
            stamps,
            now,
        };
        builder.add_structure(&plan, settings);
        builder.add_people(&plan, settings);
        builder.add_private_groups(&plan);
        builder.add_groups(&plan);
        builder.finish()
    }

    /// Entries that stand beside the tree, each on its own: the root DSE and the subschema.
    pub(in crate::dit) fn of_server_entries(entries: &[ServerEntry]) -> Self {
        let mut snapshot = Plan::default().skeleton();
        let mut chunk = ChunkBuilder::default();
        for (entry, id) in entries.iter().zip(0..) {
            chunk.begin(entry.dn);
            let mut writer = EntryWriter {
                chunk: &mut chunk,
                indexes: &mut snapshot.indexes,
                entry: id,
            };
            (entry.write_user)(&mut writer);
            writer.chunk.begin_operational();
            (entry.write_operational)(&mut writer);
            snapshot.heads.push(Head {
                kind: EntryKind::Server,
                parent: id,
                visible: true,
                locked: false,
            });
            snapshot.visible.push(id);
            let key = Dn::parse(entry.dn)
                .map(|dn| dn.normalised())
                .unwrap_or_default();
            snapshot.by_dn.insert(key.into(), id);
        }
        snapshot.chunks.push(Arc::new(chunk.finish()));
        snapshot
    }
}

/// Who is in the tree, under which name, and who is in which group.
#[derive(Default)]
struct Plan<'d> {
    base: Dn,
    people_dn: Dn,
    groups_dn: Dn,
    service_accounts: Vec<String>,
    people: Vec<PlannedPerson<'d>>,
    groups: Vec<PlannedGroup<'d>>,
    /// By group, as places among `people`.
    members: Vec<Vec<u32>>,
    /// Everybody's `gidNumber`; `None` when everybody has a private group.
    primary_group: Option<u32>,
    /// The group of that number, as a place among `groups`; `None` while it is not served.
    primary_group_place: Option<u32>,
}

struct PlannedPerson<'d> {
    id: UserId,
    user: &'d User,
    record: &'d Record,
    username: &'d str,
    home: &'d str,
    settings: Option<&'d Override>,
    is_active: bool,
    is_visible: bool,
    dn: String,
}

struct PlannedGroup<'d> {
    id: GroupId,
    group: &'d Group,
    record: &'d Record,
    cn: &'d str,
    dn: String,
}

impl<'d> Plan<'d> {
    fn new(directory: &'d Directory, settings: &Settings) -> Self {
        let base = settings.base.clone();
        let people_dn = base.child("ou", "people");
        let groups_dn = base.child("ou", "groups");
        let people = planned_people(directory, settings, &people_dn);
        let groups = planned_groups(directory, &groups_dn);
        let places: BTreeMap<UserId, u32> = people
            .iter()
            .zip(0..)
            .filter(|(p, _)| p.is_active)
            .map(|(p, place)| (p.id, place))
            .collect();
        let members = groups
            .iter()
            .map(|group| {
                let users = directory.members(group.id, settings.nested_groups);
                users
                    .iter()
                    .filter_map(|user| places.get(user).copied())
                    .collect()
            })
            .collect();
        let service_accounts = settings.service_accounts.clone();
        let primary_group = settings.primary_group.group(directory);
        let is_primary = |group: &PlannedGroup| Some(group.id) == primary_group;
        let primary_group_place = groups.iter().position(is_primary);
        Self {
            base,
            people_dn,
            groups_dn,
            service_accounts,
            people,
            groups,
            members,
            primary_group: settings.primary_group.number(directory),
            primary_group_place: primary_group_place.map(|place| place as u32),
        }
    }

    /// Whether anything stands in `ou=groups`.
    fn has_groups(&self) -> bool {
        let has_private =
            self.primary_group.is_none() && self.people.iter().any(|person| person.is_visible);
        has_private || !self.groups.is_empty()
    }

    /// How many people have a private group.
    fn private_groups(&self) -> usize {
        match self.primary_group {
            Some(_) => 0,
            None => self.people.len(),
        }
    }

    fn first_person(&self) -> EntryId {
        GROUPS + 1 + self.service_accounts.len() as EntryId
    }

    fn first_group(&self) -> EntryId {
        self.first_person() + (self.people.len() + self.private_groups()) as EntryId
    }

    /// A snapshot without entries, its links in place.
    fn skeleton(&self) -> Snapshot {
        let (first_person, first_group) = (self.first_person(), self.first_group());
        let mut groups_of = vec![Vec::new(); self.people.len()];
        for (members, group) in self.members.iter().zip(first_group..) {
            for &person in members {
                groups_of[person as usize].push(group);
            }
        }
        let members = self
            .members
            .iter()
            .map(|places| places.iter().map(|place| first_person + place).collect());
        Snapshot {
            chunks: Vec::new(),
            heads: Vec::new(),
            indexes: (0..ATTRIBUTES.len()).map(|_| Index::default()).collect(),
            by_dn: HashMap::new(),
            members: Links::new(first_group, members),
            groups_of: Links::new(first_person, groups_of),
            first_person,
            people: self.people.iter().map(|person| person.id).collect(),
            barred: BTreeSet::new(),
            first_group,
            groups: self.groups.iter().map(|group| group.id).collect(),
            primary_group: self.primary_group_place.map(|place| first_group + place),
            visible: Vec::new(),
        }
    }
}

/// Everyone with a name and a number, in the order of their ids. Who has neither is in the tree for
/// nobody.
fn planned_people<'d>(
    directory: &'d Directory,
    settings: &Settings,
    people_dn: &Dn,
) -> Vec<PlannedPerson<'d>> {
    let planned = directory.users.iter().filter_map(|(&id, user)| {
        let record = directory.registry.get(ObjectId::from(id))?;
        let (username, home) = (record.name.as_deref()?, record.home.as_deref()?);
        let decision = directory.decisions.users.get(&id);
        let dn = people_dn.child("uid", username).to_string();
        Some(PlannedPerson {
            id,
            user,
            record,
            username,
            home,
            settings: directory.overrides.objects.get(&ObjectId::from(id)),
            is_active: decision.is_some_and(Decision::is_include),
            is_visible: is_visible(user, decision, settings),
            dn,
        })
    });
    planned.collect()
}

/// Whether searches find a person.
fn is_visible(user: &User, decision: Option<&Decision>, settings: &Settings) -> bool {
    match decision {
        Some(Decision::Include(_)) => true,
        Some(Decision::Exclude(reason)) => {
            settings.inactive_users == InactiveUsers::Show
                && (settings.guests || !user.is_guest)
                && may_be_shown(reason)
        }
        None => false,
    }
}

/// Whether somebody inactive for this reason has a name and a number that hosts may print.
fn may_be_shown(reason: &Reason) -> bool {
    match reason {
        Reason::Guest
        | Reason::NoUsername
        | Reason::NameReserved(_)
        | Reason::NameTaken { .. }
        | Reason::NumbersExhausted
        | Reason::Deleted => false,
        Reason::Disabled
        | Reason::EnabledUnknown
        | Reason::Ignored(_)
        | Reason::NotAllowed
        | Reason::RulesUnresolved
        | Reason::ChangeHeld => true,
        // Of groups.
        Reason::NoMail | Reason::PrefixMismatch | Reason::KindExcluded(_) | Reason::GroupsOff => {
            false
        }
    }
}

fn planned_groups<'d>(directory: &'d Directory, groups_dn: &Dn) -> Vec<PlannedGroup<'d>> {
    let imported = |id: GroupId| {
        matches!(
            directory.decisions.groups.get(&id),
            Some(Decision::Include(_))
        )
    };
    let planned = directory
        .groups
        .iter()
        .filter(|(id, _)| imported(**id))
        .filter_map(|(&id, group)| {
            let record = directory.registry.get(ObjectId::from(id))?;
            let cn = record.name.as_deref()?;
            let dn = groups_dn.child("cn", cn).to_string();
            Some(PlannedGroup {
                id,
                group,
                record,
                cn,
                dn,
            })
        });
    planned.collect()
}

impl<'d> PlannedPerson<'d> {
    /// The shell that the administrator has set, else the tenant's, else the configured one; all keys there are.
    fn access<'p>(&'p self, settings: &'p Settings) -> Access<'p> {
        if !self.is_active {
            return Access::Locked;
        }
        let set_shell = self.settings.and_then(|set| set.login_shell.as_deref());
        let mapped_shell = || self.mapped_texts(&settings.mapping, "loginShell").pop();
        let login_shell = set_shell
            .map(Cow::Borrowed)
            .or_else(|| mapped_shell().map(Cow::Owned))
            .unwrap_or(Cow::Borrowed(&settings.login_shell));
        let mapped_keys = self
            .mapped_texts(&settings.mapping, "sshPublicKey")
            .into_iter();
        let set_keys = self.settings.map_or(&[][..], |set| &set.ssh_keys).iter();
        let ssh_keys = mapped_keys
            .map(Cow::Owned)
            .chain(set_keys.map(|key| Cow::Borrowed(key.as_str())))
            .filter(|key| !key.trim().is_empty())
            .collect();
        Access::Granted {
            login_shell,
            ssh_keys,
        }
    }

    fn mapped_texts(&self, mapping: &Mapping, attribute: &str) -> Vec<String> {
        mapping
            .of_user(attribute)
            .map_or_else(Vec::new, |mapped| texts(mapped, self.user))
    }

    /// The attributes for which the tenant holds a value that can be served.
    fn mapped(
        &self,
        mapped: &[(AttributeId, &MappedAttribute)],
    ) -> Vec<(AttributeId, Vec<String>)> {
        mapped
            .iter()
            .map(|(id, mapped)| (*id, texts(mapped, self.user)))
            .filter(|(_, values)| !values.is_empty())
            .collect()
    }
}

/// The mapped attributes that are nothing but their values. Numbers and homes are the registry's, shells and keys a
/// matter of [`Access`].
fn plainly_mapped(mapping: &Mapping) -> Vec<(AttributeId, &MappedAttribute)> {
    const ELSEWHERE: [&str; 4] = ["uidNumber", "homeDirectory", "loginShell", "sshPublicKey"];
    let plain = mapping
        .user
        .iter()
        .filter(|mapped| !ELSEWHERE.contains(&mapped.attribute.name));
    plain
        .filter_map(|mapped| Some((schema::lookup(mapped.attribute.name)?, mapped)))
        .collect()
}

fn texts(mapped: &MappedAttribute, user: &User) -> Vec<String> {
    let (values, _) = mapped.read(&user.mapped);
    values.into_iter().map(Value::into_text).collect()
}

struct Builder<'s> {
    snapshot: Snapshot,
    open: ChunkBuilder,
    previous: Stamps,
    stamps: &'s mut Stamps,
    now: Timestamp,
}

/// What [`Builder::add`] needs beside the attributes.
struct Frame<'f> {
    dn: &'f str,
    head: Head,
    uuid: Uuid,
    structural_class: &'static str,
    has_subordinates: bool,
    created: Option<Timestamp>,
    /// Fingerprint of what is rendered from links.
    links: u64,
}

impl Builder<'_> {
    fn add(&mut self, frame: Frame, write: impl FnOnce(&mut EntryWriter)) {
        let entry = self.snapshot.heads.len() as EntryId;
        self.open.begin(frame.dn);
        let mut writer = EntryWriter {
            chunk: &mut self.open,
            indexes: &mut self.snapshot.indexes,
            entry,
        };
        write(&mut writer);
        let fingerprint = xxh3_64(writer.chunk.current()).wrapping_add(frame.links);
        let stamp = match self.previous.get(&frame.uuid) {
            Some(stamp) if stamp.fingerprint == fingerprint => *stamp,
            _ => Stamp {
                fingerprint,
                modified: self.now,
            },
        };
        let operational = Operational {
            uuid: frame.uuid,
            structural_class: frame.structural_class,
            has_subordinates: frame.has_subordinates,
            created: frame.created,
            stamp,
            is_locked: frame.head.locked && frame.head.kind == EntryKind::Person,
        };
        writer.put_operational(frame.dn, &operational);
        if frame.head.visible {
            self.stamps.insert(frame.uuid, stamp);
            self.snapshot.visible.push(entry);
        }
        self.snapshot.heads.push(frame.head);
        let dn = Dn::parse(frame.dn)
            .map(|dn| dn.normalised())
            .unwrap_or_default();
        self.snapshot.by_dn.entry(dn.into()).or_insert(entry);
        if self.open.len() == CHUNK_ENTRIES {
            let full = std::mem::take(&mut self.open);
            self.snapshot.chunks.push(Arc::new(full.finish()));
        }
    }

    fn add_structure(&mut self, plan: &Plan, settings: &Settings) {
        let Some((class, attribute)) = entry::base_class(&plan.base) else {
            return;
        };
        let value = plan.base.rdns()[0].values[0].1.clone();
        let dn = plan.base.to_string();
        self.add(structure(&dn, EntryKind::Base, class, true), |w| {
            entry::base(w, class, attribute, &String::from_utf8_lossy(&value));
        });
        let containers = [
            (
                &plan.people_dn,
                "people",
                plan.people.iter().any(|person| person.is_visible),
            ),
            (&plan.groups_dn, "groups", plan.has_groups()),
        ];
        for (dn, name, has_subordinates) in containers {
            let dn = dn.to_string();
            self.add(
                structure(
                    &dn,
                    EntryKind::Container,
                    "organizationalUnit",
                    has_subordinates,
                ),
                |w| {
                    entry::container(w, name);
                },
            );
        }
        for name in &settings.service_accounts {
            let dn = plan.base.child("cn", name).to_string();
            self.add(
                structure(&dn, EntryKind::ServiceAccount, "applicationProcess", false),
                |w| {
                    entry::service_account(w, name);
                },
            );
        }
    }

    fn add_people(&mut self, plan: &Plan, settings: &Settings) {
        let group_hashes: Vec<u64> = plan
            .groups
            .iter()
            .map(|group| xxh3_64(group.dn.as_bytes()))
            .collect();
        let managers: HashMap<UserId, &str> = plan
            .people
            .iter()
            .filter(|p| p.is_visible)
            .map(|p| (p.id, p.dn.as_str()))
            .collect();
        let mapped = plainly_mapped(&settings.mapping);
        for (place, person) in plan.people.iter().enumerate() {
            let entry = plan.first_person() + place as EntryId;
            let groups = self.snapshot.groups_of(entry).iter();
            let links =
                sum(groups.map(|group| group_hashes[(group - plan.first_group()) as usize]));
            let frame = Frame {
                dn: &person.dn,
                head: Head {
                    kind: EntryKind::Person,
                    parent: PEOPLE,
                    visible: person.is_visible,
                    locked: !person.is_active,
                },
                uuid: ObjectId::from(person.id).0,
                structural_class: "inetOrgPerson",
                has_subordinates: false,
                created: person.user.created,
                links,
            };
            let shown = entry::Person {
                user: person.user,
                record: person.record,
                username: person.username,
                home: person.home,
                gid_number: plan.primary_group.unwrap_or(person.record.number),
                manager_dn: person
                    .user
                    .manager
                    .and_then(|manager| managers.get(&manager).copied()),
                access: person.access(settings),
                mapped: person.mapped(&mapped),
            };
            self.add(frame, |w| entry::person(w, &shown));
        }
    }

    fn add_private_groups(&mut self, plan: &Plan) {
        for person in plan.people.iter().take(plan.private_groups()) {
            let frame = Frame {
                dn: &plan.groups_dn.child("cn", person.username).to_string(),
                head: Head {
                    kind: EntryKind::PrivateGroup,
                    parent: GROUPS,
                    visible: person.is_visible,
                    locked: !person.is_active,
                },
                uuid: Uuid::new_v5(&ObjectId::from(person.id).0, b"private group"),
                structural_class: "namedObject",
                has_subordinates: false,
                created: person.user.created,
                links: 0,
            };
            self.add(frame, |w| {
                entry::private_group(w, person.username, person.record.number)
            });
        }
    }

    fn add_groups(&mut self, plan: &Plan) {
        let person_hashes: Vec<u64> = plan
            .people
            .iter()
            .map(|p| xxh3_64(p.dn.as_bytes()))
            .collect();
        for (group, members) in plan.groups.iter().zip(&plan.members) {
            let frame = Frame {
                dn: &group.dn,
                head: Head {
                    kind: EntryKind::Group,
                    parent: GROUPS,
                    visible: true,
                    locked: false,
                },
                uuid: ObjectId::from(group.id).0,
                structural_class: "groupOfNames",
                has_subordinates: false,
                created: group.group.created,
                links: sum(members.iter().map(|&person| person_hashes[person as usize])),
            };
            self.add(frame, |w| {
                entry::group(w, group.group, group.cn, group.record.number)
            });
        }
    }

    fn finish(mut self) -> Snapshot {
        if !self.open.is_empty() {
            self.snapshot.chunks.push(Arc::new(self.open.finish()));
        }
        self.snapshot
    }
}

/// Base, containers and service accounts: identified by name, as nothing in the tenant stands behind them.
fn structure<'f>(
    dn: &'f str,
    kind: EntryKind,
    class: &'static str,
    has_subordinates: bool,
) -> Frame<'f> {
    Frame {
        dn,
        head: Head {
            kind,
            parent: BASE,
            visible: true,
            locked: false,
        },
        uuid: Uuid::new_v5(&Uuid::NAMESPACE_X500, dn.to_lowercase().as_bytes()),
        structural_class: class,
        has_subordinates,
        created: None,
        links: 0,
    }
}

/// Order does not count among links, so neither does it in their fingerprint.
fn sum(hashes: impl Iterator<Item = u64>) -> u64 {
    hashes.fold(0, |sum, hash| sum.wrapping_add(hash))
}
