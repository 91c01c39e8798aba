//! Every group of the tenant, and whether hosts see it.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::admin::client::{self, Client};
use crate::admin::report::roster::GroupQuery;
use crate::app::explain::group_reason;
use crate::app::keeper::Keeper;
use crate::app::{Cloud, Error, authorization, report};
use crate::config::Config;
use crate::directory::{Directory, Group, GroupId};
use crate::oauth::KeepNothing;
use crate::sync::{self, Order, Unfinished};

/// Why the groups cannot be told. The administrator must act.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The running daemon did not tell them.
    #[error(transparent)]
    Daemon(#[from] client::Error),
    /// The store or the way to Microsoft.
    #[error(transparent)]
    Own(#[from] Error),
}

/// Every group, by name, as a pass would leave it now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFates {
    /// One for each group of the tenant.
    pub groups: Vec<GroupFate>,
    /// What keeps the list from being what a pass would do, one sentence each.
    pub problems: Vec<String>,
    /// Why the tenant could not be read, one sentence each; the list is then of no worth.
    pub failures: Vec<String>,
}

/// A group of the tenant, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupFate {
    /// `displayName`, or what stands in for it.
    pub name: String,
    /// The object id.
    pub object_id: Uuid,
    /// `microsoft365`, `security`, `mail-security` or `distribution`.
    pub kind: String,
    /// Why it is not imported; `None` when it is.
    pub not_imported: Option<String>,
}

/// Every group as the running daemon has it, or as a pass would leave it now when no daemon runs.
pub async fn read(config: &Config) -> Result<GroupFates, Unread> {
    match of_daemon(&Client::new(&config.admin.socket)).await {
        Err(client::Error::NoDaemon { .. }) => Ok(of_tenant(config).await?),
        answer => Ok(answer?),
    }
}

/// What the daemon learnt at its last pass, with what stands against that in its status.
async fn of_daemon(daemon: &Client) -> Result<GroupFates, client::Error> {
    let status = daemon.status().await?;
    let mut rows = daemon.groups(&GroupQuery::default()).await?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next().await? {
        groups.push(GroupFate {
            name: row
                .display_name
                .unwrap_or_else(|| row.object_id.to_string()),
            object_id: row.object_id,
            kind: row.kind,
            not_imported: (!row.is_imported).then_some(row.reason),
        });
    }
    groups.sort();
    Ok(GroupFates {
        groups,
        problems: status.problems,
        failures: status.groups.failure.into_iter().collect(),
    })
}

/// Reads the whole tenant, and applies the rules to it without writing anything down.
async fn of_tenant(config: &Config) -> Result<GroupFates, Error> {
    let mut problems = Vec::new();
    let before = Keeper::peek(config).await?.unwrap_or_default().0;
    let mut authorizations = authorization::Authorizations::new();
    for credential in authorization::delegated(config) {
        match authorization::find_offline(config, &credential.name).await {
            Ok(Some(found)) => {
                authorizations.insert(credential.name.clone(), found);
            }
            Ok(None) => {}
            Err(error) => problems.push(format!("credential {}: {error}", credential.name)),
        }
    }
    let credentials = config.credentials.clone();
    let cloud = Cloud::new(config, credentials, authorizations, Box::new(KeepNothing))?;
    let mut after = None;
    let summary = sync::pass(
        &cloud.graph,
        Arc::new(before),
        Order {
            settings: &config.sync,
            policy: &config.registry,
            full: true,
            named_max: 0,
        },
        &mut Unfinished::default(),
        |_| {},
        |state| {
            let state = Arc::new(state);
            after = Some(state.clone());
            async move { Ok::<_, Infallible>(state) }
        },
    )
    .await;
    let done = report::pass_summary(&summary);
    problems.extend(done.problems);
    Ok(GroupFates {
        groups: after.map_or_else(Vec::new, |state| fates(&state.directory)),
        problems,
        failures: done.failures,
    })
}

/// The groups of a directory, by name and then by id.
fn fates(directory: &Directory) -> Vec<GroupFate> {
    let groups = directory.groups.iter();
    let mut fates: Vec<GroupFate> = groups
        .map(|(&id, group)| fate(directory, id, group))
        .collect();
    fates.sort();
    fates
}

fn fate(directory: &Directory, id: GroupId, group: &Group) -> GroupFate {
    GroupFate {
        name: group.label().to_owned(),
        object_id: id.0.0,
        kind: group.kind().as_str().to_owned(),
        not_imported: (!directory.decisions.is_imported(id)).then(|| group_reason(directory, id)),
    }
}

impl fmt::Display for GroupFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = self.not_imported.as_deref().unwrap_or("imported");
        write!(
            f,
            "{} ({}, {}): {fate}",
            self.name, self.kind, self.object_id
        )
    }
}

impl fmt::Display for GroupFates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            writeln!(f, "{group}")?;
        }
        let imported = self.groups.iter();
        let imported = imported.filter(|group| group.not_imported.is_none());
        write!(
            f,
            "{} of {} groups are imported",
            imported.count(),
            self.groups.len()
        )?;
        for problem in &self.problems {
            write!(f, "\nwarning: {problem}")?;
        }
        for failure in &self.failures {
            write!(f, "\nfailed: {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::decision::Grounds;
    use crate::directory::{Decision, ObjectId, Reason};

    #[test]
    fn every_group_stands_in_the_list_by_name_with_its_fate() {
        let mut directory = Directory::default();
        for number in (0..5_000_u128).rev() {
            let id = GroupId(ObjectId(Uuid::from_u128(number)));
            let group = Group {
                display_name: Some(format!("group {number:04}")),
                ..Group::default()
            };
            directory.groups.insert(id, Arc::new(group));
            let decision = match number {
                0 => Decision::Include(Grounds::Default),
                _ => Decision::Exclude(Reason::NoMail),
            };
            directory.decisions.groups.insert(id, decision);
        }
        let listing = GroupFates {
            groups: fates(&directory),
            problems: Vec::new(),
            failures: Vec::new(),
        };
        let text = listing.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5_001);
        let first = "group 0000 (security, 00000000-0000-0000-0000-000000000000): imported";
        assert_eq!(lines[0], first);
        assert!(lines[4_999].starts_with("group 4999 "), "{}", lines[4_999]);
        assert!(lines[4_999].ends_with("sync.groups_without_email is false"));
        assert_eq!(lines[5_000], "1 of 5000 groups are imported");
    }
}
