//! `ldap365 user …`: what is set here for single people, beside what the tenant says.

use std::path::PathBuf;

use clap::Subcommand;

use super::output::Output;
use super::settings_file::{self, FormatName};
use super::{Error, act};
use crate::admin::client::{self, Client};
use crate::admin::report::act::Act;
use crate::app::offline;
use crate::config::Config;

/// What to do with the local settings. The comments are the help texts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is set here for a person
    Show {
        /// Object id, user principal name, mail address or username
        user: String,
    },

    /// Set the login shell of a person
    SetShell {
        /// Object id, user principal name, mail address or username
        user: String,
        /// An absolute path, as in /bin/zsh; with --clear, none
        #[arg(required_unless_present = "clear", conflicts_with = "clear")]
        shell: Option<String>,
        /// Leave the shell to the tenant and the configuration again
        #[arg(long)]
        clear: bool,
    },

    /// Add an SSH public key, beside those of the tenant
    AddKey {
        /// Object id, user principal name, mail address or username
        user: String,
        /// The line of the .pub file, in quotes; - reads it from standard input
        key: String,
    },

    /// Remove an SSH public key that was added here
    RemoveKey {
        /// Object id, user principal name, mail address or username
        user: String,
        /// The line, the key without its comment, or the comment
        key: String,
    },

    /// Write everything that is set here as CSV or JSON
    Export {
        /// Where to; standard output when left out or -
        file: Option<PathBuf>,
        /// Instead of what the file's name says; CSV for standard output
        #[arg(long, value_enum)]
        format: Option<FormatName>,
    },

    /// Take settings over from CSV or JSON, as `export` writes them
    ///
    /// All of the file, or nothing when a line of it is wrong. People and groups that are not in the tenant yet are
    /// remembered until they come.
    Import {
        /// The file; - reads standard input
        file: PathBuf,
        /// Instead of what the file's name says; CSV for standard input
        #[arg(long, value_enum)]
        format: Option<FormatName>,
    },
}

/// Shows or changes what is set here.
pub(super) async fn run(
    config: &Config,
    command: &Command,
    output: &mut Output,
) -> Result<(), Error> {
    let act = match command {
        Command::Show { user } => return show(config, user, output).await,
        Command::Export { file, format } => {
            return settings_file::export(config, file.as_deref(), *format, output).await;
        }
        Command::Import { file, format } => settings_file::import(file, *format)?,
        Command::SetShell { user, shell, .. } => Act::SetShell {
            user: user.clone(),
            shell: shell.clone(),
        },
        Command::AddKey { user, key } => Act::AddKey {
            user: user.clone(),
            key: match key.as_str() {
                "-" => settings_file::read("-".as_ref())?,
                key => key.to_owned(),
            },
        },
        Command::RemoveKey { user, key } => Act::RemoveKey {
            user: user.clone(),
            key: key.clone(),
        },
    };
    act::run(config, act, output).await
}

async fn show(config: &Config, user: &str, output: &mut Output) -> Result<(), Error> {
    let answer = Client::new(&config.admin.socket).local_settings(user).await;
    let settings = match answer {
        Err(client::Error::NoDaemon { .. }) => offline::local_settings(config, user).await?,
        answer => answer?,
    };
    output.show(&settings, &settings)
}
