//! The half of a pass that reads: it drives a round with pages until there is something to commit.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::directory::registry::UsernameSource;
use crate::directory::{GroupKind, PhaseProgress, State};
use crate::graph::{self, Link, Page};

use super::Error;
use super::pass::{Event, Order, Source};
use super::phase::{Groups, Phase, PhaseName, Users};
use super::round::{Finished, Mode, Round, Step};
use super::settlement::Settlement;

/// How many passes may fail on an enumeration before it starts over.
const FAILURES_MAX: u32 = 5;
/// How long a due enumeration that failed, or was told only a part, is put off where a delta link goes on: what it
/// is to find can wait, and the news that an account was disabled cannot.
const REST: SignedDuration = SignedDuration::from_mins(15);
/// How old an enumeration may grow before it starts over: how long a nextLink lives is not documented, a delta
/// link lives for seven days, and its first pages are news no more.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(6);

/// What one pass leaves to the next: enumerations that passing failures broke off, to be continued, and what need
/// not be found out again. Lost with the process, which costs no more than to read again.
#[derive(Debug, Default)]
pub struct Unfinished {
    pub(super) settlement: Option<Settlement>,
    pub(super) users: Open<Users>,
    pub(super) groups: Open<Groups>,
}

/// What one phase leaves.
#[derive(Debug)]
pub(super) struct Open<P: Phase> {
    pub(super) remainder: Option<Remainder<P>>,
    /// When an enumeration last failed, or was told only a part: news go first for a while.
    tried: Option<Timestamp>,
}

impl<P: Phase> Default for Open<P> {
    fn default() -> Self {
        Self {
            remainder: None,
            tried: None,
        }
    }
}

impl<P: Phase> Open<P> {
    /// Whether an enumeration that is due is put off, because the last one came to nothing.
    fn is_resting(&self, now: Timestamp) -> bool {
        self.tried
            .is_some_and(|at| (SignedDuration::ZERO..REST).contains(&now.duration_since(at)))
    }
}

/// An enumeration that was broken off.
#[derive(Debug)]
pub(super) struct Remainder<P: Phase> {
    round: Round<P>,
    refused: BTreeSet<String>,
    since: Timestamp,
    failures: u32,
}

/// What came of reading a phase.
pub(super) struct Read<P: Phase> {
    pub(super) outcome: Result<Finished<P>, Error>,
    /// How many pages came, those before a restart included.
    pub(super) pages: usize,
    /// How many were asked for.
    pub(super) requests: usize,
    /// The properties asked for.
    pub(super) selected: BTreeSet<String>,
    /// The others that are wanted.
    pub(super) refused: BTreeSet<String>,
}

/// What both phases have in common.
pub(super) struct Reading<'a, Clock, Events> {
    pub(super) base: &'a State,
    pub(super) order: Order<'a>,
    pub(super) clock: &'a Clock,
    pub(super) events: &'a Events,
}

impl<P: Phase> Remainder<P> {
    /// Whether it is still worth continuing, where a round in `mode` would begin otherwise.
    fn is_good(&self, mode: Mode, progress: &PhaseProgress, start: Link, now: Timestamp) -> bool {
        let replaces_the_link =
            progress.link.is_some() && self.round.refused_link() == progress.link.as_ref();
        let age = now.duration_since(self.since);
        (mode == Mode::Full || replaces_the_link)
            && *self.round.start() == start
            && self.failures < FAILURES_MAX
            && (SignedDuration::ZERO..=AGE_MAX).contains(&age)
    }
}

