//! One request to the sign-in service: how it is sent, and what counts as an answer of the service.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use oauth2::basic::BasicTokenType;
use oauth2::{
    AsyncHttpClient, ErrorResponse, ExtraTokenFields, HttpRequest, HttpResponse, RequestTokenError,
    StandardTokenResponse,
};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::http::{BodyError, read_body, retry_after};
use super::{Credential, Error, Proof, Refusal, SignIn};
use crate::secret::Secret;

/// A token answer is a few kilobytes; what is longer is none.
const ANSWER_OCTETS_MAX: usize = 1 << 20;
/// How much of a description is kept.
const DESCRIPTION_CHARS_MAX: usize = 300;

/// A token answer of the service.
pub(super) type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// Form fields that prove the app, or the code of a device: for the body of a request only.
pub(super) type Fields = Vec<(&'static str, Secret)>;

/// The HTTP client that the `oauth2` crate is given: ours, with a time limit.
pub(super) struct Exchange<'a> {
    sign_in: &'a SignIn,
    /// Added to every form: the crate itself knows no `private_key_jwt`.
    proof: Fields,
    timeout: Duration,
}

impl<'c> AsyncHttpClient<'c> for Exchange<'_> {
    type Error = Error;
    // A closure would do, but the compiler cannot see that its future is Send for every lifetime.
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let (parts, form) = request.into_parts();
        let form = with_fields(&form, &self.proof);
        let request = self
            .sign_in
            .http
            .post(self.sign_in.token_url.url().clone())
            .headers(parts.headers)
            .timeout(self.timeout)
            .body(form);
        Box::pin(self.sign_in.send(request, is_json::<TokenAnswer>))
    }
}

impl SignIn {
    /// An exchange that proves the app as `credential` says.
    pub(super) fn exchange(
        &self,
        credential: &Credential,
        timeout: Duration,
    ) -> Result<Exchange<'_>, Error> {
        Ok(Exchange {
            sign_in: self,
            proof: self.proof(credential)?,
            timeout,
        })
    }

    /// An exchange for the password grant, whose app may have a secret.
    pub(super) fn exchange_with_secret(
        &self,
        secret: Option<&Secret>,
        timeout: Duration,
    ) -> Exchange<'_> {
        let secret = secret.map(|secret| ("client_secret", secret.clone()));
        Exchange {
            sign_in: self,
            proof: secret.into_iter().collect(),
            timeout,
        }
    }

    /// The form fields that prove the app; none for a public client.
    pub(super) fn proof(&self, credential: &Credential) -> Result<Fields, Error> {
        let prove = |proof: &Proof| proof.fields(&credential.client_id, self.token_url.as_str());
        credential.proof().map_or(Ok(Vec::new()), prove)
    }

    /// Posts a form the crate knows nothing of, and reads the JSON of the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: Url,
        fields: &Fields,
        timeout: Duration,
    ) -> Result<T, Error> {
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .timeout(timeout)
            .body(with_fields(&[], fields));
        self.json(request).await
    }

    /// Sends a request and reads the JSON of the answer.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let answer = self.send(request, is_json::<T>).await?;
        let body = Zeroizing::new(answer.into_body());
        if let Ok(answer) = serde_json::from_slice(&body) {
            return Ok(answer);
        }
        let body: ErrorBody = serde_json::from_slice(&body).map_err(|_| not_json())?;
        Err(Error::Refused(Box::new(body.into())))
    }

    /// Sends a request. Only JSON in the service's own shape comes back as a response: the `oauth2`
    /// crate forgets status and headers, so whatever depends on them is decided here.
    async fn send(
        &self,
        request: RequestBuilder,
        is_granted: fn(&[u8]) -> bool,
    ) -> Result<HttpResponse, Error> {
        let response = request
            .send()
            .await
            .map_err(|source| self.unreachable(source))?;
        let status = response.status();
        let retry_after = retry_after(response.headers(), Timestamp::now());
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::Throttled { retry_after });
        }
        if status.is_server_error() {
            return Err(Error::Outage {
                status: status.as_u16(),
                retry_after,
            });
        }
        let body = read_body(response, ANSWER_OCTETS_MAX)
            .await
            .map_err(|error| match error {
                BodyError::Broken(source) => self.unreachable(source),
                BodyError::TooLong { .. } => Error::Malformed {
                    status: status.as_u16(),
                    what: error.to_string(),
                },
            })?;
        if !is_in_shape(status, &body, is_granted) {
            return Err(Error::Malformed {
                status: status.as_u16(),
                what: "not the expected JSON".to_owned(),
            });
        }
        // No headers: the crate would refuse good JSON for a sloppy Content-Type.
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        Ok(answer)
    }

    fn unreachable(&self, source: reqwest::Error) -> Error {
        let host = self
            .token_url
            .url()
            .host_str()
            .unwrap_or_default()
            .to_owned();
        Error::Unreachable {
            host,
            source: source.without_url(),
        }
    }
}

