//! A small server that speaks for the sign-in service, for the tests beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Form;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::client;
use super::{Authorization, Credential, Grant, Proof, Settings, SignIn};
use crate::secret::Secret;

/// The tenant, by its domain and by its id.
pub(super) const DOMAIN: &str = "contoso.example";
pub(super) const TENANT: Uuid = Uuid::from_u128(0x365);
/// Who signs in.
pub(super) const ADMINISTRATOR: Uuid = Uuid::from_u128(0xada);

pub(super) type Fields = HashMap<String, String>;

/// Answers the n-th form that was posted.
pub(super) type Script = fn(usize, &Fields) -> Response;

/// The service, and every form it was sent.
pub(super) struct Service {
    pub(super) sign_in: SignIn,
    pub(super) root: String,
    posted: Arc<Mutex<Vec<(String, Fields)>>>,
}

impl Service {
    /// A service of a tenant that the configuration names by its domain.
    pub(super) async fn start(script: Script) -> Self {
        let posted: Arc<Mutex<Vec<(String, Fields)>>> = Arc::default();
        let forms = posted.clone();
        let answer = move |uri: Uri, Form(form): Form<Fields>| async move {
            if uri.path().ends_with("/openid-configuration") {
                let issuer = format!("https://login.example/{TENANT}/v2.0");
                return axum::Json(json!({"issuer": issuer})).into_response();
            }
            let mut forms = forms.lock().unwrap();
            forms.push((uri.path().to_owned(), form));
            script(forms.len() - 1, &forms.last().unwrap().1)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = Settings {
            login_url: root.parse().unwrap(),
            graph_url: root.parse().unwrap(),
            tenant: DOMAIN.to_owned(),
            ca_file: None,
        };
        Self {
            sign_in: SignIn::new(&settings, client(&settings).unwrap()),
            root,
            posted,
        }
    }

    /// Every form so far, with the path it was posted to.
    pub(super) fn posted(&self) -> Vec<(String, Fields)> {
        self.posted.lock().unwrap().clone()
    }

    pub(super) fn token_url(&self) -> String {
        format!("{}/{DOMAIN}/oauth2/v2.0/token", self.root)
    }
}

/// A token answer with further fields.
pub(super) fn granted(token: &str, more: Value) -> Response {
    let mut body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token});
    let more = more.as_object().expect("further fields").clone();
    body.as_object_mut().unwrap().extend(more);
    axum::Json(body).into_response()
}

/// What a sign-in of an administrator to `tenant` is answered.
pub(super) fn signed_in(tenant: Uuid) -> Response {
    let claims =
        json!({"oid": ADMINISTRATOR, "tid": tenant, "preferred_username": "ada@contoso.example"});
    let id_token = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    granted(
        "access",
        json!({
            "id_token": id_token, "refresh_token": "refresh-1",
            "scope": "openid profile https://graph.example/User.Read.All GroupMember.Read.All",
        }),
    )
}

/// An error body.
pub(super) fn refused(status: u16, error: &str, code: u32) -> Response {
    let body = json!({
        "error": error, "error_codes": [code], "correlation_id": "c0ffee",
        "error_description": format!("AADSTS{code}: no.\r\nTrace ID: t"),
    });
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

pub(super) fn secret(text: &str) -> Proof {
    Proof::Secret(Arc::new(Secret::new(text.to_owned())))
}

/// A credential whose client id is its name, too.
pub(super) fn credential(name: &str, grant: Grant) -> Credential {
    Credential {
        name: name.to_owned(),
        client_id: name.to_owned(),
        grant,
    }
}

/// What an administrator has left behind for the credential of that name.
pub(super) fn authorization(name: &str, refresh_token: &str) -> Authorization {
    Authorization {
        client_id: name.to_owned(),
        refresh_token: Secret::new(refresh_token.to_owned()),
        oid: ADMINISTRATOR,
        tid: TENANT,
        preferred_username: Some("ada@contoso.example".to_owned()),
        scopes: vec!["User.Read.All".to_owned()],
        authorized: Timestamp::now(),
        refreshed: Timestamp::now(),
    }
}
