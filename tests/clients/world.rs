//! A tenant, a daemon in front of it, and client programs to point at it.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::certificates::Certificates;
use crate::harness::daemon::Daemon;
use crate::harness::settings::{self, SERVICE_DN, SERVICE_PASSWORD};
use crate::tenant::Tenant;

/// Every group of the sample tenant comes in, and one of them throws its members out.
const RULES: &str = r#"interval             = "1s"
groups_without_email = true
ignored_groups       = ["Ex-Employees"]"#;

/// Everything a client needs to be tried out.
pub struct World {
    pub tenant: Tenant,
    pub daemon: Daemon,
    pub certificates: Certificates,
    directory: TempDir,
}

impl World {
    /// The sample tenant behind a daemon that has synced it.
    pub async fn start() -> Self {
        let directory = TempDir::with_prefix("ldap365-clients-").expect("a temporary directory");
        let tenant = Tenant::sample().await;
        let certificates = Certificates::mint(directory.path()).expect("certificates");
        let config = settings::write(directory.path(), &tenant, &certificates, RULES);
        let config = config.expect("a configuration file");
        let start = move || Daemon::start(Path::new(env!("CARGO_BIN_EXE_ldap365")), &config);
        let daemon = tokio::task::spawn_blocking(start)
            .await
            .expect("the daemon starts");
        Self {
            tenant,
            daemon,
            certificates,
            directory,
        }
    }

    /// `ldap://` with its port, on loopback.
    pub fn ldap(&self) -> String {
        format!("ldap://{}", self.daemon.ldap)
    }

    /// `ldaps://` with its port, on loopback.
    pub fn ldaps(&self) -> String {
        format!("ldaps://{}", self.daemon.ldaps)
    }

    /// A client program that reads no settings of whoever runs the tests.
    pub fn client(&self, program: &str) -> Client {
        let mut command = Command::new(program);
        command
            .env("HOME", self.directory.path())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LDAP") {
                command.env_remove(name);
            }
        }
        Client {
            program: program.to_owned(),
            command,
        }
    }

    /// `ldapsearch` as the service account, over ldap:// on loopback, printing entries only.
    pub async fn search(&self, arguments: &[&str]) -> Answer {
        let uri = self.ldap();
        let login = ["-x", "-LLL", "-o", "ldif-wrap=no", "-H", &uri];
        let client = self.client("ldapsearch").arguments(&login);
        let client = client.arguments(&["-D", SERVICE_DN, "-w", SERVICE_PASSWORD]);
        client.arguments(arguments).run().await
    }
}

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
