//! The pass that hands out names and numbers, once the rules have decided.

use std::collections::btree_map::Entry;

use jiff::Timestamp;

use super::{Policy, Record, Registry};
use crate::directory::name::{fold, group_name, username};
use crate::directory::{Decision, Directory, GroupId, ObjectId, Reason, UserId};

/// Brings the registry up to date with the directory, and the directory's decisions with the registry.
///
/// Every user who is not a guest, active or not, every guest let in, and then every group let in, gets a number for ever
/// and a name while nobody else holds it; whoever gets none is excluded for that reason, unless
/// excluded already. The result depends on what is in the directory, never on the order it came in:
/// contested names go to the older object.
///
/// - A holder keeps its name against every newcomer, and for `hold_names` after deletion or rename.
/// - A rename takes the new name if it is free or the object's own; otherwise the old one stays.
/// - A username beats the name of a living group, because `uid=x` implies the private group `cn=x`.
/// - The home directory is fixed when a user first gets a name.
pub fn register(directory: &mut Directory, policy: &Policy, now: Timestamp) {
    let mut pass = Pass {
        registry: std::mem::take(&mut directory.registry),
        directory,
        policy,
        now,
        numbers_free: 0,
    };
    pass.numbers_free = pass.registry.numbers.free_in(&policy.id_range);
    pass.mark_deleted();
    pass.registry.release_expired(policy, now);
    pass.users();
    pass.groups();
    pass.directory.registry = pass.registry;
}

struct Pass<'a> {
    directory: &'a mut Directory,
    registry: Registry,
    policy: &'a Policy,
    now: Timestamp,
    /// Spares the search through a range that is used up.
    numbers_free: u64,
}

/// What an object asks for.
struct Claim {
    id: ObjectId,
    is_user: bool,
    name: Option<String>,
}

impl Pass<'_> {
    /// Notes when each object went, and forgets it when the object is back.
    fn mark_deleted(&mut self) {
        for (&id, record) in &mut self.registry.records {
            let is_living = self.directory.users.contains_key(&UserId(id))
                || is_living_group(self.directory, id);
            record.deleted = match is_living {
                true => None,
                false => record.deleted.or(Some(self.now)),
            };
        }
    }

    fn users(&mut self) {
        let mut users: Vec<_> = self
            .directory
            .users
            .iter()
            .filter(|(id, user)| !user.is_guest || self.is_concerned(**id))
            .collect();
        users.sort_by_key(|(id, user)| (user.created, **id));
        let claims: Vec<_> = users
            .into_iter()
            .map(|(&id, user)| (id, username(user, self.policy.username)))
            .collect();
        for (id, name) in claims {
            let claim = Claim {
                id: id.into(),
                is_user: true,
                name,
            };
            if let Err(reason) = self.settle(claim) {
                exclude(self.directory.decisions.users.entry(id), reason);
            }
        }
    }

    /// A guest who is let in, or was once.
    fn is_concerned(&self, guest: UserId) -> bool {
        self.directory.decisions.is_active(guest) || self.registry.get(guest).is_some()
    }

    fn groups(&mut self) {
        let mut groups: Vec<_> = self
            .directory
            .groups
            .iter()
            .filter(|(id, _)| self.directory.decisions.is_imported(**id))
            .collect();
        groups.sort_by_key(|(id, group)| (group.created, **id));
        let claims: Vec<_> = groups
            .into_iter()
            .map(|(&id, group)| (id, group.display_name.as_deref().and_then(group_name)))
            .collect();
        for (id, name) in claims {
            let claim = Claim {
                id: id.into(),
                is_user: false,
                name,
            };
            if let Err(reason) = self.settle(claim) {
                exclude(self.directory.decisions.groups.entry(id), reason);
            }
        }
    }

    /// Gives the object its number and, if it may have it, its name.
    fn settle(&mut self, claim: Claim) -> Result<(), Reason> {
        self.ensure_number(claim.id)?;
        let name = claim.name.ok_or(Reason::NoUsername)?;
        if self.policy.is_reserved(&name) {
            return Err(Reason::NameReserved(name));
        }
        match self.registry.holder(&name) {
            Some(holder) if holder == claim.id => {}
            Some(holder) if claim.is_user && self.is_beaten(holder, &name) => {
                self.registry.take_name(holder)
            }
            Some(holder) => return Err(Reason::NameTaken { name, holder }),
            None => {}
        }
        let home = claim.is_user.then(|| self.policy.home_of(&name));
        self.registry.give_name(claim.id, name, self.now);
        if let Some(record) = self.registry.records.get_mut(&claim.id) {
            record.home = record.home.take().or(home);
        }
        Ok(())
    }

    fn ensure_number(&mut self, id: ObjectId) -> Result<(), Reason> {
        if self.registry.records.contains_key(&id) {
            return Ok(());
        }
        if self.numbers_free == 0 {
            return Err(Reason::NumbersExhausted);
        }
        let range = &self.policy.id_range;
        let number = self
            .registry
            .numbers
            .take(id, range)
            .ok_or(Reason::NumbersExhausted)?;
        self.numbers_free -= 1;
        let record = Record {
            number,
            name: None,
            former_names: Vec::new(),
            home: None,
            deleted: None,
        };
        self.registry.records.insert(id, record);
        Ok(())
    }

    /// A username beats a living group's current name. Names held for a deleted or renamed group
    /// are out of reach like any other: a rule for `%eng` may still be in force somewhere.
    fn is_beaten(&self, holder: ObjectId, name: &str) -> bool {
        let current = self
            .registry
            .get(holder)
            .and_then(|record| record.name.as_deref());
        is_living_group(self.directory, holder)
            && current.is_some_and(|current| fold(current) == fold(name))
    }
}

fn is_living_group(directory: &Directory, id: ObjectId) -> bool {
    directory
        .groups
        .get(&GroupId(id))
        .is_some_and(|group| !group.is_deleted)
}

/// Only a decision to let in gives way: whoever is out for another reason keeps that reason.
fn exclude<K: Ord>(decision: Entry<'_, K, Decision>, reason: Reason) {
    decision.and_modify(|decision| {
        if decision.is_include() {
            *decision = Decision::Exclude(reason);
        }
    });
}
