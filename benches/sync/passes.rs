//! The daemon, its first pass, and those that follow.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness;
use crate::ldap::Connection;
use crate::office::{Office, Sign};
use crate::usage;

/// Between two looks at the log; the pass itself says how long it took.
const LOG_PAUSE: Duration = Duration::from_millis(20);
/// Between two searches that wait for a change: the error of what they measure.
const SEARCH_PAUSE: Duration = Duration::from_millis(2);
/// How long a pass may take.
const PATIENCE: Duration = Duration::from_secs(1200);

/// A daemon that has read the whole tenant.
pub struct Daemon(harness::daemon::Daemon);

/// What the first pass cost, from the daemon's start to the groups being served.
pub struct FirstPass {
    pub wall: Duration,
    pub cpu: Duration,
    pub tenant_cpu: Duration,
    pub requests: usize,
    pub written: usize,
    pub peak_bytes: usize,
}

/// What a later pass cost.
pub struct Pass {
    pub wall: Duration,
    pub cpu: Duration,
    pub tenant_cpu: Duration,
    pub requests: usize,
    pub written: usize,
    /// From the order to the first answer that shows the last of the changes.
    pub seen: Option<Duration>,
}

impl Daemon {
    /// Starts a daemon with an empty store, and waits for its first pass.
    pub fn start_afresh(program: &Path, office: &Office) -> (Self, FirstPass) {
        let directory = office.directory.path();
        // There is none before the first daemon.
        let _ = fs::remove_dir_all(directory.join("data"));
        let tenants = office.cpu();
        let daemon = harness::daemon::Daemon::spawn(program, &directory.join("ldap365.toml"));
        let line = wait_for_line(&daemon, "synced requests=");
        let field = |name: &str| -> usize {
            let after = line.split_once(&format!("{name}=")).map(|(_, after)| after);
            let word = after.and_then(|after| after.split_whitespace().next());
            let number = word.and_then(|word| word.parse().ok());
            number.unwrap_or_else(|| panic!("no {name} in: {line}"))
        };
        let pass = FirstPass {
            wall: Duration::from_millis(field("duration_ms") as u64),
            cpu: usage::cpu(daemon.id()),
            tenant_cpu: office.cpu().saturating_sub(tenants),
            requests: field("requests"),
            written: field("written"),
            peak_bytes: usage::peak_bytes(daemon.id()),
        };
        (Self(daemon), pass)
    }
}

fn wait_for_line(daemon: &harness::daemon::Daemon, text: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = daemon.log();
        if let Some(line) = log.lines().find(|line| line.contains(text)) {
            return line.to_owned();
        }
        assert!(Instant::now() < deadline, "no pass in time:\n{log}");
        thread::sleep(LOG_PAUSE);
    }
}

/// Changes and passes, in turns.
pub struct Passes<'a> {
    daemon: &'a harness::daemon::Daemon,
    office: &'a mut Office,
}

impl<'a> Passes<'a> {
    /// Passes of this daemon over that tenant.
    pub fn new(daemon: &'a Daemon, office: &'a mut Office) -> Self {
        let mut passes = Self {
            daemon: &daemon.0,
            office,
        };
        // The first one to ask finds caches cold.
        passes.run(0);
        passes
    }

    /// Makes so many changes and has them synced.
    pub fn run(&mut self, changes: usize) -> Pass {
        let sign = (changes > 0).then(|| self.office.change(changes));
        let connection = sign.as_ref().map(|_| Connection::open(self.daemon.ldap));
        let (own, tenants) = (usage::cpu(self.daemon.id()), self.office.cpu());
        let began = Instant::now();
        let (output, seen) = thread::scope(|scope| {
            let watcher = sign
                .zip(connection)
                .map(|(sign, connection)| scope.spawn(move || watch(&sign, connection, began)));
            let output = self.daemon.command(&["--json", "sync"]);
            let wall = began.elapsed();
            let seen = watcher.map(|watcher| watcher.join().expect("the watcher does not panic"));
            ((output, wall), seen)
        });
        let ((is_success, text), wall) = output;
        assert!(is_success, "{text}");
        let summary: Value = text
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .expect("the last line is the summary");
        let number = |name: &str| summary[name].as_u64().expect("a number") as usize;
        Pass {
            wall,
            cpu: usage::cpu(self.daemon.id()).saturating_sub(own),
            tenant_cpu: self.office.cpu().saturating_sub(tenants),
            requests: number("requests"),
            written: number("written"),
            seen,
        }
    }
}

/// Until the sign shows.
fn watch(sign: &Sign, mut connection: Connection, began: Instant) -> Duration {
    while connection.title(&sign.uid).as_ref() != Some(&sign.title) {
        assert!(began.elapsed() < PATIENCE, "{sign:?} does not show");
        thread::sleep(SEARCH_PAUSE);
    }
    began.elapsed()
}
