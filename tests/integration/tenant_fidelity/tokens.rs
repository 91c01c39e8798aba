//! App-only tokens, and what Graph makes of tokens.

use std::time::Duration;

use serde_json::json;

use super::{Answer, Client, text};
use crate::tenant::Tenant;

#[tokio::test]
async fn each_flaw_of_a_token_request_has_its_code() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let unknown_app = "00000000-0000-0000-0000-000000000001";
    for (changes, status, error, code) in [
        (("client_secret", "wrong"), 401, "invalid_client", 7000215),
        (("client_secret", ""), 401, "invalid_client", 7000218),
        (
            ("client_id", unknown_app),
            400,
            "unauthorized_client",
            700016,
        ),
        (
            ("tenant", "fabrikam.invalid"),
            400,
            "invalid_request",
            90002,
        ),
        (("tenant", "common"), 400, "invalid_request", 50059),
        (
            ("scope", "https://graph.microsoft.us/.default"),
            400,
            "invalid_scope",
            70011,
        ),
        (("scope", "User.Read.All"), 400, "invalid_scope", 70011),
        (
            ("grant_type", "implicit"),
            400,
            "unsupported_grant_type",
            70003,
        ),
        (("grant_type", ""), 400, "invalid_request", 900144),
    ] {
        let answer = client.app_token(&[changes]).await;
        assert_eq!(answer.status, status, "{changes:?}");
        assert_eq!(answer.body["error"], error, "{changes:?}");
        assert_eq!(answer.body["error_codes"], json!([code]), "{changes:?}");
    }
    tenant.rotate_client_secret("new");
    let answer = client.app_token(&[(
        "client_secret",
        crate::tenant::company::registration::CLIENT_SECRET,
    )]);
    assert_eq!(answer.await.body["error_codes"], json!([7000222]));
}

#[tokio::test]
async fn an_error_has_the_documented_shape() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let answer = client.app_token(&[("client_secret", "wrong")]).await;
    let body = &answer.body;
    let lines: Vec<String> = text(body, "error_description")
        .split("\r\n")
        .map(str::to_owned)
        .collect();
    assert!(lines[0].starts_with("AADSTS7000215: "));
    assert_eq!(lines[1], format!("Trace ID: {}", text(body, "trace_id")));
    assert_eq!(
        lines[2],
        format!("Correlation ID: {}", text(body, "correlation_id"))
    );
    assert_eq!(lines[3], format!("Timestamp: {}", text(body, "timestamp")));
    assert_eq!(text(body, "timestamp").as_bytes()[10], b' ');
    assert!(text(body, "error_uri").ends_with("/error?code=7000215"));
    assert_eq!(answer.header("x-ms-request-id"), body["trace_id"].as_str());
}

#[tokio::test]
async fn a_secret_may_come_as_basic_authorization() {
    let tenant = Tenant::sample().await;
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let request = reqwest::Client::new()
        .post(format!(
            "{}/{}/oauth2/v2.0/token",
            tenant.login_url(),
            tenant.tenant_id()
        ))
        .basic_auth(tenant.client_id(), Some(encode(&tenant.client_secret())))
        .form(&[
            ("grant_type", "client_credentials"),
            ("scope", &format!("{}/.default", tenant.graph_url())),
        ]);
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.get("refresh_token"), None);
}

#[tokio::test]
async fn a_token_opens_what_was_consented_to() {
    let tenant = Tenant::sample().await;
    tenant.change_registration(|registration| {
        registration.roles.remove("GroupMember.Read.All");
    });
    let client = Client::of(&tenant).await;
    assert_eq!(client.get("users/delta").await.status, 200);
    let denied = (403, "Authorization_RequestDenied");
    assert_eq!(client.get("groups/delta").await.refusal(), denied);

    tenant.change_registration(|registration| registration.roles.clear());
    let client = Client::of(&tenant).await;
    assert_eq!(client.get("users").await.refusal(), denied);
}

#[tokio::test]
async fn a_dead_or_foreign_token_opens_nothing() {
    let tenant = Tenant::sample().await;
    let mut client = Client::of(&tenant).await;
    let refused = (401, "InvalidAuthenticationToken");
    tenant.advance(Duration::from_secs(3599));
    let answer = client.get("users").await;
    assert_eq!(answer.refusal(), refused);
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer realm=\"\"")
    );

    client.renew_token().await;
    assert_eq!(client.get("users").await.status, 200);
    tenant.revoke_access_tokens();
    assert_eq!(client.get("users").await.refusal(), refused);
    client.token = tenant.issue_foreign_token();
    assert_eq!(client.get("users").await.refusal(), refused);
}

