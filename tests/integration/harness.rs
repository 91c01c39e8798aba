//! The real binary in front of the simulated tenant: configured, started, asked, stopped.
//!
//! An [`Installation`] is a directory with a configuration file, a certificate and a store; it outlives the
//! [`Daemon`]s that a test starts in it. [`client`] speaks LDAP to them. Nothing here sleeps for a fixed time:
//! [`eventually`] looks again until what is awaited holds, or the test has failed.

mod certificate;
pub mod client;
mod daemon;

use std::fs::Permissions;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::tenant::Tenant;
pub use client::{Client, Entry, Scope};
pub use daemon::Daemon;

/// The top of the tree in every test.
pub const BASE: &str = "dc=example,dc=com";
/// Where the people are.
pub const PEOPLE: &str = "ou=people,dc=example,dc=com";
/// Where the groups are.
pub const GROUPS: &str = "ou=groups,dc=example,dc=com";
/// The service account that may read the tree.
pub const READER: &str = "cn=reader,dc=example,dc=com";
/// Its password.
pub const READER_PASSWORD: &str = "of a test that reads";

/// How long anything may take before the test counts as failed. Generous: slow machines are no failure.
const PATIENCE: Duration = Duration::from_secs(180);
/// How soon a condition is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A configured ldap365, running or not.
pub struct Installation {
    directory: TempDir,
    authority: CertificateDer<'static>,
}

/// What the configuration file says beyond what every test needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lines of `[sync]`.
    pub sync: String,
    /// Lines of `[directory]`, beside `base_dn`.
    pub directory: String,
    /// Lines of `[auth]`, beside `client_id`.
    pub auth: String,
    /// Lines of `[tenant]`.
    pub tenant: String,
    /// Further tables.
    pub tables: String,
    /// `ldap.listen`
    pub listen: String,
    /// `admin.listen`
    pub admin_listen: String,
    /// `admin.socket`
    pub socket: String,
    /// The client secret.
    pub secret: String,
}

impl Options {
    /// Fits the tenant: ports chosen by the system, a pass every second.
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            sync: String::new(),
            directory: String::new(),
            auth: String::new(),
            tenant: String::new(),
            tables: String::new(),
            listen: "127.0.0.1:0".to_owned(),
            admin_listen: "127.0.0.1:0".to_owned(),
            socket: "admin.sock".to_owned(),
            secret: tenant.client_secret(),
        }
    }

    /// The same with these lines in `[sync]`.
    pub fn sync(mut self, lines: &str) -> Self {
        self.sync = lines.to_owned();
        self
    }
}

impl Installation {
    /// One that imports groups without mail addresses too, and has no other rules.
    pub fn of(tenant: &Tenant) -> Self {
        Self::with(
            tenant,
            &Options::of(tenant).sync("groups_without_email = true"),
        )
    }

    /// One as configured.
    pub fn with(tenant: &Tenant, options: &Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = certificate::write_to(directory.path());
        let installation = Self {
            directory,
            authority,
        };
        installation.configure(tenant, options);
        installation
    }

    /// Writes the configuration file again.
    pub fn configure(&self, tenant: &Tenant, options: &Options) {
        let Options {
            sync,
            directory,
            auth,
            tenant: tenant_lines,
            tables,
            listen,
            admin_listen,
            socket,
            secret,
        } = options;
        write_private(&self.path("app.secret"), secret);
        let (id, client_id) = (tenant.tenant_id(), tenant.client_id());
        let (login_url, graph_url) = (tenant.login_url(), tenant.graph_url());
        let interval = if sync.contains("interval") {
            ""
        } else {
            "interval = \"1s\""
        };
        let hash = reader_hash();
        let text = format!(
            r#"data_dir = "data"

[tenant]
id = "{id}"
login_url = "{login_url}"
graph_url = "{graph_url}"
{tenant_lines}

[[credential]]
name = "primary"
kind = "secret"
client_id = "{client_id}"
client_secret = {{ file = "app.secret" }}

[sync]
{interval}
{sync}

[directory]
base_dn = "{BASE}"
{directory}

[ldap]
listen = ["{listen}"]
listen_tls = ["127.0.0.1:0"]
certificate = "tls.pem"
key = "tls.key"

[auth]
client_id = "{client_id}"
client_secret = {{ file = "app.secret" }}
{auth}

[[service_account]]
name = "reader"
password_hash = "{hash}"

[admin]
listen = "{admin_listen}"
socket = "{socket}"

{tables}
"#
        );
        write_private(&self.config_file(), &text);
    }

