//! `$batch`: up to twenty requests in one, answered in any order, each for itself (JSON batching).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, header};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::super::world::Shared;
use super::refusal::Refusal;

/// Requests in a batch.
const PARTS_MAX: usize = 20;

/// `POST /v1.0/$batch`
pub async fn batch(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let parts = parse(&body);
    let parts = match parts {
        Ok(parts) => parts,
        Err(refusal) => return super::respond_plainly(&shared, &headers, Err(refusal)),
    };
    let mut responses: Vec<Value> = Vec::new();
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for part in parts {
        let failed = |id: &String| statuses.get(id).is_none_or(|status| *status >= 400);
        let response = match part.depends_on.iter().any(failed) {
            true => json!({"id": part.id, "status": 424, "body": {"error": {
                "code": "FailedDependency",
                "message": "A request that this one depends on failed.",
            }}}),
            false => part.answer(&shared, &headers).await,
        };
        statuses.insert(part.id, response["status"].as_u64().unwrap_or_default());
        responses.push(response);
    }
    shared.world().chance.shuffle(&mut responses);
    super::respond_plainly(&shared, &headers, Ok(json!({"responses": responses})))
}

/// One request of a batch.
struct Part {
    id: String,
    method: Method,
    url: String,
    headers: BTreeMap<String, String>,
    depends_on: Vec<String>,
}

fn parse(body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let malformed = || Refusal::bad_request("Invalid batch payload format.");
    let body: Value = serde_json::from_slice(body).map_err(|_| malformed())?;
    let requests = body["requests"].as_array().ok_or_else(malformed)?;
    if requests.len() > PARTS_MAX {
        return Err(Refusal::bad_request(format!(
            "Number of batch requests exceeds the limit of {PARTS_MAX}."
        )));
    }
    let parts: Option<Vec<Part>> = requests.iter().map(Part::parse).collect();
    let parts = parts.ok_or_else(malformed)?;
    let ids: BTreeSet<&String> = parts.iter().map(|part| &part.id).collect();
    match ids.len() == parts.len() {
        true => Ok(parts),
        false => Err(Refusal::bad_request(
            "Request ids in a batch must be unique.",
        )),
    }
}

impl Part {
    fn parse(value: &Value) -> Option<Self> {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let headers = value["headers"].as_object().cloned().unwrap_or_default();
        let depends_on = value["dependsOn"].as_array().cloned().unwrap_or_default();
        Some(Self {
            id: text("id")?,
            method: text("method")?.parse().ok()?,
            url: text("url")?.trim_start_matches('/').to_owned(),
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            depends_on: depends_on
                .iter()
                .filter_map(|id| Some(id.as_str()?.to_owned()))
                .collect(),
        })
    }

    async fn answer(&self, shared: &Arc<Shared>, outer: &HeaderMap) -> Value {
        let fault = shared.world().faults.for_part(&self.id);
        if let Some((status, retry_after)) = fault {
            return json!({
                "id": self.id,
                "status": status,
                "headers": {"Retry-After": retry_after, "Content-Type": "application/json"},
                "body": {"error": {"code": "TooManyRequests", "message": "Please retry again later."}},
            });
        }
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("/v1.0/{}", self.url.replace(' ', "%20")));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = outer.get(header::AUTHORIZATION) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let Ok(request) = request.body(Body::empty()) else {
            return json!({"id": self.id, "status": 400});
        };
        let router = super::routes().with_state(shared.clone());
        let Ok(response) = TowerToHyperService::new(router).call(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("answers are whole in memory");
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let headers: BTreeMap<&str, &str> = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        json!({
            "id": self.id,
            "status": head.status.as_u16(),
            "headers": headers,
            "body": body,
        })
    }
}
