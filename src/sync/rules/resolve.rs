//! From group names in the rules to the objects they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::directory::name::fold;
use crate::directory::{Directory, Group, GroupId, Pins};

use super::{RuleKey, RuleProblem, Rules, Warning};

/// The length of a GUID as Graph writes it; only this form counts as an object id.
const GUID_OCTETS: usize = 36;

/// Every name in the rules looked up.
pub(super) struct Resolved {
    pub(super) pins: Pins,
    pub(super) problems: Vec<RuleProblem>,
    pub(super) warnings: Vec<Warning>,
}

/// Looks every name up: in the pins first, and in the tenant only when it was never pinned.
///
/// Pins of names that the rules no longer mention are dropped.
pub(super) fn resolve(directory: &Directory, rules: &Rules) -> Resolved {
    let allowed = rules
        .allowed_groups
        .iter()
        .map(|name| (RuleKey::AllowedGroups, name));
    let ignored = rules
        .ignored_groups
        .iter()
        .map(|name| (RuleKey::IgnoredGroups, name));
    let mut names: Vec<_> = allowed.chain(ignored).collect();
    names.sort();
    names.dedup();

    let bearers = bearers(directory, names.iter().map(|(_, name)| name.as_str()));
    let mut resolved = Resolved {
        pins: Pins::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    for (key, name) in names {
        let bearers = bearers.get(&fold(name)).into_iter().flatten().copied();
        match directory.pins.get(name) {
            Some(&pinned) => resolved.keep(directory, key, name, pinned, bearers),
            None => resolved.pin(directory, key, name, bearers.collect()),
        }
    }
    resolved
}

impl Resolved {
    fn pin(&mut self, directory: &Directory, key: RuleKey, name: &str, bearers: Vec<GroupId>) {
        let candidates = match object_id(name) {
            Some(id) => directory
                .groups
                .contains_key(&id)
                .then_some(id)
                .into_iter()
                .collect(),
            None => bearers,
        };
        let name = name.to_owned();
        match candidates[..] {
            [] => self.problems.push(RuleProblem::NoMatch { key, name }),
            [id] => {
                self.pins.insert(name, id);
            }
            _ => self.problems.push(RuleProblem::Ambiguous {
                key,
                name,
                ids: candidates,
            }),
        }
    }

    fn keep(
        &mut self,
        directory: &Directory,
        key: RuleKey,
        name: &str,
        pinned: GroupId,
        bearers: impl Iterator<Item = GroupId>,
    ) {
        // The same name under both keys is one pin, and deserves one warning.
        let is_first = self.pins.insert(name.to_owned(), pinned).is_none();
        let name = || name.to_owned();
        match directory.groups.get(&pinned) {
            None => self.problems.push(RuleProblem::PinnedGroupGone {
                key,
                name: name(),
                id: pinned,
            }),
            Some(group) if group.is_deleted && is_first => {
                self.warnings.push(Warning::PinnedGroupDeleted {
                    name: name(),
                    id: pinned,
                });
            }
            Some(_) => {}
        }
        if is_first {
            let others = bearers.filter(|&other| other != pinned);
            self.warnings.extend(others.map(|other| Warning::Impostor {
                name: name(),
                pinned,
                other,
            }));
        }
    }
}

/// The living groups that have each of these names as display name or mail address, case ignored.
fn bearers<'a>(
    directory: &Directory,
    names: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, BTreeSet<GroupId>> {
    let mut bearers: BTreeMap<String, BTreeSet<GroupId>> =
        names.map(|name| (fold(name), BTreeSet::new())).collect();
    if bearers.is_empty() {
        return bearers;
    }
    for (&id, group) in directory
        .groups
        .iter()
        .filter(|(_, group)| !group.is_deleted)
    {
        for name in [&group.display_name, &group.mail].into_iter().flatten() {
            if let Some(ids) = bearers.get_mut(&fold(name)) {
                ids.insert(id);
            }
        }
    }
    bearers
}

/// The living groups that a name in a rule may mean: one, several, or none.
pub(super) fn candidates(groups: &BTreeMap<GroupId, Arc<Group>>, name: &str) -> Vec<GroupId> {
    let folded = fold(name);
    let id = object_id(name);
    let answers = |group_id: GroupId, group: &Group| match id {
        Some(id) => group_id == id,
        None => {
            let names = [&group.display_name, &group.mail];
            names.into_iter().flatten().any(|name| fold(name) == folded)
        }
    };
    let living = groups.iter().filter(|(_, group)| !group.is_deleted);
    living
        .filter(|(id, group)| answers(**id, group))
        .map(|(&id, _)| id)
        .collect()
}

fn object_id(name: &str) -> Option<GroupId> {
    let name = name.trim();
    (name.len() == GUID_OCTETS)
        .then(|| name.parse().ok())
        .flatten()
}
