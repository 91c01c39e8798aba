//! Sockets: bound at start, accepting within bounds, TLS before or after the first message.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
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
/// Connections from one address served at once; further ones are closed at once. VPN gateways and mail servers
/// open hundreds for all the people behind them.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 2_000;
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
    pub addresses: Addresses,
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
                    let Some(place) = acceptor.addresses.admit(peer.ip()) else {
                        debug!(%peer, "turned away: its address has too many connections");
                        continue;
                    };
                    let (acceptor, kind) = (acceptor.clone(), self.kind);
                    let span = info_span!("connection", %peer);
                    let tasks = acceptor.tasks.clone();
                    tasks.spawn(
                        async move {
                            acceptor.serve(stream, peer, kind).await;
                            drop((permit, place));
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

/// How many connections each address has.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of one connection among those of its address, free again once dropped.
struct Admission {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// A place for one more connection from an address, if there is one. This host's own addresses have as many as
    /// they want: everybody behind a proxy here comes from one of them.
    fn admit(&self, address: IpAddr) -> Option<Option<Admission>> {
        let address = network(address);
        if address.is_loopback() {
            return Some(None);
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count == CONNECTIONS_PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Some(Admission {
            addresses: self.clone(),
            address,
        }))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: in IPv6 the whole /64, which one client may use as it likes.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        other => other,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let addresses = Addresses::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let mut places: Vec<_> = (0..CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| addresses.admit(address).unwrap())
            .collect();
        assert!(addresses.admit(address).is_none());
        assert!(
            addresses
                .admit("::ffff:192.0.2.1".parse().unwrap())
                .is_none()
        );
        assert!(addresses.admit("192.0.2.2".parse().unwrap()).is_some());
        places.pop();
        let place = addresses.admit(address);
        assert!(place.is_some());
        drop((place, places));
        assert!(addresses.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_this_host_has_no_bound() {
        let address = |text: &str| network(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        for local in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(address(local).is_loopback(), "{local}");
        }
    }
}
