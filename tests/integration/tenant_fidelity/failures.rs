//! Faults, silence, and the record of what was asked.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::Value;

use super::{Client, text};
use crate::tenant::sample::PASSWORDS;
use crate::tenant::{Fault, Surface, Tenant};

#[tokio::test]
async fn injected_statuses_come_first_and_in_number() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.fail_graph(429, Some("2.128"), 2);
    for _ in 0..2 {
        let answer = client.get("users").await;
        assert_eq!(answer.refusal(), (429, "TooManyRequests"));
        assert_eq!(answer.header("retry-after"), Some("2.128"));
    }
    assert_eq!(client.get("users").await.status, 200);
}

#[tokio::test]
async fn a_connection_can_end_before_or_during_the_answer() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    // Two, because an HTTP client may repeat a request whose connection closed before any answer.
    tenant.inject(Surface::Graph, Fault::HangUp, 2);
    assert!(client.try_get("users").await.is_err());
    tenant.clear_faults();

    tenant.inject(Surface::Graph, Fault::BrokenOff, 1);
    let response = client.try_get("users").await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn a_body_can_be_html_or_half() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    for fault in [Fault::HtmlPage, Fault::HalfJson] {
        tenant.inject(Surface::Graph, fault.clone(), 1);
        let answer = client.get("users").await;
        assert_eq!(answer.status, 200, "{fault:?}");
        assert!(matches!(answer.body, Value::String(_)), "{fault:?}");
    }
}

#[tokio::test]
async fn links_can_lead_astray() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let foreign = Fault::ForeignLink("https://graph.evil.example".to_owned());
    tenant.inject(Surface::Graph, foreign, 1);
    // No link, so the fault waits.
    client.get("organization").await;
    let page = client.get("users").await.body;
    assert!(text(&page, "@odata.nextLink").starts_with("https://graph.evil.example/v1.0/users?"));

    tenant.inject(Surface::Graph, Fault::LoopingLink, 1);
    let page = client.get("users?$top=5").await.body;
    let itself = format!("{}/v1.0/users?$top=5", tenant.graph_url());
    assert_eq!(text(&page, "@odata.nextLink"), itself);
}

#[tokio::test]
async fn a_stopped_tenant_is_unreachable_and_resumes_where_it_was() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let next = text(&client.get("users").await.body, "@odata.nextLink");
    tenant.stop().await;
    assert!(client.try_get("users").await.unwrap_err().is_connect());
    tenant.restart().await;
    assert_eq!(client.get(&next).await.status, 200);
}

#[tokio::test]
async fn a_held_service_answers_once_it_is_let_go() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let mark = tenant.mark();
    let hold = tenant.hold(Surface::Graph).await;
    let request = client.get("users");
    let release =
        async {
            // The sign-in service is not held.
            client.app_token(&[]).await;
            assert!(tenant.requests_since(mark).iter().all(|request| {
                request.surface() == Surface::SignIn || request.status.is_none()
            }));
            drop(hold);
        };
    let (answer, ()) = tokio::join!(request, release);
    assert_eq!(answer.status, 200);
    tenant
        .answered_since(mark, |request| request.path == "/v1.0/users")
        .await;
}

