//! Health for machines, questions and orders for the command line.
//!
//! Two listeners, bound by [`bind`] before anything is served: TCP answers `/healthz` and `/readyz`, the Unix socket
//! answers everything, to root and to the daemon's own user. All facts come through the [`Daemon`] trait; this module
//! knows neither the store nor the sync. [`client`] is the other end, [`report`] what travels between them.

pub mod client;
mod credential;
pub mod finding;
mod http;
mod lines;
pub mod overrides_file;
mod refusal;
pub mod report;
mod socket;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use credential::AuthorizeError;
use finding::Finding;
pub use refusal::{Refusal, RefusalKind};
use report::act::{Act, Done, Format};
use report::explanation::{ExplainQuery, Explanation};
use report::identity::{IdentityRow, LocalSettings};
use report::pass::{SyncEvent, SyncOrder};
use report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use report::status::{Readiness, Status};
use socket::Socket;

/// Where to listen (`[admin]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// HTTP for `/healthz` and `/readyz`.
    pub listen: SocketAddr,
    /// The command line's way in: a Unix socket of mode 0600.
    pub socket: PathBuf,
}

/// An answer of many lines, each made when it is sent.
pub type Rows<T> = Box<dyn Iterator<Item = T> + Send>;

/// What the running program can say about itself, and do on demand.
///
/// The methods answer from memory and must not block, but for those that are futures.
pub trait Daemon: Send + Sync + 'static {
    /// How it is doing.
    fn status(&self) -> Status;

    /// Every person, group or former object that the name may mean; never empty.
    fn explain(&self, query: &ExplainQuery) -> Result<Vec<Explanation>, Refusal>;

    /// The people of the tenant, by object id.
    fn people(&self, query: &PersonQuery) -> Result<Rows<PersonRow>, Refusal>;

    /// The groups of the tenant, by object id.
    fn groups(&self, query: &GroupQuery) -> Result<Rows<GroupRow>, Refusal>;

    /// Every name and number ever handed out, by object id.
    fn identities(&self) -> Rows<IdentityRow>;

    /// What is set here for the person of this name.
    fn local_settings(&self, user: &str) -> Result<LocalSettings, Refusal>;

    /// Everything that is set here, as [`Act::Import`] reads it.
    fn export(&self, format: Format) -> Result<String, Refusal>;

    /// Does what an administrator orders; answered once it is durable and served.
    fn act(&self, act: Act) -> impl Future<Output = Result<Done, Refusal>> + Send;

    /// Orders a pass that begins after now, or has a dry run made.
    ///
    /// The last event is [`SyncEvent::Finished`]; a channel that closes before means that the program is stopping.
    /// The receiver may be dropped at any time, which leaves a pass running.
    fn sync(
        &self,
        order: SyncOrder,
    ) -> impl Future<Output = Result<mpsc::Receiver<SyncEvent>, Refusal>> + Send;

    /// Takes the authorisation of an administrator for a delegated credential: durable before it is answered, and used
    /// from then on. `authorization` holds a secret.
    fn authorize(
        &self,
        credential: &str,
        authorization: &[u8],
    ) -> impl Future<Output = Result<(), AuthorizeError>> + Send;

    /// Tries a delegated credential with the authorisation held, and what it may read; `None` when there is none of
    /// that name. Asks Microsoft, which takes its time.
    fn check_credential(
        &self,
        credential: &str,
    ) -> impl Future<Output = Option<Vec<Finding>>> + Send;

    /// Whether clients are being served.
    fn readiness(&self) -> Readiness;
}

/// Why the daemon cannot be administered. All of them are for the administrator to put right, before the start.
#[derive(Debug, Error)]
pub enum Error {
    /// The address of `admin.listen` is taken, or not ours.
    #[error(
        "admin.listen: cannot listen on {address}; if another program has the port (`ss -lntp` names it), stop it or \
         choose another"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The socket of `admin.socket` cannot be made.
    #[error("cannot create the socket {} (admin.socket)", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A process answers on the socket.
    #[error("another ldap365 is running: it answers on {}; stop it, or set another admin.socket", path.display())]
    AlreadyRunning {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket is in its place, and is left there.
    #[error("{} is in the way: it is not a socket; remove it, or set another admin.socket", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// A listener broke.
    #[error("the admin listeners stopped")]
    Serve(#[source] io::Error),
}

/// The two listeners, bound and not yet served. Dropping them removes the socket.
#[derive(Debug)]
pub struct Listeners {
    health: TcpListener,
    address: SocketAddr,
    socket: Socket,
}

impl Listeners {
    /// Where `/healthz` and `/readyz` are, with the port the system chose when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Binds both listeners, so that whatever is wrong with them is known before the daemon starts.
pub async fn bind(settings: &Settings) -> Result<Listeners, Error> {
    let failed = |source| Error::Listen {
        address: settings.listen,
        source,
    };
    // The socket first: it can tell another ldap365 from a port that is taken by something else.
    let socket = Socket::bind(&settings.socket)?;
    let health = TcpListener::bind(settings.listen).await.map_err(failed)?;
    let address = health.local_addr().map_err(failed)?;
    Ok(Listeners {
        health,
        address,
        socket,
    })
}

/// Answers on both listeners until `shutdown`, then finishes the answers it has begun and removes the socket.
pub async fn serve<D: Daemon>(
    listeners: Listeners,
    daemon: Arc<D>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let Listeners { health, socket, .. } = listeners;
    let health = axum::serve(health, http::health(daemon.clone()))
        .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let everything = http::everything(daemon).into_make_service_with_connect_info::<socket::Peer>();
    let socket = axum::serve(socket, everything).with_graceful_shutdown(shutdown.cancelled_owned());
    tokio::try_join!(health.into_future(), socket.into_future()).map_err(Error::Serve)?;
    Ok(())
}
