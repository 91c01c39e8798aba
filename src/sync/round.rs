//! One round of delta pages, from its first link to its deltaLink, as a state machine without I/O.
//!
//! A page or an error comes in; out comes the next link to fetch, a whole new state, or the end. What is
//! held is never touched: a round works on a copy, and gives it away only at the deltaLink.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::directory::{DeltaLink, GroupId, PhaseProgress, State};
use crate::graph::{self, Link, Next, Page, Problem};

use super::Error;
use super::phase::{Objects, Phase};
use super::tally::Tally;

/// Far above what the largest tenant needs (300,000 objects at 100 a page), to end what has no end.
const PAGES_MAX: usize = 100_000;

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
    base: Arc<State>,
    pinned: BTreeSet<GroupId>,
    mode: Mode,
    /// Where a full enumeration starts.
    start: Link,
    /// What is to be fetched next.
    link: Link,
    staged: Objects<P>,
    seen: HashSet<Link>,
    pages: usize,
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
    Commit(Box<Finished>),
    /// The round is over, and nothing changed.
    GiveUp(Error),
}

/// A round that reached its deltaLink.
#[derive(Debug)]
pub struct Finished {
    /// The state the round started from, with the phase's objects and progress replaced. The rules
    /// have not been applied to it yet.
    pub state: State,
    /// How it was read.
    pub mode: Mode,
    /// How many objects are new, different or gone.
    pub tally: Tally,
    /// Resources that could not be read; what was held of them stays.
    pub problems: Vec<Problem>,
}

impl Mode {
    /// Full when there is no delta link, when it is asked for, and when the last full enumeration is
    /// older than `full_interval` or lies in the future; else incremental.
    pub fn choose(
        progress: &PhaseProgress,
        full: bool,
        full_interval: Duration,
        now: Timestamp,
    ) -> Self {
        let is_fresh = progress.enumerated.is_some_and(|enumerated| {
            let age = now.duration_since(enumerated);
            let limit = SignedDuration::try_from(full_interval).unwrap_or(SignedDuration::MAX);
            (SignedDuration::ZERO..=limit).contains(&age)
        });
        match progress.link.is_some() && is_fresh && !full {
            true => Self::Incremental,
            false => Self::Full,
        }
    }
}

impl<P: Phase> Round<P> {
    /// A round over `base`. `start` is where a full enumeration begins; an incremental round
    /// needs it only if Graph demands to start over.
    pub fn begin(base: Arc<State>, start: Link, mode: Mode) -> Self {
        let committed = P::progress(&base.progress).link.as_ref();
        let (mode, link) = match (mode, committed) {
            (Mode::Incremental, Some(link)) => (Mode::Incremental, Link::from(link)),
            (Mode::Incremental, None) | (Mode::Full, _) => (Mode::Full, start.clone()),
        };
        let staged = match mode {
            Mode::Incremental => P::objects(&base.directory).clone(),
            Mode::Full => Objects::<P>::new(),
        };
        let pinned = base.directory.pins.values().copied().collect();
        let seen = HashSet::from([link.clone()]);
        Self {
            base,
            pinned,
            mode,
            start,
            link,
            staged,
            seen,
            pages: 0,
            problems: Vec::new(),
        }
    }

    /// What to fetch now.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How the round reads at present.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How many pages were read since the round started, or started over.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The round started over, with a full enumeration that begins at `start`.
    pub fn restarted_from(self, start: Link) -> Self {
        Self::begin(self.base, start, Mode::Full)
    }

    /// The page behind [`Self::link`] came, at `now`.
    pub fn page(mut self, page: Page<P::Change>, now: Timestamp) -> Step<P> {
        self.pages += 1;
        let is_buildable = match self.mode {
            Mode::Full => {
                self.enumerate(page.changes, &page.problems);
                true
            }
            Mode::Incremental => self.build_on(page.changes),
        };
        self.problems.extend(page.problems);
        match page.next {
            _ if !is_buildable => Step::Restart(self.restarted()),
            Next::Done(_) if self.found_nobody() => {
                Step::GiveUp(Error::NobodyThere { phase: P::NAME })
            }
            Next::Done(link) => Step::Commit(Box::new(self.finish(link, now))),
            Next::More(link) => self.follow(link),
        }
    }

