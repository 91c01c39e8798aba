//! Graph asks for patience: it gets what it asks for, however it says so.

use std::time::Duration;

use super::stage::{Stage, tenant_with};
use crate::tenant::{Disorder, Fault, Quota, RetryAfter, Surface, Tenant, sample};

/// Throttled on the way through the first pass, and once more later; the waits that the log tells of, in seconds.
async fn waits(retry_after: Option<&str>) -> Vec<f64> {
    let fault = Fault::Status(429, retry_after.map(str::to_owned));
    let tenant = tenant_with(&fault, 1).await;
    let mut stage = Stage::first_pass(tenant).await;
    assert!(stage.tenant.faults_are_spent());
    let first = stage.logs_answer(0, &["Graph is throttling us"]).await;
    let logged = stage.daemon.log_length();
    stage.tenant.inject(Surface::Graph, fault, 1);
    stage.takes_in_a_colleague().await;
    let second = stage.logs_answer(logged, &["Graph is throttling us"]).await;
    [first, second].iter().map(|line| wait(line)).collect()
}

fn wait(line: &str) -> f64 {
    let (_, rest) = line.split_once("wait_seconds=").expect("the wait is told");
    let number = rest.split_whitespace().next().expect("a number follows");
    number.parse().expect("it is a number")
}

#[tokio::test]
async fn whole_seconds_are_waited_for() {
    assert_eq!(waits(Some("1")).await, [1.0, 1.0]);
}

#[tokio::test]
async fn fraction_of_a_second_is_waited_for() {
    assert_eq!(waits(Some("0.728")).await, [0.728, 0.728]);
}

#[tokio::test]
async fn without_a_word_about_it_the_wait_grows_from_half_a_second() {
    for wait in waits(None).await {
        assert!((0.5..=1.0).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn date_is_waited_for_by_the_clock_of_graph_and_not_by_ours() {
    let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
    tenant.advance(Duration::from_secs(3600));
    let mut stage = Stage::first_pass(tenant).await;
    let logged = stage.daemon.log_length();
    stage.tenant.throttle(Some(Quota {
        units: 1,
        window: Duration::from_secs(1),
        retry_after: RetryAfter::Date,
    }));
    stage.takes_in_a_colleague().await;
    let line = stage.logs_answer(logged, &["Graph is throttling us"]).await;
    assert!((0.0..=3.0).contains(&wait(&line)), "{line}");
}

#[tokio::test]
async fn small_quota_slows_a_pass_and_does_not_break_it() {
    let tenant = Tenant::sample().await;
    tenant.throttle(Some(Quota {
        units: 15,
        window: Duration::from_secs(1),
        retry_after: RetryAfter::Fraction,
    }));
    let mut stage = Stage::first_pass(tenant).await;
    stage.logs_answer(0, &["Graph is throttling us"]).await;
    let rounds = stage.tenant.requests();
    let rounds = rounds
        .iter()
        .filter(|request| request.starts_a_full_round() && request.status == Some(200));
    assert_eq!(rounds.count(), 2, "no round had to start over");
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn wait_beyond_bearing_ends_the_pass_and_nothing_is_asked_meanwhile() {
    let fault = Fault::Status(429, Some("86400".to_owned()));
    let tenant = tenant_with(&fault, 1).await;
    let mut stage = Stage::before(tenant, "").await;
    stage.logs_answer(0, &["sync: ", "throttling"]).await;
    let mark = stage.tenant.mark();
    let ended = stage.installation.run(&["sync"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.results.contains("throttling"), "{ended:?}");
    let asked = stage.tenant.requests_since(mark);
    assert!(!asked.iter().any(|it| it.surface() == Surface::Graph));
    stage.is_unavailable().await;
}
