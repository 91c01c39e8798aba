//! The daemon as the admin socket sees it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::debug;

use super::authorization;
use super::check::credential::{check_credential, unusable};
use super::keeper::Keeper;
use super::status::status;
use super::syncer::{Board, DryRun};
use super::view::{Terms, View};
use super::{acts, explain, identities, roster};
use crate::admin::finding::Finding;
use crate::admin::report::act::{Act, Done, Format};
use crate::admin::report::explanation::{ExplainQuery, Explanation};
use crate::admin::report::identity::{IdentityRow, LocalSettings};
use crate::admin::report::pass::{SyncEvent, SyncOrder};
use crate::admin::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use crate::admin::report::status::{Readiness, Status};
use crate::admin::{AuthorizeError, Daemon, Refusal, Rows};
use crate::config::Config;
use crate::graph::GraphClient;
use crate::oauth::{Authorization, TokenSource};

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
            findings: self.keeper.findings(),
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
            ..status(&self.config, &view, Some(&news), &self.tokens.states())
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
        acts::perform(&self.keeper, &self.terms, act).await
    }

    async fn sync(&self, order: SyncOrder) -> Result<mpsc::Receiver<SyncEvent>, Refusal> {
        if order.dry_run {
            return Ok(self.dry_run(order.full));
        }
        let accepted = match order.accept {
            true => Some(acts::accept(&self.keeper).await?),
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
        let authorized = self.tokens.authorize(&known.name, authorization).await;
        match authorized.map_err(|error| AuthorizeError::NotStored(error.to_string()))? {
            true => Ok(()),
            false => Err(AuthorizeError::Unknown {
                name: credential.to_owned(),
            }),
        }
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
