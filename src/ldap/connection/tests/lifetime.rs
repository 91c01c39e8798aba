//! How a connection ends.

use tokio::time::Instant;

use super::client::{assert_notice, result, who_am_i};
use super::*;

#[tokio::test]
async fn unbind_closes_the_connection_without_a_word() {
    let mut client = World::new().connect_as(vpn());
    client.send(LdapOp::UnbindRequest).await;
    client.send(who_am_i()).await;
    assert_eq!(client.rest().await, []);
}

#[tokio::test]
async fn shutdown_tells_a_silent_client_that_the_server_is_unavailable() {
    let mut client = World::new().connect();
    assert_eq!(client.who_am_i().await, "");
    client.shutdown.cancel();
    assert_notice(&client.rest().await, LdapResultCode::Unavailable);
}

#[tokio::test]
async fn shutdown_lets_a_search_under_way_end_and_begins_no_other() {
    let world = World::serving(Some(crowd("user", 3000)));
    let mut client = world.connect_as(vpn());
    let request = search(PEOPLE, LdapSearchScope::OneLevel);
    let id = client.send(LdapOp::SearchRequest(request)).await;
    client.next().await.unwrap();
    client.shutdown.cancel();
    client.send(who_am_i()).await;
    let mut rest = client.rest().await;
    let notice = rest.pop().unwrap();
    assert_notice(&[notice], LdapResultCode::Unavailable);
    let done = rest.pop().unwrap();
    assert_eq!(done.msgid, id);
    assert_eq!(result(done.op).code, LdapResultCode::Success);
    assert_eq!(rest.len(), 2999);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_a_client_that_reads_nothing() {
    let world = World::serving(Some(crowd("user", 3000)));
    let mut client = world.connect_as(vpn());
    let request = search(PEOPLE, LdapSearchScope::OneLevel);
    client.send(LdapOp::SearchRequest(request)).await;
    client.shutdown.cancel();
    client.patience = 2 * WRITE_TIMEOUT;
    client.ended().await;
}

#[tokio::test]
async fn a_client_that_will_send_nothing_more_still_gets_what_it_asked_for() {
    let world = World::serving(Some(crowd("user", 3000)));
    let mut client = world.connect_as(vpn());
    let request = search(PEOPLE, LdapSearchScope::OneLevel);
    client.send(LdapOp::SearchRequest(request)).await;
    client.half_close().await;
    let rest = client.rest().await;
    assert_eq!(rest.len(), 3001);
    assert!(matches!(rest[3000].op, LdapOp::SearchResultDone(_)));
}

/// How long a client is let alone before it is told off.
async fn patience_with(mut client: Client) -> Duration {
    client.patience = 2 * IDLE_TIMEOUT;
    let start = Instant::now();
    assert_notice(&client.rest().await, LdapResultCode::Unavailable);
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_let_alone_longer_once_it_has_bound() {
    let world = World::new();
    let about = |waited: Duration, bound: Duration| {
        waited >= bound && waited < bound + Duration::from_secs(1)
    };
    assert!(about(
        patience_with(world.connect()).await,
        ANONYMOUS_IDLE_TIMEOUT
    ));
    assert!(about(
        patience_with(world.connect_as(vpn())).await,
        IDLE_TIMEOUT
    ));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_within_a_message_is_told_off_sooner() {
    let mut client = World::new().connect_as(vpn());
    client.write(&[ber::SEQUENCE, 0x20]).await;
    assert!(patience_with(client).await < ANONYMOUS_IDLE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_let_go() {
    let world = World::serving(Some(crowd("user", 3000)));
    let mut client = world.connect_as(vpn());
    let request = search(PEOPLE, LdapSearchScope::OneLevel);
    client.send(LdapOp::SearchRequest(request)).await;
    client.patience = 2 * WRITE_TIMEOUT;
    client.ended().await;
}
