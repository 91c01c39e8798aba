//! What a process has used, as Linux tells it.

use std::fs;
use std::time::Duration;

/// `USER_HZ`, which is 100 on every Linux that runs this.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of all threads, in user and kernel mode (proc(5), `/proc/pid/stat`), to 10 ms.
pub fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process lives");
    // The name in parentheses may hold anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let mut times = fields.split_whitespace().skip(11);
    let mut ticks = || -> u32 {
        let field = times.next().expect("utime and stime");
        field.parse().expect("a number of ticks")
    };
    TICK * (ticks() + ticks())
}

/// The most memory it has ever held, in bytes (`VmHWM`).
pub fn peak_bytes(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|number| number.trim().parse::<usize>().ok())
        .expect("a size")
        << 10
}
