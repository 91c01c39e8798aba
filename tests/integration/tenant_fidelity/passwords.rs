//! The password grant.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Client, text};
use crate::tenant::sample::{
    BARBARA_PASSWORD, DONALD_PASSWORD, EDSGER_PASSWORD, MALLORY_PASSWORD, PASSWORDS, PETRA_PASSWORD,
};
use crate::tenant::{Registration, Tenant};

const ADA: &str = "ada@contoso.example";
const GUEST: &str = "alice_partner.example#EXT#@contoso.onmicrosoft.com";

#[tokio::test]
async fn the_right_password_yields_an_id_token_about_its_owner() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    for (upn, password) in PASSWORDS {
        let answer = client.check_password(upn, password, &[]).await;
        assert_eq!(answer.status, 200, "{upn}: {}", answer.body);
        let id_token = text(&answer.body, "id_token");
        let payload = URL_SAFE_NO_PAD
            .decode(id_token.split('.').nth(1).unwrap())
            .unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["oid"], *tenant.user_id(upn));
        assert_eq!(claims["tid"], *tenant.tenant_id());
        assert_eq!(claims["aud"], *tenant.client_id());
        assert_eq!(answer.body.get("refresh_token"), None);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_has_its_code() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    for (upn, password, code) in [
        (ADA, "wrong", 50126),
        (ADA, " Difference-Engine-1843", 50126),
        ("nobody@contoso.example", "any", 50034),
        (GUEST, "any", 50034),
        ("ivan@contoso.example", "any", 50034),
        ("priya@contoso.example", "any", 50056),
        ("mallory@contoso.example", MALLORY_PASSWORD, 50057),
        ("mallory@contoso.example", "wrong", 50126),
        ("donald@contoso.example", DONALD_PASSWORD, 50055),
        ("edsger@contoso.example", EDSGER_PASSWORD, 50076),
        ("edsger@contoso.example", "wrong", 50126),
        ("barbara@contoso.example", BARBARA_PASSWORD, 53003),
        (ADA, "", 900144),
    ] {
        let answer = client.check_password(upn, password, &[]).await;
        assert_eq!(
            answer.body["error_codes"],
            json!([code]),
            "{upn} {password:?}"
        );
    }
    let federated = client
        .check_password("petra@adatum.example", PETRA_PASSWORD, &[])
        .await;
    assert_eq!(federated.body["error_codes"], json!([70002, 50126]));
    tenant.check_federated_passwords(true);
    let federated = client
        .check_password("petra@adatum.example", PETRA_PASSWORD, &[])
        .await;
    assert_eq!(federated.status, 200);
}

#[tokio::test]
async fn an_mfa_refusal_contains_the_words_access_token_but_no_token() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let answer = client
        .check_password("edsger@contoso.example", EDSGER_PASSWORD, &[])
        .await;
    assert_eq!(answer.body["suberror"], "basic_action");
    assert!(text(&answer.body, "claims").contains("access_token"));
    assert_eq!(answer.body.get("access_token"), None);

    let expired = client
        .check_password("donald@contoso.example", DONALD_PASSWORD, &[])
        .await;
    assert_eq!(expired.body["error"], "user_password_expired");
    assert_eq!(expired.body["suberror"], "user_password_expired");
}

#[tokio::test]
async fn a_scripted_policy_speaks_only_to_the_right_password() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let right = PASSWORDS[0].1;
    let code = async |password| {
        client.check_password(ADA, password, &[]).await.body["error_codes"].clone()
    };
    tenant.script_sign_in(ADA, Some(50079));
    assert_eq!(code("wrong").await, json!([50126]));
    assert_eq!(code(right).await, json!([50079]));
    tenant.script_sign_in(ADA, Some(90033));
    assert_eq!(code("wrong").await, json!([90033]));
    tenant.script_sign_in(ADA, None);
    assert_eq!(code(right).await, Value::Null);
}

#[tokio::test]
async fn ten_different_wrong_passwords_lock_an_account_for_a_minute() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let right = PASSWORDS[0].1;
    for _ in 0..12 {
        client.check_password(ADA, "the same old one", &[]).await;
    }
    assert_eq!(client.check_password(ADA, right, &[]).await.status, 200);

    for attempt in 0..10 {
        let answer = client
            .check_password(ADA, &format!("guess {attempt}"), &[])
            .await;
        assert_eq!(
            answer.body["error_codes"],
            json!([50126]),
            "attempt {attempt}"
        );
    }
    let locked = client.check_password(ADA, right, &[]).await;
    assert_eq!(locked.body["error_codes"], json!([50053]));
    assert_eq!(locked.body["error"], "unauthorized_client");
    tenant.advance(Duration::from_secs(60));
    assert_eq!(client.check_password(ADA, right, &[]).await.status, 200);
    assert_eq!(tenant.password_checks(ADA), 25);
}

#[tokio::test]
async fn the_client_must_be_entitled_to_ask() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let right = PASSWORDS[0].1;
    for (change, code) in [
        (("client_secret", ""), 7000218),
        (("client_secret", "wrong"), 7000215),
        (("tenant", "common"), 9001023),
        (("tenant", "consumers"), 9001023),
        (("scope", "openid Mail.Read"), 65001),
        (
            ("scope", "openid https://graph.microsoft.us/User.Read"),
            70011,
        ),
    ] {
        let answer = client.check_password(ADA, right, &[change]).await;
        assert_eq!(answer.body["error_codes"], json!([code]), "{change:?}");
    }
    let check = async |change: fn(&mut Registration), fields: &[(&str, &str)]| {
        tenant.change_registration(change);
        client.check_password(ADA, right, fields).await
    };
    let public = check(
        |registration| registration.allows_public_client = true,
        &[("client_secret", "")],
    )
    .await;
    assert_eq!(public.status, 200);
    let without_consent = check(|registration| registration.scopes.clear(), &[]).await;
    assert_eq!(without_consent.body["error_codes"], json!([65001]));
    assert_eq!(without_consent.body["suberror"], "consent_required");
}

#[tokio::test]
async fn an_id_token_can_be_about_somebody_else() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.impersonate(ADA, "grace@contoso.example");
    let answer = client.check_password(ADA, PASSWORDS[0].1, &[]).await;
    let id_token = text(&answer.body, "id_token");
    let payload = URL_SAFE_NO_PAD
        .decode(id_token.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["oid"], *tenant.user_id("grace@contoso.example"));
}
