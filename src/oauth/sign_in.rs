//! The token endpoint of one tenant: the client-credentials and the password grant.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ErrorResponse, ExtraTokenFields, HttpRequest, HttpResponse, RequestTokenError,
    ResourceOwnerPassword, ResourceOwnerUsername, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::http::{BodyError, read_body, retry_after};
use super::{Credential, Error, IdClaims, Refusal, Settings};
use crate::secret::Secret;

/// How long the whole exchange for a Graph token may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a password check may take: the client of a bind is waiting.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(10);
/// A token answer is a few kilobytes; what is longer is none.
const ANSWER_OCTETS_MAX: usize = 1 << 20;
/// The life of a token whose answer does not name one.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(3599);
/// A longer life than any token has; the answer's number is not trusted beyond it.
const LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How much of a description is kept.
const DESCRIPTION_CHARS_MAX: usize = 300;

/// The sign-in service of one tenant.
#[derive(Clone, Debug)]
pub struct SignIn {
    http: reqwest::Client,
    token_url: TokenUrl,
    graph_scope: Scope,
    tenant_id: Option<Uuid>,
}

/// A bearer token for Graph, and when it ends. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: Secret,
    issued: Instant,
    expires: Instant,
}

impl AccessToken {
    /// The token itself, for an `Authorization` header and nothing else.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// When it ends.
    pub fn expires(&self) -> Instant {
        self.expires
    }

    /// A token of the tests.
    #[cfg(test)]
    pub(super) fn of_lifetime(text: &str, issued: Instant, seconds: u64) -> Self {
        let expires = issued + Duration::from_secs(seconds);
        Self {
            secret: Secret::new(text.to_owned()),
            issued,
            expires,
        }
    }

    /// How long it was issued for.
    pub(super) fn lifetime(&self) -> Duration {
        self.expires - self.issued
    }
}

type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

type TokenClient = Client<
    ErrorBody,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl SignIn {
    /// The service as configured; nothing is asked yet.
    pub fn new(settings: &Settings, http: reqwest::Client) -> Self {
        let mut token_url = settings.login_url.clone();
        let prefix = token_url.path().trim_end_matches('/').to_owned();
        token_url.set_path(&format!("{prefix}/{}/oauth2/v2.0/token", settings.tenant));
        Self {
            http,
            token_url: TokenUrl::from_url(token_url),
            graph_scope: graph_scope(&settings.graph_url),
            tenant_id: Uuid::try_parse(&settings.tenant).ok(),
        }
    }

    /// The tenant's id, when the configuration gives the id and not a domain.
    pub fn tenant_id(&self) -> Option<Uuid> {
        self.tenant_id
    }

    /// Asks for a Graph token of the app itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// [`Error::Refused`] when the credential is at fault, else what kept the service from answering.
    pub async fn client_credentials(&self, credential: &Credential) -> Result<AccessToken, Error> {
        let client = self
            .client(&credential.client_id)
            .set_client_secret(ClientSecret::new(
                credential.client_secret.expose().to_owned(),
            ));
        let issued = Instant::now();
        let answer = client
            .exchange_client_credentials()
            .add_scope(self.graph_scope.clone())
            .request_async(&self.within(TOKEN_TIMEOUT))
            .await
            .map_err(from_crate)?;
        Ok(AccessToken {
            secret: Secret::new(answer.access_token().secret().clone()),
            issued,
            expires: issued
                + answer
                    .expires_in()
                    .unwrap_or(LIFETIME_DEFAULT)
                    .min(LIFETIME_MAX),
        })
    }

    /// Has the tenant check a person's password (RFC 6749 §4.3), and says whose account accepted it.
    ///
    /// `upn` is the synced `userPrincipalName`. Neither a refresh token nor the access token is kept.
    /// The answer takes ten seconds at most.
    ///
    /// # Errors
    /// [`Error::Refused`] with the codes that say what the password was worth, else what kept the service
    /// from answering.
    pub async fn password(
        &self,
        client_id: &str,
        client_secret: Option<&Secret>,
        upn: &str,
        password: &Secret,
    ) -> Result<IdClaims, Error> {
        let mut client = self.client(client_id);
        if let Some(secret) = client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let username = ResourceOwnerUsername::new(upn.to_owned());
        let password = ResourceOwnerPassword::new(password.expose().to_owned());
        let answer = client
            .exchange_password(&username, &password)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .request_async(&self.within(PASSWORD_TIMEOUT))
            .await
            .map_err(from_crate)?;
        let id_token = answer.extra_fields().id_token.as_deref();
        id_token
            .and_then(IdClaims::read)
            .ok_or_else(|| Error::Malformed {
                status: StatusCode::OK.as_u16(),
                what: "a token without a readable id_token".to_owned(),
            })
    }

    fn client(&self, client_id: &str) -> TokenClient {
        Client::new(ClientId::new(client_id.to_owned()))
            .set_token_uri(self.token_url.clone())
            .set_auth_type(AuthType::RequestBody)
    }

    fn within(&self, timeout: Duration) -> Exchange<'_> {
        Exchange {
            sign_in: self,
            timeout,
        }
    }

    /// Sends a token request. Only JSON in the service's own shape comes back as a response: the `oauth2`
    /// crate forgets status and headers, so whatever depends on them is decided here.
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpResponse, Error> {
        let (parts, form) = request.into_parts();
        let response = self
            .http
            .post(self.token_url.url().clone())
            .headers(parts.headers)
            .timeout(timeout)
            .body(form)
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
        if !is_in_shape(status, &body) {
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

/// The HTTP client that the `oauth2` crate is given: ours, with a time limit.
struct Exchange<'a> {
    sign_in: &'a SignIn,
    timeout: Duration,
}

impl<'c> AsyncHttpClient<'c> for Exchange<'_> {
    type Error = Error;
    // A closure would do, but the compiler cannot see that its future is Send for every lifetime.
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.sign_in.send(request, self.timeout))
    }
}

