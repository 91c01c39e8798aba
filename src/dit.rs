//! The directory information tree: the tenant as LDAP clients see it.
//!
//! [`Snapshot::build`](snapshot::Snapshot::build) renders a [`Directory`](crate::directory::Directory)
//! once; every operation then works on that one immutable snapshot. Entries lie pre-encoded in an
//! [`arena`], an [`index`] leads from values to entries, a [`filter`] is answered from the indexes,
//! and a [`selection`] of attributes is copied out.
//!
//! It knows no sockets and no store. Read [`snapshot`] first, then [`entry`] for what is shown.

pub mod arena;
pub mod dn;
pub mod entry;
pub mod filter;
pub mod index;
pub mod mapping;
pub mod matching;
pub mod primary_group;
pub mod schema;
pub mod selection;
pub mod server_entries;
pub mod snapshot;
pub mod subschema;
#[cfg(test)]
pub(crate) mod tests;

pub use dn::Dn;
pub use filter::Filter;
pub use index::EntryId;
pub use primary_group::PrimaryGroup;
pub use selection::Selection;
pub use snapshot::Snapshot;

use crate::directory::attribute::Mapping;

/// How the tree is named and shaped (`[directory]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The naming context; one that [`entry::base_class`] accepts.
    pub base: Dn,
    /// `loginShell` of everyone who has no other.
    pub login_shell: String,
    /// Attributes taken from properties of the administrator's choice, instead of the built-in source.
    pub mapping: Mapping,
    /// Whether inactive people are found, locked in every way, or not at all.
    pub inactive_users: InactiveUsers,
    /// Guests are served. While they are not, an inactive one is not shown either.
    pub guests: bool,
    /// Whose number people have as `gidNumber`.
    pub primary_group: PrimaryGroup,
    /// Members of nested groups count as members of a group entry.
    pub nested_groups: bool,
    /// Names of the service accounts, served as `cn=NAME` directly under the base.
    pub service_accounts: Vec<String>,
}

/// What searches find of inactive people (product contract §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InactiveUsers {
    /// Nothing.
    #[default]
    Hide,
    /// Their entries, so that hosts can print names, and locked in every way a client may look.
    Show,
}
