//! The sync: reads what changed in the tenant, applies the administrator's rules, hands over whole states.
//!
//! A pass has two phases, users and groups, read side by side and committed in that order. Each is a
//! [`round`] of delta pages; at its end the [`rules`] decide anew, the registry hands out names and numbers,
//! and the whole new state goes to `commit`, which makes it durable and serves it. A phase that does not reach its end changes nothing. How the
//! state is stored or served is not known here. Start with [`pass()`], then [`settle`].

pub mod apply;
mod error;
mod freeze;
pub mod guard;
pub mod pass;
pub mod phase;
mod reading;
pub mod round;
pub mod rules;
pub mod schedule;
mod settlement;
pub mod summary;
pub mod tally;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::directory::registry::{self, Policy};
use crate::directory::{
    Decision, Directory, GroupKind, Groups, Reason, Shared, State, Users, Withheld,
};

pub use error::Error;
pub use guard::Held;
pub use pass::{Event, Order, Source, pass, pass_from};
pub use phase::PhaseName;
pub use reading::Unfinished;
pub use rules::{RepinError, Repinned, RuleProblem, Warning, repin};
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
    /// Follow the tenant's people. When false, those held are frozen: nobody new, no property changes; the
    /// rules still apply, and whoever is disabled or deleted still goes.
    pub users: bool,
    /// Serve groups. When false, they are read for the rules only.
    pub groups: bool,
    /// Let guests in.
    pub guests: bool,
    /// The mass-change guard's limit, in percent of the active people; 100 never holds anything back.
    pub max_change: u8,
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
    /// What the mass-change guard holds back: the state is degraded.
    pub held: Held,
    /// Group names that cannot be resolved: the state is degraded, and nothing new is let in.
    pub problems: Vec<RuleProblem>,
    /// What deserves a look, though the rules work.
    pub warnings: Vec<Warning>,
    /// What registering had to report on single people and groups.
    pub registrations: Vec<registry::Problem>,
}

/// The users and groups as the tenant has them, read whole; pinned groups that were deleted included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tenant {
    /// Every user.
    pub users: Shared<Users>,
    /// Every group.
    pub groups: Shared<Groups>,
}

impl Tenant {
    /// The tenant as it was last read.
    pub fn of(directory: &Directory) -> Self {
        Self {
            users: directory.tenant_users(),
            groups: directory.tenant_groups(),
        }
    }
}

/// The directory that is to be served next: the tenant under the rules, with names and numbers handed out.
///
/// `before` is the directory as last committed. `is_first` says that it is not [servable](is_servable) yet,
/// which exempts from the mass-change guard. What is served otherwise than the tenant says is in
/// [`Directory::withheld`] afterwards. Settling the result again changes nothing more.
pub fn settle(
    before: &Directory,
    tenant: Tenant,
    rules: &Rules,
    policy: &Policy,
    now: Timestamp,
    is_first: bool,
) -> (Directory, Settled) {
    let Tenant { users, mut groups } = tenant;
    let (readable, mut warnings) = freeze::readable(before, &groups);
    let mut next = Directory {
        users: users.clone(),
        groups: readable,
        ..before.clone()
    };
    let verdict = rules::decide(&next, rules);
    next.decisions = verdict.decisions.into();
    next.pins = verdict.pins;
    forget_unpinned_deleted_groups(&mut next);
    if groups.keys().any(|id| !next.groups.contains_key(id)) {
        groups.retain(|id, _| next.groups.contains_key(id));
    }
    warnings.retain(|warning| is_of_concern(warning, &next));
    warnings.splice(0..0, verdict.warnings);

    if !verdict.problems.is_empty() {
        freeze::freeze_memberships(before, &mut next);
    }
    if !rules.users {
        freeze::freeze_people(before, &mut next);
    }
    let register = |directory: &mut Directory| registry::register(directory, policy, now);
    let (mut next, registrations) = guard::guarded(before, next, rules, now, is_first, register);
    next.withheld = Withheld::between((&users, &groups), (&next.users, &next.groups));
    share(&mut next, before);
    let settled = Settled {
        held: guard::held(&next),
        problems: verdict.problems,
        warnings,
        registrations,
    };
    (next, settled)
}

/// What is equal to what it was becomes the very same, so that whoever compares need not look again.
fn share(next: &mut Directory, before: &Directory) {
    next.users.unify(&before.users);
    next.groups.unify(&before.groups);
    next.decisions.unify(&before.decisions);
    next.registry.unify(&before.registry);
    next.overrides.unify(&before.overrides);
}

/// A group that is neither served nor named by a rule is nobody's concern.
fn is_of_concern(warning: &Warning, directory: &Directory) -> bool {
    match warning {
        Warning::MembersHidden { id } | Warning::MembersUnreadable { id, .. } => {
            directory.decisions.is_imported(*id) || directory.pins.values().any(|pin| pin == id)
        }
        Warning::Impostor { .. } | Warning::PinnedGroupDeleted { .. } => true,
    }
}

/// The same without news from the tenant: at start-up, and when rules, policy or local settings have changed.
pub fn resettle(
    directory: &Directory,
    rules: &Rules,
    policy: &Policy,
    now: Timestamp,
    is_first: bool,
) -> (Directory, Settled) {
    let tenant = Tenant::of(directory);
    settle(directory, tenant, rules, policy, now, is_first)
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
    let deleted = directory
        .groups
        .iter()
        .filter(|(_, group)| group.is_deleted);
    let unpinned = deleted.map(|(&id, _)| id).filter(|id| !pinned.contains(id));
    for id in unpinned.collect::<Vec<_>>() {
        directory.groups.remove(&id);
        directory.decisions.groups.remove(&id);
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
