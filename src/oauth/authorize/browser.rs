//! Authorization code with PKCE: a browser on this host comes back to a listener of ours (RFC 6749 §4.1,
//! RFC 7636, RFC 8252 §7.3). The listener is the caller's.

use std::fmt;

use oauth2::{
    AuthUrl, AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::{Url, form_urlencoded};

use super::AuthorizeError;
use crate::oauth::exchange::{ErrorBody, from_crate};
use crate::oauth::sign_in::TOKEN_TIMEOUT;
use crate::oauth::{Authorization, Credential, Refusal, SignIn};
use crate::secret::Secret;

/// A sign-in that was sent to a browser and has not come back. `Debug` shows nothing that could finish it.
pub struct PendingAuthorization {
    /// Where to send the browser.
    pub url: Url,
    redirect: RedirectUrl,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
}

/// What the browser brought back, as the query of the redirect address holds it. Not yet trusted.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    state: Option<Secret>,
    code: Option<Secret>,
    error: Option<String>,
    error_description: String,
}

impl Callback {
    /// Reads the query of a request to the redirect address, without its question mark. Of a parameter
    /// that comes twice, the first counts.
    pub fn parse(query: &str) -> Self {
        let parameter = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        Self {
            state: parameter("state").map(Secret::new),
            code: parameter("code").map(Secret::new),
            error: parameter("error"),
            error_description: parameter("error_description").unwrap_or_default(),
        }
    }
}

impl PendingAuthorization {
    /// Whether the browser came back from this very sign-in. Anything else must be left unanswered: it may
    /// be a page that wants to sign somebody else in.
    pub fn is_answered_by(&self, callback: &Callback) -> bool {
        callback
            .state
            .as_ref()
            .is_some_and(|state| state.expose() == self.state.secret())
    }
}

impl SignIn {
    /// Starts a sign-in in a browser, which will come back to `redirect`: an address of the app registration,
    /// or for a loopback address any port of it. Without a path it is sent without one, as it is registered: nobody
    /// promises that `http://localhost` and `http://localhost/` are the same to the service. `scopes` as [`SignIn::scopes`] gives them.
    ///
    /// Nothing is asked of the service yet.
    pub fn authorize_url(
        &self,
        credential: &Credential,
        redirect: Url,
        scopes: &[String],
    ) -> PendingAuthorization {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let is_bare = redirect.path() == "/" && redirect.query().is_none();
        let text = match is_bare {
            true => redirect.as_str().trim_end_matches('/'),
            false => redirect.as_str(),
        };
        let redirect = RedirectUrl::new(text.to_owned()).expect("it was a URL with a slash, too");
        let authorize = AuthUrl::from_url(self.endpoint("oauth2/v2.0/authorize"));
        let client = self.client(&credential.client_id).set_auth_uri(authorize);
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .add_extra_param("response_mode", "query")
            // Whoever is signed in already may not be the one who should authorise.
            .add_extra_param("prompt", "select_account")
            .set_pkce_challenge(challenge)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&redirect))
            .url();
        PendingAuthorization {
            url,
            redirect,
            state,
            verifier,
        }
    }

    /// Finishes a sign-in with what the browser brought back.
    ///
    /// # Errors
    /// [`AuthorizeError::StateMismatch`] before anything else is looked at; then what the service said in the
    /// redirect or answered to the code.
    pub async fn redeem(
        &self,
        credential: &Credential,
        pending: PendingAuthorization,
        callback: &Callback,
    ) -> Result<Authorization, AuthorizeError> {
        if !pending.is_answered_by(callback) {
            return Err(AuthorizeError::StateMismatch);
        }
        if let Some(error) = &callback.error {
            let body = ErrorBody::of_redirect(error, &callback.error_description);
            return Err(AuthorizeError::of_refusal(Refusal::from(body)));
        }
        let code = callback
            .code
            .as_ref()
            .ok_or(AuthorizeError::CallbackUnreadable)?;
        // Before the code is spent, which works once.
        let expected = self.tenant_guid().await?;
        let answer = self
            .client(&credential.client_id)
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(pending.verifier)
            .set_redirect_uri(std::borrow::Cow::Owned(pending.redirect))
            .request_async(&self.exchange(credential, TOKEN_TIMEOUT)?)
            .await
            .map_err(|error| AuthorizeError::of_exchange(from_crate(error)))?;
        Self::authorization(&credential.client_id, expected, &answer)
    }
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}