#[tokio::test]
async fn graph_names_the_request_in_headers_and_errors() {
    let tenant = Tenant::sample().await;
    let url = format!("{}/v1.0/users", tenant.graph_url());
    let id = "11111111-2222-3333-4444-555555555555";
    let request = reqwest::Client::new()
        .get(url)
        .header("client-request-id", id);
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.header("client-request-id"), Some(id));
    assert!(answer.header("date").is_some() && answer.header("x-ms-ags-diagnostic").is_some());
    let inner = &answer.body["error"]["innerError"];
    assert_eq!(inner["client-request-id"], id);
    assert_eq!(inner["request-id"].as_str(), answer.header("request-id"));
}

#[tokio::test]
async fn metadata_by_domain_leads_to_urls_by_id() {
    let tenant = Tenant::sample().await;
    let login = tenant.login_url();
    let path = "v2.0/.well-known/openid-configuration";
    let known = reqwest::get(format!("{login}/contoso.onmicrosoft.com/{path}"))
        .await
        .unwrap();
    let known = Answer::read(known).await.body;
    assert_eq!(
        known["issuer"],
        format!("{login}/{}/v2.0", tenant.tenant_id())
    );
    let unknown = reqwest::get(format!("{login}/nobody.example/{path}"))
        .await
        .unwrap();
    assert_eq!(
        Answer::read(unknown).await.body["error_codes"],
        json!([90002])
    );

    let realm = reqwest::get(format!(
        "{login}/common/userrealm/petra@adatum.example?api-version=1.0"
    ));
    assert_eq!(
        Answer::read(realm.await.unwrap()).await.body["account_type"],
        "Federated"
    );
}

#[tokio::test]
async fn a_challenge_is_for_those_who_declared_to_understand_it() {
    let tenant = Tenant::sample().await;
    let mut client = Client::of(&tenant).await;
    let capable = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let answer = client.app_token(&[("claims", capable)]).await;
    assert_eq!(answer.body["expires_in"], 86_399);
    tenant.challenge_access_tokens();

    let plain = client.get("users").await;
    assert_eq!(plain.refusal(), (401, "InvalidAuthenticationToken"));
    assert!(
        !plain
            .header("www-authenticate")
            .unwrap()
            .contains("claims=")
    );
    client.token = text(&answer.body, "access_token");
    let challenged = client.get("users").await;
    assert_eq!(challenged.refusal(), (401, "InvalidAuthenticationToken"));
    let header = challenged.header("www-authenticate").unwrap();
    assert!(
        header.contains("error=\"insufficient_claims\", claims=\""),
        "{header}"
    );
    client.renew_token().await;
    assert_eq!(client.get("users").await.status, 200);
}

#[tokio::test]
async fn instance_discovery_and_realms_need_no_account() {
    let tenant = Tenant::sample().await;
    let login = tenant.login_url();
    let get = async |path: String| {
        let url = format!("{login}/common/{path}");
        Answer::read(reqwest::get(url).await.unwrap()).await
    };
    let instance = |host: &str| {
        let endpoint = format!("{host}/contoso.example/oauth2/v2.0/authorize");
        format!("discovery/instance?api-version=1.1&authorization_endpoint={endpoint}")
    };
    let known = get(instance(&login)).await.body;
    let metadata = format!(
        "{login}/{}/v2.0/.well-known/openid-configuration",
        tenant.tenant_id()
    );
    assert_eq!(known["tenant_discovery_endpoint"], metadata);
    let unknown = get(instance("https://evil.example")).await;
    assert_eq!(
        (unknown.status, unknown.body["error"].as_str()),
        (400, Some("invalid_instance"))
    );
    for (name, kind) in [
        ("adatum.example", "Federated"),
        ("contoso.example", "Managed"),
        ("nobody.example", "Unknown"),
    ] {
        let realm = get(format!("userrealm/{name}?api-version=1.0")).await;
        assert_eq!(realm.body["account_type"], kind, "{name}");
    }
}
