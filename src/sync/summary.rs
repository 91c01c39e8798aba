//! What a pass did, for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::directory::{
    Decision, Directory, GroupId, Member, ObjectId, Progress, Reason, State, UserId,
};
use crate::graph::Problem;

use super::round::Mode;
use super::tally::Tally;
use super::{Error, Settled};

/// How many objects of each list a summary names unless more are asked for; beyond that it only counts.
pub const NAMED_MAX: usize = 100;

/// What a pass did.
#[derive(Debug)]
pub struct Summary {
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The users phase; `None` when it was not committed.
    pub users: Option<PhaseSummary>,
    /// The groups phase; `None` when it was not committed.
    pub groups: Option<PhaseSummary>,
    /// Users who are active now and were not, new ones included.
    pub activated: Moves,
    /// Users who were active and are not any more, deleted ones included.
    pub deactivated: Moves,
    /// Groups that are imported now and were not.
    pub imported: Moves,
    /// Groups that were imported and are not any more.
    pub dropped: Moves,
    /// Imported groups whose direct members are not the same as before, those imported anew included.
    pub memberships: Listed<MembershipChange>,
    /// Users and groups who are served under another name than before.
    pub renamed: Listed<Rename>,
    /// Pages asked for; repetitions within the client are not counted.
    pub requests: usize,
    /// Records written to the store, or removed from it, as whoever commits counts them; 0 in a dry run.
    pub written: usize,
    /// What the rules had to say, as of the last phase committed.
    pub settled: Settled,
    /// What could not be read of single objects, in phases that were committed.
    pub unreadable: Vec<Problem>,
    /// Properties that the tenant refuses: entries are served without them, and the state is degraded.
    pub left_out: Vec<String>,
    /// Why a phase, or both, came to nothing.
    pub errors: Vec<Error>,
}

/// What a committed phase did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseSummary {
    /// How it read, in the end.
    pub mode: Mode,
    /// How many pages it read.
    pub pages: usize,
    /// How many objects are new, different or gone.
    pub tally: Tally,
}

/// A list that may be longer than anyone reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// How many there are.
    pub count: usize,
    /// The first of them, by object id.
    pub first: Vec<T>,
}

/// Objects whose decision changed in one direction.
pub type Moves = Listed<Move>;

/// An object whose decision changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Which object.
    pub id: ObjectId,
    /// What people call it.
    pub label: String,
    /// Why it is out; `None` when it is in, and when it is no longer in the tenant at all.
    pub reason: Option<Reason>,
}

/// A group whose direct members changed.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipChange {
    /// Which group.
    pub id: GroupId,
    /// What people call it.
    pub label: String,
    /// What people call those who are in it and were not; nested groups included.
    pub gained: Listed<String>,
    /// What people call those who were in it and are not.
    pub lost: Listed<String>,
}

/// A user or group whose registered name changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Which object.
    pub id: ObjectId,
    /// The name before.
    pub from: String,
    /// The name now; `None` when it was lost to another object, or cannot be made any more.
    pub to: Option<String>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
        }
    }
}

impl<T> Listed<T> {
    /// Counts everything and keeps the first `named_max`.
    fn of(all: impl Iterator<Item = T>, named_max: usize) -> Self {
        let mut list = Self::default();
        for each in all {
            list.count += 1;
            if list.first.len() < named_max {
                list.first.push(each);
            }
        }
        list
    }

    /// Counts the others too, and keeps the first `named_max` of all.
    fn add(&mut self, other: Self, named_max: usize) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(named_max);
    }
}

impl Summary {
    /// Both phases were committed.
    pub fn is_success(&self) -> bool {
        self.users.is_some() && self.groups.is_some()
    }

    /// A pass that has done nothing yet.
    pub(super) fn begun(started: Timestamp) -> Self {
        Self {
            started,
            duration: Duration::ZERO,
            users: None,
            groups: None,
            activated: Moves::default(),
            deactivated: Moves::default(),
            imported: Moves::default(),
            dropped: Moves::default(),
            memberships: Listed::default(),
            renamed: Listed::default(),
            requests: 0,
            written: 0,
            settled: Settled::default(),
            unreadable: Vec::new(),
            left_out: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Adds what was different for clients after an administrator's acceptance, which took effect ahead of the pass.
    pub fn include(&mut self, before: &Arc<State>, after: &Arc<State>, named_max: usize) {
        let mut accepted = Self::begun(self.started);
        accepted.compare(before, after, named_max);
        self.activated.add(accepted.activated, named_max);
        self.deactivated.add(accepted.deactivated, named_max);
        self.imported.add(accepted.imported, named_max);
        self.dropped.add(accepted.dropped, named_max);
        self.memberships.add(accepted.memberships, named_max);
        self.renamed.add(accepted.renamed, named_max);
    }

    /// Notes what the pass changed for clients, naming up to `named_max` objects of each list.
    pub(super) fn compare(&mut self, before: &Arc<State>, after: &Arc<State>, named_max: usize) {
        let Progress { users, groups } = &after.progress;
        self.left_out = users.refused.union(&groups.refused).cloned().collect();
        if Arc::ptr_eq(before, after) {
            return;
        }
        let change = Change {
            before: &before.directory,
            after: &after.directory,
            named_max,
        };
        let (before, after) = (&before.directory, &after.directory);
        let is_decided_anew = !before.decisions.is_same(&after.decisions);
        if is_decided_anew {
            (self.activated, self.deactivated) = change.users();
            (self.imported, self.dropped) = change.groups();
        }
        if is_decided_anew || !before.groups.is_same(&after.groups) {
            self.memberships = change.memberships();
        }
        if !before.registry.is_same(&after.registry) {
            self.renamed = change.renamed();
        }
    }
}

/// Two directories and how many objects of each list to name.
struct Change<'a> {
    before: &'a Directory,
    after: &'a Directory,
    named_max: usize,
}

impl Change<'_> {
    fn users(&self) -> (Moves, Moves) {
        let (before, after) = (&self.before.decisions.users, &self.after.decisions.users);
        self.moves(before, after, |id| self.user_label(id))
    }

