//! A tenant, a daemon in front of it, and client programs to point at it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::{Answer, Client};
use crate::harness::certificates::Certificates;
use crate::harness::daemon::Daemon;
use crate::harness::settings::{self, BASE, SERVICE_DN, SERVICE_PASSWORD};
use crate::tenant::{Tenant, sample};
use tempfile::TempDir;

/// Every group of the sample tenant comes in, and one of them throws its members out. SSH keys are served.
const RULES: &str = r#"interval             = "1s"
groups_without_email = true
ignored_groups       = ["Ex-Employees"]

[directory.attributes]
sshPublicKey = "extension_00000000000000000000000000000000_sshPublicKey""#;

/// The name of the server in the recipes.
pub const HOST: &str = "ldap.example.com";

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

    /// A client program of this machine.
    pub fn client(&self, program: &str) -> Client {
        Client::new(program, self.directory.path())
    }

    /// `ldapsearch` as the service account, over ldap:// on loopback, printing entries only.
    pub async fn search(&self, arguments: &[&str]) -> Answer {
        let uri = self.ldap();
        let login = ["-x", "-LLL", "-o", "ldif-wrap=no", "-H", &uri];
        let client = self.client("ldapsearch").arguments(&login);
        let client = client.arguments(&["-D", SERVICE_DN, "-w", SERVICE_PASSWORD]);
        client.arguments(arguments).run().await
    }

    /// Waits until nobody is found under this username any more.
    pub async fn wait_until_gone(&self, username: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let filter = format!("(uid={username})");
        while self.search(&["-b", BASE, &filter, "1.1"]).await.entries() > 0 {
            let is_late = Instant::now() > deadline;
            assert!(!is_late, "still found:\n{}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A recipe of `config/clients/`, with this world's names in place of those of the documentation.
    pub fn recipe(&self, name: &str) -> String {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/clients");
        let recipe = std::fs::read_to_string(recipes.join(name));
        let recipe = recipe.unwrap_or_else(|error| panic!("config/clients/{name}: {error}"));
        let ports = [("ldaps", self.daemon.ldaps), ("ldap", self.daemon.ldap)];
        let recipe = ports.into_iter().fold(recipe, |recipe, (scheme, address)| {
            let uri = format!("{scheme}://{HOST}");
            recipe.replace(&uri, &format!("{uri}:{}", address.port()))
        });
        recipe
            .replace(
                "ldapport=636",
                &format!("ldapport={}", self.daemon.ldaps.port()),
            )
            .replace("cn=hosts,dc=example,dc=com", SERVICE_DN)
            .replace("dc=example,dc=com", BASE)
            .replace("change-me", SERVICE_PASSWORD)
    }
}

/// What `upn` signs in with in the sample tenant.
pub fn password_of(upn: &str) -> &'static str {
    let known = sample::PASSWORDS.iter().find(|(known, _)| *known == upn);
    known.expect("the sample tenant knows the password").1
}
