//! A real daemon of a few facts, asked over the real socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::client::Client;
use super::report::explanation::PersonExplanation;
use super::report::pass::{PassSummary, Phase};
use super::report::status::{Health, PhaseReport};
use super::*;

/// A program with one user, which is ready when told so.
#[derive(Default)]
pub(crate) struct Program {
    /// How many people it lists, all of them alike.
    pub people: usize,
    /// What goes wrong in each of its passes.
    pub failures: Vec<String>,
    pub is_ready: AtomicBool,
    /// Authorisations for its one credential.
    pub delivered: Mutex<Vec<Vec<u8>>>,
}

fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        tenant: "contoso.com".to_owned(),
        since: Some(jiff::Timestamp::UNIX_EPOCH),
        state: Health::Degraded,
        problems: vec!["one credential is refused".to_owned()],
        users: PhaseReport::default(),
        groups: PhaseReport::default(),
        next_pass: None,
        people_active: 1,
        people_inactive: 2,
        groups_imported: 3,
        groups_not_imported: 4,
        people_withheld: 0,
        groups_withheld: 0,
        flawed: 0,
        pins: Vec::new(),
        credentials: Vec::new(),
    }
}

fn ada() -> Explanation {
    Explanation::Person(PersonExplanation {
        object_id: Uuid::from_u128(7),
        user_principal_name: Some("ada/l@contoso.com".to_owned()),
        username: Some("ada".to_owned()),
        uid_number: Some(1000),
        is_active: true,
        reason: "no rule speaks against it".to_owned(),
        ..PersonExplanation::default()
    })
}

fn row() -> PersonRow {
    PersonRow {
        object_id: Uuid::from_u128(7),
        username: Some("ada".to_owned()),
        user_principal_name: Some("ada/l@contoso.com".to_owned()),
        display_name: None,
        mail: None,
        uid_number: Some(1000),
        is_active: true,
        reason: "no rule speaks against it".to_owned(),
        flaws: vec!["renamed in vain".to_owned()],
    }
}

fn unknown(name: &str) -> Refusal {
    let error = format!("nobody in the tenant is called \"{name}\"");
    Refusal::new(RefusalKind::NotFound, error)
}

fn order(full: bool) -> SyncOrder {
    SyncOrder {
        full,
        ..SyncOrder::default()
    }
}

fn summary(full: bool, failures: &[String]) -> SyncEvent {
    SyncEvent::Finished(PassSummary {
        requests: if full { 9 } else { 2 },
        failures: failures.to_vec(),
        ..PassSummary::default()
    })
}

impl Daemon for Program {
    fn status(&self) -> Status {
        status()
    }

    fn explain(&self, query: &ExplainQuery) -> Result<Vec<Explanation>, Refusal> {
        match query.name.as_str() {
            "ada/l@contoso.com" => Ok(vec![ada()]),
            name => Err(unknown(name)),
        }
    }

    fn people(&self, query: &PersonQuery) -> Result<Rows<PersonRow>, Refusal> {
        match &query.group {
            Some(group) => Err(unknown(group)),
            None => Ok(Box::new(std::iter::repeat_n(row(), self.people.max(1)))),
        }
    }

    fn groups(&self, _: &GroupQuery) -> Result<Rows<GroupRow>, Refusal> {
        Ok(Box::new(std::iter::empty()))
    }

    fn identities(&self) -> Rows<IdentityRow> {
        Box::new(std::iter::empty())
    }

    fn local_settings(&self, user: &str) -> Result<LocalSettings, Refusal> {
        Err(unknown(user))
    }

    fn export(&self, _: Format) -> Result<String, Refusal> {
        Ok("user,number\n".to_owned())
    }

    async fn act(&self, act: Act) -> Result<Done, Refusal> {
        match act {
            Act::Repin { rule } => Ok(Done::changed(format!("{rule} means another group"))),
            act => Err(Refusal::new(RefusalKind::Conflict, act)),
        }
    }

    async fn sync(&self, order: SyncOrder) -> Result<mpsc::Receiver<SyncEvent>, Refusal> {
        let (sender, receiver) = mpsc::channel(1);
        let summary = summary(order.full, &self.failures);
        tokio::spawn(async move {
            let read = SyncEvent::Read {
                phase: Phase::Users,
                objects: 5,
            };
            for event in [read, summary] {
                sender.send(event).await.expect("the client listens");
            }
        });
        Ok(receiver)
    }

