//! The directory information tree: the tenant as LDAP clients see it.

/// How the tree is named and shaped (`[directory]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The naming context, in RFC 4514 form.
    pub base_dn: String,
    /// `loginShell` of every person.
    pub login_shell: String,
    /// Members of nested groups count as members of a group entry.
    pub nested_groups: bool,
    /// Names of the service accounts, served as `cn=NAME` directly under the base.
    pub service_accounts: Vec<String>,
}
