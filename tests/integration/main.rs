//! Everything that is tested over the wire, in one binary.

#[path = "../tenant/mod.rs"]
mod tenant;

mod harness;

mod bind;
mod commands;
mod mistakes;
mod restart;
mod sample_directory;
mod shutdown;
mod sync;
mod tenant_fidelity;
