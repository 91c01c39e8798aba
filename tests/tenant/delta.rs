//! Delta query: rounds of pages that end in a delta link, and the tokens that lead from one to the next.
//!
//! A round is computed when it starts and kept page by page, so that a page asked for twice is the same page,
//! and a change made during a round belongs to the next one.

pub mod disorder;
pub mod entries;
pub mod page;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Tenant;
use super::clock::span;
use super::graph::DELTA_SPELLINGS;
use super::graph::caller::Caller;
use super::graph::properties::Collection;
use super::graph::query::Query;
use super::graph::refusal::Refusal;
use super::world::World;
use entries::{Entry, Telling, Touched};
use page::{Content, Page};

/// How long a delta token of the directory works (Microsoft 365 developer blog, July 2020).
const DELTA_TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Everything behind the opaque tokens.
#[derive(Default)]
pub struct Rounds {
    pages: BTreeMap<String, (String, Arc<Page>)>,
    delta_tokens: BTreeMap<String, DeltaToken>,
    refused: Vec<String>,
}

/// What a delta token stands for.
#[derive(Clone, Debug)]
struct DeltaToken {
    collection: Collection,
    select: Option<Vec<String>>,
    /// How much of the journal its holder has seen.
    seen: usize,
    minted: Timestamp,
    fate: Fate,
}

/// What happens when a delta token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It works for seven days.
    Works,
    /// 400 `syncStateNotFound`, as after those seven days.
    Expired,
    /// 410: the service lost its state.
    Reset,
}

impl Rounds {
    /// Keeps `page` of `place` (`users/delta`, `groups`) for whoever comes with `token`.
    pub fn keep(&mut self, place: &str, token: String, page: Page) {
        self.pages.insert(token, (place.to_owned(), Arc::new(page)));
    }

    /// The page of `place` behind a skip token.
    pub fn page(&self, place: &str, token: &str) -> Result<Arc<Page>, Refusal> {
        match self.pages.get(token) {
            Some((kept_for, page)) if kept_for == place => Ok(page.clone()),
            _ => Err(Refusal::expired_page_token()),
        }
    }

    /// Which page of its round or list a skip token leads to, counted from 0.
    pub fn number(&self, token: &str) -> Option<usize> {
        self.pages.get(token).map(|(_, page)| page.number)
    }
}

/// One page of `GET /users/delta` or `GET /groups/delta`.
pub fn page(
    world: &mut World,
    caller: &Caller,
    collection: Collection,
    query: &Query,
) -> Result<Value, Refusal> {
    let place = place(collection);
    if let Some(option) = query.beyond(&["$select", "$skiptoken", "$deltatoken"]) {
        let message = format!("Invalid request for delta query: {option} is not supported.");
        return Err(Refusal::bad_request(message));
    }
    if let Some(token) = &query.skip_token {
        if query.select.is_some() || query.delta_token.is_some() {
            let message = "$select cannot be specified together with $skiptoken.";
            return Err(Refusal::bad_request(message));
        }
        return world.kept_page(&place, token);
    }
    refuse_unknown(world, collection, query.select.as_deref())?;
    let telling = |select: Option<Vec<String>>| Telling {
        collection,
        select: select.map(Arc::new),
        is_hollow: !caller.sees(collection.permissions()),
        shows_hidden: caller.sees(&["Member.Read.Hidden"]),
    };
    let select = query.select.clone();
    match query.delta_token.as_deref() {
        None | Some("") => {
            let telling = telling(select);
            let entries = entries::everything(world, &telling);
            Ok(bind(world, telling, entries))
        }
        Some("latest") => Ok(bind(world, telling(select), Vec::new())),
        Some(token) => {
            let token = valid(world, collection, token)?;
            let telling = telling(select.or(token.select));
            let touched = touched_since(world, token.seen);
            let entries = entries::changes(world, &telling, touched);
            Ok(bind(world, telling, entries))
        }
    }
}

fn refuse_unknown(
    world: &World,
    collection: Collection,
    select: Option<&[String]>,
) -> Result<(), Refusal> {
    let is_tracked = |property: &String| {
        let is_known =
            world.knows(collection, property) || collection.links().contains(&property.as_str());
        is_known && !world.rounds.refused.contains(property)
    };
    match select
        .unwrap_or_default()
        .iter()
        .find(|property| !is_tracked(property))
    {
        Some(property) => Err(Refusal::not_in_delta(property)),
        None => Ok(()),
    }
}

