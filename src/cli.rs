//! The command line: what can be asked for, and one file for each thing.
//!
//! [`run`] turns parsed [`Arguments`] into a result; `main` turns that into an exit status through [`failure`].
//! A running daemon owns the store, so the commands work through its admin socket.

mod act;
mod authorize;
mod check;
mod explain;
pub mod failure;
mod hash_password;
mod ids;
mod init;
pub mod logging;
mod output;
mod roster;
mod serve;
mod settings_file;
mod status;
mod sync;
mod table;
mod user;

use std::io;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use thiserror::Error;

use crate::admin;
use crate::admin::report::act::Act;
use crate::app;
use crate::config;
use output::Output;

/// An LDAP front to Office 365: syncs a tenant through Microsoft Graph and answers binds and searches.
#[derive(Debug, Parser)]
#[command(name = "ldap365", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/ldap365/ldap365.toml",
        env = "LDAP365_CONFIG",
        hide_env_values = true
    )]
    pub config: PathBuf,

    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,

    /// What is logged, and how.
    #[command(flatten)]
    pub logging: logging::Options,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the command can do. The comments are the help texts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: sync in the background, answer LDAP
    ///
    /// Serves what the store holds at once, and syncs behind that. Stops on SIGTERM or SIGINT, after the operations in
    /// hand.
    Serve,

    /// Try the configuration, credentials, permissions and certificate, and say what to do
    ///
    /// Changes nothing. Each line begins with ok, warning or FAILED.
    Check {
        /// Instead, read every group of the tenant, and say of each whether it is imported, or why not
        #[arg(long)]
        groups: bool,
    },

    /// Sign an administrator in for a credential of kind "delegated"
    ///
    /// Shows a code to type into a browser on any machine, and waits until that was done. The running daemon uses the
    /// new authorisation at once; without one it is stored, encrypted, until the daemon is started.
    Authorize(authorize::Options),

    /// Run a sync pass now, and show what it changed
    ///
    /// Progress goes to standard error, the summary to standard output. With --json each event is a line of standard
    /// output, and the summary is the last. Interrupting the command leaves the pass running. Changes that the
    /// mass-change guard holds back are named in the summary, and are no failure: the rest is committed.
    Sync(sync::Options),

    /// Show how the daemon is doing: the last passes, people, groups, credentials
    Status,

    /// Show why a person is active or a group imported, or not, and through which groups
    ///
    /// Also answers for people who were deleted or lost their name to somebody else.
    Explain {
        /// Object id, user principal name, mail address, display name or username; or a group's
        name: String,
        /// Look among the groups only
        #[arg(long)]
        group: bool,
    },

    /// List the people of the tenant, each with state and reason
    ///
    /// With --json each person is a line.
    Users(roster::Users),

    /// List the groups of the tenant, each with state and reason
    ///
    /// With --json each group is a line.
    Groups(roster::Groups),

    /// Resolve the group name of a rule anew, after its group was deleted or made again
    ///
    /// A name in sync.allowed_groups and sync.ignored_groups means the object it meant at first. This pins it to the
    /// group that has the name now.
    Repin {
        /// The name, as the rule spells it
        rule: String,
    },

    /// Give a name free that is held for somebody deleted or renamed
    ///
    /// Whoever gets the name next inherits what hosts still keep for it: home directories, sudo rules, mail.
    ReleaseName {
        /// A username or a group's cn
        name: String,
    },

    /// Names and numbers: list them, adopt numbers, take them over from another directory
    #[command(subcommand)]
    Ids(ids::Command),

    /// SSH keys and shells that are set here for single people
    #[command(subcommand)]
    User(user::Command),

    /// Write a first configuration: a few questions, and what to do in Microsoft's portal
    ///
    /// Every question can be answered by a flag, and without a terminal all of them must be. An existing file is not
    /// overwritten.
    Init(init::Options),

    /// Read a password from standard input, print its Argon2id hash
    ///
    /// The hash is for `password_hash` of a service account. On a terminal the password is asked for twice and not
    /// shown; otherwise one line is read.
    HashPassword,
}

