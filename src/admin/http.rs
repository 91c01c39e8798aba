//! The pages: health for machines on TCP, and everything on the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Daemon;
use super::report::SyncEvent;

/// An answer that is not what was asked for.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Refusal {
    /// One sentence for whoever asked.
    pub error: String,
}

#[derive(Deserialize)]
struct SyncOrder {
    #[serde(default)]
    full: bool,
}

/// `/healthz` and `/readyz`: nothing that a stranger may not know.
pub(super) fn health<D: Daemon>(daemon: Arc<D>) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready::<D>))
        .with_state(daemon)
}

/// The health pages, and what only root and the daemon's own user may ask and order.
pub(super) fn everything<D: Daemon>(daemon: Arc<D>) -> Router {
    let api = Router::new()
        .route("/api/v1/status", get(status::<D>))
        .route("/api/v1/explain/{user}", get(explain::<D>))
        .route("/api/v1/sync", post(sync::<D>))
        .with_state(daemon.clone());
    let credentials = super::credential::routes(daemon.clone());
    health(daemon)
        .merge(api)
        .merge(credentials)
        .fallback(unknown)
}

async fn alive() -> &'static str {
    "ok"
}

async fn ready<D: Daemon>(State(daemon): State<Arc<D>>) -> Response {
    let readiness = daemon.readiness();
    let code = if readiness.is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(readiness)).into_response()
}

async fn status<D: Daemon>(State(daemon): State<Arc<D>>) -> Response {
    Json(daemon.status()).into_response()
}

async fn explain<D: Daemon>(State(daemon): State<Arc<D>>, Path(user): Path<String>) -> Response {
    let explanations = daemon.explain(&user);
    if explanations.is_empty() {
        return refuse(
            StatusCode::NOT_FOUND,
            format!("nobody in the tenant is called \"{user}\""),
        );
    }
    Json(explanations).into_response()
}

async fn sync<D: Daemon>(State(daemon): State<Arc<D>>, Query(order): Query<SyncOrder>) -> Response {
    let events = Events(daemon.sync(order.full));
    (
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::new(events),
    )
        .into_response()
}

async fn unknown() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "this version of the daemon does not know that question".to_owned(),
    )
}

pub(super) fn refuse(code: StatusCode, error: String) -> Response {
    (code, Json(Refusal { error })).into_response()
}

/// The events of a pass as a body: one JSON object a line, each sent as soon as it happens.
struct Events(mpsc::Receiver<SyncEvent>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = serde_json::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, serde_json::Error>>> {
        self.0
            .poll_recv(context)
            .map(|event| event.map(|event| line(&event).map(Frame::data)))
    }
}

fn line(event: &SyncEvent) -> Result<Bytes, serde_json::Error> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line.into())
}
