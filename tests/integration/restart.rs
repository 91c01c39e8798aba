//! What outlives a daemon: the store.

use crate::harness::{BASE, Daemon, Entry, Installation, Options, Scope, within};
use crate::tenant::Tenant;

/// The whole tree with every operational attribute.
async fn tree(daemon: &Daemon) -> Vec<Entry> {
    let mut reader = daemon.reader().await;
    reader
        .select(BASE, Scope::Subtree, "(objectClass=*)", &["*", "+"])
        .await
}

/// What does not depend on when the daemon first saw an entry.
async fn timeless_tree(daemon: &Daemon) -> Vec<(String, String, Vec<String>)> {
    let tree = tree(daemon).await;
    let facts = tree.iter().map(|entry| {
        let number = entry.all("gidNumber").join("");
        (entry.dn.clone(), number, entry.all("memberUid").to_vec())
    });
    facts.collect()
}

#[tokio::test]
async fn a_restart_serves_the_same_entries_without_the_tenant() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let before = tree(&daemon).await;
    assert_eq!(daemon.stop().await, Some(0));
    tenant.stop().await;
    let daemon = installation.start().await;
    assert_eq!(
        daemon.page("readyz").await.0,
        200,
        "ready as soon as it listens"
    );
    assert_eq!(
        tree(&daemon).await,
        before,
        "numbers and modifyTimestamp included"
    );
}

#[tokio::test]
async fn after_a_restart_only_changes_are_asked_for() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    daemon.stop().await;
    let mark = tenant.mark();
    tenant.disable("tom@contoso.example");
    let _daemon = installation.start().await;
    let summary = installation.json(&["sync"]).await;
    assert_eq!(
        summary["failures"].as_array().map(Vec::len),
        Some(0),
        "{summary}"
    );
    let reason = installation.why_inactive("tom@contoso.example").await;
    assert_eq!(
        reason.as_deref(),
        Some("the account is disabled in Office 365")
    );
    let full = tenant.requests_since(mark);
    assert!(
        !full.iter().any(|request| request.starts_a_full_round()),
        "{full:?}"
    );
}

#[tokio::test]
async fn a_daemon_killed_in_its_first_pass_ends_up_with_the_same_directory() {
    let tenant = Tenant::sample().await;
    let undisturbed = Installation::of(&tenant);
    let expected = timeless_tree(&undisturbed.serve().await).await;
    for (collection, count) in [
        ("/users/", 1),
        ("/users/", 5),
        ("/groups/", 1),
        ("/groups/", 9),
    ] {
        let installation = Installation::of(&tenant);
        let mark = tenant.mark();
        let daemon = installation.start().await;
        let has_come_far = |_: &_| {
            let requests = tenant.requests_since(mark);
            let of_kind = requests
                .iter()
                .filter(|request| request.path.contains(collection));
            of_kind.count() >= count
        };
        within(
            "the pass came far",
            tenant.answered_since(mark, has_come_far),
        )
        .await;
        daemon.kill().await;
        let daemon = installation.serve().await;
        assert_eq!(
            timeless_tree(&daemon).await,
            expected,
            "{collection} {count}"
        );
    }
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_says_who_is_in_the_way() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let second = installation.run(&["serve"]).await;
    assert_eq!(second.status, Some(1));
    assert!(
        second.errors.contains("another ldap365 is running"),
        "{}",
        second.errors
    );
    assert!(second.errors.contains("admin.sock"), "{}", second.errors);
    // Of another socket the second one cannot know who is there, only that the store is taken.
    let elsewhere = Options {
        socket: "other.sock".to_owned(),
        ..Options::of(&tenant)
    };
    installation.configure(&tenant, &elsewhere);
    for command in [&["serve"][..], &["status"], &["sync"], &["explain", "ada"]] {
        let locked = installation.run(command).await;
        assert_eq!(locked.status, Some(1), "{command:?}");
        assert!(
            locked.errors.contains("is locked by another process"),
            "{}",
            locked.errors
        );
    }
    assert!(!installation.path("other.sock").exists());
    assert!(
        !tree(&daemon).await.is_empty(),
        "the first one has not noticed"
    );
}

#[tokio::test]
async fn commands_work_on_the_store_when_no_daemon_runs() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let first = installation.json(&["sync"]).await;
    assert_eq!(first["users"]["added"], 63, "{first}");
    assert_eq!(first["users"]["activated"], 56, "{first}");
    assert_eq!(first["groups"]["added"], 26, "{first}");
    assert_eq!(first["groups"]["imported"], 24, "{first}");
    tenant.disable("tom@contoso.example");
    tenant.rename_group("eng-web", "eng-frontend");
    let second = installation.run(&["sync"]).await;
    assert_eq!(second.status, Some(0), "{second:?}");
    assert!(
        second.results.contains("1 deactivated"),
        "{}",
        second.results
    );
    let status = installation.status().await;
    assert!(status["since"].is_null(), "no daemon runs");
    assert_eq!(status["people_active"], 55);
    let reason = installation.why_inactive("tom@contoso.example").await;
    assert_eq!(
        reason.as_deref(),
        Some("the account is disabled in Office 365")
    );
    tenant.stop().await;
    let daemon = installation.serve().await;
    let renamed = daemon.reader().await.find(BASE, "(cn=eng-frontend)").await;
    assert_eq!(renamed.all("memberUid").len(), 3);
}
