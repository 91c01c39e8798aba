//! One pass: the loop that fetches what the rounds ask for and commits what they bring.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::directory::registry::Policy;
use crate::directory::{State, Withheld};
use crate::graph::{self, GraphClient, GroupChange, Link, Page, UserChange};

use super::phase::{Groups, Phase, PhaseName, Users};
use super::round::{Finished, Mode, Round, Step};
use super::summary::{PhaseSummary, Summary};
use super::{Error, Settings, Tenant, is_complete, is_servable, settle};

/// Properties that the rules and the registry decide by: without one of them a full enumeration would
/// let guests in, or throw everybody out, so a tenant that refuses one ends the phase.
const ESSENTIAL: [&str; 12] = [
    "id",
    "userPrincipalName",
    "mailNickname",
    "onPremisesSamAccountName",
    "mail",
    "accountEnabled",
    "userType",
    "displayName",
    "mailEnabled",
    "securityEnabled",
    "groupTypes",
    "members",
];

/// What happens during a pass, for whoever shows progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phase begins.
    Began {
        /// Which.
        phase: PhaseName,
        /// How it reads.
        mode: Mode,
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

/// Reads what changed since `state`, users first, then groups, and commits each phase that reached its end.
///
/// `full` enumerates everything; so does a phase whose last enumeration is older than `full_interval`.
/// `commit` must make the state durable, serve it, and give back the state as committed. A phase that
/// fails is in [`Summary::errors`] and keeps the other from nothing, unless there is no token to be had
/// or the store fails. Dropping the future is safe: what is not committed is lost, and nothing else.
pub async fn pass<R, E>(
    client: &GraphClient,
    state: Arc<State>,
    settings: &Settings,
    policy: &Policy,
    full: bool,
    events: impl Fn(Event),
    commit: impl FnMut(State) -> R,
) -> Summary
where
    R: Future<Output = Result<Arc<State>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let users = Source {
        start: |refused: &[&str]| client.delta_start::<UserChange>(refused),
        fetch: |link: Link| async move { client.page_with_retry::<UserChange>(&link).await },
    };
    let groups = Source {
        start: |refused: &[&str]| client.delta_start::<GroupChange>(refused),
        fetch: |link: Link| async move { client.page_with_retry::<GroupChange>(&link).await },
    };
    Pass::new(state, settings, policy, full, events, commit)
        .run(users, groups)
        .await
}

/// Where the pages of a phase come from.
///
/// Not a trait, and `fetch` not an `AsyncFn(&Link)`: the compiler cannot yet prove that the future of
/// one is `Send` for every lifetime.
pub(super) struct Source<S, F> {
    /// The first link of a full enumeration that leaves these properties out.
    pub(super) start: S,
    /// The page behind a link.
    pub(super) fetch: F,
}

pub(super) struct Pass<'a, Events, Commit> {
    before: Arc<State>,
    state: Arc<State>,
    settings: &'a Settings,
    policy: &'a Policy,
    full: bool,
    events: Events,
    commit: Commit,
    summary: Summary,
}

