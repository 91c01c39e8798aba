//! The simulated tenant against the documentation it was written from: a test of the tests' own ground.

mod assertions;
mod authorization;
mod devices;
mod directory;
mod failures;
mod passwords;
mod refreshing;
mod relations;
mod scale;
mod throttling;
mod tokens;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::tenant::Tenant;

/// A client that trusts nothing but the documentation.
struct Client<'a> {
    tenant: &'a Tenant,
    http: reqwest::Client,
    token: String,
}

/// One answer, read to the end.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        Self {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and Graph's error code.
    fn refusal(&self) -> (u16, &str) {
        (
            self.status,
            self.body["error"]["code"].as_str().unwrap_or_default(),
        )
    }
}

impl<'a> Client<'a> {
    /// A client with a fresh app-only token.
    async fn of(tenant: &'a Tenant) -> Self {
        let mut client = Self {
            tenant,
            http: reqwest::Client::new(),
            token: String::new(),
        };
        client.renew_token().await;
        client
    }

    async fn renew_token(&mut self) {
        let answer = self.app_token(&[]).await;
        self.token = answer.body["access_token"].as_str().unwrap().to_owned();
    }

    /// Asks for an app-only token; `changes` replace fields of the correct request, `tenant` its URL.
    async fn app_token(&self, changes: &[(&str, &str)]) -> Answer {
        let mut form = BTreeMap::from([
            ("tenant", self.tenant.domain()),
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.tenant.client_id()),
            ("client_secret", self.tenant.client_secret()),
            ("scope", format!("{}/.default", self.tenant.graph_url())),
        ]);
        form.extend(
            changes
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        self.token_request(form).await
    }

    /// Checks a password; `changes` as above.
    async fn check_password(&self, upn: &str, password: &str, changes: &[(&str, &str)]) -> Answer {
        let mut form = BTreeMap::from([
            ("tenant", self.tenant.tenant_id()),
            ("grant_type", "password".to_owned()),
            ("client_id", self.tenant.client_id()),
            ("client_secret", self.tenant.client_secret()),
            ("scope", "openid profile".to_owned()),
            ("username", upn.to_owned()),
            ("password", password.to_owned()),
        ]);
        form.extend(
            changes
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        self.token_request(form).await
    }

    async fn token_request(&self, mut form: BTreeMap<&str, String>) -> Answer {
        let tenant = form.remove("tenant").unwrap();
        form.retain(|_, value| !value.is_empty());
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.tenant.login_url());
        Answer::read(self.http.post(url).form(&form).send().await.unwrap()).await
    }

    /// `GET`s a whole URL, or a path under `/v1.0`.
    async fn get(&self, url: &str) -> Answer {
        Answer::read(self.try_get(url).await.unwrap()).await
    }

    async fn try_get(&self, url: &str) -> reqwest::Result<reqwest::Response> {
        let url = match url.starts_with("http") {
            true => url.to_owned(),
            false => format!("{}/v1.0/{url}", self.tenant.graph_url()),
        };
        self.http.get(url).bearer_auth(&self.token).send().await
    }

    /// `GET`s an advanced query.
    async fn get_eventually(&self, path: &str) -> Answer {
        let url = format!("{}/v1.0/{path}", self.tenant.graph_url());
        let request = self.http.get(url).bearer_auth(&self.token);
        let request = request.header("ConsistencyLevel", "eventual");
        Answer::read(request.send().await.unwrap()).await
    }

    /// All rows of a list.
    async fn list(&self, url: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut url = Some(url.to_owned());
        while let Some(page) = url {
            let answer = self.get(&page).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            rows.extend(answer.body["value"].as_array().unwrap().iter().cloned());
            url = answer.body["@odata.nextLink"].as_str().map(str::to_owned);
        }
        rows
    }

    /// Follows a round from `url` to its delta link.
    async fn round(&self, url: &str) -> Round {
        let mut round = Round::default();
        let mut url = url.to_owned();
        loop {
            let answer = self.get(&url).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let mut page = answer.body;
            let Value::Array(value) = page["value"].take() else {
                panic!("a page without value: {page}");
            };
            round.pages.push(value);
            match (page.get("@odata.nextLink"), page.get("@odata.deltaLink")) {
                (Some(next), None) => url = next.as_str().unwrap().to_owned(),
                (None, Some(delta)) => {
                    round.delta_link = delta.as_str().unwrap().to_owned();
                    return round;
                }
                links => panic!("a page has one link, not {links:?}"),
            }
        }
    }
}

/// The pages of a round, and where the next one starts.
#[derive(Default)]
struct Round {
    pages: Vec<Vec<Value>>,
    delta_link: String,
}

impl Round {
    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.pages.iter().flatten()
    }

    /// The last thing said about each object.
    fn objects(&self) -> BTreeMap<String, Map<String, Value>> {
        self.entries()
            .map(|entry| (text(entry, "id"), entry.as_object().unwrap().clone()))
            .collect()
    }

    /// The last thing said about the object `id`.
    fn object(&self, id: &str) -> Value {
        self.objects().remove(id).map_or(Value::Null, Value::Object)
    }

    /// Members of the group `id` after the round: each with whether it is one.
    fn members(&self, id: &str) -> BTreeMap<String, bool> {
        let of_group = self.entries().filter(|entry| entry["id"] == id);
        let links = of_group.filter_map(|entry| entry.get("members@delta")?.as_array());
        links
            .flatten()
            .map(|link| (text(link, "id"), link.get("@removed").is_none()))
            .collect()
    }
}

/// The claims of the id_token in `body`.
fn id_token(body: &Value) -> Value {
    let token = text(body, "id_token");
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

/// The AADSTS codes of a refusal; null in a success.
fn codes(answer: &Answer) -> Value {
    answer.body["error_codes"].clone()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
