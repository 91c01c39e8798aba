//! Links between pages: opaque, followed as given, and never off the configured host.

use std::fmt;

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
