//! The loop that runs passes: on schedule, and when someone asks.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::keeper::Keeper;
use super::plan::plan;
use super::reminders::Reminders;
use super::report;
use crate::admin::report::pass::{PassSummary, Phase, SyncEvent};
use crate::directory::State;
use crate::directory::registry::Policy;
use crate::graph::GraphClient;
use crate::oauth::TokenSource;
use crate::sync::schedule::Schedule;
use crate::sync::summary::NAMED_MAX;
use crate::sync::{self, Event, Order, PhaseName, Settings, Summary, Unfinished};

/// Events held for a command that reads slowly; progress beyond that is dropped, the end never.
const EVENTS_MAX: usize = 256;
/// How long the end of a pass waits for a command to read it.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// What the syncer has done, and what it is asked to do: where it and the admin socket meet.
pub(crate) struct Board {
    news: Mutex<News>,
    ordered: Notify,
}

/// What is on the board.
#[derive(Clone)]
pub(crate) struct News {
    /// What the last pass did; `None` before the first.
    pub last: Option<PassSummary>,
    /// Why the phases of the last pass failed: users, groups.
    pub failures: [Option<String>; 2],
    /// What each phase of the pass under way waits for: users, groups.
    pub waiting: [Option<String>; 2],
    /// Properties of Graph that the tenant refuses, until an enumeration gets them.
    pub left_out: Vec<String>,
    /// When the next pass starts; `None` while one runs.
    pub next_pass: Option<Timestamp>,
    orders: Orders,
    is_closed: bool,
}

/// Held changes that were let pass ahead of a pass, which reports them.
#[derive(Clone)]
pub(crate) struct Acceptance {
    /// How many people, groups and memberships were held back.
    pub objects: usize,
    /// What was served before.
    pub before: Arc<State>,
    /// What is served since.
    pub after: Arc<State>,
}

/// Passes asked for that have not begun.
#[derive(Clone, Default)]
struct Orders {
    full: bool,
    accepted: Vec<Acceptance>,
    listeners: Vec<mpsc::Sender<SyncEvent>>,
}

impl Acceptance {
    /// Puts what the acceptance let pass into the summary of the pass after it.
    pub fn note(&self, summary: &mut Summary) {
        summary.include(&self.before, &self.after, NAMED_MAX);
    }
}

impl Board {
    pub fn new(left_out: Vec<String>) -> Self {
        let news = News {
            last: None,
            failures: [None, None],
            waiting: [None, None],
            left_out,
            next_pass: None,
            orders: Orders::default(),
            is_closed: false,
        };
        Self {
            news: Mutex::new(news),
            ordered: Notify::new(),
        }
    }

    /// Reads or changes what is on the board; short, and never across an await.
    pub fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a pass that begins after now, because one that runs may have read past what it is to see. What
    /// was `accepted` is the first event, and part of the summary.
    pub fn order(&self, full: bool, accepted: Option<Acceptance>) -> mpsc::Receiver<SyncEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        if let Some(Acceptance { objects, .. }) = accepted {
            // The channel is new and has room.
            let _ = sender.try_send(SyncEvent::Accepted { objects });
        }
        let mut news = self.news();
        if !news.is_closed {
            news.orders.full |= full;
            news.orders.accepted.extend(accepted);
            news.orders.listeners.push(sender);
            self.ordered.notify_one();
        }
        receiver
    }

    /// A phase waits, or goes on.
    fn note(&self, event: &SyncEvent) {
        match event {
            SyncEvent::Waiting {
                phase,
                seconds,
                reason,
            } => {
                self.news().waiting[*phase as usize] =
                    Some(format!("{reason}; again after {seconds} s"));
            }
            SyncEvent::Read { phase, .. } => self.news().waiting[*phase as usize] = None,
            SyncEvent::Accepted { .. } | SyncEvent::Planned(_) | SyncEvent::Finished(_) => {}
        }
    }

    /// There will be no further pass: commands that wait for one learn it by their channel's end.
    fn close(&self) {
        let mut news = self.news();
        news.is_closed = true;
        news.orders = Orders::default();
    }
}

/// Runs passes one after the other.
pub(crate) struct Syncer {
    pub client: GraphClient,
    /// Whose notices are repeated in the log.
    pub tokens: Arc<TokenSource>,
    pub keeper: Arc<Keeper>,
    pub settings: Settings,
    pub policy: Policy,
    pub board: Arc<Board>,
}

