//! The same facts and acts without a daemon: straight on the store, which admits one process at a time.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tracing::debug;

use super::explain::explain as explain_in;
use super::keeper::Keeper;
use super::syncer::run_pass;
use super::{Cloud, Error, daemon, report};
use crate::admin::report::{Explanation, PassSummary, Status, SyncEvent};
use crate::config::Config;

/// How things stood when the store was last written.
pub async fn status(config: &Config) -> Result<Status, Error> {
    let keeper = open(config).await?;
    Ok(daemon::status(
        &config.oauth.tenant,
        &keeper.state(),
        None,
        &[],
    ))
}

/// Everyone `user` may mean, and why they are active or not.
pub async fn explain(config: &Config, user: &str) -> Result<Vec<Explanation>, Error> {
    let keeper = open(config).await?;
    Ok(explain_in(
        &keeper.state().directory,
        config.sync.rules.nested_groups,
        user,
    ))
}

/// One pass, now.
pub async fn sync(
    config: &Config,
    full: bool,
    progress: impl Fn(SyncEvent),
) -> Result<PassSummary, Error> {
    let keeper = open(config).await?;
    let cloud = Cloud::new(config)?;
    let summary = run_pass(
        &cloud.graph,
        &keeper,
        &config.sync,
        &config.registry,
        full,
        progress,
    )
    .await;
    Ok(report::pass_summary(&summary))
}

async fn open(config: &Config) -> Result<Keeper, Error> {
    debug!(
        "no daemon answers on {}: working on the store itself",
        config.admin.socket.display()
    );
    Ok(Keeper::open(config, Arc::new(ArcSwapOption::empty())).await?)
}
