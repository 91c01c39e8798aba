//! `ldap365 check`: everything that can be tried without changing anything, each with what to do about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Cloud;
use crate::config::Config;
use crate::graph::{self, Change, GraphClient, GroupChange, UserChange};
use crate::ldap;
use crate::oauth::{self, Credential, KeepNothing, SignIn, TokenSource};

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was tried.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found; for anything but `ok`, also what to do.
    pub detail: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and yet deserves a look.
    Warning,
    /// It does not work.
    Failed,
}

/// Tries everything in turn; `found` is told of each as it is known. Whether nothing failed.
pub async fn check(config: &Config, mut found: impl FnMut(&Finding)) -> bool {
    let mut is_sound = true;
    let mut note = |finding: Finding| {
        is_sound &= finding.outcome != Outcome::Failed;
        found(&finding);
    };
    note(ok(
        "configuration",
        format!("{} is complete", config.file.display()),
    ));
    note(certificate(config));
    note(password_binds(config));
    match Cloud::new(config) {
        Ok(cloud) => {
            for credential in &config.credentials {
                for finding in try_credential(config, &cloud.sign_in, credential).await {
                    note(finding);
                }
            }
        }
        Err(error) => note(failed("way to Microsoft", error.to_string())),
    }
    is_sound
}

fn certificate(config: &Config) -> Finding {
    match &config.ldap.identity {
        None => warning(
            "certificate",
            "none is configured: hosts can neither use ldaps:// nor StartTLS; set ldap.certificate and ldap.key",
        ),
        Some(identity) => match ldap::check_identity(identity) {
            Ok(()) => ok(
                "certificate",
                format!("{} can be used", identity.certificate.display()),
            ),
            Err(error) => failed("certificate", error.to_string()),
        },
    }
}

fn password_binds(config: &Config) -> Finding {
    match &config.auth.client_id {
        Some(_) => ok(
            "passwords",
            "people's passwords are checked by the tenant (auth.client_id is set)",
        ),
        None => warning(
            "passwords",
            "auth.client_id is not set: nobody can bind with a password of the tenant, only service accounts",
        ),
    }
}

/// A token, then one page each of what the sync reads.
async fn try_credential(
    config: &Config,
    sign_in: &SignIn,
    credential: &Credential,
) -> Vec<Finding> {
    let subject = |what: &str| format!("credential {}: {what}", credential.name);
    let http = match oauth::http::client(&config.oauth) {
        Ok(http) => http,
        Err(error) => return vec![failed("way to Microsoft", error.to_string())],
    };
    let tokens = Arc::new(TokenSource::new(
        sign_in.clone(),
        vec![credential.clone()],
        BTreeMap::new(),
        Box::new(KeepNothing),
    ));
    if let Err(error) = tokens.token().await {
        let failure = tokens.states().into_iter().find_map(|state| state.failure);
        let detail = failure.map_or_else(|| error.to_string(), |failure| failure.to_string());
        return vec![failed(subject("token"), detail)];
    }
    let mut findings = vec![ok(
        subject("token"),
        format!("issued by {}", config.oauth.login_url),
    )];
    let states = tokens.states();
    let notices = states.iter().flat_map(|state| &state.notices);
    findings.extend(notices.map(|notice| warning(subject("expiry"), notice.to_string())));
    let client = GraphClient::new(&config.graph, http, tokens);
    findings.push(organization(&client, subject("tenant")).await);
    findings.push(first_page::<UserChange>(&client, subject("users")).await);
    findings.push(first_page::<GroupChange>(&client, subject("groups")).await);
    findings
}

async fn organization(client: &GraphClient, subject: String) -> Finding {
    match client.organization().await {
        Ok(organization) => {
            let name = organization
                .display_name
                .unwrap_or_else(|| "a tenant without a name".to_string());
            ok(subject, format!("{name} ({})", organization.id))
        }
        // The sync does not read it, so its permission need not be granted.
        Err(graph::Error::PermissionMissing { .. }) => ok(
            subject,
            "its name may not be read with these permissions, which the sync does not need",
        ),
        Err(error) => failed(subject, error.to_string()),
    }
}

async fn first_page<C: Change>(client: &GraphClient, subject: String) -> Finding {
    match client
        .page::<C>(&client.delta_start::<C>(&Default::default()))
        .await
    {
        Ok(page) => ok(
            subject,
            format!("readable; {} on the first page", page.changes.len()),
        ),
        Err(error @ graph::Error::PropertyRefused { .. }) => warning(subject, error.to_string()),
        Err(error) => failed(subject, error.to_string()),
    }
}

fn ok(subject: impl Into<String>, detail: impl Into<String>) -> Finding {
    Finding {
        subject: subject.into(),
        outcome: Outcome::Ok,
        detail: detail.into(),
    }
}

fn warning(subject: impl Into<String>, detail: impl Into<String>) -> Finding {
    Finding {
        outcome: Outcome::Warning,
        ..ok(subject, detail)
    }
}

fn failed(subject: impl Into<String>, detail: impl Into<String>) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        ..ok(subject, detail)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            Outcome::Ok => "ok      ",
            Outcome::Warning => "warning ",
            Outcome::Failed => "FAILED  ",
        };
        write!(f, "{mark}{}: {}", self.subject, self.detail)
    }
}
