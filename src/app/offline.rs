//! The same facts and acts without a daemon: straight on the store, which admits one process at a time.

use std::sync::Arc;

use super::explain::explain as explain_in;
use super::keeper::Keeper;
use super::syncer::run_pass;
use super::{Cloud, Error, daemon, report};
use crate::admin::report::{Explanation, PassSummary, Status, SyncEvent};
use crate::config::Config;
use crate::sync::Unfinished;
use arc_swap::ArcSwapOption;

/// How things stood when the store was last written; nothing is changed.
pub async fn status(config: &Config) -> Result<Status, Error> {
    let (state, settled) = Keeper::peek(config).await?.unwrap_or_default();
    Ok(daemon::status(
        &config.oauth.tenant,
        &state,
        &settled,
        None,
        &[],
    ))
}

/// Everyone `user` may mean, and why they are active or not; nothing is changed.
pub async fn explain(config: &Config, user: &str) -> Result<Vec<Explanation>, Error> {
    let (state, _) = Keeper::peek(config).await?.unwrap_or_default();
    let nested = config.sync.rules.nested_groups;
    Ok(explain_in(&state.directory, nested, user))
}

/// One pass, now.
pub async fn sync(
    config: &Config,
    full: bool,
    progress: impl Fn(SyncEvent),
) -> Result<PassSummary, Error> {
    let keeper = Keeper::open(config, Arc::new(ArcSwapOption::empty())).await?;
    let cloud = Cloud::new(config)?;
    let summary = run_pass(
        &cloud.graph,
        &keeper,
        &config.sync,
        &config.registry,
        full,
        &mut Unfinished::default(),
        progress,
    )
    .await;
    Ok(report::pass_summary(&summary))
}
