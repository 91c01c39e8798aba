//! Refresh tokens.

use std::time::Duration;

use serde_json::{Value, json};

use super::authorization::{code, redeem};
use super::{Answer, Client, codes, text};
use crate::tenant::Tenant;
use crate::tenant::sample::ADMINISTRATOR;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A client of either kind with a refresh token.
struct Holder {
    client_id: String,
    client_secret: String,
    refresh_token: String,
}

impl Holder {
    async fn confidential(client: &Client<'_>) -> Self {
        let tenant = client.tenant;
        Self::new(client, tenant.client_id(), tenant.client_secret()).await
    }

    async fn public(client: &Client<'_>) -> Self {
        Self::new(client, client.tenant.public_client_id(), String::new()).await
    }

    async fn new(client: &Client<'_>, client_id: String, client_secret: String) -> Self {
        client.tenant.administrator(ADMINISTRATOR);
        let code = code(client.tenant, &client_id).await;
        let own = [
            ("client_id", client_id.as_str()),
            ("client_secret", &client_secret),
        ];
        let answer = redeem(client, &code, &own).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self {
            refresh_token: text(&answer.body, "refresh_token"),
            client_id,
            client_secret,
        }
    }

    async fn refresh(&self, client: &Client<'_>, changes: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("scope", ""),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
        ];
        client.app_token(&[&fields, changes].concat()).await
    }
}

#[tokio::test]
async fn each_use_brings_a_new_token_and_spares_the_old() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    let first = holder
        .refresh(&client, &[("scope", "openid User.Read.All")])
        .await;
    assert_eq!(first.status, 200, "{}", first.body);
    let newer = text(&first.body, "refresh_token");
    assert_ne!(newer, holder.refresh_token);
    assert_eq!(holder.refresh(&client, &[]).await.status, 200);
    let again = holder.refresh(&client, &[("refresh_token", &newer)]).await;
    assert_eq!(again.status, 200);
    let scope = format!("{}/User.Read.All", tenant.graph_url());
    let qualified = holder.refresh(&client, &[("scope", &scope)]).await;
    assert_eq!(
        text(&qualified.body, "scope"),
        format!("{scope} offline_access")
    );
}

#[tokio::test]
async fn clients_prove_themselves_according_to_their_kind() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    let public = Holder::public(&client).await;
    tenant.change_app(&public.client_id, |app| {
        app.secrets.insert("known".to_owned());
    });
    for (holder, secret, status, expected) in [
        (&holder, "", 401, json!([7000218])),
        (&holder, "wrong", 401, json!([7000215])),
        (&public, "known", 401, json!([700025])),
        (&public, "", 200, Value::Null),
    ] {
        let answer = holder.refresh(&client, &[("client_secret", secret)]).await;
        assert_eq!((answer.status, codes(&answer)), (status, expected));
    }
    let stolen = public
        .refresh(&client, &[("refresh_token", &holder.refresh_token)])
        .await;
    assert_eq!(codes(&stolen), json!([70000]));
}

#[tokio::test]
async fn a_password_change_spares_confidential_clients_and_a_revocation_nobody() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    let public = Holder::public(&client).await;
    tenant.change_password(ADMINISTRATOR);
    assert_eq!(holder.refresh(&client, &[]).await.status, 200);
    let revoked = public.refresh(&client, &[]).await;
    assert_eq!(codes(&revoked), json!([50173]));
    assert_eq!(revoked.body["suberror"], "bad_token");
    tenant.revoke_sessions(ADMINISTRATOR);
    assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([50173]));
    let fresh = Holder::public(&client).await;
    assert_eq!(fresh.refresh(&client, &[]).await.status, 200);
}

#[tokio::test]
async fn a_token_idle_for_ninety_days_is_dead() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    tenant.advance(60 * DAY);
    assert_eq!(holder.refresh(&client, &[]).await.status, 200);
    tenant.advance(60 * DAY);
    assert_eq!(holder.refresh(&client, &[]).await.status, 200);
    tenant.advance(90 * DAY);
    assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([700082]));
}

#[tokio::test]
async fn what_befalls_the_person_befalls_the_token() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    for code in [70008, 70043, 53003, 50076, 65001, 50196] {
        tenant.script_refresh(ADMINISTRATOR, Some(code));
        assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([code]));
    }
    tenant.script_refresh(ADMINISTRATOR, None);
    tenant.script_refresh_token(&holder.refresh_token, Some(50173));
    assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([50173]));
    tenant.script_refresh_token(&holder.refresh_token, None);
    tenant.disable(ADMINISTRATOR);
    assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([50057]));
    tenant.delete(ADMINISTRATOR);
    assert_eq!(codes(&holder.refresh(&client, &[]).await), json!([50034]));
}

#[tokio::test]
async fn a_withdrawn_permission_cannot_be_renewed() {
    let tenant = Tenant::sample().await;
    let mut client = Client::of(&tenant).await;
    let holder = Holder::confidential(&client).await;
    client.token = text(&holder.refresh(&client, &[]).await.body, "access_token");
    assert_eq!(client.get("users").await.status, 200);
    tenant.withdraw_permission(&holder.client_id, "User.Read.All");
    assert_eq!(
        client.get("users").await.refusal(),
        (403, "Authorization_RequestDenied")
    );
    assert_eq!(client.get("groups").await.status, 200);
    let asked = holder.refresh(&client, &[("scope", "User.Read.All")]).await;
    assert_eq!(codes(&asked), json!([65001]));
    let rest = holder.refresh(&client, &[]).await;
    assert!(!text(&rest.body, "scope").contains("User.Read.All"));
}
