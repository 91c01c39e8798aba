//! The sign-in service of one tenant: the grants that need nobody at a browser.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, Client, ClientId, EndpointNotSet, EndpointSet, RefreshToken, ResourceOwnerPassword,
    ResourceOwnerUsername, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

use super::exchange::{ErrorBody, TokenAnswer, from_crate};
use super::{AccessToken, Authorization, Credential, Error, IdClaims, Settings};
use crate::secret::Secret;

/// How long the whole exchange for a token may take.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a password check may take: the client of a bind is waiting.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(10);
/// What a delegated sign-in asks for beside Graph: who signed in, and a refresh token.
const OPENID_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];
/// The permissions the sync needs of Graph, and the one to ask who signed in, and with which roles.
const GRAPH_SCOPES: [&str; 3] = ["User.Read.All", "GroupMember.Read.All", "User.Read"];
/// The permission to see who is in a group that hides its members.
const HIDDEN_MEMBERS_SCOPE: &str = "Member.Read.Hidden";

/// The sign-in service of one tenant.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub(super) http: reqwest::Client,
    pub(super) token_url: TokenUrl,
    /// `{login}/{tenant}`, without a slash at its end.
    tenant_url: Url,
    graph_root: String,
    /// Learnt from the service when the configuration names a domain.
    tenant_id: Arc<OnceCell<Uuid>>,
}

/// The `oauth2` crate's client with a token endpoint and, maybe, an authorization endpoint.
pub(super) type TokenClient<Authorize = EndpointNotSet> = Client<
    ErrorBody,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Authorize,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The one field of the OpenID Connect metadata that is read.
#[derive(Deserialize)]
struct Metadata {
    issuer: Url,
}

impl SignIn {
    /// The service as configured; nothing is asked yet.
    pub fn new(settings: &Settings, http: reqwest::Client) -> Self {
        let mut tenant_url = settings.login_url.clone();
        let prefix = tenant_url.path().trim_end_matches('/').to_owned();
        tenant_url.set_path(&format!("{prefix}/{}", settings.tenant));
        let tenant_id = Uuid::try_parse(&settings.tenant).ok();
        Self {
            http,
            token_url: TokenUrl::from_url(under(&tenant_url, "oauth2/v2.0/token")),
            tenant_url,
            graph_root: settings.graph_url.as_str().trim_end_matches('/').to_owned(),
            tenant_id: Arc::new(OnceCell::new_with(tenant_id)),
        }
    }

    /// The tenant's id, when the configuration gives it or [`tenant_guid`](Self::tenant_guid) has learnt it.
    pub fn tenant_id(&self) -> Option<Uuid> {
        self.tenant_id.get().copied()
    }

    /// The tenant's id; asks the service once when the configuration names a domain.
    ///
    /// Source: OpenID Connect Discovery 1.0 §4; the issuer holds the id whatever name was asked for.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such tenant, else what kept the service from answering.
    pub async fn tenant_guid(&self) -> Result<Uuid, Error> {
        let learn = async || {
            let url = self.endpoint("v2.0/.well-known/openid-configuration");
            let metadata: Metadata = self.json(self.http.get(url).timeout(TOKEN_TIMEOUT)).await?;
            let segments = metadata.issuer.path_segments().into_iter().flatten();
            segments
                .filter_map(|segment| Uuid::try_parse(segment).ok())
                .next()
                .ok_or_else(|| Error::Malformed {
                    status: StatusCode::OK.as_u16(),
                    what: "metadata that do not name the tenant's id".to_owned(),
                })
        };
        self.tenant_id.get_or_try_init(learn).await.copied()
    }

    /// The scopes of a delegated sign-in, with permissions fully qualified; `hidden_members` adds the
    /// permission to read the members of groups that hide them.
    pub fn scopes(&self, hidden_members: bool) -> Vec<String> {
        let hidden = hidden_members.then_some(HIDDEN_MEMBERS_SCOPE);
        let of_graph = GRAPH_SCOPES.into_iter().chain(hidden);
        OPENID_SCOPES
            .into_iter()
            .map(str::to_owned)
            .chain(of_graph.map(|permission| format!("{}/{permission}", self.graph_root)))
            .collect()
    }

