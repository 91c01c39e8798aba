//! Answers that are none: what a proxy says, what was cut short, what is no JSON.

use super::stage::{Stage, tenant_with};
use crate::tenant::{Fault, Surface};

/// The fault takes the place of pages in the first pass and in a later one, and is told of as no answer of Graph's.
async fn is_no_answer(fault: Fault) {
    let words = ["did not speak as Graph does", "HTTP 200", "asked for again"];
    let tenant = tenant_with(&fault, 1).await;
    let mut stage = Stage::first_pass(tenant).await;
    assert!(stage.tenant.faults_are_spent());
    stage.logs_request(0, &words).await;
    let logged = stage.daemon.log_length();
    stage.tenant.inject(Surface::Graph, fault, 1);
    stage.takes_in_a_colleague().await;
    stage.logs_request(logged, &words).await;
}

#[tokio::test]
async fn half_a_page_is_no_page() {
    is_no_answer(Fault::HalfJson).await;
}

#[tokio::test]
async fn page_that_is_no_json_is_no_page() {
    is_no_answer(Fault::BrokenJson).await;
}

#[tokio::test]
async fn web_page_is_no_page_of_the_tenant() {
    is_no_answer(Fault::HtmlPage).await;
}

#[tokio::test]
async fn web_page_that_claims_to_be_json_is_no_page_either() {
    is_no_answer(Fault::HtmlAsJson).await;
}

#[tokio::test]
async fn proxy_in_the_way_for_longer_fails_the_pass_and_takes_nothing() {
    let mut stage = Stage::tidy().await;
    let logged = stage.daemon.log_length();
    stage.tenant.inject(Surface::Graph, Fault::HtmlPage, 12);
    stage.fails(&["any proxy in between"]).await;
    stage.logs_request(logged, &["sync: ", "any proxy"]).await;
    stage.tenant.clear_faults();
    stage.takes_in_a_colleague().await;
}
