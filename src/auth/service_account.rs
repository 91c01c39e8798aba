//! Accounts of the configuration file.

use std::net::IpAddr;

use super::password_hash::{Match, Unchecked, Verifier};
use super::{Refusal, ServiceAccount, Unavailable, Verdict};
use crate::secret::Secret;

/// Checks a password even for a name that nobody has, so that time does not tell names.
pub(super) async fn verify(
    accounts: &[ServiceAccount],
    verifier: &Verifier,
    name: &str,
    password: &Secret,
    peer: IpAddr,
) -> Verdict {
    let account = find(accounts, name);
    // Before the hash: whoever is outside the networks must not fill the queue of those within.
    if account.is_some_and(|account| !is_allowed_from(account, peer)) {
        return Verdict::Refused(Refusal::NetworkNotAllowed);
    }
    let outcome = verifier
        .check(password, account.map(|account| &account.password_hash))
        .await;
    match (account, outcome) {
        (_, Err(Unchecked::Busy)) => Verdict::Busy,
        (_, Err(Unchecked::Stopping)) => Verdict::Unavailable(Unavailable::Stopping),
        (None, Ok(_)) => Verdict::Refused(Refusal::UnknownServiceAccount),
        (Some(_), Ok(Match::Unusable)) => Verdict::Refused(Refusal::HashUnusable),
        (Some(_), Ok(Match::No)) => Verdict::Refused(Refusal::WrongPassword),
        (Some(_), Ok(Match::Yes)) => Verdict::Success,
    }
}

/// The names are values of `cn`, which ignores case (RFC 4519 §2.3).
fn find<'a>(accounts: &'a [ServiceAccount], name: &str) -> Option<&'a ServiceAccount> {
    let name = name.to_lowercase();
    accounts
        .iter()
        .find(|account| account.name.to_lowercase() == name)
}

fn is_allowed_from(account: &ServiceAccount, peer: IpAddr) -> bool {
    // A listener on [::] reports IPv4 peers as ::ffff:a.b.c.d.
    let peer = peer.to_canonical();
    account.networks.is_empty()
        || account
            .networks
            .iter()
            .any(|network| network.contains(&peer))
}
