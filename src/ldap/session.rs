//! Who is at the other end of a connection, and what they may read.

use std::net::SocketAddr;

use super::UsersMayRead;
use crate::directory::UserId;
use crate::dit::snapshot::{EntryKind, Snapshot};
use crate::dit::{Dn, EntryId};

/// The state that outlasts an operation.
#[derive(Debug)]
pub struct Session {
    /// The client's address.
    pub peer: SocketAddr,
    /// TLS, or both ends on this host, or plaintext allowed: passwords and searches may pass.
    pub is_confidential: bool,
    /// TLS is in place.
    pub is_tls: bool,
    /// Who is bound.
    pub identity: Identity,
}

/// The authorization state of a session (RFC 4513 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// An account of the configuration file.
    ServiceAccount {
        /// Its name there.
        name: String,
        /// Its DN.
        dn: Dn,
    },
    /// A person of the tenant.
    Person(UserId),
}

/// What an identity may read of one snapshot.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// Nothing of the tree.
    Nothing,
    /// The whole tree.
    Tree,
    /// The containers, a person's own entry, and the groups that person is in, the primary one included.
    Around(EntryId),
}

impl Session {
    /// A session that nobody has bound yet.
    pub fn new(peer: SocketAddr, is_confidential: bool, is_tls: bool) -> Self {
        Self {
            peer,
            is_confidential,
            is_tls,
            identity: Identity::Anonymous,
        }
    }
}

impl Identity {
    /// What this identity may read of a snapshot now. A person who has become inactive since they
    /// bound, or is disabled in the tenant while that change is held back, reads nothing.
    pub fn reach(&self, snapshot: &Snapshot, users_may_read: UsersMayRead) -> Reach {
        match self {
            Self::Anonymous => Reach::Nothing,
            Self::ServiceAccount { .. } => Reach::Tree,
            Self::Person(id) => match (snapshot.entry_of_active(*id), users_may_read) {
                (Some(_), UsersMayRead::All) => Reach::Tree,
                (Some(entry), UsersMayRead::OwnEntry) => Reach::Around(entry),
                (None, _) => Reach::Nothing,
            },
        }
    }

    /// The authorization identity for Who am I? (RFC 4532 §2.2): `dn:` and the DN, or nothing.
    pub fn authz_id(&self, snapshot: Option<&Snapshot>) -> String {
        match self {
            Self::Anonymous => String::new(),
            Self::ServiceAccount { dn, .. } => format!("dn:{dn}"),
            Self::Person(id) => {
                let entry = snapshot.and_then(|snapshot| {
                    let entry = snapshot.entry_of_active(*id)?;
                    Some(snapshot.entry(entry))
                });
                entry.map_or_else(String::new, |entry| {
                    format!("dn:{}", String::from_utf8_lossy(entry.dn()))
                })
            }
        }
    }
}

impl Reach {
    /// Whether a visible entry may be read.
    pub fn includes(self, snapshot: &Snapshot, entry: EntryId) -> bool {
        let head = snapshot.head(entry);
        if !head.visible {
            return false;
        }
        match self {
            Self::Nothing => false,
            Self::Tree => true,
            Self::Around(person) => match head.kind {
                EntryKind::Base | EntryKind::Container | EntryKind::Server => true,
                EntryKind::ServiceAccount => false,
                EntryKind::Person => entry == person,
                EntryKind::PrivateGroup => snapshot.private_group_of(person) == Some(entry),
                // By gidNumber, everybody is in the primary group.
                EntryKind::Group => {
                    snapshot.primary_group() == Some(entry)
                        || snapshot.groups_of(person).binary_search(&entry).is_ok()
                }
            },
        }
    }
}
