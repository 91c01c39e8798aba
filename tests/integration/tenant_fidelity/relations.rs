//! Members, belongings, single objects, filters, batches, extensions, and what a caller may not see.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::authorization::{code, redeem};
use super::{Client, text};
use crate::tenant::sample::ADMINISTRATOR;
use crate::tenant::{Company, Disorder, GroupSpec, MemberKind, Tenant, UserSpec, role};

const EXTENSION: &str = "extension_0123456789abcdef0123456789abcdef_uidNumber";
const UNSET_EXTENSION: &str = "extension_0123456789abcdef0123456789abcdef_gidNumber";

async fn small_company() -> Tenant {
    let company = Company::new("Small", "small.example")
        .extension(UNSET_EXTENSION)
        .user(
            UserSpec::new("ada@small.example")
                .with(EXTENSION, 1815)
                .extension_attribute(3, "countess"),
        )
        .user(UserSpec::new("grace@small.example").disabled())
        .user(UserSpec::new("linus@small.example"))
        .group(GroupSpec::security("Inner").members(["ada@small.example"]))
        .group(
            GroupSpec::security("Outer")
                .members(["Inner", "linus@small.example"])
                .thing("printer", MemberKind::Device)
                .thing("supplier", MemberKind::Contact)
                .thing("robot", MemberKind::ServicePrincipal),
        )
        .group(
            GroupSpec::microsoft365("Secret", "secret@small.example")
                .hidden()
                .members(["grace@small.example"]),
        )
        .membership("Inner", "Outer");
    Tenant::start_with(company, Disorder::none()).await
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| text(row, "id")).collect()
}

