//! A tenant in memory, and Graph's delta query over it, with all the disorder that Graph permits itself.
//!
//! Every change has a number; a delta link names the last one it covers. A round is fixed when its first page is
//! asked for, and what changes afterwards is in the next one.

use std::collections::BTreeMap;

use fastrand::Rng;
use ldap365::directory::DeltaLink;
use ldap365::graph::{Change, Link, Next, Page};
use serde_json::{Value, json};
use uuid::Uuid;

/// The most entries on a page; small, so that short histories have many pages.
const PAGE_MAX: usize = 4;
/// The most members in one slice of a group.
const SLICE_MAX: usize = 3;

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    pub upn: String,
    pub city: Option<String>,
    pub is_enabled: bool,
    pub is_guest: bool,
    /// Deleted, and restorable: groups keep listing the person.
    pub is_deleted: bool,
    /// The number of the last change.
    pub changed: u64,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Team {
    pub name: String,
    pub mail: Option<String>,
    pub is_unified: bool,
    /// Graph may show nobody in it and mean that we may not see them.
    pub hides_members: bool,
    pub changed: u64,
    /// Everyone who was ever in it: what they are, whether they are now, and since which change.
    pub members: BTreeMap<u128, (Kind, bool, u64)>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
    Device,
}

/// The tenant.
#[derive(Default)]
pub struct Tenant {
    pub people: BTreeMap<u128, Person>,
    pub teams: BTreeMap<u128, Team>,
    /// Those who are gone for good, and since which change.
    buried_people: BTreeMap<u128, u64>,
    buried_teams: BTreeMap<u128, u64>,
    /// The number of the last change.
    pub now: u64,
    next_id: u128,
    rounds: BTreeMap<u64, Round>,
    /// How often the groups were enumerated: whoever one does not show may have left, or be hidden.
    pub group_enumerations: usize,
    /// Delta links older than this are refused.
    pub forgotten: u64,
    /// Graph withholds what objects are.
    pub is_withholding: bool,
}

/// One of the two collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    Users,
    Groups,
}

/// The pages of a round under way, and the change it covers.
struct Round {
    pages: Vec<Vec<Value>>,
    covers: u64,
}

impl Tenant {
    pub fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    pub fn hire(&mut self, upn: String, is_guest: bool) -> u128 {
        let person = Person {
            upn,
            city: None,
            is_enabled: true,
            is_guest,
            is_deleted: false,
            changed: self.tick(),
        };
        let id = self.new_id();
        self.people.insert(id, person);
        id
    }

    pub fn found(&mut self, name: &str, is_unified: bool, hides_members: bool) -> u128 {
        let team = Team {
            name: name.to_owned(),
            mail: is_unified.then(|| format!("{name}@example.com")),
            is_unified,
            hides_members,
            changed: self.tick(),
            members: BTreeMap::new(),
        };
        let id = self.new_id();
        self.teams.insert(id, team);
        id
    }

    /// Changes a person, if there is one.
    pub fn person(&mut self, id: u128, change: impl FnOnce(&mut Person)) {
        let now = self.tick();
        if let Some(person) = self.people.get_mut(&id) {
            change(person);
            person.changed = now;
        }
    }

    /// Changes a group, if there is one.
    pub fn team(&mut self, id: u128, change: impl FnOnce(&mut Team)) {
        let now = self.tick();
        if let Some(team) = self.teams.get_mut(&id) {
            change(team);
            team.changed = now;
        }
    }

    /// Lets somebody into a group, or out of it.
    pub fn set_member(&mut self, team: u128, member: u128, kind: Kind, is_in: bool) {
        let now = self.tick();
        if let Some(team) = self.teams.get_mut(&team) {
            let was_in = team
                .members
                .get(&member)
                .is_some_and(|&(_, is_in, _)| is_in);
            if was_in != is_in {
                team.members.insert(member, (kind, is_in, now));
            }
        }
    }

    /// Deletes a person for good: only now do the groups lose them.
    pub fn bury_person(&mut self, id: u128) {
        let now = self.tick();
        if self.people.remove(&id).is_some() {
            self.buried_people.insert(id, now);
            self.leave_everywhere(id);
        }
    }