    /// A file of the installation.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `--config`
    pub fn config_file(&self) -> PathBuf {
        self.path("ldap365.toml")
    }

    /// Starts the daemon and waits until it announced its addresses.
    pub async fn start(&self) -> Daemon {
        Daemon::start(self.command(&["serve"]), self.authority.clone()).await
    }

    /// Starts the daemon with files that cannot grow beyond some megabytes, as on a disk that is nearly full.
    pub async fn start_with_file_size_limit(&self) -> Daemon {
        let script = r#"trap '' XFSZ; ulimit -f 6000; exec "$@""#;
        let daemon = self.command(&["serve"]);
        let daemon = daemon.as_std();
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(daemon.get_program())
            .args(daemon.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Daemon::start(command, self.authority.clone()).await
    }

    /// Starts the daemon and waits until it serves a directory.
    pub async fn serve(&self) -> Daemon {
        let daemon = self.start().await;
        daemon.ready().await;
        daemon
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let child = self.command(arguments).spawn().unwrap();
        let output = within("a command ends", child.wait_with_output()).await;
        Ended::from(output.unwrap())
    }

    /// Runs a command that must succeed with `--json`; its last line.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[&["--json"], arguments].concat()).await;
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.errors);
        let last = ended.results.lines().last().expect("a line of JSON");
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
    }

    /// `ldap365 --json status`
    pub async fn status(&self) -> Value {
        self.json(&["status"]).await
    }

    /// The reason that `ldap365 explain USER` gives; `None` when the person is active.
    pub async fn why_inactive(&self, user: &str) -> Option<String> {
        let answer = self.json(&["explain", user]).await;
        let [explanation] = answer.as_array().expect("a list").as_slice() else {
            panic!("{user} means more than one person: {answer}");
        };
        match explanation["is_active"].as_bool() {
            Some(true) => None,
            _ => Some(
                explanation["reason"]
                    .as_str()
                    .expect("a sentence")
                    .to_owned(),
            ),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldap365"));
        command
            .arg("--config")
            .arg(self.config_file())
            .args(arguments)
            .env_remove("LDAP365_LOG")
            .env_remove("LDAP365_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// What became of a command.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; `None` after a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub results: String,
    /// Standard error.
    pub errors: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Self {
            status: output.status.code(),
            results: text(output.stdout),
            errors: text(output.stderr),
        }
    }
}

/// The Argon2id hash of [`READER_PASSWORD`], as cheap as Argon2 lets it be.
pub fn reader_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let salt = SaltString::from_b64("c2FsdCBvZiBhIHRlc3Q").unwrap();
        let hash = argon2.hash_password(READER_PASSWORD.as_bytes(), &salt);
        hash.unwrap().to_string()
    })
}

/// Waits for `future`, or fails the test saying what did not happen.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Looks again and again until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(value) = look().await {
                return value;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    within(what, found).await
}

/// Signals a process; `signal` as `kill` spells it.
pub async fn signal(process: u32, signal: &str) {
    let line = format!("kill -{signal} {process}");
    let status = Command::new("sh").args(["-c", &line]).status().await;
    assert!(status.unwrap().success(), "{line}");
}

/// Writes a file that its owner alone may read.
pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}
