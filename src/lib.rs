//! An LDAP front to Office 365.
//!
//! A background sync reads a tenant's users and groups through Microsoft Graph, applies the
//! administrator's rules, and keeps the result in an embedded store. An LDAP server answers from an
//! immutable snapshot of it; people's passwords are checked by the tenant itself.
//!
//! # Flow
//!
//! ```text
//! Microsoft Graph ─ graph ─▶ sync ─▶ store ─▶ dit ─▶ ldap ─▶ clients
//!   (delta pages)        (State: Directory  (sled)  (Snapshot) │
//!                         with Decisions)                     auth ─▶ sign-in service
//! ```
//!
//! Values flow to the right. Imports point left, or down to [`directory`]; only [`app`] sees both ends.
//!
//! # Map
//!
//! - [`directory`]: users, groups, decisions, names and numbers; no I/O, no JSON, no LDAP. Everyone's vocabulary.
//! - [`oauth`]: credentials and tokens for Graph, and password checks, at the sign-in service; the table of AADSTS
//!   codes.
//! - [`graph`]: pages of changed users and groups; retries; what is left of an object nobody can read.
//! - [`sync`]: one pass as rounds of pages; the rules; the schedule. Hands over whole states.
//! - [`store`]: the state on disk, one atomic batch per commit.
//! - [`dit`]: the tree as LDAP clients see it: schema, names, matching, entries, indexes, filters.
//! - [`auth`]: a password and a person or service account become a verdict.
//! - [`ldap`]: sockets, TLS, messages, operations.
//! - [`admin`]: health for machines; the socket that the command line talks to.
//! - [`config`]: the file, dealt out as each part's `Settings`.
//! - [`app`]: builds the parts, joins and stops them.
//! - [`cli`]: one file for each subcommand.
//! - [`ber`], [`secret`]: leaves that everyone may use.
//!
//! # Invariants
//!
//! - Identity is the object id. No decision, number or verdict hangs on a name.
//! - A state is durable before it is served, and served whole: an operation sees one [`dit::Snapshot`] from its
//!   first response to its last.
//! - An error never becomes emptiness: a phase that did not reach its delta link changes nothing, and before
//!   both phases have been read once, searches are answered `unavailable`.
//! - `ldap` never asks Graph anything, and `graph` never sees a password.
//! - No part imports [`config`], [`app`] or [`cli`]. `tests/architecture.rs` holds the imports to this.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod ber;
pub mod secret;

pub mod directory;

pub mod oauth;

pub mod graph;

pub mod sync;

pub mod store;

pub mod dit;

pub mod auth;

pub mod ldap;

pub mod admin;

pub mod config;

pub mod app;

pub mod cli;
