//! One credential, tried: a token, then whatever the sync reads with it, a page each.

use jiff::Timestamp;
use tracing::debug;

use super::access::{Evidence, Grant, Hidden, Trial, assess};
use crate::admin::finding::Finding;
use crate::app::{Cloud, authorization};
use crate::config::Config;
use crate::directory::{Group, User};
use crate::graph::{self, Change, GraphClient, GroupChange, Page, UserChange};
use crate::oauth::{Authorization, Credential, CredentialState, KeepNothing, Notice};

/// Tries `credential`, for a delegated one with `authorization`. Each finding's subject begins with the credential's name.
pub(crate) async fn check_credential(
    config: &Config,
    credential: &Credential,
    authorization: Option<Authorization>,
) -> Vec<Finding> {
    let findings = findings(config, credential, authorization).await;
    let named = |finding: Finding| Finding {
        subject: format!("credential {}: {}", credential.name, finding.subject),
        ..finding
    };
    findings.into_iter().map(named).collect()
}

/// Tries a delegated credential with what a store holds that no daemon has open.
pub(super) async fn check_stored(config: &Config, credential: &Credential) -> Vec<Finding> {
    match authorization::find_offline(config, &credential.name).await {
        Ok(authorization) => check_credential(config, credential, authorization).await,
        Err(error) => vec![unusable(credential, &error)],
    }
}

/// The stored authorisation of a credential cannot be used.
pub(crate) fn unusable(credential: &Credential, error: &authorization::Error) -> Finding {
    let subject = format!("credential {}: authorisation", credential.name);
    let name = &credential.name;
    Finding::failed(
        subject,
        format!("{error}; then run `ldap365 authorize {name}`"),
    )
}

async fn findings(
    config: &Config,
    credential: &Credential,
    authorization: Option<Authorization>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let held = authorization.map(|authorization| (credential.name.clone(), authorization));
    let held = held.into_iter().collect();
    // A renewed token is dropped: Microsoft does not revoke the one before, which stays where it is.
    let cloud = Cloud::new(
        config,
        vec![credential.clone()],
        held,
        Box::new(KeepNothing),
    );
    let cloud = match cloud {
        Ok(cloud) => cloud,
        Err(error) => {
            findings.push(Finding::failed("way to Microsoft", error.to_string()));
            return findings;
        }
    };
    let token = cloud.tokens.token().await;
    let Some(state) = cloud.tokens.states().pop() else {
        return findings;
    };
    findings.extend(certificate(credential, &state));
    if let Err(error) = token {
        let failure = state.failure.map(|failure| failure.to_string());
        let detail = failure.unwrap_or_else(|| error.to_string());
        findings.push(Finding::failed("token", detail));
        return findings;
    }
    findings.push(Finding::ok(
        "token",
        format!("issued by {}", config.oauth.login_url),
    ));
    findings.extend(authorized(&state));
    let graph = &cloud.graph;
    findings.push(organization(graph).await);
    let (users, flaw) = users(graph).await;
    findings.extend(flaw);
    let (groups, hidden_groups, flaw) = groups(graph).await;
    findings.extend(flaw);
    let evidence = Evidence {
        grant: grant(graph, &state).await,
        users,
        groups,
        hidden_groups,
    };
    findings.extend(assess(&evidence));
    findings
}

/// When the app's certificate ends.
fn certificate(credential: &Credential, state: &CredentialState) -> Option<Finding> {
    let subject = "certificate";
    let at = credential.certificate()?.not_after();
    let notice = state.notices.iter().find_map(|notice| match notice {
        Notice::CertificateEnded { .. } => Some(Finding::failed(subject, notice.to_string())),
        Notice::CertificateEnds { .. } => Some(Finding::warning(subject, notice.to_string())),
        _ => None,
    });
    Some(notice.unwrap_or_else(|| Finding::ok(subject, format!("good until {}", day(at)))))
}

