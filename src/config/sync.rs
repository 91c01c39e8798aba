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
const HOLD_NAMES: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// How long the name of a deleted object stays taken.
#[derive(Clone, Copy)]
enum Hold {
    For(Duration),
    Forever,
}

/// Reads `[sync]` but `hold_names`.
pub(super) fn read(sync: &Table<'_>) -> Settings {
    refuse_unbuilt(sync);
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
    Rules {
        groups_without_email: sync
            .read("groups_without_email", Value::boolean)
            .unwrap_or(false),
        group_prefixes: names("group_prefixes", "[\"eng-\"]"),
        allowed_groups: names("allowed_groups", "[\"Employees\"]"),
        ignored_groups: names("ignored_groups", "[\"Contractors\"]"),
        nested_groups: sync.read("nested_groups", Value::boolean).unwrap_or(true),
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

fn refuse_unbuilt(sync: &Table<'_>) {
    sync.read_unbuilt("users", Value::boolean, &[true], "leave it at true");
    sync.read_unbuilt("groups", Value::boolean, &[true], "leave it at true");
    sync.read_unbuilt("guests", Value::boolean, &[false], "leave it at false");
    let percentage = |value: &Value<'_>| {
        value.parsed("a percentage from 0% to 100%", "\"20%\"", text::percentage)
    };
    sync.read_unbuilt("max_change", percentage, &[20], "leave it at \"20%\"");
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
