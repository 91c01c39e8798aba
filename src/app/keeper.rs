//! The one current state: read from the store at start, replaced whole, durable before it is served.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::task;
use tracing::{info, warn};

use crate::config::Config;
use crate::directory::State;
use crate::dit::{self, Snapshot};
use crate::ldap::Published;
use crate::store::{self, Store};
use crate::sync::{self, Settled};

/// Holds the store and the state that was last committed to it.
pub(crate) struct Keeper {
    inner: Arc<Inner>,
    settled: Settled,
}

struct Inner {
    data_dir: PathBuf,
    /// `None` after a failed commit: what it left behind is known only once the store is opened anew. Held
    /// during a commit, because the store writes the difference from the state before.
    store: Mutex<Option<Store>>,
    tree: dit::Settings,
    state: ArcSwap<State>,
    published: Published,
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
        let (current, settled) = resettled(&loaded, config);
        for problem in &settled.problems {
            warn!("{problem}");
        }
        for sentence in settled.held.sentences() {
            warn!("{sentence}");
        }
        let inner = Inner {
            data_dir: config.data_dir.clone(),
            store: Mutex::new(Some(store)),
            tree: config.dit.clone(),
            state: ArcSwap::new(loaded),
            published,
        };
        inner.commit(current, Timestamp::now())?;
        Ok(Self {
            inner: Arc::new(inner),
            settled,
        })
    }

    /// What a store holds, with the rules applied as they are configured now; nothing is written. `None`
    /// while there is no store.
    pub async fn peek(config: &Config) -> Result<Option<(State, Settled)>, store::Error> {
        let config = config.clone();
        blocking(move || {
            if !store::exists(&config.data_dir) {
                return Ok(None);
            }
            let loaded = Store::open(&config.data_dir)?.load()?;
            Ok(Some(resettled(&loaded, &config)))
        })
        .await
    }

    /// What the rules had to say when they were applied at start.
    pub fn settled(&self) -> Settled {
        self.settled.clone()
    }

    /// The state as last committed.
    pub fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// A tree is being served.
    pub fn is_serving(&self) -> bool {
        self.inner.published.load().is_some()
    }

    /// Makes a new state durable, then serves it, and returns it as committed.
    ///
    /// # Errors
    /// The store's. The state before is still served.
    pub async fn commit(&self, state: State) -> Result<Arc<State>, store::Error> {
        let inner = self.inner.clone();
        blocking(move || inner.commit(state, Timestamp::now())).await
    }
}

impl Inner {
    fn commit(&self, mut new: State, now: Timestamp) -> Result<Arc<State>, store::Error> {
        let mut held = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match held.take() {
            Some(store) => store,
            None => self.reopened()?,
        };
        let old = self.state.load_full();
        let is_served = self.published.load().is_some();
        // Once something is served, every complete state is: whoever is disabled must go, whatever else.
        let is_servable = sync::is_servable(&new) || is_served && sync::is_complete(&new);
        let snapshot = match is_servable && !(is_served && old.directory == new.directory) {
            true => Some(Snapshot::build(
                &new.directory,
                &self.tree,
                &mut new.stamps,
                now,
            )),
            false => None,
        };
        store.commit(&old, &new, now)?;
        *held = Some(store);
        let new = Arc::new(new);
        self.state.store(new.clone());
        if let Some(snapshot) = snapshot {
            info!(
                entries = snapshot.visible().len(),
                "the tree was built anew"
            );
            self.published.store(Some(Arc::new(snapshot)));
        }
        Ok(new)
    }

    /// The store again after a failed commit, which it holds either wholly or not at all.
    fn reopened(&self) -> Result<Store, store::Error> {
        let store = Store::open(&self.data_dir)?;
        self.state.store(Arc::new(store.load()?));
        info!("the store was opened anew after a failed commit");
        Ok(store)
    }
}

/// The state with the rules applied as they are configured now, once they can be judged.
fn resettled(loaded: &State, config: &Config) -> (State, Settled) {
    let mut state = State::clone(loaded);
    if !sync::is_complete(&state) {
        // The groups that rules name have not been read.
        return (state, Settled::default());
    }
    let (directory, settled) = sync::resettle(
        &loaded.directory,
        &config.sync.rules,
        &config.registry,
        Timestamp::now(),
        !sync::is_servable(loaded),
    );
    state.directory = directory;
    (state, settled)
}

/// Runs work on the store where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
