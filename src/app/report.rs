//! What the sync says, in the words of the admin socket.

use crate::admin::report::pass::{GroupChanges, PassSummary, UserChanges};
use crate::directory::{Progress, State};
use crate::sync::tally::Tally;
use crate::sync::{PhaseName, Summary};

/// How many sentences about single people and groups stand among the problems; all are with `users` and `groups`.
pub(crate) const NAMED_MAX: usize = 5;

/// A pass for people and scripts.
pub(crate) fn pass_summary(summary: &Summary) -> PassSummary {
    let tally = |phase: &Option<crate::sync::summary::PhaseSummary>| {
        phase.as_ref().map_or(Tally::default(), |phase| phase.tally)
    };
    let (users, groups) = (tally(&summary.users), tally(&summary.groups));
    PassSummary {
        users: UserChanges {
            added: users.added,
            changed: users.changed,
            removed: users.removed,
            activated: summary.activated.count,
            deactivated: summary.deactivated.count,
        },
        groups: GroupChanges {
            added: groups.added,
            changed: groups.changed,
            removed: groups.removed,
            imported: summary.imported.count,
            dropped: summary.dropped.count,
        },
        requests: summary.requests as u64,
        written: summary.written,
        duration_ms: summary.duration.as_millis() as u64,
        held: summary.settled.held.items.len(),
        is_dry_run: false,
        problems: problems(summary),
        failures: summary
            .errors
            .iter()
            .map(|error| with_causes(error))
            .collect(),
    }
}

fn problems(summary: &Summary) -> Vec<String> {
    let rules = summary.settled.problems.iter().map(ToString::to_string);
    let warnings = summary.settled.warnings.iter().map(ToString::to_string);
    let unreadable = summary.unreadable.iter().map(ToString::to_string);
    let left_out = summary
        .left_out
        .iter()
        .map(|property| refused_property(property));
    rules
        .chain(summary.settled.held.sentences())
        .chain(warnings)
        .chain(shortened(&summary.settled.registrations, NAMED_MAX))
        .chain(unreadable)
        .chain(left_out)
        .collect()
}

/// The first of many sentences, and how many more there are.
pub(crate) fn shortened(sentences: &[impl ToString], named_max: usize) -> Vec<String> {
    let named = sentences.iter().take(named_max);
    let mut shown: Vec<String> = named.map(ToString::to_string).collect();
    if let more @ 1.. = sentences.len().saturating_sub(named_max) {
        shown.push(format!(
            "and {more} more of that kind: `ldap365 users` and `ldap365 groups` name them"
        ));
    }
    shown
}

/// The properties that the tenant refused when it was last enumerated.
pub(crate) fn left_out(state: &State) -> Vec<String> {
    let Progress { users, groups } = &state.progress;
    users.refused.union(&groups.refused).cloned().collect()
}

/// The sentence about a property the tenant refuses.
pub(crate) fn refused_property(property: &str) -> String {
    format!("the tenant refuses the property {property}: entries are served without it")
}

/// Why a phase of a pass failed, if it did.
pub(crate) fn failure(summary: &Summary, phase: PhaseName) -> Option<String> {
    summary
        .errors
        .iter()
        .find(|error| error.phase() == phase)
        .map(|error| with_causes(error))
}

/// Nothing was added, changed or removed, and nothing is wrong.
pub(crate) fn is_quiet(done: &PassSummary) -> bool {
    done.users == UserChanges::default()
        && done.groups == GroupChanges::default()
        && done.problems.is_empty()
        && done.failures.is_empty()
}

/// An error and whatever its causes add to it, in one line.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let sentence = inner.to_string();
        if !text.contains(&sentence) {
            text.push_str(": ");
            text.push_str(&sentence);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_sentences_the_first_few_are_shown_and_the_others_counted() {
        let sentences: Vec<String> = (1..=58).map(|number| format!("{number} differs")).collect();
        let shown = shortened(&sentences, NAMED_MAX);
        assert_eq!(shown.len(), NAMED_MAX + 1);
        assert!(shown[NAMED_MAX].starts_with("and 53 more"), "{shown:?}");
        assert_eq!(shortened(&sentences[..5], NAMED_MAX), sentences[..5]);
    }
}
