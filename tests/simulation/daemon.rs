//! The daemon as far as the sync goes: it holds a state, runs passes, keeps what they commit, crashes and comes back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use ldap365::directory::registry::Policy;
use ldap365::directory::{Directory, State};
use ldap365::graph::{self, Change, GroupChange, Link, Page, Trace, UserChange};
use ldap365::store::Store;
use ldap365::sync::{
    self, Order, Settings, Source, Summary, Unfinished, guard, is_complete, is_servable, pass_from,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::oracle::{self, Numbers};
use crate::tenant::{Collection, Tenant};

/// What may go wrong during a pass, each as one case in so many requests; 0 never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub failure: u8,
    pub crash: u8,
}

/// Where the committed state lies while the process is not running.
enum Keep {
    Memory(Arc<State>),
    Store { dir: TempDir, store: Option<Store> },
}

pub struct Daemon {
    pub settings: Settings,
    pub policy: Policy,
    pub state: Arc<State>,
    pub now: Timestamp,
    pub numbers: Numbers,
    keep: Keep,
    unfinished: Unfinished,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

impl Daemon {
    pub fn new(settings: Settings, policy: Policy, is_stored: bool) -> Self {
        let keep = match is_stored {
            false => Keep::Memory(Arc::default()),
            true => {
                let dir = tempfile::tempdir().expect("a temporary directory");
                let store = Store::open(&dir.path().join("data")).expect("a new store");
                Keep::Store {
                    dir,
                    store: Some(store),
                }
            }
        };
        Self {
            settings,
            policy,
            state: Arc::default(),
            now: Timestamp::from_second(1_700_000_000).expect("a moment in 2023"),
            numbers: Numbers::default(),
            keep,
            unfinished: Unfinished::default(),
        }
    }

    /// Time goes by.
    pub fn sleep(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The process starts: it has what was kept, and applies the rules of today to it.
    pub fn restart(&mut self, tenant: &Tenant) {
        self.unfinished = Unfinished::default();
        let kept = self.keep.load();
        assert_eq!(*kept, *self.state, "the store kept something else");
        if is_complete(&kept) {
            self.resettle(&kept.directory, tenant);
        }
    }

    /// An administrator lets everything pass that is held back.
    pub fn accept(&mut self, tenant: &Tenant) {
        if !is_complete(&self.state) {
            return;
        }
        let mut directory = self.state.directory.clone();
        let held = guard::changes_held(&directory);
        guard::accept(&mut directory, &held, self.now);
        self.resettle(&directory, tenant);
        let held = &self.state.directory.guard.held;
        assert!(
            held.is_empty(),
            "still held after all was accepted: {held:?}"
        );
    }

    /// An administrator has a name in a rule looked up anew.
    pub fn repin(&mut self, tenant: &Tenant, name: &str) {
        if !is_complete(&self.state) {
            return;
        }
        let mut directory = self.state.directory.clone();
        match sync::repin(&mut directory, &self.settings.rules, name) {
            Ok(repinned) => {
                self.resettle(&directory, tenant);
                let pin = self.state.directory.pins.get(name);
                assert_eq!(pin, Some(&repinned.now), "the rule means another group");
            }
            Err(_) => assert_eq!(directory, self.state.directory, "refused, and done"),
        }
    }

    /// Applies the rules of today to a directory, and keeps what comes of it.
    fn resettle(&mut self, directory: &Directory, tenant: &Tenant) {
        let mut state = State::clone(&self.state);
        let (rules, is_first) = (&self.settings.rules, !is_servable(&self.state));
        (state.directory, _) = sync::resettle(directory, rules, &self.policy, self.now, is_first);
        let state = Arc::new(state);
        self.keep.commit(&self.state, &state, self.now);
        self.state = state;
        oracle::check_commit(&self.state, tenant, &mut self.numbers);
    }

    /// Runs a pass; `None` when the process crashed in it, and came back.
    pub fn pass(
        &mut self,
        tenant: &mut Tenant,
        weather: Weather,
        full: bool,
        random: &mut Rng,
        meanwhile: impl Fn(&mut Tenant, &mut Rng),
    ) -> Option<Summary> {
        let crashed = Cell::new(false);
        let graph = Graph {
            tenant: RefCell::new(tenant),
            random: RefCell::new(random),
            weather,
            crashed: &crashed,
            meanwhile,
        };
        let committed = RefCell::new(Arc::clone(&self.state));
        let (keep, numbers, now) = (
            RefCell::new(&mut self.keep),
            RefCell::new(&mut self.numbers),
            self.now,
        );
        let commit = async |state: State| {
            if graph.is_due(weather.failure) {
                return Err(DiskFull);
            }
            let state = Arc::new(state);
            keep.borrow_mut().commit(&committed.borrow(), &state, now);
            committed.replace(Arc::clone(&state));
            oracle::check_commit(&state, &graph.tenant.borrow(), &mut numbers.borrow_mut());
            if graph.is_due(weather.failure) {
                // It is written all the same, and found when the store is opened again.
                return Err(DiskFull);
            }
            graph.may_crash().await;
            Ok(state)
        };
        let order = Order {
            settings: &self.settings,
            policy: &self.policy,
            full,
            named_max: usize::MAX,
        };
        let pass = pass_from(
            graph.source::<UserChange, _>(Collection::Users, async |link| {
                graph.fetch(Collection::Users, link).await
            }),
            graph.source::<GroupChange, _>(Collection::Groups, async |link| {
                graph.fetch(Collection::Groups, link).await
            }),
            || now,
            Arc::clone(&self.state),
            order,
            &mut self.unfinished,
            |_| {},
            commit,
        );
        let summary = drive(pass, &crashed);
        let tenant = graph.tenant.into_inner();
        self.state = committed.into_inner();
        if summary.is_none() {
            self.restart(tenant);
        }
        summary
    }
}

/// Polls until the pass is done, or the process is.
fn drive<F: Future>(future: F, crashed: &Cell<bool>) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if crashed.get() => return None,
            Poll::Pending => {}
        }
    }
}

