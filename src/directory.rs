//! What the tenant says, and what the administrator's rules make of it.
//!
//! [`Directory`] owns every user, group and membership of the tenant, each with the [`Decision`]
//! taken on it, the registry of POSIX names and numbers, and the object ids that rule names are
//! pinned to. It is the ground state: `store` keeps it, `sync` changes it, `dit` renders it.
//!
//! It knows no I/O, no JSON and no LDAP. Start with [`Directory`], then [`decision`].

pub mod attribute;
pub mod decision;
pub mod group;
pub mod guard;
pub mod id;
pub mod membership;
pub mod name;
pub mod number_range;
pub mod overrides;
pub mod progress;
pub mod registry;
pub mod shared;
pub mod user;
pub mod withheld;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use decision::{Decision, Decisions, Reason};
pub use group::{Group, GroupKind, Member, MemberKind};
pub use guard::Guard;
pub use id::{GroupId, ObjectId, UserId};
pub use overrides::{Override, Overrides};
pub use progress::{DeltaLink, PhaseProgress, Progress, Stamp, Stamps};
pub use registry::Registry;
pub use shared::Shared;
pub use user::User;
pub use withheld::Withheld;

/// The whole tenant as last read, and everything decided about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Every user of the tenant, guests and disabled ones included; soft-deleted ones are absent.
    ///
    /// Each is shared, so that a new state costs what changed and a comparison of two starts with pointers.
    pub users: Shared<Users>,
    /// Every group of the tenant, imported or not. A deleted group stays while a rule is pinned to it.
    pub groups: Shared<Groups>,
    /// The verdict of the rules on each user and group above.
    pub decisions: Shared<Decisions>,
    /// POSIX names and numbers ever handed out.
    pub registry: Shared<Registry>,
    /// The object that each group name in a rule meant when it was first resolved.
    pub pins: Pins,
    /// Where the users and groups above are not, or not yet, what the tenant says.
    pub withheld: Withheld,
    /// What the administrator has set for single people and groups.
    pub overrides: Shared<Overrides>,
    /// What the mass-change guard remembers.
    pub guard: Guard,
}

impl Directory {
    /// Equal, as far as that can be told without a look at what may be large. `false` says nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.users.is_same(&other.users)
            && self.groups.is_same(&other.groups)
            && self.decisions.is_same(&other.decisions)
            && self.registry.is_same(&other.registry)
            && self.overrides.is_same(&other.overrides)
            && self.pins == other.pins
            && self.withheld == other.withheld
            && self.guard == other.guard
    }
}

/// Users by id.
pub type Users = BTreeMap<UserId, Arc<User>>;

/// Groups by id.
pub type Groups = BTreeMap<GroupId, Arc<Group>>;

/// All that the store keeps: the directory, how far the sync has read, and when entries last changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The tenant and what was decided about it.
    pub directory: Directory,
    /// Where each phase of the sync goes on.
    pub progress: Progress,
    /// `modifyTimestamp` of every served entry, by entryUUID.
    pub stamps: Shared<Stamps>,
}

/// Group names in rules, as the configuration spells them, and the object each is pinned to.
pub type Pins = BTreeMap<String, GroupId>;
