//! Who would lose or gain a membership in a served group, through nested groups or directly.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{active_people, group_standing, is_accepted, moved_from};
use crate::directory::guard::{ChangeKind, Guard, Standing, Subject};
use crate::directory::membership::members_with_paths;
use crate::directory::{Directory, Group, GroupId, Member, MemberKind, ObjectId, UserId};

type Groups = BTreeMap<GroupId, Arc<Group>>;

/// All changes of memberships between two states.
pub(super) struct Memberships<'a> {
    after: &'a Directory,
    nested: bool,
    /// The groups before, with what was accepted done already.
    base: Cow<'a, Groups>,
    /// Which of those are served.
    base_served: BTreeSet<GroupId>,
    /// The served groups whose members may be different.
    affected: BTreeSet<GroupId>,
    /// People who would be active.
    active: BTreeSet<UserId>,
    /// Memberships of these people that change now; accepted ones, and those in new groups, are not among them.
    pub(super) pairs: Vec<Pair>,
    lost: BTreeSet<UserId>,
    gained: BTreeSet<UserId>,
}

/// A person in a served group, directly or not, who was not, or the other way round.
pub(super) struct Pair {
    pub(super) group: GroupId,
    pub(super) user: UserId,
    pub(super) is_gained: bool,
    /// It is as it was a day ago, and counts for nothing.
    pub(super) is_return: bool,
}

/// Direct memberships, and groups as a whole, that must stay as they were.
#[derive(Debug, Default)]
pub(super) struct Holds {
    pub(super) members: BTreeMap<(GroupId, ObjectId), ChangeKind>,
    pub(super) groups: BTreeMap<GroupId, ChangeKind>,
    /// Memberships of people who are held themselves: kept with them, and not reported.
    companions: BTreeSet<(GroupId, ObjectId)>,
    kinds: BTreeSet<ChangeKind>,
}

impl Pair {
    pub(super) fn kind(&self) -> ChangeKind {
        match self.is_gained {
            true => ChangeKind::MembershipsGained,
            false => ChangeKind::MembershipsLost,
        }
    }

    pub(super) fn from(&self) -> Standing {
        match self.is_gained {
            true => Standing::Absent,
            false => Standing::Active,
        }
    }
}

impl<'a> Memberships<'a> {
    pub(super) fn of(
        before: &'a Directory,
        after: &'a Directory,
        guard: &Guard,
        nested: bool,
    ) -> Self {
        let (base, base_served) = accepted_done(before, after, guard);
        let changed = changed(&base, &base_served, after);
        let mut affected = changed.clone();
        if nested && !changed.is_empty() {
            add_parents(&mut affected, [&*base, &after.groups]);
        }
        let active = match affected.is_empty() && guard.subjects.is_empty() {
            true => BTreeSet::new(),
            false => active_people(after),
        };
        let mut memberships = Self {
            after,
            nested,
            base,
            base_served,
            affected,
            active,
            pairs: Vec::new(),
            lost: BTreeSet::new(),
            gained: BTreeSet::new(),
        };
        memberships.find_pairs(before, guard);
        memberships.count(guard);
        memberships
    }

    pub(super) fn people_lost(&self) -> usize {
        self.lost.len()
    }

    pub(super) fn people_gained(&self) -> usize {
        self.gained.len()
    }

    fn members_before(&self, group: GroupId) -> BTreeSet<UserId> {
        match self.base_served.contains(&group) {
            true => self.members(&self.base, group),
            false => BTreeSet::new(),
        }
    }

    fn members_after(&self, group: GroupId) -> BTreeSet<UserId> {
        match self.after.decisions.is_imported(group) {
            true => self.members(&self.after.groups, group),
            false => BTreeSet::new(),
        }
    }

    fn members(&self, groups: &Groups, root: GroupId) -> BTreeSet<UserId> {
        let members = members_with_paths(groups, root, self.nested);
        let active = |id: &UserId| self.active.contains(id);
        members.into_keys().filter(active).collect()
    }

    fn find_pairs(&mut self, before: &Directory, guard: &Guard) {
        let mut pairs = Vec::new();
        for &group in &self.affected {
            let (was, is) = (self.members_before(group), self.members_after(group));
            let is_known = before.groups.contains_key(&group);
            let gained = is.difference(&was).filter(|_| is_known);
            let lost = was.difference(&is);
            let each = lost
                .map(|user| (user, false))
                .chain(gained.map(|user| (user, true)));
            pairs.extend(each.map(|(&user, is_gained)| {
                let to = match is_gained {
                    true => Standing::Active,
                    false => Standing::Absent,
                };
                let subject = Subject::Membership(group, user.into());
                Pair {
                    group,
                    user,
                    is_gained,
                    is_return: moved_from(guard, subject) == Some(to),
                }
            }));
        }
        self.pairs = pairs;
    }

