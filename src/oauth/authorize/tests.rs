//! Sign-ins over the wire, and what the browser brings back.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::*;
use crate::oauth::tests::{
    ADMINISTRATOR, Service, TENANT, credential, granted, refused, secret, signed_in,
};
use crate::oauth::{CredentialFault, Grant};

/// A sign-in in a browser that was started, and the parameters of its address.
fn started(service: &Service) -> (PendingAuthorization, HashMap<String, String>) {
    let credential = credential("backup", Grant::Delegated(None));
    let redirect = "http://localhost:4711/callback".parse().unwrap();
    let scopes = service.sign_in.scopes(true);
    let pending = service
        .sign_in
        .authorize_url(&credential, redirect, &scopes);
    let parameters = pending.url.query_pairs().into_owned().collect();
    (pending, parameters)
}

async fn redeem(
    service: &Service,
    pending: PendingAuthorization,
    query: &str,
) -> Result<Authorization, AuthorizeError> {
    let credential = credential("backup", Grant::Delegated(Some(secret("s3cret"))));
    let callback = Callback::parse(query);
    service
        .sign_in
        .redeem(&credential, pending, &callback)
        .await
}

#[tokio::test]
async fn browser_is_sent_with_pkce_and_a_state_and_comes_back_with_an_authorization() {
    let service = Service::start(|_, _| signed_in(TENANT)).await;
    let (pending, sent) = started(&service);
    let url: &Url = &pending.url;
    assert_eq!(url.path(), "/contoso.example/oauth2/v2.0/authorize");
    let said = |name: &str| sent[name].as_str();
    assert_eq!(said("client_id"), "backup");
    assert_eq!(said("response_type"), "code");
    assert_eq!(said("response_mode"), "query");
    assert_eq!(said("prompt"), "select_account");
    assert_eq!(said("code_challenge_method"), "S256");
    assert_eq!(said("redirect_uri"), "http://localhost:4711/callback");
    assert!(said("scope").starts_with("openid profile offline_access http"));
    assert!(said("scope").ends_with("/Member.Read.Hidden"));

    let query = format!("code=c%2Bde&state={}&session_state=x", said("state"));
    let authorization = redeem(&service, pending, &query).await.unwrap();
    assert_eq!(authorization.refresh_token.expose(), "refresh-1");
    assert_eq!(
        (authorization.oid, authorization.tid),
        (ADMINISTRATOR, TENANT)
    );
    assert_eq!(authorization.who(), "ada@contoso.example");
    assert!(authorization.has_scope("User.Read.All"));
    let (_, form) = &service.posted()[0];
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "c+de");
    assert_eq!(form["redirect_uri"], said("redirect_uri"));
    assert_eq!(form["client_secret"], "s3cret");
    let challenge = Sha256::digest(&form["code_verifier"]);
    assert_eq!(
        BASE64_URL_SAFE_NO_PAD.encode(challenge),
        said("code_challenge")
    );
}

#[tokio::test]
async fn loopback_address_is_sent_as_it_is_registered_to_both_endpoints() {
    let service = Service::start(|_, _| signed_in(TENANT)).await;
    let credential = credential("backup", Grant::Delegated(None));
    let redirect = "http://localhost:4711".parse().unwrap();
    let scopes = service.sign_in.scopes(false);
    let pending = service
        .sign_in
        .authorize_url(&credential, redirect, &scopes);
    let sent: HashMap<String, String> = pending.url.query_pairs().into_owned().collect();
    assert_eq!(sent["redirect_uri"], "http://localhost:4711");
    let query = format!("code=c&state={}", sent["state"]);
    redeem(&service, pending, &query).await.unwrap();
    assert_eq!(
        service.posted()[0].1["redirect_uri"],
        "http://localhost:4711"
    );
}

#[tokio::test]
async fn answer_with_another_state_is_not_redeemed_even_if_it_is_an_error() {
    let service = Service::start(|_, _| panic!("nothing is posted")).await;
    for query in [
        "code=c&state=forged",
        "code=c",
        "error=access_denied&state=",
        "",
    ] {
        let (pending, _) = started(&service);
        let error = redeem(&service, pending, query).await.unwrap_err();
        assert!(matches!(error, AuthorizeError::StateMismatch), "{query}");
    }
}

#[tokio::test]
async fn errors_of_the_redirect_are_told_apart() {
    let service = Service::start(|_, _| panic!("nothing is posted")).await;
    let outcome = async |query: &str| {
        let (pending, sent) = started(&service);
        let query = format!("{query}&state={}", sent["state"]);
        redeem(&service, pending, &query).await.unwrap_err()
    };
    let declined =
        outcome("error=access_denied&error_description=AADSTS65004:+User+declined").await;
    assert!(matches!(declined, AuthorizeError::Declined));
    let cancelled = outcome("error=access_denied").await;
    assert!(matches!(cancelled, AuthorizeError::Declined));
    let consent = outcome("error=access_denied&error_description=AADSTS90094:+Admin+consent").await;
    let AuthorizeError::SignIn(Error::Refused(refusal)) = consent else {
        panic!("{consent}")
    };
    assert_eq!(refusal.fault(), CredentialFault::ConsentMissing);
    let busy = outcome("error=temporarily_unavailable").await;
    assert!(matches!(busy, AuthorizeError::SignIn(error) if error.is_transient()));
    let nothing = outcome("admin_consent=True").await;
    assert!(matches!(nothing, AuthorizeError::CallbackUnreadable));
}

