//! The walk of a search over its candidates, in steps that each fill one write.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use super::Region;
use crate::dit::filter::{Plan, ValuesReturn, compile};
use crate::dit::{EntryId, Filter, Selection, Snapshot};
use crate::ldap::limits::Limits;
use crate::ldap::refusal::{Refusal, success};
use crate::ldap::request::{Scope, Search};

/// How long a search may keep its thread before other connections get their turn.
const TIME_SLICE: Duration = Duration::from_millis(5);

/// Entries tested between two looks at the clock: few, because a filter of a hundred thousand terms
/// makes each of them slow.
const ENTRIES_PER_LOOK: usize = 8;

/// How far a search has come: enough to go on with it later over the same snapshot.
#[derive(Clone, Debug)]
pub struct Position {
    /// The place among the candidates where it goes on.
    next: usize,
    entries_left: Bound,
    time_left: (Duration, LdapResultCode),
    tested_left: usize,
    /// Entries that still fit on the page.
    page_left: usize,
    /// Entries returned so far.
    pub returned: usize,
}

/// How many more entries may be returned, and what it is called to reach that.
type Bound = (usize, LdapResultCode);

/// A search under way.
pub struct Walk<'s> {
    message_id: u32,
    snapshot: &'s Snapshot,
    region: Region,
    /// Without one every candidate was tested before.
    plan: Option<Plan<'s>>,
    candidates: Cow<'s, [EntryId]>,
    selection: Selection,
    values: Option<ValuesReturn>,
    position: Position,
    started: Instant,
}

/// How far a step came.
pub enum Step {
    /// The buffer is full, or it is someone else's turn.
    More,
    /// The page is full, or whoever gathers has enough, and there is at least one more entry.
    Full,
    /// Everything is in the buffer but the result.
    Done(LdapResult),
}

/// What comes next among the candidates.
enum Next {
    Found(EntryId),
    Pause,
    Done(LdapResult),
}

impl Position {
    /// At the beginning, with the stricter of what the client and the server allow.
    pub fn start(search: &Search, limits: Limits) -> Self {
        use LdapResultCode::{AdminLimitExceeded, SizeLimitExceeded, TimeLimitExceeded};
        let entries = match search.size_limit as usize {
            0 => (limits.entries, AdminLimitExceeded),
            wanted if wanted <= limits.entries => (wanted, SizeLimitExceeded),
            _ => (limits.entries, AdminLimitExceeded),
        };
        let patience = Duration::from_secs(search.time_limit.into());
        let time = match search.time_limit {
            0 => (limits.time, AdminLimitExceeded),
            _ if patience <= limits.time => (patience, TimeLimitExceeded),
            _ => (limits.time, AdminLimitExceeded),
        };
        Self {
            next: 0,
            entries_left: entries,
            time_left: time,
            tested_left: limits.tested,
            page_left: usize::MAX,
            returned: 0,
        }
    }

    /// Takes off the time and the tests that gathering the entries in advance has cost.
    pub fn spend(&mut self, gathered: &Self) {
        self.time_left.0 = gathered.time_left.0;
        self.tested_left = gathered.tested_left;
    }

    /// At the beginning of a page.
    pub fn turn_page(&mut self, entries: usize) {
        self.page_left = entries;
    }
}

impl<'s> Walk<'s> {
    /// Goes on with a search from a position.
    pub fn new(
        message_id: u32,
        search: &Search,
        snapshot: &'s Snapshot,
        region: Region,
        position: Position,
    ) -> Self {
        let plan = compile(&search.filter, snapshot);
        let candidates = match region.scope {
            Scope::Base => Cow::Owned(vec![region.base]),
            _ => plan
                .candidates()
                .unwrap_or(Cow::Borrowed(snapshot.visible())),
        };
        Self {
            message_id,
            snapshot,
            region,
            plan: Some(plan),
            candidates,
            selection: Selection::new(search.attributes.iter().copied(), search.types_only),
            values: None,
            position,
            started: Instant::now(),
        }
    }

    /// Walks over these entries, which match, in their order.
    pub fn in_order(mut self, order: &'s Arc<[EntryId]>) -> Self {
        self.plan = None;
        self.candidates = Cow::Borrowed(order);
        self
    }

    /// Returns only the values that one of these items matches (RFC 3876).
    pub fn only_values(mut self, items: Option<&[Filter]>) -> Self {
        if !self.selection.is_types_only() {
            self.values = items.map(ValuesReturn::new);
        }
        self
    }

    /// Appends the entries found, until `out` holds `full` octets, a time slice is over, the page is full, or the
    /// search is done.
    pub fn step(&mut self, full: usize, out: &mut Vec<u8>) -> Step {
        let slice_end = Instant::now() + TIME_SLICE;
        loop {
            let entry = match self.next(slice_end) {
                Next::Found(entry) => entry,
                Next::Pause => return Step::More,
                Next::Done(result) => return Step::Done(result),
            };
            if self.position.entries_left.0 == 0 {
                return Step::Done(limit_reached(&self.position.entries_left.1));
            }
            if self.position.page_left == 0 {
                return Step::Full;
            }
            self.position.page_left -= 1;
            self.position.entries_left.0 -= 1;
            self.position.returned += 1;
            self.position.next += 1;
            match &self.values {
                None => self
                    .snapshot
                    .write_entry(self.message_id, entry, &self.selection, out),
                Some(values) => self.snapshot.write_matched_values(
                    self.message_id,
                    entry,
                    &self.selection,
                    values,
                    out,
                ),
            }
            if out.len() >= full {
                return Step::More;
            }
        }
    }

    /// Hands every entry found to `keep` instead of the client, until a time slice is over, the search is done, or
    /// `keep` has no room. Limits on what is returned do not count.
    pub fn gather(&mut self, mut keep: impl FnMut(EntryId) -> bool) -> Step {
        let slice_end = Instant::now() + TIME_SLICE;
        loop {
            match self.next(slice_end) {
                Next::Found(entry) => {
                    if !keep(entry) {
                        return Step::Full;
                    }
                    self.position.next += 1;
                }
                Next::Pause => return Step::More,
                Next::Done(result) => return Step::Done(result),
            }
        }
    }

    /// Looks for the next match, and stays on it.
    #[inline]
    fn next(&mut self, slice_end: Instant) -> Next {
        while let Some(&entry) = self.candidates.get(self.position.next) {
            if self.position.next.is_multiple_of(ENTRIES_PER_LOOK) {
                let now = Instant::now();
                if now - self.started >= self.position.time_left.0 {
                    return Next::Done(limit_reached(&self.position.time_left.1));
                }
                if now >= slice_end {
                    return Next::Pause;
                }
            }
            let Some(plan) = &self.plan else {
                return Next::Found(entry);
            };
            if self.region.contains(self.snapshot, entry) {
                if plan.matches(entry) {
                    return Next::Found(entry);
                }
                if self.position.tested_left == 0 {
                    return Next::Done(limit_reached(&LdapResultCode::AdminLimitExceeded));
                }
                self.position.tested_left -= 1;
            }
            self.position.next += 1;
        }
        Next::Done(success())
    }

    /// Where it stands, with the time it took so far taken off.
    pub fn position(&self) -> Position {
        let mut position = self.position.clone();
        position.time_left.0 = position.time_left.0.saturating_sub(self.started.elapsed());
        position
    }
}

fn limit_reached(code: &LdapResultCode) -> LdapResult {
    Refusal::new(code.clone(), "").into()
}
