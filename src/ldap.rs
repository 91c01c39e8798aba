//! The LDAP server: listeners, connections, operations.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where and how to listen (`[ldap]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses for ldap://, with StartTLS when there is a certificate.
    pub listen: Vec<SocketAddr>,
    /// Addresses for ldaps://.
    pub listen_tls: Vec<SocketAddr>,
    /// Certificate chain and key, both PEM.
    pub identity: Option<TlsIdentity>,
    /// Accept passwords and searches in the clear from other hosts.
    pub allow_plaintext: bool,
    /// What a person may read.
    pub users_may_read: UsersMayRead,
}

/// The files of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// What a bound person may read beside root DSE and subschema (`directory.users_may_read`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersMayRead {
    /// Their own entry, the groups they are in, and the containers.
    OwnEntry,
    /// The whole tree.
    All,
}
