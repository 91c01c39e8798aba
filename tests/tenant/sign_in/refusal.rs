//! Errors of the token endpoint, in the documented shape, for any AADSTS code.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::super::clock::sign_in_stamp;

/// A token that is not issued.
#[derive(Clone, Debug)]
pub struct Refusal {
    class: Class,
    text: String,
    /// A second code before the first, as the older endpoint sends.
    outer: Option<(u32, &'static str)>,
}

/// What is fixed for a code.
#[derive(Clone, Copy, Debug)]
struct Class {
    code: u32,
    error: &'static str,
    suberror: Option<&'static str>,
    text: &'static str,
}

const fn class(
    code: u32,
    error: &'static str,
    suberror: Option<&'static str>,
    text: &'static str,
) -> Class {
    Class {
        code,
        error,
        suberror,
        text,
    }
}

const GRANT: &str = "invalid_grant";
const CLIENT: &str = "invalid_client";
const REQUEST: &str = "invalid_request";
const BAD_TOKEN: Option<&str> = Some("bad_token");
const BASIC_ACTION: Option<&str> = Some("basic_action");
const MESSAGE_ONLY: Option<&str> = Some("message_only");

/// The codes whose answers are known; every other one is an `invalid_grant` without details.
#[rustfmt::skip]
const CLASSES: &[Class] = &[
    class(50011, REQUEST, None, "The redirect URI specified in the request does not match the redirect URIs configured for the application."),
    class(50012, CLIENT, None, "Authentication failed."),
    class(50013, CLIENT, None, "Assertion is invalid because of various reasons."),
    class(50027, CLIENT, None, "JWT token is invalid or malformed."),
    class(50034, GRANT, None, "The user account does not exist in the directory."),
    class(50048, CLIENT, None, "Subject mismatches Issuer claim in the client assertion."),
    class(50053, "unauthorized_client", None, "You've tried to sign in too many times with an incorrect user ID or password."),
    class(50055, "user_password_expired", Some("user_password_expired"), "Password is expired."),
    class(50056, GRANT, None, "Invalid or missing password: password does not exist in the directory for this user."),
    class(50057, GRANT, None, "The user account is disabled."),
    class(50058, "login_required", None, "Session information is not sufficient for single-sign-on."),
    class(50059, REQUEST, None, "No tenant-identifying information found in either the request or implied by any provided credentials."),
    class(50072, GRANT, BASIC_ACTION, "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication."),
    class(50074, GRANT, BASIC_ACTION, "Strong authentication is required."),
    class(50076, GRANT, BASIC_ACTION, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'."),
    class(50078, GRANT, BASIC_ACTION, "Presented multi-factor authentication has expired due to policies configured by your administrator."),
    class(50079, GRANT, BASIC_ACTION, "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication."),
    class(50105, GRANT, None, "Your administrator has configured the application to block users unless they are specifically granted access."),
    class(50126, GRANT, None, "Invalid username or password."),
    class(50147, REQUEST, None, "Invalid size of Code_Challenge parameter."),
    class(50158, GRANT, BASIC_ACTION, "External security challenge not satisfied."),
    class(50173, GRANT, BAD_TOKEN, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."),
    class(50196, GRANT, None, "The server terminated an operation because it encountered a client request loop."),
    class(53000, GRANT, MESSAGE_ONLY, "Device is not in required device state: compliant."),
    class(53003, GRANT, MESSAGE_ONLY, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."),
    class(54005, GRANT, None, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."),
    class(65001, GRANT, Some("consent_required"), "The user or administrator has not consented to use the application."),
    class(65004, "access_denied", None, "User declined to consent to access the app."),
    class(70000, GRANT, None, "Provided grant is invalid or malformed."),
    class(70003, "unsupported_grant_type", None, "The app returned an unsupported grant type."),
    class(70008, GRANT, None, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource."),
    class(70011, "invalid_scope", None, "The provided value for the input parameter 'scope' is not valid."),
    class(70016, "authorization_pending", None, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    class(70018, "bad_verification_code", None, "Invalid verification code due to User typing in wrong user code for device code flow."),
    class(70019, "expired_token", None, "Verification code expired."),
    class(70043, GRANT, BAD_TOKEN, "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."),
    class(90002, REQUEST, None, "Tenant not found."),
    class(90006, "temporarily_unavailable", None, "The service is temporarily unavailable. Please retry later."),
    class(90024, "temporarily_unavailable", None, "The service is temporarily unavailable. Please retry later."),
    class(90033, "temporarily_unavailable", None, "A transient error has occurred. Please try again."),
    class(90055, "temporarily_unavailable", None, "The server has terminated the request due to excessive request rate."),
    class(90094, "consent_required", None, "An administrator of the tenant must grant this app the permissions it asks for."),
    class(90120, REQUEST, None, "The device authorization request has been answered already."),
    class(500112, GRANT, None, "The reply address does not match the reply address provided when requesting Authorization code."),
    class(500133, CLIENT, None, "Assertion is not within its valid time range."),
    class(501481, GRANT, None, "The Code_Verifier does not match the code_challenge supplied in the authorization request."),
    class(700005, GRANT, None, "Provided Authorization Code is intended to use against other tenant, thus rejected."),
    class(700016, "unauthorized_client", None, "Application was not found in the directory."),
    class(700025, CLIENT, None, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."),
    class(700027, CLIENT, None, "Client assertion failed signature validation."),
    class(700082, GRANT, None, "The refresh token has expired due to inactivity."),
    class(700084, GRANT, None, "The refresh token was issued to a single page app, and therefore has a fixed, limited lifetime, which cannot be extended."),
    class(900144, REQUEST, None, "The request body must contain a parameter that it lacks."),
    class(7000112, "unauthorized_client", None, "Application is disabled."),
    class(7000215, CLIENT, None, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."),
    class(7000218, CLIENT, None, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
    class(7000222, CLIENT, None, "The provided client secret keys are expired."),
    class(9001023, REQUEST, None, "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint."),
    class(9002313, GRANT, None, "Invalid request. Request is malformed or invalid."),
];

/// Codes of policies that act only once the password was found right (Conditional Access overview).
#[rustfmt::skip]
const AFTER_THE_PASSWORD: &[u32] = &[
    50005, 50072, 50074, 50076, 50078, 50079, 50088, 50097, 50125, 50129, 50131, 50135, 50155, 50158, 50187,
    53000, 53001, 53002, 53003, 53004, 53010, 500121, 530003, 530021,
];

/// Codes that were seen without an `error_uri`.
const WITHOUT_URI: &[u32] = &[50053, 50055, 50059, 50126];

impl Refusal {
    /// The usual answer for `code`.
    pub fn of(code: u32) -> Self {
        let known = CLASSES.iter().copied().find(|class| class.code == code);
        let class = known.unwrap_or(class(
            code,
            GRANT,
            None,
            "The request could not be fulfilled.",
        ));
        Self {
            class,
            text: class.text.to_owned(),
            outer: None,
        }
    }

    /// The answer for `code`, worded for this request.
    pub fn saying(code: u32, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::of(code)
        }
    }

    /// What a federated user gets for any password: two codes at once.
    pub fn wrong_password_of_federated_user() -> Self {
        Self {
            outer: Some((70002, "Error validating credentials.")),
            ..Self::of(50126)
        }
    }

    /// The same, under another OAuth class.
    pub fn under(self, error: &'static str) -> Self {
        let class = Class {
            error,
            ..self.class
        };
        Self { class, ..self }
    }

    /// The OAuth class.
    pub fn error(&self) -> &'static str {
        self.class.error
    }

    /// The text with its number, without trace ids.
    pub fn summary(&self) -> String {
        format!("AADSTS{}: {}", self.class.code, self.text)
    }

    /// The AADSTS number.
    pub fn code(&self) -> u32 {
        self.class.code
    }

    /// Given only to those whose password was right.
    pub fn comes_after_the_password(&self) -> bool {
        AFTER_THE_PASSWORD.contains(&self.code())
    }

    fn status(&self) -> StatusCode {
        match (self.class.error, self.class.code) {
            (CLIENT, _) => StatusCode::UNAUTHORIZED,
            (_, 90055) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The response, body and status; `base_url` is the sign-in service's.
    pub fn into_response(
        self,
        base_url: &str,
        now: Timestamp,
        trace_id: &str,
        correlation_id: &str,
    ) -> Response {
        let code = self.class.code;
        let timestamp = sign_in_stamp(now);
        let prefix = match self.outer {
            Some((outer, text)) => format!("AADSTS{outer}: {text} "),
            None => String::new(),
        };
        let description = format!(
            "{prefix}AADSTS{code}: {}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: \
             {timestamp}",
            self.text
        );
        let outer = self.outer.map(|(outer, _)| outer);
        let codes: Vec<u32> = outer.into_iter().chain([code]).collect();
        let mut body = json!({
            "error": self.class.error,
            "error_description": description,
            "error_codes": codes,
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        });
        if !WITHOUT_URI.contains(&code) {
            body["error_uri"] = json!(format!("{base_url}/error?code={code}"));
        }
        if let Some(suberror) = self.class.suberror {
            body["suberror"] = json!(suberror);
        }
        if self.class.suberror == BASIC_ACTION {
            // A string that contains the words a careless client takes for success.
            let claims = json!({"access_token": {"capolids": {
                "essential": true,
                "values": ["b1f1f1d4-2c66-4c53-8a0e-5d1d2b7c1f10"],
            }}});
            body["claims"] = json!(claims.to_string());
        }
        if code == 50055 {
            body["password_change_url"] =
                json!("https://portal.microsoftonline.com/ChangePassword.aspx");
        }
        (self.status(), axum::Json(body)).into_response()
    }
}
