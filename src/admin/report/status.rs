//! How the daemon is doing (`ldap365 status`), and whether it serves (`/readyz`).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::explanation::GroupReference;
use super::moment;

/// How the daemon is doing (`ldap365 status`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// The daemon's version, which may not be the command's.
    pub version: String,
    /// The tenant, as the configuration names it.
    pub tenant: String,
    /// When the daemon started; `None` when none runs and the store was asked.
    pub since: Option<Timestamp>,
    /// The worst news there is.
    pub state: Health,
    /// Why `state` is not `ok`, and who must do what; one sentence each.
    pub problems: Vec<String>,
    /// The users phase of the sync.
    pub users: PhaseReport,
    /// The groups phase of the sync.
    pub groups: PhaseReport,
    /// When the next pass starts; `None` while one is running.
    pub next_pass: Option<Timestamp>,
    /// People who can be found and can bind.
    pub people_active: usize,
    /// People of the tenant whom no search finds.
    pub people_inactive: usize,
    /// Groups that are served.
    pub groups_imported: usize,
    /// Groups of the tenant that are not.
    pub groups_not_imported: usize,
    /// People whose served entry is not, or not yet, what the tenant says: frozen, or held back by the guard.
    pub people_withheld: usize,
    /// Groups of which the same is true.
    pub groups_withheld: usize,
    /// People and groups of whom something is not as the tenant or an administrator wants it; `ldap365 users` and
    /// `ldap365 groups` name them.
    pub flawed: usize,
    /// The group that each name in a rule means.
    pub pins: Vec<Pin>,
    /// Every credential, in the order they are tried.
    pub credentials: Vec<CredentialReport>,
}

/// Whether an administrator has to do something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Nothing to do.
    Ok,
    /// Something is missing or old; the rest works.
    Degraded,
    /// The directory cannot be brought up to date.
    Failing,
}

/// How far one phase of the sync has come.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PhaseReport {
    /// When it was last committed; `None` before the first time.
    pub completed: Option<Timestamp>,
    /// When it last enumerated everything.
    pub enumerated: Option<Timestamp>,
    /// Objects of the tenant held.
    pub objects: usize,
    /// Objects that the last commit added, changed or removed.
    pub changes: usize,
    /// Why the last attempt failed, when it did.
    pub failure: Option<String>,
}

/// A group name in a rule, and the object it was pinned to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Pin {
    /// The name as the rule spells it.
    pub rule: String,
    /// The group it means; its name now, and its object id.
    #[serde(flatten)]
    pub group: GroupReference,
}

/// How one credential is doing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CredentialReport {
    /// Its name in the configuration.
    pub name: String,
    /// When Microsoft last accepted it.
    pub accepted: Option<Timestamp>,
    /// Why it was refused last time; `None` when it was accepted, or never tried.
    pub failure: Option<String>,
}

/// Whether hosts should be sent here (`/readyz`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Readiness {
    /// A snapshot is being served, and the listeners are up.
    pub is_ready: bool,
    /// Why not; `None` when it is.
    pub reason: Option<String>,
}

impl Readiness {
    /// Clients are being served.
    pub fn ready() -> Self {
        Self {
            is_ready: true,
            reason: None,
        }
    }

    /// Clients would be turned away, because of `reason`.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self {
            is_ready: false,
            reason: Some(reason.into()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ldap365 {} for {}, ", self.version, self.tenant)?;
        match self.since {
            Some(since) => writeln!(f, "running since {}", moment(since))?,
            None => writeln!(f, "not running: this is what the store holds")?,
        }
        writeln!(f, "state:   {}", self.state)?;
        for problem in &self.problems {
            writeln!(f, "         {problem}")?;
        }
        writeln!(
            f,
            "people:  {} active, {} inactive",
            self.people_active, self.people_inactive
        )?;
        writeln!(
            f,
            "groups:  {} imported, {} not imported",
            self.groups_imported, self.groups_not_imported
        )?;
        if self.people_withheld + self.groups_withheld > 0 {
            writeln!(
                f,
                "withheld: {} people and {} groups are not served as the tenant has them",
                self.people_withheld, self.groups_withheld
            )?;
        }
        if self.flawed > 0 {
            writeln!(
                f,
                "flaws:   {} people and groups; `ldap365 users` and `ldap365 groups` name them",
                self.flawed
            )?;
        }
        for pin in &self.pins {
            writeln!(f, "rule:    \"{}\" means {}", pin.rule, pin.group)?;
        }
        writeln!(f, "users phase:  {}", self.users)?;
        writeln!(f, "groups phase: {}", self.groups)?;
        match (self.next_pass, self.since) {
            (Some(at), _) => write!(f, "next pass:    {}", moment(at))?,
            (None, Some(_)) => f.write_str("next pass:    one is running")?,
            (None, None) => f.write_str("next pass:    none until the daemon is started")?,
        }
        for credential in &self.credentials {
            write!(f, "\ncredential {credential}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        })
    }
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.completed {
            None => f.write_str("never completed")?,
            Some(at) => {
                write!(
                    f,
                    "completed {}, {} objects, {} changes",
                    moment(at),
                    self.objects,
                    self.changes
                )?;
            }
        }
        if let Some(at) = self.enumerated {
            write!(f, "; full enumeration {}", moment(at))?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "; failing: {failure}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CredentialReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (&self.failure, self.accepted) {
            (Some(failure), _) => write!(f, "refused: {failure}"),
            (None, Some(at)) => write!(f, "accepted {}", moment(at)),
            (None, None) => f.write_str("not tried yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().expect("an RFC 3339 moment"))
    }

    #[test]
    fn a_phase_says_when_it_worked_and_why_it_does_not() {
        let phase = PhaseReport {
            completed: at("2026-11-23T21:00:00.5Z"),
            enumerated: None,
            objects: 12,
            changes: 3,
            failure: Some("Graph cannot be reached".to_owned()),
        };
        let line = "completed 2026-11-23 21:00:00 UTC, 12 objects, 3 changes; failing: Graph cannot be reached";
        assert_eq!(phase.to_string(), line);
        assert_eq!(PhaseReport::default().to_string(), "never completed");
    }
}
