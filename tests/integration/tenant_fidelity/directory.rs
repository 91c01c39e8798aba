//! Lists and delta rounds.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, Round, text};
use crate::tenant::{Company, Disorder, GroupSpec, Tenant, UserSpec};

const SEED: u64 = 7;

async fn small_company(disorder: Disorder) -> Tenant {
    let company = Company::new("Small", "small.example")
        .user(UserSpec::new("ada@small.example").with("mobilePhone", Value::Null))
        .user(UserSpec::new("grace@small.example").disabled())
        .user(UserSpec::new("linus@small.example").manager("ada@small.example"))
        .group(
            GroupSpec::microsoft365("Staff", "staff@small.example").members([
                "ada@small.example",
                "grace@small.example",
                "linus@small.example",
            ]),
        )
        .group(GroupSpec::security("Nobody"));
    Tenant::start_with(company, disorder).await
}

fn removal(reason: &str) -> Value {
    json!({"reason": reason})
}

#[tokio::test]
async fn a_full_round_tells_of_everyone_in_small_shuffled_pages() {
    let tenant = Tenant::start_with(crate::tenant::sample::company(), Disorder::seeded(SEED)).await;
    let client = Client::of(&tenant).await;
    let round = client.round("users/delta?$select=userPrincipalName").await;

    let listed: BTreeSet<String> =
        whole_list(&client, "users?$top=999&$select=userPrincipalName").await;
    let told: BTreeSet<String> = round
        .objects()
        .values()
        .filter(|object| !object.contains_key("@removed"))
        .map(|object| object["userPrincipalName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, listed);
    assert!(round.pages.iter().all(|page| page.len() <= 5));
    assert!(round.pages.iter().any(Vec::is_empty), "no page is empty");
    assert!(
        round.entries().count() > round.objects().len(),
        "nobody is told twice"
    );
    assert!(
        round
            .entries()
            .any(|entry| entry["@removed"] == removal("deleted"))
    );
}

async fn whole_list(client: &Client<'_>, url: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut url = Some(url.to_owned());
    while let Some(page_url) = url {
        let page = client.get(&page_url).await.body;
        let value = page["value"].as_array().unwrap();
        names.extend(value.iter().map(|user| text(user, "userPrincipalName")));
        url = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    names
}

#[tokio::test]
async fn a_large_group_arrives_in_slices_on_different_pages() {
    let tenant = Tenant::start_with(crate::tenant::sample::company(), Disorder::seeded(SEED)).await;
    let client = Client::of(&tenant).await;
    let round = client
        .round("groups/delta?$select=displayName,members")
        .await;

    let staff = tenant.group_id("All Staff");
    let pages: Vec<usize> = round
        .pages
        .iter()
        .map(|page| page.iter().filter(|entry| entry["id"] == *staff).count())
        .filter(|slices| *slices > 0)
        .collect();
    assert!(
        pages.len() > 10 && pages.iter().all(|slices| *slices == 1),
        "{pages:?}"
    );
    let members = round.members(&staff);
    let present: BTreeSet<&String> = members
        .iter()
        .filter(|member| *member.1)
        .map(|member| member.0)
        .collect();
    // Everyone alive, and Ivan from the recycle bin.
    let living = whole_list(&client, "users?$select=userPrincipalName").await;
    assert_eq!(present.len(), living.len() + 1);
    let largest = round
        .entries()
        .filter_map(|entry| entry["members@delta"].as_array())
        .map(Vec::len)
        .max();
    assert_eq!(largest, Some(3));
    let empty = round.object(&tenant.group_id("Project Greenfield"));
    assert_eq!(empty.get("members@delta"), None);
}

#[tokio::test]
async fn what_is_not_selected_is_not_told() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let grace = tenant.user_id("grace@small.example");
    let linus = tenant.user_id("linus@small.example");

    let unselected = client.round("users/delta").await;
    assert_eq!(unselected.object(&grace).get("accountEnabled"), None);
    assert_eq!(unselected.object(&linus).get("manager@delta"), None);

    let selected = client
        .round("users/delta()?$select=accountEnabled,manager")
        .await;
    assert_eq!(
        selected.object(&grace),
        json!({"id": grace, "accountEnabled": false})
    );
    let ada = tenant.user_id("ada@small.example");
    let manager = json!([{"@odata.type": "#microsoft.graph.user", "id": ada}]);
    assert_eq!(selected.object(&linus)["manager@delta"], manager);

    let groups = client.round("groups/delta?$select=displayName").await;
    assert!(
        groups
            .entries()
            .all(|group| group.get("members@delta").is_none())
    );
}

#[tokio::test]
async fn never_set_is_absent_in_delta_and_null_in_a_list() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let ada = tenant.user_id("ada@small.example");

    let delta = client
        .round("users/delta?$select=mobilePhone,jobTitle")
        .await;
    assert_eq!(delta.object(&ada), json!({"id": ada, "mobilePhone": null}));
    let list = client.get("users?$select=mobilePhone,jobTitle").await.body;
    let rows = list["value"].as_array().unwrap();
    assert!(rows.contains(&json!({"id": ada, "mobilePhone": null, "jobTitle": null})));
}

#[tokio::test]
async fn a_change_of_an_untracked_property_is_no_news() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let first = client.round("users/delta?$select=displayName").await;
    tenant.set("ada@small.example", "jobTitle", "Countess");
    let second = client.round(&first.delta_link).await;
    assert_eq!(second.entries().count(), 0);
    assert_ne!(second.delta_link, first.delta_link);

    tenant.set("ada@small.example", "displayName", "Ada King");
    let third = client.round(&second.delta_link).await;
    let ada = tenant.user_id("ada@small.example");
    assert_eq!(
        third.object(&ada),
        json!({"id": ada, "displayName": "Ada King"})
    );
}

