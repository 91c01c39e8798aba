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
pub mod matching;
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
pub use selection::Selection;
pub use snapshot::Snapshot;

/// How the tree is named and shaped (`[directory]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The naming context; one that [`entry::base_class`] accepts.
    pub base: Dn,
    /// `loginShell` of every person.
    pub login_shell: String,
    /// Members of nested groups count as members of a group entry.
    pub nested_groups: bool,
    /// Names of the service accounts, served as `cn=NAME` directly under the base.
    pub service_accounts: Vec<String>,
}
