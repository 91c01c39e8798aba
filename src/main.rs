//! The `ldap365` command: arguments in, exit status out.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ldap365::cli::{self, Arguments};

/// How long threads that block may keep the finished program.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::failure::report(&error),
    }
}

fn start(arguments: Arguments) -> Result<(), cli::Error> {
    cli::logging::start(&arguments.logging)?;
    let runtime = tokio::runtime::Runtime::new().map_err(cli::Error::Runtime)?;
    let done = runtime.block_on(cli::run(arguments));
    // Whatever still blocks a thread (a name being resolved, a password being hashed) is left behind.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    done
}
