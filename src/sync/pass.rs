//! One pass: both phases read side by side, and committed one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::directory::registry::Policy;
use crate::directory::{Directory, State};
use crate::graph::{self, GraphClient, GroupChange, Link, Page, Reader, UserChange};

use super::phase::{Groups, Objects, Phase, PhaseName, Users};
use super::reading::{Read, Reading, Unfinished};
use super::round::Mode;
use super::settlement::Settlement;
use super::summary::{PhaseSummary, Summary};
use super::tally::Tally;
use super::{Error, Settings, Settled, Tenant, is_complete, is_servable, settle};

/// What happens during a pass, for whoever shows progress. The phases run side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phase begins.
    Began {
        /// Which.
        phase: PhaseName,
        /// How it reads.
        mode: Mode,
    },
    /// An enumeration that the pass before could not finish goes on where it stopped.
    Resumed {
        /// Which phase.
        phase: PhaseName,
        /// How many pages it has already.
        pages: usize,
    },
    /// A page was read.
    PageRead {
        /// In which phase.
        phase: PhaseName,
        /// How many pages the round has read so far.
        pages: usize,
        /// How many entries were on this one.
        entries: usize,
    },
    /// A page failed, and is asked for again after a wait.
    Waiting {
        /// In which phase.
        phase: PhaseName,
        /// How long.
        wait: Duration,
        /// What happened, with the ids of the request.
        reason: String,
    },
    /// The phase begins again, with a full enumeration: Graph demands it, refuses a property, or what is held cannot be built upon.
    Restarted {
        /// Which.
        phase: PhaseName,
    },
    /// The phase is committed.
    Committed {
        /// Which.
        phase: PhaseName,
    },
}

/// What a pass is to do.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// When to enumerate, and by which rules.
    pub settings: &'a Settings,
    /// How names and numbers are handed out.
    pub policy: &'a Policy,
    /// Enumerate everything.
    pub full: bool,
    /// How many objects of each list the summary names; `usize::MAX` for all of them.
    pub named_max: usize,
}

/// Where the pages of a phase come from.
///
/// Not a trait, and `fetch` not an `AsyncFn(&Link)`: the compiler cannot yet prove that the future of
/// one is `Send` for every lifetime.
#[derive(Debug)]
pub struct Source<S, F> {
    /// The properties that are wanted, as `$select` names them.
    pub wanted: BTreeSet<String>,
    /// The first link of a full enumeration that leaves these properties out.
    pub start: S,
    /// The page behind a link, asked for as often as that makes sense.
    pub fetch: F,
}

/// Reads what changed since `state`, users and groups side by side, and commits each phase that reached its end:
/// users as soon as they are read, groups after that.
///
/// [`Order::full`] enumerates everything; so does a phase whose last enumeration is older than `full_interval`.
/// `unfinished` carries an enumeration that a passing failure broke off from one pass to the next.
/// `commit` must make the state durable, serve it, and give back the state as committed; one that only keeps it
/// makes a dry run. A phase that fails is in [`Summary::errors`] and keeps the other from nothing, unless the
/// store fails. Dropping the future is safe: what is not committed is lost, and nothing else.
pub async fn pass<R, E>(
    client: &GraphClient,
    state: Arc<State>,
    order: Order<'_>,
    unfinished: &mut Unfinished,
    events: impl Fn(Event),
    commit: impl FnMut(State) -> R,
) -> Summary
where
    R: Future<Output = Result<Arc<State>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let (users_reader, groups_reader) =
        (&Reader::new(client.clone()), &Reader::new(client.clone()));
    let events = &events;
    let users = Source {
        wanted: client.wanted::<UserChange>(),
        start: |refused: &BTreeSet<String>| client.delta_start::<UserChange>(refused),
        fetch: |link: Link| async move { fetch::<Users>(users_reader, link, events).await },
    };
    let groups = Source {
        wanted: client.wanted::<GroupChange>(),
        start: |refused: &BTreeSet<String>| client.delta_start::<GroupChange>(refused),
        fetch: |link: Link| async move { fetch::<Groups>(groups_reader, link, events).await },
    };
    pass_from(
        users,
        groups,
        Timestamp::now,
        state,
        order,
        unfinished,
        events,
        commit,
    )
    .await
}

async fn fetch<P: Phase>(
    reader: &Reader<P::Change>,
    link: Link,
    events: &impl Fn(Event),
) -> Result<Page<P::Change>, graph::Error> {
    let waiting = |waiting: graph::Waiting| {
        events(Event::Waiting {
            phase: P::NAME,
            wait: waiting.wait,
            reason: waiting.reason,
        });
    };
    reader.page(&link, waiting).await
}

