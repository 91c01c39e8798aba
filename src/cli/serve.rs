//! `ldap365 serve`

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Error;
use crate::app;
use crate::config::Config;

/// Runs the daemon until SIGTERM or SIGINT.
pub(super) async fn run(config: Config) -> Result<(), Error> {
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone()).map_err(Error::Runtime)?;
    app::serve(config, shutdown, |_| {}).await?;
    info!("stopped");
    Ok(())
}

fn stop_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                // Administrators send it to have a changed file read; unhandled, it would end the daemon.
                _ = hangup.recv() => warn!("SIGHUP ignored: a changed configuration is read at the next start"),
            }
        }
        shutdown.cancel();
    });
    Ok(())
}
