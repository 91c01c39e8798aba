//! Device code: the administrator enters a short code in a browser anywhere (RFC 8628).
//!
//! The `oauth2` crate would poll by itself, and lose the AADSTS codes on the way; so the two requests are
//! made here.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::AuthorizeError;
use crate::oauth::exchange::TokenAnswer;
use crate::oauth::sign_in::TOKEN_TIMEOUT;
use crate::oauth::{Authorization, Credential, Error, Refusal, SignIn};
use crate::secret::Secret;

/// `grant_type` of a device code (RFC 8628 §3.4).
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The wait between two polls when the service names none (RFC 8628 §3.2).
const INTERVAL_DEFAULT: u64 = 5;
/// The longest wait between two polls that the service may ask for, in seconds; also the shortest is one.
const INTERVAL_MAX: u64 = 60;
/// The longest life of a code that is believed, in seconds; Microsoft's live for 15 minutes.
const LIFETIME_MAX: u64 = 24 * 3600;
/// What `slow_down` adds to it (RFC 8628 §3.5).
const INTERVAL_STEP: Duration = Duration::from_secs(5);

/// A sign-in that waits for somebody to enter a code. `Debug` does not show the device's own code.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// What to enter.
    pub user_code: String,
    /// Where to enter it.
    pub verification_uri: String,
    /// Both in a sentence of Microsoft's, to be shown as it is.
    pub message: String,
    /// When the code ends.
    pub expires: Instant,
    /// How long to wait between two polls at least.
    pub interval: Duration,
    device_code: Secret,
}

/// What a poll found.
#[derive(Debug)]
pub enum Poll {
    /// Nobody has finished the sign-in yet: poll again after [`DeviceCode::interval`].
    Pending,
    /// Somebody has.
    Done(Box<Authorization>),
}

/// The answer of the device code endpoint.
#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
    #[serde(default)]
    message: String,
}

impl SignIn {
    /// Starts a sign-in with a code. `scopes` as [`SignIn::scopes`] gives them.
    ///
    /// # Errors
    /// [`Error::Refused`] when the app or the tenant is at fault, else what kept the service from answering.
    pub async fn device_code(
        &self,
        credential: &Credential,
        scopes: &[String],
    ) -> Result<DeviceCode, Error> {
        // A code that nobody can redeem in this tenant is not worth a person's time.
        self.tenant_guid().await?;
        let fields = vec![
            ("client_id", Secret::new(credential.client_id.clone())),
            ("scope", Secret::new(scopes.join(" "))),
        ];
        let asked = Instant::now();
        let url = self.endpoint("oauth2/v2.0/devicecode");
        let answer: DeviceAnswer = self.post(url, &fields, TOKEN_TIMEOUT).await?;
        let interval = answer.interval.unwrap_or(INTERVAL_DEFAULT);
        let message = match answer.message {
            message if message.is_empty() => format!(
                "Open {} in a browser and enter the code {}.",
                answer.verification_uri, answer.user_code
            ),
            message => message,
        };
        Ok(DeviceCode {
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            message,
            expires: asked + Duration::from_secs(answer.expires_in.min(LIFETIME_MAX)),
            interval: Duration::from_secs(interval.clamp(1, INTERVAL_MAX)),
            device_code: Secret::new(answer.device_code),
        })
    }

    /// Asks once whether the sign-in is finished. The service may lengthen `device.interval`.
    ///
    /// # Errors
    /// [`AuthorizeError`]; where its inner error is transient, poll again.
    pub async fn poll_device(
        &self,
        credential: &Credential,
        device: &mut DeviceCode,
    ) -> Result<Poll, AuthorizeError> {
        let expected = self.tenant_guid().await?;
        let mut fields = vec![
            ("grant_type", Secret::new(GRANT_TYPE.to_owned())),
            ("client_id", Secret::new(credential.client_id.clone())),
            ("device_code", device.device_code.clone()),
        ];
        fields.extend(self.proof(credential)?);
        let url = self.token_url.url().clone();
        match self.post::<TokenAnswer>(url, &fields, TOKEN_TIMEOUT).await {
            Ok(answer) => {
                let authorization = Self::authorization(&credential.client_id, expected, &answer)?;
                Ok(Poll::Done(Box::new(authorization)))
            }
            Err(Error::Refused(refusal)) if is_pending(&refusal) => Ok(Poll::Pending),
            Err(Error::Refused(refusal)) if refusal.error == "slow_down" => {
                device.interval += INTERVAL_STEP;
                Ok(Poll::Pending)
            }
            Err(error) => Err(AuthorizeError::of_exchange(error)),
        }
    }

    /// Polls until somebody has signed in, the code has ended or the service has said no. An outage is
    /// waited out. Cancel-safe.
    ///
    /// # Errors
    /// See [`AuthorizeError`].
    pub async fn await_device(
        &self,
        credential: &Credential,
        mut device: DeviceCode,
    ) -> Result<Authorization, AuthorizeError> {
        let mut told = Duration::ZERO;
        loop {
            let left = device.expires.saturating_duration_since(Instant::now());
            let wait = device.interval.max(told);
            tokio::time::sleep(wait.min(left)).await;
            if wait >= left {
                return Err(AuthorizeError::Expired);
            }
            told = Duration::ZERO;
            match self.poll_device(credential, &mut device).await {
                Ok(Poll::Done(authorization)) => return Ok(*authorization),
                Ok(Poll::Pending) => {}
                Err(AuthorizeError::SignIn(error)) if error.is_transient() => {
                    tracing::debug!(%error, "the sign-in service did not answer; it is asked again");
                    told = error.retry_after().unwrap_or_default();
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_pending(refusal: &Refusal) -> bool {
    refusal.error == "authorization_pending" || refusal.codes == [70_016]
}

impl fmt::Display for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
