//! The one current state: read from the store at start, replaced whole, durable before it is served.
//!
//! Two hands replace it: a sync pass, which reads for minutes from the state it began with, and an administrator,
//! whose [amendments](Keeper::amend) take effect at once. A pass therefore [begins](Keeper::begin_pass) by name, and
//! what was amended since is done again on whatever it commits, so that neither undoes the other.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::task;
use tracing::{info, warn};

use super::report::with_causes;
use super::view::Findings;
use crate::config::Config;
use crate::directory::registry::Policy;
use crate::directory::{Directory, State};
use crate::dit::{self, Snapshot};
use crate::ldap::Published;
use crate::store::{self, Store};
use crate::sync::{self, Rules, Settled};

/// Holds the store and the state that was last committed to it.
pub(crate) struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    data_dir: PathBuf,
    /// Held during a commit, because the store writes the difference from the state before.
    desk: Mutex<Desk>,
    rules: Rules,
    policy: Policy,
    tree: dit::Settings,
    state: ArcSwap<State>,
    /// What the rules had to say when the state was settled.
    findings: ArcSwap<Findings>,
    published: Published,
    /// Records written or removed since the start.
    written: AtomicUsize,
}

/// What whoever commits works with.
struct Desk {
    /// `None` after a failed commit: what it left behind is known only once the store is opened anew.
    store: Option<Store>,
    /// What the published tree was built from; `None` while nothing is served. Not always the current state: a commit
    /// that failed may have written.
    served: Option<Arc<State>>,
    /// The findings are those of the current state, and not of the one before it: a pass says what the rules had to
    /// say when it ends.
    is_found: bool,
    /// What was amended since the pass under way last looked at the state, oldest first.
    amendments: Vec<Amendment>,
}

/// Does an amendment once more, on a state that a pass read meanwhile: exactly what was done, and not what the same
/// words would mean there. The sentence says why it cannot be done any longer.
pub(crate) type Amendment = Box<dyn Fn(&mut Directory) -> Result<(), String> + Send>;

/// Why nothing was amended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AmendError<E: std::error::Error + 'static> {
    /// The change cannot be made.
    #[error(transparent)]
    Refused(E),
    /// The store could not be opened anew after an earlier failure; what was before still holds.
    #[error("the store cannot be opened since an earlier write failed; nothing was changed")]
    Reopen(#[source] store::Error),
    /// It could not be written to its end: the store holds it wholly or not at all, and is asked when it is next used.
    #[error(
        "the change could not be written to its end, and may have been made or not: look at it once the store is well, \
         and order it again if need be"
    )]
    Store(#[source] store::Error),
}

impl Keeper {
    /// Opens the store, applies the rules as they are configured now to what it holds, and publishes that.
    pub async fn open(config: &Config, published: Published) -> Result<Self, store::Error> {
        let config = config.clone();
        blocking(move || Self::open_blocking(&config, published)).await
    }

    fn open_blocking(config: &Config, published: Published) -> Result<Self, store::Error> {
        let store = Store::open(&config.data_dir)?;
        store.bind_tenant(&config.oauth.tenant)?;
        let loaded = Arc::new(store.load()?);
        let (current, settled) = resettled(&loaded, &config.sync.rules, &config.registry);
        for problem in &settled.problems {
            warn!("{problem}");
        }
        for sentence in settled.held.sentences() {
            warn!("{sentence}");
        }
        let inner = Inner {
            data_dir: config.data_dir.clone(),
            desk: Mutex::new(Desk {
                store: Some(store),
                served: None,
                is_found: true,
                amendments: Vec::new(),
            }),
            rules: config.sync.rules.clone(),
            policy: config.registry.clone(),
            tree: config.dit.clone(),
            state: ArcSwap::new(loaded),
            findings: ArcSwap::from_pointee(Findings::of(settled)),
            published,
            written: AtomicUsize::new(0),
        };
        inner.commit(&mut inner.desk(), current, Timestamp::now())?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What a store holds, with the rules applied as they are configured now; nothing is written. `None`
    /// while there is no store.
    pub async fn peek(config: &Config) -> Result<Option<(State, Settled)>, store::Error> {
        let config = config.clone();
        blocking(move || {
            if !store::exists(&config.data_dir)? {
                return Ok(None);
            }
            let store = Store::open(&config.data_dir)?;
            store.check_tenant(&config.oauth.tenant)?;
            let loaded = store.load()?;
            Ok(Some(resettled(
                &loaded,
                &config.sync.rules,
                &config.registry,
            )))
        })
        .await
    }

    /// What the rules had to say when they were last applied: at the start, by a pass, or after an amendment.
    pub fn findings(&self) -> Arc<Findings> {
        self.inner.findings.load_full()
    }

    /// The state as last committed.
    pub fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// How many records of the state were written or removed since the start, by passes and by amendments.
    pub fn records_written(&self) -> usize {
        self.inner.written.load(Ordering::Relaxed)
    }

    /// A tree is being served.
    pub fn is_serving(&self) -> bool {
        self.inner.published.load().is_some()
    }

    /// Runs work on the store beside the state, where it may block.
    ///
    /// # Errors
    /// Those of `work`, and of opening the store anew after a failed write.
    pub async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let inner = self.inner.clone();
        blocking(move || inner.with_store(work)).await
    }

