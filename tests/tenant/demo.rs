//! `cargo demo`: the sample tenant becomes an LDAP directory on this machine, until Ctrl-C.
//!
//! Everything it makes is in one temporary directory, which goes with it. With arguments it is the `ldap365` command
//! instead, so that nothing has to be compiled twice to ask the running demo a question.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "mod.rs"]
mod tenant;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use harness::certificates::Certificates;
use harness::settings::{self, BASE, SERVICE_DN, SERVICE_PASSWORD};
use ldap365::admin::client::Client;
use ldap365::admin::report::status::Status;
use ldap365::{app, cli, config};
use tenant::{Tenant, sample};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long the first pass over some sixty people may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who signs in below; the sample tenant knows the password.
const PERSON: (&str, &str) = sample::PASSWORDS[0];
/// Rules that have something to do in the sample tenant.
const RULES: &str = r#"interval             = "2s"
groups_without_email = true
ignored_groups       = ["Ex-Employees"]"#;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot prepare the demo's directory: {0}")]
    Directory(#[source] io::Error),
    #[error("the demo's own configuration is refused:\n{0}")]
    Config(#[from] config::LoadError),
    #[error("the server did not start: {0}")]
    Start(#[from] app::Error),
    #[error("the server stopped before it served anything")]
    Stopped,
    #[error("the server broke down: {0}")]
    Broken(#[source] tokio::task::JoinError),
    #[error("the first sync was not served within {} s; run again with LDAP365_LOG=debug to see why", PATIENCE.as_secs())]
    Late,
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        return command().await;
    }
    start_logging();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What `main` of the program does, without the log.
async fn command() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::failure::report(&error),
    }
}

/// Binds and their reasons are worth seeing; the rest of the log is for LDAP365_LOG.
fn start_logging() {
    let filter = std::env::var("LDAP365_LOG");
    let filter =
        filter.unwrap_or_else(|_| "error,ldap365::auth=info,ldap365::ldap::bind=info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

async fn run() -> Result<(), Error> {
    let until = until_told_to_stop().map_err(Error::Signals)?;
    let directory = tempfile::Builder::new()
        .prefix("ldap365-demo-")
        .tempdir()
        .map_err(Error::Directory)?;
    let tenant = Tenant::sample().await;
    let certificates = Certificates::mint(directory.path()).map_err(Error::Directory)?;
    let file = settings::write(directory.path(), &tenant, &certificates, RULES);
    let file = file.map_err(Error::Directory)?;
    let config = config::load(&file)?;
    let client = Client::new(&config.admin.socket);

    let shutdown = CancellationToken::new();
    let (started, addresses) = oneshot::channel();
    let token = shutdown.clone();
    let mut server = tokio::spawn(app::serve(config, token, |addresses: &app::Addresses| {
        // The receiver is gone only when the demo has failed already.
        let _ = started.send((addresses.ldap[0], addresses.ldaps[0]));
    }));
    let ready = async {
        let (ldap, ldaps) = addresses.await.map_err(|_| Error::Stopped)?;
        Ok::<_, Error>((ldap, ldaps, first_pass(&client).await?))
    };
    tokio::pin!(until);
    tokio::select! {
        biased;
        ended = &mut server => return finish(ended),
        () = &mut until => {}
        ready = ready => {
            let (ldap, ldaps, status) = ready?;
            print(&Guide { ldap, ldaps, status, ca: &certificates.ca, config: &file });
            tokio::select! {
                ended = &mut server => return finish(ended),
                () = &mut until => println!("\nStopping."),
            }
        }
    }
    shutdown.cancel();
    finish(server.await)
}

/// Resolves at Ctrl-C, or when the demo is terminated; either way its directory is removed.
fn until_told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

fn finish(ended: Result<Result<(), app::Error>, tokio::task::JoinError>) -> Result<(), Error> {
    Ok(ended.map_err(Error::Broken)??)
}

/// Waits until people and groups are served, and tells how it went.
async fn first_pass(client: &Client) -> Result<Status, Error> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match client.status().await {
            Ok(status) if status.groups.completed.is_some() => return Ok(status),
            // Not yet: the socket comes up, or the pass is under way.
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(Error::Late)
}

/// What the printed lines are made of.
struct Guide<'a> {
    ldap: SocketAddr,
    ldaps: SocketAddr,
    status: Status,
    ca: &'a Path,
    config: &'a Path,
}

fn print(guide: &Guide<'_>) {
    let Guide {
        ldap,
        ldaps,
        status,
        ca,
        config,
    } = guide;
    let (ca, config) = (ca.display(), config.display());
    let (upn, password) = PERSON;
    let (people, inactive) = (status.people_active, status.people_inactive);
    let (groups, left_out) = (status.groups_imported, status.groups_not_imported);
    println!(
        "\
ldap365 serves a simulated Office 365 tenant on this machine: no account, nothing leaves it.

  ldap://{ldap}     ldaps://{ldaps}
  {people} people are active, {inactive} are not; {groups} groups are imported, {left_out} are not.

Try these lines in another terminal (ldapsearch is in Debian's package ldap-utils).

A person, as a host's service account sees her:
  ldapsearch -x -LLL -H ldap://{ldap} -D {SERVICE_DN} -w {SERVICE_PASSWORD} -b {BASE} '(uid=ada)'

Groups and their members, with StartTLS:
  LDAPTLS_CACERT={ca} ldapsearch -x -LLL -ZZ -H ldap://{ldap} -D {SERVICE_DN} -w {SERVICE_PASSWORD} -b ou=groups,{BASE} '(cn=eng-*)' cn gidNumber memberUid

The groups Ada is in, over TLS from the first byte:
  LDAPTLS_CACERT={ca} ldapsearch -x -LLL -H ldaps://{ldaps} -D {SERVICE_DN} -w {SERVICE_PASSWORD} -b {BASE} '(&(objectClass=posixGroup)(memberUid=ada))' cn gidNumber

Ada signs in with her Office 365 password, and with a wrong one:
  LDAPTLS_CACERT={ca} ldapwhoami -x -H ldaps://{ldaps} -D {upn} -w '{password}'
  LDAPTLS_CACERT={ca} ldapwhoami -x -H ldaps://{ldaps} -D {upn} -w wrong

Tom is in the ignored group Ex-Employees. He is not found, and ldap365 says why:
  ldapsearch -x -LLL -H ldap://{ldap} -D {SERVICE_DN} -w {SERVICE_PASSWORD} -b {BASE} '(uid=tom)' dn
  cargo demo -q -- --config {config} explain tom

Everybody and every group, each with the reason:
  cargo demo -q -- --config {config} users
  cargo demo -q -- --config {config} groups

How the server is doing, what a sync pass would change, and a pass now:
  cargo demo -q -- --config {config} status
  cargo demo -q -- --config {config} sync --dry-run
  cargo demo -q -- --config {config} sync

Ctrl-C stops the demo and removes its files. Each bind shows below, with the reason that clients are not told."
    );
}
