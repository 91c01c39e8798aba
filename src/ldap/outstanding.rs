//! Searches too long for the message they came in: each goes on in a task of its own.
//!
//! The tasks of a connection take turns at filling a buffer, and a full one waits until the connection has
//! written the one before: a client that does not read costs a few buffers, however many searches it has started.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::search::{Ending, Job};

/// Searches that one connection may have under way; further requests wait.
pub const SEARCHES_MAX: usize = 16;

/// The searches of a connection that are under way.
#[derive(Debug)]
pub struct Outstanding {
    searches: Vec<Running>,
    /// Numbers the searches, as clients may use a message id again.
    last_serial: u64,
    turns: Arc<Semaphore>,
    sender: mpsc::Sender<Delivery>,
    deliveries: mpsc::Receiver<Delivery>,
}

#[derive(Debug)]
struct Running {
    serial: u64,
    message_id: u32,
    /// Dropped with this, the task ends where it stands.
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Delivery {
    serial: u64,
    octets: Vec<u8>,
    ending: Option<Ending>,
}

/// What a search has brought forth.
#[derive(Debug)]
pub struct Delivered {
    /// The id of its request.
    pub message_id: u32,
    /// Whole messages.
    pub octets: Vec<u8>,
    /// How it ended, if it has.
    pub ending: Option<Ending>,
}

impl Outstanding {
    /// Nothing is under way.
    pub fn new() -> Self {
        let (sender, deliveries) = mpsc::channel(1);
        Self {
            searches: Vec::new(),
            last_serial: 0,
            turns: Arc::new(Semaphore::new(1)),
            sender,
            deliveries,
        }
    }

    /// Nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.searches.is_empty()
    }

    /// Another search has to wait.
    pub fn is_full(&self) -> bool {
        self.searches.len() >= SEARCHES_MAX
    }

    /// Goes on with a search.
    pub fn start(&mut self, message_id: u32, job: Job) {
        self.last_serial += 1;
        let serial = self.last_serial;
        let outlet = Outlet {
            serial,
            turns: self.turns.clone(),
            connection: self.sender.clone(),
        };
        let task = tokio::spawn(async move { job.run(&outlet).await });
        self.searches.push(Running {
            serial,
            message_id,
            _task: AbortOnDropHandle::new(task),
        });
    }

    /// Ends a search without a word; `false` when none has this id.
    pub fn abandon(&mut self, message_id: u32) -> bool {
        let place = self
            .searches
            .iter()
            .position(|search| search.message_id == message_id);
        place.map(|place| self.searches.remove(place)).is_some()
    }

    /// Ends every search without a word.
    pub fn abandon_all(&mut self) {
        self.searches.clear();
    }

    /// Waits for what the searches bring forth next; for ever when none is under way.
    pub async fn next(&mut self) -> Delivered {
        loop {
            let Some(delivery) = self.deliveries.recv().await else {
                // We hold a sender ourselves.
                return std::future::pending().await;
            };
            let mut searches = self.searches.iter();
            let Some(place) = searches.position(|search| search.serial == delivery.serial) else {
                // It was abandoned meanwhile.
                continue;
            };
            let message_id = self.searches[place].message_id;
            if delivery.ending.is_some() {
                self.searches.remove(place);
            }
            return Delivered {
                message_id,
                octets: delivery.octets,
                ending: delivery.ending,
            };
        }
    }
}

/// The way from a search to its connection.
#[derive(Debug)]
pub struct Outlet {
    serial: u64,
    turns: Arc<Semaphore>,
    connection: mpsc::Sender<Delivery>,
}

impl Outlet {
    /// Waits for the search's turn to work, which lasts until the permit is dropped.
    pub async fn turn(&self) -> SemaphorePermit<'_> {
        let turn = self.turns.acquire().await;
        turn.expect("the semaphore of a connection is never closed")
    }

    /// Hands over what was found, and the ending if this was all; waits until the connection has room.
    pub async fn send(&self, octets: Vec<u8>, ending: Option<Ending>) {
        let delivery = Delivery {
            serial: self.serial,
            octets,
            ending,
        };
        // Where the connection is gone, so is whoever waited for this.
        let _ = self.connection.send(delivery).await;
    }
}