#[tokio::test]
async fn a_soft_deleted_person_keeps_memberships_until_purged() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let ada = tenant.user_id("ada@small.example");
    let staff = tenant.group_id("Staff");
    let people = client
        .round("users/delta?$select=displayName,manager")
        .await;
    let groups = client.round("groups/delta?$select=members").await;
    assert_eq!(groups.members(&staff).get(&ada), Some(&true));

    tenant.delete("ada@small.example");
    let people = client.round(&people.delta_link).await;
    assert_eq!(
        people.object(&ada),
        json!({"id": ada, "@removed": removal("changed")})
    );
    let groups = client.round(&groups.delta_link).await;
    assert_eq!(groups.entries().count(), 0);

    tenant.restore("ada@small.example");
    let people = client.round(&people.delta_link).await;
    assert_eq!(
        people.object(&ada),
        json!({"id": ada, "displayName": "ada"})
    );

    tenant.delete("ada@small.example");
    tenant.advance(Duration::from_secs(30 * 24 * 60 * 60));
    let mut client = client;
    client.renew_token().await;
    assert_eq!(client.get(&people.delta_link).await.refusal().0, 400);
    let people = client
        .round("users/delta?$select=displayName,manager")
        .await;
    assert_eq!(
        people.object(&ada),
        json!({"id": ada, "@removed": removal("deleted")})
    );
}

#[tokio::test]
async fn a_purge_ends_memberships_and_reporting_lines() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let ada = tenant.user_id("ada@small.example");
    let people = client.round("users/delta?$select=manager").await;
    let groups = client.round("groups/delta?$select=members").await;

    tenant.purge("ada@small.example");
    let groups = client.round(&groups.delta_link).await;
    assert_eq!(
        groups.members(&tenant.group_id("Staff")).get(&ada),
        Some(&false)
    );
    let people = client.round(&people.delta_link).await;
    assert_eq!(people.object(&ada)["@removed"], removal("deleted"));
    let linus = people.object(&tenant.user_id("linus@small.example"));
    assert_eq!(linus["manager@delta"][0]["@removed"], removal("deleted"));
}

#[tokio::test]
async fn only_microsoft365_groups_have_a_recycle_bin() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let (staff, nobody) = (tenant.group_id("Staff"), tenant.group_id("Nobody"));
    let round = client.round("groups/delta?$select=displayName").await;

    tenant.delete_group("Staff");
    tenant.delete_group("Nobody");
    let round = client.round(&round.delta_link).await;
    assert_eq!(round.object(&staff)["@removed"], removal("changed"));
    assert_eq!(round.object(&nobody)["@removed"], removal("deleted"));
    tenant.purge_group("Staff");
    let round = client.round(&round.delta_link).await;
    assert_eq!(round.object(&staff)["@removed"], removal("deleted"));
}

