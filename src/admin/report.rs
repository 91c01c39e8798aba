//! What the daemon says about itself: the JSON of the admin socket, and how the command line prints it.
//!
//! The field names are the contract with scripts (`--json`). `Display` is for people: whole lines, no line end at the
//! end. Nothing here holds a secret.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// Why one person is active or not (`ldap365 explain USER`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Explanation {
    /// The object id.
    pub object_id: Uuid,
    /// `userPrincipalName`
    pub user_principal_name: Option<String>,
    /// `displayName`
    pub display_name: Option<String>,
    /// `uid`; `None` when no name was ever won.
    pub username: Option<String>,
    /// `uidNumber`; `None` when none was ever handed out.
    pub uid_number: Option<u32>,
    /// Whether searches find the person and a bind may succeed.
    pub is_active: bool,
    /// The sentence that says why.
    pub reason: String,
    /// From the rule's group down to the one that holds the person; empty when no group decided.
    pub path: Vec<GroupReference>,
    /// Every group the person is a member of, imported or not.
    pub groups: Vec<GroupMembership>,
}

/// A group by name and id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupReference {
    /// `displayName`, or what stands in for it.
    pub name: String,
    /// The object id.
    pub object_id: Uuid,
}

/// A group of a person, and whether hosts see it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupMembership {
    /// Which group.
    #[serde(flatten)]
    pub group: GroupReference,
    /// Why the group is not imported; `None` when it is.
    pub not_imported: Option<String>,
}

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
    /// The pass is over. Nothing follows.
    Finished(PassSummary),
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
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
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

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent = "none";
        let activity = if self.is_active { "active" } else { "inactive" };
        let who = self
            .user_principal_name
            .as_deref()
            .or(self.display_name.as_deref());
        writeln!(
            f,
            "{}: {activity}",
            who.unwrap_or("a user without userPrincipalName")
        )?;
        writeln!(f, "reason:    {}", self.reason)?;
        if !self.path.is_empty() {
            let steps: Vec<String> = self.path.iter().map(GroupReference::to_string).collect();
            writeln!(f, "through:   {}", steps.join(" > "))?;
        }
        writeln!(f, "object id: {}", self.object_id)?;
        writeln!(
            f,
            "username:  {}",
            self.username.as_deref().unwrap_or(absent)
        )?;
        match self.uid_number {
            Some(number) => write!(f, "uidNumber: {number}")?,
            None => write!(f, "uidNumber: {absent}")?,
        }
        for membership in &self.groups {
            write!(f, "\nmember of: {}", membership.group)?;
            if let Some(reason) = &membership.not_imported {
                write!(f, ", not imported: {reason}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for GroupReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.object_id)
    }
}

impl fmt::Display for SyncEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { phase, objects } => write!(f, "{phase}: {objects} read"),
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
        for problem in &self.problems {
            write!(f, "\nproblem: {problem}")?;
        }
        for failure in &self.failures {
            write!(f, "\nfailed: {failure}")?;
        }
        Ok(())
    }
}

/// A moment to the second; the daemon's and the reader's time zones may differ, so it is UTC.
fn moment(at: Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M:%S UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().expect("an RFC 3339 moment"))
    }

    fn group(name: &str, id: u128) -> GroupReference {
        GroupReference {
            name: name.to_owned(),
            object_id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn an_explanation_shows_the_way_to_the_deciding_group() {
        let explanation = Explanation {
            object_id: Uuid::from_u128(1),
            user_principal_name: Some("ada@contoso.com".to_owned()),
            display_name: None,
            username: Some("ada".to_owned()),
            uid_number: None,
            is_active: false,
            reason: "member of the ignored group \"Contractors\"".to_owned(),
            path: vec![group("Contractors", 2), group("Temps", 3)],
            groups: vec![GroupMembership {
                group: group("Temps", 3),
                not_imported: Some("no mail".to_owned()),
            }],
        };
        assert_eq!(
            explanation.to_string(),
            "ada@contoso.com: inactive\n\
             reason:    member of the ignored group \"Contractors\"\n\
             through:   Contractors (00000000-0000-0000-0000-000000000002) > Temps (00000000-0000-0000-0000-000000000003)\n\
             object id: 00000000-0000-0000-0000-000000000001\n\
             username:  ada\n\
             uidNumber: none\n\
             member of: Temps (00000000-0000-0000-0000-000000000003), not imported: no mail"
        );
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
