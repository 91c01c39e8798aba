//! The groups that one person is in, upwards from those that hold the person directly.

use std::collections::{BTreeMap, VecDeque};

use crate::admin::report::explanation::GroupMembership;
use crate::directory::{Decision, Directory, GroupId, MemberKind, ObjectId, UserId};

use super::{reference, references, sentence};

/// Every group of the person, each with the shortest way down to the one that holds the person directly.
///
/// One walk over all memberships, whatever the depth; groups that contain each other end the walk.
pub(super) fn of_person(directory: &Directory, nested: bool, user: UserId) -> Vec<GroupMembership> {
    let direct = directory.groups.iter().filter(|(_, group)| {
        let member = group.members.get(&ObjectId::from(user));
        member.is_some_and(|member| member.kind == MemberKind::User)
    });
    let mut ways: BTreeMap<GroupId, Vec<GroupId>> =
        direct.map(|(&id, _)| (id, Vec::new())).collect();
    if nested {
        climb(&parents(directory), &mut ways);
    }
    let memberships = ways.into_iter().map(|(group, way)| GroupMembership {
        group: reference(directory, group),
        through: references(directory, &way),
        not_imported: match directory.decisions.groups.get(&group) {
            Some(Decision::Include(_)) => None,
            Some(Decision::Exclude(reason)) => Some(sentence(directory, reason)),
            None => Some("the rules have not been applied yet".to_owned()),
        },
    });
    memberships.collect()
}

/// The groups that hold each group as a member.
fn parents(directory: &Directory) -> BTreeMap<GroupId, Vec<GroupId>> {
    let mut parents: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
    for (&parent, group) in &directory.groups {
        let members = group.members.iter();
        for (&child, _) in members.filter(|(_, member)| member.kind == MemberKind::Group) {
            parents.entry(GroupId(child)).or_default().push(parent);
        }
    }
    parents
}

/// Adds every group above those in `ways`; breadth first, so that each gets a shortest way.
fn climb(parents: &BTreeMap<GroupId, Vec<GroupId>>, ways: &mut BTreeMap<GroupId, Vec<GroupId>>) {
    let mut queue: VecDeque<GroupId> = ways.keys().copied().collect();
    while let Some(child) = queue.pop_front() {
        for &parent in parents.get(&child).into_iter().flatten() {
            if ways.contains_key(&parent) {
                continue;
            }
            let way = [&[child][..], &ways[&child]].concat();
            ways.insert(parent, way);
            queue.push_back(parent);
        }
    }
}
