//! The two halves of a pass, users and groups, as far as a round must tell them apart.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::directory::{Directory, Group, GroupId, PhaseProgress, Progress, User, UserId};
use crate::graph::{GroupChange, UserChange};

use super::apply::{apply_group, apply_user};

/// The objects of a phase, by id.
pub type Objects<P> = BTreeMap<<P as Phase>::Id, Arc<<P as Phase>::Object>>;

/// One half of a pass. Implemented by [`Users`] and [`Groups`], and by nothing else.
pub trait Phase: fmt::Debug {
    /// What an object is known by.
    type Id: Copy + Ord + FromStr + fmt::Debug;
    /// What is read.
    type Object: PartialEq + fmt::Debug;
    /// What Graph reports about it.
    type Change;
    /// Which of the two this is.
    const NAME: PhaseName;

    /// The objects held now.
    fn objects(directory: &Directory) -> &Objects<Self>;

    /// The place of those objects.
    fn objects_mut(directory: &mut Directory) -> &mut Objects<Self>;

    /// Where the phase goes on.
    fn progress(progress: &Progress) -> &PhaseProgress;

    /// The place of that.
    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress;

    /// Applies a change; a removed object that is `pinned` may leave something behind.
    fn apply(objects: &mut Objects<Self>, change: Self::Change, pinned: &BTreeSet<GroupId>);

    /// Whether only a full enumeration can tell what this change makes of the objects: they lack what
    /// it builds upon.
    fn needs_enumeration(objects: &Objects<Self>, change: &Self::Change) -> bool;

    /// Before a full enumeration applies a flawed entry: puts what is held beneath it, so that what
    /// could not be read counts as unchanged.
    fn lay_under(objects: &mut Objects<Self>, id: Self::Id, held: &Arc<Self::Object>);

    /// Completes an enumerated object with what Graph may leave unsaid.
    fn complete(object: &mut Arc<Self::Object>, held: &Self::Object);

    /// What stays of an object that a full enumeration did not mention.
    fn remainder(
        id: Self::Id,
        held: &Arc<Self::Object>,
        pinned: &BTreeSet<GroupId>,
    ) -> Option<Arc<Self::Object>>;
}

/// The name of a phase in logs, errors and summaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseName {
    /// The first: who is there, and who is disabled.
    Users,
    /// The second: the groups with their members.
    Groups,
}

/// The users phase.
#[derive(Debug)]
pub enum Users {}

/// The groups phase.
#[derive(Debug)]
pub enum Groups {}

impl Phase for Users {
    type Id = UserId;
    type Object = User;
    type Change = UserChange;
    const NAME: PhaseName = PhaseName::Users;

    fn objects(directory: &Directory) -> &Objects<Self> {
        &directory.users
    }

    fn objects_mut(directory: &mut Directory) -> &mut Objects<Self> {
        &mut directory.users
    }

    fn progress(progress: &Progress) -> &PhaseProgress {
        &progress.users
    }

    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress {
        &mut progress.users
    }

    fn apply(objects: &mut Objects<Self>, change: UserChange, _pinned: &BTreeSet<GroupId>) {
        apply_user(objects, change);
    }

    fn needs_enumeration(objects: &Objects<Self>, change: &UserChange) -> bool {
        match change {
            UserChange::Upsert { id, patch } => !patch.is_whole() && !objects.contains_key(id),
            UserChange::Remove { .. } => false,
        }
    }

    fn lay_under(objects: &mut Objects<Self>, id: UserId, held: &Arc<User>) {
        objects.entry(id).or_insert_with(|| Arc::clone(held));
    }

    /// `accountEnabled` has been reported missing from whole objects: an account known to be enabled, or
    /// disabled, stays so until Graph says otherwise.
    fn complete(object: &mut Arc<User>, held: &User) {
        if object.account_enabled.is_none() && held.account_enabled.is_some() {
            Arc::make_mut(object).account_enabled = held.account_enabled;
        }
    }

    fn remainder(_id: UserId, _held: &Arc<User>, _pinned: &BTreeSet<GroupId>) -> Option<Arc<User>> {
        None
    }
}

impl Phase for Groups {
    type Id = GroupId;
    type Object = Group;
    type Change = GroupChange;
    const NAME: PhaseName = PhaseName::Groups;

    fn objects(directory: &Directory) -> &Objects<Self> {
        &directory.groups
    }

    fn objects_mut(directory: &mut Directory) -> &mut Objects<Self> {
        &mut directory.groups
    }

    fn progress(progress: &Progress) -> &PhaseProgress {
        &progress.groups
    }

    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress {
        &mut progress.groups
    }

    fn apply(objects: &mut Objects<Self>, change: GroupChange, pinned: &BTreeSet<GroupId>) {
        apply_group(objects, change, |id| pinned.contains(&id));
    }

    /// A deleted group that is back may report its properties only, and no member that it had all along.
    fn needs_enumeration(objects: &Objects<Self>, change: &GroupChange) -> bool {
        match change {
            GroupChange::Upsert { id, patch, .. } => match objects.get(id) {
                Some(group) => group.is_deleted,
                None => !patch.is_whole(),
            },
            GroupChange::Remove { .. } => false,
        }
    }

    fn lay_under(objects: &mut Objects<Self>, id: GroupId, held: &Arc<Group>) {
        match objects.entry(id) {
            Entry::Vacant(place) => {
                Arc::make_mut(place.insert(Arc::clone(held))).is_deleted = false;
            }
            Entry::Occupied(mut staged) => {
                let members = &mut Arc::make_mut(staged.get_mut()).members;
                held.members.iter().for_each(|(&id, &member)| {
                    members.entry(id).or_insert(member);
                });
            }
        }
    }

    fn complete(_object: &mut Arc<Group>, _held: &Group) {}

    fn remainder(id: GroupId, held: &Arc<Group>, pinned: &BTreeSet<GroupId>) -> Option<Arc<Group>> {
        pinned.contains(&id).then(|| {
            let mut deleted = Arc::clone(held);
            if !deleted.is_deleted {
                Arc::make_mut(&mut deleted).is_deleted = true;
            }
            deleted
        })
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Groups => "groups",
        })
    }
}
