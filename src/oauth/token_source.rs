//! One Graph token for the whole process, from the first credential that works.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{AccessToken, Credential, CredentialRefusal, Error, SignIn};

/// How long before its end a token is replaced.
const REFRESH_MARGIN: Duration = Duration::from_secs(300);
/// How long the service is left alone after it failed to replace a token that is still good.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// Hands out a Graph token and replaces it before it ends.
///
/// Credentials are tried in the order of the configuration file, at every replacement anew, so a mended
/// first credential is used again by itself. A refusal goes on to the next; an outage does not, as it
/// says nothing about the credential.
#[derive(Debug)]
pub struct TokenSource {
    sign_in: SignIn,
    credentials: Vec<Credential>,
    /// Held while a token is fetched, so that there is one exchange at a time.
    cache: tokio::sync::Mutex<Cache>,
    /// In the order of `credentials`. A std mutex: never held across an await.
    states: Mutex<Vec<CredentialState>>,
}

/// What is known of one credential, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialState {
    /// The administrator's name for it.
    pub name: String,
    /// Whether it last yielded a token; `None` until the service has said yes or no.
    pub working: Option<bool>,
    /// Since when that is so.
    pub since: Option<Timestamp>,
    /// Why the last attempt failed, with advice.
    pub reason: Option<String>,
}

#[derive(Debug, Default)]
struct Cache {
    token: Option<AccessToken>,
    /// After a failed replacement: not to be tried again before this.
    paused_until: Option<Instant>,
}

impl Cache {
    /// The cached token, when it need not or cannot yet be replaced.
    fn usable(&self, now: Instant) -> Option<&AccessToken> {
        let token = self.token.as_ref().filter(|token| now < token.expires())?;
        // A token issued for a short time is used for half of it at least.
        let margin = REFRESH_MARGIN.min(token.lifetime() / 2);
        let is_fresh = now + margin < token.expires();
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        (is_fresh || is_paused).then_some(token)
    }
}

impl TokenSource {
    /// A source over the configured credentials; nothing is asked yet.
    pub fn new(sign_in: SignIn, credentials: Vec<Credential>) -> Self {
        let states = credentials
            .iter()
            .map(|credential| CredentialState {
                name: credential.name.clone(),
                working: None,
                since: None,
                reason: None,
            })
            .collect();
        Self {
            sign_in,
            credentials,
            cache: tokio::sync::Mutex::default(),
            states: Mutex::new(states),
        }
    }

    /// A token that is good for a while, cached or new. Cancel-safe.
    ///
    /// # Errors
    /// [`Error::AllRefused`] when no credential works, else the outage that kept the service from answering.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        let mut cache = self.cache.lock().await;
        if let Some(token) = cache.usable(Instant::now()) {
            return Ok(token.clone());
        }
        match self.fetch().await {
            Ok(token) => {
                *cache = Cache {
                    token: Some(token.clone()),
                    paused_until: None,
                };
                Ok(token)
            }
            Err(error) => {
                let now = Instant::now();
                let Some(token) = cache.token.clone().filter(|token| now < token.expires()) else {
                    return Err(error);
                };
                tracing::warn!(%error, "the Graph token could not be replaced; the old one is used to its end");
                let pause = error
                    .retry_after()
                    .unwrap_or(REFRESH_PAUSE)
                    .min(REFRESH_MARGIN);
                cache.paused_until = Some(now + pause);
                Ok(token)
            }
        }
    }

    /// Forgets a token that Graph has refused; the next [`token`](Self::token) is a new one.
    ///
    /// A token that has been replaced meanwhile is not touched.
    pub async fn invalidate(&self, refused: &AccessToken) {
        let mut cache = self.cache.lock().await;
        let is_current = cache
            .token
            .as_ref()
            .is_some_and(|token| token.secret().expose() == refused.secret().expose());
        if is_current {
            *cache = Cache::default();
        }
    }

    /// What is known of each credential, in the order of the configuration file.
    pub fn states(&self) -> Vec<CredentialState> {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks with one credential after the other.
    async fn fetch(&self) -> Result<AccessToken, Error> {
        let mut refusals = Vec::new();
        for (at, credential) in self.credentials.iter().enumerate() {
            let outcome = self.sign_in.client_credentials(credential).await;
            self.record(at, &outcome);
            match outcome {
                Ok(token) => return Ok(token),
                Err(Error::Refused(refusal)) if !refusal.is_transient() => {
                    tracing::warn!(
                        credential = credential.name,
                        codes = ?refusal.codes,
                        correlation_id = refusal.correlation_id,
                        "the credential was refused: {refusal}"
                    );
                    refusals.push(CredentialRefusal {
                        name: credential.name.clone(),
                        refusal: *refusal,
                    });
                }
                Err(outage) => return Err(outage),
            }
        }
        Err(Error::AllRefused(refusals))
    }

    fn record(&self, at: usize, outcome: &Result<AccessToken, Error>) {
        let working = match outcome {
            Ok(_) => Some(true),
            Err(error) if error.is_transient() => None,
            Err(_) => Some(false),
        };
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut states[at];
        state.reason = outcome.as_ref().err().map(Error::to_string);
        // An outage says nothing about the credential: what was known of it still holds.
        if working.is_some() && state.working != working {
            state.working = working;
            state.since = Some(Timestamp::now());
        }
    }
}

#[cfg(test)]
mod tests;