    /// The state that a pass builds upon. There is one pass at a time; a new one ends the one before.
    pub async fn begin_pass(&self) -> Arc<State> {
        let inner = self.inner.clone();
        blocking(move || {
            // Within the lock: an amendment is in the state given out, or in the list, and never in neither.
            let mut desk = inner.desk();
            // What a failed commit left is what to build upon, and is served before the tenant is asked.
            if let Err(error) = inner.reopen(&mut desk) {
                warn!("the store cannot be opened anew: {}", with_causes(&error));
            }
            desk.amendments.clear();
            inner.state.load_full()
        })
        .await
    }

    /// Makes a state that the pass under way arrived at durable, then serves it, and returns it as committed: with
    /// all that was amended since [`begin_pass`](Self::begin_pass) or the pass' last commit.
    ///
    /// # Errors
    /// The store's. The state before is still served.
    pub async fn commit_pass(&self, state: State) -> Result<Arc<State>, store::Error> {
        let inner = self.inner.clone();
        blocking(move || inner.commit_pass(state, Timestamp::now())).await
    }

    /// Says what the rules had to say of the state that the pass under way last committed; returns what they have to
    /// say by now, which is another thing where something was amended meanwhile.
    pub async fn end_pass(&self, settled: Settled) -> Settled {
        let inner = self.inner.clone();
        blocking(move || inner.end_pass(settled)).await
    }

    /// Changes the directory for an administrator: `change` is applied to the current state, the rules decide anew,
    /// and the result is durable and served when this returns. Waits for a commit under way, not for a pass.
    ///
    /// `change` also gives what is to be done when a pass commits that had begun before: the pass may have found what
    /// the administrator did not see.
    ///
    /// # Errors
    /// What `change` says, which leaves everything as it was, or the store's.
    pub async fn amend<T, E>(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<(T, Amendment), E> + Send + 'static,
    ) -> Result<T, AmendError<E>>
    where
        T: Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let inner = self.inner.clone();
        blocking(move || inner.amend(change, Timestamp::now())).await
    }
}

impl Inner {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A panic within a commit leaves no store on the desk, which says all that poison would.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_pass(&self, mut new: State, now: Timestamp) -> Result<Arc<State>, store::Error> {
        let mut desk = self.desk();
        let mut settled = None;
        if !desk.amendments.is_empty() {
            for amendment in &desk.amendments {
                if let Err(reason) = amendment(&mut new.directory) {
                    warn!(target: "audit", "a change made during the pass was overtaken by it: {reason}");
                }
            }
            let (amended, said) = resettled(&new, &self.rules, &self.policy);
            (new, settled) = (amended, Some(said));
        }
        let committed = self.commit(&mut desk, new, now)?;
        desk.amendments.clear();
        desk.is_found = false;
        if let Some(settled) = settled {
            self.find(&mut desk, settled);
        }
        Ok(committed)
    }

    fn end_pass(&self, settled: Settled) -> Settled {
        let mut desk = self.desk();
        if !desk.is_found {
            self.find(&mut desk, settled);
        }
        self.findings.load().settled.clone()
    }

    /// What the rules had to say of the current state.
    fn find(&self, desk: &mut Desk, settled: Settled) {
        self.findings.store(Arc::new(Findings::of(settled)));
        desk.is_found = true;
    }

