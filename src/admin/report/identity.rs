//! Names and numbers ever handed out (`ldap365 ids list`), and what is set here for single people.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One record of the registry.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct IdentityRow {
    /// The object id.
    pub object_id: Uuid,
    /// Whether it is a person or a group, as far as is known.
    pub kind: IdentityKind,
    /// A person's uidNumber and private gidNumber, or a group's gidNumber.
    pub number: u32,
    /// The number that an override or a mapped attribute asks for, when it is another one; see `ids adopt`.
    pub wanted_number: Option<u32>,
    /// `uid`, or `cn`; `None` when no name was ever won, or it was lost.
    pub name: Option<String>,
    /// Names given up by renames and still held.
    pub former_names: Vec<String>,
    /// The home directory of a person.
    pub home: Option<String>,
    /// When the object was seen deleted; `None` while it lives.
    pub deleted: Option<Timestamp>,
}

/// What a record of the registry belongs to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// A person.
    User,
    /// A group.
    Group,
    /// Deleted, and it left no trace of what it was.
    Unknown,
}

/// What an administrator has set here for one person or group (`ldap365 user show`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LocalSettings {
    /// The object id.
    pub object_id: Uuid,
    /// What people call the object.
    pub label: String,
    /// The number asked for here.
    pub number: Option<u32>,
    /// `loginShell`
    pub login_shell: Option<String>,
    /// The home directory asked for here.
    pub home: Option<String>,
    /// Why another home directory is served all the same, if that is so.
    #[serde(default)]
    pub home_kept: Option<String>,
    /// `sshPublicKey` values.
    pub ssh_keys: Vec<String>,
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for LocalSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.label, self.object_id)?;
        if let Some(number) = self.number {
            write!(f, "\nnumber:  {number}")?;
        }
        if let Some(shell) = &self.login_shell {
            write!(f, "\nshell:   {shell}")?;
        }
        if let Some(home) = &self.home {
            write!(f, "\nhome:    {home}")?;
        }
        if let Some(kept) = &self.home_kept {
            write!(f, "\nnote:    {kept}")?;
        }
        for key in &self.ssh_keys {
            write!(f, "\nSSH key: {key}")?;
        }
        let is_empty = self.number.is_none()
            && self.login_shell.is_none()
            && self.home.is_none()
            && self.ssh_keys.is_empty();
        match is_empty {
            true => f.write_str("\nnothing is set here: the tenant and the configuration decide"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_shown() {
        let settings = LocalSettings {
            label: "ada@contoso.com".to_owned(),
            login_shell: Some("/bin/zsh".to_owned()),
            ..LocalSettings::default()
        };
        assert_eq!(
            settings.to_string(),
            "ada@contoso.com (00000000-0000-0000-0000-000000000000)\nshell:   /bin/zsh"
        );
        let nothing = LocalSettings::default().to_string();
        assert!(
            nothing.ends_with("the tenant and the configuration decide"),
            "{nothing}"
        );
    }
}
