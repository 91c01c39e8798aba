//! A Microsoft 365 tenant on loopback: the sign-in service and Graph v1.0, as documented and as observed.
//!
//! Tests, the demo and the example start one, point the daemon at [`Tenant::login_url`] and
//! [`Tenant::graph_url`], and change the company while it runs. It is written from Microsoft's documentation
//! and knows nothing of the daemon, so that it catches a client that misreads the protocol: pages are small,
//! shuffled, sometimes empty or repeated; tokens are keys into a table here; whatever the documentation calls
//! unsupported is refused.
//!
//! # What there is
//!
//! - [`company`]: people, groups of every kind, roles, app registrations, directory extensions, and
//!   [`replication`](company::replication), which lets changes show late and not all at once.
//!   [`sample`] is the company of the tests and the demo, [`sample::large`] one of any size.
//! - [`sign_in`]: tokens for an app by secret or [certificate](sign_in::assertion), for a person by
//!   [password](sign_in::password), [code](sign_in::authorize) or [device](sign_in::device);
//!   [refresh tokens](sign_in::refresh) and what ends them; [consent](sign_in::consent), by a form in a browser or
//!   answered by [`Tenant::administrator`]; metadata, realms, instance discovery.
//! - [`graph`]: users, groups, members, belongings, `/me`, the recycle bin, filters, `$batch`; permissions that are
//!   withdrawn, hidden members, [quotas](graph::throttle). [`delta`]: rounds, their
//!   [disorder](delta::disorder), and tokens that expire after a week or on demand.
//! - [`faults`]: what goes wrong, with the next requests or at a [`Position`]; delays, holds, and how answers travel.
//! - [`log`]: what the client asked, to assert on and to wait for.
//!
//! Time is the machine's plus [`Tenant::advance`], everywhere and also in the `Date` header.

// Each crate that includes this module uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod changes;
pub mod clock;
pub mod company;
pub mod delta;
pub mod faults;
pub mod graph;
pub mod log;
pub mod sample;
mod server;
pub mod sign_in;
pub mod token;
mod wire;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;

pub use company::{
    Company, Domain, FirstFactor, GroupSpec, MemberKind, Registration, SecondFactor, UserSpec,
    Withdrawal, role,
};
pub use delta::disorder::Disorder;
pub use faults::{Fault, Position, Surface};
pub use graph::throttle::{Quota, RetryAfter};
pub use log::{LoggedRequest, Mark};
use server::Server;
pub use sign_in::consent::Decision;
use world::{Shared, World};

/// A running tenant; it stops when dropped.
pub struct Tenant {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Mutex<Option<Server>>,
}

impl Tenant {
    /// The sample company (see [`sample`]), with the default disorder.
    pub async fn sample() -> Self {
        Self::start(sample::company()).await
    }

    /// `company` on a free port, with the default disorder.
    pub async fn start(company: Company) -> Self {
        Self::start_with(company, Disorder::default()).await
    }

    /// `company` on a free port, answering with as much disorder as given.
    pub async fn start_with(company: Company, disorder: Disorder) -> Self {
        Self::start_on(0, company, disorder).await
    }

    /// `company` on the loopback port `port`.
    pub async fn start_on(port: u16, company: Company, disorder: Disorder) -> Self {
        let listener = listen((Ipv4Addr::LOCALHOST, port).into()).await;
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let world = World::new(format!("http://{address}"), company, disorder);
        let shared = Arc::new(Shared::new(world));
        let server = Server::spawn(listener, shared.clone());
        Self {
            shared,
            address,
            server: Mutex::new(Some(server)),
        }
    }

    /// The root of the sign-in service, without a trailing slash.
    pub fn login_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The root of Graph, without `/v1.0` and without a trailing slash.
    pub fn graph_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The tenant's GUID.
    pub fn tenant_id(&self) -> String {
        self.world().company.tenant_id.to_string()
    }

    /// The default domain.
    pub fn domain(&self) -> String {
        self.world().company.default_domain().to_owned()
    }

    /// The application id of the registration that reads the directory and checks passwords.
    pub fn client_id(&self) -> String {
        self.world().company.registrations[0].client_id.to_string()
    }

    /// The application id of the registration for programs that cannot keep a secret: no secret, public client
    /// flows on, delegated permissions only.
    pub fn public_client_id(&self) -> String {
        self.world().company.registrations[1].client_id.to_string()
    }

    /// A secret of the registration that reads the directory.
    pub fn client_secret(&self) -> String {
        let world = self.world();
        let secret = world.company.registrations[0].secrets.first().cloned();
        secret.expect("the registration has a secret until a test expires it")
    }

    /// Becomes unreachable: connections are cut, the port refuses new ones.
    pub async fn stop(&self) {
        let server = self
            .server
            .lock()
            .expect("no test panics while holding it")
            .take();
        if let Some(server) = server {
            server.stop().await;
        }
    }

    /// Becomes reachable again, at the same port and as if nothing had been.
    pub async fn restart(&self) {
        self.stop().await;
        let server = Server::spawn(listen(self.address).await, self.shared.clone());
        let mut running = self.server.lock().expect("no test panics while holding it");
        *running = Some(server);
    }

    /// Lets virtual time pass: tokens age, lockouts end, recycle bins are emptied after 30 days.
    pub fn advance(&self, duration: Duration) {
        let mut world = self.world();
        world.clock.advance(duration);
        let now = world.clock.now();
        world.company.empty_recycle_bin(now);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address)
        .await
        .unwrap_or_else(|error| panic!("the simulated tenant cannot listen on {address}: {error}"))
}
