//! The pages of one round, read ahead: the next one is on its way while this one is decoded and applied.
//!
//! Graph's pages form a chain: each names the next. What can be done about that is not to lose time between
//! two of them. A page's link is looked up before its objects are decoded, which takes most of the work, and
//! the next request goes out at once, in a task of its own. One page ahead is enough, since Graph takes longer
//! for a page than we do.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::client::Fetched;
use super::error::Kind;
use super::retry::{Waiting, with_retry};
use super::{Change, Error, GraphClient, Link, Next, Page};

/// Reads the pages of a round one after the other, and asks again where that may help.
#[derive(Debug)]
pub struct Reader<C> {
    client: GraphClient,
    ahead: Mutex<Option<Ahead>>,
    /// The last trouble that was logged: the same again, page after page, is no news.
    trouble: Arc<Mutex<Option<Kind>>>,
    changes: PhantomData<fn() -> C>,
}

/// A page on its way.
#[derive(Debug)]
struct Ahead {
    link: Link,
    page: AbortOnDropHandle<Result<Fetched, Error>>,
    waits: mpsc::UnboundedReceiver<Waiting>,
}

impl<C: Change> Reader<C> {
    /// A reader that has asked for nothing yet.
    pub fn new(client: GraphClient) -> Self {
        Self {
            client,
            ahead: Mutex::new(None),
            trouble: Arc::default(),
            changes: PhantomData,
        }
    }

    /// The page behind `link`, which is asked for again as [`judge`](super::retry::judge) says; `waiting` hears
    /// of it. Whatever link the page names is asked for as well. Dropping the future, or the reader, ends that.
    ///
    /// # Errors
    /// The last failure, when asking again would not help or has not.
    pub async fn page(&self, link: &Link, waiting: impl Fn(Waiting)) -> Result<Page<C>, Error> {
        let ahead = self
            .ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .filter(|ahead| ahead.link == *link);
        let mut ahead = ahead.unwrap_or_else(|| self.ask(link.clone()));
        let fetched = loop {
            tokio::select! {
                biased;
                Some(wait) = ahead.waits.recv() => waiting(wait),
                outcome = &mut ahead.page => break outcome,
            }
        };
        let fetched = match fetched {
            Ok(outcome) => outcome?,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is being shut down, and this future with it.
                Err(_) => std::future::pending().await,
            },
        };
        if let Next::More(next) = fetched.next() {
            let next = self.ask(next.clone());
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        }
        self.client.decode(&fetched)
    }

    fn ask(&self, link: Link) -> Ahead {
        // As many as there are attempts, at most.
        let (sender, waits) = mpsc::unbounded_channel();
        let (client, trouble) = (self.client.clone(), Arc::clone(&self.trouble));
        let target = link.clone();
        let fetch = async move {
            let waiting = |error: &Error, wait: Duration| {
                log::<C>(error, wait, &trouble);
                // Nobody listens any more when the round is over.
                let _ = sender.send(Waiting {
                    wait,
                    reason: error.to_string(),
                });
            };
            with_retry(|| client.fetch::<C>(&target), waiting).await
        };
        Ahead {
            link,
            page: AbortOnDropHandle::new(tokio::spawn(fetch)),
            waits,
        }
    }
}

/// One warning for each change of reason; the rest is for whoever looks closer.
fn log<C: Change>(error: &Error, wait: Duration, trouble: &Mutex<Option<Kind>>) {
    let collection = C::COLLECTION;
    let wait_seconds = wait.as_secs_f64();
    let last = trouble
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(error.kind());
    if last == Some(error.kind()) {
        tracing::debug!(collection, wait_seconds, %error, "a page of the tenant failed as before; it is asked for again");
    } else {
        tracing::warn!(collection, wait_seconds, %error, "a page of the tenant failed; it is asked for again");
    }
}