/// What `token` stands for, if it still counts.
fn valid(world: &mut World, collection: Collection, token: &str) -> Result<DeltaToken, Refusal> {
    let known = world.rounds.delta_tokens.get(token);
    let Some(known) = known
        .filter(|known| known.collection == collection)
        .cloned()
    else {
        return Err(Refusal::bad_request("Badly formed token."));
    };
    let age = world.clock.now().duration_since(known.minted);
    let fate = if age >= span(DELTA_TOKEN_LIFETIME) {
        Fate::Expired
    } else {
        known.fate
    };
    match fate {
        Fate::Works => Ok(known),
        Fate::Expired if world.chance.bool() => {
            Err(Refusal::sync_state_not_found("SyncStateNotFound"))
        }
        Fate::Expired => Err(Refusal::sync_state_not_found("syncStateNotFound")),
        Fate::Reset => {
            let root = format!("{}/v1.0/{}", world.base_url, collection.segment());
            Err(Refusal::resync_required(format!(
                "{root}/delta?$deltatoken="
            )))
        }
    }
}

/// What happened since the first `seen` changes, and now and then something that happened before.
fn touched_since(world: &mut World, seen: usize) -> BTreeMap<uuid::Uuid, Touched> {
    let (before, since) = world.company.journal.split_at(seen);
    let replayed = world.disorder.replays && !before.is_empty() && world.chance.u8(..3) == 0;
    let old = replayed.then(|| &before[world.chance.usize(..before.len())]);
    let mut touched: BTreeMap<uuid::Uuid, Touched> = BTreeMap::new();
    for change in old.into_iter().chain(since) {
        touched.entry(change.object).or_default().by(&change.what);
    }
    touched
}

/// Cuts the entries into pages, keeps all but the first for later, and returns that.
fn bind(world: &mut World, telling: Telling, entries: Vec<Entry>) -> Value {
    let collection = telling.collection;
    let disorder = world.disorder.clone();
    let mut pages = disorder.pages(entries, &mut world.chance);
    let select = telling.select.as_deref().cloned();
    let mut link = ("@odata.deltaLink", delta_link(world, collection, select));
    loop {
        let entries = pages.pop().expect("a round has at least one page");
        let number = pages.len();
        let select = telling.select.as_deref().filter(|_| number == 0);
        let page = Page {
            number,
            context: context(world, collection, select.map(Vec::as_slice)),
            count: None,
            link: Some(link),
            content: Content::Entries(entries, telling.clone()),
        };
        if number == 0 {
            return page.render();
        }
        let token = world.random_token(100);
        world.rounds.keep(&place(collection), token.clone(), page);
        link = (
            "@odata.nextLink",
            spell_link(world, collection, "skip", &token),
        );
    }
}

/// What the pages of a collection's rounds are kept under.
fn place(collection: Collection) -> String {
    format!("{}/delta", collection.segment())
}

fn context(world: &World, collection: Collection, select: Option<&[String]>) -> String {
    let root = format!("{}/v1.0/$metadata#{}", world.base_url, collection.segment());
    match select {
        Some(select) => format!("{root}({})", select.join(",")),
        None => root,
    }
}

fn delta_link(world: &mut World, collection: Collection, select: Option<Vec<String>>) -> String {
    let token = world.random_token(130);
    let stands_for = DeltaToken {
        collection,
        select,
        seen: world.company.journal.len(),
        minted: world.clock.now(),
        fate: Fate::Works,
    };
    world.rounds.delta_tokens.insert(token.clone(), stands_for);
    spell_link(world, collection, "delta", &token)
}

/// An absolute link; how function and option are spelled varies, as it does at Microsoft.
fn spell_link(world: &mut World, collection: Collection, kind: &str, token: &str) -> String {
    let root = format!("{}/v1.0/{}", world.base_url, collection.segment());
    if !world.disorder.odd_spellings {
        return format!("{root}/delta?${kind}token={token}");
    }
    let spelling = DELTA_SPELLINGS[world.chance.usize(..DELTA_SPELLINGS.len())];
    let option = if world.chance.bool() {
        "token"
    } else {
        "Token"
    };
    format!("{root}/{spelling}?${kind}{option}={token}")
}

impl Tenant {
    /// Every delta token handed out so far answers 400 `syncStateNotFound`.
    pub fn expire_delta_tokens(&self) {
        self.doom_delta_tokens(Fate::Expired);
    }

    /// Every delta token handed out so far answers 410 `resyncRequired` with a `Location`.
    pub fn reset_delta_tokens(&self) {
        self.doom_delta_tokens(Fate::Reset);
    }

    fn doom_delta_tokens(&self, fate: Fate) {
        for token in self.world().rounds.delta_tokens.values_mut() {
            token.fate = fate;
        }
    }

    /// Every skip token handed out so far answers 400 `Directory_ExpiredPageToken`.
    pub fn expire_page_tokens(&self) {
        self.world().rounds.pages.clear();
    }

    /// Delta answers 400 to a `$select` of `property`, as for one it does not track.
    pub fn refuse_property(&self, property: &str) {
        self.world().rounds.refused.push(property.to_owned());
    }
}
