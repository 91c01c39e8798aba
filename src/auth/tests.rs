//! Binds from end to end; a small server speaks for the sign-in service.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::oauth;
use crate::oauth::http::client;

const ADA: &str = "25dcffff-959e-4ece-9973-e5d9b800e8cc";
const TENANT: &str = "12345678-1234-1234-1234-123456789012";
const OTHER: &str = "605d1257-ffff-40b6-8e6f-528a53f5dc55";
const PEER: &str = "10.1.2.3";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn ada() -> Person {
    Person {
        id: ADA.parse().unwrap(),
        user_principal_name: Some("ada@contoso.example".to_owned()),
        is_active: true,
    }
}

/// Accepts one password, with the account named in it: `right as OID of TID`; refuses `AADSTS…` by number.
async fn answer(
    State(asked): State<Arc<AtomicUsize>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    let expected = [
        ("grant_type", "password"),
        ("username", "ada@contoso.example"),
        ("scope", "openid profile"),
    ];
    assert!(
        expected.iter().all(|(key, value)| form[*key] == *value),
        "{form:?}"
    );
    assert!(!form.contains_key("client_secret"));
    let password = form["password"].as_str();
    if let Some(code) = password.strip_prefix("AADSTS") {
        let code: u32 = code.parse().unwrap();
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant", "error_codes": [code]})),
        )
            .into_response();
    }
    let Some((oid, tid)) = password
        .strip_prefix("right as ")
        .and_then(|rest| rest.split_once(" of "))
    else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"oid": oid, "tid": tid}).to_string());
    let token =
        json!({"token_type": "Bearer", "access_token": "a", "id_token": format!("e30.{claims}.")});
    Json(token).into_response()
}

/// An authenticator for people, and how often the tenant was asked.
async fn tenant() -> (Authenticator, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route(&format!("/{TENANT}/oauth2/v2.0/token"), post(answer))
        .with_state(asked.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = oauth::Settings {
        login_url: root.parse().unwrap(),
        graph_url: root.parse().unwrap(),
        tenant: TENANT.to_owned(),
        ca_file: None,
    };
    let sign_in = SignIn::new(&settings, client(&settings).unwrap());
    let settings = Settings {
        client_id: Some("app".to_owned()),
        client_secret: None,
        service_accounts: Vec::new(),
    };
    (Authenticator::new(settings, Some(sign_in)), asked)
}

#[tokio::test]
async fn right_password_of_the_right_account_succeeds() {
    let (authenticator, _) = tenant().await;
    let password = secret(&format!("right as {ADA} of {TENANT}"));
    // In a task, as the server runs it: the future must be Send.
    let bind = async move { authenticator.verify_person(&ada(), &password).await };
    assert!(matches!(
        tokio::spawn(bind).await.unwrap(),
        Verdict::Success
    ));
}

#[tokio::test]
async fn password_of_another_object_or_tenant_is_refused() {
    let (authenticator, _) = tenant().await;
    for password in [
        format!("right as {OTHER} of {TENANT}"),
        format!("right as {ADA} of {OTHER}"),
    ] {
        let verdict = authenticator
            .verify_person(&ada(), &secret(&password))
            .await;
        assert!(
            matches!(verdict, Verdict::Refused(Refusal::AnotherAccount { .. })),
            "{verdict:?}"
        );
    }
}

#[tokio::test]
async fn verdict_of_the_tenant_is_obeyed() {
    let (authenticator, _) = tenant().await;
    for code in [50126, 50076, 53003, 50053, 7_000_218, 123_456_789] {
        let verdict = authenticator
            .verify_person(&ada(), &secret(&format!("AADSTS{code}")))
            .await;
        let Verdict::Refused(Refusal::ByTenant(refusal)) = verdict else {
            panic!("{code}: {verdict:?}")
        };
        assert_eq!(refusal.codes, [code]);
    }
}

#[tokio::test]
async fn silence_of_the_tenant_is_no_verdict() {
    let (authenticator, _) = tenant().await;
    for password in ["AADSTS90033", "AADSTS80002", "HTTP 502"] {
        let verdict = authenticator.verify_person(&ada(), &secret(password)).await;
        assert!(
            matches!(verdict, Verdict::Unavailable(Unavailable::Tenant(_))),
            "{password}: {verdict:?}"
        );
    }
}

#[tokio::test]
async fn tenant_is_not_asked_where_the_answer_is_known() {
    let (authenticator, asked) = tenant().await;
    let right = secret(&format!("right as {ADA} of {TENANT}"));
    let inactive = Person {
        is_active: false,
        ..ada()
    };
    let nameless = Person {
        user_principal_name: None,
        ..ada()
    };
    let long = secret(&"x".repeat(PASSWORD_OCTETS_MAX + 1));
    for (person, password, expected) in [
        (&inactive, &right, Refusal::Inactive),
        (&nameless, &right, Refusal::NoUserPrincipalName),
        (&ada(), &secret(""), Refusal::PasswordEmpty),
        (&ada(), &long, Refusal::PasswordTooLong),
    ] {
        let verdict = authenticator.verify_person(person, password).await;
        assert!(
            matches!(&verdict, Verdict::Refused(refusal) if *refusal == expected),
            "{verdict:?}"
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_an_app_nobody_binds_through_the_tenant() {
    let settings = Settings {
        client_id: None,
        client_secret: None,
        service_accounts: Vec::new(),
    };
    let verdict = Authenticator::new(settings, None)
        .verify_person(&ada(), &secret("x"))
        .await;
    assert!(matches!(
        verdict,
        Verdict::Refused(Refusal::NoPasswordGrant)
    ));
}

/// The verdict on the service account `vpn`, limited to 10.0.0.0/8, whose password is `open sesame`.
async fn bind_service(name: &str, password: &str, peer: &str) -> Verdict {
    let account = ServiceAccount {
        name: "vpn".to_owned(),
        password_hash: Arc::new(Secret::new(password_hash::hash_password(&secret(
            "open sesame",
        )))),
        networks: vec!["10.0.0.0/8".parse().unwrap()],
    };
    let settings = Settings {
        client_id: None,
        client_secret: None,
        service_accounts: vec![account],
    };
    let authenticator = Authenticator::new(settings, None);
    authenticator
        .verify_service_account(name, &secret(password), peer.parse().unwrap())
        .await
}

#[tokio::test]
async fn service_account_binds_by_name_in_any_case_from_its_networks() {
    assert!(matches!(
        bind_service("VPN", "open sesame", PEER).await,
        Verdict::Success
    ));
    assert!(matches!(
        bind_service("vpn", "open sesame", "::ffff:10.1.2.3").await,
        Verdict::Success
    ));
}

#[tokio::test]
async fn service_account_is_refused_for_each_reason() {
    for (name, password, peer, expected) in [
        ("vpn", "wrong", PEER, Refusal::WrongPassword),
        ("vpn", "", PEER, Refusal::PasswordEmpty),
        (
            "radius",
            "open sesame",
            PEER,
            Refusal::UnknownServiceAccount,
        ),
        (
            "vpn",
            "open sesame",
            "192.0.2.1",
            Refusal::NetworkNotAllowed,
        ),
        ("vpn", "open sesame", "::1", Refusal::NetworkNotAllowed),
    ] {
        let verdict = bind_service(name, password, peer).await;
        assert!(
            matches!(&verdict, Verdict::Refused(refusal) if *refusal == expected),
            "{name} {peer}: {verdict:?}"
        );
    }
}
