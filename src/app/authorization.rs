//! The administrators' authorisations: in the vault of the store, and in the hands of the token source.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tracing::warn;

use super::keeper::{Keeper, blocking};
use super::report::with_causes;
use crate::config::Config;
use crate::oauth::{Authorization, AuthorizationError, Credential, Keep, KeepError};
use crate::store::{self, Store};

/// Authorisations by the names of their credentials.
pub(crate) type Authorizations = BTreeMap<String, Authorization>;

/// Why the authorisation of one credential cannot be used. The credential counts as not authorised, and everything
/// else goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The vault did not give it out.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It is none.
    #[error(transparent)]
    Unreadable(#[from] AuthorizationError),
}

/// Stores renewed authorisations where they came from.
pub(crate) struct Vault(pub Arc<Keeper>);

/// The name of a credential's authorisation in the vault.
fn place(credential: &str) -> String {
    format!("authorization/{credential}")
}

/// The authorisations of every delegated credential that has one. What cannot be used is logged and left out.
pub(crate) async fn load(config: &Config, keeper: &Keeper) -> Authorizations {
    let mut found = Authorizations::new();
    for credential in delegated(config) {
        note(&mut found, credential, find(keeper, &credential.name).await);
    }
    found
}

/// The same from a store that no daemon has open.
pub(crate) async fn load_offline(config: &Config) -> Authorizations {
    let mut found = Authorizations::new();
    for credential in delegated(config) {
        let authorization = find_offline(config, &credential.name).await;
        note(&mut found, credential, authorization);
    }
    found
}

/// Makes sure, in a store that no daemon has open, that an authorisation of the credential could be kept.
pub(crate) async fn ready_offline(config: &Config, credential: &str) -> Result<(), store::Error> {
    let (data_dir, tenant) = (config.data_dir.clone(), config.oauth.tenant.clone());
    let place = place(credential);
    blocking(move || {
        let store = Store::open(&data_dir)?;
        store.bind_tenant(&tenant)?;
        store.ready_vault(Some(&place))
    })
    .await
}

/// Makes the key of the vault, where a credential will need one. A key that cannot be used is logged, and everything
/// else goes on.
pub(crate) async fn ready(config: &Config, keeper: &Keeper) {
    if delegated(config).next().is_none() {
        return;
    }
    if let Err(error) = keeper.with_store(|store| store.ready_vault(None)).await {
        warn!("authorisations cannot be kept: {}", with_causes(&error));
    }
}

fn note(
    found: &mut Authorizations,
    credential: &Credential,
    authorization: Result<Option<Authorization>, Error>,
) {
    let name = &credential.name;
    match authorization {
        Ok(Some(authorization)) => {
            found.insert(name.clone(), authorization);
        }
        Ok(None) => {}
        Err(error) => {
            warn!(
                credential = name,
                "not authorised: {error}; run `ldap365 authorize {name}`"
            );
        }
    }
}

/// The authorisation of one credential, as it is in the store.
pub(crate) async fn find(
    keeper: &Keeper,
    credential: &str,
) -> Result<Option<Authorization>, Error> {
    let place = place(credential);
    let unsealed = keeper.with_store(move |store| store.unseal(&place)).await?;
    Ok(unsealed
        .map(|bytes| Authorization::from_bytes(&bytes))
        .transpose()?)
}

/// Makes an authorisation durable.
pub(crate) async fn keep(
    keeper: &Keeper,
    credential: &str,
    authorization: &Authorization,
) -> Result<(), store::Error> {
    let (place, bytes) = (place(credential), authorization.to_bytes());
    keeper
        .with_store(move |store| store.seal(&place, &bytes))
        .await
}

/// What a store that no daemon has open holds for a credential.
pub(crate) async fn find_offline(
    config: &Config,
    credential: &str,
) -> Result<Option<Authorization>, Error> {
    let (data_dir, place) = (config.data_dir.clone(), place(credential));
    blocking(move || {
        if !store::exists(&data_dir)? {
            return Ok(None);
        }
        let unsealed = Store::open(&data_dir)?.unseal(&place)?;
        Ok(unsealed
            .map(|bytes| Authorization::from_bytes(&bytes))
            .transpose()?)
    })
    .await
}

/// Makes an authorisation durable in a store that no daemon has open.
pub(crate) async fn keep_offline(
    config: &Config,
    credential: &str,
    authorization: &Authorization,
) -> Result<(), store::Error> {
    let (place, bytes) = (place(credential), authorization.to_bytes());
    let (data_dir, tenant) = (config.data_dir.clone(), config.oauth.tenant.clone());
    blocking(move || {
        let store = Store::open(&data_dir)?;
        store.bind_tenant(&tenant)?;
        store.seal(&place, &bytes)
    })
    .await
}

/// The credentials that need an administrator to sign in.
pub(crate) fn delegated(config: &Config) -> impl Iterator<Item = &Credential> {
    let credentials = config.credentials.iter();
    credentials.filter(|credential| credential.is_delegated())
}

impl Keep for Vault {
    fn keep<'a>(
        &'a self,
        name: &'a str,
        authorization: &'a Authorization,
    ) -> Pin<Box<dyn Future<Output = Result<(), KeepError>> + Send + 'a>> {
        Box::pin(async move { Ok(keep(&self.0, name, authorization).await?) })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}
