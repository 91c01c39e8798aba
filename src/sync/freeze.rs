//! Where what is served stays as it was, whatever the tenant says: people while `sync.users` is off, memberships
//! while a rule cannot be resolved, and members that Graph does not say the type of.
//!
//! Pure. What is kept from the tenant here goes on standing in [`Directory::withheld`].

use std::sync::Arc;

use crate::directory::{Directory, Group, Groups, MemberKind, Shared};

use super::Warning;

/// Keeps the people as they are served (`sync.users = false`): nobody new, no new properties. Whoever is
/// gone from the tenant goes; the decisions are the rules' own, on the tenant's word.
pub(super) fn freeze_people(served: &Directory, next: &mut Directory) {
    let mut users = served.users.clone();
    users.retain(|id, _| next.users.contains_key(id));
    next.decisions.users.retain(|id, _| users.contains_key(id));
    next.users = users;
}

/// Keeps the members of every group that is known, because a rule cannot be resolved: the last good
/// directory stays. Other properties follow the tenant.
pub(super) fn freeze_memberships(served: &Directory, next: &mut Directory) {
    for (id, group) in &mut next.groups {
        if let Some(known) = served.groups.get(id) {
            keep_members(group, known);
        }
    }
}

/// The groups of the tenant with the members' last known types where Graph does not tell them; with a warning for each.
///
/// A member whose type may not be read comes without one (Graph, "Limited information returned for inaccessible
/// member objects"): that is no news of anybody leaving. Hidden members that an enumeration does not show stay
/// [when it is read](super::phase::Phase::complete).
pub(super) fn readable(
    served: &Directory,
    groups: &Shared<Groups>,
) -> (Shared<Groups>, Vec<Warning>) {
    let mut readable = groups.clone();
    let mut warnings = Vec::new();
    for (&id, group) in groups.iter().filter(|(_, group)| !group.is_deleted) {
        let known = served.groups.get(&id);
        if group.has_hidden_membership && group.members.is_empty() {
            warnings.push(Warning::MembersHidden { id });
        }
        let mut kept_group = Arc::clone(group);
        let kept = known.map_or(0, |known| keep_kinds(&mut kept_group, known));
        if kept > 0 {
            warnings.push(Warning::MembersUnreadable { id, kept });
        }
        if !Arc::ptr_eq(&kept_group, group) {
            readable.insert(id, kept_group);
        }
    }
    (readable, warnings)
}

fn keep_members(group: &mut Arc<Group>, known: &Arc<Group>) {
    if !Arc::ptr_eq(group, known) && group.members != known.members {
        Arc::make_mut(group).members = known.members.clone();
    }
}

/// An object never changes its type: a member that was a user or a group still is. How many there are.
fn keep_kinds(group: &mut Arc<Group>, known: &Arc<Group>) -> usize {
    if Arc::ptr_eq(group, known) {
        return 0;
    }
    let unreadable: Vec<_> = group
        .members
        .iter()
        .filter(|(_, member)| member.kind == MemberKind::Other)
        .filter_map(|(id, _)| Some((*id, *known.members.get(id)?)))
        .filter(|(_, known)| known.kind != MemberKind::Other)
        .collect();
    if !unreadable.is_empty() {
        let kept = unreadable.iter().copied();
        Arc::make_mut(group).members.extend(kept);
    }
    unreadable.len()
}
