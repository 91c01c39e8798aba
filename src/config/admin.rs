//! `[admin]`: health for machines, and the command line's way in.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::table::Table;
use super::value::Value;
use crate::admin::Settings;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8365);

/// Reads `[admin]`.
pub(super) fn read(admin: &Table<'_>) -> Settings {
    admin.read_unbuilt("public_url", Value::text, &[], "leave it out");
    Settings {
        listen: admin
            .read("listen", |address| {
                address.listen_address("\"127.0.0.1:8365\"")
            })
            .unwrap_or(LISTEN),
        socket: admin
            .read("socket", Value::path)
            .unwrap_or_else(|| PathBuf::from("/run/ldap365/admin.sock")),
    }
}
