//! An answer that is not 200: from status and error code to an [`Error`].
//!
//! Source: Graph, "Microsoft Graph error responses and resource types"; the message is not stable and is
//! never branched on, but for finding the name of a refused property in it.

use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{Error, Trace};

/// How much of a message is kept.
const MESSAGE_CHARS_MAX: usize = 300;
/// How deep `innerError` is followed.
const NESTING_MAX: usize = 8;
/// What a claims challenge is called.
const INSUFFICIENT_CLAIMS: &str = "insufficient_claims";
/// "Bandwidth limit exceeded", which Graph documents as a kind of throttling.
const BANDWIDTH_EXCEEDED: u16 = 509;

/// What was asked for, as far as it explains a refusal.
pub(super) struct Request {
    pub(super) collection: &'static str,
    pub(super) permission: &'static str,
    /// The names in `$select`.
    pub(super) select: Vec<String>,
    pub(super) is_delta: bool,
}

/// The part of an answer that stands before its body, and whose token it answers.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    /// `WWW-Authenticate` with `error="insufficient_claims"` ("Claims challenges, claims requests and client
    /// capabilities").
    pub(super) demands_claims: bool,
    /// The token speaks for an administrator who signed in.
    pub(super) is_delegated: bool,
}

/// Whether the headers hold a claims challenge, in whichever of the challenges.
pub(super) fn demands_claims(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    let mut texts = challenges.filter_map(|challenge| challenge.to_str().ok());
    texts.any(|text| text.to_ascii_lowercase().contains(INSUFFICIENT_CLAIMS))
}

/// `error` of an error body.
struct ErrorBody {
    /// `code` and those of all `innerError`s, outermost first.
    codes: Vec<String>,
    message: String,
    request_id: Option<String>,
}

impl ErrorBody {
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error").filter(|error| error.is_object())?;
        let layers: Vec<&Value> = std::iter::successors(Some(error), |error| {
            error.get("innerError").or_else(|| error.get("innererror"))
        })
        .take(NESTING_MAX)
        .collect();
        let texts = |key| {
            layers
                .iter()
                .filter_map(move |layer| layer.get(key)?.as_str().map(str::to_owned))
        };
        Some(Self {
            codes: texts("code").collect(),
            message: error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            request_id: texts("request-id").next(),
        })
    }

    fn has_code(&self, wanted: &[&str]) -> bool {
        self.codes.iter().any(|code| {
            wanted
                .iter()
                .any(|wanted| code.eq_ignore_ascii_case(wanted))
        })
    }

    /// A name of `select` that the message puts in quotes or in the list at its end.
    fn refused_property(&self, select: &[String]) -> Option<String> {
        let list = self
            .message
            .rsplit_once(':')
            .map_or("", |(_, list)| list)
            .split([',', ' ', '.', ';']);
        let quoted = self.message.split('\'').skip(1).step_by(2);
        let double_quoted = self.message.split('"').skip(1).step_by(2);
        let named: Vec<&str> = quoted
            .chain(double_quoted)
            .flat_map(|text| text.split([',', ' ', '/', '.']))
            .chain(list)
            .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
            .collect();
        let is_named =
            |property: &&String| named.iter().any(|word| word.eq_ignore_ascii_case(property));
        select.iter().find(is_named).cloned()
    }
}

/// Whether this status asks for patience on behalf of the whole tenant.
pub(super) fn is_throttling(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | BANDWIDTH_EXCEEDED)
}

