//! An administrator has a group name in a rule looked up anew.

use thiserror::Error;

use super::resolve::candidates;
use crate::directory::{Directory, GroupId};
use crate::sync::Rules;

/// A rule name that means this group from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repinned {
    /// The name as written in the rules.
    pub name: String,
    /// What it meant; `None` when it had never been resolved.
    pub before: Option<GroupId>,
    /// What it means now; it may be the same group.
    pub now: GroupId,
}

/// Why a name was not pinned anew; the pin stays as it was.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RepinError {
    /// No rule names it.
    #[error("no rule names \"{name}\"; sync.allowed_groups and sync.ignored_groups name: {}", quoted(.rules))]
    NotInRules {
        /// The name asked for.
        name: String,
        /// The names in the rules.
        rules: Vec<String>,
    },
    /// No group of the tenant answers to it.
    #[error(
        "no group in the tenant has the display name, mail address or object id \"{0}\"; change the rule"
    )]
    NoMatch(String),
    /// Several groups answer to it.
    #[error("several groups answer to \"{name}\": write one of these ids into the rule instead:{}", ids.iter().map(|id| format!(" {id}")).collect::<String>())]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The groups to choose from, by object id.
        ids: Vec<GroupId>,
    },
}

/// Pins a name of the rules to the one living group of the tenant that answers to it now.
///
/// The caller [resettles](crate::sync::resettle) the directory.
///
/// # Errors
/// Why there is no such group; nothing is changed then.
pub fn repin(directory: &mut Directory, rules: &Rules, name: &str) -> Result<Repinned, RepinError> {
    let names = || rules.allowed_groups.iter().chain(&rules.ignored_groups);
    if !names().any(|rule| rule == name) {
        return Err(RepinError::NotInRules {
            name: name.to_owned(),
            rules: names().cloned().collect(),
        });
    }
    let mut ids = candidates(&directory.tenant_groups(), name);
    let now = match ids[..] {
        [] => return Err(RepinError::NoMatch(name.to_owned())),
        [now] => now,
        _ => {
            ids.sort();
            let name = name.to_owned();
            return Err(RepinError::Ambiguous { name, ids });
        }
    };
    let before = directory.pins.insert(name.to_owned(), now);
    Ok(Repinned {
        name: name.to_owned(),
        before,
        now,
    })
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}
