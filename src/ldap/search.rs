//! Search (RFC 4511 §4.5), in steps that each fill one write.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use super::Context;
use super::refusal::{Refusal, success};
use super::request::{Scope, Search};
use super::session::{Reach, Session};
use crate::dit::filter::{Plan, compile};
use crate::dit::snapshot::{BASE, Snapshot};
use crate::dit::{Dn, EntryId, Selection};

/// The longest a search may run whatever the client allows, so that no client can keep a core.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How long a search may keep its thread before other connections get their turn.
const TIME_SLICE: Duration = Duration::from_millis(5);

/// Entries tested between two looks at the clock: few, because a filter of a hundred thousand terms
/// makes each of them slow.
const ENTRIES_PER_LOOK: usize = 8;

/// Where a search looks: which snapshot, and which part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    base: EntryId,
    scope: Scope,
    reach: Reach,
}

/// A search under way.
pub(super) struct Running<'s> {
    message_id: u32,
    snapshot: &'s Snapshot,
    region: Region,
    plan: Plan<'s>,
    candidates: Cow<'s, [EntryId]>,
    /// The place among `candidates` where the next step goes on.
    next: usize,
    selection: Selection,
    /// Entries that may still be returned.
    entries_left: usize,
    deadline: Instant,
}

/// How far a step came.
pub(super) enum Step {
    /// The buffer is full, or it is someone else's turn.
    More,
    /// Everything is in the buffer but the result.
    Done(LdapResult),
}

/// Whether the search is about the server rather than the tree: the root DSE and the subschema, which
/// everyone may read over any connection.
pub(super) fn server_region(context: &Context, base: &Dn, scope: Scope) -> Option<Region> {
    let entry = context.server_entries.find(base)?;
    // The root DSE has no subordinates of its own; below the empty name lies the tree.
    if base.is_empty() && scope != Scope::Base {
        return None;
    }
    Some(Region {
        base: entry,
        scope,
        reach: Reach::Tree,
    })
}

/// Where in the tree a search looks, if this client may look there.
pub(super) fn tree_region(
    context: &Context,
    session: &Session,
    snapshot: &Snapshot,
    base: &Dn,
    scope: Scope,
) -> Result<Region, Refusal> {
    let reach = session.identity.reach(snapshot, context.users_may_read);
    if matches!(reach, Reach::Nothing) {
        return Err(Refusal::new(
            LdapResultCode::InsufficentAccessRights,
            "bind first: anonymous clients may read the root DSE and the subschema",
        ));
    }
    if base.is_empty() {
        let scope = if scope == Scope::OneLevel {
            Scope::Base
        } else {
            Scope::Subtree
        };
        return Ok(Region {
            base: BASE,
            scope,
            reach,
        });
    }
    match snapshot.find(base) {
        Some(base) if reach.includes(snapshot, base) => Ok(Region { base, scope, reach }),
        _ => Err(no_such_object(snapshot, reach, base)),
    }
}

/// noSuchObject, with the deepest entry above the name that the client may read (RFC 4511 §4.1.9).
pub(super) fn no_such_object(snapshot: &Snapshot, reach: Reach, name: &Dn) -> Refusal {
    let ancestors = std::iter::successors(name.parent(), Dn::parent);
    let mut found = ancestors.filter_map(|ancestor| snapshot.find(&ancestor));
    let matched = found.find(|&entry| reach.includes(snapshot, entry));
    let matched_dn =
        matched.map(|entry| String::from_utf8_lossy(snapshot.entry(entry).dn()).into_owned());
    Refusal {
        matched_dn: matched_dn.unwrap_or_default(),
        ..Refusal::new(LdapResultCode::NoSuchObject, "")
    }
}

/// The base object's name.
pub(super) fn parse_name(name: &[u8]) -> Result<Dn, Refusal> {
    std::str::from_utf8(name)
        .ok()
        .and_then(|name| Dn::parse(name).ok())
        .ok_or_else(|| {
            Refusal::new(
                LdapResultCode::InvalidDNSyntax,
                "the name is no DN (RFC 4514)",
            )
        })
}

impl<'s> Running<'s> {
    /// Starts a search in a region of a snapshot, which it sees until its end.
    pub fn start(message_id: u32, search: &Search, snapshot: &'s Snapshot, region: Region) -> Self {
        let plan = compile(&search.filter, snapshot);
        let candidates = match region.scope {
            Scope::Base => Cow::Owned(vec![region.base]),
            _ => plan
                .candidates()
                .unwrap_or(Cow::Borrowed(snapshot.visible())),
        };
        let time_limit = match search.time_limit {
            0 => TIME_LIMIT,
            seconds => TIME_LIMIT.min(Duration::from_secs(seconds.into())),
        };
        Self {
            message_id,
            snapshot,
            region,
            plan,
            candidates,
            next: 0,
            selection: Selection::new(search.attributes.iter().copied(), search.types_only),
            entries_left: match search.size_limit {
                0 => usize::MAX,
                limit => limit as usize,
            },
            deadline: Instant::now() + time_limit,
        }
    }

    /// The id of the search's message.
    pub fn message_id(&self) -> u32 {
        self.message_id
    }

    /// Tests candidates and appends the entries found, until `out` holds `full` octets, a time slice is
    /// over, or the search is.
    pub fn step(&mut self, full: usize, out: &mut Vec<u8>) -> Step {
        let slice_end = Instant::now() + TIME_SLICE;
        while let Some(&entry) = self.candidates.get(self.next) {
            if self.region.contains(self.snapshot, entry) && self.plan.matches(entry) {
                if self.entries_left == 0 {
                    return Step::Done(limit_reached(LdapResultCode::SizeLimitExceeded));
                }
                self.entries_left -= 1;
                self.snapshot
                    .write_entry(self.message_id, entry, &self.selection, out);
            }
            self.next += 1;
            if out.len() >= full {
                return Step::More;
            }
            if self.next.is_multiple_of(ENTRIES_PER_LOOK) {
                let now = Instant::now();
                if now >= self.deadline {
                    return Step::Done(limit_reached(LdapResultCode::TimeLimitExceeded));
                }
                if now >= slice_end {
                    return Step::More;
                }
            }
        }
        Step::Done(success())
    }
}

fn limit_reached(code: LdapResultCode) -> LdapResult {
    Refusal::new(code, "").into()
}

impl Region {
    /// The entry the search starts from.
    pub fn base(self) -> EntryId {
        self.base
    }

    fn contains(self, snapshot: &Snapshot, entry: EntryId) -> bool {
        let in_scope = match self.scope {
            Scope::Base => entry == self.base,
            Scope::OneLevel => entry != self.base && snapshot.head(entry).parent == self.base,
            Scope::Subtree => snapshot.is_within(entry, self.base),
            Scope::Subordinates => entry != self.base && snapshot.is_within(entry, self.base),
        };
        in_scope && self.reach.includes(snapshot, entry)
    }
}
