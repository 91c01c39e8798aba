//! One round of delta pages, from its first link to its deltaLink, as a state machine without I/O.
//!
//! A page or an error comes in; out comes the next link to fetch, all that was read, or the end. What is
//! held is never touched: a round works on a copy, and gives it away only at the deltaLink. It compares
//! with the tenant's objects as last read, which what is served may lag behind.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::directory::{DeltaLink, GroupId, PhaseProgress, State};
use crate::graph::{self, Change, Flaw, Link, Next, Page, Problem};

use super::Error;
use super::phase::{Account, Objects, Phase, Unsaid};
use super::tally::Tally;

/// Far above what the largest tenant needs (300,000 objects at 100 a page), to end what has no end.
const PAGES_MAX: usize = 100_000;

/// How many pages in a row may bring nothing that the round did not know. Empty pages are legal, and so are
/// repetitions; but Graph has been seen to make up new nextLinks for ever
/// (microsoftgraph/microsoft-graph-docs#4263). A thousand pages are minutes, and at 100 objects a page a
/// repetition of a third of the largest tenant.
const IDLE_PAGES_MAX: usize = 1_000;

/// How a round reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From the delta link last committed: only what changed since.
    Incremental,
    /// From the start: everything, to be compared with what is held.
    Full,
}

/// A round under way.
#[derive(Debug)]
pub struct Round<P: Phase> {
    /// The tenant's objects as the rounds before have left them.
    held: Arc<Objects<P>>,
    pinned: BTreeSet<GroupId>,
    mode: Mode,
    /// Where a full enumeration starts.
    start: Link,
    /// What is to be fetched next.
    link: Link,
    /// The delta link that an incremental round began with.
    committed_link: Option<DeltaLink>,
    /// Whether a page was lost, which is borne once.
    has_lost_page: bool,
    /// The delta link that this enumeration was made to replace, because Graph refused it.
    refused_link: Option<DeltaLink>,
    reading: Reading<P>,
}

/// What a round has read since it started, or started over.
#[derive(Debug)]
struct Reading<P: Phase> {
    objects: Objects<P>,
    /// Whom an incremental round was told about.
    touched: BTreeSet<P::Id>,
    links: HashSet<Link>,
    pages: usize,
    /// How many pages in a row, up to the last, brought nothing new.
    idle_pages: usize,
    /// How many entries told what every object of the kind has, and how many did not.
    full_entries: usize,
    bare_entries: usize,
    problems: Vec<Problem>,
}

/// What to do next.
#[derive(Debug)]
pub enum Step<P: Phase> {
    /// Fetch [`Round::link`], and come back with the page or the error.
    Fetch(Round<P>),
    /// The same, but the round started over: what was read so far could not be built upon.
    Restart(Round<P>),
    /// The deltaLink was reached.
    Commit(Box<Finished<P>>),
    /// The round is over, and nothing changed.
    GiveUp {
        /// Why.
        error: Error,
        /// An enumeration that need not start over: a later pass may go on where it stopped.
        unfinished: Option<Box<Round<P>>>,
    },
}

/// A round that reached its deltaLink.
#[derive(Debug)]
pub struct Finished<P: Phase> {
    /// The phase's objects as the tenant has them. The rules have not been applied to them yet.
    pub objects: Objects<P>,
    /// How it was read.
    pub mode: Mode,
    /// How many objects are new, different or gone.
    pub tally: Tally,
    /// Resources that could not be read; what was held of them stays.
    pub problems: Vec<Problem>,
    link: DeltaLink,
    completed: Timestamp,
}

impl Mode {
    /// Full when there is no delta link, when it is asked for, when the link tracks other properties than
    /// `wanted`, and when the last full enumeration is older than `full_interval` or lies in the future;
    /// else incremental.
    pub fn choose(
        progress: &PhaseProgress,
        wanted: &BTreeSet<String>,
        full: bool,
        full_interval: Duration,
        now: Timestamp,
    ) -> Self {
        let is_fresh = progress.enumerated.is_some_and(|enumerated| {
            let age = now.duration_since(enumerated);
            let limit = SignedDuration::try_from(full_interval).unwrap_or(SignedDuration::MAX);
            (SignedDuration::ZERO..=limit).contains(&age)
        });
        match progress.link.is_some() && is_fresh && progress.is_tracking(wanted) && !full {
            true => Self::Incremental,
            false => Self::Full,
        }
    }
}

