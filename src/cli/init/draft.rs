//! The configuration file in the making: what is known so far, written as the file will be.

use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::config::{self, Problem, Surroundings};

/// The name of the one credential that is written.
pub(super) const CREDENTIAL: &str = "primary";
/// The file beside the configuration that a typed client secret goes to.
pub(super) const SECRET_FILE: &str = "app.secret";

/// A national cloud of Microsoft's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cloud {
    /// Everywhere else, GCC included
    #[default]
    Global,
    /// US Government L4 (GCC High)
    UsGov,
    /// US Government L5 (DoD)
    UsGovDod,
    /// China, operated by 21Vianet
    China,
}

/// How the sync signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The app itself, by a certificate: nothing that can be copied from a screen
    Certificate,
    /// The app itself, by a client secret
    Secret,
    /// An administrator who signs in once
    Delegated,
}

/// What is known so far. What is missing is written as an example.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub tenant: Option<String>,
    pub cloud: Cloud,
    pub kind: Option<Kind>,
    pub client_id: Option<String>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Where the client secret is, or will be.
    pub secret_file: Option<PathBuf>,
    pub base_dn: Option<String>,
}

impl Cloud {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGov => "us-gov",
            Self::UsGovDod => "us-gov-dod",
            Self::China => "china",
        }
    }

    /// Where apps are registered (Graph, "Microsoft Graph national cloud deployments").
    pub(super) fn portal(self) -> &'static str {
        match self {
            Self::Global => "https://portal.azure.com",
            Self::UsGov | Self::UsGovDod => "https://portal.azure.us",
            Self::China => "https://portal.azure.cn",
        }
    }
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Secret => "secret",
            Self::Delegated => "delegated",
        }
    }
}

impl Draft {
    /// What the configuration has to say against the value of `key`; `None` when it takes it.
    pub(super) fn objection(&self, file: &Path, key: &str) -> Option<String> {
        let problems = self.problems(file);
        let problem = problems.iter().find(|problem| problem.key == key)?;
        // The position is one in a file that nobody has seen.
        let spoken = Problem {
            position: None,
            ..problem.clone()
        };
        Some(spoken.to_string())
    }

    /// Everything that is wrong with the file as it would be written to `file`.
    pub(super) fn problems(&self, file: &Path) -> Vec<Problem> {
        let directory = file.parent().unwrap_or(Path::new(""));
        // The one relative path there is: a secret that was typed, and goes beside the configuration.
        let typed = self.secret_file.as_ref().filter(|file| file.is_relative());
        let typed = typed.map(|file| directory.join(file));
        let surroundings = Surroundings {
            file,
            variable: &|name| std::env::var(name).ok(),
            read_file: &|path| match typed.as_deref() == Some(path) {
                // Written together with the configuration.
                true if !path.exists() => Ok("a secret".to_owned()),
                _ => read_limited(path),
            },
        };
        config::parse(&self.to_string(), &surroundings)
            .err()
            .unwrap_or_default()
    }

    /// The base that the tenant's domain suggests; `None` for a tenant id, which suggests nothing.
    pub(super) fn guessed_base(&self) -> Option<String> {
        guess_base(self.tenant.as_deref()?)
    }
}

/// A file named by mistake may be of any size.
fn read_limited(path: &Path) -> io::Result<String> {
    const BYTES_MAX: u64 = 1 << 20;
    let length = fs::metadata(path)?.len();
    if length > BYTES_MAX {
        return Err(io::Error::other("it is too long to be the right file"));
    }
    fs::read_to_string(path)
}

/// `contoso.com` → `dc=contoso,dc=com`. The domain that every tenant is born with (`contoso.onmicrosoft.com`) names
/// no domain of the company's, so its stem stands in for one: `dc=contoso,dc=com`.
fn guess_base(tenant: &str) -> Option<String> {
    const INITIAL_DOMAINS: [&str; 3] = [
        ".onmicrosoft.com",
        ".onmicrosoft.us",
        ".partner.onmschina.cn",
    ];
    let tenant = tenant.to_ascii_lowercase();
    let stem = INITIAL_DOMAINS
        .iter()
        .find_map(|suffix| tenant.strip_suffix(suffix));
    let labels: Vec<&str> = match stem {
        Some(stem) => vec![stem, "com"],
        None => tenant.split('.').collect(),
    };
    let is_domain = labels.len() > 1 && labels.iter().all(|label| !label.is_empty());
    is_domain.then(|| {
        let components: Vec<String> = labels.iter().map(|label| format!("dc={label}")).collect();
        components.join(",")
    })
}

