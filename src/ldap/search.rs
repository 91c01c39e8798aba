//! Search (RFC 4511 §4.5): where it looks, its controls, and its answer, in steps that each fill one write.
//!
//! Most searches are answered at once ([`begin`]). One that is too long for that, or that must be sorted first,
//! becomes a [`Job`], which goes on in a task of its own; a paged one waits in [`pages`] for its next page.

pub mod pages;
mod sort;
mod walk;

use std::sync::Arc;

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use super::Context;
use super::control::{Controls, Sort, SortOutcome};
use super::limits::Limits;
use super::outstanding::Outlet;
use super::refusal::{Refusal, success};
use super::request::{Envelope, Scope, Search};
use super::session::{Identity, Reach, Session};
use crate::dit::filter::compile;
use crate::dit::snapshot::BASE;
use crate::dit::{Dn, EntryId, Filter, Snapshot};
use pages::{Fingerprint, Pages, Waiting};
use sort::Sorter;
use walk::{Position, Step, Walk};

/// Answers are written once this much has gathered.
pub const WRITE_BYTES: usize = 64 * 1024;

/// Where a search looks: which part of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    base: EntryId,
    scope: Scope,
    reach: Reach,
}

/// Where a search stands, whoever goes on with it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The tree it sees from its first entry to its last.
    snapshot: Arc<Snapshot>,
    region: Region,
    position: Position,
    /// All entries found, in the order that was asked for.
    order: Option<Arc<[EntryId]>>,
    /// How sorting went, where it was asked for.
    sorted: Option<SortOutcome>,
}

/// How a search came to an end, or to the end of a page.
#[derive(Debug)]
pub struct Ending {
    /// The result.
    pub result: LdapResult,
    /// How sorting went, where the client is to know.
    pub sorted: Option<SortOutcome>,
    /// Pages were asked for.
    pub is_paged: bool,
    /// What is left for further pages.
    pub waiting: Option<Waiting>,
}

/// A search that goes on after its message was dealt with.
#[derive(Debug)]
pub struct Job {
    /// The whole request.
    message: Vec<u8>,
    fingerprint: Fingerprint,
    place: Place,
}

/// What came of a request.
pub enum Begun {
    /// It is answered but for the result.
    Ended(Ending),
    /// There is more to do.
    Unfinished(Job),
}

/// Begins a search, or its next page, and appends the entries found at once to `out`.
pub fn begin(
    context: &Context,
    session: &Session,
    pages: &mut Pages,
    envelope: &Envelope,
    controls: &Controls,
    out: &mut Vec<u8>,
) -> Result<Begun, Refusal> {
    let search = Search::decode(envelope.content)?;
    let fingerprint = || {
        let sort = controls.sort.as_ref().map(|sort| sort.value);
        Fingerprint::new(envelope.content, sort)
    };
    let mut place = match controls.paged {
        Some(paged) if !paged.cookie.is_empty() => {
            next_page(context, session, pages.take(paged.cookie, fingerprint())?)?
        }
        _ => first_place(context, session, &search)?,
    };
    if let Some(assertion) = &controls.assertion {
        assert(assertion, &place)?;
    }
    if let Some(paged) = controls.paged {
        if paged.size == 0 {
            return Ok(Begun::Ended(Ending::abandoned_pages()));
        }
        let page_entries = Limits::of(&session.identity).page_entries;
        place
            .position
            .turn_page(page_entries.min(paged.size as usize));
    }
    let job = |place| Job {
        message: envelope.message.to_vec(),
        fingerprint: fingerprint(),
        place,
    };
    if let Some(sort) = &controls.sort
        && place.sorted.is_none()
    {
        match Sorter::new(&sort.keys) {
            Ok(_) => return Ok(Begun::Unfinished(job(place))),
            Err(outcome) if sort.is_critical => return Ok(Begun::Ended(Ending::unsorted(outcome))),
            Err(outcome) => place.sorted = Some(outcome),
        }
    }
    let mut walk = place.walk(envelope.message_id, &search, controls);
    let step = walk.step(WRITE_BYTES, out);
    let position = walk.position();
    place.position = position;
    Ok(match step {
        Step::More => Begun::Unfinished(job(place)),
        Step::Full => Begun::Ended(Ending::of_page(place, fingerprint())),
        Step::Done(result) => Begun::Ended(place.end(result, controls)),
    })
}

/// Where a new search starts.
fn first_place(context: &Context, session: &Session, search: &Search) -> Result<Place, Refusal> {
    let base = parse_name(search.base)?;
    let (snapshot, region) = locate(context, session, &base, search.scope)?;
    Ok(Place {
        snapshot,
        region,
        position: Position::start(search, Limits::of(&session.identity)),
        order: None,
        sorted: None,
    })
}

/// Where the next page starts, if the client may still read at all.
fn next_page(context: &Context, session: &Session, waiting: Waiting) -> Result<Place, Refusal> {
    let Waiting { place, .. } = waiting;
    if !Arc::ptr_eq(&place.snapshot, &context.server_entries) {
        let snapshot = context.snapshot().ok_or_else(Refusal::no_snapshot)?;
        reach(context, session, &snapshot)?;
    }
    Ok(place)
}