impl<P: Phase> Round<P> {
    /// A round over `base`. `start` is where a full enumeration begins; an incremental round
    /// needs it only if Graph demands to start over.
    pub fn begin(base: &State, start: Link, mode: Mode) -> Self {
        let committed = P::progress(&base.progress).link.as_ref();
        let (mode, link) = match (mode, committed) {
            (Mode::Incremental, Some(link)) => (Mode::Incremental, Link::from(link)),
            (Mode::Incremental, None) | (Mode::Full, _) => (Mode::Full, start.clone()),
        };
        let held = Arc::new(P::tenant(&base.directory));
        let objects = match mode {
            Mode::Incremental => Objects::<P>::clone(&held),
            Mode::Full => Objects::<P>::default(),
        };
        Self {
            held,
            pinned: base.directory.pins.values().copied().collect(),
            mode,
            start,
            reading: Reading::begin(objects, link.clone()),
            link,
            committed_link: committed.cloned(),
            has_lost_page: false,
            refused_link: None,
        }
    }

    /// What to fetch now.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Where a full enumeration starts, or has started.
    pub fn start(&self) -> &Link {
        &self.start
    }

    /// How the round reads at present.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How many pages were read since the round started, or started over.
    pub fn pages(&self) -> usize {
        self.reading.pages
    }

    /// The delta link that this enumeration was made to replace, because Graph refused it.
    pub fn refused_link(&self) -> Option<&DeltaLink> {
        self.refused_link.as_ref()
    }

    /// The round started over, with a full enumeration that begins at `start`.
    pub fn restarted_from(self, start: Link) -> Self {
        Self {
            mode: Mode::Full,
            link: start.clone(),
            reading: Reading::begin(Objects::<P>::default(), start.clone()),
            start,
            ..self
        }
    }

    /// An unfinished enumeration, to be compared with `base` from now on.
    pub fn resumed(mut self, base: &State) -> Self {
        self.held = Arc::new(P::tenant(&base.directory));
        self.pinned = base.directory.pins.values().copied().collect();
        self
    }

    /// The page behind [`Self::link`] came, at `now`.
    pub fn page(mut self, page: Page<P::Change>, now: Timestamp) -> Step<P> {
        self.reading.pages += 1;
        if self.mode == Mode::Full && is_withheld::<P>(&page.changes) {
            return Step::give_up(self.withheld());
        }
        let is_news = match self.mode {
            Mode::Full => Some(self.enumerate(page.changes, &page.problems)),
            Mode::Incremental => self.build_on(page.changes),
        };
        self.reading.problems.extend(page.problems);
        let Some(is_news) = is_news else {
            return Step::Restart(self.restarted());
        };
        self.reading.idle_pages = match is_news {
            true => 0,
            false => self.reading.idle_pages + 1,
        };
        match page.next {
            Next::More(link) => self.follow(link),
            Next::Done(link) => match self.flaw() {
                Some(error) => Step::give_up(error),
                None => Step::Commit(Box::new(self.finish(link, now))),
            },
        }
    }

    /// Fetching [`Self::link`] failed for good.
    pub fn failed(mut self, error: graph::Error) -> Step<P> {
        match (&error, self.mode) {
            (error, Mode::Incremental) if is_refusal_of_a_link(error) => {
                self.refused_link.clone_from(&self.committed_link);
                return Step::Restart(self.restarted());
            }
            (graph::Error::PageGone { .. }, _) if !self.has_lost_page => {
                self.has_lost_page = true;
                return Step::Restart(self.restarted());
            }
            _ => {}
        }
        // What was withheld is to be read again, should the permission come back.
        let mut flaws = self.reading.problems.iter().map(|problem| problem.flaw);
        let is_worth_keeping = self.mode == Mode::Full
            && self.pages() > 0
            && error.is_transient()
            && !flaws.any(|flaw| flaw == Flaw::Withheld);
        Step::GiveUp {
            error: Error::Graph {
                phase: P::NAME,
                source: error,
            },
            unfinished: is_worth_keeping.then(|| Box::new(self)),
        }
    }

