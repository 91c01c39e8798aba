//! A daemon in front of a tenant that misbehaves, and a witness of every answer it gives.

use std::sync::atomic::{AtomicUsize, Ordering};

use ldap3_proto::proto::LdapResultCode;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::harness::{BASE, Client, Daemon, Entry, Installation, Options, Scope, eventually};
use crate::tenant::{Disorder, Fault, LoggedRequest, Position, Surface, Tenant, UserSpec, sample};

/// The rules of most tests: whatever the tenant has is served.
const RULES: &str = "groups_without_email = true";

/// The sample company as it is served when nothing goes wrong.
pub async fn undisturbed() -> &'static [Entry] {
    static TREE: OnceCell<Vec<Entry>> = OnceCell::const_new();
    TREE.get_or_init(async || {
        let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
        let daemon = Installation::of(&tenant).serve().await;
        daemon.reader().await.search(BASE, "(objectClass=*)").await
    })
    .await
}

/// A daemon that is watched.
pub struct Stage {
    /// The tenant.
    pub tenant: Tenant,
    /// Where the daemon lives.
    pub installation: Installation,
    /// The daemon.
    pub daemon: Daemon,
    /// Somebody who may read everything.
    pub reader: Client,
    /// The tree as last known to be right.
    pub good: Vec<Entry>,
    hired: AtomicUsize,
}

impl Stage {
    /// A daemon whose first pass meets whatever the tenant holds in store: it serves nothing until it knows
    /// everything, and then the same as if nothing had been.
    pub async fn first_pass(tenant: Tenant) -> Self {
        let mut stage = Self::before(tenant, RULES).await;
        stage.is_unavailable_until_complete().await;
        assert_same(&stage.good, undisturbed().await);
        stage
    }

    /// A daemon that has synced the sample company.
    pub async fn set() -> Self {
        Self::first_pass(Tenant::sample().await).await
    }

    /// A daemon that has synced the sample company, which answers tidily: a round has few pages.
    pub async fn tidy() -> Self {
        Self::first_pass(Tenant::start_with(sample::company(), Disorder::none()).await).await
    }

    /// A daemon that was just started, with these rules.
    pub async fn before(tenant: Tenant, rules: &str) -> Self {
        let options = Options::of(&tenant).sync(rules);
        let installation = Installation::with(&tenant, &options);
        let daemon = installation.start().await;
        Self::of(tenant, installation, daemon).await
    }

    /// A daemon that runs already.
    pub async fn of(tenant: Tenant, installation: Installation, daemon: Daemon) -> Self {
        let reader = daemon.reader().await;
        Self {
            tenant,
            installation,
            daemon,
            reader,
            good: Vec::new(),
            hired: AtomicUsize::new(0),
        }
    }

    /// Watches the first pass to its end: every search is refused until one finds the whole tree.
    pub async fn is_unavailable_until_complete(&mut self) {
        let reader = &mut self.reader;
        self.good = eventually("the first pass is complete", async || {
            let (entries, result) = look(reader).await;
            if result == LdapResultCode::Success {
                return Some(entries);
            }
            assert_eq!(result, LdapResultCode::Unavailable);
            assert!(entries.is_empty(), "{entries:?}");
            None
        })
        .await;
    }

    /// Nothing is served now.
    pub async fn is_unavailable(&mut self) {
        let (entries, result) = look(&mut self.reader).await;
        assert_eq!(result, LdapResultCode::Unavailable);
        assert!(entries.is_empty());
        assert_eq!(self.daemon.page("readyz").await.0, 503);
    }

    /// Somebody is hired into `eng-data`; until they are there, everything else is served as it was, at every
    /// look, and so it is afterwards.
    pub async fn takes_in_a_colleague(&mut self) {
        let uid = self.hire();
        self.is_taken_in(&uid).await;
    }

    /// Somebody is hired into `eng-data`; their uid.
    pub fn hire(&self) -> String {
        let uid = format!("rosalind{}", self.hired.fetch_add(1, Ordering::Relaxed));
        let spec = UserSpec::new(&format!("{uid}@contoso.example"));
        self.tenant.hire(spec.in_group("eng-data"));
        uid
    }

    /// Waits for somebody who was hired; until they are there, everything else is served as it was.
    pub async fn is_taken_in(&mut self, uid: &str) {
        let (reader, good) = (&mut self.reader, &self.good);
        self.good = eventually("the new colleague is there", async || {
            let (entries, result) = look(reader).await;
            assert_eq!(result, LdapResultCode::Success, "what is held is served");
            assert_same(&without(&entries, uid), good);
            let is_group = |entry: &&Entry| entry.dn.starts_with("cn=eng-data,");
            let group = entries.iter().find(is_group).expect("the group is held");
            let is_member = group.all("memberUid").iter().any(|member| member == uid);
            is_member.then_some(entries)
        })
        .await;
    }

