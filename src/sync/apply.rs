//! Graph's changes onto the directory's users and groups.
//!
//! Idempotent, in the order of arrival: Graph repeats itself (Graph, "Use delta query", replays).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::{Group, GroupId, Member, User, UserId};
use crate::graph::{GroupChange, MemberChange, UserChange};

/// Applies one change to the users.
///
/// A removed user is dropped, soft-deleted or not. Groups keep listing it until it is deleted for good;
/// a member that is no user of the directory is never served.
pub fn apply_user(users: &mut BTreeMap<UserId, Arc<User>>, change: UserChange) {
    match change {
        UserChange::Upsert { id, patch } => {
            patch.apply_to(Arc::make_mut(users.entry(id).or_default()))
        }
        UserChange::Remove { id, .. } => {
            users.remove(&id);
        }
    }
}

/// Applies one change to the groups: of `members`, only those listed are added or taken out.
///
/// A removed group is dropped, unless `is_pinned`: then it stays as it last was, marked deleted, because
/// a rule counts on its members. When it comes back, only members reported from then on are in it.
pub fn apply_group(
    groups: &mut BTreeMap<GroupId, Arc<Group>>,
    change: GroupChange,
    is_pinned: impl Fn(GroupId) -> bool,
) {
    match change {
        GroupChange::Upsert { id, patch, members } => {
            let group = Arc::make_mut(groups.entry(id).or_default());
            if std::mem::take(&mut group.is_deleted) {
                group.members.clear();
            }
            patch.apply_to(group);
            for member in members {
                apply_member(group, member);
            }
        }
        GroupChange::Remove { id, .. } if is_pinned(id) => {
            if let Some(group) = groups.get_mut(&id) {
                Arc::make_mut(group).is_deleted = true;
            }
        }
        GroupChange::Remove { id, .. } => {
            groups.remove(&id);
        }
    }
}

fn apply_member(group: &mut Group, member: MemberChange) {
    if member.removed {
        group.members.remove(&member.id);
    } else {
        group
            .members
            .insert(member.id, Member { kind: member.kind });
    }
}

#[cfg(test)]
mod tests;
