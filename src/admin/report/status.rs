//! How the daemon is doing (`ldap365 status`), and whether it serves (`/readyz`).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// What the attempt under way waits for, when a page is to be asked for again.
    #[serde(default)]
    pub retrying: Option<String>,
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
    /// `secret`, `certificate` or `delegated`.
    pub kind: String,
    /// `untried`, `working`, `failing` or `not-authorized`.
    pub standing: String,
    /// Since when that is so; `None` while untried.
    pub since: Option<Timestamp>,
    /// The sync reads with it now.
    pub in_use: bool,
    /// Why the last attempt failed; beside `working` it is an outage, which says nothing about the credential.
    pub failure: Option<FailureReport>,
    /// Who signed in for it, when it is delegated and somebody has.
    pub authorized_by: Option<AuthorizedByReport>,
    /// What ends soon or has ended, and what to do; one sentence each.
    pub notices: Vec<String>,
}

/// Why a credential did not work.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FailureReport {
    /// The class, in kebab case: `secret-expired`, `revoked`, `outage`.
    pub class: String,
    /// What is the case.
    pub reason: String,
    /// What to do; empty when the reason says it.
    pub advice: String,
    /// Finds the attempt in the tenant's sign-in log.
    pub correlation_id: Option<String>,
}

/// Who signed in for a delegated credential.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuthorizedByReport {
    /// The object id.
    pub object_id: Uuid,
    /// The name they signed in with.
    pub name: Option<String>,
    /// When they signed in.
    pub authorized: Timestamp,
    /// When the authorisation was last renewed.
    pub renewed: Timestamp,
    /// The permissions that were granted.
    pub scopes: Vec<String>,
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
        if let Some(reason) = &self.retrying {
            write!(f, "; retrying: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CredentialReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.kind, self.standing)?;
        if let Some(since) = self.since {
            write!(f, " since {}", moment(since))?;
        }
        if self.in_use {
            f.write_str(", in use")?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "\n  {failure}")?;
        }
        if let Some(who) = &self.authorized_by {
            write!(f, "\n  {who}")?;
        }
        for notice in &self.notices {
            write!(f, "\n  {notice}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FailureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.reason)?;
        if !self.advice.is_empty() {
            write!(f, ": {}", self.advice)?;
        }
        match &self.correlation_id {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AuthorizedByReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.object_id;
        match &self.name {
            Some(name) => write!(f, "authorised by {name} ({id})")?,
            None => write!(f, "authorised by {id}")?,
        }
        let (authorized, renewed) = (moment(self.authorized), moment(self.renewed));
        write!(f, " on {authorized}, renewed {renewed}")
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
            retrying: None,
        };
        let line = "completed 2026-11-23 21:00:00 UTC, 12 objects, 3 changes; failing: Graph cannot be reached";
        assert_eq!(phase.to_string(), line);
        assert_eq!(PhaseReport::default().to_string(), "never completed");
    }

    #[test]
    fn a_phase_that_waits_says_for_what() {
        let phase = PhaseReport {
            retrying: Some("too many requests, for 7 s".to_owned()),
            ..PhaseReport::default()
        };
        let line = "never completed; retrying: too many requests, for 7 s";
        assert_eq!(phase.to_string(), line);
    }

    #[test]
    fn a_credential_says_how_it_is_why_and_who_stands_behind_it() {
        let credential = CredentialReport {
            name: "backup".to_owned(),
            kind: "delegated".to_owned(),
            standing: "failing".to_owned(),
            since: at("2026-11-23T21:00:00Z"),
            in_use: false,
            failure: Some(FailureReport {
                class: "revoked".to_owned(),
                reason: "the session was revoked (AADSTS50173)".to_owned(),
                advice: "run `ldap365 authorize backup`".to_owned(),
                correlation_id: Some("c-1".to_owned()),
            }),
            authorized_by: Some(AuthorizedByReport {
                object_id: Uuid::from_u128(7),
                name: Some("ada@contoso.com".to_owned()),
                authorized: at("2026-11-01T08:00:00Z").expect("a moment"),
                renewed: at("2026-11-23T20:00:00Z").expect("a moment"),
                scopes: vec!["User.Read.All".to_owned()],
            }),
            notices: vec!["the authorisation ends on 2027-02-21".to_owned()],
        };
        assert_eq!(
            credential.to_string(),
            "backup (delegated): failing since 2026-11-23 21:00:00 UTC\n  \
             revoked: the session was revoked (AADSTS50173): run `ldap365 authorize backup` (correlation id c-1)\n  \
             authorised by ada@contoso.com (00000000-0000-0000-0000-000000000007) on 2026-11-01 08:00:00 UTC, \
             renewed 2026-11-23 20:00:00 UTC\n  \
             the authorisation ends on 2027-02-21"
        );
    }
}
