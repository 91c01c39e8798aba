//! The daemon put together: every part built from the configuration, joined, started and stopped.
//!
//! [`serve`] binds everything before it announces anything, serves what the store holds at once, and
//! syncs behind that. [`keeper`] holds the one current state and makes each new one durable before it is
//! served; [`syncer`] runs the passes; [`daemon`] answers the admin socket. [`roster`], [`explain`], [`identities`]
//! and [`plan`] answer questions from a [`view`]; [`acts`] amends what is kept. [`offline`] does the same on the store
//! while no daemon runs.

mod acts;
mod authorization;
pub mod authorize;
pub mod check;
mod daemon;
mod explain;
#[cfg(test)]
mod fixtures;
mod flaws;
mod identities;
mod keeper;
mod lookup;
pub mod offline;
mod plan;
mod reminders;
mod report;
mod roster;
mod status;
mod syncer;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::auth::Authenticator;
use crate::config::Config;
use crate::graph::GraphClient;
use crate::ldap::{ListenerKind, Published, Server};
use crate::oauth::{Credential, Keep, KeepNothing, SignIn, TokenSource};
use crate::{admin, ldap, oauth, store};
use authorization::{Authorizations, Vault};
use daemon::RunningDaemon;
use keeper::Keeper;
use syncer::{Board, Syncer};
use view::Terms;