#[tokio::test]
async fn the_log_knows_every_request_and_no_secret() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let mark = tenant.mark();
    let (upn, password) = PASSWORDS[0];
    client.check_password(upn, password, &[]).await;
    client.get("users/delta?$select=id,displayName").await;

    let requests = tenant.requests_since(mark);
    assert_eq!(requests.len(), 2);
    assert!(requests[0].is_password_check() && !requests[0].has_bearer);
    assert_eq!(requests[0].username.as_deref(), Some(upn));
    assert_eq!(requests[0].status, Some(200));
    assert!(requests[1].has_bearer && requests[1].starts_a_full_round());
    assert_eq!(requests[1].query, "$select=id,displayName");
    let log = format!("{requests:?}");
    for secret in [password, &tenant.client_secret(), &client.token] {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn a_fault_can_wait_for_its_place() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.inject_at(
        Surface::Graph,
        |position| position.page == 2 && position.request.path.contains("users"),
        Fault::Status(404, None),
    );
    tenant.inject_at(
        Surface::Graph,
        |position| position.nth == 2,
        Fault::HtmlAsJson,
    );
    let first = client.get("users/delta").await.body;
    let next = text(&first, "@odata.nextLink");
    let html = client.get(&next).await;
    assert!(
        html.header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    assert!(matches!(html.body, Value::String(_)));
    let second = client.get(&next).await.body;
    let next = text(&second, "@odata.nextLink");
    assert!(!tenant.faults_are_spent());
    assert_eq!(client.get(&next).await.refusal(), (404, "UnknownError"));
    assert_eq!(client.get(&next).await.status, 200);
    assert!(tenant.faults_are_spent());
}

#[tokio::test]
async fn pages_can_repeat_themselves_or_never_end() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.inject(Surface::Graph, Fault::RepeatedPage, 1);
    let first = client.get("users/delta").await.body;
    let again = client.get(&text(&first, "@odata.nextLink")).await.body;
    assert_eq!(again["value"], first["value"]);
    assert_ne!(again["@odata.nextLink"], first["@odata.nextLink"]);
    assert_eq!(
        client.get(&text(&again, "@odata.nextLink")).await.status,
        200
    );

    tenant.inject(Surface::Graph, Fault::EndlessLinks, 1);
    let mut page = client.get("groups/delta").await.body;
    let mut links = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let next = text(&page, "@odata.nextLink");
        assert!(links.insert(next.clone()), "{next} came before");
        page = client.get(&next).await.body;
        assert_eq!(page["value"].as_array().map(Vec::len), Some(0));
    }
}

#[tokio::test]
async fn a_round_can_be_called_off_in_every_spelling() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let link = client.round("users/delta?$select=id").await.delta_link;
    for (status, code, restarts) in [
        (410, "resyncRequired", true),
        (410, "ResyncRequired", false),
        (410, "syncStateNotFound", true),
        (400, "SyncStateNotFound", false),
    ] {
        let fault = Fault::Refusal {
            status,
            code,
            restarts,
        };
        tenant.inject_at(
            Surface::Graph,
            |position| position.request.option("$deltatoken").is_some(),
            fault,
        );
        let answer = client.get(&link).await;
        assert_eq!(answer.refusal(), (status, code));
        let location = answer.header("location");
        assert_eq!(location.is_some(), restarts);
        if let Some(location) = location {
            assert!(location.ends_with("?$deltatoken="));
            assert_eq!(client.get(location).await.status, 200);
        }
    }
    assert_eq!(client.get(&link).await.status, 200);
}

#[tokio::test]
async fn an_answer_can_drip() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let drip = Fault::SlowDrip {
        bytes: 200,
        pause: Duration::from_millis(50),
    };
    tenant.inject(Surface::Graph, drip, 1);
    let start = Instant::now();
    let answer = client.get("organization").await;
    assert!(answer.body["value"].is_array());
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn answers_can_be_compressed_and_chunked() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let plain = client.get("users?$top=20").await.body;
    tenant.compress(true);
    tenant.chunk(true);
    let raw = reqwest::Client::builder().no_gzip().build().unwrap();
    let url = format!("{}/v1.0/users?$top=20", tenant.graph_url());
    let request = raw.get(url).bearer_auth(&client.token);
    let packed = request
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["transfer-encoding"], "chunked");
    assert!(packed.headers().get("content-length").is_none());
    let read = client.get("users?$top=20").await.body;
    assert_eq!(read["value"], plain["value"]);
}

#[tokio::test]
async fn the_date_can_be_wrong_and_follows_the_tenants_clock() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let date = async || {
        let answer = client.get("organization").await;
        jiff::fmt::rfc2822::parse(answer.header("date").unwrap())
            .unwrap()
            .timestamp()
    };
    let hour = SignedDuration::from_hours(1);
    let off = |date: jiff::Timestamp| date.duration_since(jiff::Timestamp::now()).as_secs();
    assert!(off(date().await).abs() < 60);
    tenant.skew_dates(-hour);
    assert!((off(date().await) + 3600).abs() < 60);
    tenant.skew_dates(SignedDuration::ZERO);
    tenant.advance(Duration::from_secs(3600));
    assert!((off(date().await) - 3600).abs() < 60);
}

#[tokio::test]
async fn the_token_endpoint_throttles_in_plain_text() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.inject(Surface::SignIn, Fault::PlainTooManyRequests, 1);
    let answer = client.app_token(&[]).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("60"))
    );
    assert_eq!(answer.body, "Too Many Requests");
}
