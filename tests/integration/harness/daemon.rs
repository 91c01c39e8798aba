//! A running `ldap365 serve`.

use std::net::SocketAddr;
use std::str::FromStr;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{Client, READER, READER_PASSWORD, eventually, signal, within};

/// A child process that is killed when this is dropped.
pub struct Daemon {
    child: Child,
    authority: CertificateDer<'static>,
    log: watch::Receiver<Vec<String>>,
    /// ldap://
    pub ldap: SocketAddr,
    /// ldaps://
    pub ldaps: SocketAddr,
    /// `/healthz`, `/readyz`
    pub health: SocketAddr,
}

impl Daemon {
    /// Runs `command` and reads the addresses it announces.
    pub(super) async fn start(mut command: Command, authority: CertificateDer<'static>) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (lines, log) = watch::channel(Vec::new());
        tokio::spawn(collect(stderr, lines));
        let ldap = announced(&log, "listening on ldap://").await;
        let ldaps = announced(&log, "listening on ldaps://").await;
        let health = announced(&log, "health at http://").await;
        Self {
            child,
            authority,
            log,
            ldap,
            ldaps,
            health,
        }
    }

    /// Waits until `/readyz` says that a directory is served.
    pub async fn ready(&self) {
        eventually("the daemon is ready", async || {
            (self.page("readyz").await.0 == 200).then_some(())
        })
        .await;
    }

    /// Status and body of a health page.
    pub async fn page(&self, name: &str) -> (u16, String) {
        let url = format!("http://{}/{name}", self.health);
        let response = reqwest::get(url)
            .await
            .expect("the health listener answers");
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A connection in the clear, which loopback may use.
    pub async fn connect(&self) -> Client {
        Client::connect(self.ldap).await
    }

    /// A connection over TLS.
    pub async fn connect_tls(&self) -> Client {
        Client::connect_tls(self.ldaps, &self.authority).await
    }

    /// A connection in the clear, secured by StartTLS.
    pub async fn connect_and_start_tls(&self) -> Client {
        self.connect().await.start_tls(&self.authority).await
    }

    /// A connection over TLS that may read the tree.
    pub async fn reader(&self) -> Client {
        let mut client = self.connect_tls().await;
        client.bind_well(READER, READER_PASSWORD).await;
        client
    }

    /// Everything logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// How many lines were logged so far.
    pub fn log_length(&self) -> usize {
        self.log.borrow().len()
    }

    /// Waits for a line after the first `after` that contains `text`.
    pub async fn logged_after(&self, after: usize, text: &str) -> String {
        find(&self.log, after, text).await
    }

    /// SIGTERM, and the exit status.
    pub async fn stop(mut self) -> Option<i32> {
        let process = self.child.id().expect("it runs");
        signal(process, "TERM").await;
        self.ended().await
    }

    /// SIGTERM, without waiting.
    pub async fn terminate(&self) {
        signal(self.child.id().expect("it runs"), "TERM").await;
    }

    /// Waits for the end, and returns the exit status.
    pub async fn ended(&mut self) -> Option<i32> {
        let status = within("the daemon ends", self.child.wait()).await;
        status.unwrap().code()
    }

    /// SIGKILL, as when the power fails.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn collect(stderr: ChildStderr, lines: watch::Sender<Vec<String>>) {
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        lines.send_modify(|lines| lines.push(line));
    }
}

async fn announced(log: &watch::Receiver<Vec<String>>, text: &str) -> SocketAddr {
    let line = find(log, 0, text).await;
    let (_, address) = line.rsplit_once("://").expect("an URL ends the line");
    SocketAddr::from_str(address.trim()).unwrap_or_else(|error| panic!("{error}: {line}"))
}

async fn find(log: &watch::Receiver<Vec<String>>, after: usize, text: &str) -> String {
    let mut log = log.clone();
    let find_in = |lines: &[String]| {
        let mut new = lines.iter().skip(after);
        new.find(|line| line.contains(text)).cloned()
    };
    let what = format!("a line of the log with {text:?}");
    let found = within(&what, log.wait_for(|lines| find_in(lines).is_some())).await;
    let line = found.ok().and_then(|lines| find_in(&lines));
    line.unwrap_or_else(|| {
        let lines = log.borrow().join("\n");
        panic!("the process ended without {what}:\n{lines}")
    })
}
