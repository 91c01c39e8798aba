//! The LDAP server: listeners, connections, operations.
//!
//! [`Server`] owns the sockets; each [`connection`] decodes its requests ([`request`], [`control`]) and
//! answers them from one [`Snapshot`] at a time: [`bind`], [`search`], [`compare`], [`extended`]. Searches that
//! take longer go on beside it ([`outstanding`]).
//! It never asks the tenant for anything but a password, and that through [`Authenticator`].

mod bind;
mod compare;
mod connection;
mod control;
mod extended;
mod limits;
mod listener;
mod outstanding;
mod refusal;
mod request;
mod response;
mod search;
mod session;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Authenticator;
use crate::dit::server_entries::server_entries;
use crate::dit::{Dn, Snapshot, schema};

pub use listener::{Listener, ListenerKind};

/// Connections served at once; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 10_000;

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

/// The tree now being served, swapped whole; empty until a directory has been read.
pub type Published = Arc<ArcSwapOption<Snapshot>>;

/// Why the server cannot start. The administrator must act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate or key.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// `listen_tls` without a certificate.
    #[error("ldap.listen_tls needs ldap.certificate and ldap.key")]
    NoCertificate,
    /// A socket: the port is in use, or only root may have it.
    #[error(
        "{key}: cannot listen on {address}: {source}; if another program has the port (`ss -lntp` names it), stop it \
         or choose another; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    )]
    Bind {
        /// The key in the configuration file.
        key: &'static str,
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// What all connections share.
pub(crate) struct Context {
    published: Published,
    server_entries: Arc<Snapshot>,
    authenticator: Arc<Authenticator>,
    /// DNs of service accounts in normal form, with their names.
    service_accounts: Vec<(Vec<u8>, String)>,
    base: Dn,
    tls: Option<TlsAcceptor>,
    allow_plaintext: bool,
    users_may_read: UsersMayRead,
}

/// The server with its sockets bound, not serving yet.
pub struct Server {
    context: Arc<Context>,
    listeners: Vec<Listener>,
}

impl Context {
    fn new(
        settings: &Settings,
        tree: &crate::dit::Settings,
        authenticator: Arc<Authenticator>,
        published: Published,
    ) -> Result<Self, Error> {
        let tls = settings.identity.as_ref().map(tls::acceptor).transpose()?;
        let account = |name: &String| (tree.base.child("cn", name).normalised(), name.clone());
        Ok(Self {
            published,
            server_entries: Arc::new(server_entries(
                &tree.base,
                &control::supported(),
                &extended::supported(tls.is_some()),
            )),
            authenticator,
            service_accounts: tree.service_accounts.iter().map(account).collect(),
            base: tree.base.clone(),
            tls,
            allow_plaintext: settings.allow_plaintext,
            users_may_read: settings.users_may_read,
        })
    }

    /// The tree as it is now: an operation takes it once and sees one world until its end.
    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.published.load_full()
    }

    /// The service account with this DN, with the DN as we write it.
    fn service_account(&self, dn: &Dn) -> Option<(&str, Dn)> {
        let key = dn.normalised();
        let (_, name) = self
            .service_accounts
            .iter()
            .find(|(account, _)| *account == key)?;
        Some((name, self.base.child("cn", name)))
    }

    /// The name in a DN that stands where service accounts do; the caller knows that none has it.
    fn unknown_service_account(&self, dn: &Dn) -> Option<String> {
        let [(description, value)] = dn.rdns().first()?.values.as_slice() else {
            return None;
        };
        let is_account = schema::lookup(description) == Some(schema::id("cn"))
            && dn.parent()?.normalised() == self.base.normalised();
        is_account.then(|| request::printable(value).into_owned())
    }
}

/// Whether the certificate and key can be read and used together, and until when.
pub fn check_identity(identity: &TlsIdentity) -> Result<Timestamp, Error> {
    tls::acceptor(identity)?;
    Ok(tls::not_after(identity)?)
}

impl Server {
    /// Reads the certificate and binds every socket, so that whatever is wrong shows before anything
    /// is served.
    pub async fn bind(
        settings: &Settings,
        tree: &crate::dit::Settings,
        authenticator: Arc<Authenticator>,
        published: Published,
    ) -> Result<Self, Error> {
        let context = Arc::new(Context::new(settings, tree, authenticator, published)?);
        if context.tls.is_none() && !settings.listen_tls.is_empty() {
            return Err(Error::NoCertificate);
        }
        let addresses = settings
            .listen
            .iter()
            .map(|address| ("ldap.listen", *address, ListenerKind::Ldap));
        let tls_addresses = settings
            .listen_tls
            .iter()
            .map(|address| ("ldap.listen_tls", *address, ListenerKind::Ldaps));
        let mut listeners = Vec::new();
        for (key, address, kind) in addresses.chain(tls_addresses) {
            let listener = Listener::bind(address, kind).await;
            listeners.push(listener.map_err(|source| Error::Bind {
                key,
                address,
                source,
            })?);
        }
        Ok(Self { context, listeners })
    }

    /// What is listened on, with the ports the system chose.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Serves until shutdown, then until every connection has finished the operation in hand.
    pub async fn serve(self, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        let acceptor = listener::Acceptor {
            context: self.context,
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            addresses: listener::Addresses::default(),
            shutdown,
            tasks: tasks.clone(),
        };
        for listener in self.listeners {
            tasks.spawn(listener.accept(acceptor.clone()));
        }
        tasks.close();
        tasks.wait().await;
    }
}
