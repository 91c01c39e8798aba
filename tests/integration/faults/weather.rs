//! Servers that fail and connections that break: what passes by itself.

use std::time::Duration;

use super::stage::{Stage, assert_same, tenant_with, undisturbed};
use crate::tenant::{Fault, Surface, Tenant};

/// The fault comes up on the way through the first pass, and at the beginning of a later one.
async fn passes_by(fault: Fault, words: &[&str]) -> Stage {
    let tenant = tenant_with(&fault, 1).await;
    let mut stage = Stage::first_pass(tenant).await;
    assert!(stage.tenant.faults_are_spent());
    stage.logs_answer(0, words).await;
    let logged = stage.daemon.log_length();
    stage.tenant.inject(Surface::Graph, fault, 1);
    stage.takes_in_a_colleague().await;
    stage.logs_answer(logged, words).await;
    stage
}

async fn outage_passes_by(status: u16) {
    let words = format!("Graph failed with HTTP {status}");
    passes_by(
        Fault::Status(status, None),
        &[&words, "it is asked for again"],
    )
    .await;
}

#[tokio::test]
async fn internal_error_is_asked_about_again() {
    outage_passes_by(500).await;
}

#[tokio::test]
async fn bad_gateway_is_asked_about_again() {
    outage_passes_by(502).await;
}

#[tokio::test]
async fn unavailable_service_is_asked_again() {
    outage_passes_by(503).await;
}

#[tokio::test]
async fn gateway_timeout_is_asked_about_again() {
    outage_passes_by(504).await;
}

#[tokio::test]
async fn unavailable_service_that_names_a_time_is_given_it() {
    let fault = Fault::Status(503, Some("1".to_owned()));
    passes_by(fault, &["HTTP 503", "wait_seconds=1.0"]).await;
}

#[tokio::test]
async fn body_that_breaks_off_is_no_page() {
    passes_by(Fault::BrokenOff, &["cannot be reached", "asked for again"]).await;
}

#[tokio::test]
async fn connection_that_ends_without_an_answer_costs_nothing() {
    // An HTTP client may repeat by itself what was sent over a connection that had been used before.
    let tenant = tenant_with(&Fault::HangUp, 3).await;
    let mut stage = Stage::first_pass(tenant).await;
    stage.logs_request(0, &["cannot be reached"]).await;
    let logged = stage.daemon.log_length();
    stage.tenant.inject(Surface::Graph, Fault::HangUp, 3);
    stage.takes_in_a_colleague().await;
    stage.logs_request(logged, &["cannot be reached"]).await;
}

#[tokio::test]
async fn answer_that_drips_is_read_to_its_end() {
    let fault = Fault::SlowDrip {
        bytes: 300,
        pause: Duration::from_millis(20),
    };
    let tenant = tenant_with(&fault, 1).await;
    let mut stage = Stage::first_pass(tenant).await;
    assert!(stage.tenant.faults_are_spent());
    stage.tenant.inject(Surface::Graph, fault, 1);
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn packed_and_chunked_answers_are_the_same_answers() {
    let tenant = Tenant::sample().await;
    tenant.compress(true);
    tenant.chunk(true);
    let mut stage = Stage::first_pass(tenant).await;
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn tenant_out_of_reach_in_the_first_pass_is_waited_for() {
    let tenant = Tenant::sample().await;
    tenant.stop().await;
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    stage.is_unavailable().await;
    stage.logs_after(0, &["cannot be reached"]).await;
    stage.tenant.restart().await;
    stage.is_unavailable_until_complete().await;
    assert_same(&stage.good, undisturbed().await);
}

#[tokio::test]
async fn first_pass_goes_on_where_an_outage_stopped_it() {
    let tenant = Tenant::sample().await;
    tenant.inject_whenever(
        Surface::Graph,
        super::stage::on_page("groups", 3),
        Fault::Status(503, None),
        5,
    );
    let stage = Stage::first_pass(tenant).await;
    stage
        .logs_answer(0, &["sync: ", "groups", "HTTP 503"])
        .await;
    let rounds = stage.tenant.requests();
    let rounds = rounds
        .iter()
        .filter(|request| request.starts_a_full_round());
    assert_eq!(rounds.count(), 2, "what was read is not read again");
}

#[tokio::test]
async fn outage_of_the_sign_in_service_is_waited_out() {
    let tenant = Tenant::sample().await;
    tenant.fail_sign_in(503, Some("1"), 1);
    let mut stage = Stage::first_pass(tenant).await;
    stage.logs_after(0, &["503", "asked for again"]).await;
    stage.tenant.revoke_access_tokens();
    stage.tenant.fail_sign_in(503, None, 1);
    stage.takes_in_a_colleague().await;
}
