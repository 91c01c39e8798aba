//! The pass that hands out names and numbers, once the rules have decided.

use std::collections::btree_map::Entry;

use jiff::Timestamp;

use super::wanted::{self, WantedNumber};
use super::{Policy, Problem, Record, Registry};
use crate::directory::name::{fold, group_name, username};
use crate::directory::overrides::AwaitedName;
use crate::directory::{Decision, Directory, GroupId, ObjectId, Reason, Shared, UserId};

/// Brings the registry up to date with the directory, and the directory's decisions with the registry.
///
/// Every user who is not a guest, active or not, every guest let in, and then every group let in, gets a number for ever
/// and a name while nobody else holds it; whoever gets none is excluded for that reason, unless
/// excluded already. The result depends on what is in the directory, never on the order it came in:
/// contested names go to the older object.
///
/// - A holder keeps its name against every newcomer, and for `hold_names` after deletion or rename.
/// - A rename takes the new name if it is free or the object's own; otherwise the object keeps the old one.
/// - A number set here goes before a mapped one, that before the derived one, and that before the next free one.
/// - A username beats the name of a living group, because `uid=x` implies the private group `cn=x`.
/// - The home directory is fixed when a user first gets a name.
///
/// Returns what there is to report on single objects.
pub fn register(directory: &mut Directory, policy: &Policy, now: Timestamp) -> Vec<Problem> {
    take_over_awaited(directory, policy);
    let mut pass = Pass {
        registry: std::mem::take(&mut directory.registry),
        directory,
        policy,
        now,
        numbers_free: 0,
        problems: Vec::new(),
    };
    pass.numbers_free = pass.registry.numbers.free_in(&policy.id_range);
    pass.mark_deleted();
    pass.registry.release_expired(policy, now);
    pass.users();
    pass.groups();
    pass.directory.registry = pass.registry;
    pass.problems
}

/// Settings that were made for a name before its object was known become the object's: the oldest user of that
/// userPrincipalName, mail address or username, the oldest group of that display name, mail address or `cn`.
fn take_over_awaited(directory: &mut Directory, policy: &Policy) {
    if directory.overrides.awaited.is_empty() {
        return;
    }
    let mut users: Vec<_> = directory.users.iter().collect();
    users.sort_by_key(|(id, user)| (user.created, **id));
    let groups = directory.groups.iter();
    let mut groups: Vec<_> = groups.filter(|(_, group)| !group.is_deleted).collect();
    groups.sort_by_key(|(id, group)| (group.created, **id));
    let overrides = &mut directory.overrides;
    for (&id, user) in users {
        let own = username(user, policy.username);
        let names = [
            user.user_principal_name.as_deref(),
            user.mail.as_deref(),
            own.as_deref(),
        ];
        let names = names.into_iter().flatten().map(AwaitedName::user);
        overrides.claim(id.into(), names);
    }
    for (&id, group) in groups {
        let display = group.display_name.as_deref();
        let own = display.and_then(group_name);
        let names = [display, group.mail.as_deref(), own.as_deref()];
        let names = names.into_iter().flatten().map(AwaitedName::group);
        overrides.claim(id.into(), names);
    }
}

struct Pass<'a> {
    directory: &'a mut Directory,
    registry: Shared<Registry>,
    policy: &'a Policy,
    now: Timestamp,
    /// Spares the search through a range that is used up.
    numbers_free: u64,
    problems: Vec<Problem>,
}

