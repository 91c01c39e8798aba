//! Kills a process that commits, over and over, and looks at what it left.
//!
//! The process is this very binary, run again for [`victim`] alone. It says what it finds in the
//! store, then `begin N` before and `done N` after each commit; the test kills it at a moment drawn
//! from a seed and starts another on the same store. What that one finds must be one whole
//! generation: the last one done, or the one begun after it.

mod generation;
mod victim;

use std::thread;
use std::time::{Duration, Instant};

use ldap365::store::Store;
use victim::{Line, Victim};

/// Rounds end after this many kills, or once [`KILLS_MIN`] have taken [`ENOUGH`].
const KILLS_MAX: u32 = 150;
const KILLS_MIN: u32 = 60;
const ENOUGH: Duration = Duration::from_secs(20);

/// One round in so many kills the victim while it opens the store, which is when sled recovers.
const KILL_AT_START_EVERY: u32 = 8;
/// About as long as a victim takes to start and open the store.
const START: Duration = Duration::from_millis(60);

#[test]
fn killed_at_any_moment_the_store_holds_one_whole_generation() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    let mut last = Last::default();
    // The latest commit of each size, so that kills spread over all of one.
    let mut lengths = [Duration::from_millis(10); generation::CYCLE];
    let started = Instant::now();

    while tally.kills < KILLS_MAX && (tally.kills < KILLS_MIN || started.elapsed() < ENOUGH) {
        let mut victim = Victim::start(&dir);
        if tally.kills % KILL_AT_START_EVERY == KILL_AT_START_EVERY - 1 {
            thread::sleep(START.mul_f64(random.f64()));
        } else {
            let target = last.begun + random.u64(1..=3);
            let mut begun = Instant::now();
            while last.begun < target {
                let line = victim
                    .next_line()
                    .expect("the victim goes on until it is killed");
                match line {
                    Line::Begin(_) => begun = Instant::now(),
                    Line::Done(number) => lengths[generation::size(number)] = begun.elapsed(),
                    _ => {}
                }
                last.note(line, &mut tally);
            }
            // Sooner a little too late than never in the last moments, when the log is written.
            let length = lengths[generation::size(last.begun)].mul_f64(1.1);
            thread::sleep(length.mul_f64(random.f64().sqrt()));
        }
        for line in victim.kill() {
            last.note(line, &mut tally);
        }
        tally.kills += 1;
        tally.within_commit += u32::from(last.is_in_commit());
    }

    let store = Store::open(&dir).unwrap();
    last.note(Line::Found(generation::find(&store).unwrap()), &mut tally);
    println!("{tally:?} in {:?}", started.elapsed());
    assert!(
        tally.within_commit * 3 >= tally.kills,
        "too few kills hit a commit to prove anything: {tally:?}"
    );
}

#[test]
fn commit_that_meets_a_full_disk_fails_and_leaves_one_whole_generation() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let mut victim = Victim::start_with_file_size_limit(&dir);
    let mut tally = Tally::default();
    let mut last = Last::default();
    let error = loop {
        match victim
            .next_line()
            .expect("the victim goes on until a write fails")
        {
            Line::Failed(error) => break error,
            line => last.note(line, &mut tally),
        }
    };
    assert!(error.contains("cannot write"), "{error}");
    assert!(last.is_in_commit());
    victim.kill();

    let store = Store::open(&dir).unwrap();
    last.note(Line::Found(generation::find(&store).unwrap()), &mut tally);
}

/// The last generations that victims spoke of.
#[derive(Debug, Default)]
struct Last {
    done: u64,
    begun: u64,
}

impl Last {
    fn note(&mut self, line: Line, tally: &mut Tally) {
        match line {
            Line::Begin(number) => self.begun = number,
            Line::Done(number) => self.done = number,
            Line::Found(number) => {
                assert!(
                    [self.done, self.begun].contains(&number),
                    "found {number}, but {self:?}"
                );
                if self.is_in_commit() {
                    tally.found_old += u32::from(number == self.done);
                    tally.found_new += u32::from(number == self.begun);
                }
                (self.done, self.begun) = (number, number);
            }
            Line::Torn(what) => panic!("{what}, after {self:?}"),
            Line::Failed(error) => panic!("{error}, after {self:?}"),
        }
    }

    fn is_in_commit(&self) -> bool {
        self.begun > self.done
    }
}

/// What the kills hit.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    /// Kills after a `begin` and before its `done`.
    within_commit: u32,
    /// After these, the state was the one before the commit.
    found_old: u32,
    /// After these, it was the one after.
    found_new: u32,
}
