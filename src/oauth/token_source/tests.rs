//! Over the wire: a small server speaks for the sign-in service.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use serde_json::json;
use tokio::sync::Mutex as AsyncMutex;

use super::*;
use crate::oauth::tests::{Script, Service, authorization, credential, refused, secret};
use crate::oauth::{Grant, tests};

fn granted(token: &str) -> axum::response::Response {
    tests::granted(token, json!({}))
}

struct Subject {
    source: TokenSource,
    service: Service,
    kept: Kept,
}

/// A keeper that can be out of order.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<AsyncMutex<(bool, Vec<String>)>>);

impl Keep for Kept {
    fn keep<'a>(
        &'a self,
        name: &'a str,
        authorization: &'a Authorization,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), KeepError>> + Send + 'a>> {
        Box::pin(async move {
            let (is_broken, kept) = &mut *self.0.lock().await;
            if *is_broken {
                return Err("the disk is full".into());
            }
            kept.push(format!("{name}: {}", authorization.refresh_token.expose()));
            Ok(())
        })
    }
}

/// A source with two apps, `first` and `second`, against a scripted service.
async fn apps(script: Script) -> Subject {
    let app = |name| credential(name, Grant::App(secret("s3cret+& €")));
    subject(script, vec![app("first"), app("second")], &[]).await
}

/// A source with an administrator's credential `admin`, and an app `second`.
async fn admin(script: Script) -> Subject {
    let credentials = vec![
        credential("admin", Grant::Delegated(None)),
        credential("second", Grant::App(secret("s3cret"))),
    ];
    subject(script, credentials, &[authorization("admin", "r0")]).await
}

async fn subject(
    script: Script,
    credentials: Vec<Credential>,
    authorizations: &[Authorization],
) -> Subject {
    let service = Service::start(script).await;
    let kept = Kept::default();
    let authorizations = authorizations
        .iter()
        .map(|authorization| (authorization.client_id.clone(), authorization.clone()))
        .collect();
    Subject {
        source: TokenSource::new(
            service.sign_in.clone(),
            credentials,
            authorizations,
            Box::new(kept.clone()),
        ),
        service,
        kept,
    }
}

impl Subject {
    async fn token(&self) -> Result<String, Error> {
        let token = self.source.token().await?;
        Ok(token.secret().expose().to_owned())
    }

    /// The client ids of all requests so far.
    fn asked(&self) -> Vec<String> {
        let posted = self.service.posted();
        posted
            .iter()
            .map(|(_, form)| form["client_id"].clone())
            .collect()
    }

    async fn kept(&self) -> Vec<String> {
        self.kept.0.lock().await.1.clone()
    }

    /// Makes a credential's rest end now.
    async fn rested(&self, at: usize) {
        self.source.holders.lock().await[at].end_rest(Instant::now());
    }

    fn standings(&self) -> Vec<Standing> {
        let states = self.source.states();
        states.iter().map(|state| state.standing).collect()
    }
}

fn denied(subject: &'static str) -> Rejection {
    Rejection {
        fault: CredentialFault::PermissionMissing,
        reason: "Graph denies access".to_owned(),
        subject,
    }
}

#[tokio::test]
async fn one_exchange_serves_many_askers() {
    let subject = apps(|n, _| granted(&format!("token{n}"))).await;
    let (a, b) = tokio::join!(subject.token(), subject.token());
    assert_eq!(
        (a.unwrap(), b.unwrap()),
        ("token0".to_owned(), "token0".to_owned())
    );
    assert_eq!(subject.asked().len(), 1);
    let (_, form) = &subject.service.posted()[0];
    assert_eq!(form["client_secret"], "s3cret+& €");
    assert!(form["scope"].ends_with("/.default"));
}

#[tokio::test]
async fn invalidated_token_is_replaced_once() {
    let subject = apps(|n, _| granted(&format!("token{n}"))).await;
    let refused = subject.source.token().await.unwrap();
    subject.source.invalidate(&refused).await;
    assert_eq!(subject.token().await.unwrap(), "token1");
    subject.source.invalidate(&refused).await;
    assert_eq!(subject.token().await.unwrap(), "token1");
}

