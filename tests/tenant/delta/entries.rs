//! What a delta round says about each object: all of it, what changed, or that it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::company::{Group, Life, MemberKind, Object, User, What};
use super::super::graph::properties::Collection;
use super::super::world::World;
use super::disorder::Disorder;

/// How a round is told.
#[derive(Clone, Debug)]
pub struct Telling {
    /// Of what.
    pub collection: Collection,
    /// What the client tracks, when it said so.
    pub select: Option<Arc<Vec<String>>>,
    /// The caller sees ids only.
    pub is_hollow: bool,
    /// The caller sees hidden members.
    pub shows_hidden: bool,
}

impl Telling {
    fn selects(&self, name: &str) -> bool {
        let select = self.select.as_deref();
        select.is_some_and(|select| select.iter().any(|selected| selected == name))
    }

    fn tracks(&self, property: &str) -> bool {
        match self.select {
            Some(_) => self.selects(property),
            None => self.collection.defaults().contains(&property),
        }
    }

    /// Whether anything the client tracks has changed.
    fn concerns(&self, touched: &Touched) -> bool {
        touched.is_new || touched.properties.iter().any(|name| self.tracks(name))
    }
}

/// One element of a page's `value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whom it is about.
    pub id: Uuid,
    /// What it says.
    pub state: State,
    /// What the object looked like before its latest change, without links.
    pub earlier: Option<Arc<Map<String, Value>>>,
    /// Something nobody asked for.
    pub decoration: Option<(&'static str, Value)>,
}

