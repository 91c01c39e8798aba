//! The tenant changes, or misbehaves, while the daemon runs.

use std::io::ErrorKind;
use std::net::TcpListener;

use ldap3_proto::proto::LdapResultCode;
use serde_json::Value;

use crate::harness::{
    BASE, Client, Daemon, Entry, GROUPS, Installation, Options, PEOPLE, Scope, eventually,
};
use crate::tenant::{
    Disorder, Fault, GroupSpec, LoggedRequest, Mark, Surface, Tenant, UserSpec, sample,
};

/// A daemon that has synced once, and somebody who watches it.
struct Running {
    tenant: Tenant,
    installation: Installation,
    daemon: Daemon,
    reader: Client,
}

impl Running {
    /// In front of a tidy tenant, in which requests can be counted.
    async fn tidy() -> Self {
        let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
        Self::before(tenant, "groups_without_email = true").await
    }

    async fn before(tenant: Tenant, rules: &str) -> Self {
        let options = Options::of(&tenant).sync(rules);
        let installation = Installation::with(&tenant, &options);
        let daemon = installation.serve().await;
        let reader = daemon.reader().await;
        Self {
            tenant,
            installation,
            daemon,
            reader,
        }
    }

    /// Waits until `filter` finds as many entries.
    async fn finds(&mut self, filter: &str, count: usize) -> Vec<Entry> {
        let reader = &mut self.reader;
        let what = format!("{filter} finds {count}");
        eventually(&what, async || {
            let found = reader.search(BASE, filter).await;
            (found.len() == count).then_some(found)
        })
        .await
    }

    async fn person(&mut self, uid: &str) -> Entry {
        self.reader.find(PEOPLE, &format!("(uid={uid})")).await
    }

    async fn group(&mut self, cn: &str) -> Entry {
        self.reader.find(GROUPS, &format!("(cn={cn})")).await
    }

    /// Since `mark` the daemon asked for nothing but what changed, at its delta links.
    fn asked_only_for_changes_since(&self, mark: Mark) {
        let requests = self.tenant.requests_since(mark);
        assert!(!requests.is_empty());
        for request in requests {
            assert!(uses_delta_link(&request), "{request:?}");
        }
    }
}

fn uses_delta_link(request: &LoggedRequest) -> bool {
    let is_token = |(name, _): &(String, String)| name.eq_ignore_ascii_case("$deltatoken");
    request.surface() == Surface::Graph && request.options().iter().any(is_token)
}

fn has_member(group: &Entry, uid: &str) -> bool {
    let by_uid = group.all("memberUid").iter().any(|member| member == uid);
    let dn = format!("uid={uid},{PEOPLE}");
    assert_eq!(group.all("member").contains(&dn), by_uid, "{group:?}");
    by_uid
}

