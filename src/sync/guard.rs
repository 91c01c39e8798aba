//! The mass-change guard (product contract §3): more than `max_change` within a day is held back until somebody
//! accepts it.
//!
//! Pure. It compares what is served with what would be, in people: those who would be deactivated, activated
//! or removed ([`people`]), and those who would lose or gain a membership ([`memberships`]). A kind of
//! change is counted from where everybody stood a day ago, so that a slow drip adds up and flapping does not,
//! and is held back as a whole when it concerns more than the limit. What is held is kept out of the served state
//! and noted in [`Directory::guard`]. Memberships in a group that came within the hour are not counted: filling a
//! new group takes nothing from anybody.

mod memberships;
mod people;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::directory::guard::{
    Accepted, ChangeKind, Guard, HeldChange, HeldKind, Memory, Moved, Standing, Subject,
};
use crate::directory::registry::Problem;
use crate::directory::{Decision, Directory, GroupId, Reason, UserId};

use super::Rules;
use memberships::Memberships;
use people::People;

pub use report::{Held, HeldItem, held};

/// How far back changes are added up, and how long an accepted change passes.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// How long after it came a group may be filled as one pleases.
const NEWCOMER: SignedDuration = SignedDuration::from_hours(1);

/// Whatever the limit, this many people may change at once.
const PEOPLE_FLOOR: usize = 5;

/// At this limit, in percent, nothing is ever held back.
const NO_LIMIT: u8 = 100;

/// The changes that are held back now: what an administrator sees, and may [accept].
pub fn changes_held(directory: &Directory) -> BTreeMap<Subject, Standing> {
    let subjects = directory.guard.subjects.iter();
    subjects
        .filter_map(|(&subject, memory)| Some((subject, memory.held.as_ref()?.to)))
        .collect()
}

/// Lets these changes pass, for a day, and whichever part of them comes; no others, even where more is held by
/// now. The caller [resettles](super::resettle) the directory.
pub fn accept(directory: &mut Directory, changes: &BTreeMap<Subject, Standing>, now: Timestamp) {
    for (&subject, &to) in changes {
        let memory = directory.guard.subjects.entry(subject).or_default();
        memory.accepted = Some(Accepted { to, at: now });
    }
}

/// The state to serve: `proposed` with names and numbers, without the changes that have to be held back.
///
/// `register` must hand out names and numbers, and is called twice when something is held: who goes and who
/// stays decides who may have a name.
pub(super) fn guarded(
    before: &Directory,
    proposed: Directory,
    rules: &Rules,
    now: Timestamp,
    is_first: bool,
    register: impl Fn(&mut Directory) -> Vec<Problem>,
) -> (Directory, Vec<Problem>) {
    let mut after = proposed.clone();
    let mut problems = register(&mut after);
    if is_first || rules.max_change >= NO_LIMIT {
        after.guard = Guard::default();
        return (after, problems);
    }
    let mut judge = Judge::new(before, &after, rules, now);
    judge.judge();
    let Judge { guard, holds, .. } = judge;
    let mut next = after;
    if !holds.is_empty() {
        next = proposed;
        holds.put_back(before, &mut next);
        problems = register(&mut next);
        holds.decide(before, &mut next);
    }
    next.guard = guard;
    (next, problems)
}

/// What must not change.
#[derive(Debug, Default)]
struct Holds {
    /// Who stays active though they would go, and who stays out though they would come.
    people: BTreeMap<UserId, ChangeKind>,
    /// The memberships that stay.
    memberships: memberships::Holds,
}

impl Holds {
    fn is_empty(&self) -> bool {
        self.people.is_empty() && self.memberships.is_empty()
    }

    /// Undoes the held changes of people, members and groups; then names and numbers can be handed out.
    fn put_back(&self, before: &Directory, next: &mut Directory) {
        for id in self.people.keys() {
            if !next.users.contains_key(id)
                && let Some(user) = before.users.get(id)
            {
                next.users.insert(*id, user.clone());
            }
        }
        self.memberships.put_back(before, &mut next.groups);
        let groups = &next.groups;
        next.decisions
            .groups
            .retain(|id, _| groups.contains_key(id));
        self.decide(before, next);
    }

