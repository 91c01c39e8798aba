//! One Graph token for the whole process, from the first credential that works.

mod holder;
mod keep;
mod state;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::{
    AccessToken, Authorization, Credential, CredentialFailure, CredentialFault, CredentialRefusal,
    Error, SignIn,
};
use holder::Holder;
pub use keep::{Keep, KeepError, KeepNothing};
use state::Ends;
pub use state::{AuthorizedBy, CredentialState, Notice, Standing};

/// Hands out a Graph token and replaces it before it ends.
///
/// Credentials are tried in the order of the configuration file. A refusal goes on to the next at once; an
/// outage does not, as it says nothing about the credential. One that was refused rests for a while, longer
/// with each refusal, and takes its place in the order again as soon as it works; when all others are refused
/// too, it is tried without rest.
///
/// A refresh token is replaced by its successor and by nothing else: no failure deletes one.
#[derive(Debug)]
pub struct TokenSource {
    sign_in: SignIn,
    keep: Box<dyn Keep>,
    /// In the order of the file. Held while a token is fetched, so that there is one exchange at a time.
    holders: tokio::sync::Mutex<Vec<Holder>>,
    /// What [`holders`](Self::holders) last looked like. A std mutex: never held across an await.
    reported: Mutex<Vec<Reported>>,
}

/// Graph's refusal of a token, which a new token would not mend.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The class.
    pub fault: CredentialFault,
    /// What is the case and what to do, for the administrator.
    pub reason: String,
    /// What was asked for, `users` for instance: only Graph's showing that lifts a missing permission.
    pub subject: &'static str,
}

/// A state, and what its notices depend on beside the time.
#[derive(Debug)]
struct Reported {
    state: CredentialState,
    ends: Ends,
}

impl TokenSource {
    /// A source over the configured credentials; nothing is asked yet. `authorizations` are by credential name;
    /// renewed ones go to `keep`.
    pub fn new(
        sign_in: SignIn,
        credentials: Vec<Credential>,
        mut authorizations: BTreeMap<String, Authorization>,
        keep: Box<dyn Keep>,
    ) -> Self {
        let holders: Vec<Holder> = credentials
            .into_iter()
            .map(|credential| {
                let authorization = authorizations.remove(&credential.name);
                Holder::new(credential, authorization)
            })
            .collect();
        let source = Self {
            sign_in,
            keep,
            reported: Mutex::new(report(&holders, None)),
            holders: tokio::sync::Mutex::new(holders),
        };
        source.announce();
        source
    }

    /// Logs what is known to be wrong, or soon will be, before anything was asked.
    fn announce(&self) {
        for state in self.states() {
            if let Some(failure) = &state.failure {
                tracing::warn!(
                    credential = state.name,
                    "the credential cannot be used: {failure}"
                );
            }
            for notice in &state.notices {
                tracing::warn!(credential = state.name, "{notice}");
            }
        }
    }

