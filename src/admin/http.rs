//! The pages: health for machines on TCP, and everything on the socket.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::lines::{Received, Written};
use super::report::act::{Act, Format};
use super::report::explanation::ExplainQuery;
use super::report::pass::SyncOrder;
use super::report::roster::{GroupQuery, PersonQuery};
use super::socket::Peer;
use super::{Daemon, Refusal, RefusalKind, Rows};

/// Longest act: an import of local settings for 300,000 people fits.
const ACT_BYTES_MAX: usize = 64 << 20;

#[derive(Deserialize)]
struct ExportQuery {
    format: Format,
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
        .route("/api/v1/explain", get(explain::<D>))
        .route("/api/v1/users", get(people::<D>))
        .route("/api/v1/groups", get(groups::<D>))
        .route("/api/v1/ids", get(identities::<D>))
        .route("/api/v1/settings", get(export::<D>))
        .route("/api/v1/settings/{user}", get(local_settings::<D>))
        .route("/api/v1/acts", post(act::<D>))
        .route("/api/v1/sync", post(sync::<D>))
        .layer(DefaultBodyLimit::max(ACT_BYTES_MAX))
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

async fn explain<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Query(query): Query<ExplainQuery>,
) -> Response {
    answer(daemon.explain(&query))
}

async fn people<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Query(query): Query<PersonQuery>,
) -> Response {
    stream(daemon.people(&query))
}

async fn groups<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Query(query): Query<GroupQuery>,
) -> Response {
    stream(daemon.groups(&query))
}

async fn identities<D: Daemon>(State(daemon): State<Arc<D>>) -> Response {
    stream(Ok(daemon.identities()))
}

async fn local_settings<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Path(user): Path<String>,
) -> Response {
    answer(daemon.local_settings(&user))
}

async fn export<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Query(query): Query<ExportQuery>,
) -> Response {
    answer(daemon.export(query.format))
}

async fn act<D: Daemon>(
    State(daemon): State<Arc<D>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(act): Json<Act>,
) -> Response {
    let what = act.to_string();
    let done = daemon.act(act).await;
    match &done {
        Ok(done) if done.changed.is_empty() => {
            info!(target: "audit", uid = peer.uid, "{what}: nothing to change");
        }
        Ok(done) => info!(target: "audit", uid = peer.uid, "{what}: {}", done.changed.join("; ")),
        Err(refusal) => info!(target: "audit", uid = peer.uid, "{what}: refused: {refusal}"),
    }
    answer(done)
}

async fn sync<D: Daemon>(
    State(daemon): State<Arc<D>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(order): Query<SyncOrder>,
) -> Response {
    info!(
        target: "audit",
        uid = peer.uid,
        full = order.full,
        dry_run = order.dry_run,
        accept = order.accept,
        "a pass was ordered"
    );
    match daemon.sync(order).await {
        Ok(events) => lines(Body::new(Received(events))),
        Err(refusal) => refusal.into_response(),
    }
}

async fn unknown() -> Response {
    let error = "this version of the daemon does not know that question";
    Refusal::new(RefusalKind::NotFound, error).into_response()
}

fn answer<T: Serialize>(answer: Result<T, Refusal>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn stream<T: Serialize + 'static>(rows: Result<Rows<T>, Refusal>) -> Response {
    match rows {
        Ok(rows) => lines(Body::new(Written(rows))),
        Err(refusal) => refusal.into_response(),
    }
}

fn lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = match self.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (code, Json(self)).into_response()
    }
}
