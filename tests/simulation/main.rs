//! Thousands of random histories of a tenant against the real sync, in memory and in virtual time.
//!
//! A history is a tenant that changes, a Graph that fails, a daemon that crashes, a disk that fails and an
//! administrator who edits rules, accepts and repins, all drawn from one number. The sync's own code runs: [`pass_from`](ldap365::sync::pass_from), the rounds, the rules,
//! the registry, and in some histories the store. After every commit, and after every quiet period, [`oracle`]
//! checks what must hold.
//!
//! A failure prints the history's number; `LDAP365_SIMULATION_SEED=n` runs that one alone, and
//! `LDAP365_SIMULATION_RUNS=n` says how many to run.

mod daemon;
mod history;
mod oracle;
mod tenant;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use history::History;

/// How many histories are run unless told otherwise.
const RUNS: u64 = 3_000;

/// One history in so many keeps its state in a real store.
const STORED_EVERY: u64 = 100;

#[test]
fn every_history_ends_as_a_fresh_enumeration_would() {
    let number = |name: &str| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        )
    };
    if let Some(seed) = number("LDAP365_SIMULATION_SEED") {
        History::new(seed, is_stored(seed)).run();
        return;
    }
    let first = fastrand::u64(..u64::MAX / 2);
    for seed in first..first + number("LDAP365_SIMULATION_RUNS").unwrap_or(RUNS) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            History::new(seed, is_stored(seed)).run()
        }));
        if let Err(panic) = outcome {
            eprintln!("replay it with LDAP365_SIMULATION_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

fn is_stored(seed: u64) -> bool {
    seed.is_multiple_of(STORED_EVERY)
}
