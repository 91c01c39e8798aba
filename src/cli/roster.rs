//! `ldap365 users` and `ldap365 groups`

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::output::Output;
use super::table::{Table, cell};
use crate::admin::client::{self, Client, Lines};
use crate::admin::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use crate::app::{self, offline};
use crate::config::Config;

/// Which people.
#[derive(Debug, Args)]
pub struct Users {
    /// Part of a username, user principal name, display name, mail address or object id
    filter: Option<String>,
    /// Only people who can be found and can bind
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Only people who cannot
    #[arg(long)]
    inactive: bool,
    /// Only members of this group: display name, mail address, cn or object id
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Which groups.
#[derive(Debug, Args)]
pub struct Groups {
    /// Part of a cn, display name, mail address or object id
    filter: Option<String>,
    /// Only groups that hosts see
    #[arg(long, conflicts_with = "not_imported")]
    imported: bool,
    /// Only groups that hosts do not see
    #[arg(long)]
    not_imported: bool,
    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lists people, each with state and reason.
pub(super) async fn users(
    config: &Config,
    asked: &Users,
    output: &mut Output,
) -> Result<(), Error> {
    let query = PersonQuery {
        filter: asked.filter.clone(),
        reason: asked.reason.clone(),
        is_active: either(asked.active, asked.inactive),
        group: asked.group.clone(),
    };
    let answer = Client::new(&config.admin.socket).people(&query).await;
    let heading = [
        "username",
        "uid",
        "state",
        "principal name",
        "name",
        "reason",
    ];
    list(
        answer,
        || offline::people(config, &query),
        heading,
        person,
        output,
    )
    .await
}

/// Lists groups, each with state and reason.
pub(super) async fn groups(
    config: &Config,
    asked: &Groups,
    output: &mut Output,
) -> Result<(), Error> {
    let query = GroupQuery {
        filter: asked.filter.clone(),
        reason: asked.reason.clone(),
        is_imported: either(asked.imported, asked.not_imported),
    };
    let answer = Client::new(&config.admin.socket).groups(&query).await;
    let heading = ["cn", "gid", "state", "kind", "members", "name", "reason"];
    list(
        answer,
        || offline::groups(config, &query),
        heading,
        group,
        output,
    )
    .await
}

/// Shows an answer of rows: from the daemon, or from the store when there is none. JSON goes out row by row; columns
/// are as wide as their widest cell, which is known at the end.
pub(super) async fn list<T, const N: usize, F, I>(
    answer: Result<Lines<T>, client::Error>,
    offline: impl FnOnce() -> F,
    heading: [&str; N],
    row: fn(&T) -> [String; N],
    output: &mut Output,
) -> Result<(), Error>
where
    T: DeserializeOwned + Serialize,
    F: Future<Output = Result<I, app::Error>>,
    I: Iterator<Item = T>,
{
    let mut table = Table::new(heading);
    let mut take = |item: T, output: &mut Output| match output.is_json() {
        true => output.show(&item, &""),
        false => {
            table.push(row(&item));
            Ok(())
        }
    };
    match answer {
        Err(client::Error::NoDaemon { .. }) => {
            for item in offline().await? {
                take(item, output)?;
            }
        }
        answer => {
            let mut lines = answer?;
            while let Some(item) = lines.next().await? {
                take(item, output)?;
            }
        }
    }
    match output.is_json() {
        true => Ok(()),
        false if table.is_empty() => output.show("", &"none"),
        false => table.lines().try_for_each(|line| output.show(&line, &line)),
    }
}

fn either(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

fn person(row: &PersonRow) -> [String; 6] {
    [
        cell(row.username.as_deref()),
        cell(row.uid_number),
        state(row.is_active, "active", "inactive"),
        cell(row.user_principal_name.as_deref()),
        cell(row.display_name.as_deref()),
        reasons(&row.reason, &row.flaws),
    ]
}

fn group(row: &GroupRow) -> [String; 7] {
    [
        cell(row.name.as_deref()),
        cell(row.gid_number),
        state(row.is_imported, "imported", "not imported"),
        row.kind.clone(),
        row.members.to_string(),
        cell(row.display_name.as_deref()),
        reasons(&row.reason, &row.flaws),
    ]
}

fn state(is_in: bool, yes: &str, no: &str) -> String {
    if is_in { yes } else { no }.to_owned()
}

fn reasons(reason: &str, flaws: &[String]) -> String {
    let all: Vec<&str> = std::iter::once(reason)
        .chain(flaws.iter().map(String::as_str))
        .collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::tests::{Program, start_program};
    use crate::cli::output::tests::in_memory;

    async fn shown(is_json: bool) -> String {
        let running = start_program(Program::default()).await;
        let answer = running.client().people(&PersonQuery::default()).await;
        let (mut output, results, _) = in_memory(is_json);
        let offline = async || Ok(Vec::new().into_iter());
        let heading = [
            "username",
            "uid",
            "state",
            "principal name",
            "name",
            "reason",
        ];
        list(answer, offline, heading, person, &mut output)
            .await
            .expect("answered");
        results.text()
    }

    #[tokio::test]
    async fn people_stand_in_columns_with_reason_and_flaws() {
        assert_eq!(
            shown(false).await,
            "username  uid   state   principal name     name  reason\n\
             ada       1000  active  ada/l@contoso.com  -     no rule speaks against it; renamed in vain\n"
        );
    }

    #[tokio::test]
    async fn an_empty_answer_says_so_instead_of_a_bare_heading() {
        let path = "/nowhere".into();
        let answer = Err(client::Error::NoDaemon { path });
        let (mut output, results, _) = in_memory(false);
        let offline = async || Ok(Vec::<PersonRow>::new().into_iter());
        list(answer, offline, ["username"; 6], person, &mut output)
            .await
            .expect("answered");
        assert_eq!(results.text(), "none\n");
    }

    #[tokio::test]
    async fn scripts_read_one_object_a_line() {
        let lines = shown(true).await;
        let row: PersonRow = serde_json::from_str(&lines).expect("one line");
        assert_eq!(row.username.as_deref(), Some("ada"));
    }
}
