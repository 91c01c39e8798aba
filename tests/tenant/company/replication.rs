//! Replication: what was changed is not everywhere at once, and not everything at the same time.
//!
//! While a change is on its way, lists and delta show the object as it was, and the journal does not know of the
//! change. People and groups travel separately, so that a group can name a member whom nobody has seen yet.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::super::Tenant;
use super::super::clock::span;
use super::{Change, Company, Shown, What};

/// Changes on their way, and how long they take.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    /// The tenant's present.
    pub now: Timestamp,
    people: Duration,
    groups: Duration,
    travelling: Vec<(Timestamp, Change)>,
}

impl Company {
    fn delay_of(&self, id: Uuid) -> Duration {
        match self.users.contains_key(&id) {
            true => self.replication.people,
            false => self.replication.groups,
        }
    }

    /// Enters a change into the journal, now or when it has arrived.
    pub(super) fn note(&mut self, object: Uuid, what: What) {
        let change = Change { object, what };
        let delay = self.delay_of(object);
        if delay.is_zero() {
            self.journal.push(change);
        } else {
            let arrival = self.replication.now + span(delay);
            self.replication.travelling.push((arrival, change));
        }
    }

    /// Has Graph show the object as it is now until the change that follows has arrived.
    pub(super) fn conceal(&mut self, id: Uuid) {
        if self.delay_of(id).is_zero() {
            return;
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.shown_members.get_or_insert(group.members.clone());
        }
        let object = self.object_mut(id);
        let former = Shown::Former(object.properties.clone(), object.life);
        object.shown.get_or_insert(former);
    }

    /// Has Graph know nothing of a new object until its arrival.
    pub(super) fn conceal_new(&mut self, id: Uuid) {
        if !self.delay_of(id).is_zero() {
            self.object_mut(id).shown = Some(Shown::Nothing);
        }
    }

    /// Lets arrive what is due.
    pub(in super::super) fn settle(&mut self, now: Timestamp) {
        self.replication.now = now;
        if self.replication.travelling.is_empty() {
            return;
        }
        let travelling = std::mem::take(&mut self.replication.travelling);
        let (arrived, travelling): (Vec<_>, Vec<_>) = travelling
            .into_iter()
            .partition(|(arrival, _)| *arrival <= now);
        self.replication.travelling = travelling;
        let still: BTreeSet<Uuid> = self
            .replication
            .travelling
            .iter()
            .map(|(_, change)| change.object)
            .collect();
        for (_, change) in arrived {
            if !still.contains(&change.object) {
                self.object_mut(change.object).shown = None;
                if let Some(group) = self.groups.get_mut(&change.object) {
                    group.shown_members = None;
                }
            }
            self.journal.push(change);
        }
    }
}

impl Tenant {
    /// From now on, changes of people and of groups take this long (of the tenant's time) to show in lists and
    /// delta.
    pub fn replicate_after(&self, people: Duration, groups: Duration) {
        let mut world = self.world();
        world.company.replication.people = people;
        world.company.replication.groups = groups;
    }
}
