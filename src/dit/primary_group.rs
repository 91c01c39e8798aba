//! Whose number stands in a person's `gidNumber` (`directory.posix.primary_group`).

use std::fmt;

use crate::directory::name::fold;
use crate::directory::registry::Record;
use crate::directory::{Directory, GroupId, ObjectId, UserId};

/// The group that a person's `gidNumber` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PrimaryGroup {
    /// Each person's own, of the person's name and number.
    #[default]
    Private,
    /// One group of the tenant for everybody, by its `cn` or object id. There are no private groups then.
    Shared(String),
}

/// Why the shared primary group is not as it should be. `Display` is a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No group of this name has ever been served: people keep their private groups.
    Unknown {
        /// The name in the configuration file.
        name: String,
    },
    /// The group was served and is not any more: its number stays everybody's, and leads to no group.
    NotServed {
        /// The name in the configuration file.
        name: String,
        /// The group.
        id: GroupId,
        /// Its number.
        number: u32,
    },
    /// The group goes by another name now. The old one is held for it, but not for ever.
    Renamed {
        /// The name in the configuration file.
        name: String,
        /// The group.
        id: GroupId,
        /// Its `cn` now.
        now: String,
    },
}

impl PrimaryGroup {
    /// Everybody's `gidNumber`; `None` when people have their private numbers.
    ///
    /// A number given once is given again, whatever becomes of the group: files on hosts bear it, and the registry
    /// keeps it for the group's object for ever.
    pub fn number(&self, directory: &Directory) -> Option<u32> {
        self.find(directory).map(|(_, record)| record.number)
    }

    /// The group, whether it is served or not; `None` when people have groups of their own.
    pub fn group(&self, directory: &Directory) -> Option<GroupId> {
        self.find(directory).map(|(id, _)| id)
    }

    /// Why the state is degraded; `None` when all is well.
    pub fn problem(&self, directory: &Directory) -> Option<Problem> {
        let Self::Shared(name) = self else {
            return None;
        };
        let name = name.clone();
        let Some((id, record)) = self.find(directory) else {
            return Some(Problem::Unknown { name });
        };
        match &record.name {
            Some(now) if directory.decisions.is_imported(id) => {
                let is_as_named = name.parse::<ObjectId>().is_ok() || fold(&name) == fold(now);
                (!is_as_named).then(|| Problem::Renamed {
                    name,
                    id,
                    now: now.clone(),
                })
            }
            _ => Some(Problem::NotServed {
                name,
                id,
                number: record.number,
            }),
        }
    }

    /// The group that the name means, as the registry has it.
    fn find<'d>(&self, directory: &'d Directory) -> Option<(GroupId, &'d Record)> {
        let Self::Shared(name) = self else {
            return None;
        };
        let id = name
            .parse()
            .ok()
            .or_else(|| directory.registry.holder(name))?;
        let record = directory.registry.get(id)?;
        // People have home directories.
        let is_group = record.home.is_none() && !directory.users.contains_key(&UserId(id));
        is_group.then_some((GroupId(id), record))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("directory.posix.primary_group: ")?;
        match self {
            Self::Unknown { name } => write!(
                f,
                "no group \"{name}\" is served, so people keep their private groups; name a group by its cn or object id"
            ),
            Self::NotServed { name, id, number } => write!(
                f,
                "the group \"{name}\" ({id}) is not served any more; people keep its number {number}, which leads to \
                 no group: bring it back, or name another"
            ),
            Self::Renamed { name, id, now } => write!(
                f,
                "the group \"{name}\" is called \"{now}\" now; name it by its object id {id} before the old name is \
                 released"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Decision, Reason};
    use crate::dit::tests::{directory, object};

    fn shared(name: &str) -> PrimaryGroup {
        PrimaryGroup::Shared(name.to_owned())
    }

    #[test]
    fn a_group_is_found_by_name_in_any_case_and_by_id() {
        let directory = directory();
        for name in ["eng", "ENG", "00000000-0000-0000-0000-00000000000a"] {
            assert_eq!(shared(name).number(&directory), Some(10_010), "{name}");
            assert_eq!(shared(name).problem(&directory), None, "{name}");
        }
        assert_eq!(PrimaryGroup::Private.number(&directory), None);
        assert_eq!(PrimaryGroup::Private.problem(&directory), None);
    }

    #[test]
    fn neither_a_person_nor_a_stranger_is_a_primary_group() {
        let directory = directory();
        for name in ["ada", "nobody", "00000000-0000-0000-0000-000000000001"] {
            assert_eq!(shared(name).number(&directory), None, "{name}");
            let unknown = Problem::Unknown {
                name: name.to_owned(),
            };
            assert_eq!(shared(name).problem(&directory), Some(unknown), "{name}");
        }
    }

    #[test]
    fn a_group_that_is_served_no_more_keeps_its_number() {
        let mut directory = directory();
        let id = GroupId(object(10));
        directory
            .decisions
            .groups
            .insert(id, Decision::Exclude(Reason::NoMail));
        assert_eq!(shared("eng").number(&directory), Some(10_010));
        assert!(matches!(
            shared("eng").problem(&directory),
            Some(Problem::NotServed { .. })
        ));
        directory.groups.remove(&id);
        directory.decisions.groups.remove(&id);
        assert_eq!(shared("eng").number(&directory), Some(10_010));
    }
}
