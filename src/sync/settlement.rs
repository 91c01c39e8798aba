//! The last settling that changed nothing, remembered: with the same input there is no need to settle again.

use jiff::Timestamp;

use crate::directory::Directory;
use crate::directory::registry::Policy;

use super::pass::Order;
use super::{Rules, Settled, guard};

/// A directory that settles to itself.
///
/// [`settle`](super::settle) is pure but for the time, so the same directory gives itself again, until something
/// that it remembers runs out.
#[derive(Debug)]
pub(super) struct Settlement {
    directory: Directory,
    rules: Rules,
    policy: Policy,
    settled: Settled,
    at: Timestamp,
}

impl Settlement {
    /// What was found out when `before` was settled with its own tenant, unless `after` is anything new.
    pub(super) fn of(
        before: &Directory,
        after: &Directory,
        order: Order<'_>,
        settled: &Settled,
        at: Timestamp,
    ) -> Option<Self> {
        after.is_same(before).then(|| Self {
            directory: after.clone(),
            rules: order.settings.rules.clone(),
            policy: order.policy.clone(),
            settled: settled.clone(),
            at,
        })
    }

    /// What settling `directory` with its own tenant would say now; `None` if it has to be done to know.
    pub(super) fn recall(
        &self,
        directory: &Directory,
        order: Order<'_>,
        now: Timestamp,
    ) -> Option<&Settled> {
        let is_same = self.directory.is_same(directory)
            && self.rules == order.settings.rules
            && self.policy == *order.policy;
        let is_due = || {
            guard::is_due(&directory.guard, self.at, now)
                || directory.registry.is_due(order.policy, now)
        };
        (is_same && !is_due()).then_some(&self.settled)
    }
}
