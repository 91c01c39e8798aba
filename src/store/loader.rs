//! From the records of the tree, in the order of their keys, to a state.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Error;
use super::key::Key;
use super::record::{
    DecisionRecord, Fault, GroupRecord, HeldKindsRecord, MemberRecord, MemoryRecord,
    OverrideRecord, PinRecord, ProgressRecord, RegistrationRecord, StampRecord, UserRecord,
    WithheldGroupRecord, WithheldUserRecord, decode,
};
use crate::directory::registry::Record;
use crate::directory::{Directory, Group, GroupId, Member, ObjectId, Registry, State, User};

/// A state in the making.
#[derive(Default)]
pub(super) struct Loader {
    state: State,
    /// Unshared still: their members come later.
    groups: BTreeMap<GroupId, Group>,
    registrations: Vec<(ObjectId, Record)>,
}

impl Loader {
    /// Takes up one record of the store in `dir`.
    pub(super) fn take(&mut self, dir: &Path, key: &[u8], record: &[u8]) -> Result<(), Error> {
        let known = Key::from_bytes(key).map_err(Error::record(dir, "an unknown record"))?;
        self.place(known, record)
            .map_err(|fault| Error::record(dir, known)(fault))
    }

    fn place(&mut self, key: Key<'_>, record: &[u8]) -> Result<(), Fault> {
        let Directory {
            users,
            decisions,
            pins,
            withheld,
            overrides,
            guard,
            ..
        } = &mut self.state.directory;
        let progress = &mut self.state.progress;
        match key {
            // Read by `Store` when it is opened.
            Key::Tenant | Key::Generation => {}
            // No part of the state; read one by one, by whoever needs it.
            Key::Secret(_) => {}
            Key::UsersProgress => progress.users = decode::<ProgressRecord>(record)?.try_into()?,
            Key::GroupsProgress => {
                progress.groups = decode::<ProgressRecord>(record)?.try_into()?
            }
            Key::User(id) => {
                let user = decode::<UserRecord>(record)?.try_into()?;
                users.insert(id, Arc::new(user));
            }
            Key::Group(id) => {
                let group = decode::<GroupRecord>(record)?.try_into()?;
                self.groups.insert(id, group);
            }
            Key::Member(id, member) => {
                let group = self.groups.get_mut(&id).ok_or(Fault::GroupMissing)?;
                let record = Member::from(decode::<MemberRecord>(record)?);
                group.members.insert(member, record);
            }
            Key::UserDecision(id) => {
                decisions
                    .users
                    .insert(id, decode::<DecisionRecord>(record)?.into());
            }
            Key::GroupDecision(id) => {
                decisions
                    .groups
                    .insert(id, decode::<DecisionRecord>(record)?.into());
            }
            Key::Registration(id) => {
                let record = decode::<RegistrationRecord>(record)?.try_into()?;
                self.registrations.push((id, record));
            }
            Key::Pin(name) => {
                pins.insert(name.to_owned(), decode::<PinRecord>(record)?.into());
            }
            Key::Stamp(id) => {
                let stamp = decode::<StampRecord>(record)?.try_into()?;
                self.state.stamps.insert(id, stamp);
            }
            Key::WithheldUser(id) => {
                let user: Option<User> = decode::<WithheldUserRecord>(record)?.try_into()?;
                withheld.users.insert(id, user.map(Arc::new));
            }
            Key::WithheldGroup(id) => {
                let group: Option<Group> = decode::<WithheldGroupRecord>(record)?.try_into()?;
                withheld.groups.insert(id, group.map(Arc::new));
            }
            Key::Override(id) => {
                let set = decode::<OverrideRecord>(record)?.into();
                overrides.objects.insert(id, set);
            }
            Key::Remembered(subject) => {
                let memory = decode::<MemoryRecord>(record)?.try_into()?;
                guard.subjects.insert(subject, memory);
            }
            Key::HeldKinds => {
                let held: Vec<_> = decode::<HeldKindsRecord>(record)?.try_into()?;
                guard.held.extend(held);
            }
            Key::AwaitedOverride(name) => {
                let set = decode::<OverrideRecord>(record)?.into();
                overrides.awaited.insert(name.to_owned(), set);
            }
        }
        Ok(())
    }

    /// The state that all records together make.
    pub(super) fn finish(self) -> State {
        let mut state = self.state;
        let shared = |(id, group)| (id, Arc::new(group));
        state.directory.groups = self.groups.into_iter().map(shared).collect();
        state.directory.registry = Registry::from_records(self.registrations).into();
        state
    }
}
