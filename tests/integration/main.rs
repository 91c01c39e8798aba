//! Everything that is tested over the wire, in one binary.

#[path = "../tenant/mod.rs"]
mod tenant;

mod harness;

mod sample_directory;
mod tenant_fidelity;