    /// Undoes the held decisions, as far as the subject still has a name to be served by.
    fn decide(&self, before: &Directory, next: &mut Directory) {
        let registry = &next.registry;
        for (id, kind) in &self.people {
            let decision = match kind {
                ChangeKind::Activated => Some(Decision::Exclude(Reason::ChangeHeld)),
                _ => before.decisions.users.get(id).cloned(),
            };
            let is_named = registry.get(*id).is_some_and(|it| it.name.is_some());
            if let Some(decision) = decision.filter(|it| is_named || !it.is_include()) {
                next.decisions.users.insert(*id, decision);
            }
        }
        for (id, kind) in &self.memberships.groups {
            let decision = match kind {
                ChangeKind::MembershipsGained => Some(Decision::Exclude(Reason::ChangeHeld)),
                _ => before.decisions.groups.get(id).cloned(),
            };
            let is_named = registry.get(*id).is_some_and(|it| it.name.is_some());
            if let Some(decision) = decision.filter(|it| is_named || !it.is_include()) {
                next.decisions.groups.insert(*id, decision);
            }
        }
    }
}

/// One judgement: the two states, what is remembered, and what comes of it.
struct Judge<'a> {
    before: &'a Directory,
    after: &'a Directory,
    rules: &'a Rules,
    now: Timestamp,
    /// The memory to be: what has expired is gone already, and what is held is noted anew.
    guard: Guard,
    holds: Holds,
}

impl<'a> Judge<'a> {
    fn new(before: &'a Directory, after: &'a Directory, rules: &'a Rules, now: Timestamp) -> Self {
        Self {
            before,
            after,
            rules,
            now,
            guard: recent(&before.guard, now),
            holds: Holds::default(),
        }
    }

    fn judge(&mut self) {
        let people = People::of(self.before, self.after, &self.guard);
        let active = people.active;
        self.people(&people, active);
        let memberships = Memberships::of(
            self.before,
            self.after,
            &self.guard,
            self.rules.nested_groups,
            self.now,
        );
        self.memberships(memberships, active);
        self.guard.subjects.retain(|_, memory| !memory.is_empty());
    }

    fn people(&mut self, people: &People, active: usize) {
        for kind in [
            ChangeKind::Deactivated,
            ChangeKind::Activated,
            ChangeKind::Removed,
        ] {
            let count = people.counted.get(&kind).copied().unwrap_or_default();
            if self.exceeds(count, active) {
                self.note_kind(kind, count, active);
            }
        }
        for change in &people.changes {
            let subject = Subject::Person(change.id);
            let kind = change
                .kind
                .filter(|kind| self.guard.held.contains_key(kind));
            if let Some(kind) = kind.filter(|_| change.can_be_held()) {
                let decision = self.after.decisions.users.get(&change.id);
                let reason = decision.and_then(Decision::reason).cloned();
                self.note_held(subject, kind, change.held_at(), change.to, reason);
                self.holds.people.insert(change.id, kind);
            } else {
                let counts = change.kind.is_some() && !change.is_accepted;
                self.note_moved(subject, change.from, counts);
            }
        }
    }

    fn memberships(&mut self, memberships: Memberships<'_>, active: usize) {
        let (lost, gained) = (memberships.people_lost(), memberships.people_gained());
        for (kind, count) in [
            (ChangeKind::MembershipsLost, lost),
            (ChangeKind::MembershipsGained, gained),
        ] {
            if self.exceeds(count, active) {
                self.note_kind(kind, count, active);
            }
        }
        let mut exceeded =
            BTreeSet::from([ChangeKind::MembershipsLost, ChangeKind::MembershipsGained]);
        exceeded.retain(|kind| self.guard.held.contains_key(kind));
        let holds = memberships.holds(exceeded, &self.holds.people);
        let new = self.after.groups.keys();
        for &group in new.filter(|id| !self.before.groups.contains_key(id)) {
            let memory = self
                .guard
                .subjects
                .entry(Subject::Group(group))
                .or_default();
            let from = Standing::Absent;
            memory.moved = Some(Moved { from, at: self.now });
        }
        for pair in &memberships.pairs {
            if !holds.is_held(pair.kind()) {
                let subject = Subject::Membership(pair.group, pair.user.into());
                self.note_moved(subject, pair.from(), !pair.is_return);
            }
        }
        for (&(group, member), &kind) in &holds.members {
            let (from, to) = ends(kind, Standing::Absent);
            let subject = Subject::Membership(group, member);
            self.note_held(subject, kind, from, to, None);
        }
        for (&group, &kind) in &holds.groups {
            let rest = match self.after.groups.contains_key(&group) {
                true => Standing::Inactive,
                false => Standing::Absent,
            };
            let (from, to) = ends(kind, rest);
            let decision = self.after.decisions.groups.get(&group);
            let reason = decision.and_then(Decision::reason).cloned();
            self.note_held(Subject::Group(group), kind, from, to, reason);
        }
        for &group in &holds.kept_out {
            let to = group_standing(self.after, group);
            let kind = ChangeKind::MembershipsGained;
            self.note_held(Subject::Group(group), kind, Standing::Absent, to, None);
        }
        self.holds.memberships = holds;
    }

