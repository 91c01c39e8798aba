//! The process that commits until it is killed, and the test's grip on it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, io, process, thread};

use ldap365::store::{Error, Store};

use crate::generation;

/// Names the data directory to the victim.
const DIR_VARIABLE: &str = "LDAP365_CRASH_TEST_DIR";

/// What a victim says.
pub enum Line {
    /// The store holds this generation, whole.
    Found(u64),
    /// The store holds something else.
    Torn(String),
    /// The commit of this generation begins.
    Begin(u64),
    /// The commit of this generation has returned.
    Done(u64),
    /// The commit returned this error.
    Failed(String),
}

/// A running victim; it never outlives this value, nor the process that holds it.
pub struct Victim {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Victim {
    /// Runs a victim on the store in `dir`.
    pub fn start(dir: &Path) -> Self {
        Self::spawn(Command::new(env::current_exe().unwrap()), dir)
    }

    /// Runs a victim whose files cannot grow beyond some megabytes: a write beyond is an error.
    pub fn start_with_file_size_limit(dir: &Path) -> Self {
        let mut shell = Command::new("sh");
        let script = r#"trap '' XFSZ; ulimit -f 6000; exec "$@""#;
        shell
            .args(["-c", script, "sh"])
            .arg(env::current_exe().unwrap());
        Self::spawn(shell, dir)
    }

    fn spawn(mut command: Command, dir: &Path) -> Self {
        let mut process = command
            .args(["--exact", "victim::victim", "--ignored", "--nocapture"])
            .env(DIR_VARIABLE, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next thing it says; `None` when it has died.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // Anything else is the test harness talking, or a line that the kill cut short.
            if let Some(line) = line.strip_suffix('\n').and_then(parse) {
                return Some(line);
            }
        }
    }

    /// Kills it with SIGKILL; returns what it said meanwhile.
    pub fn kill(mut self) -> Vec<Line> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.next_line()).collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn parse(line: &str) -> Option<Line> {
    let (word, rest) = line.split_once(' ')?;
    match word {
        "found" => rest.parse().ok().map(Line::Found),
        "begin" => rest.parse().ok().map(Line::Begin),
        "done" => rest.parse().ok().map(Line::Done),
        "torn" => Some(Line::Torn(rest.to_owned())),
        "failed" => Some(Line::Failed(rest.to_owned())),
        _ => None,
    }
}

fn say(word: &str, what: impl std::fmt::Display) {
    // In one write, so that a kill cannot part the line from its end.
    let line = format!("{word} {what}\n");
    io::stdout().write_all(line.as_bytes()).unwrap();
}

#[test]
#[ignore = "run by the other tests of this binary, as the process that they kill"]
fn victim() {
    let Some(dir) = env::var_os(DIR_VARIABLE) else {
        return;
    };
    thread::spawn(|| {
        // Standard input ends when the test dies, however it dies.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(1);
    });
    // The test harness has left its own line unfinished.
    println!();
    if let Err(error) = commit_for_ever(Path::new(&dir)) {
        say("failed", error);
    }
}

fn commit_for_ever(dir: &Path) -> Result<(), Error> {
    let store = Store::open(dir)?;
    let mut number = match generation::find(&store) {
        Ok(number) => number,
        Err(what) => {
            say("torn", what);
            return Ok(());
        }
    };
    say("found", number);
    let mut state = generation::state(number);
    loop {
        number += 1;
        let next = generation::state(number);
        say("begin", number);
        store.commit(&state, &next, generation::committed(number))?;
        say("done", number);
        state = next;
    }
}
