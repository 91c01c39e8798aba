//! What a delta round says about each object: all of it, what changed, or that it is gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::company::{Group, Life, MemberKind, Object, User, What};
use super::super::graph::properties::Collection;
use super::super::world::World;

/// One element of a page's `value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whom it is about.
    pub id: Uuid,
    /// The element.
    pub body: Map<String, Value>,
    /// What the object looked like before its latest change, without links.
    pub earlier: Option<Map<String, Value>>,
}

/// What a round has to say about one object.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    is_new: bool,
    properties: BTreeSet<String>,
    members: BTreeMap<Uuid, MemberKind>,
    manager_changed: bool,
    former_managers: BTreeSet<Uuid>,
}

impl Touched {
    /// Takes note of one change.
    pub fn by(&mut self, what: &What) {
        match what {
            What::Appeared => self.is_new = true,
            // Its life tells; nothing else about it will be said.
            What::Vanished => {}
            What::Property(property) => {
                self.properties.insert(property.clone());
            }
            What::Member(id, kind) => {
                self.members.insert(*id, *kind);
            }
            What::Manager { former } => {
                self.manager_changed = true;
                self.former_managers.extend(former);
            }
        }
    }
}

/// The entries of a first round: everything there is, the recycle bin, and some strangers.
pub fn everything(
    world: &mut World,
    collection: Collection,
    select: Option<&[String]>,
) -> Vec<Entry> {
    let company = &world.company;
    let ids: Vec<Uuid> = match collection {
        Collection::Users => company.users.keys().copied().collect(),
        Collection::Groups => company.groups.keys().copied().collect(),
    };
    let new = Touched {
        is_new: true,
        ..Touched::default()
    };
    let touched = ids.into_iter().map(|id| (id, new.clone())).collect();
    let mut entries = changes(world, collection, select, touched);
    if world.disorder.strangers {
        let stranger = world.random_id();
        entries.push(gone(stranger, "deleted"));
    }
    entries
}

/// The entries about those of the `touched` objects that belong to `collection`.
pub fn changes(
    world: &mut World,
    collection: Collection,
    select: Option<&[String]>,
    touched: BTreeMap<Uuid, Touched>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (id, touched) in touched {
        match collection {
            Collection::Users => {
                let user = world.company.users.get(&id);
                entries.extend(user.and_then(|user| about_user(user, select, &touched)));
            }
            Collection::Groups => {
                let Some(group) = world.company.groups.get(&id).cloned() else {
                    continue;
                };
                entries.extend(about_group(world, &group, select, &touched));
            }
        }
    }
    entries
}

fn about_user(user: &User, select: Option<&[String]>, touched: &Touched) -> Option<Entry> {
    if let Some(gone) = absence(&user.object) {
        return Some(gone);
    }
    // Unlike members, a manager is told only to those who select it.
    let tracks_manager = select.is_some_and(|select| select.iter().any(|name| name == "manager"));
    let tells_manager = tracks_manager && (touched.is_new || touched.manager_changed);
    if !concerns(Collection::Users, select, touched) && !tells_manager {
        return None;
    }
    let mut entry = present(Collection::Users, &user.object, select);
    if tells_manager {
        let links = manager_links(user, touched);
        if !links.is_empty() {
            entry.body.insert("manager@delta".to_owned(), json!(links));
        }
    }
    Some(entry)
}

fn manager_links(user: &User, touched: &Touched) -> Vec<Value> {
    let former = touched.former_managers.iter();
    let gone = former
        .filter(|former| user.manager != Some(**former))
        .map(|former| lost_link(*former, MemberKind::User));
    let present = user.manager.map(|manager| link(manager, MemberKind::User));
    gone.chain(present).collect()
}

/// A group's entry, or several when its members do not fit into one.
fn about_group(
    world: &mut World,
    group: &Group,
    select: Option<&[String]>,
    touched: &Touched,
) -> Vec<Entry> {
    if let Some(gone) = absence(&group.object) {
        return vec![gone];
    }
    let tracks_members = select.is_none_or(|select| select.iter().any(|name| name == "members"));
    let links = if tracks_members {
        member_links(world, group, touched)
    } else {
        Vec::new()
    };
    if links.is_empty() && !concerns(Collection::Groups, select, touched) {
        return Vec::new();
    }
    let entry = present(Collection::Groups, &group.object, select);
    if links.is_empty() {
        return vec![entry];
    }
    let slices = links.chunks(world.disorder.member_slice_max);
    slices
        .map(|slice| {
            let mut entry = entry.clone();
            entry.body.insert("members@delta".to_owned(), json!(slice));
            entry
        })
        .collect()
}

fn member_links(world: &mut World, group: &Group, touched: &Touched) -> Vec<Value> {
    let mut links: Vec<Value> = Vec::new();
    if touched.is_new {
        links.extend(group.members.iter().map(|(id, kind)| link(*id, *kind)));
    }
    for (id, kind) in &touched.members {
        match group.members.contains_key(id) {
            true if touched.is_new => {}
            true => links.push(link(*id, *kind)),
            false => links.push(lost_link(*id, *kind)),
        }
    }
    if touched.is_new && !links.is_empty() && world.disorder.strangers && world.chance.u8(..4) == 0
    {
        links.push(lost_link(world.random_id(), MemberKind::User));
    }
    world.disorder.shuffle(&mut links, &mut world.chance);
    links
}

/// The entry of an object that is not there any more.
fn absence(object: &Object) -> Option<Entry> {
    match object.life {
        Life::Alive => None,
        Life::SoftDeleted(_) => Some(gone(object.id, "changed")),
        Life::Purged => Some(gone(object.id, "deleted")),
    }
}

fn gone(id: Uuid, reason: &str) -> Entry {
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(id));
    body.insert("@removed".to_owned(), json!({"reason": reason}));
    Entry {
        id,
        body,
        earlier: None,
    }
}

/// Whether anything the client tracks has changed.
fn concerns(collection: Collection, select: Option<&[String]>, touched: &Touched) -> bool {
    touched.is_new
        || touched
            .properties
            .iter()
            .any(|property| is_tracked(collection, select, property))
}

fn is_tracked(collection: Collection, select: Option<&[String]>, property: &str) -> bool {
    match select {
        Some(select) => select.iter().any(|name| name == property),
        None => collection.defaults().contains(&property),
    }
}

/// All tracked properties that were ever set, as the default mode repeats them.
fn present(collection: Collection, object: &Object, select: Option<&[String]>) -> Entry {
    let visible = |properties: &Map<String, Value>| {
        let mut body: Map<String, Value> = properties
            .iter()
            .filter(|(property, _)| is_tracked(collection, select, property))
            .map(|(property, value)| (property.clone(), value.clone()))
            .collect();
        body.insert("id".to_owned(), json!(object.id));
        body
    };
    Entry {
        id: object.id,
        body: visible(&object.properties),
        earlier: object.earlier.as_ref().map(visible),
    }
}

fn link(id: Uuid, kind: MemberKind) -> Value {
    json!({"@odata.type": kind.odata_type(), "id": id})
}

/// A link that is no more; the reason is `deleted` whatever happened.
fn lost_link(id: Uuid, kind: MemberKind) -> Value {
    json!({"@odata.type": kind.odata_type(), "id": id, "@removed": {"reason": "deleted"}})
}
