//! Faults, silence, and the record of what was asked.

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
