//! The daemon as the admin socket sees it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::explain::explain;
use super::keeper::Keeper;
use super::report::refused_property;
use super::syncer::{Board, News};
use crate::admin::Daemon;
use crate::admin::report::{
    CredentialReport, Explanation, Health, PhaseReport, Readiness, Status, SyncEvent,
};
use crate::directory::{Decision, PhaseProgress, State};
use crate::oauth::{CredentialState, Standing, TokenSource};

use crate::sync::{self, Rules, Settled};

/// A daemon that is running.
pub(crate) struct RunningDaemon {
    pub tenant: String,
    pub since: Timestamp,
    pub keeper: Arc<Keeper>,
    pub tokens: Arc<TokenSource>,
    pub board: Arc<Board>,
    pub rules: Rules,
}

impl Daemon for RunningDaemon {
    fn status(&self) -> Status {
        let state = self.keeper.state();
        let news = self.board.news();
        Status {
            since: Some(self.since),
            ..status(
                &self.tenant,
                &state,
                &news.settled,
                Some(&news),
                &self.tokens.states(),
            )
        }
    }

    fn explain(&self, user: &str) -> Vec<Explanation> {
        explain(
            &self.keeper.state().directory,
            self.rules.nested_groups,
            user,
        )
    }

    fn sync(&self, full: bool) -> mpsc::Receiver<SyncEvent> {
        self.board.order(full)
    }

    fn readiness(&self) -> Readiness {
        match self.keeper.is_serving() {
            true => Readiness::ready(),
            false => Readiness::not_ready("the directory has not been read from the tenant yet"),
        }
    }
}

/// A status from the state and, in a running daemon, from the board; such a daemon sets `since`.
pub(crate) fn status(
    tenant: &str,
    state: &State,
    settled: &Settled,
    news: Option<&News>,
    credentials: &[CredentialState],
) -> Status {
    let decisions = &state.directory.decisions;
    let included = |decision: &&Decision| decision.is_include();
    let people_active = decisions.users.values().filter(included).count();
    let groups_imported = decisions.groups.values().filter(included).count();
    let last = news.and_then(|news| news.last.as_ref());
    let [users_failure, groups_failure] = news.map_or([None, None], |news| news.failures.clone());
    let users_changes = last.map_or(0, |p| p.users.added + p.users.changed + p.users.removed);
    let groups_changes = last.map_or(0, |p| p.groups.added + p.groups.changed + p.groups.removed);
    let phase = |progress: &PhaseProgress, objects, changes, failure| PhaseReport {
        completed: progress.completed,
        enumerated: progress.enumerated,
        objects,
        changes,
        failure,
    };
    let (health, problems) = health(state, settled, news);
    Status {
        version: env!("CARGO_PKG_VERSION").to_string(),
        tenant: tenant.to_string(),
        since: None,
        state: health,
        problems,
        users: phase(
            &state.progress.users,
            state.directory.users.len(),
            users_changes,
            users_failure,
        ),
        groups: phase(
            &state.progress.groups,
            state.directory.groups.len(),
            groups_changes,
            groups_failure,
        ),
        next_pass: news.and_then(|news| news.next_pass),
        people_active,
        people_inactive: state.directory.users.len() - people_active,
        groups_imported,
        groups_not_imported: state.directory.groups.len() - groups_imported,
        credentials: credentials.iter().map(credential).collect(),
    }
}

/// The worst news there is, and all of it in sentences.
fn health(state: &State, settled: &Settled, news: Option<&News>) -> (Health, Vec<String>) {
    let mut failures: Vec<String> = news
        .map(|news| news.failures.iter().flatten().cloned().collect())
        .unwrap_or_default();
    if !sync::is_servable(state) {
        failures.push(
            "there is no directory to serve yet: searches are answered `unavailable`".to_owned(),
        );
    }
    let rules = settled.problems.iter().map(ToString::to_string);
    let warnings = settled.warnings.iter().map(ToString::to_string);
    let left_out = news.map_or(&[][..], |news| &news.left_out);
    let left_out = left_out.iter().map(|property| refused_property(property));
    let held = settled.held.sentences();
    let problems: Vec<String> = held.chain(rules).chain(warnings).chain(left_out).collect();
    let health = match (failures.is_empty(), problems.is_empty()) {
        (false, _) => Health::Failing,
        (true, false) => Health::Degraded,
        (true, true) => Health::Ok,
    };
    (health, failures.into_iter().chain(problems).collect())
}

fn credential(state: &CredentialState) -> CredentialReport {
    CredentialReport {
        name: state.name.clone(),
        accepted: state.since.filter(|_| state.standing == Standing::Working),
        failure: state.failure.as_ref().map(ToString::to_string),
    }
}
