//! One credential with its token: when the token is replaced, and when a failed credential is tried again.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Rejection;
use super::state::Standing;
use crate::oauth::{
    AccessToken, Authorization, Credential, CredentialFailure, CredentialFault, Error,
};

/// How long before its end a token is replaced.
pub(super) const REFRESH_MARGIN: Duration = Duration::from_secs(300);
/// How long the service is left alone after it failed to replace a token that is still good.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// How long a credential that was refused rests before it is tried again; doubles with each refusal.
const REST_FIRST: Duration = Duration::from_secs(300);
/// The longest such rest.
const REST_MAX: Duration = Duration::from_secs(3600);
/// How long to wait before an authorization that could not be kept is given to the keeper again.
const KEEP_PAUSE: Duration = Duration::from_secs(30);

/// The longest time the service is left alone at its own word.
const QUIET_MAX: Duration = Duration::from_secs(3600);
/// How long a credential may go untried while the sync reads with another.
const IDLE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long to wait before an idle credential is tried again that got no answer.
const IDLE_PAUSE: Duration = Duration::from_secs(900);

/// One credential, what it needs and what it has yielded.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) credential: Credential,
    /// Of a delegated credential, once somebody has signed in for it.
    pub(super) authorization: Option<Authorization>,
    /// While the authorization is not durable: when to try to keep it (again).
    pub(super) unkept: Option<Instant>,
    pub(super) token: Option<AccessToken>,
    /// After a failed replacement of a token that is still good: not to be tried again before this.
    pub(super) paused_until: Option<Instant>,
    pub(super) failing: Option<Failing>,
    /// What is reported, and logged when it changes.
    pub(super) standing: Standing,
    pub(super) since: Option<Timestamp>,
    /// What kept the service from answering last time.
    pub(super) outage: Option<CredentialFailure>,
    /// Until when the service wants to be left alone.
    quiet: Option<Quiet>,
    /// When it is to be tried even though the sync reads with another.
    due: Instant,
}

/// A credential that was refused.
#[derive(Debug)]
pub(super) struct Failing {
    pub(super) failure: CredentialFailure,
    /// What Graph refused to a token that the sign-in service had issued: such a credential works again only
    /// when Graph says so.
    rejected: Option<&'static str>,
    rest: Duration,
    /// When it was refused last.
    tried: Instant,
    /// When it is tried again.
    due: Instant,
}

/// The sign-in service has said how long to leave it alone.
#[derive(Clone, Copy, Debug)]
struct Quiet {
    until: Instant,
    /// The HTTP status of an outage; `None` for too many requests.
    status: Option<u16>,
}

impl Holder {
    pub(super) fn new(credential: Credential, authorization: Option<Authorization>) -> Self {
        let mut holder = Self {
            // Left over from a time when the credential was of another kind, it is none of its business.
            authorization: authorization.filter(|_| credential.is_delegated()),
            credential,
            unkept: None,
            token: None,
            paused_until: None,
            failing: None,
            standing: Standing::Untried,
            since: None,
            outage: None,
            quiet: None,
            due: Instant::now(),
        };
        if holder.unauthorized().is_some() {
            holder.standing = Standing::NotAuthorized;
        }
        holder
    }

    /// The token at hand, when it need not or cannot yet be replaced.
    pub(super) fn usable(&self, now: Instant) -> Option<&AccessToken> {
        let token = self.token.as_ref().filter(|token| now < token.expires())?;
        // A token issued for a short time is used for half of it at least.
        let margin = REFRESH_MARGIN.min(token.lifetime() / 2);
        let is_fresh = now + margin < token.expires();
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        (is_fresh || is_paused).then_some(token)
    }

    /// Why no token can be asked for: nobody has signed in, or for another app registration.
    pub(super) fn unauthorized(&self) -> Option<CredentialFailure> {
        if !self.credential.is_delegated() {
            return None;
        }
        let reason = match &self.authorization {
            None => "not authorised yet",
            Some(authorization) if authorization.client_id != self.credential.client_id => {
                "authorised for another client_id"
            }
            Some(_) => return None,
        };
        let name = &self.credential.name;
        Some(CredentialFailure::not_authorized(name, reason))
    }

    /// Whether it was refused not long ago, or cannot be tried at all.
    pub(super) fn is_resting(&self, now: Instant) -> bool {
        let rests = |failing: &Failing| now < failing.due;
        self.unauthorized().is_some() || self.failing.as_ref().is_some_and(rests)
    }

