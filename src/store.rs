//! The durable copy of a [`State`], in sled.
//!
//! [`Store`] owns the directory on disk: who may reach it, whose tenant it holds, and that it holds
//! one whole state at any time. [`Store::load`] reads that state at the start; [`Store::commit`]
//! writes the difference between two states. It does not know what the states mean, and nobody
//! reads from it while serving: that is what the state in memory is for.
//!
//! # Why one tree and one batch
//!
//! Kill the process, or let it crash, at any point: what is found afterwards is the state before
//! the commit or the state after it. In sled 0.34.7 that rests on how [`sled::Tree::apply_batch`]
//! writes. It first reserves a message in the log ("peg"), writes the changes behind it, and only
//! then fills the reservation with a `BatchManifest`: the log position of the last change. Recovery
//! that meets a manifest whose last change did not reach the disk, or no valid manifest where one
//! was reserved, ends the log right there. No segment that the batch supersedes is reused until
//! the whole batch is stable. A batch may span segments; its size does not matter.
//!
//! A transaction over several trees is protected the same way, but exists to read and to retry,
//! which a sole writer that computed its changes beforehand has no use for. So everything lives in
//! the default tree, under keys that begin with a tag for the kind of record (`key.rs`), and a
//! commit is one batch: a delta link cannot arrive without what it stands for. `tests/crash` kills
//! a process in the middle of commits to hold sled to this.
//!
//! Against a power cut, sled 0.34.7 on Linux calls `sync_file_range`, which reaches neither the
//! file's length nor the disk's own cache; therefore a commit ends with an `fdatasync` of the log.
//! What that does not cover is a disk that rots: damage in the log behind sled's last recovery
//! looks like a torn write, and takes the store back to an earlier, whole state.
//!
//! # Layout
//!
//! * `key.rs`: the keys; `record.rs`: the values, one mirror type for each type of `directory`
//! * `changes.rs`: two states to a batch; `loader.rs`: records to a state
//! * `vault.rs`: secrets, encrypted with a key that is not in the store
//! * `data_dir.rs`: permissions; `error.rs`: what can go wrong and who must act
//!
//! Everything here blocks: call it where blocking is allowed.

mod changes;
mod data_dir;
mod error;
mod key;
mod loader;
mod record;
mod vault;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sled::Db;

pub use error::Error;
pub use record::Fault;
pub use vault::{VaultError, check_vault_key};

use changes::Changes;
use key::Key;
use loader::Loader;
use record::{GenerationRecord, TenantRecord, decode, encode};

use crate::directory::State;

/// How much of the log sled may cache: the store is read once and then written in small pieces.
const CACHE_BYTES: u64 = 64 << 20;

/// How long a lock may take to be let go before it counts as another process's.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// The pause between two tries for the lock.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// A handle on the open store; clones share it, and the last one to go releases the directory.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    db: Db,
    /// sled's log file once more, for `fdatasync`.
    log: File,
    /// Held throughout a commit, so that one commit at a time is under way.
    writer: Mutex<Writer>,
}

struct Writer {
    generation: Generation,
    /// A commit began and was not seen to end.
    is_in_doubt: bool,
}

/// Which commit the store is at, for diagnosis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// Commits so far; 0 in an empty store.
    pub number: u64,
    /// When the last one was made; `None` in an empty store.
    pub committed: Option<Timestamp>,
}

/// What a commit wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitStats {
    /// Records written; a membership is a record of its own. The commit counter is not counted.
    pub written: usize,
    /// Records removed.
    pub removed: usize,
    /// The generation that the store is at now.
    pub generation: Generation,
}

/// Whether `data_dir` holds a store; nothing is made.
///
/// # Errors
///
/// [`Error::OtherOwner`] or [`Error::Io`] when this process has no business there, so that an unreadable directory
/// is not taken for an empty one.
pub fn exists(data_dir: &Path) -> Result<bool, Error> {
    data_dir::holds_store(data_dir)
}

/// Whether a store could be opened in `data_dir`, or made there; nothing is made, and it may be open elsewhere.
///
/// # Errors
///
/// What [`Store::open`] would say of the directory's owner and permissions.
pub fn check_data_dir(data_dir: &Path) -> Result<(), Error> {
    data_dir::try_out(data_dir)
}

