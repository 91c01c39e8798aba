//! Over the wire: a small server is sign-in service and Graph in one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::*;
use crate::graph::{Next, Reader, Waiting};
use crate::oauth::{self, Credential, Grant, KeepNothing, Proof, SignIn};
use crate::secret::Secret;

/// What Graph, whose root is given, answers to the n-th request.
type Script = fn(usize, &str) -> Response;

/// What the server has seen.
#[derive(Default)]
struct Seen {
    tokens: AtomicUsize,
    requests: Mutex<Vec<(Uri, HeaderMap)>>,
}

impl Seen {
    fn bearers(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|(_, headers)| headers["authorization"].to_str().unwrap().to_owned())
            .collect()
    }
}

async fn graph(script: Script) -> (GraphClient, Arc<Seen>) {
    graph_with(&["primary"], script).await
}

/// Graph as read with these credentials.
async fn graph_with(credentials: &[&str], script: Script) -> (GraphClient, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let token = |State(seen): State<Arc<Seen>>| async move {
        let n = seen.tokens.fetch_add(1, Ordering::SeqCst);
        Json(
            json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("token{n}")}),
        )
    };
    let answer = move |State(seen): State<Arc<Seen>>, uri: Uri, headers: HeaderMap| async move {
        let mut requests = seen.requests.lock().unwrap();
        let root = format!("http://{}", headers["host"].to_str().unwrap());
        requests.push((uri, headers));
        script(requests.len() - 1, &root)
    };
    let router = Router::new()
        .route("/contoso.example/oauth2/v2.0/token", post(token))
        .fallback(get(answer))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = oauth::Settings {
        login_url: root.clone(),
        graph_url: root.clone(),
        tenant: "contoso.example".to_owned(),
        ca_file: None,
    };
    let http = oauth::http::client(&settings).unwrap();
    let credential = |name: &&str| Credential {
        name: name.to_string(),
        client_id: "app".to_owned(),
        grant: Grant::App(Proof::Secret(Arc::new(Secret::new("s3cret".to_owned())))),
    };
    let tokens = Arc::new(TokenSource::new(
        SignIn::new(&settings, http.clone()),
        credentials.iter().map(credential).collect(),
        BTreeMap::new(),
        Box::new(KeepNothing),
    ));
    (
        GraphClient::new(
            &Settings {
                graph_url: root,
                mapped_user: [
                    KEY,
                    "onPremisesExtensionAttributes.extensionAttribute1",
                    "city",
                ]
                .map(str::to_owned)
                .to_vec(),
                mapped_group: Vec::new(),
            },
            http,
            tokens,
        ),
        seen,
    )
}

/// A mapped property.
const KEY: &str = "extension_0123456789abcdef0123456789abcdef_sshPublicKey";

/// The last page of a round.
fn last_page(root: &str) -> Response {
    page(
        "deltaLink",
        &format!("{root}/v1.0/users/delta?$deltatoken=d"),
    )
}

fn page(link: &str, target: &str) -> Response {
    let body = json!({"value": [], format!("@odata.{link}"): target});
    (StatusCode::OK, [("request-id", "r-1")], Json(body)).into_response()
}

fn refusal(status: u16) -> Response {
    let body =
        Json(json!({"error": {"code": "x", "message": "no", "innerError": {"request-id": "r-2"}}}));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn users(graph: &GraphClient) -> Result<Page<UserChange>, Error> {
    graph.page(&graph.users_delta_start()).await
}

#[tokio::test]
async fn first_request_selects_and_identifies_itself() {
    let (graph, seen) = graph(|_, root| last_page(root)).await;
    users(&graph).await.unwrap();
    let requests = seen.requests.lock().unwrap();
    let (uri, headers) = &requests[0];
    assert_eq!(uri.path(), "/v1.0/users/delta");
    assert!(
        uri.query()
            .unwrap()
            .starts_with("$select=id,userPrincipalName,"),
        "{uri}"
    );
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("ldap365/")
    );
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["x-ms-throttle-priority"], "low");
    assert!(Uuid::try_parse(headers["client-request-id"].to_str().unwrap()).is_ok());
}

