//! `ldap365 user …`: what is set here for single people, beside what the tenant says.

use std::path::{Path, PathBuf};

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
        // A private key begins with a hyphen: clap would take it for a flag, and print all of it.
        #[arg(allow_hyphen_values = true)]
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

/// Why what was given as a key is none. It is not repeated: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Somebody pasted the wrong one of the two files.
    #[error(
        "that is a private key, which must stay where it is: give the line of the .pub file beside it"
    )]
    Private,
    /// The name of a file, and not what is in it.
    #[error("{} is a file; to read the key from it, write - in its place and add `< {}`", path.display(), path.display())]
    File {
        /// The file.
        path: PathBuf,
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
            key: public_key(match key.as_str() {
                "-" => settings_file::read("-".as_ref())?,
                key => key.to_owned(),
            })?,
        },
        Command::RemoveKey { user, key } => Act::RemoveKey {
            user: user.clone(),
            key: key.clone(),
        },
    };
    act::run(config, act, output).await
}

/// Nothing that may be a private key goes any further: to the daemon, or into a message.
fn public_key(given: String) -> Result<String, KeyError> {
    let path = Path::new(&given);
    if given.contains("PRIVATE KEY") {
        Err(KeyError::Private)
    } else if path.is_file() {
        let path = path.to_owned();
        Err(KeyError::File { path })
    } else {
        Ok(given)
    }
}

async fn show(config: &Config, user: &str, output: &mut Output) -> Result<(), Error> {
    let answer = Client::new(&config.admin.socket).local_settings(user).await;
    let settings = match answer {
        Err(client::Error::NoDaemon { .. }) => offline::local_settings(config, user).await?,
        answer => answer?,
    };
    output.show(&settings, &settings)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{self, Arguments};

    const PRIVATE: &str =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----";

    #[test]
    fn private_key_is_refused_without_being_repeated() {
        let arguments = ["ldap365", "user", "add-key", "ada", PRIVATE];
        let parsed = Arguments::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
        let cli::Command::User(Command::AddKey { key, .. }) = parsed.command else {
            panic!("another command");
        };
        let error = public_key(key).unwrap_err();
        assert!(matches!(error, KeyError::Private));
        assert!(!error.to_string().contains("b3Blbn"), "{error}");
    }

    #[test]
    fn flag_in_front_of_the_key_is_a_flag() {
        let arguments = [
            "ldap365",
            "user",
            "add-key",
            "ada",
            "--json",
            "ssh-ed25519 AAAA",
        ];
        let parsed = Arguments::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
        assert!(parsed.json);
    }

    #[test]
    fn file_name_in_the_place_of_a_key_is_told_how_to_read_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let error = public_key(path.clone()).unwrap_err().to_string();
        assert!(error.contains(&format!("`< {path}`")), "{error}");
        assert!(public_key("ssh-ed25519 AAAA ada".to_owned()).is_ok());
    }
}