#[tokio::test]
async fn a_new_colleague_appears_after_one_interval() {
    let mut running = Running::tidy().await;
    let mark = running.tenant.mark();
    let rosalind = UserSpec::new("rosalind@contoso.example").name("Rosalind", "Franklin");
    let id = running.tenant.hire(rosalind.in_group("eng-data"));
    running.finds("(uid=rosalind)", 1).await;
    let person = running.person("rosalind").await;
    assert_eq!(person.one("cn"), "Rosalind Franklin");
    assert_eq!(person.one("entryUUID"), id);
    running
        .finds("(&(cn=tech-all)(memberUid=rosalind))", 1)
        .await;
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn a_rename_changes_names_but_neither_number_nor_home() {
    let mut running = Running::tidy().await;
    let before = running.person("ada").await;
    let mark = running.tenant.mark();
    running
        .tenant
        .rename("ada@contoso.example", "countess@contoso.example");
    running.finds("(uid=countess)", 1).await;
    let after = running.person("countess").await;
    for attribute in ["uidNumber", "gidNumber", "homeDirectory", "entryUUID"] {
        assert_eq!(after.one(attribute), before.one(attribute), "{attribute}");
    }
    assert_eq!(after.one("homeDirectory"), "/home/ada");
    assert_eq!(after.dn, format!("uid=countess,{PEOPLE}"));
    let group = running.group("eng-platform").await;
    assert!(has_member(&group, "countess") && !has_member(&group, "ada"));
    assert!(running.reader.search(BASE, "(uid=ada)").await.is_empty());
    assert!(running.reader.search(GROUPS, "(cn=ada)").await.is_empty());
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn a_disabled_person_is_gone_until_enabled_again() {
    let mut running = Running::tidy().await;
    let before = running.person("grace").await;
    let mark = running.tenant.mark();
    running.tenant.disable("grace@contoso.example");
    running.finds("(uid=grace)", 0).await;
    assert!(!has_member(&running.group("Board").await, "grace"));
    let linus = running.person("linus").await;
    assert!(
        linus.all("manager").is_empty(),
        "a manager who is not served is not named"
    );
    running.tenant.enable("grace@contoso.example");
    running.finds("(uid=grace)", 1).await;
    assert_eq!(
        running.person("grace").await.one("uidNumber"),
        before.one("uidNumber")
    );
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn a_deleted_person_is_gone_and_returns_as_the_same() {
    let mut running = Running::tidy().await;
    let before = running.person("helen").await;
    let mark = running.tenant.mark();
    running.tenant.delete("helen@contoso.example");
    running.finds("(uid=helen)", 0).await;
    assert!(!has_member(&running.group("All-Staff").await, "helen"));
    let namesake = UserSpec::new("helen@fabrikam.example").name("Helen", "Other");
    running.tenant.hire(namesake);
    let reason = eventually("the namesake is known", async || {
        let ended = running
            .installation
            .run(&["explain", "helen@fabrikam.example"])
            .await;
        (ended.status == Some(0)).then_some(ended.results)
    })
    .await;
    assert!(reason.contains("\"helen\" is held for helen"), "{reason}");
    let found = running.reader.search(BASE, "(sn=Other)").await;
    assert!(found.is_empty(), "{found:?}");
    running.tenant.restore("helen@contoso.example");
    running.finds("(uid=helen)", 1).await;
    let after = running.person("helen").await;
    for attribute in ["uidNumber", "homeDirectory", "entryUUID"] {
        assert_eq!(after.one(attribute), before.one(attribute), "{attribute}");
    }
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn memberships_follow_the_tenant_through_nested_groups() {
    let mut running = Running::tidy().await;
    let mark = running.tenant.mark();
    running
        .tenant
        .add_to_group("eng-web", "noor@contoso.example");
    running.finds("(&(cn=VPN-Users)(memberUid=noor))", 1).await;
    let memberships = running.person("noor").await;
    for cn in ["eng-web", "eng-all", "tech-all", "VPN-Users"] {
        let dn = format!("cn={cn},{GROUPS}");
        assert!(
            memberships.all("memberOf").contains(&dn),
            "{cn}: {memberships:?}"
        );
    }
    running.tenant.remove_from_group("tech-all", "eng-all");
    running.finds("(&(cn=VPN-Users)(memberUid=noor))", 0).await;
    assert!(has_member(&running.group("eng-all").await, "noor"));
    assert!(!has_member(&running.group("tech-all").await, "ada"));
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn groups_come_change_their_names_and_go() {
    let mut running = Running::tidy().await;
    let mark = running.tenant.mark();
    let spec = GroupSpec::security("Project Apollo").members(["ada@contoso.example"]);
    let id = running.tenant.create_group(spec);
    running.finds("(cn=Project-Apollo)", 1).await;
    let before = running.group("Project-Apollo").await;
    assert_eq!(before.one("entryUUID"), id);
    running
        .tenant
        .rename_group("Project Apollo", "Project Artemis");
    running.finds("(cn=Project-Artemis)", 1).await;
    let after = running.group("Project-Artemis").await;
    assert_eq!(after.one("gidNumber"), before.one("gidNumber"));
    assert!(has_member(&after, "ada"));
    assert!(
        running
            .reader
            .search(BASE, "(cn=Project-Apollo)")
            .await
            .is_empty()
    );
    running.tenant.delete_group("Project Artemis");
    running.finds("(cn=Project-Artemis)", 0).await;
    running.asked_only_for_changes_since(mark);
}

#[tokio::test]
async fn a_pass_over_an_unchanged_tenant_is_two_requests() {
    let running = Running::tidy().await;
    // The daemon is ready before its first pass has told its end.
    running.installation.run(&["sync"]).await;
    let summary = running.installation.json(&["sync"]).await;
    assert_eq!(summary["requests"], 2, "{summary}");
}

#[tokio::test]
async fn a_full_pass_enumerates_again_and_changes_nothing() {
    let mut running = Running::before(Tenant::sample().await, "").await;
    let before = running.reader.search(BASE, "(objectClass=*)").await;
    let mark = running.tenant.mark();
    let ended = running
        .installation
        .run(&["sync", "--full", "--json"])
        .await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let events = ended.results.lines().map(serde_json::from_str::<Value>);
    let events: Vec<Value> = events.collect::<Result<_, _>>().unwrap();
    let (summary, progress) = events.split_last().unwrap();
    assert!(
        progress.iter().all(|event| event["event"] == "read"),
        "{progress:?}"
    );
    assert_eq!(summary["event"], "finished");
    for change in ["added", "changed", "removed"] {
        assert_eq!(summary["users"][change], 0, "{summary}");
        assert_eq!(summary["groups"][change], 0, "{summary}");
    }
    let requests = running.tenant.requests_since(mark);
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.starts_a_full_round())
            .count(),
        2
    );
    assert_eq!(running.reader.search(BASE, "(objectClass=*)").await, before);
}

#[tokio::test]
async fn whoever_joins_an_ignored_group_is_out_after_the_next_pass() {
    let rules = "groups_without_email = true\nignored_groups = [\"Ex-Employees\"]";
    let mut running = Running::before(Tenant::sample().await, rules).await;
    let (upn, password) = sample::PASSWORDS[2];
    let mut own = running.daemon.connect_tls().await;
    own.bind_well(upn, password).await;
    assert_eq!(running.installation.why_inactive(upn).await, None);
    let asked = running.tenant.password_checks(upn);
    running.tenant.add_to_group("Ex-Employees", upn);
    running.finds("(uid=linus)", 0).await;
    assert!(!has_member(&running.group("eng-platform").await, "linus"));
    let (entries, result) = own.try_search(BASE, Scope::Subtree, "(uid=*)", &[]).await;
    assert!(entries.is_empty(), "who was bound before reads no longer");
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
    let refused = own.bind(upn, password).await;
    assert_eq!(refused.code, LdapResultCode::InvalidCredentials);
    assert_eq!(
        running.tenant.password_checks(upn),
        asked,
        "Microsoft is not asked"
    );
    let reason = running.installation.why_inactive("linus").await;
    assert_eq!(
        reason.as_deref(),
        Some("member of the ignored group \"Ex-Employees\"")
    );
}

#[tokio::test]
async fn an_expired_delta_token_leads_to_an_enumeration_in_which_nothing_vanishes() {
    enumerates_again_after(Tenant::expire_delta_tokens).await;
}

#[tokio::test]
async fn a_resync_demanded_by_graph_leads_to_an_enumeration_in_which_nothing_vanishes() {
    enumerates_again_after(Tenant::reset_delta_tokens).await;
}

async fn enumerates_again_after(doom: fn(&Tenant)) {
    let rules = "groups_without_email = true";
    let mut running = Running::before(Tenant::sample().await, rules).await;
    let people = running.reader.search(PEOPLE, "(uid=*)").await.len();
    let members = running.group("All-Staff").await.all("memberUid").len();
    let mark = running.tenant.mark();
    doom(&running.tenant);
    running
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example").in_group("All Staff"));
    let (tenant, reader) = (&running.tenant, &mut running.reader);
    eventually(
        "both phases enumerated, and the new colleague is in",
        async || {
            let now = reader.search(PEOPLE, "(uid=*)").await.len();
            let all_staff = reader.find(GROUPS, "(cn=All-Staff)").await;
            let members_now = all_staff.all("memberUid").len();
            assert!(
                (people..=people + 1).contains(&now),
                "{now} people instead of {people}"
            );
            assert!(
                (members..=members + 1).contains(&members_now),
                "{members_now} of {members}"
            );
            (now > people && members_now > members).then_some(())
        },
    )
    .await;
    let requests = tenant.requests_since(mark);
    for collection in ["/users/", "/groups/"] {
        let is_new_round = |request: &LoggedRequest| {
            request.path.contains(collection) && request.starts_a_full_round()
        };
        assert!(requests.iter().any(is_new_round), "{collection}");
    }
}

#[tokio::test]
async fn a_tenant_out_of_reach_changes_nothing_until_it_is_back() {
    let mut running = Running::tidy().await;
    let before = running.reader.search(BASE, "(objectClass=*)").await;
    running.tenant.stop().await;
    let problem = eventually("the status says failing", async || {
        let status = running.installation.status().await;
        (status["state"] == "failing").then(|| status["problems"].to_string())
    })
    .await;
    assert!(problem.contains("cannot be reached"), "{problem}");
    assert_eq!(running.reader.search(BASE, "(objectClass=*)").await, before);
    assert_eq!(running.daemon.page("readyz").await.0, 200);
    running
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example"));
    running.tenant.restart().await;
    running.finds("(uid=rosalind)", 1).await;
    eventually("the status is good again", async || {
        (running.installation.status().await["state"] == "ok").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_throttled_page_is_asked_for_again() {
    let mut running = Running::tidy().await;
    let mark = running.tenant.mark();
    running.tenant.fail_graph(429, Some("1"), 2);
    running
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example"));
    running.finds("(uid=rosalind)", 1).await;
    let requests = running.tenant.requests_since(mark);
    // The phases run side by side: both may be hit.
    let place = |request: &LoggedRequest| (request.path.clone(), request.query.clone());
    let is_throttled = |request: &&LoggedRequest| request.status == Some(429);
    assert_eq!(requests.iter().filter(is_throttled).count(), 2);
    for throttled in requests.iter().filter(is_throttled) {
        let is_answer = |request: &LoggedRequest| {
            request.status == Some(200) && place(request) == place(throttled)
        };
        assert!(requests.iter().any(is_answer), "{throttled:?}");
    }
}

#[tokio::test]
async fn a_proxy_page_in_place_of_an_answer_is_no_answer() {
    let mut running = Running::tidy().await;
    let before = running.reader.search(PEOPLE, "(uid=*)").await;
    let logged = running.daemon.log_length();
    running.tenant.inject(Surface::Graph, Fault::HtmlPage, 1);
    running
        .daemon
        .logged_after(logged, "it is asked for again")
        .await;
    assert_eq!(running.reader.search(PEOPLE, "(uid=*)").await, before);
    running
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example"));
    running.finds("(uid=rosalind)", 1).await;
}

#[tokio::test]
async fn a_link_to_another_host_is_never_followed() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let host = trap.local_addr().unwrap();
    let mut running = Running::tidy().await;
    let link = Fault::ForeignLink(format!("http://{host}"));
    running.tenant.inject(Surface::Graph, link, 2);
    let problems = eventually("the status says failing", async || {
        let status = running.installation.status().await;
        (status["state"] == "failing").then(|| status["problems"].to_string())
    })
    .await;
    assert!(problems.contains(&host.to_string()), "{problems}");
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    running
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example"));
    running.finds("(uid=rosalind)", 1).await;
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_rule_that_fits_two_groups_publishes_nothing_and_names_both() {
    let tenant = Tenant::sample().await;
    let options = Options::of(&tenant).sync("ignored_groups = [\"Marketing\"]");
    let installation = Installation::with(&tenant, &options);
    let daemon = installation.start().await;
    let problems = eventually("the status names the problem", async || {
        let status = installation.status().await;
        (status["state"] == "failing" && status["groups"]["completed"].is_string())
            .then(|| status["problems"].to_string())
    })
    .await;
    let with_mail = tenant.group_id("marketing@contoso.example");
    assert!(problems.contains("sync.ignored_groups names"), "{problems}");
    assert!(problems.contains(&with_mail), "{problems}");
    assert_eq!(daemon.page("readyz").await.0, 503);
    let (entries, result) = daemon
        .reader()
        .await
        .try_search(BASE, Scope::Subtree, "(uid=*)", &[])
        .await;
    assert!(entries.is_empty());
    assert_eq!(result.code, LdapResultCode::Unavailable);
}