#[tokio::test]
async fn links_are_followed_exactly_as_given() {
    let (graph, seen) = graph(|n, root| match n {
        0 => page(
            "nextLink",
            &format!("{root}/v1.0/users/delta()?$skipToken=a_b-C~%2B%3D&x="),
        ),
        _ => last_page(root),
    })
    .await;
    let Next::More(link) = users(&graph).await.unwrap().next else {
        panic!("the round goes on")
    };
    let second = graph.page::<UserChange>(&link).await.unwrap();
    assert!(matches!(second.next, Next::Done(link) if link.0.ends_with("?$deltatoken=d")));
    assert_eq!(
        seen.requests.lock().unwrap()[1].0.to_string(),
        "/v1.0/users/delta()?$skipToken=a_b-C~%2B%3D&x="
    );
}

#[tokio::test]
async fn refused_property_can_be_left_out() {
    let (graph, _) = graph(|_, root| last_page(root)).await;
    let link = graph.delta_start::<UserChange>(&["employeeType".to_owned()].into());
    assert!(!link.0.contains("employeeType") && link.0.contains("employeeId"));
}

#[tokio::test]
async fn mapped_property_is_asked_for_once_and_left_out_when_refused() {
    let (graph, _) = graph(|_, root| last_page(root)).await;
    let link = graph.users_delta_start().0;
    for name in [KEY, ",onPremisesExtensionAttributes", ",city"] {
        assert_eq!(link.matches(name).count(), 1, "{link}");
    }
    assert!(!link.contains("extensionAttribute1"));
    assert!(
        !graph
            .delta_start::<UserChange>(&[KEY.to_owned()].into())
            .0
            .contains(KEY)
    );
    assert!(!graph.groups_delta_start().0.contains(KEY));
}

#[tokio::test]
async fn refused_mapped_property_is_named() {
    let (graph, _) = graph(|_, _| {
        let message =
            format!("Could not find a property named '{KEY}' on type 'microsoft.graph.user'.");
        let body = json!({"error": {"code": "Request_BadRequest", "message": message}});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    })
    .await;
    let answer = users(&graph).await;
    assert!(matches!(answer, Err(Error::PropertyRefused { property, .. }) if property == KEY));
}

#[tokio::test]
async fn refused_token_is_replaced_once() {
    let (graph, seen) = graph(|n, root| {
        if n == 0 {
            refusal(401)
        } else {
            last_page(root)
        }
    })
    .await;
    users(&graph).await.unwrap();
    assert_eq!(seen.bearers(), ["Bearer token0", "Bearer token1"]);
}

#[tokio::test]
async fn token_refused_twice_is_an_error_with_the_request_id() {
    let (graph, seen) = graph(|_, _| refusal(401)).await;
    let error = users(&graph).await.unwrap_err();
    assert!(matches!(error, Error::TokenRefused { .. }), "{error}");
    assert!(error.to_string().contains("client-request-id"));
    assert_eq!(seen.bearers().len(), 2);
}

#[tokio::test]
async fn throttled_page_is_asked_again_after_the_told_wait() {
    let (graph, seen) = graph(|n, root| match n {
        0 => (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "0.01")],
            "Too Many Requests",
        )
            .into_response(),
        1 => (
            StatusCode::SERVICE_UNAVAILABLE,
            [("retry-after", "0")],
            Html("<html>"),
        )
            .into_response(),
        _ => last_page(root),
    })
    .await;
    // In a task, as the sync runs it: the future must be Send.
    let fetch = async move {
        let waits = Mutex::new(Vec::new());
        let reader = Reader::<UserChange>::new(graph.clone());
        let waiting = |waiting: Waiting| waits.lock().unwrap().push(waiting);
        reader
            .page(&graph.users_delta_start(), waiting)
            .await
            .unwrap();
        waits.into_inner().unwrap()
    };
    let waits = tokio::spawn(fetch).await.unwrap();
    assert_eq!((waits.len(), waits[0].wait), (2, Duration::from_millis(10)));
    assert!(waits[0].reason.contains("client-request-id"));
    let requests = seen.requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests.windows(2).all(|pair| pair[0].0 == pair[1].0));
}

