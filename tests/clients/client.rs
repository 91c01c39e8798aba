//! A program with its arguments, and what came of it.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// A program with its arguments so far.
pub struct Client {
    program: String,
    command: Command,
}

/// What a program said, and how it ended. OpenLDAP's exit with the LDAP result code.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub output: String,
    pub errors: String,
}

impl Client {
    /// A program that reads no settings of whoever runs the tests, and is at home in `directory`.
    pub fn new(program: &str, directory: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .env("HOME", directory)
            .current_dir(directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LDAP") {
                command.env_remove(name);
            }
        }
        Self {
            program: program.to_owned(),
            command,
        }
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end. Panics when it cannot be started.
    pub async fn run(mut self) -> Answer {
        let output = self.command.output().await.unwrap_or_else(|error| {
            panic!(
                "cannot run {}: {error}; tests/run installs what is needed",
                self.program
            )
        });
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            code: output.status.code().unwrap_or(-1),
            output: text(output.stdout),
            errors: text(output.stderr),
        }
    }

    /// Starts it, with what it says going into `log`. It is killed when dropped.
    pub fn start(mut self, log: &Path) -> Child {
        let output = File::create(log).expect("a log can be written");
        let errors = output.try_clone().expect("a second handle");
        let command = self.command.stdout(output).stderr(errors);
        command.spawn().expect("the program can be started")
    }
}

impl Answer {
    /// The lines printed, in the order of the alphabet, without those that only part entries.
    pub fn lines(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self
            .output
            .lines()
            .filter(|line| !line.is_empty())
            .collect();
        lines.sort_unstable();
        lines
    }

    /// How many entries were printed.
    pub fn entries(&self) -> usize {
        self.output
            .lines()
            .filter(|line| line.starts_with("dn:"))
            .count()
    }

    /// The answer, when the exit status is `code`.
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}
