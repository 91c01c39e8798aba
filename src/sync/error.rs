//! Why a phase of a pass, or the pass, came to nothing.

use crate::graph;

use super::PhaseName;

/// Why a phase was not committed. What was held before is still held.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Graph, or the way to it.
    #[error("the {phase} phase failed: {source}")]
    Graph {
        /// The phase that was being read.
        phase: PhaseName,
        /// What happened, and who must act.
        source: graph::Error,
    },
    /// A full enumeration was led back to a page it had read. The next pass tries again.
    #[error(
        "the {phase} phase was led in a circle: Graph sent a nextLink twice, after {pages} pages; nothing was changed"
    )]
    NextLinkRepeated {
        /// The phase that was being read.
        phase: PhaseName,
        /// How many pages it had read.
        pages: usize,
    },
    /// A full enumeration of users found nobody: no tenant is so, but a broken gateway answers so.
    #[error("the {phase} phase read the whole tenant and found nobody; nothing was changed")]
    NobodyThere {
        /// The phase that was being read.
        phase: PhaseName,
    },
    /// Graph enumerates objects and withholds what they are. The administrator must grant a permission.
    #[error(
        "the {phase} phase was told ids and nothing else, as Graph does when a permission is missing: grant the \
         application permission {permission} and give admin consent (Entra admin center, App registrations, API \
         permissions); nothing was changed"
    )]
    Withheld {
        /// The phase that was being read.
        phase: PhaseName,
        /// The least permission for it.
        permission: &'static str,
    },
    /// A full enumeration did not end, or went on without anything new. The next pass tries again.
    #[error("the {phase} phase did not end after {pages} pages; nothing was changed")]
    TooManyPages {
        /// The phase that was being read.
        phase: PhaseName,
        /// How many pages it had read.
        pages: usize,
    },
    /// What was read could not be made durable. The administrator must look at the store.
    #[error("the {phase} phase was read but could not be stored: {source}")]
    Commit {
        /// The phase that was to be committed.
        phase: PhaseName,
        /// The store's own words.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The phase that came to nothing.
    pub fn phase(&self) -> PhaseName {
        match self {
            Self::Graph { phase, .. }
            | Self::NextLinkRepeated { phase, .. }
            | Self::TooManyPages { phase, .. }
            | Self::NobodyThere { phase }
            | Self::Withheld { phase, .. }
            | Self::Commit { phase, .. } => *phase,
        }
    }

    /// Whether the other phase fails for the same reason, if it fails as well: no token to be had, nobody
    /// reached, or nowhere to put the result.
    pub fn is_common(&self) -> bool {
        match self {
            Self::Graph { source, .. } => {
                matches!(
                    source,
                    graph::Error::Token(_)
                        | graph::Error::TokenRefused { .. }
                        | graph::Error::Unreachable { .. }
                )
            }
            Self::Commit { .. } => true,
            Self::NextLinkRepeated { .. }
            | Self::TooManyPages { .. }
            | Self::Withheld { .. }
            | Self::NobodyThere { .. } => false,
        }
    }
}