/// The snapshot that an operation on this name sees, and where in it.
pub fn locate(
    context: &Context,
    session: &Session,
    base: &Dn,
    scope: Scope,
) -> Result<(Arc<Snapshot>, Region), Refusal> {
    if let Some(region) = server_region(context, base, scope) {
        return Ok((context.server_entries.clone(), region));
    }
    if !session.is_confidential {
        return Err(Refusal::confidentiality_required());
    }
    let snapshot = context.snapshot().ok_or_else(Refusal::no_snapshot)?;
    let region = tree_region(context, session, &snapshot, base, scope)?;
    Ok((snapshot, region))
}

/// The assertion control (RFC 4528): on the base object of a search.
fn assert(assertion: &Filter, place: &Place) -> Result<(), Refusal> {
    check_assertion(assertion, &place.snapshot, place.region.base)
}

/// Whether an asserted filter holds for an entry.
pub fn check_assertion(
    assertion: &Filter,
    snapshot: &Snapshot,
    entry: EntryId,
) -> Result<(), Refusal> {
    if compile(assertion, snapshot).matches(entry) {
        return Ok(());
    }
    Err(Refusal::new(LdapResultCode::AssertionFailed, ""))
}

impl Place {
    /// The walk that goes on from here.
    fn walk(&self, message_id: u32, search: &Search, controls: &Controls) -> Walk<'_> {
        let position = self.position.clone();
        let walk = Walk::new(message_id, search, &self.snapshot, self.region, position);
        let walk = walk.only_values(controls.matched_values.as_deref());
        match &self.order {
            Some(order) => walk.in_order(order),
            None => walk,
        }
    }

    fn end(self, result: LdapResult, controls: &Controls) -> Ending {
        // Without entries there is nothing that could be sorted (RFC 2891 §2).
        let sorted = self.sorted.filter(|_| self.position.returned > 0);
        Ending {
            result,
            sorted,
            is_paged: controls.paged.is_some(),
            waiting: None,
        }
    }
}

impl Ending {
    /// A page is full, and there is more.
    fn of_page(place: Place, fingerprint: Fingerprint) -> Self {
        Self {
            result: success(),
            sorted: place.sorted.clone(),
            is_paged: true,
            waiting: Some(Waiting { fingerprint, place }),
        }
    }

    /// The client wants no more pages (RFC 2696 §3).
    fn abandoned_pages() -> Self {
        Self {
            result: success(),
            sorted: None,
            is_paged: true,
            waiting: None,
        }
    }

    /// The client wants nothing unsorted, and it cannot be sorted (RFC 2891 §2).
    fn unsorted(outcome: SortOutcome) -> Self {
        let refusal = Refusal::new(
            LdapResultCode::UnavailableCriticalExtension,
            "the entries cannot be sorted as asked",
        );
        Self {
            result: refusal.into(),
            sorted: Some(outcome),
            is_paged: false,
            waiting: None,
        }
    }

    fn failed(result: LdapResult) -> Self {
        Self {
            result,
            sorted: None,
            is_paged: false,
            waiting: None,
        }
    }
}

impl Job {
    /// Does the rest of the search, in turns.
    pub async fn run(self, outlet: &Outlet) {
        let Self {
            message,
            fingerprint,
            place,
        } = self;
        // It was decoded when the search began: these cannot fail now.
        let ending = match Request::decode(&message) {
            Ok(request) => request.finish(place, fingerprint, outlet).await,
            Err(refusal) => Ending::failed(refusal.into()),
        };
        outlet.send(Vec::new(), Some(ending)).await;
    }
}

/// The request of a [`Job`], decoded again: it borrows from the message.
struct Request<'m> {
    message_id: u32,
    search: Search<'m>,
    controls: Controls<'m>,
}

impl<'m> Request<'m> {
    fn decode(message: &'m [u8]) -> Result<Self, Refusal> {
        let envelope = Envelope::decode(message)?;
        Ok(Self {
            message_id: envelope.message_id,
            search: Search::decode(envelope.content)?,
            controls: envelope.decode_controls()?,
        })
    }

    async fn finish(&self, mut place: Place, fingerprint: Fingerprint, outlet: &Outlet) -> Ending {
        if let Some(sort) = &self.controls.sort
            && place.sorted.is_none()
            && let Err(ending) = self.sort(sort, &mut place, outlet).await
        {
            return ending;
        }
        let mut walk = place.walk(self.message_id, &self.search, &self.controls);
        let step = loop {
            let turn = outlet.turn().await;
            let mut octets = Vec::with_capacity(WRITE_BYTES);
            let step = walk.step(WRITE_BYTES, &mut octets);
            if !octets.is_empty() {
                outlet.send(octets, None).await;
            }
            drop(turn);
            match step {
                Step::More => tokio::task::yield_now().await,
                end => break end,
            }
        };
        let position = walk.position();
        place.position = position;
        match step {
            Step::Done(result) => place.end(result, &self.controls),
            Step::More | Step::Full => Ending::of_page(place, fingerprint),
        }
    }

