//! `ldap365 authorize NAME`: an administrator signs in once, and the sync goes on with that.

mod browser;
mod loopback;

use std::fmt;
use std::io;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use super::output::Output;
use crate::admin::finding::Finding;
use crate::app::authorize::{self, Keeper};
use crate::config::Config;
use crate::oauth::{self, Authorization, AuthorizeError, Credential, SignIn};

/// How long a browser may take to come back.
const BROWSER_PATIENCE: Duration = Duration::from_secs(600);

/// Which credential, and how to sign in.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The name of a [[credential]] of kind "delegated"
    pub name: String,

    /// Sign in with a browser on this machine, instead of with a code on any
    #[arg(long)]
    pub browser: bool,

    /// Ask for Member.Read.Hidden, too: the members of groups that hide them
    #[arg(long)]
    pub hidden_members: bool,
}

/// Why nobody was authorised. What was stored before stays.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such credential.
    #[error(
        "there is no [[credential]] named \"{name}\"{}",
        list(delegated, ": delegated ones are ", ", and none of kind \"delegated\"")
    )]
    Unknown {
        /// As given.
        name: String,
        /// The names that would do.
        delegated: Vec<String>,
    },
    /// The app signs in by itself there.
    #[error(
        "credential \"{name}\" is of kind \"{kind}\", for which nobody signs in{}",
        list(delegated, ": delegated ones are ", "; `ldap365 check` tries it")
    )]
    NotDelegated {
        /// As given.
        name: String,
        /// Its kind.
        kind: &'static str,
        /// The names that would do.
        delegated: Vec<String>,
    },
    /// The sign-in did not come to a good end.
    #[error(transparent)]
    SignIn(#[from] AuthorizeError),
    /// The sign-in could not be started.
    #[error(transparent)]
    Start(#[from] oauth::Error),
    /// No browser can come back to this machine.
    #[error(
        "cannot listen on 127.0.0.1 for the browser to come back to; leave out --browser to sign in with a code"
    )]
    Listen(#[source] io::Error),
    /// Nobody came back.
    #[error(
        "no browser came back within {} minutes; start again, or leave out --browser to sign in with a code", patience.as_secs() / 60
    )]
    TimedOut {
        /// How long it was waited for.
        patience: Duration,
    },
    /// The sign-in went well, and its outcome can be kept nowhere.
    #[error("the authorisation cannot be kept")]
    Deliver(#[from] authorize::Error),
}

fn list(names: &[String], before: &str, otherwise: &str) -> String {
    match names {
        [] => otherwise.to_owned(),
        names => format!("{before}{}", names.join(", ")),
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Authorized {
    event: &'static str,
    credential: String,
    /// The name they signed in with, or else the object id.
    authorized_by: String,
    object_id: Uuid,
    tenant_id: Uuid,
    scopes: Vec<String>,
    /// Whether a daemon runs that uses it already.
    in_use: bool,
    findings: Vec<Finding>,
}

/// Has somebody sign in, keeps the outcome, and shows what it is good for.
pub(super) async fn run(
    config: &Config,
    options: &Options,
    output: &mut Output,
) -> Result<(), super::Error> {
    let credential = find(&config.credentials, &options.name)?;
    let sign_in = authorize::sign_in(config)?;
    authorize::prepare(config, credential)
        .await
        .map_err(Error::from)?;
    let scopes = sign_in.scopes(options.hidden_members);
    let authorization = match options.browser {
        true => browser::sign_in(&sign_in, credential, &scopes, BROWSER_PATIENCE, output).await?,
        false => by_code(&sign_in, credential, &scopes, output).await?,
    };
    let delivered = authorize::deliver(config, credential, &authorization).await;
    let keeper = delivered.map_err(Error::from)?;
    let done = Authorized {
        event: "authorized",
        credential: credential.name.clone(),
        authorized_by: authorization.who(),
        object_id: authorization.oid,
        tenant_id: authorization.tid,
        scopes: authorization.scopes.clone(),
        in_use: keeper == Keeper::Daemon,
        findings: authorize::findings(config, credential, authorization).await,
    };
    output.show(&done, &done)?;
    match done.findings.iter().any(Finding::is_failed) {
        true => Err(super::Error::CheckFailed),
        false => Ok(()),
    }
}

fn find<'a>(credentials: &'a [Credential], name: &str) -> Result<&'a Credential, Error> {
    let delegated = || {
        let delegated = credentials.iter().filter(|each| each.is_delegated());
        delegated.map(|each| each.name.clone()).collect()
    };
    match credentials.iter().find(|each| each.name == name) {
        Some(credential) if credential.is_delegated() => Ok(credential),
        Some(credential) => Err(Error::NotDelegated {
            name: name.to_owned(),
            kind: credential.kind(),
            delegated: delegated(),
        }),
        None => Err(Error::Unknown {
            name: name.to_owned(),
            delegated: delegated(),
        }),
    }
}

/// Somebody types a code into a browser anywhere. Microsoft's own words are shown as they are.
async fn by_code(
    sign_in: &SignIn,
    credential: &Credential,
    scopes: &[String],
    output: &mut Output,
) -> Result<Authorization, super::Error> {
    let device = sign_in.device_code(credential, scopes).await;
    let device = device.map_err(Error::Start)?;
    let event = json!({
        "event": "device-code",
        "user_code": device.user_code,
        "verification_uri": device.verification_uri,
        "message": device.message,
    });
    output.tell(&event, &device.message)?;
    let authorization = sign_in.await_device(credential, device).await;
    Ok(authorization.map_err(Error::SignIn)?)
}

impl fmt::Display for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let use_of_it = match self.in_use {
            true => "the running daemon uses it from now on",
            false => "the daemon uses it once it is started",
        };
        write!(
            f,
            "{} signed in for credential {}: {use_of_it}\ngranted: {}",
            self.authorized_by,
            self.credential,
            self.scopes.join(" ")
        )?;
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::oauth::{Grant, Proof};
    use crate::secret::Secret;

    fn credential(name: &str, grant: Grant) -> Credential {
        Credential {
            name: name.to_owned(),
            client_id: "app".to_owned(),
            grant,
        }
    }

    #[test]
    fn only_a_delegated_credential_is_found_and_others_are_told_of_it() {
        let proof = Proof::Secret(Arc::new(Secret::new("s".to_owned())));
        let app = credential("primary", Grant::App(proof));
        let credentials = [app.clone(), credential("backup", Grant::Delegated(None))];
        assert_eq!(find(&credentials, "backup").unwrap().name, "backup");
        let of =
            |credentials: &[Credential], name| find(credentials, name).unwrap_err().to_string();
        assert_eq!(
            of(&credentials, "primary"),
            "credential \"primary\" is of kind \"secret\", for which nobody signs in: delegated ones are backup"
        );
        assert_eq!(
            of(&credentials, "bakup"),
            "there is no [[credential]] named \"bakup\": delegated ones are backup"
        );
        assert_eq!(
            of(&[app], "backup"),
            "there is no [[credential]] named \"backup\", and none of kind \"delegated\""
        );
    }
}