    /// Why it is not tried yet, even if nothing else is left.
    pub(super) fn rests_in_need(&self, now: Instant) -> Option<CredentialFailure> {
        let failing = self.failing.as_ref()?;
        let due = failing.due.min(failing.tried + REST_FIRST);
        let rests = failing.rejected.is_none() && now < due;
        rests.then(|| failing.failure.clone())
    }

    /// The error that the service answered with when it asked to be left alone, while that lasts.
    pub(super) fn quiet(&self, now: Instant) -> Option<Error> {
        let quiet = self.quiet.filter(|quiet| now < quiet.until)?;
        let retry_after = Some(quiet.until - now);
        Some(match quiet.status {
            None => Error::Throttled { retry_after },
            Some(status) => Error::Outage {
                status,
                retry_after,
            },
        })
    }

    /// Whether an idle credential is to be tried.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_over = match &self.failing {
            Some(failing) => failing.due.max(self.due) <= now,
            None => self.due <= now,
        };
        is_over && self.unauthorized().is_none()
    }

    /// An idle credential got no answer.
    pub(super) fn try_soon(&mut self, now: Instant) {
        self.due = now + IDLE_PAUSE;
    }

    /// Whether `authorization` is still the one that counts.
    pub(super) fn is_authorized_by(&self, authorization: Option<&Authorization>) -> bool {
        match (&self.authorization, authorization) {
            (Some(own), Some(other)) => own.refresh_token.expose() == other.refresh_token.expose(),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// Whether the credential holds `token`.
    pub(super) fn holds(&self, token: &AccessToken) -> bool {
        self.token.as_ref().is_some_and(|own| own.is(token))
    }

    /// Takes a new token. A credential that Graph had refused is on trial until Graph accepts it.
    pub(super) fn take(&mut self, token: AccessToken) {
        self.token = Some(token);
        self.paused_until = None;
        self.outage = None;
        self.quiet = None;
        self.due = Instant::now() + IDLE_MAX;
        let is_on_trial = |failing: &Failing| failing.rejected.is_some();
        if !self.failing.as_ref().is_some_and(is_on_trial) {
            self.works();
        }
    }

    /// Graph accepted the token for `subject`.
    pub(super) fn accepted(&mut self, subject: &str) {
        let lifts = |failing: &Failing| match failing.rejected {
            // One collection may be readable while another is not.
            Some(rejected) if failing.failure.fault == CredentialFault::PermissionMissing => {
                rejected == subject
            }
            Some(_) => true,
            None => false,
        };
        if self.failing.as_ref().is_some_and(lifts) {
            self.works();
        }
    }

    fn works(&mut self) {
        if self.standing == Standing::Failing {
            tracing::info!(
                credential = self.credential.name,
                "the credential works again"
            );
        }
        self.failing = None;
        self.stand(Standing::Working);
    }

    /// The sign-in service refused the credential.
    pub(super) fn refused(&mut self, failure: CredentialFailure, now: Instant) {
        self.fail(failure, None, now);
    }

    /// Graph refused the token for good.
    pub(super) fn rejected(&mut self, rejection: Rejection, now: Instant) {
        let failure = CredentialFailure {
            fault: rejection.fault,
            codes: Vec::new(),
            reason: rejection.reason,
            advice: String::new(),
            correlation_id: None,
        };
        self.fail(failure, Some(rejection.subject), now);
    }

    fn fail(&mut self, failure: CredentialFailure, rejected: Option<&'static str>, now: Instant) {
        let rest = match &self.failing {
            Some(failing) => (failing.rest * 2).min(REST_MAX),
            None => REST_FIRST,
        };
        let is_news = self
            .failing
            .as_ref()
            .is_none_or(|failing| failing.failure.fault != failure.fault);
        if is_news {
            tracing::warn!(
                credential = self.credential.name,
                fault = failure.fault.name(),
                codes = ?failure.codes,
                "the credential fails: {failure}"
            );
        }
        // From now on its rest says when.
        self.due = now;
        // Its rights may change before it ends; what was refused is not used again.
        self.token = None;
        self.paused_until = None;
        self.outage = None;
        self.failing = Some(Failing {
            failure,
            rejected,
            rest,
            tried: now,
            due: now + rest,
        });
        self.stand(Standing::Failing);
    }

    /// The service did not answer. A token that is still good is used to its end, and the service left alone
    /// for a while; a credential that was refused before rests on.
    pub(super) fn outage(
        &mut self,
        failure: CredentialFailure,
        error: &Error,
        now: Instant,
    ) -> Option<AccessToken> {
        let told = error.retry_after();
        self.quiet = told.map(|wait| Quiet {
            until: now + wait.min(QUIET_MAX),
            status: match error {
                Error::Outage { status, .. } => Some(*status),
                _ => None,
            },
        });
        if let Some(failing) = &mut self.failing {
            failing.due = now + failing.rest;
        }
        self.outage = Some(failure);
        self.try_soon(now);
        let token = self.token.clone().filter(|token| now < token.expires())?;
        let pause = told.unwrap_or(REFRESH_PAUSE).min(REFRESH_MARGIN);
        self.paused_until = Some(now + pause);
        Some(token)
    }

    /// Somebody has signed in: whatever was known of the credential before is void.
    pub(super) fn authorized(&mut self, authorization: Authorization) {
        *self = Self::new(self.credential.clone(), Some(authorization));
    }

    /// A renewed authorization takes the place of the old one, and is to be kept at once.
    pub(super) fn renewed(&mut self, authorization: Authorization, now: Instant) {
        self.authorization = Some(authorization);
        self.unkept = Some(now);
    }

    /// The authorization that is to be kept now.
    pub(super) fn to_keep(&self, now: Instant) -> Option<&Authorization> {
        let is_due = self.unkept.is_some_and(|due| due <= now);
        self.authorization.as_ref().filter(|_| is_due)
    }

    /// The authorization could not be kept; it is tried again later.
    pub(super) fn keep_later(&mut self, now: Instant) {
        self.unkept = Some(now + KEEP_PAUSE);
    }

    /// Makes a rest end now.
    pub(super) fn end_rest(&mut self, now: Instant) {
        if let Some(failing) = &mut self.failing {
            failing.due = now;
        }
    }

    fn stand(&mut self, standing: Standing) {
        if self.standing != standing {
            self.standing = standing;
            self.since = Some(Timestamp::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{Grant, Proof};
    use crate::secret::Secret;

    fn holder(token: Option<AccessToken>) -> Holder {
        let secret = Secret::new("s3cret".to_owned());
        let credential = Credential {
            name: "primary".to_owned(),
            client_id: "app".to_owned(),
            grant: Grant::App(Proof::Secret(secret.into())),
        };
        let mut holder = Holder::new(credential, None);
        holder.token = token;
        holder
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn denied(subject: &'static str) -> Rejection {
        Rejection {
            fault: CredentialFault::PermissionMissing,
            reason: "denied".to_owned(),
            subject,
        }
    }

    #[test]
    fn token_is_replaced_before_its_end_but_not_while_paused() {
        let now = Instant::now();
        let mut holder = holder(Some(AccessToken::of_lifetime("t", now, 3600)));
        assert!(holder.usable(now + seconds(3200)).is_some());
        assert!(holder.usable(now + seconds(3400)).is_none());
        holder.paused_until = Some(now + seconds(3500));
        assert!(holder.usable(now + seconds(3400)).is_some());
        assert!(holder.usable(now + seconds(3601)).is_none());
    }

    #[test]
    fn short_lived_token_is_used_for_half_its_life() {
        let now = Instant::now();
        let holder = holder(Some(AccessToken::of_lifetime("t", now, 60)));
        assert!(holder.usable(now + seconds(20)).is_some());
        assert!(holder.usable(now + seconds(40)).is_none());
    }

    #[test]
    fn refused_credential_rests_five_minutes_and_ever_longer_up_to_an_hour() {
        let now = Instant::now();
        let mut holder = holder(None);
        let mut rests = Vec::new();
        for _ in 0..6 {
            holder.rejected(denied("users"), now);
            let due = holder.failing.as_ref().unwrap().due;
            assert!(holder.is_resting(due - seconds(1)) && !holder.is_resting(due));
            rests.push((due - now).as_secs() / 60);
        }
        assert_eq!(rests, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn credential_denied_one_collection_works_again_once_graph_shows_that_one() {
        let now = Instant::now();
        let mut holder = holder(None);
        holder.rejected(denied("groups"), now);
        holder.take(AccessToken::of_lifetime("t", now, 3600));
        assert_eq!(holder.standing, Standing::Failing);
        holder.accepted("users");
        assert_eq!(holder.standing, Standing::Failing);
        holder.accepted("groups");
        assert_eq!(holder.standing, Standing::Working);
    }
}
