//! The authorization code flow with PKCE.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::json;
use url::Url;

use super::{Answer, Client, codes, id_token, text};
use crate::tenant::sample::ADMINISTRATOR;
use crate::tenant::{Decision, Tenant};

pub const VERIFIER: &str = "a-verifier-of-the-required-length-43-or-more-characters";
pub const REDIRECT_URI: &str = "http://localhost:49152";
const SCOPE: &str = "openid profile offline_access User.Read.All GroupMember.Read.All";

fn authorize_url(tenant: &Tenant, client_id: &str, changes: &[(&str, &str)]) -> Url {
    let mut fields = BTreeMap::from([
        ("client_id", client_id.to_owned()),
        ("response_type", "code".to_owned()),
        ("response_mode", "query".to_owned()),
        ("redirect_uri", REDIRECT_URI.to_owned()),
        ("scope", SCOPE.to_owned()),
        ("state", "state & more".to_owned()),
        (
            "code_challenge",
            URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes())),
        ),
        ("code_challenge_method", "S256".to_owned()),
    ]);
    fields.extend(
        changes
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let root = format!(
        "{}/{}/oauth2/v2.0/authorize",
        tenant.login_url(),
        tenant.domain()
    );
    Url::parse_with_params(&root, fields).unwrap()
}

fn browser() -> reqwest::Client {
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(policy).build().unwrap()
}

/// Where the browser was sent, as fields; the page otherwise.
async fn visit(url: Url) -> Result<BTreeMap<String, String>, String> {
    returned(browser().get(url).send().await.unwrap()).await
}

async fn returned(response: reqwest::Response) -> Result<BTreeMap<String, String>, String> {
    match response.headers().get("location") {
        Some(location) => {
            assert_eq!(response.status(), 302);
            let location = Url::parse(location.to_str().unwrap()).unwrap();
            Ok(location.query_pairs().into_owned().collect())
        }
        None => Err(response.text().await.unwrap()),
    }
}

/// A code for `client_id`, given by whoever the tenant lets answer.
pub async fn code(tenant: &Tenant, client_id: &str) -> String {
    let fields = visit(authorize_url(tenant, client_id, &[])).await.unwrap();
    fields["code"].clone()
}

/// Redeems `code` as the app with a secret; `changes` as in [`Client::app_token`].
pub async fn redeem(client: &Client<'_>, code: &str, changes: &[(&str, &str)]) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("scope", ""),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    client.app_token(&[&fields, changes].concat()).await
}

#[tokio::test]
async fn a_code_becomes_tokens_about_the_administrator() {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    let mut client = Client::of(&tenant).await;
    let fields = visit(authorize_url(&tenant, &tenant.client_id(), &[]))
        .await
        .unwrap();
    assert_eq!(fields["state"], "state & more");
    let answer = redeem(&client, &fields["code"], &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        text(&answer.body, "scope"),
        "GroupMember.Read.All User.Read.All offline_access openid profile"
    );
    assert!(answer.body["refresh_token"].is_string());
    let claims = id_token(&answer.body);
    assert_eq!(claims["oid"], *tenant.user_id(ADMINISTRATOR));
    assert_eq!(claims["tid"], *tenant.tenant_id());
    assert_eq!(claims["preferred_username"], ADMINISTRATOR);

    client.token = text(&answer.body, "access_token");
    assert_eq!(client.get("users").await.status, 200);
    assert_eq!(client.get("groups/delta").await.status, 200);
}

#[tokio::test]
async fn a_code_has_one_use_ten_minutes_and_one_holder() {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    let client = Client::of(&tenant).await;
    let fresh = async || code(&tenant, &tenant.client_id()).await;

    let wrong = redeem(&client, &fresh().await, &[("code_verifier", "wrong")]).await;
    assert_eq!(codes(&wrong), json!([501481]));
    let elsewhere = [("redirect_uri", "http://localhost:1")];
    let elsewhere = redeem(&client, &fresh().await, &elsewhere).await;
    assert_eq!(codes(&elsewhere), json!([500112]));
    let unproven = redeem(&client, &fresh().await, &[("client_secret", "")]).await;
    assert_eq!(codes(&unproven), json!([7000218]));

    let used = fresh().await;
    assert_eq!(redeem(&client, &used, &[]).await.status, 200);
    assert_eq!(codes(&redeem(&client, &used, &[]).await), json!([54005]));
    let old = fresh().await;
    tenant.advance(Duration::from_secs(600));
    assert_eq!(codes(&redeem(&client, &old, &[]).await), json!([70008]));
    let foreign = fresh().await;
    tenant.estrange_codes();
    assert_eq!(
        codes(&redeem(&client, &foreign, &[]).await),
        json!([700005])
    );
}

