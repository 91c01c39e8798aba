//! The daemon as the admin socket sees it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::debug;

use super::authorization;
use super::check::credential::{check_credential, unusable};
use super::keeper::Keeper;
use super::report::refused_property;
use super::syncer::{Board, DryRun, News};
use super::view::{Terms, View};
use super::{acts, explain, identities, roster};
use crate::admin::finding::Finding;
use crate::admin::report::act::{Act, Done, Format};
use crate::admin::report::explanation::{ExplainQuery, Explanation};
use crate::admin::report::identity::{IdentityRow, LocalSettings};
use crate::admin::report::pass::{SyncEvent, SyncOrder};
use crate::admin::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use crate::admin::report::status::{CredentialReport, Health, PhaseReport, Pin, Readiness, Status};
use crate::admin::{AuthorizeError, Daemon, Refusal, Rows};
use crate::config::Config;
use crate::directory::{Decision, PhaseProgress};
use crate::graph::GraphClient;
use crate::oauth::{Authorization, CredentialState, Standing, TokenSource};
use crate::sync::{self, Settled};

/// Events of a dry run that are made before they are read.
const EVENTS_MAX: usize = 256;

/// A daemon that is running.
pub(crate) struct RunningDaemon {
    pub since: Timestamp,
    pub keeper: Arc<Keeper>,
    pub tokens: Arc<TokenSource>,
    pub board: Arc<Board>,
    pub terms: Arc<Terms>,
    pub client: GraphClient,
    pub config: Config,
}

impl RunningDaemon {
    fn view(&self) -> View {
        View {
            state: self.keeper.state(),
            terms: self.terms.clone(),
        }
    }

    /// Reads what a pass would read, and tells the plan line by line; ends when nobody listens any more.
    fn dry_run(&self, full: bool) -> mpsc::Receiver<SyncEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let run = DryRun {
            client: self.client.clone(),
            state: self.keeper.state(),
            settings: self.config.sync.clone(),
            policy: self.terms.policy.clone(),
            full,
        };
        tokio::spawn(async move {
            let progress = |event| {
                // A full channel means that nobody watches the progress closely.
                let _ = sender.try_send(event);
            };
            let outcome = tokio::select! {
                outcome = run.read(progress) => outcome,
                () = sender.closed() => return,
            };
            for event in outcome.events() {
                if sender.send(event).await.is_err() {
                    debug!("the plan of a dry run was not read to its end");
                    return;
                }
            }
        });
        receiver
    }
}

impl Daemon for RunningDaemon {
    fn status(&self) -> Status {
        let view = self.view();
        let news = self.board.news().clone();
        Status {
            since: Some(self.since),
            ..status(
                &self.config.oauth.tenant,
                &view,
                &news.settled,
                Some(&news),
                &self.tokens.states(),
            )
        }
    }

    fn explain(&self, query: &ExplainQuery) -> Result<Vec<Explanation>, Refusal> {
        explain::explain(&self.view(), query).map_err(Refusal::from)
    }

    fn people(&self, query: &PersonQuery) -> Result<Rows<PersonRow>, Refusal> {
        roster::people(&self.view(), query).map_err(Refusal::from)
    }

    fn groups(&self, query: &GroupQuery) -> Result<Rows<GroupRow>, Refusal> {
        Ok(roster::groups(&self.view(), query))
    }

    fn identities(&self) -> Rows<IdentityRow> {
        identities::rows(&self.view())
    }

    fn local_settings(&self, user: &str) -> Result<LocalSettings, Refusal> {
        identities::local_settings(&self.view(), user).map_err(Refusal::from)
    }

    fn export(&self, format: Format) -> Result<String, Refusal> {
        Ok(identities::export(&self.view(), format))
    }

    async fn act(&self, act: Act) -> Result<Done, Refusal> {
        let performed = acts::perform(&self.keeper, &self.terms, act).await?;
        self.board.news().settled = performed.settled;
        Ok(performed.told)
    }

    async fn sync(&self, order: SyncOrder) -> Result<mpsc::Receiver<SyncEvent>, Refusal> {
        if order.dry_run {
            return Ok(self.dry_run(order.full));
        }
        let accepted = match order.accept {
            true => {
                let accepted = acts::accept(&self.keeper).await?;
                self.board.news().settled = accepted.settled;
                Some(SyncEvent::Accepted {
                    objects: accepted.told,
                })
            }
            false => None,
        };
        Ok(self.board.order(order.full, accepted))
    }

    async fn authorize(&self, credential: &str, bytes: &[u8]) -> Result<(), AuthorizeError> {
        let authorization =
            Authorization::from_bytes(bytes).map_err(|_| AuthorizeError::Unreadable)?;
        let known = authorization::delegated(&self.config)
            .find(|known| known.name == credential && known.client_id == authorization.client_id);
        let Some(known) = known else {
            return Err(AuthorizeError::Unknown {
                name: credential.to_owned(),
            });
        };
        // Durable first: an authorisation that is in use and then forgotten would surprise at the next start.
        authorization::keep(&self.keeper, &known.name, &authorization)
            .await
            .map_err(|error| AuthorizeError::NotStored(error.to_string()))?;
        self.tokens.authorize(&known.name, authorization).await;
        Ok(())
    }

    async fn check_credential(&self, credential: &str) -> Option<Vec<Finding>> {
        let mut known = authorization::delegated(&self.config);
        let known = known.find(|known| known.name == credential)?;
        let findings = match authorization::find(&self.keeper, credential).await {
            Ok(authorization) => check_credential(&self.config, known, authorization).await,
            Err(error) => vec![unusable(known, &error)],
        };
        Some(findings)
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
    view: &View,
    settled: &Settled,
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
    let users_changes = last.map_or(0, |p| p.users.added + p.users.changed + p.users.removed);
    let groups_changes = last.map_or(0, |p| p.groups.added + p.groups.changed + p.groups.removed);
    let phase = |progress: &PhaseProgress, objects, changes, failure| PhaseReport {
        completed: progress.completed,
        enumerated: progress.enumerated,
        objects,
        changes,
        failure,
    };
    let (health, problems) = health(view, settled, news);
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
        people_withheld: directory.withheld.users.len(),
        groups_withheld: directory.withheld.groups.len(),
        flawed: roster::flawed(view),
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
fn health(view: &View, settled: &Settled, news: Option<&News>) -> (Health, Vec<String>) {
    let mut failures: Vec<String> = news
        .map(|news| news.failures.iter().flatten().cloned().collect())
        .unwrap_or_default();
    if !sync::is_servable(&view.state) {
        failures.push(
            "there is no directory to serve yet: searches are answered `unavailable`".to_owned(),
        );
    }
    let rules = settled.problems.iter().map(ToString::to_string);
    let warnings = settled.warnings.iter().map(ToString::to_string);
    let left_out = news.map_or(&[][..], |news| &news.left_out);
    let left_out = left_out.iter().map(|property| refused_property(property));
    let held = settled.held.sentences();
    let registrations = settled.registrations.iter().map(ToString::to_string);
    let sentences = held.chain(rules).chain(warnings).chain(registrations);
    let problems: Vec<String> = sentences.chain(left_out).collect();
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