impl Store {
    /// Opens the store in `data_dir`, and creates both, for their owner alone, where they are missing.
    ///
    /// # Errors
    ///
    /// [`Error::OtherOwner`] and [`Error::StrangeFile`] when `data_dir` or a file in it is another user's,
    /// [`Error::Exposed`] when group or others can reach `data_dir`, [`Error::Locked`] when another
    /// process has it open, [`Error::Io`] when it cannot be written, [`Error::Damaged`],
    /// [`Error::Corrupt`] or [`Error::NewerVersion`] when what is in it cannot be read.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let dir = data_dir.to_owned();
        data_dir::prepare(&dir)?;
        let sled_dir = dir.join("store");
        data_dir::refuse_strange_files(&dir, &sled_dir)?;
        let db = open_sled(&dir, &sled_dir)?;
        data_dir::secure_files(&dir, &sled_dir)?;
        let log_path = sled_dir.join("db");
        let log = File::open(&log_path).map_err(Error::io("open", &log_path))?;
        let generation = read_generation(&db, &dir)?;
        let writer = Mutex::new(Writer {
            generation,
            is_in_doubt: false,
        });
        let shared = Arc::new(Shared {
            dir,
            db,
            log,
            writer,
        });
        Ok(Self { shared })
    }

    /// Declares whose data this is: recorded on first use, compared on every later one.
    ///
    /// # Errors
    ///
    /// [`Error::OtherTenant`] when the store holds another tenant's data.
    pub fn bind_tenant(&self, tenant: &str) -> Result<(), Error> {
        if self.check_tenant(tenant)? {
            return Ok(());
        }
        let Shared { dir, db, .. } = &*self.shared;
        let record = encode::<TenantRecord>(TenantRecord(tenant.to_owned()));
        db.insert(Key::Tenant.to_bytes(), record)
            .map_err(Error::sled("write", dir))?;
        self.shared.flush()
    }

    /// Compares whose data this is, and writes nothing; `false` while nobody has declared it.
    ///
    /// # Errors
    ///
    /// [`Error::OtherTenant`] when the store holds another tenant's data.
    pub fn check_tenant(&self, tenant: &str) -> Result<bool, Error> {
        let Shared { dir, db, .. } = &*self.shared;
        let record = db.get(Key::Tenant.to_bytes());
        let Some(record) = record.map_err(Error::sled("read", dir))? else {
            return Ok(false);
        };
        let TenantRecord(recorded) = decode(&record).map_err(Error::record(dir, Key::Tenant))?;
        // GUIDs and domain names alike are written in either case.
        if recorded.eq_ignore_ascii_case(tenant) {
            return Ok(true);
        }
        Err(Error::OtherTenant {
            dir: dir.clone(),
            recorded,
            configured: tenant.to_owned(),
        })
    }

    /// The state as last committed; an empty one if none ever was.
    pub fn load(&self) -> Result<State, Error> {
        let Shared { dir, db, .. } = &*self.shared;
        let mut loader = Loader::default();
        for entry in db.iter() {
            let (key, record) = entry.map_err(Error::sled("read", dir))?;
            loader.take(dir, &key, &record)?;
        }
        Ok(loader.finish())
    }

    /// The last commit's number and time.
    pub fn generation(&self) -> Generation {
        self.shared.writer().generation
    }

    /// Makes the store hold `new`, given that it holds `old`; returns once `new` is durable.
    ///
    /// `old` must be what [`load`](Self::load) returned or the last commit wrote: only what differs
    /// is written. Equal states write nothing, and leave the generation as it is.
    ///
    /// # Errors
    ///
    /// After an error the disk holds `old` or `new`, whole, and it is unknown which. The store then
    /// answers every further commit with [`Error::WriteFailedBefore`]; open it anew to go on.
    pub fn commit(&self, old: &State, new: &State, now: Timestamp) -> Result<CommitStats, Error> {
        let shared = &*self.shared;
        let changes = Changes::between(old, new);
        let mut writer = shared.writer();
        shared.refuse_doubt(&writer)?;
        if changes.is_empty() {
            return Ok(CommitStats {
                written: 0,
                removed: 0,
                generation: writer.generation,
            });
        }
        let (batch, stats) = changes.seal(writer.generation.next(now));
        writer.is_in_doubt = true;
        let applied = shared.db.apply_batch(batch);
        applied.map_err(Error::sled("write", &shared.dir))?;
        shared.flush()?;
        writer.generation = stats.generation;
        writer.is_in_doubt = false;
        Ok(stats)
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic within a commit leaves `is_in_doubt` set, which says all that poison would.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a failed write nobody knows what the disk holds, and sled is not asked to go on from there.
    fn refuse_doubt(&self, writer: &Writer) -> Result<(), Error> {
        match writer.is_in_doubt {
            true => Err(Error::WriteFailedBefore {
                dir: self.dir.clone(),
            }),
            false => Ok(()),
        }
    }

    fn flush(&self) -> Result<(), Error> {
        self.db.flush().map_err(Error::sled("write", &self.dir))?;
        self.log.sync_data().map_err(Error::io("sync", &self.dir))
    }
}

impl Generation {
    fn next(self, now: Timestamp) -> Self {
        Self {
            number: self.number + 1,
            committed: Some(now),
        }
    }
}

/// Opens sled, and waits a moment for the lock.
///
/// sled's own threads hold the locked file a little longer than the last handle lives, so a store
/// that was dropped just now, here or in a process that is ending, may still look open.
fn open_sled(dir: &Path, sled_dir: &Path) -> Result<Db, Error> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        let opened = sled::Config::new()
            .path(sled_dir)
            .cache_capacity(CACHE_BYTES)
            // Every write below ends with a flush of its own.
            .flush_every_ms(None)
            .open()
            .map_err(Error::sled("open", dir));
        match opened {
            Err(Error::Locked { .. }) if Instant::now() < deadline => thread::sleep(LOCK_RETRY),
            opened => return opened,
        }
    }
}

fn read_generation(db: &Db, dir: &Path) -> Result<Generation, Error> {
    let key = Key::Generation.to_bytes();
    let Some(record) = db.get(key).map_err(Error::sled("read", dir))? else {
        return Ok(Generation::default());
    };
    decode::<GenerationRecord>(&record)
        .and_then(Generation::try_from)
        .map_err(Error::record(dir, Key::Generation))
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
