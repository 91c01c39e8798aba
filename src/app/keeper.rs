//! The one current state: read from the store at start, replaced whole, durable before it is served.

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
    store: Store,
    tree: dit::Settings,
    state: ArcSwap<State>,
    published: Published,
    /// Held during a commit: the store writes the difference from the state before.
    committing: Mutex<()>,
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
        let now = Timestamp::now();
        let mut current = State::clone(&loaded);
        let settled = match sync::is_complete(&current) {
            true => sync::settle(
                &mut current.directory,
                &config.sync.rules,
                &config.registry,
                now,
            ),
            // The rules cannot be judged before the groups they name have been read.
            false => Settled::default(),
        };
        for problem in &settled.problems {
            warn!("{problem}");
        }
        let inner = Inner {
            store,
            tree: config.dit.clone(),
            state: ArcSwap::new(loaded),
            published,
            committing: Mutex::new(()),
        };
        inner.commit(current, now)?;
        Ok(Self {
            inner: Arc::new(inner),
            settled,
        })
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
        let _one_at_a_time = self
            .committing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = self.state.load_full();
        let is_served = self.published.load().is_some();
        let rebuild = sync::is_servable(&new) && !(is_served && old.directory == new.directory);
        let snapshot = match rebuild {
            true => Some(Snapshot::build(
                &new.directory,
                &self.tree,
                &mut new.stamps,
                now,
            )),
            false => None,
        };
        self.store.commit(&old, &new, now)?;
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
}

/// Runs work on the store where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
