//! `ldap365 authorize`: what it needs beside the sign-in itself, and where its outcome goes.

use super::authorization::{keep_offline, ready_offline};
use super::check::credential::check_credential;
use crate::admin::client::{self, Client};
use crate::admin::finding::Finding;
use crate::config::Config;
use crate::oauth::{self, Authorization, Credential, SignIn};
use crate::store;

/// Who keeps the authorisation, and will use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The running daemon, from now on.
    Daemon,
    /// The store; the daemon will, once it is started.
    Store,
}

/// Why an authorisation cannot be delivered. The administrator must act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The running daemon did not take it.
    #[error(transparent)]
    Daemon(#[from] client::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The sign-in service of the configured tenant; nothing is asked yet.
pub fn sign_in(config: &Config) -> Result<SignIn, super::Error> {
    let http = oauth::http::client(&config.oauth)?;
    Ok(SignIn::new(&config.oauth, http))
}

/// Makes sure that an authorisation could be delivered, before anybody takes the trouble to sign in.
pub async fn prepare(config: &Config, credential: &Credential) -> Result<(), Error> {
    match Client::new(&config.admin.socket).status().await {
        Ok(_) => return Ok(store::check_vault_key(&config.data_dir)?),
        Err(client::Error::NoDaemon { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(ready_offline(config, &credential.name).await?)
}

/// Gives the authorisation to the running daemon, or puts it into the store when none runs. It is durable afterwards.
pub async fn deliver(
    config: &Config,
    credential: &Credential,
    authorization: &Authorization,
) -> Result<Keeper, Error> {
    let daemon = Client::new(&config.admin.socket);
    let bytes = authorization.to_bytes();
    match daemon.authorize(&credential.name, &bytes).await {
        Ok(()) => Ok(Keeper::Daemon),
        Err(client::Error::NoDaemon { .. }) => {
            keep_offline(config, &credential.name, authorization).await?;
            Ok(Keeper::Store)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the new authorisation is good for: roles, scopes, and what can be read with it.
pub async fn findings(
    config: &Config,
    credential: &Credential,
    authorization: Authorization,
) -> Vec<Finding> {
    check_credential(config, credential, Some(authorization)).await
}