/// Whether the guess rests on the tenant's first domain only, which people should know.
pub(super) fn is_initial_domain(tenant: &str) -> bool {
    let tenant = tenant.to_ascii_lowercase();
    tenant.contains(".onmicrosoft.") || tenant.ends_with(".partner.onmschina.cn")
}

/// A TOML basic string. The escapes of JSON are among TOML's.
fn quoted(text: impl Into<String>) -> String {
    serde_json::Value::String(text.into()).to_string()
}

fn quoted_path(path: Option<&PathBuf>, example: &str) -> String {
    quoted(path.map_or(example.into(), |path| path.to_string_lossy()))
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example_id = "00000000-0000-0000-0000-000000000000";
        let client_id = quoted(self.client_id.as_deref().unwrap_or(example_id));
        let kind = self.kind.unwrap_or(Kind::Delegated);
        let tenant = quoted(self.tenant.as_deref().unwrap_or("contoso.com"));
        let base = quoted(self.base_dn.as_deref().unwrap_or("dc=example,dc=com"));
        writeln!(
            f,
            "# Written by `ldap365 init`. Check changes with `ldap365 check`.\n\n\
             [tenant]\nid = {tenant}\ncloud = {}\n\n\
             # How the sync signs in. A second [[credential]] is a backup.\n\
             [[credential]]\nname = \"{CREDENTIAL}\"\nkind = {}\nclient_id = {client_id}",
            quoted(self.cloud.name()),
            quoted(kind.name())
        )?;
        match kind {
            Kind::Certificate => writeln!(
                f,
                "certificate = {}\nkey = {}",
                quoted_path(self.certificate.as_ref(), "app.pem"),
                quoted_path(self.key.as_ref(), "app.key")
            )?,
            Kind::Secret => self.write_secret(f)?,
            Kind::Delegated if self.secret_file.is_some() => self.write_secret(f)?,
            Kind::Delegated => {}
        }
        writeln!(
            f,
            "\n[directory]\nbase_dn = {base}\n\n\
             [ldap]\n# This machine only. For others, name a certificate and let them use TLS:\n\
             listen = [\"127.0.0.1:389\"]\n\
             # listen_tls = [\"0.0.0.0:636\"]\n\
             # certificate = \"/etc/ldap365/tls.pem\"\n\
             # key = \"/etc/ldap365/tls.key\"\n\n\
             # People's passwords, checked by the tenant. Needs \"Allow public client flows\" on the app.\n\
             [auth]\nclient_id = {client_id}\n\n\
             # A host or an application that reads the directory; `ldap365 hash-password` prints the hash.\n\
             # [[service_account]]\n# name = \"vpn\"\n# password_hash = \"$argon2id$…\""
        )
    }
}

impl Draft {
    fn write_secret(&self, f: &mut impl Write) -> fmt::Result {
        let file = quoted_path(self.secret_file.as_ref(), SECRET_FILE);
        writeln!(f, "client_secret = {{ file = {file} }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_is_guessed_from_the_domain() {
        for (tenant, base) in [
            ("contoso.com", Some("dc=contoso,dc=com")),
            ("Mail.Contoso.co.uk", Some("dc=mail,dc=contoso,dc=co,dc=uk")),
            ("contoso.onmicrosoft.com", Some("dc=contoso,dc=com")),
            ("contoso.onmicrosoft.us", Some("dc=contoso,dc=com")),
            ("contoso.partner.onmschina.cn", Some("dc=contoso,dc=com")),
            ("7c1b8d6e-2f0a-4d35-9f0e-3a4b5c6d7e8f", None),
            ("localhost", None),
            ("contoso..com", None),
        ] {
            assert_eq!(guess_base(tenant).as_deref(), base, "{tenant}");
        }
    }

    #[test]
    fn objections_are_those_of_the_configuration() {
        let file = Path::new("/etc/ldap365/ldap365.toml");
        let draft = Draft {
            tenant: Some("organizations".to_owned()),
            base_dn: Some("contoso.com".to_owned()),
            ..Draft::default()
        };
        let objection = draft.objection(file, "tenant.id").unwrap();
        assert!(
            objection.starts_with("tenant.id = \"organizations\": expected"),
            "{objection}"
        );
        assert!(draft.objection(file, "directory.base_dn").is_some());
        assert_eq!(draft.objection(file, "credential.client_id"), None);
    }

    #[test]
    fn text_of_any_kind_stays_within_its_quotes() {
        let draft = Draft {
            tenant: Some("contoso.com".to_owned()),
            client_id: Some("a\"b\\c\n[ldap]".to_owned()),
            kind: Some(Kind::Delegated),
            ..Draft::default()
        };
        let text = draft.to_string();
        assert!(text.contains(r#"client_id = "a\"b\\c\n[ldap]""#), "{text}");
    }
}