#[tokio::test]
async fn sign_in_to_another_tenant_is_refused_by_name() {
    let service = Service::start(|_, _| signed_in(Uuid::nil())).await;
    let (pending, sent) = started(&service);
    let query = format!("code=c&state={}", sent["state"]);
    let error = redeem(&service, pending, &query).await.unwrap_err();
    assert!(
        matches!(error, AuthorizeError::AnotherTenant { expected, actual, .. }
            if expected == TENANT && actual == Uuid::nil())
    );
    assert!(error.to_string().contains("ada@contoso.example"));
}

#[tokio::test]
async fn absurd_times_of_a_device_sign_in_are_bounded() {
    let service = Service::start(|_, _| {
        use axum::response::IntoResponse;
        axum::Json(json!({
            "device_code": "d3vice", "user_code": "ABCD-EFGH", "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": u64::MAX, "interval": u64::MAX,
        }))
        .into_response()
    })
    .await;
    let credential = credential("backup", Grant::Delegated(None));
    let device = service.sign_in.device_code(&credential, &[]).await.unwrap();
    let left = device.expires - std::time::Instant::now();
    assert!(left.as_secs() <= 24 * 3600, "{left:?}");
    assert_eq!(device.interval.as_secs(), 60);
}

#[tokio::test]
async fn throttled_poll_waits_as_long_as_it_was_told() {
    let service = Service::start(|n, _| {
        use axum::http::StatusCode;
        use axum::response::IntoResponse;
        let throttled = || {
            let wait = [("retry-after", "60")];
            (StatusCode::TOO_MANY_REQUESTS, wait, "Too Many Requests").into_response()
        };
        match n {
            0 => axum::Json(json!({
                "device_code": "d3vice", "user_code": "ABCD-EFGH", "expires_in": 2, "interval": 0,
                "verification_uri": "https://microsoft.com/devicelogin",
            }))
            .into_response(),
            _ => throttled(),
        }
    })
    .await;
    let credential = credential("backup", Grant::Delegated(None));
    let sign_in = &service.sign_in;
    let device = sign_in.device_code(&credential, &[]).await.unwrap();
    let error = sign_in.await_device(&credential, device).await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Expired), "{error}");
    assert_eq!(
        service.posted().len(),
        2,
        "one poll, then the wait outlives the code"
    );
}

/// The answer of the device code endpoint, or to the n-th poll.
fn device(n: usize, polls: &[fn() -> axum::response::Response]) -> axum::response::Response {
    use axum::response::IntoResponse;
    match n.checked_sub(1) {
        None => axum::Json(json!({
            "device_code": "d3vice", "user_code": "ABCD-EFGH", "expires_in": 900, "interval": 5,
            "verification_uri": "https://microsoft.com/devicelogin", "message": "Open it and enter ABCD-EFGH.",
        }))
        .into_response(),
        Some(poll) => polls[poll](),
    }
}

#[tokio::test]
async fn device_is_polled_until_somebody_has_signed_in_and_slower_when_asked_to() {
    let service = Service::start(|n, _| {
        device(
            n,
            &[
                || refused(400, "authorization_pending", 70_016),
                || refused(400, "slow_down", 0),
                || signed_in(TENANT),
            ],
        )
    })
    .await;
    let credential = credential("backup", Grant::Delegated(None));
    let sign_in = &service.sign_in;
    let scopes = sign_in.scopes(false);
    let mut device = sign_in.device_code(&credential, &scopes).await.unwrap();
    assert_eq!(device.to_string(), "Open it and enter ABCD-EFGH.");
    assert!(!format!("{device:?}").contains("d3vice"));
    let first = sign_in.poll_device(&credential, &mut device).await.unwrap();
    assert!(matches!(first, Poll::Pending) && device.interval.as_secs() == 5);
    let second = sign_in.poll_device(&credential, &mut device).await.unwrap();
    assert!(matches!(second, Poll::Pending) && device.interval.as_secs() == 10);
    let third = sign_in.poll_device(&credential, &mut device).await.unwrap();
    assert!(matches!(third, Poll::Done(authorization) if authorization.oid == ADMINISTRATOR));
    let posted = service.posted();
    assert_eq!(posted[0].0, "/contoso.example/oauth2/v2.0/devicecode");
    assert_eq!(posted[0].1["scope"], scopes.join(" "));
    assert_eq!(posted[1].1["device_code"], "d3vice");
    assert_eq!(
        posted[1].1["grant_type"],
        "urn:ietf:params:oauth:grant-type:device_code"
    );
}

#[tokio::test]
async fn ends_of_a_device_sign_in_are_told_apart() {
    let service = Service::start(|n, _| {
        device(
            n,
            &[
                || refused(400, "authorization_declined", 70_000_000),
                || refused(400, "expired_token", 70_019),
                || refused(400, "bad_verification_code", 70_018),
                || refused(401, "invalid_client", 7_000_218),
                || granted("access", json!({})),
            ],
        )
    })
    .await;
    let credential = credential("backup", Grant::Delegated(None));
    let sign_in = &service.sign_in;
    let mut device = sign_in.device_code(&credential, &[]).await.unwrap();
    let mut poll = async || {
        let outcome = sign_in.poll_device(&credential, &mut device).await;
        outcome.unwrap_err()
    };
    assert!(matches!(poll().await, AuthorizeError::Declined));
    assert!(matches!(poll().await, AuthorizeError::Expired));
    assert!(matches!(poll().await, AuthorizeError::CodeUnknown));
    let public = poll().await.to_string();
    assert!(public.contains("Allow public client flows"), "{public}");
    let mute = poll().await;
    assert!(matches!(
        mute,
        AuthorizeError::SignIn(Error::Malformed { .. })
    ));
}
