//! `ldap365 status`

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::app::offline;
use crate::config::Config;

/// Prints how the daemon is doing, or what the store holds when there is no daemon.
pub(super) async fn run(config: &Config, output: &mut Output) -> Result<(), Error> {
    let status = match Client::new(&config.admin.socket).status().await {
        Err(client::Error::NoDaemon { .. }) => offline::status(config).await?,
        answer => answer?,
    };
    output.show(&status, &status)
}
