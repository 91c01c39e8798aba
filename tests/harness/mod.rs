//! What tests and the demo put around a daemon: certificates, a configuration file, a process.

// Each crate that includes this module uses a part of it.
#![allow(dead_code)]

pub mod certificates;
pub mod daemon;
pub mod settings;
