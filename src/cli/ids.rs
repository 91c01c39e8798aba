//! `ldap365 ids …`: names and numbers ever handed out.

use std::path::PathBuf;

use clap::Subcommand;

use super::output::Output;
use super::roster::list;
use super::settings_file::{self, FormatName};
use super::table::cell;
use super::{Error, act};
use crate::admin::client::Client;
use crate::admin::report::act::Act;
use crate::admin::report::identity::IdentityRow;
use crate::app::offline;
use crate::config::Config;

/// What to do with names and numbers. The comments are the help texts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every name and number ever handed out, those of deleted people and groups included
    List,

    /// Give a person or group the number that an override or a mapped attribute asks for
    ///
    /// Files keep the old number: change their owner on every host. The old number is not given to anybody else.
    Adopt {
        /// Object id, user principal name, mail address or username
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        user: Option<String>,
        /// Everybody who asks for another number than they have
        #[arg(long)]
        all: bool,
    },

    /// Take numbers over from another directory, before the first sync or after
    ///
    /// As `ldap365 user import`. Numbers of people who are registered already count after `ids adopt`.
    Import {
        /// The file; - reads standard input
        file: PathBuf,
        /// Instead of what the file's name says; CSV for standard input
        #[arg(long, value_enum)]
        format: Option<FormatName>,
    },

    /// Write everything that is set here as CSV or JSON, as `ldap365 user export` does
    Export {
        /// Where to; standard output when left out or -
        file: Option<PathBuf>,
        /// Instead of what the file's name says; CSV for standard output
        #[arg(long, value_enum)]
        format: Option<FormatName>,
    },
}

/// Lists or changes names and numbers.
pub(super) async fn run(
    config: &Config,
    command: &Command,
    output: &mut Output,
) -> Result<(), Error> {
    match command {
        Command::List => {
            let answer = Client::new(&config.admin.socket).identities().await;
            let heading = ["number", "kind", "name", "object id", "home", "remarks"];
            list(answer, || offline::identities(config), heading, row, output).await
        }
        Command::Adopt { user, .. } => {
            let act = Act::AdoptNumber { whom: user.clone() };
            act::run(config, act, output).await
        }
        Command::Import { file, format } => {
            let act = settings_file::import(file, *format)?;
            act::run(config, act, output).await
        }
        Command::Export { file, format } => {
            settings_file::export(config, file.as_deref(), *format, output).await
        }
    }
}

fn row(row: &IdentityRow) -> [String; 6] {
    let mut remarks = Vec::new();
    if let Some(deleted) = row.deleted {
        remarks.push(format!("deleted {}", deleted.strftime("%Y-%m-%d")));
    }
    if !row.former_names.is_empty() {
        remarks.push(format!("before: {}", row.former_names.join(", ")));
    }
    if let Some(wanted) = row.wanted_number {
        remarks.push(format!("asks for {wanted}"));
    }
    [
        row.number.to_string(),
        row.kind.to_string(),
        cell(row.name.as_deref()),
        row.object_id.to_string(),
        cell(row.home.as_deref()),
        remarks.join("; "),
    ]
}
