//! The device code flow.

use std::time::Duration;

use serde_json::json;

use super::{Answer, Client, codes, id_token, text};
use crate::tenant::Tenant;
use crate::tenant::sample::ADMINISTRATOR;

const SCOPE: &str = "openid offline_access User.Read.All";
const INTERVAL: Duration = Duration::from_secs(5);

/// What a device was told.
struct Device {
    client_id: String,
    device_code: String,
    user_code: String,
}

impl Device {
    async fn start(tenant: &Tenant, client_id: String) -> Self {
        let url = format!(
            "{}/{}/oauth2/v2.0/devicecode",
            tenant.login_url(),
            tenant.tenant_id()
        );
        let form = [("client_id", client_id.as_str()), ("scope", SCOPE)];
        let response = reqwest::Client::new().post(url).form(&form).send().await;
        let body = Answer::read(response.unwrap()).await.body;
        assert_eq!(
            (&body["expires_in"], &body["interval"]),
            (&json!(900), &json!(5))
        );
        let user_code = text(&body, "user_code");
        assert!(text(&body, "message").contains(&user_code));
        assert!(text(&body, "message").contains(&text(&body, "verification_uri")));
        Self {
            client_id,
            device_code: text(&body, "device_code"),
            user_code,
        }
    }

    async fn poll(&self, client: &Client<'_>, changes: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("scope", ""),
            ("client_secret", ""),
            ("client_id", &self.client_id),
            ("device_code", &self.device_code),
        ];
        client.app_token(&[&fields, changes].concat()).await
    }
}

#[tokio::test]
async fn a_device_waits_until_somebody_approves() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let device = Device::start(&tenant, tenant.public_client_id()).await;
    let pending = device.poll(&client, &[]).await;
    assert_eq!(pending.body["error"], "authorization_pending");
    assert_eq!(codes(&pending), json!([70016]));
    assert_eq!(device.poll(&client, &[]).await.body["error"], "slow_down");
    assert_eq!(tenant.waiting_user_codes(), [device.user_code.as_str()]);

    tenant.approve_device(&device.user_code, ADMINISTRATOR);
    tenant.advance(INTERVAL);
    let answer = device.poll(&client, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(id_token(&answer.body)["preferred_username"], ADMINISTRATOR);
    assert!(answer.body["refresh_token"].is_string());
    tenant.advance(INTERVAL);
    assert_eq!(codes(&device.poll(&client, &[]).await), json!([90120]));
    assert_eq!(tenant.device_polls(&device.user_code), 4);
}

#[tokio::test]
async fn a_code_can_be_declined_mistaken_or_forgotten() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let declined = Device::start(&tenant, tenant.public_client_id()).await;
    tenant.decline_device(&declined.user_code);
    let answer = declined.poll(&client, &[]).await;
    assert_eq!(answer.body["error"], "authorization_declined");

    let device = Device::start(&tenant, tenant.public_client_id()).await;
    let mistaken = device.poll(&client, &[("device_code", "other")]).await;
    assert_eq!(mistaken.body["error"], "bad_verification_code");
    tenant.advance(Duration::from_secs(900));
    let forgotten = device.poll(&client, &[]).await;
    assert_eq!(forgotten.body["error"], "expired_token");
    assert_eq!(codes(&forgotten), json!([70019]));
}

#[tokio::test]
async fn without_public_client_flows_a_device_needs_a_secret() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let device = Device::start(&tenant, tenant.client_id()).await;
    assert_eq!(codes(&device.poll(&client, &[]).await), json!([7000218]));
    tenant.approve_device(&device.user_code, ADMINISTRATOR);
    let secret = tenant.client_secret();
    let proven = device.poll(&client, &[("client_secret", &secret)]).await;
    assert_eq!(proven.status, 200, "{}", proven.body);
}

#[tokio::test]
async fn a_person_can_use_the_page() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let device = Device::start(&tenant, tenant.public_client_id()).await;
    let form = [
        ("user_code", device.user_code.as_str()),
        ("signed_in_as", ADMINISTRATOR),
        ("decision", "accept"),
    ];
    let url = format!("{}/devicelogin", tenant.login_url());
    let page = client.http.post(url).form(&form).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Done"));
    assert_eq!(device.poll(&client, &[]).await.status, 200);
}