/// A form with further fields at its end.
fn with_fields(form: &[u8], fields: &Fields) -> Vec<u8> {
    let form = String::from_utf8_lossy(form).into_owned();
    let mut serializer = form_urlencoded::Serializer::new(form);
    for (name, value) in fields {
        serializer.append_pair(name, value.expose());
    }
    serializer.finish().into_bytes()
}

/// Whether the answer can be read: success is 200 with what was asked for, everything else must be an
/// error body.
fn is_in_shape(status: StatusCode, body: &[u8], is_granted: fn(&[u8]) -> bool) -> bool {
    if status == StatusCode::OK {
        is_granted(body)
    } else {
        status.is_client_error() && is_json::<ErrorBody>(body)
    }
}

fn is_json<T: DeserializeOwned>(body: &[u8]) -> bool {
    serde_json::from_slice::<T>(body).is_ok()
}

/// The error type of the crate, with whatever [`SignIn::send`] has ruled out mapped to a plain sentence.
pub(super) fn from_crate(error: RequestTokenError<Error, ErrorBody>) -> Error {
    match error {
        RequestTokenError::ServerResponse(body) => Error::Refused(Box::new(body.into())),
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => not_json(),
    }
}

fn not_json() -> Error {
    Error::Malformed {
        status: StatusCode::OK.as_u16(),
        what: "not the expected JSON".to_owned(),
    }
}

/// The one extra field of a token answer that is read.
#[derive(Deserialize, Serialize)]
pub(super) struct IdTokenField {
    pub(super) id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField(…)")
    }
}

/// The error body of the sign-in service. `error` hardly says a thing: one code comes with several.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ErrorBody {
    pub(super) error: String,
    #[serde(default)]
    pub(super) error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    suberror: Option<String>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl ErrorBody {
    /// The error of a redirect, which has no more than two fields (RFC 6749 §4.1.2.1).
    pub(super) fn of_redirect(error: &str, description: &str) -> Self {
        Self {
            error: error.to_owned(),
            error_description: description.to_owned(),
            error_codes: Vec::new(),
            suberror: None,
            trace_id: None,
            correlation_id: None,
        }
    }
}

impl ErrorResponse for ErrorBody {}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.error, self.error_codes)
    }
}

impl From<ErrorBody> for Refusal {
    fn from(body: ErrorBody) -> Self {
        let first_line = body.error_description.lines().next().unwrap_or_default();
        let description: String = first_line
            .chars()
            .filter(|c| !c.is_control())
            .take(DESCRIPTION_CHARS_MAX)
            .collect();
        let codes = match body.error_codes {
            codes if codes.is_empty() => described_code(&description).into_iter().collect(),
            codes => codes,
        };
        Self {
            codes,
            description: if description.is_empty() {
                body.error.clone()
            } else {
                description
            },
            error: body.error,
            suberror: body.suberror,
            trace_id: body.trace_id,
            correlation_id: body.correlation_id,
        }
    }
}

/// The number in a description that starts `AADSTSnnnnn:`.
fn described_code(description: &str) -> Option<u32> {
    description
        .strip_prefix("AADSTS")?
        .split(':')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Refusal {
        serde_json::from_str::<ErrorBody>(json).unwrap().into()
    }

    #[test]
    fn answer_with_an_id_token_is_invisible_to_debug() {
        let answer: TokenAnswer = serde_json::from_str(
            r#"{"token_type":"Bearer","access_token":"eyJaccess","id_token":"eyJid","refresh_token":"eyJrefresh"}"#,
        )
        .unwrap();
        assert!(!format!("{answer:?}").contains("eyJ"), "{answer:?}");
    }

    #[test]
    fn several_codes_and_the_first_line_are_kept() {
        let refusal = refusal(
            r#"{"error":"invalid_grant","error_description":"AADSTS70002: Error. AADSTS50126: Invalid\r\nTrace ID: x",
                "error_codes":[70002,50126],"trace_id":"t","correlation_id":"c","suberror":"basic_action"}"#,
        );
        assert_eq!(refusal.codes, [70002, 50126]);
        assert_eq!(
            refusal.description,
            "AADSTS70002: Error. AADSTS50126: Invalid"
        );
        assert_eq!(refusal.correlation_id.as_deref(), Some("c"));
        assert_eq!(refusal.suberror.as_deref(), Some("basic_action"));
    }

    #[test]
    fn missing_code_array_is_made_good_from_the_description() {
        let refusal = refusal(
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid\r\nx"}"#,
        );
        assert_eq!(refusal.codes, [7_000_215]);
    }

    #[test]
    fn access_token_inside_the_claims_of_an_error_is_no_success() {
        let body =
            br#"{"error":"invalid_grant","error_codes":[50076],"claims":"{\"access_token\":{}}"}"#;
        assert!(!is_in_shape(StatusCode::OK, body, is_json::<TokenAnswer>));
        assert!(is_in_shape(
            StatusCode::BAD_REQUEST,
            body,
            is_json::<TokenAnswer>
        ));
    }
}