    /// Deletes a group.
    pub fn bury_team(&mut self, id: u128) {
        let now = self.tick();
        if self.teams.remove(&id).is_some() {
            self.buried_teams.insert(id, now);
            self.leave_everywhere(id);
        }
    }

    /// The change that deleted a person for good.
    pub fn buried_at(&self, id: u128) -> Option<u64> {
        self.buried_people.get(&id).copied()
    }

    fn leave_everywhere(&mut self, id: u128) {
        let now = self.now;
        for team in self.teams.values_mut() {
            if let Some((_, is_in, changed)) = team.members.get_mut(&id)
                && *is_in
            {
                (*is_in, *changed) = (false, now);
            }
        }
    }

    fn new_id(&mut self) -> u128 {
        self.next_id += 1;
        // Ids in no order of age, as GUIDs are.
        (self.next_id * 0x9e37_79b9_7f4a_7c15) % (1 << 100)
    }

    /// The page behind a link; `None` when the tenant no longer knows it.
    pub fn page<C: Change>(
        &mut self,
        collection: Collection,
        link: &Link,
        random: &mut Rng,
    ) -> Option<Page<C>> {
        let (kind, number) = link.0.rsplit_once('/').expect("a link of ours");
        let (round, page) = if kind.ends_with("page") {
            let (round, page) = number.split_once('-').expect("a link to a page");
            (parsed(round), parsed(page) as usize)
        } else {
            let since = match kind.ends_with("delta") {
                true => Some(parsed(number)),
                false => None,
            };
            if since.is_some_and(|since| since < self.forgotten) {
                return None;
            }
            (self.begin(collection, since, random), 0)
        };
        let Round { pages, covers } = self.rounds.get(&round)?;
        let next = match page + 1 < pages.len() {
            true => Next::More(Link(format!("{collection:?}/page/{round}-{}", page + 1))),
            false => Next::Done(DeltaLink(format!("{collection:?}/delta/{covers}"))),
        };
        let mut problems = Vec::new();
        let read = |entry: &Value| C::read(entry, &[], &mut problems);
        let changes = pages.get(page)?.iter().filter_map(read).collect();
        assert!(
            problems.is_empty(),
            "the tenant writes no nonsense: {problems:?}"
        );
        Some(Page {
            changes,
            problems,
            next,
        })
    }

    /// Forgets the pages handed out so far.
    pub fn forget_pages(&mut self) {
        self.rounds.clear();
    }

    fn begin(&mut self, collection: Collection, since: Option<u64>, random: &mut Rng) -> u64 {
        let histories = match collection {
            Collection::Users => self.user_histories(since, random),
            Collection::Groups => {
                self.group_enumerations += usize::from(since.is_none());
                self.group_histories(since, random)
            }
        };
        let pages = pages(shuffled(histories, random), random);
        let covers = self.now;
        let number = self.tick();
        self.rounds.insert(number, Round { pages, covers });
        number
    }

    /// For each person the entries of a round, in the order they must arrive in.
    fn user_histories(&self, since: Option<u64>, random: &mut Rng) -> Vec<Vec<Value>> {
        let mut histories = Vec::new();
        for (&id, person) in &self.people {
            let is_news = since.is_none_or(|since| person.changed > since);
            if !is_news && random.u8(..8) > 0 {
                continue;
            }
            let entry = match person.is_deleted {
                true => removed(id, "changed"),
                false => self.user_entry(id, person),
            };
            histories.push(repeated(entry, random));
        }
        histories.extend(tombstones(&self.buried_people, since, random));
        histories
    }

    fn user_entry(&self, id: u128, person: &Person) -> Value {
        if self.is_withholding {
            return json!({"id": guid(id), "userPrincipalName": null, "accountEnabled": null});
        }
        let kind = if person.is_guest { "Guest" } else { "Member" };
        let mut entry = json!({
            "id": guid(id), "userPrincipalName": person.upn, "accountEnabled": person.is_enabled, "userType": kind,
        });
        if let Some(city) = &person.city {
            entry["city"] = json!(city);
        }
        entry
    }

