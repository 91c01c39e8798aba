//! Who would lose or gain a membership in a served group, through nested groups or directly.
//!
//! People are counted by what they are in effectively; what is held are direct memberships and whole groups. The two
//! agree as long as no group is nested in another that changes; then only the kind of change that concerns too many
//! is held, and the other passes. Where groups are nested, half of a move could let people in or out whom nobody meant, so
//! everything about the groups known before is held together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{NEWCOMER, active_people, group_standing, is_accepted, moved_from};
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
    /// Groups that have come within the hour: filling them takes nothing from anybody.
    newcomers: BTreeSet<GroupId>,
    /// The groups whose direct members, or whose being served, are different.
    changed: BTreeSet<GroupId>,
    /// Those and every group they are nested in.
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
    /// Groups that come and would at once be nested in one that is held: they are kept out.
    pub(super) kept_out: BTreeSet<GroupId>,
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
        now: Timestamp,
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
            newcomers: newcomers(before, after, guard, now),
            base,
            base_served,
            changed,
            affected,
            active,
            pairs: Vec::new(),
            lost: BTreeSet::new(),
            gained: BTreeSet::new(),
        };
        memberships.find_pairs(guard);
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

    fn find_pairs(&mut self, guard: &Guard) {
        let mut pairs = Vec::new();
        for &group in self.affected.difference(&self.newcomers) {
            let (was, is) = (self.members_before(group), self.members_after(group));
            let gained = is.difference(&was);
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

    /// What has to stay when these kinds of change concern too many, and so that held people keep what they have.
    pub(super) fn holds(
        &self,
        exceeded: BTreeSet<ChangeKind>,
        held_people: &BTreeMap<UserId, ChangeKind>,
    ) -> Holds {
        let mut holds = match (exceeded.is_empty(), self.is_flat()) {
            (true, _) => Holds::default(),
            (false, true) => self.holds_of(exceeded),
            (false, false) => self.holds_everything(),
        };
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

    /// No group that changes is nested in one known for longer, and no nesting changes.
    fn is_flat(&self) -> bool {
        let is_same_nesting = |id: &GroupId| match (self.base.get(id), self.after.groups.get(id)) {
            (Some(base), Some(now)) => nested_groups(base).eq(nested_groups(now)),
            (Some(gone), None) => nested_groups(gone).next().is_none(),
            (None, _) => true,
        };
        let states = [&*self.base, &self.after.groups];
        let mut parents = states
            .into_iter()
            .flatten()
            .filter(|(_, group)| nested_groups(group).any(|child| self.changed.contains(&child)));
        parents.all(|(parent, _)| self.newcomers.contains(parent))
            && self.changed.iter().all(is_same_nesting)
    }

    /// The changes of these kinds in groups known for longer.
    fn holds_of(&self, kinds: BTreeSet<ChangeKind>) -> Holds {
        let mut holds = Holds {
            kinds,
            ..Holds::default()
        };
        for (&group, base) in self.base.iter() {
            if !self.newcomers.contains(&group) {
                self.hold(&mut holds, group, base);
            }
        }
        holds
    }

    /// Every change in every group known before.
    fn holds_everything(&self) -> Holds {
        let mut holds = Holds {
            kinds: [ChangeKind::MembershipsLost, ChangeKind::MembershipsGained].into(),
            ..Holds::default()
        };
        for (&group, base) in self.base.iter() {
            self.hold(&mut holds, group, base);
            // Named as a member before it was there: it would bring its people with it.
            holds.kept_out.extend(nested_groups(base).filter(|child| {
                !self.base.contains_key(child) && self.after.groups.contains_key(child)
            }));
        }
        holds
    }

    fn hold(&self, holds: &mut Holds, group: GroupId, base: &Group) {
        let now = self.after.groups.get(&group);
        let (was_served, is_served) = (
            self.base_served.contains(&group),
            self.after.decisions.is_imported(group),
        );
        let is_dropped = now.is_none() && !base.members.is_empty() || was_served && !is_served;
        let is_kept = is_dropped && holds.is_held(ChangeKind::MembershipsLost);
        if let Some(now) = now {
            let changes = changed_members(base, now);
            // A group that is kept though it would go must not take anybody in meanwhile.
            let held = changes.filter(|(_, kind)| is_kept || holds.kinds.contains(kind));
            let held: Vec<_> = held.map(|(id, kind)| ((group, id), kind)).collect();
            holds.members.extend(held);
        }
        if is_kept {
            holds.groups.insert(group, ChangeKind::MembershipsLost);
        }
        if !was_served && is_served && holds.is_held(ChangeKind::MembershipsGained) {
            holds.groups.insert(group, ChangeKind::MembershipsGained);
        }
    }
}

impl Holds {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
            && self.groups.is_empty()
            && self.kept_out.is_empty()
            && self.companions.is_empty()
    }

    pub(super) fn is_held(&self, kind: ChangeKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Undoes the held changes of memberships and of whole groups.
    pub(super) fn put_back(&self, before: &Directory, groups: &mut Groups) {
        self.put_groups_back(&before.groups, groups);
        self.put_members_back(&before.groups, groups);
        groups.retain(|id, _| !self.kept_out.contains(id));
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
                    Standing::Inactive | Standing::Absent => served.remove(&group),
                };
                match after.groups.get(&group) {
                    None => {
                        groups.to_mut().remove(&group);
                    }
                    Some(now) if !before.groups.contains_key(&group) => {
                        groups.to_mut().insert(group, Arc::clone(now));
                    }
                    Some(_) => {}
                }
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

/// Groups that the tenant did not have an hour ago, those that come just now included.
fn newcomers(
    before: &Directory,
    after: &Directory,
    guard: &Guard,
    now: Timestamp,
) -> BTreeSet<GroupId> {
    let has_just_come = |id| {
        let memory = guard.subjects.get(&Subject::Group(id));
        let moved = memory.and_then(|memory| memory.moved);
        moved.is_some_and(|moved| {
            moved.from == Standing::Absent && now.duration_since(moved.at) < NEWCOMER
        })
    };
    let groups = after.groups.keys().copied();
    groups
        .filter(|id| !before.groups.contains_key(id) || has_just_come(*id))
        .collect()
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

/// Direct members that go or come.
fn changed_members(base: &Group, now: &Group) -> impl Iterator<Item = (ObjectId, ChangeKind)> {
    let lost = base.members.keys();
    let lost = lost.filter(|id| !now.members.contains_key(id));
    let gained = now.members.keys();
    let gained = gained.filter(|id| !base.members.contains_key(id));
    let lost = lost.map(|&id| (id, ChangeKind::MembershipsLost));
    lost.chain(gained.map(|&id| (id, ChangeKind::MembershipsGained)))
}

/// The groups that are direct members of this one, by object id.
fn nested_groups(group: &Group) -> impl Iterator<Item = GroupId> {
    let members = group.members.iter();
    members
        .filter(|(_, member)| member.kind == MemberKind::Group)
        .map(|(&id, _)| GroupId(id))
}

/// Adds every group that any of these is nested in, in either state.
fn add_parents(groups: &mut BTreeSet<GroupId>, states: [&Groups; 2]) {
    let mut parents: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    for (&parent, group) in states.into_iter().flatten() {
        for child in nested_groups(group) {
            parents.entry(child).or_default().insert(parent);
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
