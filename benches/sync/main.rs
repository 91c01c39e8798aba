//! What a sync costs (issue: scale and cost): printed, never asserted, because the machine is anybody's.
//!
//! `cargo bench --bench sync [-- --users 1000,10000 --latency 20ms --repeat 3]`
//!
//! The daemon is the release binary. The simulated tenant is a [process](office) of its own, so that neither's
//! time is counted as the other's; its CPU time is in the tables, because where it is the bottleneck both the daemon
//! and the bare client wait for it. The [bare client](bare) fetches the same pages and throws them away: what the
//! daemon needs beyond that is its own. First passes and bare rounds take turns, and medians are printed.

mod bare;
#[path = "../../tests/harness/mod.rs"]
mod harness;
mod ldap;
mod office;
mod passes;
#[path = "../../tests/tenant/mod.rs"]
mod tenant;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use bare::Order;
use office::Office;
use passes::{Daemon, FirstPass, Passes};

/// Changes between two passes.
const CHANGES: [usize; 3] = [0, 10, 1000];

/// What a sync costs, beside what fetching its pages costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Sizes of the tenant, in people.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    users: Vec<usize>,
    /// What every answer of Graph takes beside the work it makes: loopback hides that pages form a chain.
    #[arg(long, value_parser = milliseconds, default_value = "0ms")]
    latency: Duration,
    /// How often everything is measured; medians are printed.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Another build of the daemon, to compare; this one by default.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_ldap365"))]
    program: PathBuf,
    /// Be the tenant, with this directory for the daemon's configuration file.
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    match (&arguments.serve, &*arguments.users) {
        (Some(directory), &[users]) => office::serve(directory, users, arguments.latency),
        _ => arguments
            .users
            .iter()
            .for_each(|&users| measure(users, &arguments)),
    }
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    let number = text.strip_suffix("ms").unwrap_or(text);
    number.parse().map(Duration::from_millis)
}

fn measure(users: usize, arguments: &Arguments) {
    let repeat = arguments.repeat.max(1);
    let mut office = Office::open(users, arguments.latency);
    let mut first = Vec::new();
    let (mut aside, mut serial) = (Vec::new(), Vec::new());
    let mut daemon = None;
    for _ in 0..repeat {
        // The last one lives on; its predecessors must be gone before the store is thrown away.
        drop(daemon.take());
        let (running, pass) = Daemon::start_afresh(&arguments.program, &office);
        daemon = Some(running);
        first.push(pass);
        let starts = office.starts();
        aside.push(bare::fetch(&office, &starts, Order::SideBySide));
        serial.push(bare::fetch(&office, &starts, Order::Serial));
    }
    println!(
        "\n{users} users, {} groups; {} a page of latency; medians of {repeat}",
        users / 20,
        show(arguments.latency)
    );
    print_first_pass(&first, &aside, &serial);
    let daemon = daemon.expect("at least one pass was made");
    print_passes(&daemon, &mut office, repeat);
}

fn print_first_pass(first: &[FirstPass], aside: &[bare::Round], serial: &[bare::Round]) {
    let wall = median(first.iter().map(|pass| pass.wall));
    println!(
        "first pass        wall     x bare   CPU      tenant's CPU  requests  peak RSS  records written"
    );
    println!(
        "  daemon          {:8} {:>6}   {:8} {:13} {:8}  {:>5} MB  {}",
        show(wall),
        "",
        show(median(first.iter().map(|pass| pass.cpu))),
        show(median(first.iter().map(|pass| pass.tenant_cpu))),
        median(first.iter().map(|pass| pass.requests)),
        median(first.iter().map(|pass| pass.peak_bytes)) >> 20,
        median(first.iter().map(|pass| pass.written)),
    );
    for (name, rounds) in [("bare, as we do", aside), ("bare, serial", serial)] {
        let bare = median(rounds.iter().map(|round| round.wall));
        println!(
            "  {name:15} {:8} {:6.2}   {:8} {:13} {:8}  {:.1} MB of pages",
            show(bare),
            wall.as_secs_f64() / bare.as_secs_f64(),
            show(median(rounds.iter().map(|round| round.cpu))),
            show(median(rounds.iter().map(|round| round.tenant_cpu))),
            median(rounds.iter().map(|round| round.pages)),
            median(rounds.iter().map(|round| round.bytes)) as f64 / 1e6,
        );
    }
}

fn print_passes(daemon: &Daemon, office: &mut Office, repeat: usize) {
    println!(
        "pass with         wall     CPU      tenant's CPU  requests  records written  LDAP answers anew after"
    );
    let mut passes = Passes::new(daemon, office);
    for changes in CHANGES {
        let made: Vec<_> = (0..repeat).map(|_| passes.run(changes)).collect();
        let seen: Vec<_> = made.iter().filter_map(|pass| pass.seen).collect();
        println!(
            "  {changes:4} changes    {:8} {:8} {:13} {:8}  {:15}  {}",
            show(median(made.iter().map(|pass| pass.wall))),
            show(median(made.iter().map(|pass| pass.cpu))),
            show(median(made.iter().map(|pass| pass.tenant_cpu))),
            median(made.iter().map(|pass| pass.requests)),
            median(made.iter().map(|pass| pass.written)),
            match seen.is_empty() {
                true => "-".to_owned(),
                false => show(median(seen)),
            },
        );
    }
}

fn median<T: Ord + Copy>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn show(duration: Duration) -> String {
    match duration.as_millis() {
        0..10_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
