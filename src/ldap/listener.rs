//! Sockets: bound at start, accepting within bounds, TLS before or after the first message.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info_span, warn};

use super::Context;
use super::connection::{Connection, End};
use super::session::Session;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// First and longest pause after a failed accept, which mostly means too many open files.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// A bound socket and what is spoken on it.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    kind: ListenerKind,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    /// ldap://, with StartTLS when there is a certificate.
    Ldap,
    /// ldaps://
    Ldaps,
}

/// What every accept loop shares.
#[derive(Clone)]
pub(super) struct Acceptor {
    pub context: Arc<Context>,
    pub connections: Arc<Semaphore>,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

impl Listener {
    /// Binds; port 0 lets the system choose.
    pub async fn bind(address: SocketAddr, kind: ListenerKind) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::bind(address).await?,
            kind,
        })
    }

    /// The address bound, with the port the system chose.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What is spoken here.
    pub fn kind(&self) -> ListenerKind {
        self.kind
    }

    /// Accepts connections until shutdown. A permit is taken before a connection is, so that clients
    /// beyond the bound wait in the kernel's queue instead of in our memory.
    pub(super) async fn accept(self, acceptor: Acceptor) {
        let mut pause = ACCEPT_PAUSE.0;
        loop {
            let accepted = tokio::select! {
                () = acceptor.shutdown.cancelled() => return,
                accepted = async {
                    let permit = acceptor.connections.clone().acquire_owned().await;
                    (permit, self.socket.accept().await)
                } => accepted,
            };
            let (Ok(permit), accepted) = accepted else {
                return;
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = ACCEPT_PAUSE.0;
                    let (acceptor, kind) = (acceptor.clone(), self.kind);
                    let span = info_span!("connection", %peer);
                    let tasks = acceptor.tasks.clone();
                    tasks.spawn(
                        async move {
                            acceptor.serve(stream, peer, kind).await;
                            drop(permit);
                        }
                        .instrument(span),
                    );
                }
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    sleep(pause).await;
                    pause = (2 * pause).min(ACCEPT_PAUSE.1);
                }
            }
        }
    }
}

impl Acceptor {
    async fn serve(self, stream: TcpStream, peer: SocketAddr, kind: ListenerKind) {
        // An answer is one write: waiting to fill a packet would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            return debug!(%error, "connection lost at once");
        }
        let is_local = peer.ip().to_canonical().is_loopback()
            && stream
                .local_addr()
                .is_ok_and(|local| local.ip().to_canonical().is_loopback());
        let is_confidential = is_local || self.context.allow_plaintext;
        match (kind, &self.context.tls) {
            (ListenerKind::Ldap, _) => {
                let session = Session::new(peer, is_confidential, false);
                let connection =
                    Connection::new(stream, session, self.context.clone(), self.shutdown.clone());
                if let (End::StartTls(stream, session), Some(tls)) =
                    (connection.serve().await, &self.context.tls)
                {
                    self.serve_tls(tls, stream, session).await;
                }
            }
            (ListenerKind::Ldaps, Some(tls)) => {
                self.serve_tls(tls, stream, Session::new(peer, true, true))
                    .await;
            }
            // Server::bind refuses ldaps:// without a certificate.
            (ListenerKind::Ldaps, None) => {}
        }
    }

    async fn serve_tls(&self, tls: &TlsAcceptor, stream: TcpStream, session: Session) {
        let session = Session {
            is_confidential: true,
            is_tls: true,
            ..session
        };
        let handshake = tokio::select! {
            () = self.shutdown.cancelled() => return,
            handshake = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => {
                Connection::new(stream, session, self.context.clone(), self.shutdown.clone())
                    .serve()
                    .await;
            }
            Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
            Err(_) => debug!("TLS handshake not finished in time"),
        }
    }
}