/// What an object asks for.
struct Claim {
    id: ObjectId,
    is_user: bool,
    name: Option<String>,
    label: String,
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
            .map(|(&id, user)| {
                let name = username(user, self.policy.username);
                (id, name, user.label().to_owned())
            })
            .collect();
        for (id, name, label) in claims {
            let claim = Claim {
                id: id.into(),
                is_user: true,
                name,
                label,
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
            .map(|(&id, group)| {
                let name = group.display_name.as_deref().and_then(group_name);
                (id, name, group.label().to_owned())
            })
            .collect();
        for (id, name, label) in claims {
            let claim = Claim {
                id: id.into(),
                is_user: false,
                name,
                label,
            };
            if let Err(reason) = self.settle(claim) {
                exclude(self.directory.decisions.groups.entry(id), reason);
            }
        }
    }

    /// Gives the object its number and, if it may have it, its name. One that is renamed to what it cannot
    /// have keeps the name it has: nobody loses access by a rename.
    fn settle(&mut self, claim: Claim) -> Result<(), Reason> {
        self.ensure_number(&claim)?;
        let (id, is_user) = (claim.id, claim.is_user);
        let name = match self.obtain(&claim) {
            Ok(name) => name,
            Err(reason) => {
                let name = self.kept_name(id, claim.name.as_deref());
                let name = name.ok_or_else(|| reason.clone())?;
                self.problems.push(Problem::NameKept {
                    id,
                    label: name.clone(),
                    reason,
                });
                name
            }
        };
        let home = is_user.then(|| self.first_home(&claim, &name)).flatten();
        self.registry.give_name(id, name, self.now);
        if let Some(record) = self.registry.records.get_mut(&id) {
            record.home = record.home.take().or(home);
        }
        Ok(())
    }

    /// The name asked for, free for the object to take.
    fn obtain(&mut self, claim: &Claim) -> Result<String, Reason> {
        let name = claim.name.clone().ok_or(Reason::NoUsername)?;
        if self.policy.is_reserved(&name) {
            return Err(Reason::NameReserved(name));
        }
        match self.registry.holder(&name) {
            Some(holder) if holder == claim.id => {}
            Some(holder) if claim.is_user && self.is_beaten(holder, &name) => {
                self.registry.take_name(holder, &name)
            }
            Some(holder) => return Err(Reason::NameTaken { name, holder }),
            None => {}
        }
        Ok(name)
    }

    /// The name the object has, when it asks for another one and may still be served under this one.
    fn kept_name(&self, id: ObjectId, wanted: Option<&str>) -> Option<String> {
        let name = self.registry.get(id)?.name.as_deref()?;
        let is_rename = wanted.is_none_or(|wanted| fold(wanted) != fold(name));
        (is_rename && !self.policy.is_reserved(name)).then(|| name.to_owned())
    }

    /// The home directory of a person who has none registered yet.
    fn first_home(&mut self, claim: &Claim, name: &str) -> Option<String> {
        if self.registry.get(claim.id)?.home.is_some() {
            return None;
        }
        let wanted = wanted::home(self.directory, &self.policy.mapped, claim.id);
        let is_path = |home: &str| home.starts_with('/') && !home.contains([':', '\n', '\0']);
        match wanted {
            Some(home) if is_path(home) => Some(home.to_owned()),
            Some(home) => {
                self.problems.push(Problem::HomeUnusable {
                    id: claim.id,
                    label: claim.label.clone(),
                    home: home.to_owned(),
                });
                Some(self.policy.home_of(name))
            }
            None => Some(self.policy.home_of(name)),
        }
    }

    /// Sees to it that the object has a number: an override, else a mapped one, else the derived one, else
    /// the next free one. A registered number stays, whatever is asked for later.
    fn ensure_number(&mut self, claim: &Claim) -> Result<(), Reason> {
        let wanted = wanted::numbers(self.directory, &self.policy.mapped, claim.id);
        if let Some(record) = self.registry.records.get_mut(&claim.id) {
            if record.label.as_ref() != Some(&claim.label) {
                record.label = Some(claim.label.clone());
            }
            let registered = record.number;
            self.report_difference(claim, registered, wanted);
            return Ok(());
        }
        let number = match self.take_wanted(claim, wanted) {
            Some(number) => number,
            None => self.take_derived(claim.id)?,
        };
        let record = Record {
            number,
            label: Some(claim.label.clone()),
            ..Record::default()
        };
        self.registry.records.insert(claim.id, record);
        Ok(())
    }

    /// The first number asked for that can be had.
    fn take_wanted(&mut self, claim: &Claim, wanted: Vec<WantedNumber>) -> Option<u32> {
        for (source, number) in wanted {
            let checked = number.and_then(|number| {
                wanted::check(&self.registry, number)?;
                Ok(number)
            });
            match checked {
                Ok(number) => {
                    self.registry.numbers.take_exactly(number, claim.id);
                    if self.policy.id_range.contains(&number) {
                        self.numbers_free -= 1;
                    }
                    return Some(number);
                }
                Err(fault) => self.problems.push(Problem::NumberUnusable {
                    id: claim.id,
                    label: claim.label.clone(),
                    source,
                    fault,
                }),
            }
        }
        None
    }

    fn take_derived(&mut self, id: ObjectId) -> Result<u32, Reason> {
        if self.numbers_free == 0 {
            return Err(Reason::NumbersExhausted);
        }
        let range = &self.policy.id_range;
        let number = self.registry.numbers.take(id, range);
        self.numbers_free -= 1;
        number.ok_or(Reason::NumbersExhausted)
    }

    /// Only the first number asked for counts: what an administrator sets goes before the tenant's.
    fn report_difference(&mut self, claim: &Claim, registered: u32, wanted: Vec<WantedNumber>) {
        let (id, label) = (claim.id, claim.label.clone());
        let problem = match wanted.into_iter().next() {
            None => return,
            Some((_, Ok(number))) if number == registered => return,
            Some((source, Err(fault))) => Problem::NumberUnusable {
                id,
                label,
                source,
                fault,
            },
            Some((source, Ok(wanted))) => match wanted::check(&self.registry, wanted) {
                Ok(()) => Problem::NumberDiffers {
                    id,
                    label,
                    registered,
                    wanted,
                    source,
                },
                Err(fault) => Problem::NumberUnusable {
                    id,
                    label,
                    source,
                    fault,
                },
            },
        };
        self.problems.push(problem);
    }

    /// A username beats the name a living group has, or is about to take back. Names held for a deleted or renamed
    /// group are out of reach like any other: a rule for `%eng` may still be in force somewhere.
    fn is_beaten(&self, holder: ObjectId, name: &str) -> bool {
        let current = self
            .registry
            .get(holder)
            .and_then(|record| record.name.as_deref());
        let is_this = |other: &str| fold(other) == fold(name);
        is_living_group(self.directory, holder)
            && (current.is_some_and(is_this) || self.is_claimed(GroupId(holder), is_this))
    }

    fn is_claimed(&self, group: GroupId, is_this: impl Fn(&str) -> bool) -> bool {
        let claimed = self.directory.groups.get(&group);
        let claimed = claimed.and_then(|group| group_name(group.display_name.as_deref()?));
        self.directory.decisions.is_imported(group) && claimed.is_some_and(|name| is_this(&name))
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
