//! The one place where an error becomes a message and an exit status.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use super::{Error, authorize, init};
use crate::config::LoadError;

/// Lines that fit a terminal with the command still in sight.
const LINES_MAX: usize = 20;

/// Exit status when something failed.
const FAILED: u8 = 1;

/// Exit status when the arguments or the configuration file are wrong, as clap has it.
const MISUSED: u8 = 2;

/// Prints an error with its causes to standard error; the exit status says who must act.
pub fn report(error: &Error) -> ExitCode {
    if is_hangup(error) {
        return ExitCode::from(FAILED);
    }
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{}", message(error));
    ExitCode::from(exit_status(error))
}

/// `head` and its like have seen enough: nothing went wrong that they want to read about.
fn is_hangup(error: &Error) -> bool {
    matches!(error, Error::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
}

fn exit_status(error: &Error) -> u8 {
    match error {
        Error::Config(_) | Error::Logging(_) | Error::Key(_) => MISUSED,
        Error::Init(
            init::Error::MissingFlags { .. }
            | init::Error::Unfit { .. }
            | init::Error::ClientId { .. }
            | init::Error::Directory { .. }
            | init::Error::SecretId { .. },
        ) => MISUSED,
        Error::Authorize(
            authorize::Error::Unknown { .. } | authorize::Error::NotDelegated { .. },
        ) => MISUSED,
        Error::App(_)
        | Error::Authorize(_)
        | Error::CheckFailed
        | Error::SettingsFile(_)
        | Error::Daemon(_)
        | Error::HashPassword(_)
        | Error::Init(_)
        | Error::PassFailed
        | Error::Output(_)
        | Error::Runtime(_) => FAILED,
    }
}

/// The error and, indented, each cause that says something new; one screen of it.
fn message(error: &Error) -> String {
    // A list of places in a file, which editors and terminals know how to open as it is.
    if let Error::Config(LoadError::Invalid { .. }) = error {
        return shorten(&error.to_string());
    }
    let mut message = format!("ldap365: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        let sentence = inner.to_string();
        if !message.contains(&sentence) {
            message.push_str("\n  because: ");
            message.push_str(&sentence);
        }
        cause = inner.source();
    }
    shorten(&message)
}

fn shorten(message: &str) -> String {
    let lines = message.lines().count();
    if lines <= LINES_MAX {
        return message.to_owned();
    }
    let mut kept: Vec<&str> = message.lines().take(LINES_MAX - 1).collect();
    let rest = format!("… and {} more", lines - kept.len());
    kept.push(&rest);
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fault, Problem};

    #[test]
    fn causes_follow_the_error() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Error::Config(LoadError::Unreadable {
            path: "/etc/x.toml".into(),
            source,
        });
        assert_eq!(
            message(&error),
            "ldap365: cannot read the configuration file /etc/x.toml; name another with --config\n  \
             because: no such file"
        );
        assert_eq!(exit_status(&error), 2);
    }

    #[test]
    fn a_message_fits_the_screen_and_counts_the_rest() {
        let problem = |line: usize| Problem {
            position: None,
            key: format!("key{line}"),
            fault: Fault::UnknownKey { suggestion: None },
        };
        let problems = (0..30).map(problem).collect();
        let message = message(&Error::Config(LoadError::Invalid {
            path: "x.toml".into(),
            problems,
        }));
        assert_eq!(message.lines().count(), LINES_MAX);
        assert!(
            message.starts_with("x.toml: key0: unknown key\n"),
            "{message}"
        );
        assert!(message.ends_with("\n… and 11 more"), "{message}");
    }
}