#[tokio::test]
async fn told_wait_reaches_the_caller() {
    let (graph, _) = graph(|_, _| {
        (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "2.128"), ("request-id", "r-3")],
            "",
        )
            .into_response()
    })
    .await;
    let Err(Error::Throttled { retry_after, trace }) = users(&graph).await else {
        panic!("not throttled")
    };
    assert_eq!(retry_after, Some(Duration::from_millis(2128)));
    assert_eq!(trace.request_id.as_deref(), Some("r-3"));
}

#[tokio::test]
async fn html_page_with_status_200_is_malformed_and_not_shown() {
    let (graph, _) =
        graph(|_, _| Html("<html>Please log in to the proxy</html>").into_response()).await;
    let error = users(&graph).await.unwrap_err();
    assert!(
        matches!(error, Error::Malformed { status: 200, .. }),
        "{error}"
    );
    assert!(!error.to_string().contains("log in"));
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (graph, seen) = graph(|_, root| {
        (
            StatusCode::FOUND,
            [("location", format!("{root}/elsewhere"))],
        )
            .into_response()
    })
    .await;
    assert!(matches!(
        users(&graph).await,
        Err(Error::Malformed { status: 302, .. })
    ));
    assert_eq!(seen.bearers().len(), 1);
}

#[tokio::test]
async fn page_with_a_foreign_link_is_refused() {
    let (graph, _) = graph(|_, _| {
        page(
            "deltaLink",
            "https://evil.example/v1.0/users/delta?$deltatoken=d",
        )
    })
    .await;
    let error = users(&graph).await.unwrap_err();
    assert!(
        matches!(&error, Error::ForeignLink { origin, .. } if origin == "https://evil.example"),
        "{error}"
    );
    assert!(error.to_string().contains("request-id r-1"), "{error}");
}

