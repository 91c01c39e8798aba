//! `ldap365 check`: everything that can be tried without changing anything, each with what to do about it.
//!
//! [`access`] turns what was seen of a credential into findings, [`credential`] goes and sees.

pub(crate) mod access;
pub(crate) mod credential;
mod files;
pub mod groups;
mod tls;

use jiff::Timestamp;

use crate::admin::client::{self, Client};
use crate::admin::finding::Finding;
use crate::config::Config;
use crate::directory::GroupKind;
use crate::oauth::Credential;

/// Tries everything in turn; `found` is told of each as it is known. Whether nothing failed.
pub async fn check(config: &Config, mut found: impl FnMut(&Finding)) -> bool {
    let mut is_sound = true;
    let mut note = |finding: Finding| {
        is_sound &= !finding.is_failed();
        found(&finding);
    };
    note(Finding::ok(
        "configuration",
        format!("{} is complete", config.file.display()),
    ));
    files::check(config).into_iter().for_each(&mut note);
    note(tls::check(&config.ldap, Timestamp::now()));
    note(password_binds(config));
    for credential in &config.credentials {
        for finding in one_credential(config, credential).await {
            note(finding);
        }
    }
    if let Some(finding) = open_kinds(config) {
        note(finding);
    }
    is_sound
}

/// An authorisation never leaves the daemon that holds it, so the daemon tries it itself.
async fn one_credential(config: &Config, credential: &Credential) -> Vec<Finding> {
    if !credential.is_delegated() {
        return credential::check_credential(config, credential, None).await;
    }
    let daemon = Client::new(&config.admin.socket);
    match daemon.check_credential(&credential.name).await {
        Ok(findings) => findings,
        Err(client::Error::NoDaemon { .. }) => credential::check_stored(config, credential).await,
        Err(error) => {
            let subject = format!("credential {}: authorisation", credential.name);
            vec![Finding::failed(subject, error.to_string())]
        }
    }
}

fn password_binds(config: &Config) -> Finding {
    match &config.auth.client_id {
        Some(_) => Finding::ok(
            "passwords",
            "the tenant is to check people's passwords (auth.client_id is set); whether it accepts the app is not tried",
        ),
        None => Finding::warning(
            "passwords",
            "auth.client_id is not set: nobody can bind with a password of the tenant, only service accounts",
        ),
    }
}

/// Kinds of groups that everybody in a tenant may create unless that was turned off. Asking whether it was would take
/// a permission (Policy.Read.All) that the sync has no other use for, so this is advice and no warning.
fn open_kinds(config: &Config) -> Option<Finding> {
    let kinds = &config.sync.rules.group_kinds;
    let open = [GroupKind::Microsoft365, GroupKind::Security];
    let imported = open.iter().filter(|kind| kinds.contains(kind));
    let imported: Vec<&str> = imported.map(|kind| kind.as_str()).collect();
    let detail = format!(
        "groups of kind {} are imported, which every member of a tenant can create unless that was turned off; hosts \
         grant rights by group name (sudoers), so turn it off (Microsoft Entra ID, \"Groups\", \"General\"), or leave \
         the kind out of sync.group_kinds",
        imported.join(" and ")
    );
    (!imported.is_empty()).then(|| Finding::ok("group kinds", detail))
}
