//! The sync: reads what changed in the tenant, applies the administrator's rules, hands over whole states.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::directory::GroupKind;

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
