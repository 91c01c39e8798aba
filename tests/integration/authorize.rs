//! `ldap365 authorize`, and what the daemon and `check` make of it, with the real binary.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{Ended, Installation, Options, eventually, within};
use crate::tenant::Tenant;
use crate::tenant::sample::ADMINISTRATOR;

/// An installation whose own secret is wrong, so that everything depends on the administrator's credential.
async fn installation() -> (Tenant, Installation) {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    tenant.set_device_interval(Duration::from_secs(1));
    let client_id = tenant.public_client_id();
    let options = Options {
        secret: "wrong".to_owned(),
        tables: format!(
            "[[credential]]\nname = \"backup\"\nkind = \"delegated\"\nclient_id = \"{client_id}\""
        ),
        ..Options::of(&tenant)
    };
    let installation = Installation::with(&tenant, &options);
    (tenant, installation)
}

/// Runs `authorize`, with the administrator typing the code in.
async fn authorize(tenant: &Tenant, installation: &Installation) -> Ended {
    let approve = async {
        let code = eventually("a code is shown", async || {
            tenant.waiting_user_codes().pop()
        })
        .await;
        tenant.approve_device(&code, ADMINISTRATOR);
    };
    let arguments = ["--json", "authorize", "backup"];
    let (ended, ()) = tokio::join!(installation.run(&arguments), approve);
    ended
}

fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.results.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn authorisation_without_a_daemon_is_sealed_and_used_by_the_next_one() {
    let (tenant, installation) = installation().await;
    let ended = authorize(&tenant, &installation).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let events = lines(&ended);
    assert_eq!(events[0]["event"], "device-code");
    assert_eq!(events[1]["authorized_by"], ADMINISTRATOR);
    assert_eq!(events[1]["in_use"], false);
    let key = std::fs::metadata(installation.path("data/vault.key")).unwrap();
    assert_eq!(key.len(), 32);

    let ended = installation.run(&["check"]).await;
    let signed_in =
        format!("ok      credential backup: authorisation: {ADMINISTRATOR} signed in on");
    assert!(ended.results.contains(&signed_in), "{}", ended.results);
    assert!(
        ended.results.contains("FAILED  credential primary: token"),
        "{}",
        ended.results
    );

    let _daemon = installation.serve().await;
    let ended = installation.run(&["check"]).await;
    assert!(
        ended.results.contains(&signed_in),
        "the daemon tries it: {}",
        ended.results
    );
}

#[tokio::test]
async fn running_daemon_takes_the_authorisation_at_once() {
    let (tenant, installation) = installation().await;
    let daemon = installation.start().await;
    let ended = authorize(&tenant, &installation).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(lines(&ended)[1]["in_use"], true);
    daemon.ready().await;
}

#[tokio::test]
async fn lost_key_costs_the_authorisation_and_nothing_else() {
    let (tenant, installation) = installation().await;
    authorize(&tenant, &installation).await;
    std::fs::write(installation.path("data/vault.key"), [7; 32]).unwrap();
    let daemon = installation.start().await;
    daemon.logged_after(0, "ldap365 authorize backup").await;
    let ended = authorize(&tenant, &installation).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    daemon.ready().await;
}

#[tokio::test]
async fn browser_comes_back_to_the_command() {
    let (tenant, installation) = installation().await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_ldap365"))
        .arg("--config")
        .arg(installation.config_file())
        .args(["--json", "authorize", "backup", "--browser"])
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(command.stdout.take().unwrap()).lines();
    let line = within("an address is shown", output.next_line()).await;
    let event: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
    assert_eq!(event["event"], "browser");
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let sent = http
        .get(event["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let back = sent.headers()["location"].to_str().unwrap().to_owned();
    let forged = back.replace("state=", "state=x");
    let forged = http.get(forged).send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 404, "it may belong to anybody");
    let page = http.get(back).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains(&format!("{ADMINISTRATOR} has signed in")),
        "{page}"
    );
    let line = within("the outcome is shown", output.next_line()).await;
    let event: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
    assert_eq!(event["authorized_by"], ADMINISTRATOR);
    let status = within("the command ends", command.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    drop(tenant);
}

#[tokio::test]
async fn declined_sign_in_and_wrong_names_are_told() {
    let (tenant, installation) = installation().await;
    let decline = async {
        let code = eventually("a code is shown", async || {
            tenant.waiting_user_codes().pop()
        })
        .await;
        tenant.decline_device(&code);
    };
    let arguments = ["authorize", "backup"];
    let (ended, ()) = tokio::join!(installation.run(&arguments), decline);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.errors.contains("/devicelogin"),
        "shown without a terminal: {ended:?}"
    );
    assert!(ended.errors.contains("declined"), "{ended:?}");
    for (name, sentence) in [
        ("primary", "of kind \"secret\""),
        ("nobody", "delegated ones are backup"),
    ] {
        let ended = installation.run(&["authorize", name]).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.errors.contains(sentence), "{ended:?}");
    }
}

#[tokio::test]
async fn every_group_is_listed_with_its_fate() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let listed = installation.json(&["check", "--groups"]).await;
    let groups = listed["groups"].as_array().unwrap();
    assert!(
        groups.len() > 3 && listed["failures"] == serde_json::json!([]),
        "{listed}"
    );
    assert!(
        groups.iter().any(|group| group["not_imported"].is_null()),
        "{listed}"
    );
    assert!(
        groups.iter().any(|group| group["not_imported"].is_string()),
        "{listed}"
    );
    assert!(!installation.path("data").exists(), "it changes nothing");
    let _daemon = installation.serve().await;
    installation.json(&["sync"]).await;
    let mark = tenant.mark();
    let told = installation.json(&["check", "--groups"]).await;
    assert_eq!(told["groups"], listed["groups"], "the daemon says the same");
    let enumerated = tenant.requests_since(mark);
    let enumerated = enumerated.iter().any(|one| one.starts_a_full_round());
    assert!(!enumerated, "the daemon knows, and nobody reads again");
}
