//! What can go wrong with the store, whose doing it is, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::record::Fault;
use super::vault::VaultError;

/// Why the store cannot be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// sled admits one process, and another one is in.
    #[error(
        "{} is locked by another process: is a daemon running? its admin socket answers instead",
        dir.display()
    )]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// Others on this host could read the tenant's personal data and delta links.
    #[error(
        "{} has mode {mode:04o}, so group or others can reach it: run `chmod 700 {}`",
        dir.display(),
        dir.display()
    )]
    Exposed {
        /// The data directory.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The data directory is another user's; what this process wrote there, that user could not open again.
    #[error(
        "{} belongs to uid {owner}, and this process runs as uid {own}: run `sudo -u '#{owner}' ldap365 …`",
        dir.display()
    )]
    OtherOwner {
        /// The data directory.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose the process is.
        own: u32,
    },
    /// A file within the store is not the user's whose the data directory is.
    #[error(
        "{} belongs to uid {owner}, but the data directory to uid {wanted}: run `chown -R {wanted} {}` as root",
        path.display(),
        dir.display()
    )]
    StrangeFile {
        /// The data directory.
        dir: PathBuf,
        /// The file.
        path: PathBuf,
        /// Whose the file is.
        owner: u32,
        /// Whose the data directory is.
        wanted: u32,
    },
    /// The operating system refused to make, read or write a file.
    #[error("cannot {action} {}: {source}; data_dir must be on a local disk with room, and belong to the user that runs ldap365", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// sled cannot make sense of its own files.
    #[error("the store in {} is damaged ({source}): restore a backup into an empty data_dir", dir.display())]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What sled said.
        source: sled::Error,
    },
    /// sled read a record well, but what is in it is no record of ours.
    #[error("the store in {} is damaged: {record} is unreadable ({fault}); restore a backup into an empty data_dir", dir.display())]
    Corrupt {
        /// The data directory.
        dir: PathBuf,
        /// Kind and id of the record.
        record: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A later ldap365 wrote here.
    #[error("the store in {} was written by a newer ldap365 ({record} has format {version}): run that version, or restore a backup made by this one", dir.display())]
    NewerVersion {
        /// The data directory.
        dir: PathBuf,
        /// Kind and id of the first record that this version does not know.
        record: String,
        /// The format it claims.
        version: u8,
    },
    /// The configuration names one tenant, the store holds another.
    #[error("{} belongs to tenant {recorded}, but the configuration says {configured}: correct the tenant, or give this one a data_dir of its own", dir.display())]
    OtherTenant {
        /// The data directory.
        dir: PathBuf,
        /// The tenant whose data it holds.
        recorded: String,
        /// The tenant it was opened for.
        configured: String,
    },
    /// A secret cannot be sealed or unsealed. Everything else in the store can be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A commit failed earlier, so it is unknown which state the disk holds.
    #[error("an earlier write to {} failed: restart ldap365, which goes on from the last whole pass", dir.display())]
    WriteFailedBefore {
        /// The data directory.
        dir: PathBuf,
    },
}

impl Error {
    /// For use with `map_err` on file operations.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// For use with `map_err` on sled operations.
    pub(super) fn sled(action: &'static str, dir: &Path) -> impl FnOnce(sled::Error) -> Self {
        move |error| match error {
            // sled 0.34.7 (`Config::try_lock`) tells a held lock by this text alone.
            sled::Error::Io(source) if source.to_string().starts_with("could not acquire lock") => {
                Self::Locked {
                    dir: dir.to_owned(),
                }
            }
            sled::Error::Io(source) => Self::io(action, dir)(source),
            source => Self::Damaged {
                dir: dir.to_owned(),
                source,
            },
        }
    }

    /// For use with `map_err` on a record or key that could not be decoded.
    pub(super) fn record(dir: &Path, record: impl ToString) -> impl FnOnce(Fault) -> Self {
        move |fault| match fault {
            Fault::Newer(version) => Self::NewerVersion {
                dir: dir.to_owned(),
                record: record.to_string(),
                version,
            },
            fault => Self::Corrupt {
                dir: dir.to_owned(),
                record: record.to_string(),
                fault,
            },
        }
    }
}
