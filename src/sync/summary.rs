//! What a pass did, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::directory::registry;
use crate::directory::{Decision, Directory, ObjectId, Reason};
use crate::graph::Problem;

use super::round::Mode;
use super::tally::Tally;
use super::{Error, Held, RuleProblem, Warning};

/// How many objects a summary names; beyond that it only counts.
const NAMED_MAX: usize = 100;

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
    /// Pages asked for; repetitions within the client are not counted.
    pub requests: usize,
    /// Group names in the rules that cannot be resolved, as of the last phase committed.
    pub problems: Vec<RuleProblem>,
    /// What deserves a look, as of the last phase committed.
    pub warnings: Vec<Warning>,
    /// What the mass-change guard holds back, as of the last phase committed.
    pub held: Held,
    /// What registering had to report on single people and groups, as of the last phase committed.
    pub registrations: Vec<registry::Problem>,
    /// What could not be read of single objects, in phases that were committed.
    pub unreadable: Vec<Problem>,
    /// Properties that the tenant refuses: this pass enumerated without them, and the state is degraded.
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

/// Objects whose decision changed in one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// How many there are.
    pub count: usize,
    /// The first hundred of them, by object id.
    pub first: Vec<Move>,
}

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
            requests: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
            held: Held::default(),
            registrations: Vec::new(),
            unreadable: Vec::new(),
            left_out: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Notes whom the pass let in and whom it put out.
    pub(super) fn compare(&mut self, before: &Directory, after: &Directory) {
        let user = |id| {
            after
                .users
                .get(&id)
                .or(before.users.get(&id))
                .map(|user| user.label().to_owned())
        };
        let group = |id| {
            after
                .groups
                .get(&id)
                .or(before.groups.get(&id))
                .map(|group| group.label().to_owned())
        };
        let (before, after) = (&before.decisions, &after.decisions);
        (self.activated, self.deactivated) = moves(&before.users, &after.users, user);
        (self.imported, self.dropped) = moves(&before.groups, &after.groups, group);
    }
}

/// Who is in and was not, and who was in and is not.
fn moves<K: Copy + Ord + Into<ObjectId>>(
    before: &BTreeMap<K, Decision>,
    after: &BTreeMap<K, Decision>,
    label: impl Fn(K) -> Option<String>,
) -> (Moves, Moves) {
    let is_in =
        |decisions: &BTreeMap<K, Decision>, id| decisions.get(id).is_some_and(Decision::is_include);
    let list = |ids: Vec<K>| Moves {
        count: ids.len(),
        first: ids
            .into_iter()
            .take(NAMED_MAX)
            .map(|id| Move {
                id: id.into(),
                label: label(id).unwrap_or_default(),
                reason: after.get(&id).and_then(Decision::reason).cloned(),
            })
            .collect(),
    };
    let came = after
        .keys()
        .filter(|id| is_in(after, id) && !is_in(before, id));
    let went = before
        .keys()
        .filter(|id| is_in(before, id) && !is_in(after, id));
    (list(came.copied().collect()), list(went.copied().collect()))
}