    /// Counts what moves now, and what has moved within the last day and stays there.
    fn count(&mut self, guard: &Guard) {
        let now: BTreeSet<_> = self
            .pairs
            .iter()
            .map(|pair| (pair.group, pair.user))
            .collect();
        for pair in self.pairs.iter().filter(|pair| !pair.is_return) {
            let people = match pair.is_gained {
                true => &mut self.gained,
                false => &mut self.lost,
            };
            people.insert(pair.user);
        }
        for (subject, memory) in &guard.subjects {
            let &Subject::Membership(group, member) = subject else {
                continue;
            };
            let user = UserId(member);
            let (Some(moved), true) = (memory.moved, self.active.contains(&user)) else {
                continue;
            };
            if !now.contains(&(group, user)) {
                let people = match moved.from {
                    Standing::Active => &mut self.lost,
                    Standing::Absent | Standing::Inactive => &mut self.gained,
                };
                people.insert(user);
            }
        }
    }

    /// What has to stay so that nobody loses, or nobody gains, and held people keep what they have.
    pub(super) fn holds(
        &self,
        holds_lost: bool,
        holds_gained: bool,
        held_people: &BTreeMap<UserId, ChangeKind>,
    ) -> Holds {
        let mut holds = self.holds_of(holds_lost, holds_gained);
        if holds_gained && !holds_lost && self.loses_the_moved(&holds) {
            // Somebody goes from one nested group to another: half of a move would be worse than none.
            holds = self.holds_of(true, true);
        }
        if holds_lost && !holds_gained && self.fills_the_kept(&holds) {
            holds = self.holds_of(true, true);
        }
        let stays = |id: &ObjectId| {
            let kind = held_people.get(&UserId(*id));
            kind.is_some_and(|kind| *kind != ChangeKind::Activated)
        };
        for (&group, base) in self.base.iter().filter(|_| !held_people.is_empty()) {
            let Some(now) = self.after.groups.get(&group) else {
                continue;
            };
            let lost = base
                .members
                .keys()
                .filter(|id| !now.members.contains_key(id));
            let kept = lost.filter(|id| stays(id)).map(|&id| (group, id));
            holds.companions.extend(kept);
        }
        holds
    }

    fn holds_of(&self, lost: bool, gained: bool) -> Holds {
        let mut holds = Holds::default();
        if lost {
            holds.kinds.insert(ChangeKind::MembershipsLost);
        }
        if gained {
            holds.kinds.insert(ChangeKind::MembershipsGained);
        }
        if holds.kinds.is_empty() {
            return holds;
        }
        for (&group, base) in self.base.iter() {
            let now = self.after.groups.get(&group);
            if let Some(now) = now.filter(|now| !Arc::ptr_eq(now, base)) {
                holds.add_members(group, base, now);
            }
            let (was_served, is_served) = (
                self.base_served.contains(&group),
                self.after.decisions.is_imported(group),
            );
            let is_dropped = now.is_none() || was_served && !is_served;
            if lost && is_dropped && !base.members.is_empty() {
                holds.groups.insert(group, ChangeKind::MembershipsLost);
            }
            if gained && !was_served && is_served {
                holds.groups.insert(group, ChangeKind::MembershipsGained);
            }
        }
        holds
    }

    /// Whether somebody would gain a membership here that they neither had nor have in the tenant: a group
    /// that goes is kept, and filled directly or through a nested one.
    fn fills_the_kept(&self, holds: &Holds) -> bool {
        let mut groups = self.after.groups.clone();
        holds.put_groups_back(&self.base, &mut groups);
        holds.put_members_back(&self.base, &mut groups);
        // A new group has whom it has: it takes nothing from anybody.
        let stays = |group: &GroupId| {
            self.base.contains_key(group)
                && (self.base_served.contains(group) || self.after.decisions.is_imported(*group))
        };
        self.affected
            .iter()
            .filter(|group| stays(group))
            .any(|&group| {
                let mut known = self.members_before(group);
                known.extend(self.members_after(group));
                !self.members(&groups, group).is_subset(&known)
            })
    }

    /// Whether somebody would lose a membership here that the tenant does not take away.
    fn loses_the_moved(&self, holds: &Holds) -> bool {
        let mut groups = self.after.groups.clone();
        holds.put_members_back(&self.base, &mut groups);
        self.affected.iter().any(|&group| {
            let keeps: BTreeSet<_> = self
                .members_before(group)
                .intersection(&self.members_after(group))
                .copied()
                .collect();
            !keeps.is_subset(&self.members(&groups, group))
        })
    }
}