impl<Clock: Fn() -> Timestamp, Events: Fn(Event)> Reading<'_, Clock, Events> {
    /// Reads a round to its end. One that a passing failure ends is left `open`.
    pub(super) async fn phase<P: Phase, F>(
        &self,
        source: Source<impl Fn(&BTreeSet<String>) -> Link, impl Fn(Link) -> F>,
        open: &mut Open<P>,
    ) -> Read<P>
    where
        F: Future<Output = Result<Page<P::Change>, graph::Error>>,
    {
        let (mut round, mut refused, since, failures) = self.begin(&source, open);
        // Where this pass found it: to fail there again is a failure of the link, not of the weather.
        let resumed_at = (round.pages() > 0).then(|| round.link().clone());
        let (mut pages, mut requests) = (0, 0);
        let outcome = loop {
            requests += 1;
            let mode = round.mode();
            let step = match (source.fetch)(round.link().clone()).await {
                Ok(page) => {
                    pages += 1;
                    (self.events)(Event::PageRead {
                        phase: P::NAME,
                        pages: round.pages() + 1,
                        entries: page.changes.len(),
                    });
                    let step = round.page(page, (self.clock)());
                    if matches!(step, Step::Restart(_)) {
                        tracing::info!(phase = %P::NAME, "what Graph tells cannot be built upon; everything is enumerated");
                    }
                    step
                }
                Err(error)
                    if let Some(property) = dispensable(P::NAME, &error, &refused, self.order) =>
                {
                    tracing::warn!(phase = %P::NAME, %error, "the property is left out; everything is enumerated");
                    refused.insert(property);
                    Step::Restart(round.restarted_from((source.start)(&refused)))
                }
                // The page that an earlier pass stopped at has grown too old.
                Err(error)
                    if resumed_at.as_ref() == Some(round.link()) && !error.is_transient() =>
                {
                    tracing::debug!(phase = %P::NAME, %error, "the enumeration cannot be resumed");
                    let start = round.start().clone();
                    Step::Restart(round.restarted_from(start))
                }
                Err(error) => {
                    let reason = error.to_string();
                    let step = round.failed(error);
                    if matches!(step, Step::Restart(_)) {
                        tracing::info!(phase = %P::NAME, reason, "everything is enumerated");
                    }
                    step
                }
            };
            round = match step {
                Step::Fetch(next) => next,
                Step::Restart(again) => {
                    (self.events)(Event::Restarted { phase: P::NAME });
                    again
                }
                Step::Commit(finished) => {
                    if mode == Mode::Full {
                        open.tried = finished.is_partial().then(&self.clock);
                    }
                    break Ok(*finished);
                }
                Step::GiveUp {
                    error,
                    unfinished: round,
                } => {
                    if mode == Mode::Full {
                        open.tried = Some((self.clock)());
                    }
                    open.remainder = round.map(|round| Remainder {
                        failures: match resumed_at.as_ref() == Some(round.link()) {
                            true => failures + 1,
                            false => 1,
                        },
                        round: *round,
                        refused: refused.clone(),
                        since,
                    });
                    break Err(error);
                }
            };
        };
        Read {
            outcome,
            pages,
            requests,
            selected: source.wanted.difference(&refused).cloned().collect(),
            refused,
        }
    }

    /// The round to drive, what the tenant refused in it so far, since when it runs, and how often it failed.
    fn begin<P: Phase, F>(
        &self,
        source: &Source<impl Fn(&BTreeSet<String>) -> Link, F>,
        open: &mut Open<P>,
    ) -> (Round<P>, BTreeSet<String>, Timestamp, u32) {
        let now = (self.clock)();
        let progress = P::progress(&self.base.progress);
        let Order { settings, full, .. } = self.order;
        let can_go_on = !full && progress.link.is_some() && progress.is_tracking(&source.wanted);
        let mode = match can_go_on && open.is_resting(now) {
            true => Mode::Incremental,
            false => Mode::choose(progress, &source.wanted, full, settings.full_interval, now),
        };
        let is_good = |remainder: &Remainder<P>| {
            let start = (source.start)(&remainder.refused);
            !full && remainder.is_good(mode, progress, start, now)
        };
        if let Some(remainder) = open.remainder.take().filter(is_good) {
            let round = remainder.round.resumed(self.base);
            let pages = round.pages();
            (self.events)(Event::Resumed {
                phase: P::NAME,
                pages,
            });
            return (
                round,
                remainder.refused,
                remainder.since,
                remainder.failures,
            );
        }
        let round = Round::<P>::begin(self.base, (source.start)(&BTreeSet::new()), mode);
        let mode = round.mode();
        (self.events)(Event::Began {
            phase: P::NAME,
            mode,
        });
        (round, BTreeSet::new(), now, 0)
    }
}

/// The property that the tenant refuses, when the phase can do without it and has not left it out yet.
fn dispensable(
    phase: PhaseName,
    error: &graph::Error,
    refused: &BTreeSet<String>,
    order: Order<'_>,
) -> Option<String> {
    let graph::Error::PropertyRefused { property, .. } = error else {
        return None;
    };
    let is_news = !is_essential(phase, property, order) && !refused.contains(property);
    is_news.then(|| property.clone())
}

/// Whether the rules or the registry decide by a property, as they are set: an enumeration without it would let
/// guests in, or throw everybody out, so a tenant that refuses it ends the phase.
fn is_essential(phase: PhaseName, property: &str, order: Order<'_>) -> bool {
    let rules = &order.settings.rules;
    match (phase, property) {
        (_, "id")
        | (PhaseName::Users, "userPrincipalName" | "accountEnabled")
        | (PhaseName::Groups, "displayName" | "members") => true,
        (PhaseName::Users, "userType") => !rules.guests,
        (PhaseName::Users, "mailNickname") => order.policy.username == UsernameSource::MailNickname,
        (PhaseName::Users, "mail") => order.policy.username == UsernameSource::MailPrefix,
        (PhaseName::Users, "onPremisesSamAccountName") => {
            order.policy.username == UsernameSource::SamAccountName
        }
        (PhaseName::Groups, "mail") => !rules.groups_without_email,
        (PhaseName::Groups, "mailEnabled" | "securityEnabled" | "groupTypes") => !GroupKind::ALL
            .iter()
            .all(|kind| rules.group_kinds.contains(kind)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Settings;
    use crate::sync::fixtures::{open_rules, policy, property_refused, settings};

    fn can_do_without(phase: PhaseName, property: &str, settings: &Settings) -> bool {
        let order = Order {
            settings,
            policy: &policy(),
            full: false,
            named_max: 0,
        };
        dispensable(phase, &property_refused(property), &BTreeSet::new(), order).is_some()
    }

    #[test]
    fn property_is_essential_only_while_something_is_decided_by_it() {
        let open = settings(open_rules());
        for property in [
            "mail",
            "mailNickname",
            "onPremisesSamAccountName",
            "displayName",
        ] {
            assert!(
                can_do_without(PhaseName::Users, property, &open),
                "{property}"
            );
        }
        for property in ["id", "userPrincipalName", "accountEnabled", "userType"] {
            assert!(
                !can_do_without(PhaseName::Users, property, &open),
                "{property}"
            );
        }
        for property in ["mail", "groupTypes"] {
            assert!(
                can_do_without(PhaseName::Groups, property, &open),
                "{property}"
            );
        }
        let mut strict = open_rules();
        strict.groups_without_email = false;
        strict.group_kinds.remove(&GroupKind::Distribution);
        let strict = settings(strict);
        for property in ["mail", "groupTypes", "members", "displayName"] {
            assert!(
                !can_do_without(PhaseName::Groups, property, &strict),
                "{property}"
            );
        }
    }
}
