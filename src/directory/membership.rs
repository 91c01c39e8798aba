//! Who is in a group, nested groups counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Directory, Group, GroupId, MemberKind, UserId};

/// Every user below a group, each with the shortest chain of groups that leads to them.
///
/// The chain starts with `root` and ends with the group that holds the user directly. Groups that
/// contain each other end the walk, not the program. With `nested` false only direct members count.
pub fn members_with_paths(
    groups: &BTreeMap<GroupId, Arc<Group>>,
    root: GroupId,
    nested: bool,
) -> BTreeMap<UserId, Vec<GroupId>> {
    let mut found = BTreeMap::new();
    walk(groups, root, nested, |user, path| {
        found.entry(user).or_insert_with(|| path.to_vec());
    });
    found
}

impl Directory {
    /// Every user below a group, active or not, known or not.
    pub fn members(&self, root: GroupId, nested: bool) -> BTreeSet<UserId> {
        let mut found = BTreeSet::new();
        walk(&self.groups, root, nested, |user, _| {
            found.insert(user);
        });
        found
    }
}

/// Breadth first, so that the first path to a user is a shortest one.
fn walk(
    groups: &BTreeMap<GroupId, Arc<Group>>,
    root: GroupId,
    nested: bool,
    mut visit: impl FnMut(UserId, &[GroupId]),
) {
    let mut seen = BTreeSet::from([root]);
    let mut queue = VecDeque::from([vec![root]]);
    while let Some(path) = queue.pop_front() {
        let Some(group) = path.last().and_then(|id| groups.get(id)) else {
            continue;
        };
        for (&id, member) in &group.members {
            match member.kind {
                MemberKind::User => visit(UserId(id), &path),
                MemberKind::Group if nested && seen.insert(GroupId(id)) => {
                    let mut deeper = path.clone();
                    deeper.push(GroupId(id));
                    queue.push_back(deeper);
                }
                MemberKind::Group | MemberKind::Other => {}
            }
        }
    }
}