    /// More than the limit, and more than a handful.
    fn exceeds(&self, people: usize, active: usize) -> bool {
        people > PEOPLE_FLOOR && people * 100 > usize::from(self.rules.max_change) * active
    }

    fn note_kind(&mut self, kind: ChangeKind, people: usize, active: usize) {
        let known = self.before.guard.held.get(&kind);
        let held = HeldKind {
            people,
            active,
            max_change: self.rules.max_change,
            since: known.map_or(self.now, |known| known.since),
        };
        self.guard.held.insert(kind, held);
    }

    fn note_held(
        &mut self,
        subject: Subject,
        kind: ChangeKind,
        from: Standing,
        to: Standing,
        reason: Option<Reason>,
    ) {
        let known = self.before.guard.subjects.get(&subject);
        let known = known.and_then(|memory| memory.held.as_ref());
        let since = known
            .filter(|known| known.to == to)
            .map_or(self.now, |known| known.since);
        let memory = self.guard.subjects.entry(subject).or_default();
        memory.held = Some(HeldChange {
            kind,
            from,
            to,
            reason,
            since,
        });
    }

    /// A subject moves away from where it stood, or back there.
    fn note_moved(&mut self, subject: Subject, from: Standing, counts: bool) {
        let memory = self.guard.subjects.entry(subject).or_default();
        memory.moved = match counts {
            true => memory.moved.or(Some(Moved { from, at: self.now })),
            false => None,
        };
    }
}

/// From and to of a membership or group that goes or comes; `rest` is where it is when it is out.
fn ends(kind: ChangeKind, rest: Standing) -> (Standing, Standing) {
    match kind {
        ChangeKind::MembershipsGained => (rest, Standing::Active),
        _ => (Standing::Active, rest),
    }
}

/// Whether a judgement of the same state, made at `then`, may come out otherwise `now`: something held, which is
/// judged anew each time, or something remembered has run out since.
pub(super) fn is_due(guard: &Guard, then: Timestamp, now: Timestamp) -> bool {
    let is_older = |than: SignedDuration, at: Timestamp| now.duration_since(at) >= than;
    let was_older = |than: SignedDuration, at: Timestamp| then.duration_since(at) >= than;
    let has_passed = |at| {
        let passed = |limit| is_older(limit, at) != was_older(limit, at);
        passed(WINDOW) || passed(NEWCOMER)
    };
    let is_due = |memory: &Memory| {
        memory.held.is_some()
            || memory.moved.is_some_and(|moved| has_passed(moved.at))
            || memory
                .accepted
                .is_some_and(|accepted| has_passed(accepted.at))
    };
    !guard.held.is_empty() || guard.subjects.values().any(is_due)
}

/// The memory without what has run out, and without what is held, which is judged anew.
fn recent(guard: &Guard, now: Timestamp) -> Guard {
    let is_recent = |at: Timestamp| now.duration_since(at) < WINDOW;
    let subjects = guard.subjects.iter().filter_map(|(&subject, memory)| {
        let memory = Memory {
            moved: memory.moved.filter(|moved| is_recent(moved.at)),
            held: None,
            accepted: memory.accepted.filter(|accepted| is_recent(accepted.at)),
        };
        (!memory.is_empty()).then_some((subject, memory))
    });
    Guard {
        subjects: subjects.collect(),
        held: BTreeMap::new(),
    }
}

/// Whether a change to `to` was accepted.
fn is_accepted(guard: &Guard, subject: Subject, to: Standing) -> bool {
    let accepted = guard.subjects.get(&subject).and_then(|it| it.accepted);
    accepted.is_some_and(|accepted| accepted.to == to)
}

/// Where the subject stood a day ago, if it has moved since.
fn moved_from(guard: &Guard, subject: Subject) -> Option<Standing> {
    let memory = guard.subjects.get(&subject)?;
    Some(memory.moved?.from)
}

/// People who would be active: whoever goes altogether is counted as that, and not by memberships.
///
/// Not only those who were active before, or the count would move when somebody comes while a change is held.
fn active_people(after: &Directory) -> BTreeSet<UserId> {
    let decisions = after.decisions.users.iter();
    let active = decisions.filter(|(_, decision)| decision.is_include());
    active.map(|(&id, _)| id).collect()
}

fn group_standing(directory: &Directory, id: GroupId) -> Standing {
    match (
        directory.groups.contains_key(&id),
        directory.decisions.is_imported(id),
    ) {
        (false, _) => Standing::Absent,
        (true, false) => Standing::Inactive,
        (true, true) => Standing::Active,
    }
}

#[cfg(test)]
mod tests;
