//! What travels over the admin socket, and how the command line prints it: one file for each noun.
//!
//! The field names are the contract with scripts (`--json`). `Display` is for people: whole lines, no line end at the
//! end. Nothing here holds a secret.

pub mod act;
pub mod explanation;
pub mod identity;
pub mod pass;
pub mod plan;
pub mod roster;
pub mod status;

use std::fmt;

use jiff::Timestamp;

/// A moment to the second; the daemon's and the reader's time zones may differ, so it is UTC.
fn moment(at: Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M:%S UTC")
}