#[tokio::test]
async fn dead_credential_fails_over_at_once_and_is_reported() {
    let subject = apps(|_, form| match form["client_id"].as_str() {
        "first" => refused(401, "invalid_client", 7_000_222),
        _ => granted("token"),
    })
    .await;
    assert_eq!(subject.token().await.unwrap(), "token");
    let [first, second] = &subject.source.states()[..] else {
        panic!()
    };
    assert_eq!(first.standing, Standing::Failing);
    let failure = first.failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::SecretExpired);
    assert_eq!(failure.codes, [7_000_222]);
    assert!(
        failure
            .to_string()
            .contains("the client secret has expired")
    );
    assert!(first.since.is_some() && !first.in_use);
    assert_eq!((second.standing, second.in_use), (Standing::Working, true));
    assert_eq!(second.failure, None);
}

#[tokio::test]
async fn refused_credential_rests_and_takes_its_place_again_while_the_backup_is_fresh() {
    let subject = apps(|n, form| match form["client_id"].as_str() {
        "first" if n == 0 => refused(401, "invalid_client", 7_000_215),
        client => granted(client),
    })
    .await;
    assert_eq!(subject.token().await.unwrap(), "second");
    assert_eq!(subject.token().await.unwrap(), "second");
    assert_eq!(subject.asked(), ["first", "second"]);
    subject.rested(0).await;
    assert_eq!(subject.token().await.unwrap(), "first");
    assert_eq!(subject.standings(), [Standing::Working, Standing::Working]);
    assert!(subject.source.states()[0].in_use);
}

#[tokio::test]
async fn dead_credentials_rest_even_when_nothing_else_is_left_until_somebody_wakes_them() {
    let subject = apps(|n, form| match (n, form["client_id"].as_str()) {
        (0..=2, _) => refused(400, "invalid_client", 7_000_215),
        (_, client) => granted(client),
    })
    .await;
    subject.token().await.unwrap_err();
    // Both rest, and what is known of them is said again.
    let error = subject.token().await.unwrap_err().to_string();
    assert!(
        error.contains("\"first\"")
            && error.contains("\"second\"")
            && error.contains("AADSTS7000215"),
        "{error}"
    );
    assert_eq!(subject.asked(), ["first", "second"]);
    subject.source.wake().await;
    assert_eq!(subject.token().await.unwrap(), "second");
    assert_eq!(subject.asked(), ["first", "second", "first", "second"]);
}

#[tokio::test]
async fn credential_that_only_graph_refused_is_shown_to_graph_again_when_nothing_else_is_left() {
    let subject = apps(|n, form| match (n, form["client_id"].as_str()) {
        (_, "first") => granted("first"),
        _ => refused(400, "invalid_client", 7_000_215),
    })
    .await;
    let token = subject.source.token().await.unwrap();
    subject.source.reject(&token, denied("users")).await;
    assert_eq!(subject.token().await.unwrap(), "first");
    assert_eq!(subject.asked(), ["first", "second", "first"]);
}

#[tokio::test]
async fn service_that_asked_to_be_left_alone_is() {
    let subject = apps(|_, _| {
        let wait = [("retry-after", "60")];
        (StatusCode::TOO_MANY_REQUESTS, wait, "Too Many Requests").into_response()
    })
    .await;
    subject.token().await.unwrap_err();
    let again = subject.token().await.unwrap_err();
    assert!(
        matches!(again, Error::Throttled { retry_after: Some(wait) } if wait.as_secs() >= 50),
        "{again}"
    );
    assert_eq!(subject.asked(), ["first"]);
}

#[tokio::test]
async fn new_authorization_is_kept_after_the_refresh_of_the_old_one() {
    static ASKED: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(0);
    let subject = admin(|_, _| {
        ASKED.add_permits(1);
        std::thread::sleep(Duration::from_millis(100));
        tests::granted("old", json!({"refresh_token": "r1"}))
    })
    .await;
    let authorize = async {
        ASKED.acquire().await.unwrap().forget();
        let newer = authorization("admin", "newer");
        subject.source.authorize("admin", newer).await
    };
    let (token, authorized) = tokio::join!(subject.token(), authorize);
    assert_eq!(
        (token.unwrap(), authorized.unwrap()),
        ("old".to_owned(), true)
    );
    assert_eq!(subject.kept().await, ["admin: r1", "admin: newer"]);
}

