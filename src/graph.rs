//! Microsoft Graph: the tenant's users and groups as a series of delta pages.

use url::Url;

/// What it takes to reach Graph.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of Graph, `https://graph.microsoft.com`; `/v1.0` is added here.
    pub graph_url: Url,
}
