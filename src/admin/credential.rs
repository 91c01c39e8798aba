//! The socket's pages about one credential: an authorisation is delivered, and what it may read is tried.
//!
//! The authorisation itself is not understood here, and travels in one direction only: no page gives one out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use thiserror::Error;
use zeroize::Zeroizing;

use super::finding::Finding;
use super::{Daemon, Refusal, RefusalKind};

/// Why an authorisation was not taken. Nothing was changed, unless it says so.
#[derive(Debug, Error)]
pub enum AuthorizeError {
    /// The daemon's configuration has no delegated credential of that name; the command's may be newer.
    #[error(
        "the running daemon has no delegated credential \"{name}\" for this client_id: restart it with the changed \
         configuration, then authorize again"
    )]
    Unknown {
        /// As asked for.
        name: String,
    },
    /// The bytes are no authorisation of this version.
    #[error(
        "the running daemon cannot read the authorisation; is it of another version than this command?"
    )]
    Unreadable,
    /// The store did not take it.
    #[error("the authorisation could not be stored: {0}")]
    NotStored(String),
}

/// `POST /api/v1/credentials/{name}/authorization` and `GET /api/v1/credentials/{name}/check`
pub(super) fn routes<D: Daemon>(daemon: Arc<D>) -> Router {
    Router::new()
        .route(
            "/api/v1/credentials/{name}/authorization",
            post(authorize::<D>),
        )
        .route("/api/v1/credentials/{name}/check", get(check::<D>))
        .with_state(daemon)
}

async fn authorize<D: Daemon>(
    State(daemon): State<Arc<D>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let authorization = Zeroizing::new(body.to_vec());
    match daemon.authorize(&name, &authorization).await {
        Ok(()) => Json(()).into_response(),
        Err(error) => Refusal::from(error).into_response(),
    }
}

async fn check<D: Daemon>(State(daemon): State<Arc<D>>, Path(name): Path<String>) -> Response {
    let findings: Option<Vec<Finding>> = daemon.check_credential(&name).await;
    match findings {
        Some(findings) => Json(findings).into_response(),
        None => Refusal::from(AuthorizeError::Unknown { name }).into_response(),
    }
}

impl From<AuthorizeError> for Refusal {
    fn from(error: AuthorizeError) -> Self {
        let kind = match error {
            AuthorizeError::Unknown { .. } => RefusalKind::NotFound,
            AuthorizeError::Unreadable => RefusalKind::Invalid,
            AuthorizeError::NotStored(_) => RefusalKind::Failed,
        };
        Self::new(kind, error)
    }
}