impl Syncer {
    /// Runs passes until shutdown; the first begins at once. A pass under way is dropped at shutdown, which
    /// loses nothing but what it had read.
    pub async fn run(self, shutdown: CancellationToken) {
        let passes = async {
            let mut schedule = Schedule::new(self.settings.interval, Instant::now());
            let mut unfinished = Unfinished::default();
            let mut reminders = Reminders::default();
            // The token source has said these at the start.
            self.notices(&mut reminders);
            // Dropped with the passes.
            let mut probes = JoinSet::new();
            loop {
                self.wait(&mut schedule).await;
                schedule.began();
                let is_success = self.pass(&mut unfinished).await;
                for notice in self.notices(&mut reminders) {
                    warn!("{notice}");
                }
                self.probe_idle(&mut probes);
                let pause = self.client.pause();
                schedule.ended(is_success, pause, Instant::now(), fastrand::f64());
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = passes => {}
        }
        self.board.close();
    }

    /// Tries the credentials that the pass had no use for, beside whatever comes next.
    fn probe_idle(&self, probes: &mut JoinSet<()>) {
        while probes.try_join_next().is_some() {}
        if probes.is_empty() {
            let client = self.client.clone();
            probes.spawn(async move { client.probe_idle().await });
        }
    }

    /// What will soon end of the credentials, once a day.
    fn notices(&self, reminders: &mut Reminders) -> Vec<String> {
        let states = self.tokens.states();
        let sentences = states.iter().flat_map(|state| {
            let notices = state.notices.iter();
            notices.map(|notice| format!("credential {}: {notice}", state.name))
        });
        reminders.due(sentences, Timestamp::now())
    }

    async fn wait(&self, schedule: &mut Schedule) {
        loop {
            let wait = schedule.wait(Instant::now());
            if wait.is_zero() {
                return;
            }
            let next = SignedDuration::try_from(wait)
                .ok()
                .and_then(|wait| Timestamp::now().checked_add(wait).ok());
            self.board.news().next_pass = next;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.board.ordered.notified() => schedule.trigger(),
            }
        }
    }

    /// Runs one pass and puts what it did on the board; whether the users phase was committed. A failing
    /// groups phase must not delay the news that an account was disabled, so it slows nothing down.
    async fn pass(&self, unfinished: &mut Unfinished) -> bool {
        let orders = {
            let mut news = self.board.news();
            news.next_pass = None;
            std::mem::take(&mut news.orders)
        };
        if !orders.listeners.is_empty() {
            // Whoever asks may have mended a credential just now.
            self.tokens.wake().await;
        }
        let mut summary = run_pass(
            &self.client,
            &self.keeper,
            &self.settings,
            &self.policy,
            orders.full,
            unfinished,
            |event| {
                self.board.note(&event);
                for listener in &orders.listeners {
                    // A full channel means that nobody watches the progress closely.
                    let _ = listener.try_send(event.clone());
                }
            },
        )
        .await;
        for accepted in &orders.accepted {
            accepted.note(&mut summary);
        }
        let done = report::pass_summary(&summary);
        log(&summary, &done);
        self.note(&summary, &done);
        for listener in orders.listeners {
            // The command may have gone away meanwhile.
            let _ = listener
                .send_timeout(SyncEvent::Finished(done.clone()), FINISH_TIMEOUT)
                .await;
        }
        summary.users.is_some()
    }

    fn note(&self, summary: &Summary, done: &PassSummary) {
        let mut news = self.board.news();
        news.last = Some(done.clone());
        news.failures =
            [PhaseName::Users, PhaseName::Groups].map(|phase| report::failure(summary, phase));
        news.waiting = [None, None];
        news.left_out.clone_from(&summary.left_out);
    }
}

/// One pass over the keeper's state, telling `events` how far it has come.
pub(crate) async fn run_pass(
    client: &GraphClient,
    keeper: &Keeper,
    settings: &Settings,
    policy: &Policy,
    full: bool,
    unfinished: &mut Unfinished,
    events: impl Fn(SyncEvent),
) -> Summary {
    let commit = |state| keeper.commit_pass(state);
    let written = keeper.records_written();
    let base = keeper.begin_pass().await;
    let order = Order {
        settings,
        policy,
        full,
        named_max: NAMED_MAX,
    };
    let summary = sync::pass(client, base, order, unfinished, progress(events), commit).await;
    let settled = match summary.users.is_some() || summary.groups.is_some() {
        true => keeper.end_pass(summary.settled).await,
        // Nothing was committed, and nothing new is to be said.
        false => summary.settled,
    };
    Summary {
        written: keeper.records_written() - written,
        settled,
        ..summary
    }
}

