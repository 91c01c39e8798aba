//! The `ldap365` command: arguments in, exit status out.

use std::process::ExitCode;

use clap::Parser;
use ldap365::cli::{self, Arguments};

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
    runtime.block_on(cli::run(arguments))
}
