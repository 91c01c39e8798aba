//! Health for machines, questions and orders for the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where to listen (`[admin]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// HTTP for `/healthz` and `/readyz`.
    pub listen: SocketAddr,
    /// The command line's way in: a Unix socket of mode 0600.
    pub socket: PathBuf,
}