#[tokio::test]
async fn foreign_link_costs_neither_token_nor_request() {
    let (graph, seen) = graph(|_, root| last_page(root)).await;
    let link = Link("http://localhost:1/v1.0/users/delta".to_owned());
    assert!(matches!(
        graph.page::<UserChange>(&link).await,
        Err(Error::ForeignLink { .. })
    ));
    assert_eq!(seen.tokens.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connection_that_breaks_is_unreachable_without_the_link() {
    let (graph, _) = graph(|_, _| {
        // More octets are promised than sent, so the server has to break the connection off.
        (StatusCode::OK, [("content-length", "100")], "{").into_response()
    })
    .await;
    let error = users(&graph).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("$select"), "{error}");
}

#[tokio::test]
async fn organization_names_the_tenant_and_its_domains() {
    let (graph, seen) = graph(|_, _| {
        Json(json!({"value": [{
            "id": "12345678-1234-1234-1234-123456789012", "displayName": "Contoso",
            "verifiedDomains": [{"name": "contoso.example", "isDefault": true, "capabilities": "Email"}],
        }]}))
        .into_response()
    })
    .await;
    let organization = graph.organization().await.unwrap();
    assert_eq!(organization.display_name.as_deref(), Some("Contoso"));
    let domain = VerifiedDomain {
        name: "contoso.example".to_owned(),
        is_default: true,
        is_initial: false,
    };
    assert_eq!(organization.verified_domains, [domain]);
    assert_eq!(
        seen.requests.lock().unwrap()[0].0.path(),
        "/v1.0/organization"
    );
}

#[tokio::test]
async fn withdrawn_permission_goes_on_with_the_next_credential_within_the_same_page() {
    let (graph, seen) = graph_with(&["first", "second"], |n, root| match n {
        0 => refusal(403),
        _ => last_page(root),
    })
    .await;
    users(&graph).await.unwrap();
    users(&graph).await.unwrap();
    let expected = ["Bearer token0", "Bearer token1", "Bearer token1"];
    assert_eq!(seen.bearers(), expected);
    let states = graph.tokens.states();
    let failure = states[0].failure.as_ref().unwrap();
    assert_eq!(failure.fault, CredentialFault::PermissionMissing);
    assert!(failure.reason.contains("User.Read.All"), "{failure}");
    assert!(states[1].in_use && !states[0].in_use);
}

#[tokio::test]
async fn permission_that_no_credential_has_is_reported_after_one_try_with_each() {
    let (graph, seen) = graph_with(&["first", "second"], |_, _| refusal(403)).await;
    assert!(matches!(
        users(&graph).await,
        Err(Error::PermissionMissing { .. })
    ));
    assert_eq!(seen.bearers(), ["Bearer token0", "Bearer token1"]);
}

#[tokio::test]
async fn token_refused_also_when_new_goes_on_with_the_next_credential() {
    let (graph, seen) = graph_with(&["first", "second"], |n, root| match n {
        0 | 1 => refusal(401),
        _ => last_page(root),
    })
    .await;
    users(&graph).await.unwrap();
    let expected = ["Bearer token0", "Bearer token1", "Bearer token2"];
    assert_eq!(seen.bearers(), expected);
}

#[tokio::test]
async fn name_of_the_tenant_that_may_not_be_read_does_not_count_against_the_credential() {
    let (graph, _) = graph_with(&["first", "second"], |_, _| refusal(403)).await;
    assert!(matches!(
        graph.organization().await,
        Err(Error::PermissionMissing { .. })
    ));
    assert!(graph.tokens.states()[0].in_use);
}

#[tokio::test]
async fn the_next_page_is_on_its_way_before_it_is_wanted() {
    let (graph, seen) = graph(|n, root| match n {
        0 => page("nextLink", &format!("{root}/v1.0/users/delta?$skiptoken=2")),
        _ => last_page(root),
    })
    .await;
    let reader = Reader::<UserChange>::new(graph.clone());
    let first = reader
        .page(&graph.users_delta_start(), |_| {})
        .await
        .unwrap();
    let Next::More(link) = first.next else {
        panic!("the round goes on")
    };
    while seen.bearers().len() < 2 {
        tokio::task::yield_now().await;
    }
    let second = reader.page(&link, |_| {}).await.unwrap();
    assert!(matches!(second.next, Next::Done(_)));
    assert_eq!(seen.bearers().len(), 2);
}

#[tokio::test]
async fn page_read_ahead_is_forgotten_when_the_round_starts_over() {
    let (graph, seen) = graph(|n, root| match n {
        0 => page("nextLink", &format!("{root}/v1.0/users/delta?$skiptoken=2")),
        _ => last_page(root),
    })
    .await;
    let reader = Reader::<UserChange>::new(graph.clone());
    let start = graph.users_delta_start();
    reader.page(&start, |_| {}).await.unwrap();
    let again = reader.page(&start, |_| {}).await.unwrap();
    assert!(matches!(again.next, Next::Done(_)));
    let requests = seen.requests.lock().unwrap();
    assert!(
        requests
            .last()
            .unwrap()
            .0
            .query()
            .unwrap()
            .starts_with("$select")
    );
}

#[tokio::test]
async fn a_date_is_waited_for_by_graphs_clock() {
    let (graph, _) = graph(|_, _| {
        let headers = [
            ("date", "Sun, 06 Nov 1994 08:49:30 GMT"),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers, "").into_response()
    })
    .await;
    let Err(Error::Outage { retry_after, .. }) = users(&graph).await else {
        panic!("no outage")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    assert!(graph.has_skewed_clock.load(Ordering::SeqCst));
}