    /// What is served is what was last known to be right.
    pub async fn serves_what_it_held(&mut self) {
        let (entries, result) = look(&mut self.reader).await;
        assert_eq!(result, LdapResultCode::Success);
        assert_same(&entries, &self.good);
    }

    /// Waits until the status tells of a failure in these words, with the tree served as it was.
    pub async fn fails(&mut self, words: &[&str]) {
        let (reader, good) = (&mut self.reader, &self.good);
        let installation = &self.installation;
        eventually(&format!("the status says {words:?}"), async || {
            let (entries, result) = look(reader).await;
            match good.is_empty() {
                true => assert_eq!(result, LdapResultCode::Unavailable),
                false => assert_same(&entries, good),
            }
            let status = installation.status().await;
            let said = status["problems"].to_string();
            let is_said = words.iter().all(|word| said.contains(word));
            (status["state"] == "failing" && is_said).then_some(())
        })
        .await
    }

    /// Waits until the status is good again.
    pub async fn recovers(&mut self) -> Value {
        eventually("the status is good", async || {
            let status = self.installation.status().await;
            (status["state"] == "ok").then_some(status)
        })
        .await
    }

    /// Waits for a line of the log, after the first `after`, that holds all of `words`.
    pub async fn logs_after(&self, after: usize, words: &[&str]) -> String {
        eventually(&format!("the log says {words:?}"), async || {
            let log = self.daemon.log();
            let says = |line: &&String| words.iter().all(|word| line.contains(word));
            log.iter().skip(after).find(says).cloned()
        })
        .await
    }

    /// Waits for a line of the log that holds all of `words` and the `client-request-id` of a request that the
    /// tenant has seen.
    pub async fn logs_request(&self, after: usize, words: &[&str]) -> String {
        let words = [words, &["client-request-id "]].concat();
        let line = self.logs_after(after, &words).await;
        let (_, id) = line.rsplit_once("client-request-id ").expect("it says so");
        let id = id.get(..36).expect("a GUID follows");
        let is_it = |request: &LoggedRequest| request.client_request_id.as_deref() == Some(id);
        assert!(self.tenant.requests().iter().any(is_it), "{line}");
        line
    }

    /// The same for an answer of Graph: its own `request-id` is there as well.
    pub async fn logs_answer(&self, after: usize, words: &[&str]) -> String {
        self.logs_request(after, &[words, &["request-id ", ", client-"]].concat())
            .await
    }
}

/// A tenant whose first rounds meet `fault` on their way, `times` in each phase.
pub async fn tenant_with(fault: &Fault, times: usize) -> Tenant {
    let tenant = Tenant::sample().await;
    for (collection, page) in [("users", 2), ("groups", 1)] {
        let is_due = on_page(collection, page);
        tenant.inject_whenever(Surface::Graph, is_due, fault.clone(), times);
    }
    tenant
}

/// A request for that page, from 0, of a round of `users` or `groups`.
pub fn on_page(
    collection: &'static str,
    page: usize,
) -> impl Fn(&Position<'_>) -> bool + Send + 'static {
    move |position| position.page == page && position.request.path.contains(collection)
}

/// A request that goes on from the last round of `users` or `groups`.
pub fn at_delta_link(collection: &'static str) -> impl Fn(&Position<'_>) -> bool + Send + 'static {
    move |position| {
        let token = position.request.option("$deltatoken");
        token.is_some_and(|token| !token.is_empty()) && position.request.path.contains(collection)
    }
}

/// Everything that is served, or that it is not.
async fn look(reader: &mut Client) -> (Vec<Entry>, LdapResultCode) {
    let (entries, result) = reader
        .try_search(BASE, Scope::Subtree, "(objectClass=*)", &[])
        .await;
    (entries, result.code)
}

/// The tree as it would be without that person.
fn without(entries: &[Entry], uid: &str) -> Vec<Entry> {
    let (person, group) = (format!("uid={uid},"), format!("cn={uid},"));
    let others = entries
        .iter()
        .filter(|entry| !entry.dn.starts_with(&person) && !entry.dn.starts_with(&group));
    others
        .map(|entry| entry.without_value(|value| value == uid || value.starts_with(&person)))
        .collect()
}

/// Compares two trees, and shows no more than what differs.
pub fn assert_same(found: &[Entry], expected: &[Entry]) {
    let differs = |entry: &&Entry, other: &[Entry]| !other.contains(entry);
    let odd: Vec<&Entry> = found
        .iter()
        .filter(|entry| differs(entry, expected))
        .collect();
    let missing: Vec<&Entry> = expected
        .iter()
        .filter(|entry| differs(entry, found))
        .collect();
    assert!(
        odd.is_empty() && missing.is_empty() && found.len() == expected.len(),
        "served: {odd:#?}\ninstead of: {missing:#?}"
    );
}
