//! Over the wire: a small server speaks for the sign-in service.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;

use super::*;
use crate::oauth::Settings;
use crate::oauth::http::client;
use crate::secret::Secret;

/// What the server has been asked, and how it answers the n-th request with this client id.
type Script = fn(usize, &str) -> Response;

struct Service {
    source: TokenSource,
    asked: Arc<AtomicUsize>,
}

fn granted(token: &str, expires_in: u64) -> Response {
    axum::Json(serde_json::json!({"token_type": "Bearer", "expires_in": expires_in, "access_token": token}))
        .into_response()
}

fn refused(status: u16, code: u32) -> Response {
    let body = serde_json::json!({
        "error": "invalid_client", "error_codes": [code], "correlation_id": "c0ffee",
        "error_description": format!("AADSTS{code}: no.\r\nTrace ID: t"),
    });
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// A source with credentials `first` and `second` (their client ids too) against a scripted service.
async fn service(script: Script) -> Service {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = move |Form(form): Form<HashMap<String, String>>| async move {
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["client_secret"], "s3cret+& €");
        assert!(form["scope"].ends_with("/.default"));
        script(count.fetch_add(1, Ordering::SeqCst), &form["client_id"])
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/contoso.example/oauth2/v2.0/token", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings {
        login_url: root.parse().unwrap(),
        graph_url: root.parse().unwrap(),
        tenant: "contoso.example".to_owned(),
        ca_file: None,
    };
    let sign_in = SignIn::new(&settings, client(&settings).unwrap());
    let credential = |name: &str| Credential {
        name: name.to_owned(),
        client_id: name.to_owned(),
        client_secret: Arc::new(Secret::new("s3cret+& €".to_owned())),
    };
    Service {
        source: TokenSource::new(sign_in, vec![credential("first"), credential("second")]),
        asked,
    }
}

impl Service {
    async fn token(&self) -> Result<String, Error> {
        self.source
            .token()
            .await
            .map(|token| token.secret().expose().to_owned())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn one_exchange_serves_many_askers() {
    let service = service(|n, _| granted(&format!("token{n}"), 3599)).await;
    let (a, b) = tokio::join!(service.token(), service.token());
    assert_eq!(
        (a.unwrap(), b.unwrap()),
        ("token0".to_owned(), "token0".to_owned())
    );
    assert_eq!(service.asked(), 1);
}

#[tokio::test]
async fn invalidated_token_is_replaced_once() {
    let service = service(|n, _| granted(&format!("token{n}"), 3599)).await;
    let refused = service.source.token().await.unwrap();
    service.source.invalidate(&refused).await;
    assert_eq!(service.token().await.unwrap(), "token1");
    service.source.invalidate(&refused).await;
    assert_eq!(service.token().await.unwrap(), "token1");
}

#[tokio::test]
async fn dead_credential_fails_over_and_is_reported() {
    let service = service(|_, client| match client {
        "first" => refused(401, 7_000_222),
        _ => granted("token", 3599),
    })
    .await;
    assert_eq!(service.token().await.unwrap(), "token");
    let [first, second] = &service.source.states()[..] else {
        panic!()
    };
    assert_eq!((first.working, second.working), (Some(false), Some(true)));
    assert!(
        first
            .reason
            .as_ref()
            .unwrap()
            .contains("the client secret has expired")
    );
    assert!(first.since.is_some() && second.reason.is_none());
}

#[tokio::test]
async fn all_dead_credentials_are_named_with_advice() {
    let service = service(|_, _| refused(400, 700_016)).await;
    let error = service.token().await.unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("\"first\"")
            && words.contains("\"second\"")
            && words.contains("AADSTS700016"),
        "{words}"
    );
    assert!(!words.contains("s3cret"));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn plain_text_throttling_keeps_its_wait_and_does_not_fail_over() {
    let service = service(|_, _| {
        (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "60")],
            "Too Many Requests",
        )
            .into_response()
    })
    .await;
    let error = service.token().await.unwrap_err();
    assert!(
        matches!(error, Error::Throttled { retry_after: Some(wait) } if wait.as_secs() == 60),
        "{error}"
    );
    assert_eq!(service.asked(), 1);
    assert_eq!(service.source.states()[0].working, None);
}

#[tokio::test]
async fn outage_with_an_html_page_does_not_fail_over() {
    let service = service(|_, _| {
        (StatusCode::SERVICE_UNAVAILABLE, Html("<html>down</html>")).into_response()
    })
    .await;
    assert!(matches!(
        service.token().await,
        Err(Error::Outage {
            status: 503,
            retry_after: None
        })
    ));
    assert_eq!(service.asked(), 1);
}

#[tokio::test]
async fn html_page_with_status_200_is_no_token() {
    let service = service(|_, _| Html("<html>access_token</html>").into_response()).await;
    assert!(matches!(
        service.token().await,
        Err(Error::Malformed { status: 200, .. })
    ));
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let service =
        service(|_, _| (StatusCode::FOUND, [("location", "http://127.0.0.1:9/")]).into_response())
            .await;
    assert!(matches!(
        service.token().await,
        Err(Error::Malformed { status: 302, .. })
    ));
}

#[test]
fn token_is_replaced_before_its_end_but_not_while_paused() {
    let now = Instant::now();
    let mut cache = Cache {
        token: Some(AccessToken::of_lifetime("t", now, 3600)),
        paused_until: None,
    };
    assert!(cache.usable(now + Duration::from_secs(3200)).is_some());
    assert!(cache.usable(now + Duration::from_secs(3400)).is_none());
    cache.paused_until = Some(now + Duration::from_secs(3500));
    assert!(cache.usable(now + Duration::from_secs(3400)).is_some());
    assert!(cache.usable(now + Duration::from_secs(3601)).is_none());
}

#[test]
fn short_lived_token_is_used_for_half_its_life() {
    let now = Instant::now();
    let cache = Cache {
        token: Some(AccessToken::of_lifetime("t", now, 60)),
        paused_until: None,
    };
    assert!(cache.usable(now + Duration::from_secs(20)).is_some());
    assert!(cache.usable(now + Duration::from_secs(40)).is_none());
}

#[tokio::test]
async fn outage_near_the_end_leaves_the_old_token_and_is_not_repeated_at_once() {
    let service = service(|_, _| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let issued = Instant::now() - Duration::from_secs(40);
    service.source.cache.lock().await.token = Some(AccessToken::of_lifetime("old", issued, 60));
    assert_eq!(service.token().await.unwrap(), "old");
    assert_eq!(service.token().await.unwrap(), "old");
    assert_eq!(service.asked(), 1);
}
