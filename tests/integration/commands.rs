//! Every command of the administrator, through a running daemon and on the store alone.

use serde_json::Value;

use crate::harness::{Ended, Installation};
use crate::tenant::{Disorder, Tenant, UserSpec, sample};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKiFCfJfvo1bcrJ7oQPLFUTQoG8wFWDpSJVXxsD4WEiu ada@laptop";

/// A tidy tenant, synced once by a command, with no daemon.
async fn synced() -> (Tenant, Installation) {
    let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
    let installation = Installation::of(&tenant);
    installation.json(&["sync"]).await;
    (tenant, installation)
}

async fn rows(installation: &Installation, arguments: &[&str]) -> Vec<Value> {
    let ended = installation.run(&[&["--json"], arguments].concat()).await;
    assert_eq!(ended.status, Some(0), "{}", ended.errors);
    let lines = ended.results.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

async fn refused(installation: &Installation, arguments: &[&str], words: &str) {
    let Ended { status, errors, .. } = installation.run(arguments).await;
    assert_eq!(status, Some(1), "{arguments:?}: {errors}");
    assert!(errors.contains(words), "{arguments:?}: {errors}");
}

/// What every command answers, in whichever way it is asked.
async fn everything(installation: &Installation) {
    let everybody = rows(installation, &["users"]).await;
    assert!(everybody.len() > 2, "{everybody:?}");
    let active = rows(installation, &["users", "--active"]).await;
    let inactive = rows(installation, &["users", "--inactive"]).await;
    assert_eq!(active.len() + inactive.len(), everybody.len());
    let ada = rows(installation, &["users", "--active", "ada"]).await;
    assert!(ada.iter().any(|row| row["username"] == "ada"), "{ada:?}");
    let groups = rows(installation, &["groups", "--imported"]).await;
    assert!(!groups.is_empty());
    let table = installation.run(&["groups"]).await.results;
    assert!(table.starts_with("cn "), "{table}");
    assert!(!table.contains('\t'));
    let ids = rows(installation, &["ids", "list"]).await;
    assert!(ids.iter().any(|row| row["name"] == "ada"), "{ids:?}");
    refused(
        installation,
        &["users", "--group", "no such group"],
        "no group of the tenant",
    )
    .await;
    refused(installation, &["repin", "Nobody"], "no rule names").await;
    refused(installation, &["release-name", "ada"], "in use").await;
    refused(
        installation,
        &["user", "add-key", "ada", "rubbish"],
        "no SSH public key",
    )
    .await;
    refused(installation, &["ids", "adopt", "ada"], "nothing asks").await;

    let done = installation.json(&["user", "add-key", "ada", KEY]).await;
    assert_eq!(done["changed"].as_array().map(Vec::len), Some(1), "{done}");
    installation
        .json(&["user", "set-shell", "ada", "/bin/zsh"])
        .await;
    let settings = installation.json(&["user", "show", "ada"]).await;
    assert_eq!(settings["login_shell"], "/bin/zsh");
    assert_eq!(settings["ssh_keys"][0], KEY);
    let file = installation.path("settings.json");
    let file = file.to_str().expect("a path in UTF-8");
    let exported = installation.run(&["user", "export", file]).await;
    assert_eq!(exported.status, Some(0), "{}", exported.errors);
    installation
        .json(&["user", "remove-key", "ada", "ada@laptop"])
        .await;
    installation.json(&["user", "import", file]).await;
    let settings = installation.json(&["user", "show", "ada"]).await;
    assert_eq!(settings["ssh_keys"][0], KEY);
}

#[tokio::test]
async fn every_command_works_on_the_store() {
    let (_tenant, installation) = synced().await;
    everything(&installation).await;
}

#[tokio::test]
async fn every_command_works_through_the_daemon_and_clients_see_it_at_once() {
    let (_tenant, installation) = synced().await;
    let daemon = installation.serve().await;
    everything(&installation).await;
    let mut reader = daemon.reader().await;
    let ada = reader.find(crate::harness::PEOPLE, "(uid=ada)").await;
    assert_eq!(ada.all("loginShell"), ["/bin/zsh"]);
    assert!(ada.all("sshPublicKey").iter().any(|key| key == KEY));
}

#[tokio::test]
async fn a_dry_run_lists_what_a_pass_does_and_changes_nothing() {
    let (tenant, installation) = synced().await;
    let before = rows(&installation, &["users"]).await;
    let domain = sample::DOMAIN;
    tenant.hire(UserSpec::new(&format!("newcomer@{domain}")));
    for _ in 0..2 {
        let events = rows(&installation, &["sync", "--dry-run"]).await;
        let activated = events
            .iter()
            .filter(|event| event["change"] == "activate")
            .count();
        assert_eq!(activated, 1, "{events:?}");
    }
    assert_eq!(rows(&installation, &["users"]).await, before);
    let ended = installation.run(&["sync", "--accept"]).await;
    assert!(
        ended.results.contains("nothing is held back"),
        "{}",
        ended.results
    );
    assert_eq!(
        rows(&installation, &["users"]).await.len(),
        before.len() + 1
    );
}