    /// Asks for a Graph token of the app itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// [`Error::Refused`] when the credential is at fault, else what kept the service from answering.
    pub async fn client_credentials(&self, credential: &Credential) -> Result<AccessToken, Error> {
        let issued = Instant::now();
        let answer = self
            .client(&credential.client_id)
            .exchange_client_credentials()
            .add_scope(graph_default_scope(&self.graph_root))
            .request_async(&self.exchange(credential, TOKEN_TIMEOUT)?)
            .await
            .map_err(from_crate)?;
        Ok(AccessToken::of_answer(&answer, issued))
    }

    /// Asks for a Graph token of the administrator who signed in (RFC 6749 §6).
    ///
    /// No scope is named, so the token has whatever was granted at the sign-in: an administrator may have consented
    /// to more, or to something as good as what the sync would name.
    ///
    /// The authorization that comes back holds the newest refresh token and takes the place of the old one,
    /// which Microsoft does not revoke: a crash before the new one is stored costs nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] when the authorization or the credential is at fault, else what kept the service
    /// from answering. The authorization given stays as good as it was.
    pub async fn refresh(
        &self,
        credential: &Credential,
        authorization: &Authorization,
    ) -> Result<(AccessToken, Authorization), Error> {
        let issued = Instant::now();
        let refreshed = Timestamp::now();
        let token = RefreshToken::new(authorization.refresh_token.expose().to_owned());
        let answer = self
            .client(&credential.client_id)
            .exchange_refresh_token(&token)
            .request_async(&self.exchange(credential, TOKEN_TIMEOUT)?)
            .await
            .map_err(from_crate)?;
        let mut renewed = authorization.clone();
        if let Some(token) = answer.refresh_token() {
            renewed.refresh_token = Secret::new(token.secret().clone());
            renewed.refreshed = refreshed;
        }
        if let Some(scopes) = granted_scopes(&answer) {
            renewed.scopes = scopes;
        }
        Ok((AccessToken::of_answer(&answer, issued).delegated(), renewed))
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
        let username = ResourceOwnerUsername::new(upn.to_owned());
        let password = ResourceOwnerPassword::new(password.expose().to_owned());
        let answer = self
            .client(client_id)
            .exchange_password(&username, &password)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .request_async(&self.exchange_with_secret(client_secret, PASSWORD_TIMEOUT))
            .await
            .map_err(from_crate)?;
        id_claims(&answer)
    }

    /// An endpoint of the tenant.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        under(&self.tenant_url, path)
    }

    pub(super) fn client(&self, client_id: &str) -> TokenClient {
        Client::new(ClientId::new(client_id.to_owned()))
            .set_token_uri(self.token_url.clone())
            .set_auth_type(AuthType::RequestBody)
    }
}

/// Who signed in, by the id_token of an answer.
pub(super) fn id_claims(answer: &TokenAnswer) -> Result<IdClaims, Error> {
    let id_token = answer.extra_fields().id_token.as_deref();
    id_token
        .and_then(IdClaims::read)
        .ok_or_else(|| Error::Malformed {
            status: StatusCode::OK.as_u16(),
            what: "a token without a readable id_token".to_owned(),
        })
}

/// The permissions of an answer, without the root of Graph; `None` when it does not name them.
pub(super) fn granted_scopes(answer: &TokenAnswer) -> Option<Vec<String>> {
    let short = |scope: &Scope| {
        let scope: &str = scope;
        scope.rsplit('/').next().unwrap_or(scope).to_owned()
    };
    Some(answer.scopes()?.iter().map(short).collect())
}

fn under(tenant_url: &Url, path: &str) -> Url {
    let mut url = tenant_url.clone();
    url.set_path(&format!("{}/{path}", tenant_url.path()));
    url
}

/// `{graph}/.default`: all that was consented to (Microsoft identity platform, "The .default scope").
fn graph_default_scope(graph_root: &str) -> Scope {
    Scope::new(format!("{graph_root}/.default"))
}

#[cfg(test)]
mod tests;
