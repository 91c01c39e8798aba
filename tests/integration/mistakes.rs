//! What an administrator gets wrong, and how they are told: one screen, what to do, no secret.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Ended, Installation, Options, eventually};
use crate::tenant::{Tenant, sample};

/// What fits a terminal with the command still in sight.
const SCREEN_LINES: usize = 24;

/// Runs a command that must fail in a helpful way.
async fn fails_saying(
    installation: &Installation,
    command: &[&str],
    status: i32,
    sentences: &[&str],
) -> Ended {
    let ended = installation.run(command).await;
    let said = format!("{}{}", ended.results, ended.errors);
    assert_eq!(ended.status, Some(status), "{command:?}: {said}");
    assert!(said.lines().count() <= SCREEN_LINES, "{said}");
    for sentence in sentences {
        assert!(
            said.contains(sentence),
            "{command:?} does not say {sentence:?}:\n{said}"
        );
    }
    for word in ["panicked", "Sim8Q~", WRONG_SECRET] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    ended
}

const WRONG_SECRET: &str = "a-secret-that-was-mistyped";

#[tokio::test]
async fn every_mistake_in_the_file_is_named_by_line_at_once() {
    let tenant = Tenant::sample().await;
    let options = Options::of(&tenant).sync(
        "interval = 5\ngroups_without_emial = true\nmax_change = \"some\"\ngroup_prefixes = \"eng-\"",
    );
    let installation = Installation::with(&tenant, &options);
    let text = std::fs::read_to_string(installation.config_file()).unwrap();
    let line = |start: &str| {
        1 + text
            .lines()
            .position(|line| line.starts_with(start))
            .unwrap()
    };
    let file = installation.config_file();
    let sentences = [
        (line("interval"), "sync.interval"),
        (
            line("groups_without_emial"),
            "sync.groups_without_emial: unknown key; did you mean \"groups_without_email\"?",
        ),
        (line("max_change"), "sync.max_change"),
        (line("group_prefixes"), "sync.group_prefixes"),
    ];
    for command in [&["serve"][..], &["check"], &["status"]] {
        let ended = fails_saying(&installation, command, 2, &[]).await;
        assert_eq!(
            ended.errors.lines().count(),
            sentences.len(),
            "{}",
            ended.errors
        );
        for (said, (line, sentence)) in ended.errors.lines().zip(sentences) {
            let place = format!("{}:{line}:", file.display());
            assert!(
                said.starts_with(&place) && said.contains(sentence),
                "{place} {sentence}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    std::fs::remove_file(installation.path("app.secret")).unwrap();
    fails_saying(&installation, &["serve"], 2, &["credential", "app.secret"]).await;
    std::fs::remove_file(installation.config_file()).unwrap();
    fails_saying(&installation, &["serve"], 2, &["ldap365.toml", "--config"]).await;
}

#[tokio::test]
async fn all_is_well_when_all_is_well() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let ended = installation.run(&["check"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        ended.results.lines().all(|line| line.starts_with("ok ")),
        "{}",
        ended.results
    );
    for subject in [
        "configuration",
        "certificate",
        "passwords",
        "token",
        "Contoso",
        "users",
        "groups",
    ] {
        assert!(
            ended.results.contains(subject),
            "{subject}: {}",
            ended.results
        );
    }
    let ended = installation.run(&["check", "--json"]).await;
    let findings: Vec<Value> = ended
        .results
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(findings.len() >= 6 && findings.iter().all(|finding| finding["outcome"] == "ok"));
    assert!(!installation.path("data").exists(), "it changes nothing");
}

#[tokio::test]
async fn a_tenant_out_of_reach_is_named_with_what_to_look_at() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    tenant.stop().await;
    let sentences = ["127.0.0.1", "cannot be reached", "check DNS, firewall"];
    fails_saying(&installation, &["check"], 1, &sentences).await;
    let ended = fails_saying(&installation, &["sync"], 1, &["cannot be reached"]).await;
    assert!(
        ended.errors.contains("the pass did not commit everything"),
        "{}",
        ended.errors
    );
}

#[tokio::test]
async fn a_wrong_secret_is_told_from_an_expired_one() {
    let tenant = Tenant::sample().await;
    let options = Options {
        secret: WRONG_SECRET.to_owned(),
        ..Options::of(&tenant)
    };
    let installation = Installation::with(&tenant, &options);
    for command in [["check"], ["sync"]] {
        fails_saying(
            &installation,
            &command,
            1,
            &["primary", "AADSTS7000215", "wrong"],
        )
        .await;
    }
    let installation = Installation::of(&tenant);
    tenant.rotate_client_secret("another-one");
    for command in [["check"], ["sync"]] {
        fails_saying(
            &installation,
            &command,
            1,
            &["primary", "AADSTS7000222", "expired"],
        )
        .await;
    }
}

#[tokio::test]
async fn a_daemon_with_a_wrong_secret_runs_and_says_so() {
    let tenant = Tenant::sample().await;
    let options = Options {
        secret: WRONG_SECRET.to_owned(),
        ..Options::of(&tenant)
    };
    let installation = Installation::with(&tenant, &options);
    let daemon = installation.start().await;
    daemon.logged_after(0, "AADSTS7000215").await;
    let status = eventually("the status says failing", async || {
        let status = installation.status().await;
        (status["state"] == "failing").then_some(status)
    })
    .await;
    assert!(!status["credentials"][0]["failure"].is_null(), "{status}");
    assert!(!daemon.log().join("\n").contains(WRONG_SECRET));
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    tenant.change_registration(|registration| {
        registration.roles.remove("GroupMember.Read.All");
    });
    for command in [["check"], ["sync"]] {
        fails_saying(
            &installation,
            &command,
            1,
            &["groups", "GroupMember.Read.All"],
        )
        .await;
    }
    let status = installation.status().await;
    assert!(
        !status["users"]["completed"].is_null(),
        "the users phase is committed: {status}"
    );
    assert!(status["groups"]["completed"].is_null(), "{status}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let tenant = Tenant::sample().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let options = Options {
        listen: address.clone(),
        ..Options::of(&tenant)
    };
    let installation = Installation::with(&tenant, &options);
    fails_saying(
        &installation,
        &["serve"],
        1,
        &["ldap.listen", &address, "in use", "stop it"],
    )
    .await;
    let options = Options {
        admin_listen: address.clone(),
        ..Options::of(&tenant)
    };
    installation.configure(&tenant, &options);
    fails_saying(
        &installation,
        &["serve"],
        1,
        &["admin.listen", &address, "in use", "stop it"],
    )
    .await;
    assert!(!installation.path("admin.sock").exists());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let other = Installation::of(&tenant);
    std::fs::copy(other.path("tls.key"), installation.path("tls.key")).unwrap();
    for command in [["serve"], ["check"]] {
        fails_saying(&installation, &command, 1, &["tls.key", "name the key"]).await;
    }
    std::fs::write(installation.path("tls.pem"), "no certificate at all\n").unwrap();
    for command in [["serve"], ["check"]] {
        fails_saying(&installation, &command, 1, &["tls.pem"]).await;
    }
    std::fs::remove_file(installation.path("tls.pem")).unwrap();
    for command in [["serve"], ["check"]] {
        fails_saying(&installation, &command, 1, &["tls.pem", "No such file"]).await;
    }
}

#[tokio::test]
async fn a_store_that_others_may_read_is_refused() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let data = installation.path("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    fails_saying(&installation, &["serve"], 1, &["chmod 700"]).await;
}

#[tokio::test]
async fn a_store_of_another_tenant_is_refused() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    installation.json(&["sync"]).await;
    let text = std::fs::read_to_string(installation.config_file()).unwrap();
    let other = text.replace(&tenant.tenant_id(), sample::SECOND_DOMAIN);
    std::fs::write(installation.config_file(), other).unwrap();
    fails_saying(
        &installation,
        &["serve"],
        1,
        &["belongs to tenant", sample::SECOND_DOMAIN],
    )
    .await;
}

#[tokio::test]
async fn somebody_nobody_knows_cannot_be_explained() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    installation.json(&["sync"]).await;
    fails_saying(
        &installation,
        &["explain", "nobody"],
        1,
        &["nobody in the tenant"],
    )
    .await;
}
