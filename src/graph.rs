//! Microsoft Graph: the tenant's users and groups as a series of delta pages.
//!
//! [`GraphClient`] fetches one [`Page`] at a time and follows links exactly as given, but never off the
//! configured host; a [`Reader`] fetches those of a round, the next one ahead. Whatever JSON says is turned into directory types here, in [`user`] and [`group`]; an
//! object that cannot be read becomes a [`Problem`], never a failed page and never a removal. What to do
//! with changes, and when to ask, is for `sync` to know.
//!
//! Source: Microsoft Graph, "Use delta query to track changes" and "Throttling guidance".

mod ahead;
mod answer;
mod client;
mod error;
pub mod group;
mod link;
pub mod mapped;
mod page;
mod pause;
pub mod problem;
mod property;
pub mod retry;
pub mod user;

use url::Url;

pub use ahead::Reader;
pub use client::{DirectoryRole, GraphClient, Organization, SignedIn, VerifiedDomain};
pub use error::{Error, Kind, Trace};
pub use group::{GroupChange, GroupPatch, MemberChange};
pub use link::Link;
pub use page::{Change, Next, Page, Removal};
pub use problem::{Flaw, Problem};
pub use retry::Waiting;
pub use user::{UserChange, UserPatch};

/// What it takes to reach Graph.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of Graph, `https://graph.microsoft.com`; `/v1.0` is added here.
    pub graph_url: Url,
    /// Properties of users to ask for beside the built-in ones, as [`mapped::user_property`] spells them.
    pub mapped_user: Vec<String>,
    /// The same for groups ([`mapped::group_property`]).
    pub mapped_group: Vec<String>,
}
