//! What a pass does and did (`ldap365 sync`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::plan::PlannedChange;

/// What happens during a pass, as it happens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SyncEvent {
    /// A page was read.
    Read {
        /// The phase it belongs to.
        phase: Phase,
        /// Objects read in this phase so far.
        objects: usize,
    },
    /// Graph cannot be asked for a while, and will be asked again.
    Waiting {
        /// The phase that waits.
        phase: Phase,
        /// For how long, in seconds.
        seconds: u64,
        /// Why, in a sentence.
        reason: String,
    },
    /// Changes that were held back pass from now on (`--accept`).
    Accepted {
        /// How many people and groups they are about.
        objects: usize,
    },
    /// Something that a pass would change (`--dry-run`).
    Planned(PlannedChange),
    /// The pass is over. Nothing follows.
    Finished(PassSummary),
}

/// What kind of pass is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncOrder {
    /// Enumerate everything again, instead of asking for changes.
    #[serde(default)]
    pub full: bool,
    /// Only say what a pass would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Let the changes pass that are held back now.
    #[serde(default)]
    pub accept: bool,
}

/// Half of a pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Users.
    Users,
    /// Groups and who is in them.
    Groups,
}

/// What a pass did (`ldap365 sync`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PassSummary {
    /// What happened to people.
    pub users: UserChanges,
    /// What happened to groups.
    pub groups: GroupChanges,
    /// Requests made to Graph, repetitions included.
    pub requests: u64,
    /// Records written to the store, or removed from it.
    #[serde(default)]
    pub written: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// People and groups with changes that are held back; see `ldap365 sync --accept`.
    #[serde(default)]
    pub held: usize,
    /// Nothing was committed: this is what a pass would have done.
    #[serde(default)]
    pub is_dry_run: bool,
    /// What was left out or looks wrong, one sentence each; the pass was committed all the same.
    pub problems: Vec<String>,
    /// Phases that were not committed, one sentence each. Empty after a success.
    pub failures: Vec<String>,
}

/// What a pass did to people.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct UserChanges {
    /// New in the tenant.
    pub added: usize,
    /// Changed in the tenant.
    pub changed: usize,
    /// Gone from the tenant.
    pub removed: usize,
    /// Active, and was not before.
    pub activated: usize,
    /// No longer active.
    pub deactivated: usize,
}

/// What a pass did to groups.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct GroupChanges {
    /// New in the tenant.
    pub added: usize,
    /// Changed in the tenant, members included.
    pub changed: usize,
    /// Gone from the tenant.
    pub removed: usize,
    /// Imported, and was not before.
    pub imported: usize,
    /// No longer imported.
    pub dropped: usize,
}

impl fmt::Display for SyncEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { phase, objects } => write!(f, "{phase}: {objects} read"),
            Self::Waiting {
                phase,
                seconds,
                reason,
            } => write!(f, "{phase}: waiting {seconds} s: {reason}"),
            Self::Accepted { objects: 0 } => {
                f.write_str("nothing is held back: there is nothing to accept")
            }
            Self::Accepted { objects } => write!(
                f,
                "accepted: what was held back about {objects} people and groups passes now"
            ),
            Self::Planned(change) => change.fmt(f),
            Self::Finished(summary) => summary.fmt(f),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Groups => "groups",
        })
    }
}

impl fmt::Display for PassSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UserChanges {
            added,
            changed,
            removed,
            activated,
            deactivated,
        } = self.users;
        writeln!(
            f,
            "users:  {added} added, {changed} changed, {removed} removed; {activated} activated, {deactivated} deactivated"
        )?;
        let GroupChanges {
            added,
            changed,
            removed,
            imported,
            dropped,
        } = self.groups;
        writeln!(
            f,
            "groups: {added} added, {changed} changed, {removed} removed; {imported} newly imported, {dropped} no longer"
        )?;
        let seconds = self.duration_ms as f64 / 1000.0;
        write!(f, "{} requests in {seconds:.1} s", self.requests)?;
        if self.is_dry_run {
            f.write_str("\na dry run: nothing was changed")?;
        }
        for problem in &self.problems {
            write!(f, "\nproblem: {problem}")?;
        }
        for failure in &self.failures {
            write!(f, "\nfailed: {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_their_name_in_json() {
        let read = SyncEvent::Read {
            phase: Phase::Users,
            objects: 7,
        };
        let json = serde_json::to_string(&read).expect("serialises");
        assert_eq!(json, r#"{"event":"read","phase":"users","objects":7}"#);
        let finished = SyncEvent::Finished(PassSummary {
            requests: 4,
            ..PassSummary::default()
        });
        let json = serde_json::to_string(&finished).expect("serialises");
        assert!(
            json.starts_with(r#"{"event":"finished","users":{"added":0"#),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<SyncEvent>(&json).expect("reads back"),
            finished
        );
    }
}
