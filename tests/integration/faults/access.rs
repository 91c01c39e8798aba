//! Rights that are taken away while the daemon runs, and clocks that disagree.

use jiff::SignedDuration;

use super::stage::Stage;
use crate::tenant::{Fault, Surface, Tenant};

/// One permission is withdrawn in mid-life and given back later: nothing is lost, and the status names it.
async fn outlives_the_loss(permission: &str, withdraw: fn(&Tenant, &str, &str)) -> Stage {
    let mut stage = Stage::tidy().await;
    let client_id = stage.tenant.client_id();
    withdraw(&stage.tenant, &client_id, permission);
    // Something to tell, or there were nothing to withhold.
    let uid = stage.hire();
    stage.fails(&[permission]).await;
    stage.tenant.return_permission(&client_id, permission);
    stage.is_taken_in(&uid).await;
    stage.recovers().await;
    stage
}

#[tokio::test]
async fn denied_users_stay_as_they_were() {
    let stage = outlives_the_loss("User.Read.All", Tenant::withdraw_permission).await;
    stage
        .logs_answer(0, &["Graph denies access to users"])
        .await;
}

#[tokio::test]
async fn users_that_turn_into_nulls_stay_as_they_were() {
    let stage = outlives_the_loss("User.Read.All", Tenant::withdraw_permission_silently).await;
    stage.logs_after(0, &["told ids and nothing else"]).await;
}

#[tokio::test]
async fn denied_first_pass_serves_nothing() {
    let tenant = Tenant::sample().await;
    tenant.withdraw_permission(&tenant.client_id(), "User.Read.All");
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    stage.fails(&["User.Read.All"]).await;
    stage.is_unavailable().await;
}

#[tokio::test]
async fn nulls_in_the_first_pass_are_no_directory() {
    let tenant = Tenant::sample().await;
    tenant.withdraw_permission_silently(&tenant.client_id(), "User.Read.All");
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    stage.fails(&["User.Read.All"]).await;
    stage.is_unavailable().await;
}

#[tokio::test]
async fn clock_that_is_wrong_is_told_of_and_believed_nowhere() {
    let tenant = Tenant::sample().await;
    tenant.skew_dates(SignedDuration::from_hours(-2));
    let mut stage = Stage::first_pass(tenant).await;
    stage
        .logs_request(0, &["this host's clock and Graph's differ"])
        .await;
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn refused_property_is_left_out_and_everything_else_is_served() {
    let tenant = Tenant::sample().await;
    tenant.refuse_property("employeeType");
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    stage.is_unavailable_until_complete().await;
    assert_eq!(
        stage.good.len(),
        super::stage::undisturbed().await.len(),
        "nobody is missing"
    );
    stage
        .logs_answer(0, &["Graph refuses the property employeeType"])
        .await;
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn request_that_graph_does_not_support_fails_the_phase_and_takes_nothing() {
    let mut stage = Stage::tidy().await;
    let logged = stage.daemon.log_length();
    let fault = Fault::Refusal {
        status: 501,
        code: "NotImplemented",
        restarts: false,
    };
    stage.tenant.inject(Surface::Graph, fault, 2);
    stage.logs_answer(logged, &["sync: ", "501"]).await;
    stage.takes_in_a_colleague().await;
}