/// Graph, and the way to it.
struct Graph<'a, Meanwhile> {
    tenant: RefCell<&'a mut Tenant>,
    random: RefCell<&'a mut Rng>,
    weather: Weather,
    crashed: &'a Cell<bool>,
    /// What happens in the tenant between two pages.
    meanwhile: Meanwhile,
}

impl<Meanwhile: Fn(&mut Tenant, &mut Rng)> Graph<'_, Meanwhile> {
    fn source<C: Change, F>(
        &self,
        collection: Collection,
        fetch: F,
    ) -> Source<impl Fn(&BTreeSet<String>) -> Link, F> {
        let wanted: BTreeSet<String> = C::select().into_iter().map(str::to_owned).collect();
        Source {
            wanted,
            start: move |refused: &BTreeSet<String>| {
                Link(format!("{collection:?}/start/{}", refused.len()))
            },
            fetch,
        }
    }

    async fn fetch<C: Change>(
        &self,
        collection: Collection,
        link: Link,
    ) -> Result<Page<C>, graph::Error> {
        self.may_crash().await;
        if self.random.borrow_mut().bool() {
            yield_once().await;
        }
        if self.is_due(self.weather.failure) {
            return Err(failure(collection, &link, &mut self.random.borrow_mut()));
        }
        let (mut tenant, mut random) = (self.tenant.borrow_mut(), self.random.borrow_mut());
        if random.u8(..6) == 0 {
            (self.meanwhile)(&mut tenant, &mut random);
        }
        let lost = || graph::Error::ResyncRequired {
            collection: C::COLLECTION,
            trace: trace(),
        };
        tenant.page(collection, &link, &mut random).ok_or_else(lost)
    }

    fn is_due(&self, one_in: u8) -> bool {
        one_in > 0 && self.random.borrow_mut().u8(..one_in) == 0
    }

    /// The end of the process, now and then: nothing is polled after it.
    async fn may_crash(&self) {
        if self.is_due(self.weather.crash) {
            self.crashed.set(true);
            std::future::pending().await
        }
    }
}

fn failure(collection: Collection, link: &Link, random: &mut Rng) -> graph::Error {
    let (trace, collection) = (
        trace(),
        match collection {
            Collection::Users => "users",
            Collection::Groups => "groups",
        },
    );
    match random.u8(..8) {
        0 => graph::Error::Throttled {
            retry_after: None,
            trace,
        },
        1 => graph::Error::Malformed {
            status: 200,
            what: "HTML".to_owned(),
            trace,
        },
        2 => graph::Error::ResyncRequired { collection, trace },
        3 => graph::Error::PageGone {
            collection,
            status: 404,
            trace,
        },
        4 => graph::Error::PermissionMissing {
            collection,
            permission: "User.Read.All",
            trace,
        },
        5 => graph::Error::TokenRefused { trace },
        6 if link.0.ends_with("/start/0") => graph::Error::PropertyRefused {
            collection,
            property: "jobTitle".to_owned(),
            trace,
        },
        _ => graph::Error::Outage {
            status: 503,
            retry_after: None,
            trace,
        },
    }
}

fn trace() -> Trace {
    Trace {
        client_request_id: Uuid::nil(),
        request_id: None,
    }
}

/// Lets the other phase go first.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|_| match std::mem::replace(&mut has_yielded, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

impl Keep {
    fn commit(&mut self, old: &State, new: &Arc<State>, now: Timestamp) {
        match self {
            Self::Memory(state) => *state = Arc::clone(new),
            Self::Store { store, .. } => {
                let store = store.as_ref().expect("it is open while the process runs");
                store.commit(old, new, now).expect("the disk is sound");
            }
        }
    }

    /// What a new process finds.
    fn load(&mut self) -> Arc<State> {
        match self {
            Self::Memory(state) => Arc::clone(state),
            Self::Store { dir, store } => {
                drop(store.take());
                let opened = Store::open(&dir.path().join("data")).expect("the store opens again");
                let state = opened.load().expect("the store is whole");
                *store = Some(opened);
                Arc::new(state)
            }
        }
    }
}
