//! `[auth]` and `[[service_account]]`: how people and machines prove who they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::problem::Fault;
use super::table::Table;
use super::text;
use super::value::Value;
use crate::auth::{ServiceAccount, Settings};

/// Reads both.
pub(super) fn read(root: &Table<'_>) -> Settings {
    let auth = root.table("auth");
    refuse_unbuilt(&auth);
    let client_id = auth.read("client_id", Value::text);
    let client_secret = auth.read("client_secret", Value::secret);
    if client_secret.is_some() && !auth.has("client_id") {
        let sentence =
            "without auth.client_id nobody uses it; name the app registration it belongs to"
                .to_owned();
        auth.note("client_secret", Fault::Contradiction(sentence));
    }
    let mut names = BTreeSet::new();
    let accounts = root.tables("service_account");
    Settings {
        client_id,
        client_secret: client_secret.map(Arc::new),
        service_accounts: accounts
            .iter()
            .filter_map(|account| read_account(account, &mut names))
            .collect(),
    }
}

fn read_account(account: &Table<'_>, names: &mut BTreeSet<String>) -> Option<ServiceAccount> {
    let name = account.require("name", "\"vpn\"", |name| {
        name.parsed(
            "a name of letters, digits, inner spaces and . _ - @",
            "\"vpn\"",
            text::plain_name,
        )
    });
    // LDAP ignores the case of cn, so two accounts must differ in more than that.
    if let Some(name) = name
        .clone()
        .filter(|name| !names.insert(name.to_lowercase()))
    {
        let sentence =
            format!("there is a service account \"{name}\" already; give each a name of its own");
        account.note("name", Fault::Contradiction(sentence));
    }
    let password_hash = account.require(
        "password_hash",
        "\"…\", printed by `ldap365 hash-password`",
        Value::password_hash,
    );
    let networks = account.read("networks", read_networks).unwrap_or_default();
    Some(ServiceAccount {
        name: name?,
        password_hash: Arc::new(password_hash?),
        networks,
    })
}

fn read_networks(list: &Value<'_>) -> Option<Vec<IpNet>> {
    list.list("[\"10.0.0.0/8\"]", Value::network)
}

fn refuse_unbuilt(auth: &Table<'_>) {
    const CACHE_TTL: Duration = Duration::from_secs(15 * 60);
    const OFFLINE_GRACE: Duration = Duration::from_secs(24 * 60 * 60);
    // Microsoft is asked at every bind, and no verifier is kept: zero is as true as the default.
    auth.read_unbuilt(
        "cache_ttl",
        Value::duration,
        &[Duration::ZERO, CACHE_TTL],
        "leave it at \"15m\", or use \"0s\"",
    );
    let grace = [Duration::ZERO, OFFLINE_GRACE];
    auth.read_unbuilt(
        "offline_grace",
        Value::duration,
        &grace,
        "leave it at \"24h\", or use \"0s\"",
    );
    let accepts = |value: &Value<'_>| value.word(&[("reject", false), ("accept", true)]);
    auth.read_unbuilt("mfa", accepts, &[false], "leave it at \"reject\"");
    for name in ["offline_denied_groups", "local_groups"] {
        let groups = |list: &Value<'_>| list.list("[\"Admins\"]", Value::text);
        auth.read_unbuilt(name, groups, &[Vec::new()], "leave it at []");
    }
    auth.read_unbuilt(
        "trusted_networks",
        read_networks,
        &[Vec::new()],
        "leave it at []",
    );
}
