//! Foreign judges: programs that others wrote, against `ldap365 serve` in front of the simulated tenant.
//!
//! Nothing is skipped: a program that is missing fails its tests. `tests/run` fetches what they need. Those that belong
//! into a host's login, or are servers themselves, run in a [`jail`], which only root can build: run as somebody else
//! their tests fail, and say so. Their settings are the recipes of `config/clients/`.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../tenant/mod.rs"]
mod tenant;

mod apache;
mod client;
mod freeradius;
mod jail;
mod libraries;
mod nslcd;
mod openldap;
mod openvpn;
mod postfix;
mod postgresql;
mod sssd;
mod world;
