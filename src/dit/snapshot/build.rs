//! A directory rendered into a [`Snapshot`]: first who is in the tree and in which group, then every entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{BASE, EntryKind, GROUPS, Head, PEOPLE, Snapshot};
use crate::directory::registry::Record;
use crate::directory::{
    Decision, Directory, Group, GroupId, ObjectId, Stamp, Stamps, User, UserId,
};
use crate::dit::Settings;
use crate::dit::arena::ChunkBuilder;
use crate::dit::dn::Dn;
use crate::dit::entry::{self, EntryWriter, Operational};
use crate::dit::index::{EntryId, Index, Links};
use crate::dit::schema::ATTRIBUTES;

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
}

struct PlannedPerson<'d> {
    id: UserId,
    user: &'d User,
    record: &'d Record,
    username: &'d str,
    home: &'d str,
    is_active: bool,
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
        let people = planned_people(directory, &people_dn);
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
        Self {
            base,
            people_dn,
            groups_dn,
            service_accounts,
            people,
            groups,
            members,
        }
    }

    fn first_person(&self) -> EntryId {
        GROUPS + 1 + self.service_accounts.len() as EntryId
    }

    fn first_private_group(&self) -> EntryId {
        self.first_person() + self.people.len() as EntryId
    }

    fn first_group(&self) -> EntryId {
        self.first_private_group() + self.people.len() as EntryId
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
            visible: Vec::new(),
        }
    }
}

/// Everyone with a name and a number, in the order of their ids. Who has neither is in the tree for
/// nobody.
fn planned_people<'d>(directory: &'d Directory, people_dn: &Dn) -> Vec<PlannedPerson<'d>> {
    let planned = directory.users.iter().filter_map(|(&id, user)| {
        let record = directory.registry.get(ObjectId::from(id))?;
        let (username, home) = (record.name.as_deref()?, record.home.as_deref()?);
        let is_active = directory.decisions.is_active(id);
        let dn = people_dn.child("uid", username).to_string();
        Some(PlannedPerson {
            id,
            user,
            record,
            username,
            home,
            is_active,
            dn,
        })
    });
    planned.collect()
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
                plan.people.iter().any(|person| person.is_active),
            ),
            (
                &plan.groups_dn,
                "groups",
                plan.people.iter().any(|p| p.is_active) || !plan.groups.is_empty(),
            ),
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
            .filter(|p| p.is_active)
            .map(|p| (p.id, p.dn.as_str()))
            .collect();
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
                    visible: person.is_active,
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
                login_shell: &settings.login_shell,
                manager_dn: person
                    .user
                    .manager
                    .and_then(|manager| managers.get(&manager).copied()),
            };
            self.add(frame, |w| entry::person(w, &shown));
        }
        for person in &plan.people {
            let frame = Frame {
                dn: &plan.groups_dn.child("cn", person.username).to_string(),
                head: Head {
                    kind: EntryKind::PrivateGroup,
                    parent: GROUPS,
                    visible: person.is_active,
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