#[tokio::test]
async fn authorization_that_cannot_be_kept_is_not_used() {
    let subject = admin(|_, _| panic!("nothing is asked")).await;
    subject.kept.0.lock().await.0 = true;
    let newer = authorization("admin", "newer");
    subject.source.authorize("admin", newer).await.unwrap_err();
    let holders = subject.source.holders.lock().await;
    let held = holders[0].authorization.as_ref().unwrap();
    assert_eq!(held.refresh_token.expose(), "r0");
}

#[tokio::test]
async fn outage_at_the_retry_of_a_refused_credential_does_not_hinder_the_backup() {
    let subject = apps(|n, form| match (n, form["client_id"].as_str()) {
        (0, _) => refused(401, "invalid_client", 7_000_215),
        (_, "first") => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => granted("backup"),
    })
    .await;
    assert_eq!(subject.token().await.unwrap(), "backup");
    subject.rested(0).await;
    assert_eq!(subject.token().await.unwrap(), "backup");
    let states = subject.source.states();
    let failure = states[0].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::WrongSecret);
}

#[tokio::test]
async fn all_dead_credentials_are_named_with_advice() {
    let subject = apps(|_, _| refused(400, "unauthorized_client", 700_016)).await;
    let error = subject.token().await.unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("\"first\"")
            && words.contains("\"second\"")
            && words.contains("AADSTS700016"),
        "{words}"
    );
    assert!(!words.contains("s3cret"));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn plain_text_throttling_keeps_its_wait_and_does_not_fail_over() {
    let subject = apps(|_, _| {
        let wait = [("retry-after", "60")];
        (StatusCode::TOO_MANY_REQUESTS, wait, "Too Many Requests").into_response()
    })
    .await;
    let error = subject.token().await.unwrap_err();
    assert!(
        matches!(error, Error::Throttled { retry_after: Some(wait) } if wait.as_secs() == 60),
        "{error}"
    );
    assert_eq!(subject.asked(), ["first"]);
    assert_eq!(subject.standings(), [Standing::Untried, Standing::Untried]);
    let states = subject.source.states();
    let failure = states[0].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::Throttled);
}

#[tokio::test]
async fn codes_that_pass_do_not_fail_over() {
    let loops: Script = |_, _| refused(400, "invalid_grant", 50_196);
    let fails: Script = |_, _| refused(400, "temporarily_unavailable", 90_033);
    for script in [loops, fails] {
        let subject = apps(script).await;
        assert!(subject.token().await.unwrap_err().is_transient());
        assert_eq!(subject.asked(), ["first"]);
    }
}

#[tokio::test]
async fn temporarily_unavailable_without_a_code_is_an_outage() {
    let subject = apps(|_, _| {
        let body = json!({"error": "temporarily_unavailable"});
        (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
    })
    .await;
    assert!(subject.token().await.unwrap_err().is_transient());
    let states = subject.source.states();
    let failure = states[0].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::Outage);
}

#[tokio::test]
async fn outage_with_an_html_page_does_not_fail_over() {
    let subject =
        apps(|_, _| (StatusCode::SERVICE_UNAVAILABLE, Html("<html>down</html>")).into_response())
            .await;
    assert!(matches!(
        subject.token().await,
        Err(Error::Outage {
            status: 503,
            retry_after: None
        })
    ));
    assert_eq!(subject.asked(), ["first"]);
}

#[tokio::test]
async fn html_page_with_status_200_is_no_token() {
    let subject = apps(|_, _| Html("<html>access_token</html>").into_response()).await;
    assert!(matches!(
        subject.token().await,
        Err(Error::Malformed { status: 200, .. })
    ));
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let subject =
        apps(|_, _| (StatusCode::FOUND, [("location", "http://127.0.0.1:9/")]).into_response())
            .await;
    assert!(matches!(
        subject.token().await,
        Err(Error::Malformed { status: 302, .. })
    ));
}

