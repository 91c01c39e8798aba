//! The listener, and the door every request passes: logged, held back, spoiled, answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::faults::{Fault, HangUp, Surface};
use super::world::Shared;
use super::{graph, sign_in};

/// No honest request to either service is longer.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A listening server; dropping it stops it.
pub struct Server {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `shared` on `listener` until stopped.
    pub fn spawn(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(listener, shared, stop.clone()));
        Self {
            stop: stop.drop_guard(),
            task,
        }
    }

    /// Closes the listener and every connection, and returns when they are closed.
    pub async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("the accept loop does not panic");
    }
}

async fn run(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let router = sign_in::routes()
        .merge(graph::routes())
        .with_state(shared.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A client that left before it was accepted is no concern of a test server.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, shared.clone(), router.clone()));
                }
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn converse(stream: TcpStream, shared: Arc<Shared>, router: Router) {
    let service = service_fn(|request| answer(shared.clone(), router.clone(), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Broken connections are the client's to notice, and often what a test asked for.
    let _ = connection.await;
}

async fn answer(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response, HangUp> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|_| HangUp)?.to_bytes();
    let surface = Surface::of(head.uri.path());
    let entry = shared.world().log.record(&head, &body);

    shared.gates.pass(surface).await;
    let (fault, delay) = misfortune(&shared, entry);
    tokio::time::sleep(delay).await;

    let url = format!("{}{}", shared.world().base_url, head.uri);
    let instead = fault
        .as_ref()
        .and_then(|fault| fault.instead_of_an_answer(&url));
    let mut response = match instead {
        Some(outcome) => outcome,
        None => {
            let headers = head.headers.clone();
            let request = Request::from_parts(head, Body::from(body));
            let response = TowerToHyperService::new(router).call(request).await;
            let Ok(response) = response;
            Ok(send(&shared, surface, fault, (&url, &headers), response).await)
        }
    };
    let status = response.as_ref().ok().map(|response| response.status());
    let mut world = shared.world();
    if let Ok(response) = &mut response {
        let date = world.date_header();
        response.headers_mut().insert(header::DATE, date);
    }
    world.log.answered(entry, status);
    drop(world);
    shared.answered.send_modify(|answered| *answered += 1);
    response
}

/// What is to happen to the request logged at `entry`.
fn misfortune(shared: &Shared, entry: usize) -> (Option<Fault>, Duration) {
    let mut world = shared.world();
    let request = world.log.request(entry).clone();
    let token = request.option("$skiptoken");
    let page = token.and_then(|token| world.rounds.number(&token));
    world.faults.for_request(&request, page.unwrap_or_default())
}

/// Packs the answer and spoils it, in the order that suits the fault.
async fn send(
    shared: &Shared,
    surface: Surface,
    fault: Option<Fault>,
    (url, headers): (&str, &HeaderMap),
    response: Response,
) -> Response {
    let wire = shared.world().wire;
    match fault {
        Some(fault) if fault.bends_links() => {
            let response = spoil(shared, surface, fault, url, response).await;
            wire.pack(headers, response).await
        }
        Some(fault) => {
            let response = wire.pack(headers, response).await;
            spoil(shared, surface, fault, url, response).await
        }
        None => wire.pack(headers, response).await,
    }
}

async fn spoil(
    shared: &Shared,
    surface: Surface,
    fault: Fault,
    url: &str,
    response: Response,
) -> Response {
    match fault.spoil(shared, url, response).await {
        Ok(response) => response,
        Err(unspoiled) => {
            // The fault needs a link to bend, and this answer has none: it waits for the next one.
            shared.world().faults.put_back(surface, fault);
            unspoiled
        }
    }
}
