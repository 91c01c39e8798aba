//! What an administrator has set for single people and groups here, whatever the tenant says.

use std::collections::BTreeMap;

use super::ObjectId;

/// Local settings by object id, and those that wait for an object that has not been read yet.
///
/// They survive every sync, and the deletion of the object: its number stays its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Of objects that are known.
    pub objects: BTreeMap<ObjectId, Override>,
    /// Of names that are not known yet: a folded userPrincipalName, mail address or group display name, as
    /// imported from another directory before the first sync. Taken over by the first object of that name.
    pub awaited: BTreeMap<String, Override>,
}

/// What is set for one object; absent means that the tenant or the configuration decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// `uidNumber` and private `gidNumber` of a person, `gidNumber` of a group. Counts at first registration; later
    /// only through `ldap365 ids adopt`.
    pub number: Option<u32>,
    /// `loginShell` of a person.
    pub login_shell: Option<String>,
    /// `homeDirectory` of a person. Counts at first registration.
    pub home: Option<String>,
    /// `sshPublicKey` values of a person, beside those of a mapped attribute.
    pub ssh_keys: Vec<String>,
}

impl Override {
    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