#[tokio::test]
async fn outage_near_the_end_leaves_the_old_token_and_is_not_repeated_at_once() {
    let subject = apps(|_, _| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let issued = Instant::now() - Duration::from_secs(40);
    let old = AccessToken::of_lifetime("old", issued, 60);
    subject.source.holders.lock().await[0].token = Some(old);
    assert_eq!(subject.token().await.unwrap(), "old");
    assert_eq!(subject.token().await.unwrap(), "old");
    assert_eq!(subject.asked().len(), 1);
}

#[tokio::test]
async fn rejected_token_hands_over_to_the_next_credential_until_none_is_left() {
    let subject = apps(|_, form| granted(&form["client_id"])).await;
    let first = subject.source.token().await.unwrap();
    assert!(subject.source.reject(&first, denied("users")).await);
    // Two pages may be refused at once: the second refusal is of a token that is no longer held.
    assert!(subject.source.reject(&first, denied("users")).await);
    let second = subject.source.token().await.unwrap();
    assert_eq!(second.secret().expose(), "second");
    assert!(!subject.source.reject(&second, denied("users")).await);
    assert_eq!(subject.standings(), [Standing::Failing, Standing::Failing]);
}

#[tokio::test]
async fn rejected_credential_is_on_trial_until_graph_accepts_it() {
    let subject = apps(|_, form| granted(&form["client_id"])).await;
    let first = subject.source.token().await.unwrap();
    subject.source.reject(&first, denied("users")).await;
    subject.rested(0).await;
    let again = subject.source.token().await.unwrap();
    assert_eq!(again.secret().expose(), "first");
    assert_eq!(subject.standings()[0], Standing::Failing);
    subject.source.accept(&again, "users").await;
    assert_eq!(subject.standings()[0], Standing::Working);
}

#[tokio::test]
async fn renewed_refresh_token_is_kept_before_its_token_is_used() {
    let subject = admin(|n, form| {
        assert_eq!(form["refresh_token"], format!("r{n}"));
        tests::granted(
            &format!("token{n}"),
            json!({"refresh_token": format!("r{}", n + 1)}),
        )
    })
    .await;
    let token = subject.source.token().await.unwrap();
    assert_eq!(subject.kept().await, ["admin: r1"]);
    subject.source.invalidate(&token).await;
    assert_eq!(subject.token().await.unwrap(), "token1");
    assert_eq!(subject.kept().await, ["admin: r1", "admin: r2"]);
    let states = subject.source.states();
    let by = states[0].authorized_by.as_ref().unwrap();
    assert_eq!(
        by.preferred_username.as_deref(),
        Some("ada@contoso.example")
    );
}

#[tokio::test]
async fn refresh_token_that_cannot_be_kept_is_used_from_memory_and_kept_later() {
    let subject = admin(|n, form| {
        assert_eq!(form["refresh_token"], format!("r{n}"));
        tests::granted("token", json!({"refresh_token": format!("r{}", n + 1)}))
    })
    .await;
    subject.kept.0.lock().await.0 = true;
    assert_eq!(subject.token().await.unwrap(), "token");
    subject.kept.0.lock().await.0 = false;
    assert_eq!(subject.kept().await, Vec::<String>::new());
    subject.source.holders.lock().await[0].unkept = Some(Instant::now());
    assert_eq!(subject.token().await.unwrap(), "token");
    assert_eq!(subject.kept().await, ["admin: r1"]);
    assert_eq!(subject.asked().len(), 1);
}

#[tokio::test]
async fn revoked_authorization_fails_over_with_the_command_that_helps_and_is_not_deleted() {
    let subject = admin(|_, form| match form["grant_type"].as_str() {
        "refresh_token" => refused(400, "invalid_grant", 50_173),
        _ => granted("backup"),
    })
    .await;
    assert_eq!(subject.token().await.unwrap(), "backup");
    let states = subject.source.states();
    let failure = states[0].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::Revoked);
    assert!(
        failure
            .to_string()
            .contains("run `ldap365 authorize admin`")
    );
    subject.rested(0).await;
    subject.token().await.unwrap();
    let (_, form) = subject.service.posted().pop().unwrap();
    assert_eq!(form["refresh_token"], "r0");
}

