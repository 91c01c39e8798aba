//! The sign-in with a browser on this machine, which comes back to a listener of ours (RFC 8252 §7.3).

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::Error;
use super::loopback::{Loopback, Page};
use crate::cli::output::Output;
use crate::oauth::{Authorization, Callback, Credential, PendingAuthorization, SignIn};

/// Shows where to sign in, opens a browser there if there is one, and waits for it to come back.
pub(super) async fn sign_in(
    sign_in: &SignIn,
    credential: &Credential,
    scopes: &[String],
    patience: Duration,
    output: &mut Output,
) -> Result<Authorization, crate::cli::Error> {
    let loopback = Loopback::bind().await.map_err(Error::Listen)?;
    // Before anybody is sent there: a tenant that is not found has nobody to sign in.
    sign_in.tenant_guid().await.map_err(Error::Start)?;
    let pending = sign_in.authorize_url(credential, loopback.redirect(), scopes);
    let text = format!("Sign in with a browser on this machine:\n{}", pending.url);
    let event = json!({ "event": "browser", "url": pending.url });
    output.tell(&event, &text)?;
    open(&pending.url);
    let waiting = await_callback(sign_in, credential, loopback, pending);
    let authorization = tokio::time::timeout(patience, waiting)
        .await
        .map_err(|_| Error::TimedOut { patience })?;
    Ok(authorization?)
}

/// Waits for the one request that answers this sign-in, finishes it, and tells whoever sits at the browser.
async fn await_callback(
    sign_in: &SignIn,
    credential: &Credential,
    mut loopback: Loopback,
    pending: PendingAuthorization,
) -> Result<Authorization, Error> {
    let (visitor, callback) = loop {
        let visitor = loopback.next().await;
        let callback = Callback::parse(visitor.query().unwrap_or_default());
        if pending.is_answered_by(&callback) {
            break (visitor, callback);
        }
        // The icon of the page, an old window, or a page that wants to sign somebody else in.
        visitor.answer(&Page::NotFound).await;
    };
    let outcome = sign_in.redeem(credential, pending, &callback).await;
    let page = match &outcome {
        Ok(authorization) => Page::Done {
            who: authorization.who(),
        },
        Err(error) => Page::Failed {
            reason: error.to_string(),
        },
    };
    visitor.answer(&page).await;
    Ok(outcome?)
}

/// Opens the desktop's browser, where there is a desktop. The address is on the screen in any case.
fn open(url: &Url) {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !has_display {
        return;
    }
    let opened = Command::new("xdg-open")
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tracing::debug!(%error, "no browser was opened");
    }
}
