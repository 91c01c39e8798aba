//! The tree at one moment: immutable, shared by every operation that started while it was current.
//!
//! Entries are numbered in the order of the tree: the naming context, its containers, service
//! accounts, people, their private groups, groups. Inactive people are held locked, and mostly not visible, so
//! that a bind as one of them can be told from a bind as nobody.

mod build;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::arena::{Chunk, Encoded};
use super::dn::Dn;
use super::index::{EntryId, Index, Links};
use super::schema::{AttributeId, id};
use crate::directory::{GroupId, UserId};
use build::CHUNK_ENTRIES;
pub(super) use build::ServerEntry;

/// The whole tree, ready to be searched.
#[derive(Debug)]
pub struct Snapshot {
    /// Shared, so that a later snapshot can keep the ones that did not change.
    chunks: Vec<Arc<Chunk>>,
    heads: Vec<Head>,
    indexes: Vec<Index>,
    by_dn: HashMap<Box<[u8]>, EntryId>,
    /// From a group to the active people in it, nested ones included.
    members: Links,
    /// From a person to the groups that list them in `members`.
    groups_of: Links,
    first_person: EntryId,
    people: Vec<UserId>,
    /// People who are shown as active while the tenant has disabled or deleted them; in order.
    barred: BTreeSet<UserId>,
    first_group: EntryId,
    groups: Vec<GroupId>,
    /// The group whose number is everybody's `gidNumber`, while it is served.
    primary_group: Option<EntryId>,
    visible: Vec<EntryId>,
}

/// What an entry is, beside what it shows.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its kind.
    pub kind: EntryKind,
    /// The entry above it; one that stands at the top is its own parent.
    pub parent: EntryId,
    /// Found by searches. Inactive people are not, unless they are to be shown.
    pub visible: bool,
    /// A person who is inactive and may not bind, or their private group.
    pub locked: bool,
}

/// The kinds of entries in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The naming context.
    Base,
    /// `ou=people`, `ou=groups`.
    Container,
    /// An account of the configuration file.
    ServiceAccount,
    /// A person.
    Person,
    /// A person's own group.
    PrivateGroup,
    /// A group of the tenant.
    Group,
    /// The root DSE or the subschema subentry: about the server, not about the tenant.
    Server,
}

/// The naming context's place.
pub const BASE: EntryId = 0;
const PEOPLE: EntryId = 1;
const GROUPS: EntryId = 2;

const USER_PRINCIPAL_NAME: AttributeId = id("userPrincipalName");

/// A person as a bind needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub id: UserId,
    /// What the tenant knows them by; without one they cannot be verified there.
    pub user_principal_name: Option<String>,
    /// May bind: active, and neither disabled nor deleted in the tenant, even while that change is held back.
    pub is_active: bool,
}

impl Snapshot {
    /// Entries held, visible or not.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Never true: the naming context is always there.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Every visible entry, in order.
    pub fn visible(&self) -> &[EntryId] {
        &self.visible
    }

    /// The encoded entry.
    pub fn entry(&self, id: EntryId) -> Encoded<'_> {
        self.chunks[id as usize / CHUNK_ENTRIES].entry(id as usize % CHUNK_ENTRIES)
    }

    /// What the entry is.
    pub fn head(&self, id: EntryId) -> Head {
        self.heads[id as usize]
    }

    /// The entry with this name, visible or not.
    pub fn find(&self, dn: &Dn) -> Option<EntryId> {
        self.find_normalised(&dn.normalised())
    }

    /// The entry whose name has this normal form, visible or not.
    pub fn find_normalised(&self, key: &[u8]) -> Option<EntryId> {
        self.by_dn.get(key).copied()
    }

    /// The index of an attribute type.
    pub fn index_of(&self, attribute: AttributeId) -> &Index {
        &self.indexes[usize::from(attribute.0)]
    }

    /// The active people in a group, nested ones included.
    pub fn members(&self, group: EntryId) -> &[EntryId] {
        self.members.of(group)
    }

    /// The groups a person is in, directly or through nested groups.
    pub fn groups_of(&self, person: EntryId) -> &[EntryId] {
        self.groups_of.of(person)
    }

    /// Groups that have a member.
    pub fn groups_with_members(&self) -> &[EntryId] {
        self.members.linked()
    }

    /// People who are in a group.
    pub fn people_with_groups(&self) -> &[EntryId] {
        self.groups_of.linked()
    }

    /// The person at an entry.
    pub fn person(&self, entry: EntryId) -> Option<Person> {
        let place = entry.checked_sub(self.first_person)? as usize;
        let id = *self.people.get(place)?;
        let upn = self.entry(entry).value(USER_PRINCIPAL_NAME);
        Some(Person {
            id,
            user_principal_name: upn.map(|upn| String::from_utf8_lossy(upn).into_owned()),
            is_active: self.may_bind(entry, id),
        })
    }

    /// Where somebody stands who may bind, by the same measure as [`Person::is_active`]; `None` for everybody else.
    pub fn entry_of_active(&self, user: UserId) -> Option<EntryId> {
        let entry = self.entry_of(user)?;
        self.may_bind(entry, user).then_some(entry)
    }

    fn may_bind(&self, entry: EntryId, user: UserId) -> bool {
        !self.head(entry).locked && !self.barred.contains(&user)
    }

    /// Where a person stands; `None` while they are not in the tree.
    pub fn entry_of(&self, user: UserId) -> Option<EntryId> {
        let place = self.people.binary_search(&user).ok()?;
        Some(self.first_person + place as EntryId)
    }

    /// The private group of a person, where people have one.
    pub fn private_group_of(&self, person: EntryId) -> Option<EntryId> {
        let private = person + self.people.len() as EntryId;
        (private < self.first_group).then_some(private)
    }

    /// The group that everybody is in by `gidNumber`; `None` while people have private groups, or it is not served.
    pub fn primary_group(&self) -> Option<EntryId> {
        self.primary_group
    }

    /// The group at an entry.
    pub fn group(&self, entry: EntryId) -> Option<GroupId> {
        self.groups
            .get(entry.checked_sub(self.first_group)? as usize)
            .copied()
    }

    /// Whether `id` is `above` or below it.
    pub fn is_within(&self, mut id: EntryId, above: EntryId) -> bool {
        loop {
            if id == above {
                return true;
            }
            let parent = self.head(id).parent;
            if parent == id {
                return false;
            }
            id = parent;
        }
    }

    /// Octets in the arena.
    pub fn arena_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.size_bytes()).sum()
    }
}

#[cfg(test)]
mod tests;
