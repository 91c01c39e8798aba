//! `ldap365 serve` as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a start, or a sync of the sample tenant, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that serves; it is killed when dropped.
pub struct Daemon {
    program: PathBuf,
    config: PathBuf,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// ldap://
    pub ldap: SocketAddr,
    /// ldaps://
    pub ldaps: SocketAddr,
    /// `/healthz` and `/readyz`
    pub health: SocketAddr,
}

impl Daemon {
    /// Starts `program serve` and waits until its first pass is committed and served. Panics with the daemon's log
    /// when that does not come to pass.
    pub fn start(program: &Path, config: &Path) -> Self {
        let mut daemon = Self::spawn(program, config);
        daemon.wait_for_first_pass();
        daemon
    }

    /// Starts `program serve` and waits until it listens. Panics with the daemon's log when it does not.
    pub fn spawn(program: &Path, config: &Path) -> Self {
        let mut process = Command::new(program)
            .args(["--config".as_ref(), config.as_os_str(), "serve".as_ref()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let stderr = process.stderr.take().expect("standard error is piped");
        let log = Arc::default();
        let lines = follow(stderr, Arc::clone(&log));
        let addresses = Addresses::read(&lines);
        let mut daemon = Self {
            program: program.to_owned(),
            config: config.to_owned(),
            process,
            log,
            ldap: SocketAddr::from(([127, 0, 0, 1], 0)),
            ldaps: SocketAddr::from(([127, 0, 0, 1], 0)),
            health: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        match addresses {
            Some(addresses) => (daemon.ldap, daemon.ldaps, daemon.health) = addresses.all(),
            None => panic!("the daemon did not say where it listens:\n{}", daemon.log()),
        }
        daemon
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What the daemon has written to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder panics").join("\n")
    }

    /// Runs `program ARGUMENTS` with the daemon's configuration: status and standard output.
    pub fn command(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(&self.program)
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program that runs already can be run again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    }

    fn wait_for_first_pass(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_served_groups() {
            let is_over = self.process.try_wait().is_ok_and(|status| status.is_some());
            if is_over || Instant::now() > deadline {
                panic!("the first pass was not served:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Groups come last in a pass.
    fn has_served_groups(&self) -> bool {
        let (is_success, status) = self.command(&["--json", "status"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap_or_default();
        is_success && !status["groups"]["completed"].is_null()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may be gone already, and that is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Keeps every line of the log, and hands each to whoever waits for one.
fn follow(stderr: ChildStderr, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.lock().expect("no holder panics").push(line.clone());
            // Nobody waits any more once the addresses are known.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// What the log has told of the addresses so far.
#[derive(Default)]
struct Addresses {
    ldap: Option<SocketAddr>,
    ldaps: Option<SocketAddr>,
    health: Option<SocketAddr>,
}

impl Addresses {
    fn read(lines: &Receiver<String>) -> Option<Self> {
        let mut read = Self::default();
        let deadline = Instant::now() + PATIENCE;
        while read.ldap.and(read.ldaps).and(read.health).is_none() {
            let patience = deadline.saturating_duration_since(Instant::now());
            match lines.recv_timeout(patience) {
                Ok(line) => read.note(&line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
        Some(read)
    }

    fn note(&mut self, line: &str) {
        for (marker, slot) in [
            ("listening on ldap://", &mut self.ldap),
            ("listening on ldaps://", &mut self.ldaps),
            ("health at http://", &mut self.health),
        ] {
            let after = line.split_once(marker).map(|(_, after)| after);
            let word = after.and_then(|after| after.split_whitespace().next());
            *slot = slot.or(word.and_then(|address| address.parse().ok()));
        }
    }

    fn all(self) -> (SocketAddr, SocketAddr, SocketAddr) {
        let known = "read() returns when all are known";
        (
            self.ldap.expect(known),
            self.ldaps.expect(known),
            self.health.expect(known),
        )
    }
}
