//! How untidily a round is told: delta promises neither order nor page size nor that a thing is said once.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;

use fastrand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::entries::{Entry, State};

/// The freedoms the documentation leaves to the service, and how far this one takes them.
#[derive(Clone, Debug)]
pub struct Disorder {
    /// Every arbitrary choice follows from it.
    pub seed: u64,
    /// Entries on a page that is not empty.
    pub page_entries: RangeInclusive<usize>,
    /// Objects on a page of a plain list, at most.
    pub list_page_max: usize,
    /// Members in one entry of a group; the others follow in further entries.
    pub member_slice_max: usize,
    /// Members in all entries of a page; once reached, the page is full.
    pub page_members_max: usize,
    /// Entries and members come in any order.
    pub shuffled: bool,
    /// Some pages are empty.
    pub empty_pages: bool,
    /// Some objects are told twice in a round, the older state first.
    pub repetitions: bool,
    /// A round may tell again what an earlier one told.
    pub replays: bool,
    /// First rounds tell of objects and members that are gone and were never told.
    pub strangers: bool,
    /// Some entries carry properties nobody selected and OData annotations nobody needs.
    pub extra_keys: bool,
    /// Links come back as `delta()`, `microsoft.graph.delta`, `$skipToken`.
    pub odd_spellings: bool,
}

impl Default for Disorder {
    fn default() -> Self {
        Self::seeded(365)
    }
}

impl Disorder {
    /// Every freedom taken, the same way for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            page_entries: 2..=5,
            list_page_max: 20,
            member_slice_max: 3,
            page_members_max: usize::MAX,
            shuffled: true,
            empty_pages: true,
            repetitions: true,
            replays: true,
            strangers: true,
            extra_keys: true,
            odd_spellings: true,
        }
    }

    /// No freedom taken: everything once, in order, on large pages.
    pub fn none() -> Self {
        Self {
            seed: 0,
            page_entries: 1000..=1000,
            list_page_max: 999,
            member_slice_max: 500,
            page_members_max: usize::MAX,
            shuffled: false,
            empty_pages: false,
            repetitions: false,
            replays: false,
            strangers: false,
            extra_keys: false,
            odd_spellings: false,
        }
    }

    /// As a large tenant may answer: up to a thousand objects on a page, some 500 members in an entry and few such
    /// entries on a page, in no order, and otherwise tidy. Only the 500 were seen; page sizes are not documented.
    pub fn realistic() -> Self {
        Self {
            page_entries: 100..=1000,
            page_members_max: 2000,
            shuffled: true,
            ..Self::none()
        }
    }

    /// Shuffles, if anything is to be shuffled.
    pub fn shuffle<T>(&self, items: &mut [T], chance: &mut Rng) {
        if self.shuffled {
            chance.shuffle(items);
        }
    }

    /// Lays a round's entries out on pages, at least one of them.
    pub fn pages(&self, mut entries: Vec<Entry>, chance: &mut Rng) -> Vec<Vec<Entry>> {
        self.shuffle(&mut entries, chance);
        if self.repetitions {
            repeat_some(&mut entries, chance);
        }
        if self.extra_keys {
            for entry in &mut entries {
                decorate(entry, chance);
            }
        }
        let mut waiting = VecDeque::from(entries);
        let mut pages = Vec::new();
        while !waiting.is_empty() {
            if self.empty_pages && chance.u8(..6) == 0 {
                pages.push(Vec::new());
            }
            let entries = chance.usize(self.page_entries.clone());
            pages.push(take_page(&mut waiting, entries, self.page_members_max));
        }
        if pages.is_empty() || (self.empty_pages && chance.u8(..3) == 0) {
            pages.push(Vec::new());
        }
        pages
    }
}

/// Tells about every fifth entry twice; the first time as it was before its latest change, if it had one.
fn repeat_some(entries: &mut Vec<Entry>, chance: &mut Rng) {
    let told = std::mem::take(entries);
    let mut placed: Vec<(usize, Entry)> = Vec::with_capacity(told.len());
    for (place, entry) in told.into_iter().enumerate() {
        if chance.u8(..5) == 0 {
            let mut first_telling = entry.clone();
            if let Some(earlier) = first_telling.earlier.take() {
                first_telling.state = State::Present(earlier, None);
            }
            // Even numbers lie before the entry that had the place.
            placed.push((2 * chance.usize(..=place), first_telling));
        }
        placed.push((2 * place + 1, entry));
    }
    placed.sort_by_key(|(place, _)| *place);
    entries.extend(placed.into_iter().map(|(_, entry)| entry));
}

/// Adds what a client must be able to ignore.
fn decorate(entry: &mut Entry, chance: &mut Rng) {
    let id = entry.id;
    entry.decoration = match chance.u8(..8) {
        0 => Some((
            "@odata.id",
            json!(format!(
                "https://graph.microsoft.com/v2/directoryObjects/{id}"
            )),
        )),
        1 => Some(("@odata.etag", json!("W/\"JzEtVXNlck9iamVjdDsxJw==\""))),
        2 => Some(("createdObjectOwnerOf@odata.navigationLink", json!(""))),
        3 => Some((
            "organizationId",
            json!("927c6607-8060-4f4a-a5f8-34964ac78d70"),
        )),
        4 => Some((
            "cloudRealtimeCommunicationInfo",
            json!({"isSipEnabled": null}),
        )),
        _ => None,
    };
}

/// Takes up to `entries` entries about different objects, with some `members_max` members in all; what repeats an object waits for a later page, so
/// that the slices of one group are spread among other groups.
fn take_page(waiting: &mut VecDeque<Entry>, entries: usize, members_max: usize) -> Vec<Entry> {
    let mut members = 0;
    let mut taken: Vec<Entry> = Vec::new();
    let mut told: HashSet<Uuid> = HashSet::new();
    let mut left: Vec<Entry> = Vec::new();
    while taken.len() < entries && members < members_max {
        let Some(entry) = waiting.pop_front() else {
            break;
        };
        if told.insert(entry.id) {
            members += entry.links();
            taken.push(entry);
        } else {
            left.push(entry);
        }
    }
    for entry in left.into_iter().rev() {
        waiting.push_front(entry);
    }
    taken
}
