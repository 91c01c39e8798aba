//! The end of the daemon, when it is told to.

use ldap3_proto::proto::{LdapOp, LdapResultCode};

use crate::harness::{Client, Installation, within};
use crate::tenant::{Surface, Tenant};

/// The name of a Notice of Disconnection (RFC 4511 §4.4.1).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

async fn is_told_to_go(client: &mut Client) {
    let notice = client.next().await.expect("a notice");
    assert_eq!(notice.msgid, 0);
    let LdapOp::ExtendedResponse(response) = notice.op else {
        panic!("{notice:?}");
    };
    assert_eq!(response.name.as_deref(), Some(NOTICE_OF_DISCONNECTION));
    assert_eq!(response.res.code, LdapResultCode::Unavailable);
    assert!(client.next().await.is_none(), "nothing follows the notice");
}

#[tokio::test]
async fn idle_clients_are_told_and_the_daemon_leaves_nothing_behind() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let mut daemon = installation.serve().await;
    let mut plain = daemon.connect().await;
    plain.bind_well("", "").await;
    let mut bound = daemon.reader().await;
    assert!(installation.path("admin.sock").exists());
    daemon.terminate().await;
    is_told_to_go(&mut plain).await;
    is_told_to_go(&mut bound).await;
    assert_eq!(daemon.ended().await, Some(0));
    assert!(!installation.path("admin.sock").exists());
}

#[tokio::test]
async fn a_pass_under_way_does_not_hold_the_end_up() {
    let tenant = Tenant::sample().await;
    let mark = tenant.mark();
    let hold = tenant.hold(Surface::Graph).await;
    let installation = Installation::of(&tenant);
    let daemon = installation.start().await;
    let asked = tenant.answered_since(mark, |request| request.surface() == Surface::SignIn);
    within("the pass began", asked).await;
    assert_eq!(daemon.stop().await, Some(0));
    drop(hold);
}

#[tokio::test]
async fn the_health_pages_tell_life_from_readiness() {
    let tenant = Tenant::sample().await;
    let hold = tenant.hold(Surface::Graph).await;
    let installation = Installation::of(&tenant);
    let daemon = installation.start().await;
    assert_eq!(daemon.page("healthz").await.0, 200);
    assert_eq!(daemon.page("readyz").await.0, 503);
    drop(hold);
    daemon.ready().await;
}
