//! The simulated tenant in a process of its own: this very program once more, told to serve.
//!
//! It writes the daemon's configuration file, says in one line of JSON where it is, and then does what the lines
//! on its standard input say.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::harness::certificates::Certificates;
use crate::harness::settings;
use crate::tenant::{Disorder, GroupSpec, Surface, Tenant, sample};
use crate::usage;

/// No pass but those that are asked for, and a guard that works and lets everything pass.
const RULES: &str = "interval = \"6h\"\nmax_change = \"99%\"";
/// Groups in which the memberships come and go.
const GROUPS: usize = 10;
/// One change in so many is a membership that comes or goes, the others are job titles.
const MEMBERSHIP_EVERY: usize = 10;

/// The tenant as the benchmark sees it; the process ends when this is dropped.
pub struct Office {
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Where the daemon's configuration file and data are.
    pub directory: TempDir,
    /// How to sign in as the app.
    pub app: App,
}

/// The app registration that reads the directory.
#[derive(Debug, Deserialize, Serialize)]
pub struct App {
    /// Where tokens come from.
    pub token_url: String,
    /// Of Graph's.
    pub graph_url: String,
    /// The application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// How to see that a round of changes has arrived.
#[derive(Debug, Deserialize, Serialize)]
pub struct Sign {
    /// Somebody whose job title changed last.
    pub uid: String,
    /// The new one.
    pub title: String,
}

#[derive(Debug, Deserialize, Serialize)]
enum Request {
    Change { changes: usize },
    Starts,
}

impl Office {
    /// A tenant of so many people, each answer delayed.
    pub fn open(users: usize, latency: Duration) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["--users", &users.to_string()])
            .args(["--latency", &format!("{}ms", latency.as_millis())])
            .arg("--serve")
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started once more");
        let orders = process.stdin.take().expect("standard input is piped");
        let output = process.stdout.take().expect("standard output is piped");
        let mut answers = BufReader::new(output).lines();
        let app = answer(&mut answers);
        Self {
            process,
            orders,
            answers,
            directory,
            app,
        }
    }

    /// CPU time so far.
    pub fn cpu(&self) -> Duration {
        usage::cpu(self.process.id())
    }

    /// Changes so many objects.
    pub fn change(&mut self, changes: usize) -> Sign {
        self.ask(&Request::Change { changes })
    }

    /// The URLs with which the daemon began to enumerate.
    pub fn starts(&mut self) -> Vec<String> {
        self.ask(&Request::Starts)
    }

    fn ask<T: for<'de> Deserialize<'de>>(&mut self, request: &Request) -> T {
        let line = serde_json::to_string(request).expect("requests are plain data");
        writeln!(self.orders, "{line}").expect("the tenant listens");
        answer(&mut self.answers)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        // It may be gone already, and that is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer<T: for<'de> Deserialize<'de>>(answers: &mut Lines<BufReader<ChildStdout>>) -> T {
    let line = answers.next().expect("the tenant answers every request");
    let line = line.expect("the tenant writes text");
    serde_json::from_str(&line).expect("both ends are this file")
}

/// Serves until standard input ends.
pub fn serve(directory: &Path, users: usize, latency: Duration) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let company = sample::large(users);
    let tenant = runtime.block_on(Tenant::start_with(company, Disorder::realistic()));
    for number in 0..GROUPS {
        let (name, mail) = (group(number), format!("{}@large.example", group(number)));
        tenant.create_group(GroupSpec::mail_security(&name, &mail));
    }
    tenant.delay(Surface::Graph, latency);
    let certificates = Certificates::mint(directory).expect("certificates");
    settings::write(directory, &tenant, &certificates, RULES).expect("a configuration file");
    say(&App {
        token_url: format!(
            "{}/{}/oauth2/v2.0/token",
            tenant.login_url(),
            tenant.domain()
        ),
        graph_url: tenant.graph_url(),
        client_id: tenant.client_id(),
        client_secret: tenant.client_secret(),
    });
    let lines = std::io::stdin().lines().map_while(Result::ok);
    let requests = lines.map(|line| serde_json::from_str(&line).expect("both ends are this file"));
    for (round, request) in requests.enumerate() {
        match request {
            Request::Change { changes } => say(&change(&tenant, users, changes, round)),
            Request::Starts => say(&starts(&tenant)),
        }
    }
}

fn say(answer: &impl Serialize) {
    let line = serde_json::to_string(answer).expect("answers are plain data");
    println!("{line}");
}

fn group(number: usize) -> String {
    format!("changing-{number}")
}

/// Spreads the changes evenly over the tenant.
fn change(tenant: &Tenant, users: usize, changes: usize, round: usize) -> Sign {
    let title = format!("Employee of round {round}");
    let mut last = String::new();
    for number in 0..changes {
        // One beside round numbers: every fiftieth person is disabled, and not served.
        let person = (number * users / changes + 1) % users;
        let uid = format!("user{person:06}");
        let upn = format!("{uid}@large.example");
        if number % MEMBERSHIP_EVERY == MEMBERSHIP_EVERY - 1 {
            let group = group(number / MEMBERSHIP_EVERY % GROUPS);
            // In one round they come, in the next they go.
            match round % 2 {
                0 => tenant.add_to_group(&group, &upn),
                _ => tenant.remove_from_group(&group, &upn),
            }
            continue;
        }
        tenant.set(&upn, "jobTitle", title.clone());
        if !person.is_multiple_of(50) {
            last = uid;
        }
    }
    Sign { uid: last, title }
}

fn starts(tenant: &Tenant) -> Vec<String> {
    let requests = tenant.requests();
    let mut starts: Vec<String> = requests
        .iter()
        .filter(|request| request.starts_a_full_round())
        .map(|request| format!("{}{}?{}", tenant.graph_url(), request.path, request.query))
        .collect();
    starts.sort();
    starts.dedup();
    starts
}
