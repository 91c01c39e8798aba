//! Links that lead in a circle, nowhere, or off.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::stage::{Stage, at_delta_link, on_page};
use crate::tenant::{Disorder, Fault, Surface, Tenant, sample};

#[tokio::test]
async fn page_that_names_itself_as_the_next_ends_the_pass_and_not_the_daemon() {
    let tenant = Tenant::sample().await;
    tenant.inject_at(Surface::Graph, on_page("users", 1), Fault::LoopingLink);
    tenant.inject_at(Surface::Graph, on_page("groups", 1), Fault::LoopingLink);
    let mut stage = Stage::first_pass(tenant).await;
    for phase in ["the users phase", "the groups phase"] {
        stage
            .logs_after(0, &["sync: ", phase, "led in a circle"])
            .await;
    }
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn links_without_end_end_the_pass_and_not_the_daemon() {
    let tenant = Tenant::start_with(sample::company(), Disorder::seeded(7)).await;
    tenant.inject_at(Surface::Graph, on_page("users", 1), Fault::EndlessLinks);
    let stage = Stage::first_pass(tenant).await;
    stage
        .logs_after(0, &["sync: ", "users", "did not end"])
        .await;
}

#[tokio::test]
async fn page_told_twice_counts_once() {
    let tenant = Tenant::sample().await;
    for page in [0, 2] {
        tenant.inject_at(Surface::Graph, on_page("users", page), Fault::RepeatedPage);
        tenant.inject_at(Surface::Graph, on_page("groups", page), Fault::RepeatedPage);
    }
    let stage = Stage::first_pass(tenant).await;
    assert!(stage.tenant.faults_are_spent());
}

#[tokio::test]
async fn link_to_another_host_gets_neither_request_nor_token() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let host = trap.local_addr().unwrap().to_string();
    let link = Fault::ForeignLink(format!("http://{host}"));
    let tenant = Tenant::sample().await;
    tenant.inject_at(Surface::Graph, on_page("users", 1), link.clone());
    let mut stage = Stage::first_pass(tenant).await;
    stage.logs_answer(0, &["a page link leads to", &host]).await;

    let logged = stage.daemon.log_length();
    let is_due = at_delta_link("groups");
    stage.tenant.inject_at(Surface::Graph, is_due, link);
    stage
        .logs_answer(logged, &["a page link leads to", &host])
        .await;
    stage.takes_in_a_colleague().await;
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