/// Why Graph did not answer `request` with 200.
pub(super) fn error(request: &Request, head: &Head, body: &[u8], mut trace: Trace) -> Error {
    let collection = request.collection;
    let (retry_after, is_delegated) = (head.retry_after, head.is_delegated);
    let code = head.status.as_u16();
    let body = ErrorBody::read(body);
    if trace.request_id.is_none() {
        // The header may be lost on the way through a gateway.
        trace.request_id = body.as_ref().and_then(|body| body.request_id.clone());
    }
    match code {
        401 => return Error::TokenRefused { trace },
        // A gateway may have lost the body; the status says who must act all the same.
        403 => {
            let has_code = |body: &ErrorBody| body.has_code(&[INSUFFICIENT_CLAIMS]);
            return match head.demands_claims || body.as_ref().is_some_and(has_code) {
                true => Error::ClaimsDemanded {
                    collection,
                    is_delegated,
                    trace,
                },
                false => Error::PermissionMissing {
                    collection,
                    permission: request.permission,
                    is_delegated,
                    trace,
                },
            };
        }
        429 | BANDWIDTH_EXCEEDED => return Error::Throttled { retry_after, trace },
        408 | 500 | 502..=599 => {
            return Error::Outage {
                status: code,
                retry_after,
                trace,
            };
        }
        410 if request.is_delta => return Error::ResyncRequired { collection, trace },
        _ => {}
    }
    let Some(body) = body else {
        return Error::Malformed {
            status: code,
            what: "not the expected JSON".to_owned(),
            trace,
        };
    };
    let is_lost =
        matches!(code, 400 | 404) && body.has_code(&["syncStateNotFound", "resyncRequired"]);
    if request.is_delta && is_lost {
        return Error::ResyncRequired { collection, trace };
    }
    let gone = |trace| Error::PageGone {
        collection,
        status: code,
        trace,
    };
    match code {
        // A concurrent change.
        409 => Error::Outage {
            status: code,
            retry_after,
            trace,
        },
        // Seen on next links (microsoftgraph/microsoft-graph-docs-contrib#8166), and documented for lists.
        404 if request.is_delta && body.has_code(&["UnknownError"]) => gone(trace),
        400 if request.is_delta && body.has_code(&["Directory_ExpiredPageToken"]) => gone(trace),
        _ => match body.refused_property(&request.select) {
            Some(property) if matches!(code, 400 | 501) => Error::PropertyRefused {
                collection,
                property,
                trace,
            },
            _ => Error::Refused {
                status: code,
                code: body.codes.into_iter().next().unwrap_or_default(),
                message: body
                    .message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(MESSAGE_CHARS_MAX)
                    .collect(),
                trace,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn answer(status: u16, body: &str) -> Error {
        answer_to(status, body, false, false)
    }

    fn answer_to(status: u16, body: &str, demands_claims: bool, is_delegated: bool) -> Error {
        let request = Request {
            collection: "users",
            permission: "User.Read.All",
            select: ["id", "state", "employeeType"].map(str::to_owned).to_vec(),
            is_delta: true,
        };
        let trace = Trace {
            client_request_id: Uuid::nil(),
            request_id: None,
        };
        let head = Head {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            demands_claims,
            is_delegated,
        };
        error(&request, &head, body.as_bytes(), trace)
    }

    #[test]
    fn lost_sync_state_asks_for_a_full_round_in_any_spelling() {
        for (status, body) in [
            (
                400,
                r#"{"error":{"code":"syncStateNotFound","message":"The sync state generation is not found."}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"SyncStateNotFound","message":""}}"#,
            ),
            (
                400,
                r#"{"error":{"code":"BadRequest","innerError":{"code":"resyncrequired"}}}"#,
            ),
            (410, "<html>gone</html>"),
        ] {
            assert!(
                matches!(answer(status, body), Error::ResyncRequired { .. }),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn refused_property_is_named() {
        for message in [
            "Invalid request for delta query: $select is not supported for the following properties: skills, employeeType",
            "Could not find a property named 'employeeType' on type 'microsoft.graph.user'.",
            "Could not find a property named 'EmployeeType' on type 'microsoft.graph.user'.",
            "The property \"employeetype\" is not supported.",
            "$select is not supported for these: 'employeeType'; skills",
        ] {
            let body = serde_json::json!({"error": {"code": "BadRequest", "message": message}})
                .to_string();
            assert!(
                matches!(
                    answer(400, &body),
                    Error::PropertyRefused { property, .. } if property == "employeeType"
                ),
                "{message}"
            );
        }
    }

    #[test]
    fn word_of_a_message_is_not_taken_for_a_property() {
        let body =
            r#"{"error":{"code":"Request_BadRequest","message":"The state of the id is bad"}}"#;
        assert!(matches!(
            answer(400, body),
            Error::Refused { status: 400, .. }
        ));
    }

    #[test]
    fn forbidden_names_the_permission_and_the_request() {
        let error = answer(
            403,
            r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges",
                "innerError":{"request-id":"93b6f17e"}}}"#,
        );
        let words = error.to_string();
        assert!(
            words.contains("User.Read.All") && words.contains("request-id 93b6f17e"),
            "{words}"
        );
    }

    #[test]
    fn forbidden_is_worded_for_whose_token_it_was_even_without_a_body() {
        let app = answer_to(403, "<html>", false, false).to_string();
        assert!(
            app.contains("the application permission User.Read.All"),
            "{app}"
        );
        let person = answer_to(403, "", false, true).to_string();
        assert!(
            person.contains("the delegated permission User.Read.All"),
            "{person}"
        );
    }

    #[test]
    fn claims_challenge_is_no_missing_permission() {
        let body = r#"{"error":{"code":"insufficient_claims","message":"step up"}}"#;
        for error in [
            answer_to(403, body, false, true),
            answer_to(403, "", true, true),
        ] {
            assert!(matches!(error, Error::ClaimsDemanded { .. }), "{error}");
            assert!(error.to_string().contains("ldap365 authorize"), "{error}");
        }
        let challenge = r#"Bearer realm="", error="insufficient_claims", claims="e30=""#;
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, challenge.parse().unwrap())]);
        assert!(demands_claims(&headers));
        assert!(!demands_claims(&HeaderMap::new()));
    }

    #[test]
    fn server_faults_and_throttling_go_by_the_status_alone() {
        assert!(matches!(
            answer(503, "<html>"),
            Error::Outage { status: 503, .. }
        ));
        assert!(matches!(answer(429, ""), Error::Throttled { .. }));
        assert!(matches!(answer(401, ""), Error::TokenRefused { .. }));
        let unknown = r#"{"error":{"code":"UnknownError","message":""}}"#;
        assert!(matches!(
            answer(404, unknown),
            Error::PageGone { status: 404, .. }
        ));
        assert!(matches!(
            answer(404, "<html>"),
            Error::Malformed { status: 404, .. }
        ));
    }

    #[test]
    fn page_token_that_has_expired_is_a_lost_page() {
        let body = r#"{"error":{"code":"directory_expiredpagetoken","message":"The specified page token value has expired."}}"#;
        assert!(matches!(
            answer(400, body),
            Error::PageGone { status: 400, .. }
        ));
    }

    #[test]
    fn property_that_is_not_implemented_is_refused() {
        let body = r#"{"error":{"code":"NotImplemented","message":"The property 'state' is not implemented here."}}"#;
        assert!(matches!(
            answer(501, body),
            Error::PropertyRefused { property, .. } if property == "state"
        ));
    }

    #[test]
    fn every_kind_of_outage_is_one() {
        for status in [408, 500, 502, 503, 504] {
            assert!(
                matches!(answer(status, ""), Error::Outage { .. }),
                "{status}"
            );
        }
        assert!(matches!(answer(509, ""), Error::Throttled { .. }));
    }
}