    fn group_histories(&self, since: Option<u64>, random: &mut Rng) -> Vec<Vec<Value>> {
        let mut histories = Vec::new();
        for (&id, team) in &self.teams {
            let newest = team.members.values().map(|&(.., changed)| changed).max();
            let changed = team.changed.max(newest.unwrap_or_default());
            let is_news = since.is_none_or(|since| changed > since);
            // A replay says again what it said before: a few members, and a few who have left.
            if is_news || random.u8(..8) == 0 {
                histories.push(self.slices(id, team, since.filter(|_| is_news), random));
            }
        }
        histories.extend(tombstones(&self.buried_teams, since, random));
        histories
    }

    fn slices(&self, id: u128, team: &Team, since: Option<u64>, random: &mut Rng) -> Vec<Value> {
        let mut members: Vec<Value> = Vec::new();
        for (&member, &(kind, is_in, changed)) in &team.members {
            let is_news = match since {
                Some(since) => changed > since,
                // Those who left may be told of even in a first round.
                None => is_in || random.bool(),
            };
            if !is_news && random.u8(..8) > 0 {
                continue;
            }
            let kind = match kind {
                Kind::User => "#microsoft.graph.user",
                Kind::Group => "#microsoft.graph.group",
                Kind::Device => "#microsoft.graph.device",
            };
            let mut link = json!({"id": guid(member), "@odata.type": kind});
            if !is_in {
                link["@removed"] = json!({"reason": "deleted"});
            } else if random.u8(..8) == 0 {
                // It left and came back.
                let mut gone = link.clone();
                gone["@removed"] = json!({"reason": "deleted"});
                members.push(gone);
            }
            members.push(link);
        }
        let types = if team.is_unified {
            json!(["Unified"])
        } else {
            json!([])
        };
        let entry = json!({
            "id": guid(id), "displayName": if self.is_withholding { Value::Null } else { json!(team.name) },
            "mail": team.mail, "mailEnabled": team.is_unified, "securityEnabled": !team.is_unified,
            "groupTypes": types, "visibility": if team.hides_members { json!("HiddenMembership") } else { Value::Null },
        });
        if members.is_empty() {
            return repeated(entry, random);
        }
        let mut slices = Vec::new();
        while !members.is_empty() {
            let size = random.usize(1..=SLICE_MAX.min(members.len()));
            let mut slice = entry.clone();
            slice["members@delta"] = members.drain(..size).collect();
            slices.extend(repeated(slice, random));
        }
        slices
    }
}

pub fn guid(id: u128) -> String {
    Uuid::from_u128(id).to_string()
}

fn parsed(number: &str) -> u64 {
    number.parse().expect("a number in a link of ours")
}

fn removed(id: u128, reason: &str) -> Value {
    json!({"id": guid(id), "@removed": {"reason": reason}})
}

/// Those who were deleted since, and a few more.
fn tombstones(
    buried: &BTreeMap<u128, u64>,
    since: Option<u64>,
    random: &mut Rng,
) -> Vec<Vec<Value>> {
    let mut entries = Vec::new();
    for (&id, &changed) in buried {
        let is_news = since.is_some_and(|since| changed > since);
        if is_news || random.u8(..8) == 0 {
            entries.push(repeated(removed(id, "deleted"), random));
        }
    }
    entries
}

/// An entry, now and then twice in a row.
fn repeated(entry: Value, random: &mut Rng) -> Vec<Value> {
    let copies = if random.u8(..10) == 0 { 2 } else { 1 };
    vec![entry; copies]
}

/// All entries in one order in which those of one object keep theirs.
fn shuffled(histories: Vec<Vec<Value>>, random: &mut Rng) -> Vec<Value> {
    let mut order: Vec<usize> = Vec::new();
    for (object, history) in histories.iter().enumerate() {
        order.extend(std::iter::repeat_n(object, history.len()));
    }
    random.shuffle(&mut order);
    let mut queues: Vec<_> = histories.into_iter().map(Vec::into_iter).collect();
    let take = |object: usize| queues[object].next().expect("as often as it has entries");
    order.into_iter().map(take).collect()
}

/// Pages of any size, some of them empty.
fn pages(mut entries: Vec<Value>, random: &mut Rng) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    loop {
        let size = random.usize(..=PAGE_MAX).min(entries.len());
        pages.push(entries.drain(..size).collect());
        if entries.is_empty() && random.u8(..4) > 0 {
            return pages;
        }
    }
}