    fn groups(&self) -> (Moves, Moves) {
        let (before, after) = (&self.before.decisions.groups, &self.after.decisions.groups);
        self.moves(before, after, |id| self.group_label(id))
    }

    /// Who is in and was not, and who was in and is not.
    fn moves<K: Copy + Ord + Into<ObjectId>>(
        &self,
        before: &BTreeMap<K, Decision>,
        after: &BTreeMap<K, Decision>,
        label: impl Fn(K) -> Option<String>,
    ) -> (Moves, Moves) {
        let is_in = |decisions: &BTreeMap<K, Decision>, id| {
            decisions.get(id).is_some_and(Decision::is_include)
        };
        let describe = |&id: &K| Move {
            id: id.into(),
            label: label(id).unwrap_or_default(),
            reason: after.get(&id).and_then(Decision::reason).cloned(),
        };
        let came = after
            .iter()
            .filter(|(id, decision)| decision.is_include() && !is_in(before, id));
        let went = before
            .iter()
            .filter(|(id, decision)| decision.is_include() && !is_in(after, id));
        (
            Listed::of(came.map(|(id, _)| describe(id)), self.named_max),
            Listed::of(went.map(|(id, _)| describe(id)), self.named_max),
        )
    }

    fn memberships(&self) -> Listed<MembershipChange> {
        let nobody = BTreeMap::new();
        let changed = self.after.groups.iter().filter_map(|(&id, group)| {
            let decision = self.after.decisions.groups.get(&id);
            if !decision.is_some_and(Decision::is_include) {
                return None;
            }
            let held = self.before.groups.get(&id);
            if held.is_some_and(|held| Arc::ptr_eq(held, group)) {
                return None;
            }
            let held = held.map_or(&nobody, |held| &held.members);
            let change = MembershipChange {
                id,
                label: group.label().to_owned(),
                gained: self.absentees(&group.members, held),
                lost: self.absentees(held, &group.members),
            };
            (change.gained.count + change.lost.count > 0).then_some(change)
        });
        Listed::of(changed, self.named_max)
    }

    /// Those of `members` who are not among `others`.
    fn absentees(
        &self,
        members: &BTreeMap<ObjectId, Member>,
        others: &BTreeMap<ObjectId, Member>,
    ) -> Listed<String> {
        let absent = members.keys().filter(|id| !others.contains_key(id));
        let label = |&id| {
            let known = self.user_label(UserId(id));
            known
                .or_else(|| self.group_label(GroupId(id)))
                .unwrap_or_else(|| id.to_string())
        };
        Listed::of(absent.map(label), self.named_max)
    }

    fn renamed(&self) -> Listed<Rename> {
        let users = self.after.decisions.users.keys().map(|&id| id.0);
        let groups = self.after.decisions.groups.keys().map(|&id| id.0);
        let name = |directory: &Directory, id: ObjectId| directory.registry.get(id)?.name.clone();
        let renamed = users.chain(groups).filter_map(|id| {
            let (from, to) = (name(self.before, id)?, name(self.after, id));
            (to.as_ref() != Some(&from)).then_some(Rename { id, from, to })
        });
        Listed::of(renamed, self.named_max)
    }

    fn user_label(&self, id: UserId) -> Option<String> {
        let user = self.after.users.get(&id).or(self.before.users.get(&id));
        user.map(|user| user.label().to_owned())
    }

    fn group_label(&self, id: GroupId) -> Option<String> {
        let group = self.after.groups.get(&id).or(self.before.groups.get(&id));
        group.map(|group| group.label().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::decision::Grounds;

    /// A state of one person.
    fn state(decision: Decision) -> Arc<State> {
        let mut state = State::default();
        let id = UserId(ObjectId(Uuid::from_u128(1)));
        state.directory.decisions.users.insert(id, decision);
        Arc::new(state)
    }

    #[test]
    fn what_an_acceptance_let_pass_is_part_of_the_summary() {
        let before = state(Decision::Include(Grounds::Default));
        let after = state(Decision::Exclude(Reason::NotAllowed));
        let mut summary = Summary::begun(Timestamp::UNIX_EPOCH);
        summary.include(&before, &after, NAMED_MAX);
        assert_eq!(summary.deactivated.count, 1);
        assert_eq!(
            summary.deactivated.first[0].reason,
            Some(Reason::NotAllowed)
        );
        summary.include(&after, &before, 0);
        assert_eq!(
            (summary.activated.count, summary.activated.first.len()),
            (1, 0)
        );
    }
}
