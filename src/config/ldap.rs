//! `[ldap]`: where hosts find the server.

use std::net::SocketAddr;

use super::problem::Fault;
use super::table::Table;
use super::value::Value;
use crate::ldap::{Settings, TlsIdentity, UsersMayRead};

/// Reads `[ldap]`. Nothing is listened on that the file does not name.
pub(super) fn read(ldap: &Table<'_>, users_may_read: UsersMayRead) -> Settings {
    let listen = read_addresses(ldap, "listen", "[\"0.0.0.0:389\"]");
    let listen_tls = read_addresses(ldap, "listen_tls", "[\"0.0.0.0:636\"]");
    let says_where = [&listen, &listen_tls]
        .iter()
        .any(|list| list.as_ref().is_none_or(|list| !list.is_empty()));
    if !says_where && ldap.is_readable() {
        let example =
            "listen_tls = [\"0.0.0.0:636\"], or listen = [\"0.0.0.0:389\"] for StartTLS".to_owned();
        ldap.note("listen_tls", Fault::Missing { example });
    }
    let wants_tls = listen_tls.as_ref().is_some_and(|list| !list.is_empty());
    Settings {
        identity: read_identity(ldap, wants_tls),
        listen: listen.unwrap_or_default(),
        listen_tls: listen_tls.unwrap_or_default(),
        allow_plaintext: ldap
            .read("allow_plaintext", Value::boolean)
            .unwrap_or(false),
        users_may_read,
    }
}

/// The addresses under a key; `None` when there is something that cannot be read as such.
fn read_addresses(ldap: &Table<'_>, name: &'static str, example: &str) -> Option<Vec<SocketAddr>> {
    let read = ldap.read(name, |list| {
        let written = list.inner.as_array().map_or(0, |array| array.len());
        let addresses = list.list(example, read_address)?;
        (addresses.len() == written).then_some(addresses)
    });
    read.or_else(|| (!ldap.has(name)).then(Vec::new))
}

fn read_address(value: &Value<'_>) -> Option<SocketAddr> {
    if value
        .inner
        .as_str()
        .is_some_and(|text| text.starts_with("ldapi:"))
    {
        value.refuse_unbuilt("listen on \"127.0.0.1:389\" for this machine");
        return None;
    }
    value.listen_address("\"0.0.0.0:389\"")
}

fn read_identity(ldap: &Table<'_>, wants_tls: bool) -> Option<TlsIdentity> {
    let wants_both = wants_tls || ldap.has("certificate") || ldap.has("key");
    let file = |name, example| {
        if wants_both {
            ldap.require(name, example, Value::path)
        } else {
            ldap.read(name, Value::path)
        }
    };
    let certificate = file("certificate", "\"/etc/ldap365/tls.pem\"");
    let key = file("key", "\"/etc/ldap365/tls.key\"");
    Some(TlsIdentity {
        certificate: certificate?,
        key: key?,
    })
}
