//! `[tenant]` and `[[credential]]`: which tenant, where Microsoft is, and how the sync signs in.

use std::collections::BTreeSet;
use std::sync::Arc;

use url::Url;

use super::problem::Fault;
use super::table::Table;
use super::text;
use super::value::Value;
use crate::oauth;
use crate::oauth::{Certificate, Grant, Proof};

/// A national cloud: its sign-in service and its Graph (Graph, "Microsoft Graph national cloud deployments").
#[derive(Clone, Copy)]
struct Cloud {
    login_url: &'static str,
    graph_url: &'static str,
}

const CLOUDS: [(&str, Cloud); 4] = [
    (
        "global",
        Cloud {
            login_url: "https://login.microsoftonline.com",
            graph_url: "https://graph.microsoft.com",
        },
    ),
    (
        "us-gov",
        Cloud {
            login_url: "https://login.microsoftonline.us",
            graph_url: "https://graph.microsoft.us",
        },
    ),
    (
        "us-gov-dod",
        Cloud {
            login_url: "https://login.microsoftonline.us",
            graph_url: "https://dod-graph.microsoft.us",
        },
    ),
    (
        "china",
        Cloud {
            login_url: "https://login.partner.microsoftonline.cn",
            graph_url: "https://microsoftgraph.chinacloudapi.cn",
        },
    ),
];

/// How a credential proves itself.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Certificate,
    Secret,
    Delegated,
}

const KINDS: [(&str, Kind); 3] = [
    ("secret", Kind::Secret),
    ("certificate", Kind::Certificate),
    ("delegated", Kind::Delegated),
];

/// Reads `[tenant]`: the sign-in service, and the root of Graph.
pub(super) fn read_tenant(tenant: &Table<'_>) -> Option<(oauth::Settings, Url)> {
    let id = tenant.require("id", "\"contoso.onmicrosoft.com\"", |id| {
        id.parsed(
            "a verified domain of the tenant, or its id",
            "\"contoso.onmicrosoft.com\"",
            text::tenant,
        )
    });
    let cloud = tenant
        .read("cloud", |cloud| cloud.word(&CLOUDS))
        .unwrap_or(CLOUDS[0].1);
    let login_url = read_url(tenant, "login_url", cloud.login_url);
    let graph_url = read_url(tenant, "graph_url", cloud.graph_url);
    let ca_file = tenant.read("ca_file", Value::path);
    let settings = oauth::Settings {
        login_url,
        graph_url: graph_url.clone(),
        tenant: id?,
        ca_file,
    };
    Some((settings, graph_url))
}

fn read_url(tenant: &Table<'_>, name: &'static str, default: &str) -> Url {
    let example = format!("\"{default}\"");
    tenant
        .read(name, |url| url.service_url(&example))
        .unwrap_or_else(|| Url::parse(default).expect("the clouds' hosts are URLs"))
}

/// Reads every `[[credential]]`, of which there must be one at least.
pub(super) fn read_credentials(root: &Table<'_>) -> Vec<oauth::Credential> {
    let tables = root.tables("credential");
    if tables.is_empty() && !root.has("credential") {
        let example =
            "[[credential]] with name, kind = \"secret\", client_id and client_secret".to_owned();
        root.note("credential", Fault::Missing { example });
    }
    let mut names = BTreeSet::new();
    tables
        .iter()
        .filter_map(|table| read_credential(table, &mut names))
        .collect()
}

fn read_credential(
    credential: &Table<'_>,
    names: &mut BTreeSet<String>,
) -> Option<oauth::Credential> {
    let name = credential.require("name", "\"primary\"", |name| {
        name.parsed(
            "a name of letters, digits and . _ - @",
            "\"primary\"",
            text::plain_name,
        )
    });
    if let Some(name) = name
        .clone()
        .filter(|name| !names.insert(name.to_lowercase()))
    {
        let sentence =
            format!("there is a credential \"{name}\" already; give each a name of its own");
        credential.note("name", Fault::Contradiction(sentence));
    }
    let kind = credential.require("kind", "\"secret\"", |kind| kind.word(&KINDS));
    let client_id = credential.require(
        "client_id",
        "\"00000000-0000-0000-0000-000000000000\"",
        Value::text,
    );
    let grant = read_grant(credential, kind);
    Some(oauth::Credential {
        name: name?,
        client_id: client_id?,
        grant: grant?,
    })
}

/// Reads what the app proves itself with. Without a kind everything is read, and nothing missed.
fn read_grant(credential: &Table<'_>, kind: Option<Kind>) -> Option<Grant> {
    let secret = match kind {
        Some(Kind::Secret) => {
            credential.require("client_secret", "{ file = \"app.secret\" }", Value::secret)
        }
        _ => credential.read("client_secret", Value::secret),
    };
    let certificate = read_certificate(credential, kind);
    let secret = secret.map(|secret| Proof::Secret(Arc::new(secret)));
    let certificate = certificate.map(|certificate| Proof::Certificate(Arc::new(certificate)));
    let has_certificate = credential.has("certificate") || credential.has("key");
    match kind? {
        Kind::Secret => {
            refuse_stranger(credential, "certificate", "secret");
            refuse_stranger(credential, "key", "secret");
            secret.map(Grant::App)
        }
        Kind::Certificate => {
            refuse_stranger(credential, "client_secret", "certificate");
            certificate.map(Grant::App)
        }
        Kind::Delegated if credential.has("client_secret") && has_certificate => {
            let sentence =
                "the app proves itself by a secret or by a certificate; remove one of them";
            credential.note("client_secret", Fault::Contradiction(sentence.to_owned()));
            None
        }
        Kind::Delegated => Some(Grant::Delegated(secret.or(certificate))),
    }
}

/// Reads `certificate` and `key`, which come together.
fn read_certificate(credential: &Table<'_>, kind: Option<Kind>) -> Option<Certificate> {
    let is_wanted = match kind {
        Some(Kind::Certificate) => true,
        Some(Kind::Delegated) => credential.has("certificate") || credential.has("key"),
        Some(Kind::Secret) | None => false,
    };
    if !is_wanted {
        credential.read("certificate", Value::path);
        credential.read("key", Value::path);
        return None;
    }
    let certificate = credential.require("certificate", "\"app.pem\"", Value::file);
    let key = credential.require("key", "\"app.key\"", Value::file);
    let ((certificate_path, certificate), (key_path, key)) = (certificate?, key?);
    match Certificate::from_pem(certificate.expose(), key.expose()) {
        Ok(certificate) => Some(certificate),
        Err(error) => {
            let (name, path) = match error.is_of_key() {
                true => ("key", key_path),
                false => ("certificate", certificate_path),
            };
            let cause = error.to_string();
            credential.note(name, Fault::UnusableFile { path, cause });
            None
        }
    }
}

fn refuse_stranger(credential: &Table<'_>, name: &'static str, kind: &str) {
    if credential.has(name) {
        let sentence = format!("kind = \"{kind}\" does not use it; remove it, or change kind");
        credential.note(name, Fault::Contradiction(sentence));
    }
}