#[tokio::test]
async fn an_older_state_comes_before_the_newer_one() {
    for seed in 0..20 {
        let tenant = small_company(Disorder::seeded(seed)).await;
        let client = Client::of(&tenant).await;
        let round = client.round("users/delta?$select=displayName").await;
        tenant.set("ada@small.example", "displayName", "Ada King");
        let round: Round = client.round(&round.delta_link).await;
        let ada = tenant.user_id("ada@small.example");
        assert_eq!(round.object(&ada)["displayName"], "Ada King", "seed {seed}");
    }
}

#[tokio::test]
async fn a_page_asked_for_twice_is_the_same_page() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let first = client.get("users/delta").await.body;
    let next = text(&first, "@odata.nextLink");
    assert_eq!(client.get(&next).await.body, client.get(&next).await.body);
}

#[tokio::test]
async fn latest_starts_from_now() {
    let tenant = small_company(Disorder::none()).await;
    let client = Client::of(&tenant).await;
    let round = client
        .round("users/delta?$select=accountEnabled&$deltatoken=latest")
        .await;
    assert_eq!(round.entries().count(), 0);
    tenant.disable("ada@small.example");
    let round = client.round(&round.delta_link).await;
    assert_eq!(round.entries().count(), 1);
}

#[tokio::test]
async fn options_that_delta_does_not_support_are_refused() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.refuse_property("employeeType");
    let next = text(&client.get("users/delta").await.body, "@odata.nextLink");
    for url in [
        "users/delta?$top=10",
        "users/delta?$orderby=displayName",
        "groups/delta?$expand=members",
        "users/delta?$select=signInActivity",
        "users/delta?$select=displayName,employeeType",
        "users/delta?$deltatoken=made-up",
        &format!("{next}&$select=displayName"),
    ] {
        assert_eq!(
            client.get(url).await.refusal(),
            (400, "BadRequest"),
            "{url}"
        );
    }
    let answer = client
        .get("users/delta?$select=displayName,employeeType")
        .await;
    assert!(text(&answer.body["error"], "message").ends_with("properties: employeeType"));
}

#[tokio::test]
async fn lists_bound_top_and_refuse_what_collections_cannot_read() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    assert_eq!(client.get("users?$top=1000").await.refusal().0, 400);
    assert_eq!(
        client.get("users?$select=skills").await.refusal(),
        (501, "NotImplemented")
    );
    let page = client.get("users?$top=7").await.body;
    assert_eq!(page["value"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_delta_token_dies_after_a_week_or_on_demand() {
    let tenant = small_company(Disorder::none()).await;
    let mut client = Client::of(&tenant).await;
    let link = client.round("users/delta").await.delta_link;
    tenant.reset_delta_tokens();
    let answer = client.get(&link).await;
    assert_eq!(answer.refusal(), (410, "resyncRequired"));
    let restart = format!("{}/v1.0/users/delta?$deltatoken=", tenant.graph_url());
    assert_eq!(answer.header("location"), Some(restart.as_str()));

    let link = client.round(&restart).await.delta_link;
    tenant.advance(Duration::from_secs(7 * 24 * 60 * 60));
    client.renew_token().await;
    let answer = client.get(&link).await;
    let (status, code) = answer.refusal();
    assert_eq!(
        (status, code.to_lowercase().as_str()),
        (400, "syncstatenotfound")
    );
}

#[tokio::test]
async fn the_organization_names_its_domains() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let answer = client.get("organization").await.body;
    let contoso = &answer["value"][0];
    assert_eq!(contoso["id"], *tenant.tenant_id());
    let domains = contoso["verifiedDomains"].as_array().unwrap();
    let initial = domains
        .iter()
        .find(|domain| domain["isInitial"] == true)
        .unwrap();
    assert_eq!(initial["name"], "contoso.onmicrosoft.com");
}

#[tokio::test]
async fn the_sample_company_is_the_same_each_time() {
    let (one, other) = (Tenant::sample().await, Tenant::sample().await);
    assert_eq!(one.tenant_id(), other.tenant_id());
    let ids = |tenant: &Tenant| {
        (
            tenant.user_id("zoe@contoso.example"),
            tenant.group_id("sudo"),
        )
    };
    assert_eq!(ids(&one), ids(&other));
    let client = Client::of(&one).await;
    let people = client.round("users/delta").await.objects().len();
    let groups = client.round("groups/delta").await.objects().len();
    assert!(
        people > 60 && groups > 20,
        "{people} people, {groups} groups"
    );
}
