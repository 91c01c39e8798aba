//! `[sync]`: when, and by which rules.

use std::collections::BTreeSet;
use std::time::Duration;

use super::problem::Fault;
use super::table::Table;
use super::text;
use super::value::Value;
use crate::directory::GroupKind;
use crate::sync::{Rules, Settings};

const INTERVAL: Duration = Duration::from_secs(60);
const FULL_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_CHANGE: u8 = 20;
const HOLD_NAMES: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// How long the name of a deleted object stays taken.
#[derive(Clone, Copy)]
enum Hold {
    For(Duration),
    Forever,
}

/// Reads `[sync]` but `hold_names`.
pub(super) fn read(sync: &Table<'_>) -> Settings {
    let interval = sync.read("interval", Value::interval).unwrap_or(INTERVAL);
    let full_interval = sync.read("full_interval", Value::interval);
    if full_interval.is_some_and(|full| full < interval) {
        let sentence =
            "shorter than sync.interval; a full enumeration is one of the passes".to_owned();
        sync.note("full_interval", Fault::Contradiction(sentence));
    }
    Settings {
        interval,
        full_interval: full_interval.unwrap_or(FULL_INTERVAL.max(interval)),
        rules: read_rules(sync),
    }
}

fn read_rules(sync: &Table<'_>) -> Rules {
    let names = |key, example: &str| {
        sync.read(key, |list| list.list(example, Value::text))
            .unwrap_or_default()
    };
    let flag = |key, default| sync.read(key, Value::boolean).unwrap_or(default);
    let percentage = |value: &Value<'_>| {
        value.parsed("a percentage from 0% to 100%", "\"20%\"", text::percentage)
    };
    Rules {
        users: flag("users", true),
        groups: flag("groups", true),
        guests: flag("guests", false),
        max_change: sync.read("max_change", percentage).unwrap_or(MAX_CHANGE),
        groups_without_email: flag("groups_without_email", false),
        group_prefixes: names("group_prefixes", "[\"eng-\"]"),
        allowed_groups: names("allowed_groups", "[\"Employees\"]"),
        ignored_groups: names("ignored_groups", "[\"Contractors\"]"),
        nested_groups: flag("nested_groups", true),
        group_kinds: sync
            .read("group_kinds", read_kinds)
            .unwrap_or(BTreeSet::from(GroupKind::ALL)),
    }
}

fn read_kinds(list: &Value<'_>) -> Option<BTreeSet<GroupKind>> {
    let words = GroupKind::ALL.map(|kind| (kind.as_str(), kind));
    let kinds = list.list("[\"microsoft365\", \"security\"]", |kind| kind.word(&words))?;
    Some(kinds.into_iter().collect())
}

/// Reads `hold_names`; `None` means for ever.
pub(super) fn read_hold_names(sync: &Table<'_>) -> Option<Duration> {
    let hold = |text: &str| match text {
        "forever" => Some(Hold::Forever),
        _ => text::duration(text).map(Hold::For),
    };
    let read = sync.read("hold_names", |value| {
        value.parsed("a duration or \"forever\"", "\"180d\"", hold)
    });
    match read.unwrap_or(Hold::For(HOLD_NAMES)) {
        Hold::For(duration) => Some(duration),
        Hold::Forever => None,
    }
}
