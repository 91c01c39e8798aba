//! An LDAP front to Office 365.
//!
//! skeleton

pub mod admin;
pub mod app;
pub mod auth;
pub mod ber;
pub mod cli;
pub mod config;
pub mod directory;
pub mod dit;
pub mod graph;
pub mod ldap;
pub mod oauth;
pub mod secret;
pub mod store;
pub mod sync;
