//! Texts of the configuration file with a meaning: durations, addresses, URLs, names. Pure.

use std::net::IpAddr;
use std::time::Duration;

use argon2::PasswordHash;
use ipnet::IpNet;
use url::{Host, Url};

/// `90s`, `15m`, `24h` or `180d`: a whole number and one unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds_per_unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds_per_unit)
        .map(Duration::from_secs)
}

/// `20%`: a whole number from 0 to 100.
pub(super) fn percentage(text: &str) -> Option<u8> {
    let number = text.strip_suffix('%')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number
        .parse()
        .ok()
        .filter(|percent| is_number && *percent <= 100)
}

/// `10.0.0.0/8`, or a single address; bits beyond the prefix are dropped.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network: IpNet = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()?;
    Some(network.trunc())
}

/// An https URL without user, query and fragment; http only where the host is this machine.
pub(super) fn service_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_encrypted_or_local = match url.scheme() {
        "https" => true,
        "http" => is_loopback(url.host()?),
        _ => false,
    };
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (url.has_host() && is_encrypted_or_local && is_bare).then_some(url)
}

fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A verified domain of the tenant, or its id. The words that stand for "any tenant" are not one
/// (Entra: client credentials and the password grant refuse them).
pub(super) fn tenant(text: &str) -> Option<String> {
    let is_host_like = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_generic = matches!(text, "common" | "organizations" | "consumers");
    (is_host_like && !is_generic).then(|| text.to_owned())
}

/// A name that can stand in a DN without escapes (RFC 4514 §2.4).
pub(super) fn plain_name(text: &str) -> Option<String> {
    const NAME_CHARS_MAX: usize = 64;
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ' ');
    let fits = text.chars().all(is_safe)
        && text.trim() == text
        && (1..=NAME_CHARS_MAX).contains(&text.chars().count());
    fits.then(|| text.to_owned())
}

/// The string form of an Argon2id hash (PHC), complete with salt and output.
pub(super) fn is_argon2id_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| {
        hash.algorithm == argon2::ARGON2ID_IDENT && hash.salt.is_some() && hash.hash.is_some()
    })
}

/// What a field of a passwd line can hold: no colon, no control character.
pub(super) fn is_passwd_field(text: &str) -> bool {
    !text.contains(|c: char| c == ':' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_one_unit() {
        let seconds = |text| duration(text).map(|length| length.as_secs());
        assert_eq!(seconds("0s"), Some(0));
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("15m"), Some(900));
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("180d"), Some(15_552_000));
        for text in [
            "",
            "s",
            "5",
            "1 m",
            "1h30m",
            "-1s",
            "+1s",
            "1.5h",
            "1w",
            "1µ",
            "99999999999999999999d",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn percentages_are_whole_and_at_most_a_hundred() {
        assert_eq!(percentage("20%"), Some(20));
        assert_eq!(percentage("100%"), Some(100));
        for text in ["20", "%", "101%", "-1%", "+5%", "2.5%"] {
            assert_eq!(percentage(text), None, "{text}");
        }
    }

    #[test]
    fn a_network_may_be_a_single_address() {
        let read = |text| network(text).map(|network| network.to_string());
        assert_eq!(read("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(read("192.0.2.7").as_deref(), Some("192.0.2.7/32"));
        assert_eq!(read("2001:db8::1").as_deref(), Some("2001:db8::1/128"));
        assert_eq!(read("vpn.example.com"), None);
    }

    #[test]
    fn service_urls_are_encrypted_unless_they_stay_on_this_machine() {
        for text in [
            "https://graph.microsoft.com",
            "http://localhost:8080/graph",
            "http://127.3.2.1",
            "http://[::1]:1",
        ] {
            assert!(service_url(text).is_some(), "{text}");
        }
        for text in [
            "http://graph.microsoft.com",
            "http://localhost.example.com",
            "http://0.0.0.0",
            "ftp://localhost",
            "https://user:pass@graph.microsoft.com",
            "https://graph.microsoft.com/?a=b",
            "graph.microsoft.com",
        ] {
            assert_eq!(service_url(text), None, "{text}");
        }
    }

    #[test]
    fn a_tenant_is_one_tenant() {
        assert!(tenant("contoso.onmicrosoft.com").is_some());
        assert!(tenant("organizations").is_none());
        assert!(tenant("contoso/../x").is_none());
    }

    #[test]
    fn names_that_need_escapes_in_a_dn_are_not_plain() {
        assert!(plain_name("vpn-gateway_2 (old)").is_none());
        assert!(plain_name("vpn gateway-2").is_some());
        for text in [
            "", " vpn", "vpn ", "a,b", "a=b", "a+b", "#a", "a\"b", "a\\b", "a;b", "a<b", "a\0b",
        ] {
            assert!(plain_name(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_complete_argon2id_hashes_pass() {
        let salt = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ";
        assert!(is_argon2id_hash(&format!(
            "{salt}$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A"
        )));
        assert!(!is_argon2id_hash(salt));
        assert!(!is_argon2id_hash(
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A"
        ));
        assert!(!is_argon2id_hash("hunter2"));
    }
}