/// Whether the crate will be able to read the body: success is 200 with a top-level `access_token`,
/// everything else must be an error body.
fn is_in_shape(status: StatusCode, body: &[u8]) -> bool {
    if status == StatusCode::OK {
        serde_json::from_slice::<TokenAnswer>(body).is_ok()
    } else {
        status.is_client_error() && serde_json::from_slice::<ErrorBody>(body).is_ok()
    }
}

/// `{graph}/.default`: all that was consented to (Microsoft identity platform, "The .default scope").
fn graph_scope(graph_url: &Url) -> Scope {
    Scope::new(format!(
        "{}/.default",
        graph_url.as_str().trim_end_matches('/')
    ))
}

/// The error type of the crate, with whatever [`SignIn::send`] has ruled out mapped to a plain sentence.
fn from_crate(error: RequestTokenError<Error, ErrorBody>) -> Error {
    match error {
        RequestTokenError::ServerResponse(body) => Error::Refused(Box::new(body.into())),
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Error::Malformed {
            status: StatusCode::OK.as_u16(),
            what: "not the expected JSON".to_owned(),
        },
    }
}

/// The one extra field of a token answer that is read.
#[derive(Deserialize, Serialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField(…)")
    }
}

/// The error body of the token endpoint. `error` is not branched on: one code comes with several.
#[derive(Debug, Deserialize, Serialize)]
struct ErrorBody {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    suberror: Option<String>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
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
                body.error
            } else {
                description
            },
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
    fn token_is_invisible_to_debug() {
        let now = Instant::now();
        let token = AccessToken {
            secret: Secret::new("eyJsecret".to_owned()),
            issued: now,
            expires: now,
        };
        assert!(!format!("{token:?}").contains("eyJsecret"));
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
        assert!(!is_in_shape(StatusCode::OK, body));
        assert!(is_in_shape(StatusCode::BAD_REQUEST, body));
    }

    #[test]
    fn scope_belongs_to_the_cloud_in_use() {
        let root = "https://graph.microsoft.us".parse().unwrap();
        assert_eq!(
            graph_scope(&root).as_str(),
            "https://graph.microsoft.us/.default"
        );
    }
}