    async fn authorize(
        &self,
        credential: &str,
        authorization: &[u8],
    ) -> Result<(), AuthorizeError> {
        match credential {
            "backup/1" => {
                let delivered = authorization.to_vec();
                self.delivered.lock().expect("no panic").push(delivered);
                Ok(())
            }
            name => Err(AuthorizeError::Unknown {
                name: name.to_owned(),
            }),
        }
    }

    async fn check_credential(&self, credential: &str) -> Option<Vec<Finding>> {
        (credential == "backup/1").then(|| vec![Finding::ok("users", "readable")])
    }

    fn readiness(&self) -> Readiness {
        match self.is_ready.load(Ordering::Relaxed) {
            true => Readiness::ready(),
            false => Readiness::not_ready("no snapshot yet"),
        }
    }
}

/// A program being served, and how to stop it.
pub(crate) struct Running {
    program: Arc<Program>,
    address: SocketAddr,
    settings: Settings,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
    _directory: TempDir,
}

fn settings(directory: &Path) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        socket: directory.join("run/admin.sock"),
    }
}

async fn start() -> Running {
    start_program(Program::default()).await
}

pub(crate) async fn start_program(program: Program) -> Running {
    let directory = TempDir::new().expect("a directory");
    let settings = settings(directory.path());
    let listeners = bind(&settings).await.expect("both bind");
    let program = Arc::new(program);
    let (address, shutdown) = (listeners.address(), CancellationToken::new());
    let task = tokio::spawn(serve(listeners, program.clone(), shutdown.clone()));
    Running {
        program,
        address,
        settings,
        shutdown,
        task,
        _directory: directory,
    }
}

impl Running {
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.settings.socket)
    }

    /// Status line and body of a page on the TCP listener.
    async fn get(&self, page: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("the listener is up");
        let request =
            format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        (
            head.lines().next().unwrap_or_default().to_owned(),
            body.to_owned(),
        )
    }
}

#[tokio::test]
async fn the_socket_answers_questions() {
    let running = start().await;
    let client = running.client();
    assert_eq!(client.status().await.expect("answered"), status());
    let about = |name: &str| ExplainQuery {
        name: name.to_owned(),
        is_group: false,
    };
    let explained = client.explain(&about("ada/l@contoso.com")).await;
    assert_eq!(explained.expect("answered"), [ada()]);
    let refusal = client
        .explain(&about("no/body"))
        .await
        .expect_err("there is no such person");
    assert_eq!(
        refusal.to_string(),
        "nobody in the tenant is called \"no/body\""
    );
    let settings = client.local_settings("no/body").await;
    assert!(
        matches!(settings, Err(client::Error::Refused(_))),
        "{settings:?}"
    );
    let exported = client.export(Format::Csv).await;
    assert_eq!(exported.expect("answered"), "user,number\n");
}

#[tokio::test]
async fn rows_arrive_one_by_one_however_many_there_are() {
    let running = start_program(Program {
        people: 5_000,
        ..Program::default()
    })
    .await;
    let mut rows = running
        .client()
        .people(&PersonQuery::default())
        .await
        .expect("answered");
    let mut count = 0;
    while let Some(read) = rows.next().await.expect("read") {
        assert_eq!(read, row());
        count += 1;
    }
    assert_eq!(count, 5_000);
}

#[tokio::test]
async fn an_act_is_answered_with_what_it_changed_or_why_not() {
    let running = start().await;
    let rule = "Staff & Co".to_owned();
    let done = running.client().act(&Act::Repin { rule }).await;
    assert_eq!(
        done.expect("done").changed,
        ["Staff & Co means another group"]
    );
    let name = "ada".to_owned();
    let refused = running.client().act(&Act::ReleaseName { name }).await;
    let Err(client::Error::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.kind, RefusalKind::Conflict);
}

#[tokio::test]
async fn a_pass_is_followed_to_its_summary() {
    let running = start().await;
    for full in [false, true] {
        let mut events = running.client().sync(order(full)).await.expect("ordered");
        let read = events.next().await.expect("read");
        assert_eq!(
            read,
            Some(SyncEvent::Read {
                phase: Phase::Users,
                objects: 5
            })
        );
        assert_eq!(events.next().await.expect("read"), Some(summary(full, &[])));
        assert_eq!(events.next().await.expect("read"), None);
    }
}

