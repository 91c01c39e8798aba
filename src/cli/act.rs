//! `ldap365 repin`, `release-name`, and whatever else changes what is kept: through the daemon, or on the store.

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::admin::report::act::Act;
use crate::app::offline;
use crate::config::Config;

/// Has something done, and prints what changed and what comes next.
pub(super) async fn run(config: &Config, act: Act, output: &mut Output) -> Result<(), Error> {
    let done = match Client::new(&config.admin.socket).act(&act).await {
        Err(client::Error::NoDaemon { .. }) => offline::act(config, act).await?,
        answer => answer?,
    };
    output.show(&done, &done)
}
