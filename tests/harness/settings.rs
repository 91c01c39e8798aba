//! A configuration file for a daemon in front of the simulated tenant, with everything in one directory.

use std::io;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, PasswordHasher, SaltString};

use super::certificates::{Certificates, write_private};
use crate::tenant::Tenant;

/// The top of the tree.
pub const BASE: &str = "dc=contoso,dc=example";
/// The DN of the service account.
pub const SERVICE_DN: &str = "cn=vpn,dc=contoso,dc=example";
/// Its password.
pub const SERVICE_PASSWORD: &str = "vpn-Secret-0815";

/// Writes `directory/ldap365.toml` and gives its path: loopback ports chosen by the system, a service account, and
/// `rules` in the table `[sync]`.
pub fn write(
    directory: &Path,
    tenant: &Tenant,
    certificates: &Certificates,
    rules: &str,
) -> io::Result<PathBuf> {
    let path = directory.join("ldap365.toml");
    let hash = hash(SERVICE_PASSWORD).map_err(io::Error::other)?;
    write_private(&path, &text(tenant, certificates, rules, &hash))?;
    Ok(path)
}

fn hash(password: &str) -> password_hash::Result<String> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}

fn text(tenant: &Tenant, certificates: &Certificates, rules: &str, hash: &str) -> String {
    let Certificates { server, key, .. } = certificates;
    let (domain, url) = (tenant.domain(), tenant.graph_url());
    let (client_id, client_secret) = (tenant.client_id(), tenant.client_secret());
    format!(
        r#"# Relative paths start from the directory of this file.
data_dir = "data"

[tenant]
id        = {domain:?}
login_url = {url:?}
graph_url = {url:?}

[[credential]]
name          = "simulated"
kind          = "secret"
client_id     = {client_id:?}
client_secret = {client_secret:?}

[sync]
{rules}

[directory]
base_dn = {BASE:?}

[ldap]
listen      = ["127.0.0.1:0"]
listen_tls  = ["127.0.0.1:0"]
certificate = {server:?}
key         = {key:?}

[auth]
client_id     = {client_id:?}
client_secret = {client_secret:?}

[[service_account]]
name          = "vpn"
password_hash = {hash:?}

[admin]
listen = "127.0.0.1:0"
socket = "admin.sock"
"#
    )
}
