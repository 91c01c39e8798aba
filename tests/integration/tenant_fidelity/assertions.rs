//! Client credentials with a certificate.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Client, codes};
use crate::tenant::{Tenant, sample};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn sign(header: &Value, claims: &Value, encoding: &'static dyn RsaEncoding) -> String {
    let key = PrivatePkcs8KeyDer::from_pem_slice(sample::PRIVATE_KEY.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    let thumbprint = digest(&SHA256, &sample::certificate_der());
    json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint)})
}

fn claims(tenant: &Tenant) -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({
        "aud": format!("{}/{}/oauth2/v2.0/token", tenant.login_url(), tenant.tenant_id()),
        "iss": tenant.client_id(),
        "sub": tenant.client_id(),
        "jti": Uuid::new_v4(),
        "nbf": now,
        "iat": now,
        "exp": now + 600,
    })
}

async fn present(client: &Client<'_>, assertion: &str) -> Answer {
    let fields = [
        ("client_secret", ""),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    client.app_token(&fields).await
}

async fn tenant_with_certificate() -> Tenant {
    let tenant = Tenant::sample().await;
    tenant.add_certificate(&tenant.client_id(), sample::certificate_der());
    tenant
}

#[tokio::test]
async fn both_algorithms_and_both_thumbprints_are_accepted() {
    let tenant = tenant_with_certificate().await;
    let client = Client::of(&tenant).await;
    let modern = sign(&header(), &claims(&tenant), &RSA_PSS_SHA256);
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &sample::certificate_der());
    let old = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(sha1)});
    let old = sign(&old, &claims(&tenant), &RSA_PKCS1_SHA256);
    for assertion in [&modern, &old] {
        let answer = present(&client, assertion).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let repeated = present(&client, &modern).await;
    assert_eq!((repeated.status, codes(&repeated)), (401, json!([50013])));
}

#[tokio::test]
async fn each_flaw_of_an_assertion_is_refused() {
    let tenant = tenant_with_certificate().await;
    let client = Client::of(&tenant).await;
    let now = jiff::Timestamp::now().as_second();
    let login = tenant.login_url();
    for (claim, value, code) in [
        ("aud", json!(login), 50013),
        ("iss", json!(Uuid::nil()), 50012),
        ("sub", json!(Uuid::nil()), 50048),
        ("exp", json!(now - 600), 500133),
        ("nbf", json!(now + 600), 500133),
        ("jti", Value::Null, 50027),
    ] {
        let mut claims = claims(&tenant);
        claims[claim] = value;
        let answer = present(&client, &sign(&header(), &claims, &RSA_PSS_SHA256)).await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (401, json!([code])),
            "{claim}"
        );
    }
    let mismatched = sign(&header(), &claims(&tenant), &RSA_PKCS1_SHA256);
    assert_eq!(codes(&present(&client, &mismatched).await), json!([700027]));
    let mut stranger = header();
    stranger["x5t#S256"] = json!(URL_SAFE_NO_PAD.encode([0; 32]));
    let stranger = sign(&stranger, &claims(&tenant), &RSA_PSS_SHA256);
    assert_eq!(codes(&present(&client, &stranger).await), json!([700027]));
    assert_eq!(
        codes(&present(&client, "no.jwt.here").await),
        json!([50027])
    );
}