    /// Fetching [`Self::link`] failed for good.
    pub fn failed(self, error: graph::Error) -> Step<P> {
        match (error, self.mode) {
            (graph::Error::ResyncRequired { .. }, Mode::Incremental) => {
                Step::Restart(self.restarted())
            }
            (source, _) => Step::GiveUp(Error::Graph {
                phase: P::NAME,
                source,
            }),
        }
    }

    /// Applies changes to what is held; false when that lacks what a change builds upon.
    fn build_on(&mut self, changes: Vec<P::Change>) -> bool {
        for change in changes {
            if P::needs_enumeration(&self.staged, &change) {
                return false;
            }
            P::apply(&mut self.staged, change, &self.pinned);
        }
        true
    }

    /// Collects objects from nothing. One that goes is simply absent, until [`Self::compare`] looks at pins.
    fn enumerate(&mut self, changes: Vec<P::Change>, problems: &[Problem]) {
        let flawed = problems
            .iter()
            .filter_map(|problem| problem.id.parse::<P::Id>().ok());
        for id in flawed.collect::<BTreeSet<_>>() {
            if let Some(held) = P::objects(&self.base.directory).get(&id) {
                P::lay_under(&mut self.staged, id, held);
            }
        }
        let nothing_is_pinned = BTreeSet::new();
        for change in changes {
            P::apply(&mut self.staged, change, &nothing_is_pinned);
        }
    }

    fn follow(mut self, link: Link) -> Step<P> {
        let is_new = self.seen.insert(link.clone());
        if is_new && self.pages < PAGES_MAX {
            self.link = link;
            return Step::Fetch(self);
        }
        // The same delta link would lead into the same circle at every pass to come.
        if self.mode == Mode::Incremental {
            return Step::Restart(self.restarted());
        }
        let (phase, pages) = (P::NAME, self.pages);
        Step::GiveUp(match is_new {
            false => Error::NextLinkRepeated { phase, pages },
            true => Error::TooManyPages { phase, pages },
        })
    }

    fn restarted(self) -> Self {
        let start = self.start.clone();
        self.restarted_from(start)
    }

    /// No tenant is without users: an enumeration that says so is an error, not an empty tenant.
    fn found_nobody(&self) -> bool {
        self.mode == Mode::Full && P::NAME == super::PhaseName::Users && self.staged.is_empty()
    }

    fn finish(mut self, link: DeltaLink, now: Timestamp) -> Finished {
        if self.mode == Mode::Full {
            self.compare();
        }
        let held = P::objects(&self.base.directory);
        let tally = Tally::between(held, &self.staged);
        let mut state = State::clone(&self.base);
        *P::objects_mut(&mut state.directory) = self.staged;
        let progress = P::progress_mut(&mut state.progress);
        progress.link = Some(link);
        progress.completed = Some(now);
        if self.mode == Mode::Full {
            progress.enumerated = Some(now);
        }
        Finished {
            state,
            mode: self.mode,
            tally,
            problems: self.problems,
        }
    }

    /// Brings what was enumerated and what is held together: the unchanged is shared, the absent goes.
    fn compare(&mut self) {
        // An object that does not even tell its id may be any of those that seem to be absent.
        let is_complete = self
            .problems
            .iter()
            .all(|problem| problem.id.parse::<P::Id>().is_ok());
        for (&id, held) in P::objects(&self.base.directory) {
            if let Some(staged) = self.staged.get_mut(&id) {
                P::complete(staged, held);
                if staged == held {
                    *staged = Arc::clone(held);
                }
                continue;
            }
            let remainder = match is_complete {
                true => P::remainder(id, held, &self.pinned),
                false => Some(Arc::clone(held)),
            };
            if let Some(remainder) = remainder {
                self.staged.insert(id, remainder);
            }
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
