//! Where what is served is not, or not yet, what the tenant says.
//!
//! [`Directory::users`] and [`Directory::groups`] are what is served from. Where the administrator has frozen
//! people (`sync.users = false`), or the mass-change guard holds a change back, they lag behind the tenant;
//! [`Withheld`] has the tenant's own word on just those objects, so that no change is ever read twice or lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Directory, Group, GroupId, Groups, Shared, User, UserId, Users};

/// The tenant's word on every object that is served otherwise; `None` for one deleted there.
///
/// An object may stand here and not be served at all: it is new, and not let in yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Users.
    pub users: BTreeMap<UserId, Option<Arc<User>>>,
    /// Groups, members included.
    pub groups: BTreeMap<GroupId, Option<Arc<Group>>>,
}

impl Withheld {
    /// What has to be withheld so that these are served while the tenant has those.
    pub fn between(
        tenant: (&Shared<Users>, &Shared<Groups>),
        served: (&Shared<Users>, &Shared<Groups>),
    ) -> Self {
        Self {
            users: differing(tenant.0, served.0),
            groups: differing(tenant.1, served.1),
        }
    }

    /// Everything is served as the tenant says.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}

impl Directory {
    /// The users as the tenant has them.
    pub fn tenant_users(&self) -> Shared<Users> {
        overlaid(&self.users, &self.withheld.users)
    }

    /// The groups as the tenant has them; deleted ones that a rule is pinned to included.
    pub fn tenant_groups(&self) -> Shared<Groups> {
        overlaid(&self.groups, &self.withheld.groups)
    }

    /// Whether a person, active or not, is to be refused at every bind because the tenant has disabled or deleted
    /// the account, even while the guard holds that change back (product contract §3).
    pub fn is_barred(&self, id: UserId) -> bool {
        let user = match self.withheld.users.get(&id) {
            Some(user) => user.as_ref(),
            None => self.users.get(&id),
        };
        user.is_none_or(|user| user.account_enabled != Some(true))
    }
}

fn differing<K: Copy + Ord, V: PartialEq>(
    tenant: &Shared<BTreeMap<K, Arc<V>>>,
    served: &Shared<BTreeMap<K, Arc<V>>>,
) -> BTreeMap<K, Option<Arc<V>>> {
    if tenant.is_same(served) {
        return BTreeMap::new();
    }
    let is_same = |one: &Arc<V>, other: &Arc<V>| Arc::ptr_eq(one, other) || one == other;
    let other = tenant.iter().filter(|(id, object)| {
        let served = served.get(id);
        !served.is_some_and(|served| is_same(served, object))
    });
    let gone = served.keys().filter(|id| !tenant.contains_key(id));
    other
        .map(|(&id, object)| (id, Some(Arc::clone(object))))
        .chain(gone.map(|&id| (id, None)))
        .collect()
}

fn overlaid<K: Copy + Ord, V>(
    served: &Shared<BTreeMap<K, Arc<V>>>,
    withheld: &BTreeMap<K, Option<Arc<V>>>,
) -> Shared<BTreeMap<K, Arc<V>>> {
    let mut all = served.clone();
    for (&id, object) in withheld {
        match object {
            Some(object) => all.insert(id, Arc::clone(object)),
            None => all.remove(&id),
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ObjectId;
    use uuid::Uuid;

    fn id(number: u128) -> UserId {
        UserId(ObjectId(Uuid::from_u128(number)))
    }

    fn user(is_enabled: bool) -> Arc<User> {
        Arc::new(User {
            account_enabled: Some(is_enabled),
            ..User::default()
        })
    }

    #[test]
    fn the_tenants_word_covers_what_is_served() {
        let directory = Directory {
            users: [1, 2, 3]
                .map(|number| (id(number), user(true)))
                .into_iter()
                .collect(),
            withheld: Withheld {
                users: [
                    (id(2), None),
                    (id(3), Some(user(false))),
                    (id(4), Some(user(true))),
                ]
                .into(),
                ..Withheld::default()
            },
            ..Directory::default()
        };
        let tenant = directory.tenant_users();
        assert_eq!(
            tenant.keys().copied().collect::<Vec<_>>(),
            [id(1), id(3), id(4)]
        );
        assert_eq!(tenant[&id(3)].account_enabled, Some(false));
        let barred = [1, 2, 3].map(|number| directory.is_barred(id(number)));
        assert_eq!(barred, [false, true, true]);
    }
}