const AFTER_HELP: &str = "\
Examples:
  ldap365 init
  ldap365 authorize backup
  ldap365 --config ldap365.toml check
  ldap365 --config ldap365.toml serve
  ldap365 status
  ldap365 explain alice@contoso.com
  ldap365 sync --dry-run
  ldap365 users --inactive --reason disabled
  ldap365 groups --not-imported
  ldap365 ids import numbers.csv
  ldap365 user add-key alice - < alice.pub
  ldap365 --json status | jq .state
  pwgen -s 32 1 | ldap365 hash-password

Exit status:
  0  done
  1  it failed; the message says what happened and what to do
  2  the arguments or the configuration file are wrong

Environment:
  LDAP365_CONFIG  the configuration file, unless --config names one
  LDAP365_LOG     what to log, as in \"info,ldap365::sync=debug\", unless --log-level or -v is given";

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration file is to be changed.
    #[error(transparent)]
    Config(#[from] config::LoadError),
    /// The logging options are to be changed.
    #[error(transparent)]
    Logging(#[from] logging::Error),
    /// The daemon could not be asked, or said no.
    #[error(transparent)]
    Daemon(#[from] admin::client::Error),
    /// The daemon cannot start, or the store cannot be used.
    #[error(transparent)]
    App(#[from] app::Error),
    /// Something that was checked does not work; the findings have been printed.
    #[error("not everything works; the lines marked FAILED say what to do")]
    CheckFailed,
    /// A file of local settings.
    #[error(transparent)]
    SettingsFile(#[from] settings_file::Error),
    /// What was given as an SSH key is none.
    #[error(transparent)]
    Key(#[from] user::KeyError),
    /// Nobody was authorised.
    #[error(transparent)]
    Authorize(#[from] authorize::Error),
    /// No configuration was written.
    #[error(transparent)]
    Init(#[from] init::Error),
    /// A password was not hashed.
    #[error(transparent)]
    HashPassword(#[from] hash_password::Error),
    /// A pass ended with failures, which have been printed with its summary.
    #[error("the pass did not commit everything; the summary says what failed")]
    PassFailed,
    /// Standard output cannot be written to.
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    /// The machine is out of threads or descriptors.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

/// Does what the arguments ask for.
pub async fn run(arguments: Arguments) -> Result<(), Error> {
    let mut output = Output::new(arguments.json);
    match &arguments.command {
        Command::HashPassword => return hash_password::run(&mut output),
        Command::Init(options) => return init::run(&arguments.config, options, &mut output),
        _ => {}
    }
    let config = config::load(&arguments.config)?;
    match &arguments.command {
        Command::Serve => serve::run(config).await,
        Command::Check { groups: false } => check::run(&config, &mut output).await,
        Command::Check { groups: true } => check::run_groups(&config, &mut output).await,
        Command::Authorize(options) => authorize::run(&config, options, &mut output).await,
        Command::Sync(options) => sync::run(&config, *options, &mut output).await,
        Command::Status => status::run(&config, &mut output).await,
        Command::Explain { name, group } => explain::run(&config, name, *group, &mut output).await,
        Command::Users(asked) => roster::users(&config, asked, &mut output).await,
        Command::Groups(asked) => roster::groups(&config, asked, &mut output).await,
        Command::Repin { rule } => {
            let rule = rule.clone();
            act::run(&config, Act::Repin { rule }, &mut output).await
        }
        Command::ReleaseName { name } => {
            let name = name.clone();
            act::run(&config, Act::ReleaseName { name }, &mut output).await
        }
        Command::Ids(command) => ids::run(&config, command, &mut output).await,
        Command::User(command) => user::run(&config, command, &mut output).await,
        // They need no configuration, and have been done.
        Command::HashPassword | Command::Init(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [
            "ldap365 --json --config x.toml sync --full",
            "ldap365 sync --full --json --config x.toml",
        ] {
            let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
            assert!(arguments.json && matches!(arguments.command, Command::Sync(_)));
            assert_eq!(arguments.config, PathBuf::from("x.toml"));
        }
    }

    #[test]
    fn every_command_says_what_it_does() {
        for command in Arguments::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