    /// Applies changes to what is held, and tells whether there was news among them; `None` when only an
    /// enumeration can tell: what is held lacks what a change builds upon, or Graph withholds what it is.
    fn build_on(&mut self, changes: Vec<P::Change>) -> Option<bool> {
        let mut is_news = false;
        for change in changes {
            let is_withheld = matches!(P::account(&change), Account::Withheld(_));
            if is_withheld || P::needs_enumeration(&self.reading.objects, &change) {
                return None;
            }
            let id = P::id(&change);
            if P::apply(&mut self.reading.objects, change, &self.pinned) {
                self.reading.touched.insert(id);
                is_news = true;
            }
        }
        Some(is_news)
    }

    /// Collects objects from nothing, and tells whether there was one not collected yet. One that goes is
    /// simply absent, until [`Self::compare`] looks at pins.
    fn enumerate(&mut self, changes: Vec<P::Change>, problems: &[Problem]) -> bool {
        let flawed = problems
            .iter()
            .filter_map(|problem| problem.id.parse::<P::Id>().ok());
        for id in flawed.collect::<BTreeSet<_>>() {
            self.keep(id);
        }
        let nothing_is_pinned = BTreeSet::new();
        let mut is_news = false;
        for change in changes {
            match P::account(&change) {
                Account::Full => self.reading.full_entries += 1,
                Account::Partial => self.reading.bare_entries += 1,
                Account::Removed => {}
                Account::Withheld(field) => {
                    let id = P::id(&change);
                    self.reading.bare_entries += 1;
                    self.reading.note(id, field, Flaw::Withheld);
                    self.keep(id);
                    continue;
                }
            }
            is_news |= P::apply(&mut self.reading.objects, change, &nothing_is_pinned);
        }
        is_news
    }

    /// What is held of an object lies beneath what is read of it.
    fn keep(&mut self, id: P::Id) {
        if let Some(held) = self.held.get(&id) {
            P::lay_under(&mut self.reading.objects, id, held);
        }
    }

    fn follow(mut self, link: Link) -> Step<P> {
        let (phase, pages) = (P::NAME, self.pages());
        let error = if !self.reading.links.insert(link.clone()) {
            Error::NextLinkRepeated { phase, pages }
        } else if pages >= PAGES_MAX || self.reading.idle_pages >= IDLE_PAGES_MAX {
            Error::TooManyPages { phase, pages }
        } else {
            self.link = link;
            return Step::Fetch(self);
        };
        // The same delta link would lead into the same circle at every pass to come.
        match self.mode {
            Mode::Incremental => Step::Restart(self.restarted()),
            Mode::Full => Step::give_up(error),
        }
    }

    fn restarted(self) -> Self {
        let start = self.start.clone();
        self.restarted_from(start)
    }

    /// Why an enumeration cannot be true, though it came to its end.
    fn flaw(&self) -> Option<Error> {
        if self.mode == Mode::Incremental {
            return None;
        }
        if self.reading.full_entries == 0 && self.reading.bare_entries > 0 {
            return Some(self.withheld());
        }
        // No tenant is without users: an enumeration that says so is an error, not an empty tenant.
        let is_nobody = P::NAME == super::PhaseName::Users && self.reading.objects.is_empty();
        is_nobody.then_some(Error::NobodyThere { phase: P::NAME })
    }

    fn withheld(&self) -> Error {
        Error::Withheld {
            phase: P::NAME,
            permission: P::Change::PERMISSION,
        }
    }

    fn finish(mut self, link: DeltaLink, now: Timestamp) -> Finished<P> {
        match self.mode {
            Mode::Full => self.compare(),
            Mode::Incremental => self.share_unchanged(),
        }
        let tally = Tally::between(&self.held, &self.reading.objects);
        Finished {
            tally,
            objects: match tally.is_empty() {
                true => Objects::<P>::clone(&self.held),
                false => self.reading.objects,
            },
            mode: self.mode,
            problems: self.reading.problems,
            link,
            completed: now,
        }
    }

    /// What changed and changed back is as it was.
    fn share_unchanged(&mut self) {
        for id in &self.reading.touched {
            if let (Some(object), Some(held)) =
                (self.reading.objects.get_mut(id), self.held.get(id))
                && object == held
            {
                *object = Arc::clone(held);
            }
        }
    }