/// How long operations in hand may take to finish once the daemon was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// Why the daemon cannot start, or a command cannot work on the store. The administrator must act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The way to Microsoft cannot be set up.
    #[error(transparent)]
    Http(#[from] oauth::http::Error),
    /// The store cannot be opened, read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A certificate or a listener.
    #[error(transparent)]
    Ldap(#[from] ldap::Error),
    /// The health listener or the admin socket.
    #[error(transparent)]
    Admin(#[from] admin::Error),
    /// What was asked for cannot be answered or done as things are.
    #[error(transparent)]
    Refused(#[from] admin::Refusal),
    /// A part of the daemon ended on its own, which is a bug of ours.
    #[error("the {0} stopped by itself; please report this, with the log")]
    Stopped(&'static str),
}

/// Where a started daemon can be reached, with the ports the system chose.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// ldap://
    pub ldap: Vec<SocketAddr>,
    /// ldaps://
    pub ldaps: Vec<SocketAddr>,
    /// `/healthz` and `/readyz`
    pub admin: SocketAddr,
}

/// The parts that read from Microsoft.
pub(crate) struct Cloud {
    pub tokens: Arc<TokenSource>,
    pub graph: GraphClient,
}

impl Cloud {
    /// Reads with these credentials. Nothing is asked yet.
    pub(crate) fn new(
        config: &Config,
        credentials: Vec<Credential>,
        authorizations: Authorizations,
        keep: Box<dyn Keep>,
    ) -> Result<Self, Error> {
        let http = oauth::http::client(&config.oauth)?;
        let sign_in = SignIn::new(&config.oauth, http.clone());
        let tokens = TokenSource::new(sign_in, credentials, authorizations, keep);
        let tokens = Arc::new(tokens);
        let graph = GraphClient::new(&config.graph, http, tokens.clone());
        Ok(Self { tokens, graph })
    }

    /// Reads with every credential of the configuration, and keeps renewed authorisations in the store.
    pub(crate) async fn with_vault(config: &Config, keeper: &Arc<Keeper>) -> Result<Self, Error> {
        let authorizations = authorization::load(config, keeper).await;
        let keep = Box::new(Vault(keeper.clone()));
        Self::new(config, config.credentials.clone(), authorizations, keep)
    }

    /// The same for a question that changes nothing: a renewed authorisation is forgotten, as the one that is
    /// stored stays good (Microsoft identity platform, "Refresh tokens": they are not revoked when used).
    pub(crate) async fn with_store_untouched(config: &Config) -> Result<Self, Error> {
        let authorizations = authorization::load_offline(config).await;
        let keep = Box::new(KeepNothing);
        Self::new(config, config.credentials.clone(), authorizations, keep)
    }
}

/// Runs the daemon until `shutdown`. `started` is told once everything is bound and what the store holds
/// is being served.
pub async fn serve(
    config: Config,
    shutdown: CancellationToken,
    started: impl FnOnce(&Addresses),
) -> Result<(), Error> {
    // The admin socket comes first: it knows a daemon that runs already by its answer.
    let admin_listeners = admin::bind(&config.admin).await?;
    let sign_in = SignIn::new(&config.oauth, oauth::http::client(&config.oauth)?);
    let authenticator = Arc::new(Authenticator::new(config.auth.clone(), Some(sign_in)));
    let published: Published = Arc::new(ArcSwapOption::empty());
    let server = Server::bind(&config.ldap, &config.dit, authenticator, published.clone()).await?;
    let keeper = Arc::new(Keeper::open(&config, published).await?);
    authorization::ready(&config, &keeper).await;
    let cloud = Cloud::with_vault(&config, &keeper).await?;
    let addresses = addresses(&server, &admin_listeners);
    announce(&addresses, &keeper);

    let left_out = report::left_out(&keeper.state());
    let board = Arc::new(Board::new(left_out));
    let daemon = Arc::new(RunningDaemon {
        since: Timestamp::now(),
        keeper: keeper.clone(),
        tokens: cloud.tokens.clone(),
        board: board.clone(),
        terms: Arc::new(Terms::of(&config)),
        client: cloud.graph.clone(),
        config: config.clone(),
    });
    let syncer = Syncer {
        client: cloud.graph,
        tokens: cloud.tokens,
        keeper: keeper.clone(),
        settings: config.sync,
        policy: config.registry,
        board,
    };
    let mut parts: Vec<(&'static str, JoinHandle<()>)> = vec![
        ("LDAP server", tokio::spawn(server.serve(shutdown.clone()))),
        ("sync", tokio::spawn(syncer.run(shutdown.clone()))),
    ];
    let admin_shutdown = shutdown.clone();
    parts.push((
        "admin listener",
        tokio::spawn(async move {
            if let Err(error) = admin::serve(admin_listeners, daemon, admin_shutdown).await {
                error!(%error, "the admin listener failed");
            }
        }),
    ));
    started(&addresses);
    supervise(parts, shutdown).await
}

fn addresses(server: &Server, admin: &admin::Listeners) -> Addresses {
    let of_kind = |kind| {
        let listeners = server
            .listeners()
            .iter()
            .filter(move |listener| listener.kind() == kind);
        listeners
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    };
    Addresses {
        ldap: of_kind(ListenerKind::Ldap),
        ldaps: of_kind(ListenerKind::Ldaps),
        admin: admin.address(),
    }
}

fn announce(addresses: &Addresses, keeper: &Keeper) {
    for address in &addresses.ldap {
        info!("listening on ldap://{address}");
    }
    for address in &addresses.ldaps {
        info!("listening on ldaps://{address}");
    }
    info!("health at http://{}", addresses.admin);
    match keeper.is_serving() {
        true => info!("serving what the store holds; the sync goes on behind it"),
        false => info!(
            "the store is empty: searches are answered `unavailable` until the first sync is done"
        ),
    }
}

/// Waits for the signal to stop, then for every part, and names those that do not stop.
async fn supervise(
    parts: Vec<(&'static str, JoinHandle<()>)>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let mut stopped = None;
    let (names, handles): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let mut running = tokio::task::JoinSet::new();
    for (name, handle) in names.iter().zip(handles) {
        let name = *name;
        running.spawn(async move {
            // A part that panicked has said so in the log; here it counts as stopped.
            let _ = handle.await;
            name
        });
    }
    tokio::select! {
        // Looked at first: parts that end because of the signal have not stopped by themselves.
        biased;
        () = shutdown.cancelled() => info!("stopping: operations in hand are finished first"),
        ended = running.join_next() => {
            stopped = ended.and_then(Result::ok);
            shutdown.cancel();
        }
    }
    let mut waiting: Vec<_> = names
        .into_iter()
        .filter(|name| Some(*name) != stopped)
        .collect();
    let drain = async {
        while let Some(ended) = running.join_next().await {
            waiting.retain(|name| ended.as_ref().ok() != Some(name));
        }
    };
    if tokio::time::timeout(SHUTDOWN_GRACE, drain).await.is_err() {
        warn!(
            "not stopped after {} s, left behind: {}",
            SHUTDOWN_GRACE.as_secs(),
            waiting.join(", ")
        );
    }
    stopped.map_or(Ok(()), |name| Err(Error::Stopped(name)))
}
