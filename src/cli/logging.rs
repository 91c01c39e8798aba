//! What is logged: to standard error, so that results stay apart.

use std::io::{self, IsTerminal};

use clap::{ArgAction, Args, ValueEnum};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

const VARIABLE: &str = "LDAP365_LOG";

/// The options about logging.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// How much to log [default: info]
    #[arg(long, global = true, value_name = "LEVEL", conflicts_with = "verbose")]
    log_level: Option<Level>,

    /// Log more: -v is debug, -vv is trace
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    /// Log JSON, a line for each event
    #[arg(long, global = true)]
    log_json: bool,
}

/// How much to log.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Why nothing is logged.
#[derive(Debug, Error)]
pub enum Error {
    /// The environment variable is to be changed.
    #[error(
        "{VARIABLE} = {value:?} is not a log filter; write for example \"info,ldap365::sync=debug\""
    )]
    Filter {
        /// Its value.
        value: String,
        /// What is wrong with it.
        source: ParseError,
    },
}

/// Starts logging, once for the life of the process.
///
/// The options outrank the variable `LDAP365_LOG`, which outranks the default.
pub fn start(options: &Options) -> Result<(), Error> {
    let filter = filter(options, std::env::var(VARIABLE).ok())?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    if options.log_json {
        subscriber.json().init()
    } else {
        subscriber.init()
    }
    Ok(())
}

fn filter(options: &Options, variable: Option<String>) -> Result<EnvFilter, Error> {
    let level = match (options.log_level, options.verbose) {
        (Some(level), _) => Some(level),
        (None, 0) => None,
        (None, 1) => Some(Level::Debug),
        (None, _) => Some(Level::Trace),
    };
    match (level, variable.filter(|value| !value.is_empty())) {
        (None, Some(value)) => {
            EnvFilter::try_new(&value).map_err(|source| Error::Filter { value, source })
        }
        (level, _) => Ok(EnvFilter::new(level.unwrap_or(Level::Info).directives())),
    }
}

impl Level {
    /// Our own events at this level; those of the libraries only when something is wrong. What ldap3_proto
    /// cannot decode is the client's fault, and answered and logged by us. Who changed what here has a target of
    /// its own, `audit`, so that it can be kept apart.
    fn directives(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "warn,ldap3_proto=off,audit=info,ldap365=info",
            Self::Debug => "warn,ldap3_proto=off,audit=info,ldap365=debug",
            Self::Trace => "warn,ldap3_proto=off,audit=info,ldap365=trace",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(log_level: Option<Level>, verbose: u8, variable: Option<&str>, expected: &str) {
        let options = Options {
            log_level,
            verbose,
            log_json: false,
        };
        let filter = filter(&options, variable.map(str::to_owned)).expect("a filter");
        let mut directives: Vec<String> =
            filter.to_string().split(',').map(str::to_owned).collect();
        directives.sort();
        assert_eq!(directives.join(","), expected);
    }

    #[test]
    fn options_outrank_the_variable_and_the_variable_the_default() {
        check(
            None,
            0,
            None,
            "audit=info,ldap365=info,ldap3_proto=off,warn",
        );
        check(
            None,
            0,
            Some(""),
            "audit=info,ldap365=info,ldap3_proto=off,warn",
        );
        check(None, 0, Some("error"), "error");
        check(
            None,
            1,
            Some("error"),
            "audit=info,ldap365=debug,ldap3_proto=off,warn",
        );
        check(
            None,
            3,
            None,
            "audit=info,ldap365=trace,ldap3_proto=off,warn",
        );
        check(Some(Level::Error), 0, Some("trace"), "error");
    }

    #[test]
    fn a_variable_that_is_no_filter_is_refused() {
        let error = filter(&Options::default(), Some("ldap365=loud".to_owned()))
            .expect_err("no such level");
        assert!(
            error
                .to_string()
                .starts_with("LDAP365_LOG = \"ldap365=loud\" is not a log filter"),
            "{error}"
        );
    }
}
