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
/// with each refusal, and takes its place in the order again as soon as it works. When nothing else is left, one
/// that the sign-in service refused is asked for again after five minutes at the latest, or when somebody
/// [wakes](TokenSource::wake) it; one that only Graph refused is shown to Graph at every chance, as a permission
/// may be granted at any time.
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

/// A new token, and for a delegated credential the authorization that takes the place of the one before.
type Exchanged = (AccessToken, Option<Authorization>);

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

    /// The credentials that the sync does not read with and that are due to be tried, by name: nothing else would
    /// show that one has died, and a refresh token that nobody uses ends (Microsoft identity platform, "Refresh
    /// tokens in the Microsoft identity platform"). Due at the start, then about daily; one that was refused, when
    /// its rest is over.
    pub async fn idle(&self) -> Vec<String> {
        let holders = self.holders.lock().await;
        let (now, in_use) = (Instant::now(), self.in_use());
        let is_idle = |(at, holder): &(usize, &Holder)| in_use != Some(*at) && holder.is_due(now);
        let idle = holders.iter().enumerate().filter(is_idle);
        idle.map(|(_, holder)| holder.credential.name.clone())
            .collect()
    }

    /// A new token of one idle credential, to be shown to Graph; what Graph says goes to
    /// [`accept`](Self::accept) or [`reject`](Self::reject), or to [`postpone`](Self::postpone) when it says
    /// neither. Nobody who asks for a [`token`](Self::token) waits for this.
    ///
    /// `None` when there is none: the credential was refused, which is noted, the service did not answer, or
    /// somebody has authorised or used the credential meanwhile.
    pub async fn exercise(&self, name: &str) -> Option<AccessToken> {
        let is_it = |holder: &Holder| holder.credential.name == name;
        let (credential, authorization) = {
            let holders = self.holders.lock().await;
            let holder = holders.iter().find(|holder| is_it(holder))?;
            (holder.credential.clone(), holder.authorization.clone())
        };
        let outcome = self.exchange(&credential, authorization.as_ref()).await;
        let mut holders = self.holders.lock().await;
        let holder = holders.iter_mut().find(|holder| is_it(holder))?;
        if !holder.is_authorized_by(authorization.as_ref()) {
            // What was asked with is no longer what counts, and neither is the answer.
            return None;
        }
        let token = match self.settle(holder, outcome).await {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::debug!(credential = name, %error, "an unused credential gave no token");
                None
            }
        };
        self.publish(&holders, self.in_use());
        token
    }

    /// Graph has neither accepted nor refused `token`, for it did not answer: it is asked again before long.
    pub async fn postpone(&self, token: &AccessToken) {
        let mut holders = self.holders.lock().await;
        if let Some(holder) = holders.iter_mut().find(|holder| holder.holds(token)) {
            holder.try_soon(Instant::now());
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
            self.publish(&holders, self.in_use());
        }
    }

    /// Graph has refused `token` for a reason that a new token of the same credential would not mend: the
    /// credential fails, and [`token`](Self::token) goes on with the next.
    ///
    /// Whether there is another one worth asking with. A token that has been replaced meanwhile is not touched.
    pub async fn reject(&self, token: &AccessToken, rejection: Rejection) -> bool {
        let mut holders = self.holders.lock().await;
        let now = Instant::now();
        if let Some(at) = holders.iter().position(|holder| holder.holds(token)) {
            holders[at].rejected(rejection, now);
            self.publish(&holders, self.in_use().filter(|in_use| *in_use != at));
        }
        holders.iter().any(|holder| !holder.is_resting(now))
    }

    /// Keeps the authorization of an administrator who has just signed in, and installs it. What was known of the
    /// credential before is forgotten, and it is tried at its next turn. A refresh under way is waited for, so that
    /// the outcome of the old authorization is never kept over the new one.
    ///
    /// Whether there is a delegated credential of that name.
    ///
    /// # Errors
    /// When it cannot be kept; then everything is as it was. One that is in use and forgotten at the next start
    /// would surprise.
    pub async fn authorize(
        &self,
        name: &str,
        authorization: Authorization,
    ) -> Result<bool, KeepError> {
        let mut holders = self.holders.lock().await;
        let Some(holder) = holders
            .iter_mut()
            .find(|holder| holder.credential.name == name && holder.credential.is_delegated())
        else {
            return Ok(false);
        };
        self.keep.keep(name, &authorization).await?;
        tracing::info!(
            credential = name,
            by = authorization.who(),
            "the credential was authorised"
        );
        holder.authorized(authorization);
        self.publish(&holders, None);
        Ok(true)
    }

    /// Ends the rest of every credential that was refused: somebody has asked for a pass, maybe after mending one.
    pub async fn wake(&self) {
        let now = Instant::now();
        for holder in self.holders.lock().await.iter_mut() {
            holder.end_rest(now);
        }
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
                if let Some(failure) = holder.rests_in_need(now) {
                    let name = holder.credential.name.clone();
                    refusals.insert(at, CredentialRefusal { name, failure });
                    continue;
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
        if let Some(failure) = holder.unauthorized() {
            return Err(refused(holder.credential.name.clone(), failure));
        }
        if let Some(error) = holder.quiet(Instant::now()) {
            return Err(error);
        }
        let (credential, authorization) = (&holder.credential, holder.authorization.as_ref());
        let outcome = self.exchange(credential, authorization).await;
        self.settle(holder, outcome).await
    }

    /// What an exchange says about the credential. A renewed authorization is kept before its token is used.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    async fn settle(
        &self,
        holder: &mut Holder,
        outcome: Result<Exchanged, Error>,
    ) -> Result<AccessToken, Error> {
        let name = holder.credential.name.clone();
        match outcome {
            Ok((token, renewed)) => {
                if let Some(renewed) = renewed {
                    // In memory first: should this future be dropped now, the next call keeps it.
                    holder.renewed(renewed, Instant::now());
                    self.keep_one(holder).await;
                }
                holder.take(token.clone());
                Ok(token)
            }
            Err(error) if error.is_transient() => {
                let failure = CredentialFailure::outage(&error);
                match holder.outage(failure, &error, Instant::now()) {
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
                Err(refused(name, failure))
            }
        }
    }

    /// Asks the service for a token, and for a delegated credential for a renewed authorization.
    async fn exchange(
        &self,
        credential: &Credential,
        authorization: Option<&Authorization>,
    ) -> Result<Exchanged, Error> {
        let Some(authorization) = authorization else {
            let token = self.sign_in.client_credentials(credential).await?;
            return Ok((token, None));
        };
        let (token, renewed) = self.sign_in.refresh(credential, authorization).await?;
        Ok((token, Some(renewed)))
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

    /// The place of the credential that the sync reads with.
    fn in_use(&self) -> Option<usize> {
        let reported = self.reported.lock();
        let reported = reported.unwrap_or_else(PoisonError::into_inner);
        reported.iter().position(|reported| reported.state.in_use)
    }

    fn publish(&self, holders: &[Holder], in_use: Option<usize>) {
        let reported = self.reported.lock();
        *reported.unwrap_or_else(PoisonError::into_inner) = report(holders, in_use);
    }
}

/// One credential alone was refused.
fn refused(name: String, failure: CredentialFailure) -> Error {
    Error::AllRefused(vec![CredentialRefusal { name, failure }])
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
