//! Everything that is tested over the wire, in one binary.

#[path = "../tenant/mod.rs"]
mod tenant;

mod harness;

mod authorize;
mod bind;
mod commands;
mod credentials;
mod faults;
mod guard;
mod mistakes;
mod restart;
mod rules;
mod sample_directory;
mod shutdown;
mod sync;
mod tenant_fidelity;
