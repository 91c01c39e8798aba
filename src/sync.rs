//! The sync: reads what changed in the tenant, applies the administrator's rules, hands over whole states.
//!
//! A pass has two phases, users and groups. Each is a [`round`] of delta pages; at its end the [`rules`]
//! decide anew, the registry hands out names and numbers, and the whole new state goes to `commit`,
//! which makes it durable and serves it. A phase that does not reach its end changes nothing. How the
//! state is stored or served is not known here. Start with [`pass()`], then [`settle`].

pub mod apply;
mod error;
pub mod pass;
pub mod phase;
mod reading;
pub mod round;
pub mod rules;
pub mod schedule;
pub mod summary;
pub mod tally;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::directory::registry::{self, Policy};
use crate::directory::{Decision, Directory, GroupKind, Reason, State};

pub use error::Error;
pub use pass::{Event, Order, Source, pass, pass_from};
pub use phase::PhaseName;
pub use reading::Unfinished;
pub use rules::{RuleProblem, Warning};
pub use summary::Summary;

/// When to sync, and by which rules (product contract, `[sync]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time between the ends of two passes.
    pub interval: Duration,
    /// Age at which a phase enumerates everything again.
    pub full_interval: Duration,
    /// Who and what is let in.
    pub rules: Rules,
}

/// The administrator's rules, as written: group names are not resolved yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Import groups that have no mail address.
    pub groups_without_email: bool,
    /// Import only groups whose display name starts with one of these, case ignored; empty: all.
    pub group_prefixes: Vec<String>,
    /// Only members of one of these are active; empty: everyone.
    pub allowed_groups: Vec<String>,
    /// Members of one of these are inactive, whatever else holds.
    pub ignored_groups: Vec<String>,
    /// Members of nested groups count as members, in rules and in served groups.
    pub nested_groups: bool,
    /// Kinds of groups to import.
    pub group_kinds: BTreeSet<GroupKind>,
}

/// What the administrator should know about the rules after they were applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// Group names that cannot be resolved: the state is degraded, and nothing new is let in.
    pub problems: Vec<RuleProblem>,
    /// What deserves a look, though the rules work.
    pub warnings: Vec<Warning>,
}

/// Applies the rules to the directory, then hands out names and numbers.
///
/// After a phase of a pass, and at start-up without any network, because rules and policy may have
/// changed. Settling twice changes nothing more.
pub fn settle(
    directory: &mut Directory,
    rules: &Rules,
    policy: &Policy,
    now: Timestamp,
) -> Settled {
    let verdict = rules::decide(directory, rules);
    directory.decisions = verdict.decisions;
    directory.pins = verdict.pins;
    forget_unpinned_deleted_groups(directory);
    registry::register(directory, policy, now);
    Settled {
        problems: verdict.problems,
        warnings: verdict.warnings,
    }
}

/// Whether both phases have been committed at least once, so that the rules can be judged.
pub fn is_complete(state: &State) -> bool {
    state.progress.users.completed.is_some() && state.progress.groups.completed.is_some()
}

/// Whether there is a directory to serve: an empty answer before would say that nobody is there.
///
/// It is complete, and its rules have let somebody in, or have let nobody in for a reason other than
/// that they could not be resolved yet.
pub fn is_servable(state: &State) -> bool {
    let decisions = &state.directory.decisions.users;
    let is_unresolved = |decision: &Decision| decision.reason() == Some(&Reason::RulesUnresolved);
    let has_good_decisions =
        decisions.values().any(Decision::is_include) || !decisions.values().any(is_unresolved);
    is_complete(state) && has_good_decisions
}

/// A deleted group is kept for a rule only; without the rule there is no reason left.
fn forget_unpinned_deleted_groups(directory: &mut Directory) {
    let pinned: BTreeSet<_> = directory.pins.values().copied().collect();
    directory
        .groups
        .retain(|id, group| !group.is_deleted || pinned.contains(id));
    directory
        .decisions
        .groups
        .retain(|id, _| directory.groups.contains_key(id));
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
