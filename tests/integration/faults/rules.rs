//! Rules whose groups are deleted, recreated, ambiguous or missing.

use super::stage::Stage;
use crate::harness::{BASE, Entry};
use crate::tenant::{Disorder, GroupSpec, Tenant, sample};

/// Lets in whoever is in `eng-data`.
const ALLOWED: &str = "groups_without_email = true\nallowed_groups = [\"eng-data\"]";

async fn tidy_tenant() -> Tenant {
    Tenant::start_with(sample::company(), Disorder::none()).await
}

fn names(people: &[Entry]) -> Vec<&str> {
    people.iter().map(|person| person.dn.as_str()).collect()
}

async fn served(rules: &str) -> Stage {
    let mut stage = Stage::before(tidy_tenant().await, rules).await;
    stage.is_unavailable_until_complete().await;
    stage
}

#[tokio::test]
async fn pinned_group_that_is_deleted_and_recreated_keeps_its_last_members() {
    let mut stage = served(ALLOWED).await;
    let people = stage.reader.search(BASE, "(uid=*)").await;
    assert_eq!(people.len(), 2, "dmitri and taro.yamada: {people:?}");
    let pinned = stage.tenant.group_id("eng-data");
    stage.tenant.delete_group("eng-data");
    let deleted = ["group ", &pinned, "was deleted"];
    stage.logs_after(0, &deleted).await;
    assert_eq!(
        names(&stage.reader.search(BASE, "(uid=*)").await),
        names(&people)
    );

    let impostor = GroupSpec::security("eng-data").key("another one");
    let impostor = impostor.members(["mallory@contoso.example", "noor@contoso.example"]);
    let other = stage.tenant.create_group(impostor);
    stage
        .logs_after(
            0,
            &[&pinned, &other, "has the same name and is not counted"],
        )
        .await;
    assert_eq!(
        names(&stage.reader.search(BASE, "(uid=*)").await),
        names(&people)
    );
}

#[tokio::test]
async fn name_of_two_groups_lets_nobody_in_and_both_ids_are_told() {
    let rules = "groups_without_email = true\nallowed_groups = [\"Marketing\"]";
    let tenant = tidy_tenant().await;
    let other = GroupSpec::security("Marketing").key("a third one");
    let ids = [
        tenant.group_id("marketing@contoso.example"),
        tenant.create_group(other),
    ];
    let mut stage = Stage::before(tenant, rules).await;
    stage
        .logs_after(0, &["sync.allowed_groups", &ids[0], &ids[1]])
        .await;
    stage.is_unavailable().await;
    stage.fails(&[&ids[0], &ids[1]]).await;
}

#[tokio::test]
async fn name_of_no_group_lets_nobody_in_until_there_is_one() {
    let rules = "groups_without_email = true\nallowed_groups = [\"Astronauts\"]";
    let mut stage = Stage::before(tidy_tenant().await, rules).await;
    stage
        .logs_after(
            0,
            &["sync.allowed_groups names \"Astronauts\", but no group"],
        )
        .await;
    stage.is_unavailable().await;
    let astronauts = GroupSpec::security("Astronauts").members(["ada@contoso.example"]);
    stage.tenant.create_group(astronauts);
    stage.is_unavailable_until_complete().await;
    let people = stage.reader.search(BASE, "(uid=*)").await;
    assert_eq!(people.len(), 1, "{people:?}");
}