/// What an entry says about its object.
#[derive(Clone, Debug)]
pub enum State {
    /// `@removed`, for that reason.
    Gone(&'static str),
    /// What it is like, with some of its links under the given key.
    Present(Arc<Map<String, Value>>, Option<(&'static str, Slice)>),
}

/// Some of an object's links.
#[derive(Clone, Debug)]
pub struct Slice {
    links: Arc<Vec<Link>>,
    range: Range<usize>,
}

/// A link to another object.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    id: Uuid,
    kind: MemberKind,
    is_lost: bool,
}

impl Link {
    /// The reason of a lost link is `deleted` whatever happened.
    fn render(self) -> Value {
        let mut link = json!({"@odata.type": self.kind.odata_type(), "id": self.id});
        if self.is_lost {
            link["@removed"] = json!({"reason": "deleted"});
        }
        link
    }
}

impl Entry {
    fn gone(id: Uuid, reason: &'static str) -> Self {
        Self {
            id,
            state: State::Gone(reason),
            earlier: None,
            decoration: None,
        }
    }

    /// How many links it tells of.
    pub fn links(&self) -> usize {
        match &self.state {
            State::Present(_, Some((_, slice))) => slice.range.len(),
            State::Present(_, None) | State::Gone(_) => 0,
        }
    }

    /// The element, as `telling` has it: all tracked properties that were ever set.
    pub fn render(&self, telling: &Telling) -> Value {
        let mut body = Map::new();
        match &self.state {
            State::Gone(reason) => {
                body.insert("@removed".to_owned(), json!({"reason": reason}));
            }
            State::Present(properties, links) => {
                let tracked = properties.iter().filter(|(name, _)| telling.tracks(name));
                let is_hollow = telling.is_hollow;
                body.extend(tracked.map(|(name, value)| match is_hollow {
                    true => (name.clone(), Value::Null),
                    false => (name.clone(), value.clone()),
                }));
                if let Some((key, slice)) = links {
                    let links = slice.links[slice.range.clone()].iter();
                    let links: Vec<Value> = links.map(|link| link.render()).collect();
                    body.insert((*key).to_owned(), Value::Array(links));
                }
            }
        }
        body.insert("id".to_owned(), json!(self.id));
        if let Some((key, value)) = &self.decoration {
            body.insert((*key).to_owned(), value.clone());
        }
        Value::Object(body)
    }
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
pub fn everything(world: &mut World, telling: &Telling) -> Vec<Entry> {
    let new = Touched {
        is_new: true,
        ..Touched::default()
    };
    let mut entries = Vec::new();
    match telling.collection {
        Collection::Users => {
            let users = world.company.users.values();
            entries.extend(users.filter_map(|user| about_user(user, telling, &new)));
        }
        Collection::Groups => {
            let World {
                company,
                disorder,
                chance,
                ..
            } = world;
            for group in company.groups.values() {
                entries.extend(about_group(disorder, chance, group, telling, &new));
            }
        }
    }
    if world.disorder.strangers {
        let stranger = world.random_id();
        entries.push(Entry::gone(stranger, "deleted"));
    }
    entries
}

/// The entries about those of the `touched` objects that belong to the collection.
pub fn changes(
    world: &mut World,
    telling: &Telling,
    touched: BTreeMap<Uuid, Touched>,
) -> Vec<Entry> {
    let World {
        company,
        disorder,
        chance,
        ..
    } = world;
    let mut entries = Vec::new();
    for (id, touched) in touched {
        match telling.collection {
            Collection::Users => {
                let user = company.users.get(&id);
                entries.extend(user.and_then(|user| about_user(user, telling, &touched)));
            }
            Collection::Groups => {
                if let Some(group) = company.groups.get(&id) {
                    entries.extend(about_group(disorder, chance, group, telling, &touched));
                }
            }
        }
    }
    entries
}

fn about_user(user: &User, telling: &Telling, touched: &Touched) -> Option<Entry> {
    let properties = match present_or_gone(&user.object)? {
        Ok(properties) => properties,
        Err(gone) => return Some(gone),
    };
    // Unlike members, a manager is told only to those who select it.
    let tells_manager = telling.selects("manager") && (touched.is_new || touched.manager_changed);
    if !telling.concerns(touched) && !tells_manager {
        return None;
    }
    let links = match tells_manager {
        true => manager_links(user, touched),
        false => Vec::new(),
    };
    let slice = (!links.is_empty()).then(|| Slice {
        range: 0..links.len(),
        links: Arc::new(links),
    });
    Some(Entry {
        id: user.object.id,
        state: State::Present(properties, slice.map(|slice| ("manager@delta", slice))),
        earlier: user.object.earlier.clone(),
        decoration: None,
    })
}

fn manager_links(user: &User, touched: &Touched) -> Vec<Link> {
    let link = |id: Uuid, is_lost: bool| Link {
        id,
        kind: MemberKind::User,
        is_lost,
    };
    let former = touched.former_managers.iter();
    let gone = former
        .filter(|former| user.manager != Some(**former))
        .map(|former| link(*former, true));
    let present = user.manager.map(|manager| link(manager, false));
    gone.chain(present).collect()
}

/// A group's entry, or several when its members do not fit into one.
fn about_group(
    disorder: &Disorder,
    chance: &mut Rng,
    group: &Group,
    telling: &Telling,
    touched: &Touched,
) -> Vec<Entry> {
    let properties = match present_or_gone(&group.object) {
        None => return Vec::new(),
        Some(Ok(properties)) => properties,
        Some(Err(gone)) => return vec![gone],
    };
    let tracks_members = telling.select.is_none() || telling.selects("members");
    let hides_members = group.hides_members() && !telling.shows_hidden;
    let links = if tracks_members && !hides_members {
        member_links(disorder, chance, group, touched)
    } else {
        Vec::new()
    };
    if links.is_empty() && !telling.concerns(touched) {
        return Vec::new();
    }
    let entry = |slice: Option<Slice>| Entry {
        id: group.object.id,
        state: State::Present(
            properties.clone(),
            slice.map(|slice| ("members@delta", slice)),
        ),
        earlier: group.object.earlier.clone(),
        decoration: None,
    };
    if links.is_empty() {
        return vec![entry(None)];
    }
    let links = Arc::new(links);
    (0..links.len())
        .step_by(disorder.member_slice_max)
        .map(|start| {
            let end = links.len().min(start + disorder.member_slice_max);
            let links = links.clone();
            entry(Some(Slice {
                links,
                range: start..end,
            }))
        })
        .collect()
}

fn member_links(
    disorder: &Disorder,
    chance: &mut Rng,
    group: &Group,
    touched: &Touched,
) -> Vec<Link> {
    let members = group.visible_members();
    let link = |id: Uuid, kind: MemberKind, is_lost: bool| Link { id, kind, is_lost };
    let mut links: Vec<Link> = Vec::new();
    if touched.is_new {
        links.extend(members.iter().map(|(id, kind)| link(*id, *kind, false)));
    }
    for (id, kind) in &touched.members {
        match members.contains_key(id) {
            true if touched.is_new => {}
            is_member => links.push(link(*id, *kind, !is_member)),
        }
    }
    if touched.is_new && !links.is_empty() && disorder.strangers && chance.u8(..4) == 0 {
        let stranger = uuid::Builder::from_random_bytes(chance.u128(..).to_be_bytes());
        links.push(link(stranger.into_uuid(), MemberKind::User, true));
    }
    disorder.shuffle(&mut links, chance);
    links
}

/// What Graph shows of an object, or that it is not there any more; `None` if it has not heard of it.
fn present_or_gone(object: &Object) -> Option<Result<Arc<Map<String, Value>>, Entry>> {
    let (properties, life) = object.visible()?;
    Some(match life {
        Life::Alive => Ok(properties.clone()),
        Life::SoftDeleted(_) => Err(Entry::gone(object.id, "changed")),
        Life::Purged => Err(Entry::gone(object.id, "deleted")),
    })
}
