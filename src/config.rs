//! The configuration file: read whole, refused whole, every problem named at once.
//!
//! [`load`] turns a file into a [`Config`], which is nothing but the `Settings` of each part. What a key means is said
//! where the setting is defined; how it is spelled, its default and what is refused stands in one file per table below.
//! No part imports this module.

mod admin;
mod attributes;
mod auth;
mod directory;
mod document;
mod ldap;
mod problem;
mod secret;
mod sync;
mod table;
mod tenant;
mod text;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::de::DeTable;
use zeroize::Zeroizing;

use crate::directory::attribute::MappedAttribute;
use crate::directory::registry::Policy;
use crate::{dit, graph, oauth};
use document::Document;
pub use document::Surroundings;
pub use problem::{Fault, Position, Problem};
use table::Table;
use value::Value;

/// Everything an administrator can set, dealt out to the parts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file all this was read from.
    pub file: PathBuf,
    /// Where the store keeps its files.
    pub data_dir: PathBuf,
    /// The sign-in service.
    pub oauth: oauth::Settings,
    /// How the sync signs in, best first; never empty.
    pub credentials: Vec<oauth::Credential>,
    /// Microsoft Graph.
    pub graph: graph::Settings,
    /// When to sync, and by which rules.
    pub sync: crate::sync::Settings,
    /// Names and numbers.
    pub registry: Policy,
    /// The shape of the tree.
    pub dit: dit::Settings,
    /// The LDAP listeners.
    pub ldap: crate::ldap::Settings,
    /// Passwords.
    pub auth: crate::auth::Settings,
    /// Health and the command line's socket.
    pub admin: crate::admin::Settings,
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be read; the administrator must create it, or name another.
    #[error("cannot read the configuration file {}; name another with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file was read, and has to be changed. One line for each problem.
    #[error("{}", Listing { path, problems })]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything wrong with it, in the order of the file; never empty.
        problems: Vec<Problem>,
    },
}

/// Reads the configuration file, and the files and environment variables its secrets come from.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(source) => {
            return Err(LoadError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    let surroundings = Surroundings {
        file: path,
        variable: &|name| std::env::var(name).ok(),
        read_file: &|path| fs::read_to_string(path),
    };
    parse(&text, &surroundings).map_err(|problems| LoadError::Invalid {
        path: path.to_owned(),
        problems,
    })
}

/// Reads the text of a configuration file; the problems come in its order.
///
/// After a syntax error only syntax errors are reported: the rest of the file was guessed.
pub fn parse(text: &str, surroundings: &Surroundings<'_>) -> Result<Config, Vec<Problem>> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let document = Document::new(text, surroundings);
    if !syntax_errors.is_empty() {
        syntax_errors
            .iter()
            .for_each(|error| document.note_syntax(error));
        return Err(document.into_problems());
    }
    let config = read(&document.root(root.get_ref()));
    document.note_strangers(root.get_ref());
    match (config, document.into_problems()) {
        (Some(read), problems) if problems.is_empty() => Ok(Config {
            file: surroundings.file.to_owned(),
            ..read
        }),
        (_, problems) => Err(problems),
    }
}

/// Reads every table, whatever the ones before it hold, so that one run finds every problem.
fn read(root: &Table<'_>) -> Option<Config> {
    let data_dir = root.read("data_dir", Value::path);
    let tenant = tenant::read_tenant(&root.table("tenant"));
    let credentials = tenant::read_credentials(root);
    let sync_table = root.table("sync");
    let sync = sync::read(&sync_table);
    let hold_names = sync::read_hold_names(&sync_table);
    let directory = directory::read(&root.table("directory"));
    let users_may_read = directory
        .as_ref()
        .map_or(crate::ldap::UsersMayRead::OwnEntry, |read| {
            read.users_may_read
        });
    let ldap = ldap::read(&root.table("ldap"), users_may_read);
    let auth = auth::read(root);
    let admin = admin::read(&root.table("admin"));

    let (oauth, graph_url) = tenant?;
    let directory = directory?;
    let properties = |mapped: &[MappedAttribute]| {
        let properties: BTreeSet<_> = mapped
            .iter()
            .map(|mapped| mapped.property.clone())
            .collect();
        properties.into_iter().collect()
    };
    Some(Config {
        file: PathBuf::new(),
        data_dir: data_dir.unwrap_or_else(|| PathBuf::from("/var/lib/ldap365")),
        oauth,
        credentials,
        graph: graph::Settings {
            graph_url,
            mapped_user: properties(&directory.mapping.user),
            mapped_group: properties(&directory.mapping.group),
        },
        registry: Policy {
            hold_names,
            ..directory.policy
        },
        dit: dit::Settings {
            base: directory.base,
            login_shell: directory.login_shell,
            mapping: directory.mapping,
            inactive_users: directory.inactive_users,
            guests: sync.rules.guests,
            primary_group: directory.primary_group,
            nested_groups: sync.rules.nested_groups,
            service_accounts: auth
                .service_accounts
                .iter()
                .map(|account| account.name.clone())
                .collect(),
        },
        sync,
        ldap,
        auth,
        admin,
    })
}

/// Problems with the file they are in, one a line.
struct Listing<'a> {
    path: &'a Path,
    problems: &'a [Problem],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let separator = if problem.position.is_some() { "" } else { " " };
            write!(f, "{}:{separator}{problem}", self.path.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