/// A pass that commits nothing.
pub(crate) struct DryRun {
    pub client: GraphClient,
    /// What the pass would build upon.
    pub state: Arc<State>,
    pub settings: Settings,
    pub policy: Policy,
    /// Enumerate everything.
    pub full: bool,
}

/// What a dry run has found out.
pub(crate) struct Outcome {
    summary: Summary,
    before: Arc<State>,
    after: Arc<State>,
    nested: bool,
}

impl DryRun {
    /// Reads and decides as a pass does, and keeps the result to itself.
    pub async fn read(self, events: impl Fn(SyncEvent)) -> Outcome {
        let after = Mutex::new(self.state.clone());
        let commit = async |state: State| {
            let state = Arc::new(state);
            *after.lock().unwrap_or_else(PoisonError::into_inner) = state.clone();
            Ok::<_, Infallible>(state)
        };
        let order = Order {
            settings: &self.settings,
            policy: &self.policy,
            full: self.full,
            named_max: NAMED_MAX,
        };
        let summary = sync::pass(
            &self.client,
            self.state.clone(),
            order,
            &mut Unfinished::default(),
            progress(events),
            commit,
        )
        .await;
        Outcome {
            summary,
            before: self.state,
            after: after.into_inner().unwrap_or_else(PoisonError::into_inner),
            nested: self.settings.rules.nested_groups,
        }
    }
}

impl Outcome {
    /// What would change, then the end.
    pub fn events(self) -> impl Iterator<Item = SyncEvent> + Send {
        let done = PassSummary {
            is_dry_run: true,
            ..report::pass_summary(&self.summary)
        };
        plan(self.before, self.after, self.nested)
            .map(SyncEvent::Planned)
            .chain([SyncEvent::Finished(done)])
    }
}

/// What a pass tells, for whoever watches.
fn progress(events: impl Fn(SyncEvent)) -> impl Fn(Event) {
    let objects = [AtomicUsize::new(0), AtomicUsize::new(0)];
    move |event: Event| match event {
        Event::Began { phase, .. } | Event::Restarted { phase } => {
            objects[phase as usize].store(0, Ordering::Relaxed);
        }
        Event::PageRead { phase, entries, .. } => {
            let objects = &objects[phase as usize];
            let objects = objects.fetch_add(entries, Ordering::Relaxed) + entries;
            let phase = named(phase);
            events(SyncEvent::Read { phase, objects });
        }
        Event::Waiting {
            phase,
            wait,
            reason,
        } => events(SyncEvent::Waiting {
            phase: named(phase),
            // Rounded up: "0 s" would be no wait.
            seconds: wait.as_millis().div_ceil(1000) as u64,
            reason,
        }),
        // What comes of these shows in the pages that follow.
        Event::Resumed { .. } | Event::Committed { .. } => {}
    }
}

fn named(phase: PhaseName) -> Phase {
    match phase {
        PhaseName::Users => Phase::Users,
        PhaseName::Groups => Phase::Groups,
    }
}

/// A pass that changed nothing is no news at `info`.
fn log(summary: &Summary, done: &PassSummary) {
    for failure in &done.failures {
        warn!("sync: {failure}");
    }
    for problem in &done.problems {
        warn!("sync: {problem}");
    }
    for moved in &summary.deactivated.first {
        let reason = moved.reason.as_ref().map(ToString::to_string);
        info!(user = moved.label, id = %moved.id, reason = reason.as_deref().unwrap_or("no longer in the tenant"), "no longer active");
    }
    if done.failures.is_empty() && !report::is_quiet(done) {
        info!(
            requests = done.requests,
            written = done.written,
            duration_ms = done.duration_ms,
            users_added = done.users.added,
            users_changed = done.users.changed,
            users_removed = done.users.removed,
            groups_added = done.groups.added,
            groups_changed = done.groups.changed,
            groups_removed = done.groups.removed,
            activated = done.users.activated,
            deactivated = done.users.deactivated,
            "synced"
        );
    }
}
