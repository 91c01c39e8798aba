//! `ldap365 serve`

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

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
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}