    /// Finds every entry and puts them in order; where there are too many, says so as the client wants it said.
    async fn sort(
        &self,
        sort: &Sort<'_>,
        place: &mut Place,
        outlet: &Outlet,
    ) -> Result<(), Ending> {
        let too_many = || SortOutcome {
            code: LdapResultCode::AdminLimitExceeded,
            attribute: None,
        };
        let mut sorter = match Sorter::new(&sort.keys) {
            Ok(sorter) => sorter,
            Err(outcome) => return Err(Ending::unsorted(outcome)),
        };
        let mut walk = place.walk(self.message_id, &self.search, &self.controls);
        let step = loop {
            let turn = outlet.turn().await;
            let step = walk.gather(|entry| sorter.add(&place.snapshot, entry));
            drop(turn);
            match step {
                Step::More => tokio::task::yield_now().await,
                end => break end,
            }
        };
        let gathered = walk.position();
        drop(walk);
        place.position.spend(&gathered);
        match step {
            Step::Done(result) if result.code == LdapResultCode::Success => {
                place.order = Some(sorter.finish().into());
                place.sorted = Some(SortOutcome::success());
            }
            Step::Done(result) => return Err(Ending::failed(result)),
            Step::More | Step::Full if sort.is_critical => {
                return Err(Ending::unsorted(too_many()));
            }
            Step::More | Step::Full => place.sorted = Some(too_many()),
        }
        Ok(())
    }
}

/// Whether the search is about the server rather than the tree: the root DSE and the subschema, which
/// everyone may read over any connection.
fn server_region(context: &Context, base: &Dn, scope: Scope) -> Option<Region> {
    let entry = context.server_entries.find(base)?;
    // The root DSE has no subordinates of its own; below the empty name lies the tree.
    if base.is_empty() && scope != Scope::Base {
        return None;
    }
    Some(Region {
        base: entry,
        scope,
        reach: Reach::Tree,
    })
}

/// Where in the tree a search looks, if this client may look there.
fn tree_region(
    context: &Context,
    session: &Session,
    snapshot: &Snapshot,
    base: &Dn,
    scope: Scope,
) -> Result<Region, Refusal> {
    let reach = reach(context, session, snapshot)?;
    if base.is_empty() {
        let scope = if scope == Scope::OneLevel {
            Scope::Base
        } else {
            Scope::Subtree
        };
        return Ok(Region {
            base: BASE,
            scope,
            reach,
        });
    }
    match snapshot.find(base) {
        Some(base) if reach.includes(snapshot, base) => Ok(Region { base, scope, reach }),
        _ => Err(no_such_object(snapshot, reach, base)),
    }
}

/// What this client may read of the tree, which must be something.
fn reach(context: &Context, session: &Session, snapshot: &Snapshot) -> Result<Reach, Refusal> {
    let reach = session.identity.reach(snapshot, context.users_may_read);
    if matches!(reach, Reach::Nothing) {
        let diagnostic = match session.identity {
            Identity::Anonymous => {
                "bind first: anonymous clients may read the root DSE and the subschema"
            }
            _ => "this identity may read nothing any more",
        };
        return Err(Refusal::new(
            LdapResultCode::InsufficentAccessRights,
            diagnostic,
        ));
    }
    Ok(reach)
}

/// noSuchObject, with the deepest entry above the name that the client may read (RFC 4511 §4.1.9).
fn no_such_object(snapshot: &Snapshot, reach: Reach, name: &Dn) -> Refusal {
    let ancestors = std::iter::successors(name.parent(), Dn::parent);
    let mut found = ancestors.filter_map(|ancestor| snapshot.find(&ancestor));
    let matched = found.find(|&entry| reach.includes(snapshot, entry));
    let matched_dn =
        matched.map(|entry| String::from_utf8_lossy(snapshot.entry(entry).dn()).into_owned());
    Refusal {
        matched_dn: matched_dn.unwrap_or_default(),
        ..Refusal::new(LdapResultCode::NoSuchObject, "")
    }
}

/// The base object's name.
pub fn parse_name(name: &[u8]) -> Result<Dn, Refusal> {
    std::str::from_utf8(name)
        .ok()
        .and_then(|name| Dn::parse(name).ok())
        .ok_or_else(|| {
            Refusal::new(
                LdapResultCode::InvalidDNSyntax,
                "the name is no DN (RFC 4514)",
            )
        })
}

impl Region {
    /// The entry the search starts from.
    pub fn base(self) -> EntryId {
        self.base
    }

    fn contains(self, snapshot: &Snapshot, entry: EntryId) -> bool {
        let in_scope = match self.scope {
            Scope::Base => entry == self.base,
            Scope::OneLevel => entry != self.base && snapshot.head(entry).parent == self.base,
            Scope::Subtree => snapshot.is_within(entry, self.base),
            Scope::Subordinates => entry != self.base && snapshot.is_within(entry, self.base),
        };
        in_scope && self.reach.includes(snapshot, entry)
    }
}
