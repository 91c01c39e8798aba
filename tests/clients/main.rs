//! Foreign judges: programs that others wrote, against `ldap365 serve` in front of the simulated tenant.
//!
//! Nothing is skipped: a program that is missing fails its tests. `tests/run` installs what they need.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../tenant/mod.rs"]
mod tenant;

mod openldap;
mod world;
