//! Microsoft Graph: the tenant's users and groups as a series of delta pages.
//!
//! Stand-in for the client that is being built elsewhere.

pub mod group;
mod link;
mod page;
pub mod problem;
mod property;
pub mod user;

use url::Url;

pub use group::{GroupChange, GroupPatch, MemberChange};
pub use link::Link;
pub use page::{Change, Next, Page, Removal};
pub use problem::{Flaw, Problem};
pub use user::{UserChange, UserPatch};

/// What it takes to reach Graph.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of Graph, `https://graph.microsoft.com`; `/v1.0` is added here.
    pub graph_url: Url,
}

/// Stand-in until the client is merged.
#[derive(Debug)]
pub struct GraphClient;

/// Stand-in until the client is merged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Start over.
    #[error("resync required")]
    ResyncRequired,
    /// No token.
    #[error("sign-in failed")]
    Token,
    /// The token is refused.
    #[error("token refused")]
    TokenRefused,
    /// Anything else.
    #[error("unavailable")]
    Unavailable,
}

#[allow(clippy::unused_async, missing_docs)]
impl GraphClient {
    pub fn users_delta_start(&self) -> Link {
        Link("users".to_owned())
    }
    pub fn groups_delta_start(&self) -> Link {
        Link("groups".to_owned())
    }
    pub async fn page_with_retry<C: Change>(&self, _link: &Link) -> Result<Page<C>, Error> {
        Err(Error::Unavailable)
    }
}
