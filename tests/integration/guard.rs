//! The mass-change guard over the wire: held, shown, kept over a restart, accepted.

use ldap3_proto::proto::LdapResultCode;
use serde_json::Value;

use crate::harness::{Client, GROUPS, Installation, Options, PEOPLE, eventually};
use crate::tenant::{Company, Disorder, GroupSpec, Tenant, UserSpec};

/// How many people the company has.
const PEOPLE_COUNT: usize = 60;
/// How many of them something happens to.
const HIT: usize = 30;
const PASSWORD: &str = "one for all of them";

fn upn(number: usize) -> String {
    format!("p{number:02}@contoso.example")
}

/// A company of equals, all in one group.
async fn company() -> Tenant {
    let mut company = Company::new("Contoso", "contoso.example");
    for number in 0..PEOPLE_COUNT {
        company = company.user(UserSpec::new(&upn(number)).password(PASSWORD));
    }
    let all: Vec<String> = (0..PEOPLE_COUNT).map(upn).collect();
    let everybody = GroupSpec::security("Everybody").members(all.iter().map(String::as_str));
    Tenant::start_with(company.group(everybody), Disorder::none()).await
}

fn installed(tenant: &Tenant) -> Installation {
    let options = Options::of(tenant).sync("groups_without_email = true\ninterval = \"1h\"");
    Installation::with(tenant, &options)
}

async fn found(reader: &mut Client) -> usize {
    reader.search(PEOPLE, "(uid=*)").await.len()
}

async fn members(reader: &mut Client) -> usize {
    let everybody = reader.find(GROUPS, "(cn=Everybody)").await;
    everybody.all("memberUid").len()
}

/// How many changes a dry run says are held.
async fn planned_held(installation: &Installation) -> usize {
    let ended = installation.run(&["--json", "sync", "--dry-run"]).await;
    assert_eq!(ended.status, Some(0), "{}", ended.errors);
    let events = ended.results.lines();
    let events = events.map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    events.filter(|event| event["change"] == "held").count()
}

#[tokio::test]
async fn thirty_of_sixty_disabled_are_held_and_cannot_bind_until_accepted() {
    let tenant = company().await;
    let installation = installed(&tenant);
    let daemon = installation.serve().await;
    installation.json(&["sync"]).await;
    let mut reader = daemon.reader().await;
    let mut bound = daemon.connect_tls().await;
    bound.bind_well(&upn(0), PASSWORD).await;

    (0..HIT).for_each(|number| tenant.disable(&upn(number)));
    let summary = installation.json(&["sync"]).await;
    assert_eq!(summary["held"], HIT, "{summary}");
    let status = installation.status().await;
    assert_eq!(status["state"], "degraded", "{status}");
    assert!(
        status["problems"].to_string().contains("--accept"),
        "{status}"
    );
    assert_eq!(
        found(&mut reader).await,
        PEOPLE_COUNT,
        "they are still found"
    );
    assert_eq!(members(&mut reader).await, PEOPLE_COUNT);

    let asked = tenant.password_checks(&upn(1));
    let refused = daemon.connect_tls().await.bind(&upn(1), PASSWORD).await;
    assert_eq!(refused.code, LdapResultCode::InvalidCredentials);
    assert_eq!(tenant.password_checks(&upn(1)), asked, "nobody is asked");
    let (entries, result) = bound
        .try_search(PEOPLE, crate::harness::Scope::Subtree, "(uid=*)", &[])
        .await;
    assert!(entries.is_empty(), "who was bound before reads no longer");
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
    daemon
        .connect_tls()
        .await
        .bind_well(&upn(HIT), PASSWORD)
        .await;
    assert_eq!(planned_held(&installation).await, HIT);

    daemon.stop().await;
    let daemon = installation.serve().await;
    let mut reader = daemon.reader().await;
    installation.json(&["sync"]).await;
    assert_eq!(found(&mut reader).await, PEOPLE_COUNT, "a restart keeps it");
    assert_eq!(planned_held(&installation).await, HIT);

    let accepted = installation.json(&["sync", "--accept"]).await;
    assert_eq!(accepted["held"], 0, "{accepted}");
    assert_eq!(found(&mut reader).await, PEOPLE_COUNT - HIT);
    assert_eq!(members(&mut reader).await, PEOPLE_COUNT - HIT);
    eventually("the status is good again", async || {
        (installation.status().await["state"] == "ok").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_group_that_loses_half_its_members_keeps_them_until_accepted() {
    let tenant = company().await;
    let installation = installed(&tenant);
    let daemon = installation.serve().await;
    installation.json(&["sync"]).await;
    let mut reader = daemon.reader().await;
    (0..HIT).for_each(|number| tenant.remove_from_group("Everybody", &upn(number)));
    installation.json(&["sync"]).await;
    assert_eq!(installation.status().await["state"], "degraded");
    assert_eq!(members(&mut reader).await, PEOPLE_COUNT);
    assert!(planned_held(&installation).await > 0);
    daemon
        .connect_tls()
        .await
        .bind_well(&upn(0), PASSWORD)
        .await;
    installation.json(&["sync", "--accept"]).await;
    assert_eq!(members(&mut reader).await, PEOPLE_COUNT - HIT);
    assert_eq!(found(&mut reader).await, PEOPLE_COUNT);
}