    fn amend<T, E: std::error::Error + 'static>(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<(T, Amendment), E>,
        now: Timestamp,
    ) -> Result<T, AmendError<E>> {
        let mut desk = self.desk();
        // What the disk holds may be newer than the state in memory.
        self.reopen(&mut desk).map_err(AmendError::Reopen)?;
        let mut new = State::clone(&self.state.load());
        let (told, amendment) = change(&mut new.directory).map_err(AmendError::Refused)?;
        let (new, settled) = resettled(&new, &self.rules, &self.policy);
        self.commit(&mut desk, new, now)
            .map_err(AmendError::Store)?;
        desk.amendments.push(amendment);
        self.find(&mut desk, settled);
        Ok(told)
    }

    fn commit(
        &self,
        desk: &mut Desk,
        mut new: State,
        now: Timestamp,
    ) -> Result<Arc<State>, store::Error> {
        let store = self.take_store(desk)?;
        let old = self.state.load_full();
        let snapshot = self.snapshot(desk, &mut new, now);
        let stats = store.commit(&old, &new, now)?;
        let records = stats.written + stats.removed;
        self.written.fetch_add(records, Ordering::Relaxed);
        desk.store = Some(store);
        let new = Arc::new(new);
        self.state.store(new.clone());
        self.publish(desk, snapshot, &new);
        Ok(new)
    }

    /// The tree of a state, if it is to be served and is not yet.
    fn snapshot(&self, desk: &Desk, new: &mut State, now: Timestamp) -> Option<Snapshot> {
        // Once something is served, every complete state is: whoever is disabled must go, whatever else.
        let is_servable = sync::is_servable(new) || desk.served.is_some() && sync::is_complete(new);
        let served = desk.served.as_ref();
        let is_served = served.is_some_and(|served| served.directory == new.directory);
        (is_servable && !is_served)
            .then(|| Snapshot::build(&new.directory, &self.tree, &mut new.stamps, now))
    }

    /// Serves the tree that was built from a state.
    fn publish(&self, desk: &mut Desk, snapshot: Option<Snapshot>, state: &Arc<State>) {
        let Some(snapshot) = snapshot else { return };
        info!(
            entries = snapshot.visible().len(),
            "the tree was built anew"
        );
        self.published.store(Some(Arc::new(snapshot)));
        desk.served = Some(state.clone());
    }

    fn with_store<T>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, store::Error>,
    ) -> Result<T, store::Error> {
        let mut desk = self.desk();
        let store = self.take_store(&mut desk)?;
        let done = work(&store);
        // A vault without its key leaves the store as good as it was; what any other error left is not known.
        if matches!(done, Ok(_) | Err(store::Error::Vault(_))) {
            desk.store = Some(store);
        }
        done
    }

    /// The store, away from the desk until nothing can have gone wrong with it.
    fn take_store(&self, desk: &mut Desk) -> Result<Store, store::Error> {
        match desk.store.take() {
            Some(store) => Ok(store),
            None => self.reopened(desk),
        }
    }

    /// Puts the store back on the desk if a failed commit has taken it away.
    fn reopen(&self, desk: &mut Desk) -> Result<(), store::Error> {
        let store = self.take_store(desk)?;
        desk.store = Some(store);
        Ok(())
    }

    /// The store again after a failed commit, which it holds either wholly or not at all; what it holds is served.
    fn reopened(&self, desk: &mut Desk) -> Result<Store, store::Error> {
        let store = Store::open(&self.data_dir)?;
        let loaded = store.load()?;
        info!("the store was opened anew after a failed commit");
        // The commit wrote the stamps of this very tree, so that building it once more changes none.
        let snapshot = self.snapshot(desk, &mut loaded.clone(), Timestamp::now());
        let loaded = Arc::new(loaded);
        self.state.store(loaded.clone());
        self.publish(desk, snapshot, &loaded);
        Ok(store)
    }
}

/// The state with the rules applied as they are configured now, once they can be judged.
fn resettled(state: &State, rules: &Rules, policy: &Policy) -> (State, Settled) {
    let mut new = State::clone(state);
    if !sync::is_complete(state) {
        // The groups that rules name have not been read.
        return (new, Settled::default());
    }
    let is_first = !sync::is_servable(state);
    let (directory, settled) =
        sync::resettle(&state.directory, rules, policy, Timestamp::now(), is_first);
    new.directory = directory;
    (new, settled)
}

/// Runs work on the store where it may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

#[cfg(test)]
mod tests;