#[tokio::test]
async fn a_public_client_redeems_without_a_secret_and_only_so() {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    let client = Client::of(&tenant).await;
    let public = tenant.public_client_id();
    let (id, none) = (("client_id", public.as_str()), ("client_secret", ""));
    let answer = redeem(&client, &code(&tenant, &public).await, &[id, none]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    tenant.change_app(&public, |app| {
        app.secrets.insert("secret".to_owned());
    });
    let with_secret = [id, ("client_secret", "secret")];
    let answer = redeem(&client, &code(&tenant, &public).await, &with_secret).await;
    assert_eq!(codes(&answer), json!([700025]));
}

#[tokio::test]
async fn only_a_registered_address_is_sent_anything() {
    let tenant = Tenant::sample().await;
    tenant.administrator(ADMINISTRATOR);
    let id = tenant.client_id();
    for (change, words) in [
        (("redirect_uri", "http://localhost:8/path"), "AADSTS50011"),
        (("redirect_uri", "https://localhost"), "AADSTS50011"),
        (("redirect_uri", "https://evil.example"), "AADSTS50011"),
        (
            ("client_id", "00000000-0000-0000-0000-000000000001"),
            "AADSTS700016",
        ),
    ] {
        let page = visit(authorize_url(&tenant, &id, &[change]))
            .await
            .unwrap_err();
        assert!(page.contains(words), "{change:?}: {page}");
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", "short"), "invalid_request"),
        (
            ("scope", "https://graph.microsoft.us/User.Read"),
            "invalid_scope",
        ),
    ] {
        let fields = visit(authorize_url(&tenant, &id, &[change])).await.unwrap();
        assert_eq!(fields["error"], error, "{change:?}");
        assert_eq!(fields["state"], "state & more");
    }
}

#[tokio::test]
async fn consent_can_be_withheld() {
    let tenant = Tenant::sample().await;
    let id = tenant.client_id();
    for (decision, error, code) in [
        (Decision::Decline, "access_denied", "AADSTS65004"),
        (Decision::Refused(53003), "invalid_grant", "AADSTS53003"),
    ] {
        tenant.answer_consent(ADMINISTRATOR, decision);
        let fields = visit(authorize_url(&tenant, &id, &[])).await.unwrap();
        assert_eq!(fields["error"], error);
        assert!(fields["error_description"].starts_with(code));
    }
    let new = [("scope", "openid Directory.Read.All")];
    tenant.administrator("ada@contoso.example");
    let fields = visit(authorize_url(&tenant, &id, &new)).await.unwrap();
    assert!(fields["error_description"].starts_with("AADSTS90094"));
    tenant.administrator(ADMINISTRATOR);
    let fields = visit(authorize_url(&tenant, &id, &new)).await.unwrap();
    assert!(fields.contains_key("code"));
}

#[tokio::test]
async fn a_person_with_a_browser_gets_a_form() {
    let tenant = Tenant::sample().await;
    let id = tenant.client_id();
    let url = authorize_url(&tenant, &id, &[]);
    let page = visit(url.clone()).await.unwrap_err();
    assert!(
        page.contains("Accept") && page.contains("User.Read.All"),
        "{page}"
    );
    let mut fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    fields.push(("signed_in_as".to_owned(), ADMINISTRATOR.to_owned()));
    fields.push(("decision".to_owned(), "accept".to_owned()));
    let posted = browser().post(url.clone()).form(&fields).send();
    assert!(
        returned(posted.await.unwrap())
            .await
            .unwrap()
            .contains_key("code")
    );
    fields.last_mut().unwrap().1 = "decline".to_owned();
    let posted = browser().post(url).form(&fields).send();
    let fields = returned(posted.await.unwrap()).await.unwrap();
    assert_eq!(fields["error"], "access_denied");
    let silent = authorize_url(&tenant, &id, &[("prompt", "none")]);
    assert_eq!(visit(silent).await.unwrap()["error"], "login_required");
}
