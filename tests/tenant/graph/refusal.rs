//! Errors in Graph's documented shape.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::GRAPH_APP_ID;

/// A request Graph does not fulfil.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    location: Option<String>,
    /// The `claims` directive of the challenge, decoded.
    claims: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            location: None,
            claims: None,
        }
    }

    /// 401 for a token that a policy wants renewed; with a claims challenge for those who understand it, who then
    /// ask for a token issued after `not_before` (claims challenges, continuous access evaluation).
    pub fn challenge(not_before: Option<i64>) -> Self {
        let claims = not_before.map(|nbf| {
            json!({"access_token": {"nbf": {"essential": true, "value": nbf.to_string()}}})
                .to_string()
        });
        Self {
            claims,
            ..Self::bad_token(
                "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            )
        }
    }

    /// 401: no token, or none that counts here.
    pub fn bad_token(message: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
    }

    /// 403: the token lacks the permission.
    pub fn insufficient_privileges() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    /// 400: the request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400: `$select` of something delta does not track; recorded wording.
    pub fn not_in_delta(property: &str) -> Self {
        Self::bad_request(format!(
            "Invalid request for delta query: for this entity set, $expand/$select is not supported for the \
             following properties: {property}"
        ))
    }

    /// 400: a query option outside what the operation supports.
    pub fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// 400: the path leads nowhere.
    pub fn unknown_segment() -> Self {
        Self::bad_request("Resource not found for the segment.")
    }

    /// 404: no such object, or none any more.
    pub fn not_found(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{name}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// 400: a page token of a list that is no longer, or never was, known.
    pub fn expired_page_token() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    }

    /// 400: a delta token that is too old. The letter case of `code` varies between services.
    pub fn sync_state_not_found(code: &'static str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            code,
            "The sync state generation is expired and data must be synchronized again.",
        )
    }

    /// 410: start over at `location`.
    pub fn resync_required(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::new(
                StatusCode::GONE,
                "resyncRequired",
                "Resync required. Replace any local items with the server's version (including deletes).",
            )
        }
    }

    /// 429: the quota is used up.
    pub fn too_many_requests() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Please retry again later.",
        )
    }

    /// 501: a property that cannot be read in a collection.
    pub fn not_implemented() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "This operation target is not yet supported.",
        )
    }

    /// The response, headers of the error included.
    pub fn into_response(self, date: &str, request_id: &str, client_request_id: &str) -> Response {
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": date,
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        }});
        let mut response = (self.status, body.to_string()).into_response();
        let header_text = |text: &str| HeaderValue::from_str(text).expect("URLs are plain ASCII");
        if let Some(location) = &self.location {
            let location = header_text(location);
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = format!(
                "Bearer realm=\"\", \
                 authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 client_id=\"{GRAPH_APP_ID}\""
            );
            let challenge = match &self.claims {
                Some(claims) => format!(
                    "{challenge}, error=\"insufficient_claims\", claims=\"{}\"",
                    STANDARD.encode(claims)
                ),
                None => challenge,
            };
            let challenge = header_text(&challenge);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