impl Holds {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.groups.is_empty() && self.companions.is_empty()
    }

    pub(super) fn is_held(&self, kind: ChangeKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn add_members(&mut self, group: GroupId, base: &Group, now: &Group) {
        let lost = base
            .members
            .keys()
            .filter(|id| !now.members.contains_key(id));
        let gained = now
            .members
            .keys()
            .filter(|id| !base.members.contains_key(id));
        for (ids, kind) in [
            (lost.collect::<Vec<_>>(), ChangeKind::MembershipsLost),
            (gained.collect(), ChangeKind::MembershipsGained),
        ] {
            if self.kinds.contains(&kind) {
                self.members
                    .extend(ids.into_iter().map(|&id| ((group, id), kind)));
            }
        }
    }

    /// Undoes the held changes of memberships and of whole groups.
    pub(super) fn put_back(&self, before: &Directory, groups: &mut Groups) {
        self.put_groups_back(&before.groups, groups);
        self.put_members_back(&before.groups, groups);
    }

    fn put_groups_back(&self, base: &Groups, groups: &mut Groups) {
        let held = self.groups.iter();
        for (id, _) in held.filter(|(_, kind)| **kind == ChangeKind::MembershipsLost) {
            let is_gone = groups.get(id).is_none_or(|group| group.is_deleted);
            if let Some(known) = base.get(id).filter(|_| is_gone) {
                groups.insert(*id, Arc::clone(known));
            }
        }
    }

    fn put_members_back(&self, base: &Groups, groups: &mut Groups) {
        let companions = self
            .companions
            .iter()
            .map(|edge| (edge, &ChangeKind::MembershipsLost));
        for (&(group, id), kind) in self.members.iter().chain(companions) {
            let Some(place) = groups.get_mut(&group) else {
                continue;
            };
            let known = base.get(&group).and_then(|known| known.members.get(&id));
            match (kind, known) {
                (ChangeKind::MembershipsGained, _) => {
                    Arc::make_mut(place).members.remove(&id);
                }
                (_, Some(&member)) => {
                    Arc::make_mut(place).members.insert(id, member);
                }
                (_, None) => {}
            }
        }
    }
}

/// The groups before, and which are served, with the accepted changes done.
fn accepted_done<'a>(
    before: &'a Directory,
    after: &Directory,
    guard: &Guard,
) -> (Cow<'a, Groups>, BTreeSet<GroupId>) {
    let mut groups: Cow<'a, Groups> = Cow::Borrowed(&before.groups);
    let served = before
        .groups
        .keys()
        .filter(|id| before.decisions.is_imported(**id));
    let mut served: BTreeSet<GroupId> = served.copied().collect();
    for (&subject, memory) in &guard.subjects {
        if memory.accepted.is_none() {
            continue;
        }
        match subject {
            Subject::Membership(group, member) => {
                let now = after
                    .groups
                    .get(&group)
                    .and_then(|group| group.members.get(&member));
                let to = match now {
                    Some(_) => Standing::Active,
                    None => Standing::Absent,
                };
                if after.groups.contains_key(&group) && is_accepted(guard, subject, to) {
                    set_member(groups.to_mut(), group, member, now.copied());
                }
            }
            Subject::Group(group) if is_accepted(guard, subject, group_standing(after, group)) => {
                match group_standing(after, group) {
                    Standing::Active => served.insert(group),
                    Standing::Inactive => served.remove(&group),
                    Standing::Absent => {
                        groups.to_mut().remove(&group);
                        served.remove(&group)
                    }
                };
            }
            Subject::Group(_) | Subject::Person(_) => {}
        }
    }
    (groups, served)
}

fn set_member(groups: &mut Groups, group: GroupId, id: ObjectId, member: Option<Member>) {
    let Some(group) = groups.get_mut(&group) else {
        return;
    };
    match member {
        Some(member) => Arc::make_mut(group).members.insert(id, member),
        None => Arc::make_mut(group).members.remove(&id),
    };
}

/// Groups whose members, or whose being served, are different.
fn changed(base: &Groups, served: &BTreeSet<GroupId>, after: &Directory) -> BTreeSet<GroupId> {
    let is_same = |one: &Arc<Group>, other: &Arc<Group>| {
        Arc::ptr_eq(one, other) || one.members == other.members
    };
    let ids = base.iter().filter(|(id, group)| {
        let now = after.groups.get(id);
        !now.is_some_and(|now| is_same(group, now))
            || served.contains(id) != after.decisions.is_imported(**id)
    });
    let new = after.groups.keys().filter(|id| !base.contains_key(id));
    ids.map(|(id, _)| id).chain(new).copied().collect()
}

/// Adds every group that any of these is nested in, in either state.
fn add_parents(groups: &mut BTreeSet<GroupId>, states: [&Groups; 2]) {
    let mut parents: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    for (&parent, group) in states.into_iter().flatten() {
        let nested = group.members.iter();
        for (&child, _) in nested.filter(|(_, member)| member.kind == MemberKind::Group) {
            parents.entry(GroupId(child)).or_default().insert(parent);
        }
    }
    let mut open: Vec<GroupId> = groups.iter().copied().collect();
    while let Some(child) = open.pop() {
        for &parent in parents.get(&child).into_iter().flatten() {
            if groups.insert(parent) {
                open.push(parent);
            }
        }
    }
}