    /// A token that is good for a while, cached or new. Cancel-safe: a refresh token that was received and not
    /// yet kept is kept next time, or the one before it still works.
    ///
    /// # Errors
    /// [`Error::AllRefused`] when no credential works, else the outage that kept the service from answering.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        let mut holders = self.holders.lock().await;
        self.keep_unkept(&mut holders).await;
        let outcome = self.first_working(&mut holders).await;
        let in_use = outcome.as_ref().ok().map(|(at, _)| *at);
        self.publish(&holders, in_use);
        outcome.map(|(_, token)| token)
    }

    /// Forgets a token that Graph has refused; the next [`token`](Self::token) is a new one.
    ///
    /// A token that has been replaced meanwhile is not touched.
    pub async fn invalidate(&self, refused: &AccessToken) {
        let mut holders = self.holders.lock().await;
        if let Some(holder) = holders.iter_mut().find(|holder| holder.holds(refused)) {
            holder.token = None;
            holder.paused_until = None;
        }
    }

    /// Graph has accepted `token` for `subject`: a credential that it had refused works again.
    pub async fn accept(&self, token: &AccessToken, subject: &'static str) {
        let mut holders = self.holders.lock().await;
        let Some(at) = holders.iter().position(|holder| holder.holds(token)) else {
            return;
        };
        if holders[at].failing.is_some() {
            holders[at].accepted(subject);
            self.publish(&holders, Some(at));
        }
    }

    /// Graph has refused `token` for a reason that a new token of the same credential would not mend: the
    /// credential fails, and [`token`](Self::token) goes on with the next.
    ///
    /// Whether there is another one worth asking with. A token that has been replaced meanwhile is not touched.
    pub async fn reject(&self, token: &AccessToken, rejection: Rejection) -> bool {
        let mut holders = self.holders.lock().await;
        let now = Instant::now();
        if let Some(holder) = holders.iter_mut().find(|holder| holder.holds(token)) {
            holder.rejected(rejection, now);
            self.publish(&holders, None);
        }
        holders.iter().any(|holder| !holder.is_resting(now))
    }

    /// Installs the authorization of an administrator who has just signed in, which the caller has stored. What
    /// was known of the credential before is forgotten, and it is tried at its next turn.
    ///
    /// Whether there is a delegated credential of that name.
    pub async fn authorize(&self, name: &str, authorization: Authorization) -> bool {
        let mut holders = self.holders.lock().await;
        let Some(holder) = holders
            .iter_mut()
            .find(|holder| holder.credential.name == name && holder.credential.is_delegated())
        else {
            return false;
        };
        tracing::info!(
            credential = name,
            by = authorization.who(),
            "the credential was authorised"
        );
        holder.authorized(authorization);
        self.publish(&holders, None);
        true
    }

    /// What is known of each credential, in the order of the configuration file.
    pub fn states(&self) -> Vec<CredentialState> {
        let reported = self.reported.lock();
        let reported = reported.unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        let state = |reported: &Reported| {
            let state = reported.state.clone();
            CredentialState {
                notices: reported.ends.notices(&state.name, now),
                ..state
            }
        };
        reported.iter().map(state).collect()
    }

    /// The place of the first credential that works, and its token.
    async fn first_working(&self, holders: &mut [Holder]) -> Result<(usize, AccessToken), Error> {
        let now = Instant::now();
        let mut refusals = BTreeMap::new();
        let is_resting: Vec<bool> = holders.iter().map(|each| each.is_resting(now)).collect();
        // Those that rest come last, and only when nothing else is left.
        for rests in [false, true] {
            for at in (0..holders.len()).filter(|at| is_resting[*at] == rests) {
                let holder = &mut holders[at];
                if let Some(token) = holder.usable(now) {
                    return Ok((at, token.clone()));
                }
                let was_failing = holder.failing.is_some();
                match self.renew(holder).await {
                    Ok(token) => return Ok((at, token)),
                    Err(Error::AllRefused(refused)) => {
                        refusals.extend(refused.into_iter().map(|refusal| (at, refusal)));
                    }
                    // It was refused before, so it is no outage that keeps the others from being asked.
                    Err(_) if was_failing && has_other(holders, at, now) => {}
                    Err(outage) => return Err(outage),
                }
            }
        }
        Err(Error::AllRefused(refusals.into_values().collect()))
    }

    /// A new token of one credential, or during an outage the old one while it is good.
    ///
    /// # Errors
    /// [`Error::AllRefused`] with this credential alone, or an outage.
    async fn renew(&self, holder: &mut Holder) -> Result<AccessToken, Error> {
        let name = holder.credential.name.clone();
        let refused = |failure| {
            let name = name.clone();
            Err(Error::AllRefused(vec![CredentialRefusal { name, failure }]))
        };
        if let Some(failure) = holder.unauthorized() {
            return refused(failure);
        }
        match self.exchange_for(holder).await {
            Ok(token) => {
                holder.take(token.clone());
                Ok(token)
            }
            Err(error) if error.is_transient() => {
                let failure = CredentialFailure::outage(&error);
                match holder.outage(failure, error.retry_after(), Instant::now()) {
                    Some(token) => {
                        tracing::warn!(credential = name, %error, "the Graph token could not be replaced; the old one is used to its end");
                        Ok(token)
                    }
                    None => Err(error),
                }
            }
            Err(error) => {
                let is_delegated = holder.credential.is_delegated();
                let failure = match error.refusal() {
                    Some(refusal) => CredentialFailure::refused(refusal, &name, is_delegated),
                    None => CredentialFailure::unusable(&error),
                };
                holder.refused(failure.clone(), Instant::now());
                refused(failure)
            }
        }
    }

    /// Asks the service, and keeps a renewed authorization before its token is used.
    async fn exchange_for(&self, holder: &mut Holder) -> Result<AccessToken, Error> {
        let Some(authorization) = &holder.authorization else {
            return self.sign_in.client_credentials(&holder.credential).await;
        };
        let (token, renewed) = self
            .sign_in
            .refresh(&holder.credential, authorization)
            .await?;
        // In memory first: should this future be dropped now, the next call keeps it.
        holder.renewed(renewed, Instant::now());
        self.keep_one(holder).await;
        Ok(token)
    }

    async fn keep_unkept(&self, holders: &mut [Holder]) {
        for holder in holders {
            self.keep_one(holder).await;
        }
    }

    /// Makes an authorization durable that is not yet.
    async fn keep_one(&self, holder: &mut Holder) {
        let now = Instant::now();
        let Some(authorization) = holder.to_keep(now) else {
            return;
        };
        let name = &holder.credential.name;
        match self.keep.keep(name, authorization).await {
            Ok(()) => holder.unkept = None,
            Err(error) => {
                tracing::error!(
                    credential = name,
                    %error,
                    "the renewed authorisation could not be stored; it is used from memory and stored later: \
                     check the disk"
                );
                holder.keep_later(now);
            }
        }
    }

    fn publish(&self, holders: &[Holder], in_use: Option<usize>) {
        let reported = self.reported.lock();
        *reported.unwrap_or_else(PoisonError::into_inner) = report(holders, in_use);
    }
}

/// Whether another credential than the one at `at` holds a token or has not been refused.
fn has_other(holders: &[Holder], at: usize, now: Instant) -> bool {
    let is_other = |(other, holder): (usize, &Holder)| other != at && !holder.is_resting(now);
    holders.iter().enumerate().any(is_other)
}

fn report(holders: &[Holder], in_use: Option<usize>) -> Vec<Reported> {
    let each = |(at, holder): (usize, &Holder)| {
        let refused = holder.failing.as_ref().map(|failing| &failing.failure);
        let failure = refused.or(holder.outage.as_ref()).cloned();
        let state = CredentialState {
            standing: holder.standing,
            since: holder.since,
            failure: failure.or_else(|| holder.unauthorized()),
            authorized_by: holder.authorization.as_ref().map(AuthorizedBy::of),
            in_use: in_use == Some(at),
            ..CredentialState::untried(&holder.credential)
        };
        Reported {
            state,
            ends: Ends::of(&holder.credential, holder.authorization.as_ref()),
        }
    };
    holders.iter().enumerate().map(each).collect()
}

#[cfg(test)]
mod tests;