#[tokio::test]
async fn credential_that_nobody_has_authorised_is_passed_over_and_used_once_somebody_has() {
    let script: Script = |_, form| granted(&form["client_id"]);
    let credentials = vec![
        credential("admin", Grant::Delegated(None)),
        credential("second", Grant::App(secret("s3cret"))),
    ];
    let subject = subject(script, credentials, &[]).await;
    assert_eq!(subject.token().await.unwrap(), "second");
    let state = &subject.source.states()[0];
    assert_eq!(state.standing, Standing::NotAuthorized);
    assert_eq!(
        state.failure.as_ref().unwrap().to_string(),
        "not authorised yet: run `ldap365 authorize admin`"
    );
    let source = &subject.source;
    assert!(
        !source
            .authorize("second", authorization("second", "r"))
            .await
            .unwrap()
    );
    let authorized = source.authorize("admin", authorization("admin", "r")).await;
    assert!(authorized.unwrap());
    assert_eq!(subject.token().await.unwrap(), "admin");
    assert_eq!(subject.asked(), ["second", "admin"]);
}

#[tokio::test]
async fn authorization_for_another_app_registration_is_not_used() {
    let mut elsewhere = authorization("admin", "r0");
    elsewhere.client_id = "another".to_owned();
    let subject = subject(
        |_, _| panic!("nothing is asked"),
        vec![credential("admin", Grant::Delegated(None))],
        &[],
    )
    .await;
    subject.source.authorize("admin", elsewhere).await.unwrap();
    let error = subject.token().await.unwrap_err();
    assert!(error.to_string().contains("another client_id"), "{error}");
}

#[tokio::test]
async fn idle_backup_is_exercised_once_a_day_and_its_new_refresh_token_kept() {
    let credentials = vec![
        credential("first", Grant::App(secret("s3cret"))),
        credential("backup", Grant::Delegated(None)),
        credential("nobody", Grant::Delegated(None)),
    ];
    let script: Script = |_, form| {
        tests::granted(
            &form["client_id"],
            json!({"refresh_token": "r1", "scope": "User.Read.All"}),
        )
    };
    let subject = subject(script, credentials, &[authorization("backup", "r0")]).await;
    assert_eq!(subject.token().await.unwrap(), "first");
    let source = &subject.source;
    assert_eq!(source.idle().await, ["backup"]);
    let token = source.exercise("backup").await.unwrap();
    assert_eq!(subject.kept().await, ["backup: r1"]);
    assert_eq!(source.states()[1].standing, Standing::Working);
    assert!(source.states()[0].in_use && !source.states()[1].in_use);
    assert_eq!(source.idle().await, Vec::<String>::new());

    assert!(source.reject(&token, denied("groups")).await);
    assert_eq!(source.states()[1].standing, Standing::Failing);
    assert!(source.states()[0].in_use, "the sync reads on");
    assert_eq!(source.idle().await, Vec::<String>::new(), "it rests");
    subject.rested(1).await;
    assert_eq!(source.idle().await, ["backup"]);
}

#[tokio::test]
async fn dead_backup_is_found_out_while_the_first_works() {
    let subject = apps(|_, form| match form["client_id"].as_str() {
        "second" => refused(401, "invalid_client", 7_000_222),
        client => granted(client),
    })
    .await;
    assert_eq!(subject.token().await.unwrap(), "first");
    assert!(subject.source.exercise("second").await.is_none());
    let states = subject.source.states();
    let failure = states[1].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::SecretExpired);
    assert!(states[0].in_use);
    assert_eq!(subject.source.idle().await, Vec::<String>::new());
}

#[tokio::test]
async fn answer_to_an_authorization_that_was_replaced_meanwhile_does_not_count() {
    static ASKED: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(0);
    let subject = admin(|_, _| {
        ASKED.add_permits(1);
        std::thread::sleep(Duration::from_millis(100));
        tests::granted("old", json!({"refresh_token": "r1"}))
    })
    .await;
    let authorize = async {
        ASKED.acquire().await.unwrap().forget();
        let newer = authorization("admin", "newer");
        subject.source.authorize("admin", newer).await
    };
    let (token, authorized) = tokio::join!(subject.source.exercise("admin"), authorize);
    assert!(token.is_none() && authorized.unwrap());
    assert_eq!(subject.kept().await, ["admin: newer"]);
}
