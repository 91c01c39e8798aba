//! Graph's changes onto the directory's users and groups.
//!
//! Idempotent, in the order of arrival: Graph repeats itself (Graph, "Use delta query", replays).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::{Group, GroupId, Member, User, UserId};
use crate::graph::{GroupChange, MemberChange, UserChange};

/// Applies one change to the users, and tells whether it changed anything.
///
/// A removed user is dropped, soft-deleted or not. Groups keep listing it until it is deleted for good;
/// a member that is no user of the directory is never served.
pub fn apply_user(users: &mut BTreeMap<UserId, Arc<User>>, change: UserChange) -> bool {
    match change {
        UserChange::Upsert { id, patch } => {
            let held = users.get(&id);
            let mut user = held.map_or_else(User::default, |held| User::clone(held));
            patch.apply_to(&mut user);
            if held.is_some_and(|held| **held == user) {
                return false;
            }
            users.insert(id, Arc::new(user));
            true
        }
        UserChange::Remove { id, .. } => users.remove(&id).is_some(),
    }
}

/// Applies one change to the groups, and tells whether it changed anything: of `members`, only those
/// listed are added or taken out.
///
/// A removed group is dropped, unless `is_pinned`: then it stays as it last was, marked deleted, because
/// a rule counts on its members. When it comes back, only members reported from then on are in it.
pub fn apply_group(
    groups: &mut BTreeMap<GroupId, Arc<Group>>,
    change: GroupChange,
    is_pinned: impl Fn(GroupId) -> bool,
) -> bool {
    match change {
        GroupChange::Upsert { id, patch, members } => {
            let is_new = !groups.contains_key(&id);
            let group = Arc::make_mut(groups.entry(id).or_default());
            let is_back = std::mem::take(&mut group.is_deleted);
            let mut held_members = std::mem::take(&mut group.members);
            if is_back {
                held_members.clear();
            }
            // Without its members, which may be many, a group is cheap to copy and to compare.
            let before = group.clone();
            patch.apply_to(group);
            let mut is_changed = is_new || is_back || *group != before;
            group.members = held_members;
            for member in members {
                is_changed |= apply_member(group, member);
            }
            is_changed
        }
        GroupChange::Remove { id, .. } if is_pinned(id) => match groups.get_mut(&id) {
            Some(group) if !group.is_deleted => {
                Arc::make_mut(group).is_deleted = true;
                true
            }
            Some(_) | None => false,
        },
        GroupChange::Remove { id, .. } => groups.remove(&id).is_some(),
    }
}

fn apply_member(group: &mut Group, member: MemberChange) -> bool {
    if member.removed {
        group.members.remove(&member.id).is_some()
    } else {
        let new = Member { kind: member.kind };
        group.members.insert(member.id, new) != Some(new)
    }
}

#[cfg(test)]
mod tests;