/// The same, wherever the pages come from, and whatever the time is by `clock`.
#[allow(clippy::too_many_arguments)] // Two sources and two ends, of which `pass` provides half.
pub async fn pass_from<F, G, R, E>(
    users: Source<impl Fn(&BTreeSet<String>) -> Link, impl Fn(Link) -> F>,
    groups: Source<impl Fn(&BTreeSet<String>) -> Link, impl Fn(Link) -> G>,
    clock: impl Fn() -> Timestamp,
    state: Arc<State>,
    order: Order<'_>,
    unfinished: &mut Unfinished,
    events: impl Fn(Event),
    commit: impl FnMut(State) -> R,
) -> Summary
where
    F: Future<Output = Result<Page<UserChange>, graph::Error>>,
    G: Future<Output = Result<Page<GroupChange>, graph::Error>>,
    R: Future<Output = Result<Arc<State>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let began = Instant::now();
    let before = Arc::clone(&state);
    let Unfinished {
        settlement,
        users: users_slot,
        groups: groups_slot,
    } = unfinished;
    let reading = Reading {
        base: &before,
        order,
        clock: &clock,
        events: &events,
    };
    let mut writing = Writing {
        summary: Summary::begun(clock()),
        state,
        settlement,
        order,
        clock: &clock,
        events: &events,
        commit,
    };
    let users = async {
        let read = reading.phase::<Users, _>(users, users_slot).await;
        writing.phase(read).await;
    };
    let ((), read) = tokio::join!(users, reading.phase::<Groups, _>(groups, groups_slot));
    let is_store_broken = |error: &Error| matches!(error, Error::Commit { .. });
    if !writing.summary.errors.iter().any(is_store_broken) {
        writing.phase(read).await;
    }
    let Writing {
        mut summary, state, ..
    } = writing;
    summary.compare(&before, &state, order.named_max);
    summary.duration = began.elapsed();
    summary
}

/// The half of a pass that commits.
struct Writing<'a, Clock, Events, Commit> {
    state: Arc<State>,
    settlement: &'a mut Option<Settlement>,
    summary: Summary,
    order: Order<'a>,
    clock: &'a Clock,
    events: &'a Events,
    commit: Commit,
}

impl<Clock, Events, Commit, R, E> Writing<'_, Clock, Events, Commit>
where
    Clock: Fn() -> Timestamp,
    Events: Fn(Event),
    Commit: FnMut(State) -> R,
    R: Future<Output = Result<Arc<State>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    async fn phase<P: Phase>(&mut self, read: Read<P>) {
        self.summary.requests += read.requests;
        match self.commit(read).await {
            Ok(done) => match P::NAME {
                PhaseName::Users => self.summary.users = Some(done),
                PhaseName::Groups => self.summary.groups = Some(done),
            },
            // The first phase has said it for both.
            Err(error) if error.is_common() && self.summary.errors.iter().any(Error::is_common) => {
            }
            Err(error) => self.summary.errors.push(error),
        }
    }

    /// Settles what was read on top of what is committed by now, and commits that.
    async fn commit<P: Phase>(&mut self, read: Read<P>) -> Result<PhaseSummary, Error> {
        let finished = read.outcome?;
        let mut state = State::clone(&self.state);
        finished.advance(
            P::progress_mut(&mut state.progress),
            &read.selected,
            &read.refused,
        );
        let settled;
        (state.directory, settled) = self.settled::<P>(finished.objects, finished.tally);
        self.state = (self.commit)(state).await.map_err(|source| Error::Commit {
            phase: P::NAME,
            source: Box::new(source),
        })?;
        self.summary.unreadable.extend(finished.problems);
        if is_complete(&self.state) {
            self.summary.settled = settled;
        }
        (self.events)(Event::Committed { phase: P::NAME });
        Ok(PhaseSummary {
            mode: finished.mode,
            pages: read.pages,
            tally: finished.tally,
        })
    }

    /// What is committed by now with these objects, settled; from memory where nothing is new.
    fn settled<P: Phase>(&mut self, objects: Objects<P>, tally: Tally) -> (Directory, Settled) {
        let (before, now) = (&self.state.directory, (self.clock)());
        let settle_anew = || {
            let mut tenant = Tenant::of(before);
            *P::objects_mut(&mut tenant) = objects;
            let rules = &self.order.settings.rules;
            let is_first = !is_servable(&self.state);
            settle(before, tenant, rules, self.order.policy, now, is_first)
        };
        let settlement = self.settlement.as_ref().filter(|_| tally.is_empty());
        if let Some(settled) = settlement.and_then(|it| it.recall(before, self.order, now)) {
            let recalled = (before.clone(), settled.clone());
            debug_assert_eq!(recalled, settle_anew());
            return recalled;
        }
        let (directory, settled) = settle_anew();
        let is_repeatable = tally.is_empty() && is_servable(&self.state);
        *self.settlement = is_repeatable
            .then(|| Settlement::of(before, &directory, self.order, &settled, now))
            .flatten();
        (directory, settled)
    }
}
