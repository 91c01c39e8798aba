//! How the daemon is doing, put together from the state, the last pass and the credentials.

use super::explain;
use super::report::{self, refused_property};
use super::roster;
use super::syncer::News;
use super::view::View;
use crate::admin::report::status::{
    AuthorizedByReport, CredentialReport, FailureReport, Health, PhaseReport, Pin, Status,
};
use crate::config::Config;
use crate::directory::{Decision, PhaseProgress};
use crate::oauth::{Credential, CredentialFailure, CredentialState, Standing};
use crate::store;
use crate::sync;

/// A status from the state and, in a running daemon, from the board; such a daemon sets `since`.
pub(crate) fn status(
    config: &Config,
    view: &View,
    news: Option<&News>,
    credentials: &[CredentialState],
) -> Status {
    let state = &view.state;
    let directory = &state.directory;
    let decisions = &directory.decisions;
    let included = |decision: &&Decision| decision.is_include();
    let people_active = decisions.users.values().filter(included).count();
    let groups_imported = decisions.groups.values().filter(included).count();
    let last = news.and_then(|news| news.last.as_ref());
    let [users_failure, groups_failure] = news.map_or([None, None], |news| news.failures.clone());
    let [users_retrying, groups_retrying] = news.map_or([None, None], |news| news.waiting.clone());
    let users_changes = last.map_or(0, |p| p.users.added + p.users.changed + p.users.removed);
    let groups_changes = last.map_or(0, |p| p.groups.added + p.groups.changed + p.groups.removed);
    let phase = |progress: &PhaseProgress, objects, changes| PhaseReport {
        completed: progress.completed,
        enumerated: progress.enumerated,
        objects,
        changes,
        ..PhaseReport::default()
    };
    let progress = &state.progress;
    let (health, problems) = health(config, view, news, credentials);
    Status {
        version: env!("CARGO_PKG_VERSION").to_string(),
        tenant: config.oauth.tenant.clone(),
        since: None,
        state: health,
        problems,
        users: PhaseReport {
            failure: users_failure,
            retrying: users_retrying,
            ..phase(&progress.users, directory.users.len(), users_changes)
        },
        groups: PhaseReport {
            failure: groups_failure,
            retrying: groups_retrying,
            ..phase(&progress.groups, directory.groups.len(), groups_changes)
        },
        next_pass: news.and_then(|news| news.next_pass),
        people_active,
        people_inactive: directory.users.len() - people_active,
        groups_imported,
        groups_not_imported: directory.groups.len() - groups_imported,
        people_withheld: directory.withheld.users.len(),
        groups_withheld: directory.withheld.groups.len(),
        flawed: view.findings.flawed(|| roster::flawed(view)),
        pins: directory
            .pins
            .iter()
            .map(|(rule, &group)| Pin {
                rule: rule.clone(),
                group: explain::reference(directory, group),
            })
            .collect(),
        credentials: credentials.iter().map(credential).collect(),
    }
}

/// The worst news there is, and all of it in sentences.
fn health(
    config: &Config,
    view: &View,
    news: Option<&News>,
    credentials: &[CredentialState],
) -> (Health, Vec<String>) {
    let directory = &view.state.directory;
    let mut failures: Vec<String> = news
        .map(|news| news.failures.iter().flatten().cloned().collect())
        .unwrap_or_default();
    if !sync::is_servable(&view.state) {
        failures.push(
            "there is no directory to serve yet: searches are answered `unavailable`".to_owned(),
        );
    }
    let settled = &view.findings.settled;
    let mut problems = settled.held.sentences().collect::<Vec<_>>();
    problems.extend(settled.problems.iter().map(ToString::to_string));
    problems.extend(settled.warnings.iter().map(ToString::to_string));
    if sync::is_complete(&view.state) {
        let primary_group = config.dit.primary_group.problem(directory);
        problems.extend(primary_group.map(|problem| problem.to_string()));
    }
    problems.extend(report::shortened(&settled.registrations, report::NAMED_MAX));
    let left_out = news.map_or(&[][..], |news| &news.left_out);
    problems.extend(left_out.iter().map(|property| refused_property(property)));
    problems.extend(vault_problem(config));
    problems.extend(credentials.iter().flat_map(credential_problems));
    for (phase, waiting) in ["users", "groups"]
        .iter()
        .zip(news.map_or(&[None, None], |news| &news.waiting))
    {
        problems.extend(
            waiting
                .iter()
                .map(|reason| format!("{phase}: retrying: {reason}")),
        );
    }
    let health = match (failures.is_empty(), problems.is_empty()) {
        (false, _) => Health::Failing,
        (true, false) => Health::Degraded,
        (true, true) => Health::Ok,
    };
    (health, failures.into_iter().chain(problems).collect())
}

/// Without the key of the vault a credential looks as if nobody had ever signed in for it.
fn vault_problem(config: &Config) -> Option<String> {
    let mut credentials = config.credentials.iter();
    let needs_vault = credentials.any(Credential::is_delegated);
    let checked = needs_vault.then(|| store::check_vault_key(&config.data_dir));
    Some(checked?.err()?.to_string())
}

/// What an administrator has to do about a credential. An outage is the phase's to tell.
fn credential_problems(state: &CredentialState) -> Vec<String> {
    let name = &state.name;
    let refused = matches!(state.standing, Standing::Failing | Standing::NotAuthorized);
    let failure = state.failure.as_ref().filter(|_| refused);
    let failure = failure.map(|failure| format!("credential {name}: {failure}"));
    let notices = state.notices.iter();
    let notices = notices.map(|notice| format!("credential {name}: {notice}"));
    failure.into_iter().chain(notices).collect()
}

fn credential(state: &CredentialState) -> CredentialReport {
    let failure = |failure: &CredentialFailure| FailureReport {
        class: failure.fault.name().to_owned(),
        reason: failure.reason.clone(),
        advice: failure.advice.clone(),
        correlation_id: failure.correlation_id.clone(),
    };
    CredentialReport {
        name: state.name.clone(),
        kind: state.kind.to_owned(),
        standing: state.standing.name().to_owned(),
        since: state.since,
        in_use: state.in_use,
        failure: state.failure.as_ref().map(failure),
        authorized_by: state.authorized_by.as_ref().map(|who| AuthorizedByReport {
            object_id: who.oid,
            name: who.preferred_username.clone(),
            authorized: who.authorized,
            renewed: who.refreshed,
            scopes: who.scopes.clone(),
        }),
        notices: state.notices.iter().map(ToString::to_string).collect(),
    }
}