#[tokio::test]
async fn members_are_direct_or_transitive_and_of_every_type() {
    let tenant = small_company().await;
    let client = Client::of(&tenant).await;
    let outer = tenant.group_id("Outer");
    let direct = client.list(&format!("groups/{outer}/members?$top=2")).await;
    assert_eq!(direct.len(), 5);
    let printer = direct
        .iter()
        .find(|row| row["@odata.type"] == "#microsoft.graph.device")
        .unwrap();
    assert!(printer["id"].is_string() && printer["displayName"].is_null());

    let all = client
        .list(&format!("groups/{outer}/transitiveMembers"))
        .await;
    assert!(ids(&all).contains(&tenant.user_id("ada@small.example")));
    assert_eq!(all.len(), 6);
    let cast = format!("groups/{outer}/transitiveMembers/microsoft.graph.user?$count=true");
    assert_eq!(
        client.get(&cast).await.refusal(),
        (400, "Request_UnsupportedQuery")
    );
    let people = client.get_eventually(&cast).await.body;
    assert_eq!(people["@odata.count"], 2);
    assert_eq!(people["value"].as_array().unwrap().len(), 2);
    let unknown = client
        .get("groups/00000000-0000-0000-0000-000000000001/members")
        .await;
    assert_eq!(unknown.refusal(), (404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn hidden_members_show_only_to_those_who_may_see_them() {
    let tenant = small_company().await;
    tenant.change_registration(|app| {
        app.roles.remove("Member.Read.Hidden");
    });
    let mut client = Client::of(&tenant).await;
    let secret = tenant.group_id("Secret");
    let members = format!("groups/{secret}/members");
    assert_eq!(client.list(&members).await.len(), 0);
    let round = client
        .round("groups/delta?$select=visibility,members")
        .await;
    assert_eq!(
        round.object(&secret),
        json!({"id": secret, "visibility": "HiddenMembership"})
    );
    tenant.change_registration(|app| {
        app.roles.insert("Member.Read.Hidden".to_owned());
    });
    client.renew_token().await;
    assert_eq!(client.list(&members).await.len(), 1);
    let round = client.round("groups/delta?$select=members").await;
    assert_eq!(round.members(&secret).len(), 1);
}

#[tokio::test]
async fn the_signed_in_person_sees_their_groups_and_roles() {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    let mut client = Client::of(&tenant).await;
    assert_eq!(client.get("me").await.refusal(), (400, "BadRequest"));
    let code = code(&tenant, &tenant.client_id()).await;
    client.token = text(&redeem(&client, &code, &[]).await.body, "access_token");

    let me = client
        .get("me?$select=userPrincipalName,accountEnabled")
        .await
        .body;
    assert_eq!(
        (&me["userPrincipalName"], &me["accountEnabled"]),
        (&json!(ADMINISTRATOR), &json!(true))
    );
    let belongings = client.list("me/memberOf").await;
    let is_role = |row: &&Value| row["@odata.type"] == "#microsoft.graph.directoryRole";
    let roles: Vec<&Value> = belongings.iter().filter(is_role).collect();
    assert_eq!(roles.len(), 1);
    assert_eq!(
        roles[0]["roleTemplateId"],
        json!(role::GLOBAL_ADMINISTRATOR)
    );
    assert!(belongings.len() > 1);
    let cast = "me/transitiveMemberOf/microsoft.graph.directoryRole?$count=true";
    assert_eq!(client.get(cast).await.refusal().0, 400);
    let roles = client.get_eventually(cast).await.body;
    assert_eq!(roles["value"][0]["displayName"], "Global Administrator");
}

#[tokio::test]
async fn single_objects_and_the_recycle_bin_can_be_read() {
    let tenant = small_company().await;
    let client = Client::of(&tenant).await;
    let ada = tenant.user_id("ada@small.example");
    let by_name = client.get("users/ada@small.example").await.body;
    assert_eq!(by_name["id"], *ada);
    tenant.delete("ada@small.example");
    let gone = client.get(&format!("users/{ada}")).await;
    assert_eq!(gone.refusal(), (404, "Request_ResourceNotFound"));
    let bin = client
        .list("directory/deletedItems/microsoft.graph.user")
        .await;
    assert_eq!(ids(&bin), BTreeSet::from([ada]));
    assert!(bin[0]["deletedDateTime"].is_string());
    let outer = tenant.group_id("Inner");
    let members = client.list(&format!("groups/{outer}/members")).await;
    assert_eq!(members.len(), 1, "only the nested group is left");
}

#[tokio::test]
async fn lists_can_be_filtered_and_expansion_truncates() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let disabled = client
        .list("users?$filter=accountEnabled eq false&$select=accountEnabled")
        .await;
    assert!(disabled.len() > 1 && disabled.iter().all(|row| row["accountEnabled"] == false));
    let prefixed = client
        .list("groups?$filter=startswith(displayName,'eng')")
        .await;
    assert!(!prefixed.is_empty());
    assert!(
        prefixed
            .iter()
            .all(|row| text(row, "displayName").to_lowercase().starts_with("eng"))
    );
    let staff = tenant.group_id("All Staff");
    let url = format!("groups?$filter=id eq '{staff}'&$expand=members");
    let expanded = client.list(&url).await;
    assert_eq!(expanded.len(), 1);
    assert_eq!(expanded[0]["members"].as_array().unwrap().len(), 20);
    for url in ["users?$filter=displayName ne 'x'", "users?$filter=nonsense"] {
        assert_eq!(
            client.get(url).await.refusal(),
            (400, "Request_UnsupportedQuery"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_permission_can_fade_into_nulls() {
    let tenant = small_company().await;
    let client = Client::of(&tenant).await;
    tenant.withdraw_permission_silently(&tenant.client_id(), "User.Read.All");
    let ada = tenant.user_id("ada@small.example");
    let round = client
        .round("users/delta?$select=displayName,accountEnabled")
        .await;
    assert_eq!(
        round.object(&ada),
        json!({"id": ada, "displayName": null, "accountEnabled": null})
    );
    let members = client
        .list(&format!("groups/{}/members", tenant.group_id("Inner")))
        .await;
    let ada = members.iter().find(|row| row["id"] == *ada).unwrap();
    assert_eq!(ada["@odata.type"], "#microsoft.graph.user");
    assert!(ada["displayName"].is_null());
    tenant.return_permission(&tenant.client_id(), "User.Read.All");
    let round = client.round("users/delta?$select=displayName").await;
    assert!(
        round
            .entries()
            .all(|entry| entry["displayName"].is_string())
    );
}

#[tokio::test]
async fn extensions_come_by_full_name_and_on_premises_ones_whole() {
    let tenant = small_company().await;
    let client = Client::of(&tenant).await;
    let ada = tenant.user_id("ada@small.example");
    let select = format!("{EXTENSION},{UNSET_EXTENSION},onPremisesExtensionAttributes");
    let round = client.round(&format!("users/delta?$select={select}")).await;
    let told = round.object(&ada);
    assert_eq!(told[EXTENSION], 1815);
    assert_eq!(told.get(UNSET_EXTENSION), None);
    let attributes = told["onPremisesExtensionAttributes"].as_object().unwrap();
    assert_eq!(attributes.len(), 15);
    assert_eq!(attributes["extensionAttribute3"], "countess");
    assert!(attributes["extensionAttribute4"].is_null());
    let unselected = client.round("users/delta").await;
    assert_eq!(unselected.object(&ada).get(EXTENSION), None);
    for name in [
        "extension_ffffffffffffffffffffffffffffffff_none",
        "extensionAttribute3",
    ] {
        for collection in ["users", "users/delta"] {
            let answer = client
                .get(&format!("{collection}?$select=displayName,{name}"))
                .await;
            assert_eq!(answer.refusal().0, 400);
            assert!(text(&answer.body["error"], "message").contains(name));
        }
    }
}

#[tokio::test]
async fn each_part_of_a_batch_is_answered_for_itself() {
    let tenant = small_company().await;
    let client = Client::of(&tenant).await;
    let post = async |requests: Value| {
        let url = format!("{}/v1.0/$batch", tenant.graph_url());
        let request = client.http.post(url).bearer_auth(&client.token);
        let request = request.body(json!({"requests": requests}).to_string());
        super::Answer::read(request.send().await.unwrap()).await
    };
    let part = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    tenant.fail_batch_part("3", 429, "7");
    let mut dependent = part("4", "/me");
    dependent["dependsOn"] = json!(["3"]);
    let answer = post(json!([
        part("1", "/users/ada@small.example"),
        part("2", "groups/delta?$select=displayName"),
        part("3", "/users"),
        dependent,
    ]));
    let answer = answer.await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let responses = answer.body["responses"].as_array().unwrap().clone();
    let of = |id: &str| responses.iter().find(|part| part["id"] == id).unwrap();
    assert_eq!(of("1")["body"]["userPrincipalName"], "ada@small.example");
    assert!(of("2")["body"]["@odata.deltaLink"].is_string());
    assert_eq!(
        (&of("3")["status"], &of("3")["headers"]["Retry-After"]),
        (&json!(429), &json!("7"))
    );
    assert_eq!(of("4")["status"], 424);
    let many: Vec<Value> = (0..21).map(|id| part(&id.to_string(), "/users")).collect();
    for malformed in [json!(many), json!([part("1", "/me"), part("1", "/me")])] {
        assert_eq!(post(malformed).await.status, 400);
    }
}

#[tokio::test]
async fn a_group_can_name_a_member_whom_nobody_has_seen() {
    let tenant = small_company().await;
    let mut client = Client::of(&tenant).await;
    let people = client.round("users/delta?$select=displayName").await;
    let groups = client.round("groups/delta?$select=members").await;
    tenant.replicate_after(Duration::from_secs(600), Duration::ZERO);
    let new = tenant.hire(UserSpec::new("new@small.example"));
    tenant.set("ada@small.example", "displayName", "Ada King");
    tenant.add_to_group("Inner", "new@small.example");

    let groups = client.round(&groups.delta_link).await;
    assert_eq!(
        groups.members(&tenant.group_id("Inner")).get(&new),
        Some(&true)
    );
    let people = client.round(&people.delta_link).await;
    assert_eq!(people.entries().count(), 0);
    let listed = client.list("users?$select=displayName").await;
    assert!(!ids(&listed).contains(&new));
    assert!(!listed.iter().any(|row| row["displayName"] == "Ada King"));

    tenant.advance(Duration::from_secs(600));
    client.renew_token().await;
    let people = client.round(&people.delta_link).await;
    assert_eq!(people.object(&new)["displayName"], "new");
    let ada = tenant.user_id("ada@small.example");
    assert_eq!(people.object(&ada)["displayName"], "Ada King");
}
