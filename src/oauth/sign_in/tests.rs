//! Requests as the service sees them.

use serde_json::json;

use super::*;
use crate::oauth::tests::{Service, TENANT, authorization, credential, granted, secret};
use crate::oauth::{Certificate, Grant, Proof};

#[test]
fn scope_belongs_to_the_cloud_in_use() {
    assert_eq!(
        graph_default_scope("https://graph.microsoft.us").as_str(),
        "https://graph.microsoft.us/.default"
    );
}

#[tokio::test]
async fn app_proves_itself_by_an_assertion_for_the_token_endpoint() {
    let service = Service::start(|_, _| granted("token", json!({}))).await;
    let output = std::process::Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=app -keyout -".split(' '))
        .output()
        .expect("openssl is installed");
    let pem = String::from_utf8(output.stdout).unwrap();
    let certificate = Certificate::from_pem(&pem, &pem).unwrap();
    let credential = credential("app", Grant::App(Proof::Certificate(Arc::new(certificate))));
    service
        .sign_in
        .client_credentials(&credential)
        .await
        .unwrap();
    let (_, form) = &service.posted()[0];
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["client_id"], "app");
    assert!(!form.contains_key("client_secret"));
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    use base64::Engine;
    let claims = form["client_assertion"].split('.').nth(1).unwrap();
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], service.token_url());
}

#[tokio::test]
async fn refresh_takes_the_new_token_and_reads_the_scopes_anew() {
    let service = Service::start(|_, _| {
        granted(
            "access",
            json!({"refresh_token": "new", "scope": "https://graph.example/Group.Read.All"}),
        )
    })
    .await;
    let credential = credential("backup", Grant::Delegated(Some(secret("s3cret+& €"))));
    let old = authorization("backup", "old");
    let (token, renewed) = service.sign_in.refresh(&credential, &old).await.unwrap();
    assert_eq!(token.secret().expose(), "access");
    assert_eq!(renewed.refresh_token.expose(), "new");
    assert_eq!(renewed.scopes, ["Group.Read.All"]);
    assert!(renewed.refreshed >= old.refreshed && renewed.authorized == old.authorized);
    let (_, form) = &service.posted()[0];
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "old");
    assert_eq!(form["client_secret"], "s3cret+& €");
    assert!(
        !form.contains_key("scope"),
        "what was granted is what is asked for"
    );
    assert!(token.is_delegated());
}

#[tokio::test]
async fn administrator_is_asked_for_what_the_sync_and_the_check_read() {
    let service = Service::start(|_, _| panic!("nothing is posted")).await;
    let root = &service.root;
    assert_eq!(
        service.sign_in.scopes(false).join(" "),
        format!(
            "openid profile offline_access {root}/User.Read.All {root}/GroupMember.Read.All {root}/User.Read"
        )
    );
}

#[tokio::test]
async fn refresh_without_a_new_token_keeps_the_old_one_and_its_age() {
    let service = Service::start(|_, _| granted("access", json!({}))).await;
    let credential = credential("backup", Grant::Delegated(None));
    let old = authorization("backup", "old");
    let (_, renewed) = service.sign_in.refresh(&credential, &old).await.unwrap();
    assert_eq!(renewed.refresh_token.expose(), "old");
    assert_eq!(renewed.refreshed, old.refreshed);
    assert_eq!(renewed.scopes, old.scopes);
    assert!(!service.posted()[0].1.contains_key("client_secret"));
}

#[tokio::test]
async fn tenant_named_by_its_domain_learns_its_id_from_the_metadata() {
    let service = Service::start(|_, _| panic!("nothing is posted")).await;
    assert_eq!(service.sign_in.tenant_id(), None);
    assert_eq!(service.sign_in.tenant_guid().await.unwrap(), TENANT);
    assert_eq!(service.sign_in.tenant_id(), Some(TENANT));
}