/// Who signed in, and how long that lasts.
fn authorized(state: &CredentialState) -> Vec<Finding> {
    let Some(by) = &state.authorized_by else {
        return Vec::new();
    };
    let subject = "authorisation";
    let who = by
        .preferred_username
        .clone()
        .unwrap_or_else(|| by.oid.to_string());
    let detail = format!(
        "{who} signed in on {}; granted: {}",
        day(by.authorized),
        by.scopes.join(" ")
    );
    let ends = state.notices.iter();
    let ends = ends.filter(|notice| matches!(notice, Notice::AuthorizationEnds { .. }));
    let ends = ends.map(|notice| Finding::warning(subject, notice.to_string()));
    std::iter::once(Finding::ok(subject, detail))
        .chain(ends)
        .collect()
}

async fn organization(graph: &GraphClient) -> Finding {
    let subject = "tenant";
    match graph.organization().await {
        Ok(organization) => {
            let name = organization
                .display_name
                .unwrap_or_else(|| "a tenant without a name".to_owned());
            Finding::ok(subject, format!("{name} ({})", organization.id))
        }
        // The sync does not read it, so its permission need not be granted.
        Err(graph::Error::PermissionMissing { .. }) => Finding::ok(
            subject,
            "its name may not be read with these permissions, which the sync does not need",
        ),
        Err(error) => Finding::failed(subject, error.to_string()),
    }
}

async fn users(graph: &GraphClient) -> (Trial, Option<Finding>) {
    let page = match first_page::<UserChange>(graph, "users").await {
        Ok(page) => page,
        Err(ended) => return ended,
    };
    let users = page.changes.iter().filter_map(|change| match change {
        UserChange::Upsert { patch, .. } => {
            let mut user = User::default();
            patch.apply_to(&mut user);
            Some(user)
        }
        UserChange::Remove { .. } => None,
    });
    let users: Vec<User> = users.collect();
    let is_hollow = !users.is_empty() && users.iter().all(|user| user.account_enabled.is_none());
    match is_hollow {
        true => (Trial::Hollow, None),
        false => (Trial::Readable(page.changes.len()), None),
    }
}

async fn groups(graph: &GraphClient) -> (Trial, Hidden, Option<Finding>) {
    let mut hidden = Hidden::default();
    let page = match first_page::<GroupChange>(graph, "groups").await {
        Ok(page) => page,
        Err((trial, flaw)) => return (trial, hidden, flaw),
    };
    let (mut groups, mut named) = (0, 0);
    for change in &page.changes {
        let GroupChange::Upsert { patch, members, .. } = change else {
            continue;
        };
        let mut group = Group::default();
        patch.apply_to(&mut group);
        groups += 1;
        named += usize::from(group.display_name.is_some());
        if group.has_hidden_membership {
            hidden.groups += 1;
            hidden.with_members += usize::from(!members.is_empty());
        }
    }
    let trial = match groups > 0 && named == 0 {
        true => Trial::Hollow,
        false => Trial::Readable(page.changes.len()),
    };
    (trial, hidden, None)
}

/// The first page of a full round; a refusal that is about permissions is no finding yet.
async fn first_page<C: Change>(
    graph: &GraphClient,
    subject: &str,
) -> Result<Page<C>, (Trial, Option<Finding>)> {
    let page = graph
        .page::<C>(&graph.delta_start::<C>(&Default::default()))
        .await;
    page.map_err(|error| {
        debug!(%error, "{subject} cannot be read");
        match error {
            graph::Error::PermissionMissing { .. } => (Trial::Denied, None),
            error @ graph::Error::PropertyRefused { .. } => {
                let finding = Finding::warning(subject, error.to_string());
                (Trial::Inconclusive, Some(finding))
            }
            error => {
                let finding = Finding::failed(subject, error.to_string());
                (Trial::Inconclusive, Some(finding))
            }
        }
    })
}

async fn grant(graph: &GraphClient, state: &CredentialState) -> Grant {
    let Some(by) = &state.authorized_by else {
        return Grant::Application;
    };
    let noted = |error: &graph::Error| debug!(%error, "whoever signed in cannot be asked about");
    let signed_in = graph.signed_in().await.inspect_err(noted);
    let roles = graph.directory_roles().await.inspect_err(noted);
    Grant::Delegated {
        roles: roles.ok(),
        is_guest: signed_in.ok().map(|account| account.is_guest()),
        scopes: by.scopes.clone(),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
