//! The two halves of a pass, users and groups, as far as a round must tell them apart.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::directory::{Directory, Group, GroupId, PhaseProgress, Progress, Shared, User, UserId};
use crate::graph::{Change, Flaw, GroupChange, UserChange};

use super::Tenant;
use super::apply::{apply_group, apply_user};

/// The objects of a phase, by id.
pub type Objects<P> = Shared<BTreeMap<<P as Phase>::Id, Arc<<P as Phase>::Object>>>;

/// One half of a pass. Implemented by [`Users`] and [`Groups`], and by nothing else.
pub trait Phase: fmt::Debug {
    /// What an object is known by.
    type Id: Copy + Ord + FromStr + fmt::Debug + fmt::Display + Send;
    /// What is read.
    type Object: PartialEq + fmt::Debug + Send + Sync;
    /// What Graph reports about it.
    type Change: Change + Send;
    /// Which of the two this is.
    const NAME: PhaseName;
    /// A property that every object of this kind has.
    const ESSENCE: &'static str;

    /// The tenant's objects as last read, whatever is served of them.
    fn tenant(directory: &Directory) -> Objects<Self>;

    /// The place of the objects among what was read.
    fn objects_mut(tenant: &mut Tenant) -> &mut Objects<Self>;

    /// Where the phase goes on.
    fn progress(progress: &Progress) -> &PhaseProgress;

    /// The place of that.
    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress;

    /// Whom a change is about.
    fn id(change: &Self::Change) -> Self::Id;

    /// What a change tells of the object itself.
    fn account(change: &Self::Change) -> Account;

    /// Applies a change, and tells whether it changed anything; a removed object that is `pinned` may
    /// leave something behind.
    fn apply(objects: &mut Objects<Self>, change: Self::Change, pinned: &BTreeSet<GroupId>)
    -> bool;

    /// Whether this is known of an object: what it is, and not only what it is linked to.
    fn is_whole(object: &Self::Object) -> bool;

    /// Whether only a full enumeration can tell what this change makes of the objects: they lack what
    /// it builds upon.
    fn needs_enumeration(objects: &Objects<Self>, change: &Self::Change) -> bool;

    /// Before a full enumeration applies a flawed entry: puts what is held beneath it, so that what
    /// could not be read counts as unchanged.
    fn lay_under(objects: &mut Objects<Self>, id: Self::Id, held: &Arc<Self::Object>);

    /// Completes an enumerated object with what Graph may leave unsaid; tells what deserves a report.
    fn complete(object: &mut Arc<Self::Object>, held: &Self::Object) -> Option<Unsaid>;

    /// What stays of an object that a full enumeration did not mention.
    fn remainder(
        id: Self::Id,
        held: &Arc<Self::Object>,
        pinned: &BTreeSet<GroupId>,
    ) -> Option<Arc<Self::Object>>;
}

/// The name of a phase in logs, errors and summaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhaseName {
    /// The first: who is there, and who is disabled.
    Users,
    /// The second: the groups with their members.
    Groups,
}

/// How much an entry tells of the object it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// That it is gone.
    Removed,
    /// What every object of its kind has.
    Full,
    /// Less than that: a change of some properties or members, or all that Graph is willing to tell.
    Partial,
    /// That this property, which every object of its kind has, is `null`: the permission is missing.
    Withheld(&'static str),
}

/// What an enumeration left unsaid of an object, so that the last known stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsaid {
    /// The property.
    pub field: &'static str,
    /// Why.
    pub flaw: Flaw,
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
    const ESSENCE: &'static str = "userPrincipalName";

    fn tenant(directory: &Directory) -> Objects<Self> {
        directory.tenant_users()
    }

    fn objects_mut(tenant: &mut Tenant) -> &mut Objects<Self> {
        &mut tenant.users
    }

    fn progress(progress: &Progress) -> &PhaseProgress {
        &progress.users
    }

    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress {
        &mut progress.users
    }

    fn id(change: &UserChange) -> UserId {
        match change {
            UserChange::Upsert { id, .. } | UserChange::Remove { id, .. } => *id,
        }
    }

    fn account(change: &UserChange) -> Account {
        match change {
            UserChange::Remove { .. } => Account::Removed,
            UserChange::Upsert { patch, .. } => match patch.withheld() {
                Some(property) => Account::Withheld(property),
                None if patch.is_telling() => Account::Full,
                None => Account::Partial,
            },
        }
    }

    fn apply(objects: &mut Objects<Self>, change: UserChange, _pinned: &BTreeSet<GroupId>) -> bool {
        apply_user(objects, change)
    }

    fn is_whole(user: &User) -> bool {
        user.user_principal_name.is_some()
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
    fn complete(object: &mut Arc<User>, held: &User) -> Option<Unsaid> {
        if object.account_enabled.is_none() && held.account_enabled.is_some() {
            Arc::make_mut(object).account_enabled = held.account_enabled;
        }
        None
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
    const ESSENCE: &'static str = "displayName";

    fn tenant(directory: &Directory) -> Objects<Self> {
        directory.tenant_groups()
    }

    fn objects_mut(tenant: &mut Tenant) -> &mut Objects<Self> {
        &mut tenant.groups
    }

    fn progress(progress: &Progress) -> &PhaseProgress {
        &progress.groups
    }

    fn progress_mut(progress: &mut Progress) -> &mut PhaseProgress {
        &mut progress.groups
    }

    fn id(change: &GroupChange) -> GroupId {
        match change {
            GroupChange::Upsert { id, .. } | GroupChange::Remove { id, .. } => *id,
        }
    }

    fn account(change: &GroupChange) -> Account {
        match change {
            GroupChange::Remove { .. } => Account::Removed,
            GroupChange::Upsert { patch, .. } => match patch.withheld() {
                Some(property) => Account::Withheld(property),
                None if patch.is_whole() => Account::Full,
                None => Account::Partial,
            },
        }
    }

    fn apply(objects: &mut Objects<Self>, change: GroupChange, pinned: &BTreeSet<GroupId>) -> bool {
        apply_group(objects, change, |id| pinned.contains(&id))
    }

    fn is_whole(group: &Group) -> bool {
        group.display_name.is_some()
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

    /// A group of hidden membership looks empty without `Member.Read.Hidden`: that is no news of anybody leaving.
    /// Whoever does leave is named in a later round.
    fn complete(object: &mut Arc<Group>, held: &Group) -> Option<Unsaid> {
        let is_hidden = object.has_hidden_membership && object.members.is_empty();
        if !is_hidden || held.is_deleted || held.members.is_empty() {
            return None;
        }
        Arc::make_mut(object).members = held.members.clone();
        let kept = held.members.len();
        Some(Unsaid {
            field: "members",
            flaw: Flaw::Hidden { kept },
        })
    }

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