#[tokio::test]
async fn an_authorisation_is_delivered_as_it_is_and_never_given_out() {
    let running = start().await;
    let client = running.client();
    let bytes = b"{\"refresh_token\":\"0.A\"}";
    client.authorize("backup/1", bytes).await.expect("taken");
    assert_eq!(
        *running.program.delivered.lock().expect("no panic"),
        [bytes]
    );
    let error = client.authorize("other", bytes).await.expect_err("unknown");
    assert!(
        error
            .to_string()
            .contains("no delegated credential \"other\""),
        "{error}"
    );
    assert_eq!(
        client.check_credential("backup/1").await.expect("answered"),
        [Finding::ok("users", "readable")]
    );
    let page = "/api/v1/credentials/backup%2F1/authorization";
    assert_eq!(running.get(page).await.0, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn tcp_tells_health_and_nothing_else() {
    let running = start().await;
    assert_eq!(
        running.get("/healthz").await,
        ("HTTP/1.1 200 OK".to_owned(), "ok".to_owned())
    );
    let (line, body) = running.get("/readyz").await;
    assert_eq!(line, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(body, r#"{"is_ready":false,"reason":"no snapshot yet"}"#);
    running.program.is_ready.store(true, Ordering::Relaxed);
    assert_eq!(running.get("/readyz").await.0, "HTTP/1.1 200 OK");
    for page in [
        "/api/v1/status",
        "/api/v1/users",
        "/api/v1/acts",
        "/api/v1/sync",
    ] {
        assert_eq!(
            running.get(page).await.0,
            "HTTP/1.1 404 Not Found",
            "{page}"
        );
    }
}

#[tokio::test]
async fn only_the_owner_can_open_the_socket() {
    let running = start().await;
    let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&running.settings.socket), 0o600);
    let directory = running.settings.socket.parent().expect("it has one");
    assert_eq!(mode(directory) & 0o027, 0, "others have no business there");
}

#[tokio::test]
async fn shutdown_removes_the_socket_and_clients_notice() {
    let running = start().await;
    running.client().status().await.expect("answered");
    running.shutdown.cancel();
    running.task.await.expect("no panic").expect("a clean end");
    assert!(!running.settings.socket.exists());
    let client = Client::new(&running.settings.socket);
    let error = client.status().await.expect_err("nobody is there");
    assert!(matches!(error, client::Error::NoDaemon { .. }), "{error:?}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let directory = TempDir::new().expect("a directory");
    let settings = settings(directory.path());
    fs::create_dir(directory.path().join("run")).expect("created");
    drop(UnixListener::bind(&settings.socket).expect("bound"));
    assert!(
        settings.socket.exists(),
        "the standard library leaves the file"
    );
    let no_daemon = Client::new(&settings.socket)
        .status()
        .await
        .expect_err("nobody listens");
    assert!(
        matches!(no_daemon, client::Error::NoDaemon { .. }),
        "{no_daemon:?}"
    );

    let _first = bind(&settings).await.expect("the stale socket makes way");
    let second = bind(&settings).await.expect_err("the first is alive");
    assert!(matches!(second, Error::AlreadyRunning { .. }), "{second:?}");
    assert!(
        settings.socket.exists(),
        "the refused one has not removed it"
    );
}

#[tokio::test]
async fn a_file_in_the_place_of_the_socket_is_left_alone() {
    let directory = TempDir::new().expect("a directory");
    let settings = settings(directory.path());
    fs::create_dir(directory.path().join("run")).expect("created");
    fs::write(&settings.socket, "precious").expect("written");
    let error = bind(&settings).await.expect_err("a file is in the way");
    assert!(matches!(error, Error::NotASocket { .. }), "{error:?}");
    assert_eq!(
        fs::read_to_string(&settings.socket).expect("still there"),
        "precious"
    );
}

#[tokio::test]
async fn a_silent_client_does_not_hold_the_shutdown_up() {
    let running = start().await;
    let mut silent = TcpStream::connect(running.address)
        .await
        .expect("the listener is up");
    // Answered on another connection, so the silent one has been accepted before.
    running.get("/healthz").await;
    running.shutdown.cancel();
    running.task.await.expect("no panic").expect("a clean end");
    assert_eq!(silent.read(&mut [0]).await.expect("closed in order"), 0);
}
