//! Tokens of every kind that end before their time, or at it.

use std::time::Duration;

use super::stage::{Stage, at_delta_link};
use crate::harness::within;
use crate::tenant::{Fault, LoggedRequest, Surface, Tenant};

/// What Graph calls the loss of a round's state.
const LOST: [&str; 2] = ["syncStateNotFound", "SyncStateNotFound"];

/// Both phases are told once more from the beginning, and nothing vanishes.
async fn enumerates_again(stage: &mut Stage, upset: impl FnOnce(&Tenant)) {
    let (mark, logged) = (stage.tenant.mark(), stage.daemon.log_length());
    let uid = stage.hire();
    upset(&stage.tenant);
    stage.is_taken_in(&uid).await;
    for collection in ["users", "groups"] {
        let words = format!("Graph asks for a full enumeration of {collection}");
        stage.logs_answer(logged, &[&words]).await;
        let is_new_round = |request: &LoggedRequest| {
            request.path.contains(collection) && request.starts_a_full_round()
        };
        let requests = stage.tenant.requests_since(mark);
        assert!(requests.iter().any(is_new_round), "{collection}");
    }
}

async fn is_a_resync(status: u16, codes: &[&'static str]) {
    let mut stage = Stage::tidy().await;
    for restarts in [true, false] {
        for &code in codes {
            let refusal = Fault::Refusal {
                status,
                code,
                restarts,
            };
            enumerates_again(&mut stage, |tenant| {
                for collection in ["users", "groups"] {
                    let is_due = at_delta_link(collection);
                    tenant.inject_at(Surface::Graph, is_due, refusal.clone());
                }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn state_that_is_gone_is_enumerated_again_wherever_graph_says_to_start() {
    is_a_resync(410, &LOST).await;
}

#[tokio::test]
async fn state_that_is_not_found_is_enumerated_again_however_it_is_spelled() {
    is_a_resync(400, &LOST).await;
}

#[tokio::test]
async fn demanded_resync_takes_nothing_away() {
    is_a_resync(410, &["resyncRequired", "ResyncRequired"]).await;
}

#[tokio::test]
async fn delta_links_that_aged_for_a_week_are_replaced() {
    let mut stage = Stage::set().await;
    enumerates_again(&mut stage, |tenant| {
        tenant.advance(Duration::from_secs(8 * 24 * 3600));
    })
    .await;
}

/// The access token fails in the middle of the first pass, which goes on with another one.
async fn goes_on_after(doom: impl FnOnce(&Tenant)) {
    let tenant = Tenant::sample().await;
    tenant.delay(Surface::Graph, Duration::from_millis(20));
    let mark = tenant.mark();
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    let is_under_way = |request: &LoggedRequest| request.option("$skiptoken").is_some();
    let under_way = stage.tenant.answered_since(mark, is_under_way);
    within("the pass is under way", under_way).await;
    doom(&stage.tenant);
    stage.is_unavailable_until_complete().await;
    super::stage::assert_same(&stage.good, super::stage::undisturbed().await);
    stage.logs_answer(0, &["Graph refused the token"]).await;
    let requests = stage.tenant.requests_since(mark);
    let refused = requests
        .iter()
        .filter(|request| request.status == Some(401));
    assert!(refused.count() >= 1);
    let rounds = requests
        .iter()
        .filter(|request| request.starts_a_full_round() && request.status == Some(200));
    assert_eq!(rounds.count(), 2, "the rounds went on");
}

#[tokio::test]
async fn access_token_that_expires_during_a_pass_is_replaced() {
    goes_on_after(|tenant| tenant.advance(Duration::from_secs(48 * 3600))).await;
}

#[tokio::test]
async fn access_token_that_is_revoked_during_a_pass_is_replaced() {
    goes_on_after(Tenant::revoke_access_tokens).await;
}

#[tokio::test]
async fn claims_challenge_during_a_pass_is_answered_with_a_new_token() {
    goes_on_after(Tenant::challenge_access_tokens).await;
}

#[tokio::test]
async fn page_links_that_were_forgotten_start_the_round_over_and_take_nothing() {
    let tenant = Tenant::sample().await;
    for collection in ["users", "groups"] {
        let lost = Fault::Refusal {
            status: 404,
            code: "UnknownError",
            restarts: false,
        };
        let is_due = super::stage::on_page(collection, 2);
        tenant.inject_whenever(Surface::Graph, is_due, lost, 3);
    }
    let mut stage = Stage::first_pass(tenant).await;
    stage
        .logs_answer(0, &["Graph has lost a page of users"])
        .await;
    stage
        .logs_answer(0, &["Graph has lost a page of groups"])
        .await;
    stage.takes_in_a_colleague().await;
}
