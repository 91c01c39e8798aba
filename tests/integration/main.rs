//! Everything that is tested over the wire, in one binary.

#[path = "../tenant/mod.rs"]
mod tenant;

mod tenant_fidelity;
