//! The same facts and acts without a daemon: straight on the store, which admits one process at a time.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tracing::info;

use super::keeper::Keeper;
use super::syncer::{Acceptance, DryRun, Outcome, run_pass};
use super::view::{Findings, Terms, View};
use super::{
    Cloud, Error, acts, explain as explaining, identities as identity, report, roster, status,
};
use crate::admin::Refusal;
use crate::admin::Rows;
use crate::admin::report::act::{Act, Done, Format};
use crate::admin::report::explanation::{ExplainQuery, Explanation};
use crate::admin::report::identity::{IdentityRow, LocalSettings};
use crate::admin::report::pass::{PassSummary, SyncEvent, SyncOrder};
use crate::admin::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use crate::admin::report::status::Status;
use crate::config::Config;
use crate::sync::Unfinished;

/// How things stood when the store was last written; nothing is changed.
pub async fn status(config: &Config) -> Result<Status, Error> {
    let view = view(config).await?;
    // Nothing is asked: only what is known beforehand, such as who signed in and what ends soon.
    let cloud = Cloud::with_store_untouched(config).await?;
    Ok(status::status(config, &view, None, &cloud.tokens.states()))
}

/// Every person, group or former object that a name may mean; nothing is changed.
pub async fn explain(config: &Config, query: &ExplainQuery) -> Result<Vec<Explanation>, Error> {
    let view = view(config).await?;
    Ok(explaining::explain(&view, query).map_err(Refusal::from)?)
}

/// The people of the tenant; nothing is changed.
pub async fn people(config: &Config, query: &PersonQuery) -> Result<Rows<PersonRow>, Error> {
    let view = view(config).await?;
    Ok(roster::people(&view, query).map_err(Refusal::from)?)
}

/// The groups of the tenant; nothing is changed.
pub async fn groups(config: &Config, query: &GroupQuery) -> Result<Rows<GroupRow>, Error> {
    let view = view(config).await?;
    Ok(roster::groups(&view, query))
}

/// Every name and number ever handed out; nothing is changed.
pub async fn identities(config: &Config) -> Result<Rows<IdentityRow>, Error> {
    let view = view(config).await?;
    Ok(identity::rows(&view))
}

/// What is set here for one person; nothing is changed.
pub async fn local_settings(config: &Config, user: &str) -> Result<LocalSettings, Error> {
    let view = view(config).await?;
    Ok(identity::local_settings(&view, user).map_err(Refusal::from)?)
}

/// Everything that is set here, as the text of a file; nothing is changed.
pub async fn export(config: &Config, format: Format) -> Result<String, Error> {
    let view = view(config).await?;
    Ok(identity::export(&view, format))
}

/// Does what an administrator orders.
pub async fn act(config: &Config, act: Act) -> Result<Done, Error> {
    let keeper = open(config).await?;
    let what = act.to_string();
    let done = acts::perform(&keeper, &Arc::new(Terms::of(config)), act).await?;
    log(&what, &done.changed.join("; "));
    Ok(done)
}

/// Lets everything pass that is held back now.
async fn accept(keeper: &Keeper) -> Result<Acceptance, Error> {
    let accepted = acts::accept(keeper).await?;
    log(
        "sync --accept",
        &format!("{} held changes pass from now on", accepted.objects),
    );
    Ok(accepted)
}

/// An administrator's act for the audit trail; the command line is who asked.
fn log(what: &str, outcome: &str) {
    // /proc/self belongs to whoever runs the process (proc(5)).
    let uid = fs::metadata("/proc/self").map(|own| own.uid()).ok();
    info!(target: "audit", uid, "{what}: {outcome}");
}

/// One pass, now; with [`SyncOrder::accept`], everything passes first that is held back.
pub async fn sync(
    config: &Config,
    order: SyncOrder,
    progress: impl Fn(SyncEvent),
) -> Result<PassSummary, Error> {
    let keeper = Arc::new(open(config).await?);
    let accepted = match order.accept {
        true => Some(accept(&keeper).await?),
        false => None,
    };
    if let Some(Acceptance { objects, .. }) = accepted {
        progress(SyncEvent::Accepted { objects });
    }
    let cloud = Cloud::with_vault(config, &keeper).await?;
    let mut summary = run_pass(
        &cloud.graph,
        &keeper,
        &config.sync,
        &config.registry,
        order.full,
        &mut Unfinished::default(),
        progress,
    )
    .await;
    if let Some(accepted) = accepted {
        accepted.note(&mut summary);
    }
    Ok(report::pass_summary(&summary))
}

/// What a pass would change, the summary last; nothing is changed.
pub async fn dry_run(
    config: &Config,
    full: bool,
    progress: impl Fn(SyncEvent),
) -> Result<Rows<SyncEvent>, Error> {
    let view = view(config).await?;
    let cloud = Cloud::with_store_untouched(config).await?;
    let run = DryRun {
        client: cloud.graph,
        state: view.state,
        settings: config.sync.clone(),
        policy: config.registry.clone(),
        full,
    };
    let outcome: Outcome = run.read(progress).await;
    Ok(Box::new(outcome.events()))
}

/// The store as if a daemon served from it.
async fn open(config: &Config) -> Result<Keeper, Error> {
    Ok(Keeper::open(config, Arc::new(ArcSwapOption::empty())).await?)
}

/// What the store holds, under the rules as they are configured now.
async fn view(config: &Config) -> Result<View, Error> {
    let (state, settled) = Keeper::peek(config).await?.unwrap_or_default();
    Ok(View {
        state: Arc::new(state),
        terms: Arc::new(Terms::of(config)),
        findings: Arc::new(Findings::of(settled)),
    })
}