impl<'a, Events, Commit, R, E> Pass<'a, Events, Commit>
where
    Events: Fn(Event),
    Commit: FnMut(State) -> R,
    R: Future<Output = Result<Arc<State>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    pub(super) fn new(
        state: Arc<State>,
        settings: &'a Settings,
        policy: &'a Policy,
        full: bool,
        events: Events,
        commit: Commit,
    ) -> Self {
        let summary = Summary::begun(Timestamp::now());
        Self {
            before: Arc::clone(&state),
            state,
            settings,
            policy,
            full,
            events,
            commit,
            summary,
        }
    }

    pub(super) async fn run<F, G>(
        mut self,
        users: Source<impl Fn(&[&str]) -> Link, impl Fn(Link) -> F>,
        groups: Source<impl Fn(&[&str]) -> Link, impl Fn(Link) -> G>,
    ) -> Summary
    where
        F: Future<Output = Result<Page<UserChange>, graph::Error>>,
        G: Future<Output = Result<Page<GroupChange>, graph::Error>>,
    {
        let clock = Instant::now();
        match self.phase::<Users, _>(users).await {
            Ok(done) => self.summary.users = Some(done),
            Err(error) => self.summary.errors.push(error),
        }
        if !self.summary.errors.iter().any(Error::ends_pass) {
            match self.phase::<Groups, _>(groups).await {
                Ok(done) => self.summary.groups = Some(done),
                Err(error) => self.summary.errors.push(error),
            }
        }
        self.summary
            .compare(&self.before.directory, &self.state.directory);
        self.summary.duration = clock.elapsed();
        self.summary
    }

    async fn phase<P: Phase, F>(
        &mut self,
        source: Source<impl Fn(&[&str]) -> Link, impl Fn(Link) -> F>,
    ) -> Result<PhaseSummary, Error>
    where
        F: Future<Output = Result<Page<P::Change>, graph::Error>>,
    {
        let (finished, pages) = self.read::<P, _>(source).await?;
        let done = PhaseSummary {
            mode: finished.mode,
            pages,
            tally: finished.tally,
        };
        self.summary.unreadable.extend(finished.problems);
        let mut state = finished.state;
        let tenant = Tenant::of(&state.directory);
        let (directory, settled) = settle(
            &self.state.directory,
            tenant,
            &self.settings.rules,
            self.policy,
            Timestamp::now(),
            !is_servable(&self.state),
        );
        state.directory = directory;
        self.state = (self.commit)(state).await.map_err(|source| Error::Commit {
            phase: P::NAME,
            source: Box::new(source),
        })?;
        if is_complete(&self.state) {
            (self.summary.problems, self.summary.warnings) = (settled.problems, settled.warnings);
            self.summary.held = settled.held;
            self.summary.registrations = settled.registrations;
        }
        (self.events)(Event::Committed { phase: P::NAME });
        Ok(done)
    }

    /// Reads a round to its end; with how many pages it took, those before a restart included.
    async fn read<P: Phase, F>(
        &mut self,
        source: Source<impl Fn(&[&str]) -> Link, impl Fn(Link) -> F>,
    ) -> Result<(Finished, usize), Error>
    where
        F: Future<Output = Result<Page<P::Change>, graph::Error>>,
    {
        let phase = P::NAME;
        let progress = P::progress(&self.state.progress);
        let mode = Mode::choose(
            progress,
            self.full,
            self.settings.full_interval,
            Timestamp::now(),
        );
        let start = (source.start)(&[]);
        let mut round = Round::<P>::begin(Arc::new(truth(&self.state)), start, mode);
        (self.events)(Event::Began {
            phase,
            mode: round.mode(),
        });
        let mut pages = 0;
        let mut refused = Vec::new();
        loop {
            self.summary.requests += 1;
            let step = match (source.fetch)(round.link().clone()).await {
                Ok(page) => {
                    pages += 1;
                    let entries = page.changes.len();
                    (self.events)(Event::PageRead {
                        phase,
                        pages: round.pages() + 1,
                        entries,
                    });
                    round.page(page, Timestamp::now())
                }
                Err(graph::Error::PropertyRefused { property, .. })
                    if !ESSENTIAL.contains(&property.as_str()) && !refused.contains(&property) =>
                {
                    self.summary.left_out.push(property.clone());
                    refused.push(property);
                    let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
                    Step::Restart(round.restarted_from((source.start)(&refused)))
                }
                Err(error) => round.failed(error),
            };
            round = match step {
                Step::Fetch(next) => next,
                Step::Restart(again) => {
                    (self.events)(Event::Restarted { phase });
                    again
                }
                Step::Commit(finished) => return Ok((*finished, pages)),
                Step::GiveUp(error) => return Err(error),
            };
        }
    }
}

/// The state with nothing withheld: what a round builds upon is the tenant's own word.
fn truth(state: &State) -> State {
    let mut state = State::clone(state);
    state.directory.users = state.directory.tenant_users();
    state.directory.groups = state.directory.tenant_groups();
    state.directory.withheld = Withheld::default();
    state
}
