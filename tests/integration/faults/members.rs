//! Members that cannot be seen, are no people, or are people who should not be served.

use super::stage::Stage;
use crate::harness::{BASE, PEOPLE, eventually};
use crate::tenant::{Disorder, Tenant, sample};

#[tokio::test]
async fn hidden_members_stay_when_the_right_to_see_them_goes() {
    let mut stage = Stage::tidy().await;
    let board = stage.reader.find(BASE, "(cn=Board)").await;
    assert_eq!(board.all("memberUid").len(), 3);
    let client_id = stage.tenant.client_id();
    stage
        .tenant
        .withdraw_permission(&client_id, "Member.Read.Hidden");
    let id = stage.tenant.group_id("Board");
    stage.tenant.expire_delta_tokens();
    stage
        .logs_after(0, &[&id, "hides its members", "Member.Read.Hidden"])
        .await;
    let uid = stage.hire();
    stage.is_taken_in(&uid).await;
    let after = stage.reader.find(BASE, "(cn=Board)").await;
    assert_eq!(after.all("memberUid"), board.all("memberUid"));
}

#[tokio::test]
async fn group_of_hidden_members_is_told_of_when_nobody_was_ever_seen() {
    let tenant = Tenant::sample().await;
    tenant.withdraw_permission(&tenant.client_id(), "Member.Read.Hidden");
    let mut stage = Stage::before(tenant, "groups_without_email = true").await;
    stage.is_unavailable_until_complete().await;
    let id = stage.tenant.group_id("Board");
    stage.logs_after(0, &[&id, "Member.Read.Hidden"]).await;
}

#[tokio::test]
async fn guests_devices_contacts_and_programs_are_never_served() {
    let stage = Stage::set().await;
    let devices = stage
        .good
        .iter()
        .find(|entry| entry.dn.starts_with("cn=Managed-Devices,"));
    assert_eq!(devices.unwrap().all("memberUid"), ["wei"]);
    let people = stage.good.iter().filter(|entry| entry.dn.ends_with(PEOPLE));
    let text = format!("{:?}", people.collect::<Vec<_>>());
    for name in ["alice", "bob@", "#EXT#", "LAPTOP", "Courier", "Build Agent"] {
        assert!(!text.contains(name), "{name}");
    }
}

#[tokio::test]
async fn deleted_person_leaves_every_group_though_graph_lists_them_still() {
    let mut stage = Stage::tidy().await;
    stage.tenant.delete("dmitri@contoso.example");
    eventually("dmitri is gone", async || {
        let found = stage.reader.search(BASE, "(uid=dmitri)").await;
        found.is_empty().then_some(())
    })
    .await;
    let named = stage.reader.search(BASE, "(memberUid=dmitri)").await;
    assert!(named.is_empty(), "{named:?}");
    // Not even after everything was told once more.
    stage.installation.json(&["sync", "--full"]).await;
    let named = stage.reader.search(BASE, "(memberUid=dmitri)").await;
    assert!(named.is_empty(), "{named:?}");
}

#[tokio::test]
async fn member_whom_nobody_has_seen_yet_is_named_only_once_they_are_there() {
    let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
    let mut stage = Stage::first_pass(tenant).await;
    let day = std::time::Duration::from_secs(86_400);
    stage.tenant.replicate_after(day, std::time::Duration::ZERO);
    let uid = stage.hire();
    let mark = stage.tenant.mark();
    let has_told = stage.tenant.answered_since(mark, |request| {
        request.path.contains("groups") && request.status == Some(200)
    });
    crate::harness::within("the group has told of the member", has_told).await;
    stage.installation.json(&["sync"]).await;
    stage.serves_what_it_held().await;
    stage.tenant.advance(day);
    stage.is_taken_in(&uid).await;
}
