//! A client that fetches every page and looks at nothing but where the next one is.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::office::Office;
use crate::usage;

/// In which order users and groups are fetched.
#[derive(Clone, Copy, PartialEq)]
pub enum Order {
    /// At the same time, as the daemon does.
    SideBySide,
    /// One after the other.
    Serial,
}

/// What it cost.
pub struct Round {
    pub wall: Duration,
    pub cpu: Duration,
    pub tenant_cpu: Duration,
    pub pages: usize,
    pub bytes: usize,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Fetches all pages from each of `starts` on.
pub fn fetch(office: &Office, starts: &[String], order: Order) -> Round {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let token = token(&client, office).await;
        let (own, tenants) = (usage::cpu(std::process::id()), office.cpu());
        let began = Instant::now();
        let chains: Vec<(usize, usize)> = match (order, starts) {
            (Order::SideBySide, [users, groups]) => {
                let (one, other) = tokio::join!(
                    chain(&client, &token, users),
                    chain(&client, &token, groups)
                );
                vec![one, other]
            }
            (_, starts) => {
                let mut chains = Vec::new();
                for start in starts {
                    chains.push(chain(&client, &token, start).await);
                }
                chains
            }
        };
        Round {
            wall: began.elapsed(),
            cpu: usage::cpu(std::process::id()).saturating_sub(own),
            tenant_cpu: office.cpu().saturating_sub(tenants),
            pages: chains.iter().map(|(pages, _)| pages).sum(),
            bytes: chains.iter().map(|(_, bytes)| bytes).sum(),
        }
    })
}

/// Pages and bytes.
async fn chain(client: &reqwest::Client, token: &str, start: &str) -> (usize, usize) {
    let (mut pages, mut bytes) = (0, 0);
    let mut link = Some(start.to_owned());
    while let Some(url) = link {
        let answer = client.get(url).bearer_auth(token).send().await;
        let answer = answer.expect("the tenant answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        let body = answer.bytes().await.expect("a whole body");
        (pages, bytes) = (pages + 1, bytes + body.len());
        link = serde_json::from_slice::<Page>(&body).expect("a page").next;
    }
    (pages, bytes)
}

async fn token(client: &reqwest::Client, office: &Office) -> String {
    let app = &office.app;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &app.client_id),
        ("client_secret", &app.client_secret),
        ("scope", &format!("{}/.default", app.graph_url)),
    ];
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = client
        .post(&app.token_url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = request.send().await.expect("the sign-in service answers");
    let body = answer.bytes().await.expect("a whole body");
    let token: Token = serde_json::from_slice(&body).expect("a token");
    token.access_token
}
