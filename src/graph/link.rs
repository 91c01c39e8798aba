//! Links between pages: opaque, followed as given, and never off the configured host.

use std::fmt;

use url::Url;

use super::{Error, Trace};
use crate::directory::DeltaLink;

/// The URL of a page, whole and opaque: a first request, an `@odata.nextLink` or an `@odata.deltaLink`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Link(pub String);

impl From<&DeltaLink> for Link {
    fn from(link: &DeltaLink) -> Self {
        Self(link.0.clone())
    }
}

/// The link carries a token: its host and path are shown, the rest is not.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Link({}?…)",
            self.0.split('?').next().unwrap_or_default()
        )
    }
}

/// The link as a URL, when it has scheme, host and port of `root` and names no user. `trace` is the request that
/// brought it.
///
/// # Errors
/// [`Error::ForeignLink`], before any token is at hand.
pub(super) fn own(root: &Url, link: &str, trace: Option<&Trace>) -> Result<Url, Error> {
    let foreign = |origin: String| Error::ForeignLink {
        origin,
        expected: root.origin().ascii_serialization(),
        trace: trace.cloned(),
    };
    let url = Url::parse(link).map_err(|_| foreign("(not a URL)".to_owned()))?;
    // A user name in the URL would replace our Authorization header.
    let is_plain = url.username().is_empty() && url.password().is_none();
    if url.origin() == root.origin() && is_plain {
        Ok(url)
    } else {
        Err(foreign(url.origin().ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(link: &str) -> Result<Url, Error> {
        own(&"https://graph.example.com".parse().unwrap(), link, None)
    }

    #[test]
    fn own_link_is_kept_as_given() {
        let link = "https://graph.example.com/v1.0/users/delta()?$skiptoken=a_b-C~%2B=";
        assert_eq!(check(link).unwrap().as_str(), link);
        assert!(check("https://graph.example.com:443/v1.0/users").is_ok());
    }

    #[test]
    fn link_to_another_host_scheme_or_port_is_foreign() {
        for link in [
            "https://graph.example.org/v1.0/users",
            "https://graph.example.com.evil.test/v1.0/users",
            "http://graph.example.com/v1.0/users",
            "https://graph.example.com:8443/v1.0/users",
            "https://graph.example.com@evil.test/v1.0/users",
            "https://ada:pw@graph.example.com/v1.0/users",
            "/v1.0/users",
            "",
        ] {
            assert!(
                matches!(check(link), Err(Error::ForeignLink { .. })),
                "{link}"
            );
        }
    }

    #[test]
    fn token_in_a_link_is_invisible_to_debug() {
        let link = Link("https://graph.example.com/v1.0/users/delta?$skiptoken=sesame".to_owned());
        assert_eq!(
            format!("{link:?}"),
            "Link(https://graph.example.com/v1.0/users/delta?…)"
        );
    }
}