    /// Brings what was enumerated and what is held together: the unchanged is shared, the absent goes.
    fn compare(&mut self) {
        self.replace_bare();
        // An object that does not even tell its id may be any of those that seem to be absent.
        let is_complete = self
            .reading
            .problems
            .iter()
            .all(|problem| problem.id.parse::<P::Id>().is_ok());
        for (&id, held) in self.held.iter() {
            if let Some(object) = self.reading.objects.get_mut(&id) {
                if let Some(Unsaid { field, flaw }) = P::complete(object, held) {
                    self.reading.problems.push(problem::<P>(id, field, flaw));
                }
                if object == held {
                    *object = Arc::clone(held);
                }
                continue;
            }
            let remainder = match is_complete {
                true => P::remainder(id, held, &self.pinned),
                false => Some(Arc::clone(held)),
            };
            if let Some(remainder) = remainder {
                self.reading.objects.insert(id, remainder);
            }
        }
    }

    /// An object of which only a part was enumerated stays as it is held, or is not held.
    fn replace_bare(&mut self) {
        let objects = self.reading.objects.iter();
        let is_bare = |(&id, object): (_, &Arc<P::Object>)| (!P::is_whole(object)).then_some(id);
        for id in objects.filter_map(is_bare).collect::<Vec<_>>() {
            self.reading.note(id, P::ESSENCE, Flaw::Bare);
            match self.held.get(&id) {
                Some(held) => self.reading.objects.insert(id, Arc::clone(held)),
                None => self.reading.objects.remove(&id),
            };
        }
    }
}

/// Whether Graph withholds what every one of several objects is: the permission was withdrawn in the middle of
/// the round. A single one may just be odd.
fn is_withheld<P: Phase>(changes: &[P::Change]) -> bool {
    let accounts = changes.iter().map(P::account);
    let mut told = accounts.filter(|account| *account != Account::Removed);
    told.next().is_some_and(is_account_withheld)
        && told.next().is_some_and(is_account_withheld)
        && told.all(is_account_withheld)
}

/// Whether an incremental round cannot go on for good, though an enumeration may begin: Graph asks for one, will
/// not take the link, or is no longer where the link leads (`tenant.graph_url` was changed). The same link would
/// fail at every pass to come.
fn is_refusal_of_a_link(error: &graph::Error) -> bool {
    match error {
        graph::Error::ResyncRequired { .. } => true,
        graph::Error::Refused { status, .. } | graph::Error::Malformed { status, .. } => {
            matches!(status, 400 | 404 | 414)
        }
        // Brought by a page, it says that something in between rewrites links, whichever way they are read.
        graph::Error::ForeignLink { trace, .. } => trace.is_none(),
        _ => false,
    }
}

fn is_account_withheld(account: Account) -> bool {
    matches!(account, Account::Withheld(_))
}

impl<P: Phase> Reading<P> {
    fn begin(objects: Objects<P>, link: Link) -> Self {
        Self {
            objects,
            touched: BTreeSet::new(),
            links: HashSet::from([link]),
            pages: 0,
            idle_pages: 0,
            full_entries: 0,
            bare_entries: 0,
            problems: Vec::new(),
        }
    }

    fn note(&mut self, id: P::Id, field: &'static str, flaw: Flaw) {
        self.problems.push(problem::<P>(id, field, flaw));
    }
}

fn problem<P: Phase>(id: P::Id, field: &'static str, flaw: Flaw) -> Problem {
    let id = id.to_string();
    let field = field.into();
    Problem { id, field, flaw }
}

impl<P: Phase> Step<P> {
    fn give_up(error: Error) -> Self {
        Self::GiveUp {
            error,
            unfinished: None,
        }
    }
}

impl<P: Phase> Finished<P> {
    /// Whether Graph withheld what some objects are: the delta link will not bring it up again, so an enumeration
    /// has to.
    pub fn is_partial(&self) -> bool {
        let mut flaws = self.problems.iter().map(|problem| problem.flaw);
        flaws.any(|flaw| flaw == Flaw::Withheld)
    }

    /// Moves `progress` to the end of this round; a full one was asked for `selected`, and `refused` the rest.
    pub fn advance(
        &self,
        progress: &mut PhaseProgress,
        selected: &BTreeSet<String>,
        refused: &BTreeSet<String>,
    ) {
        progress.link = Some(self.link.clone());
        progress.completed = Some(self.completed);
        if self.mode == Mode::Full {
            if !self.is_partial() {
                progress.enumerated = Some(self.completed);
            }
            progress.selected.clone_from(selected);
            progress.refused.clone_from(refused);
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
        })
    }
}

#[cfg(test)]
mod tests;
