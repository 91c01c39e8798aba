//! Settings and acts that decide who and what is served, over the wire.

use ldap3_proto::proto::LdapResultCode;
use serde_json::json;

use crate::harness::{Client, Daemon, GROUPS, Installation, Options, PEOPLE};
use crate::tenant::{Company, Disorder, GroupSpec, Tenant, UserSpec};

const PASSWORD: &str = "of a test that binds";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKiFCfJfvo1bcrJ7oQPLFUTQoG8wFWDpSJVXxsD4WEiu ada@laptop";

fn company() -> Company {
    Company::new("Contoso", "contoso.example")
        .user(UserSpec::new("ada@contoso.example").password(PASSWORD))
        .user(UserSpec::new("bob@contoso.example").password(PASSWORD))
        .group(GroupSpec::security("Crew").members(["ada@contoso.example", "bob@contoso.example"]))
}

/// A daemon that syncs when it is told to.
struct Running {
    tenant: Tenant,
    installation: Installation,
    daemon: Daemon,
    reader: Client,
}

impl Running {
    async fn new(company: Company, change: impl FnOnce(&mut Options)) -> Self {
        let tenant = Tenant::start_with(company, Disorder::none()).await;
        let mut options = Options::of(&tenant);
        change(&mut options);
        options
            .sync
            .push_str("\ngroups_without_email = true\ninterval = \"1h\"");
        let installation = Installation::with(&tenant, &options);
        Self::serving(tenant, installation).await
    }

    async fn serving(tenant: Tenant, installation: Installation) -> Self {
        let daemon = installation.serve().await;
        installation.json(&["sync"]).await;
        let reader = daemon.reader().await;
        Self {
            tenant,
            installation,
            daemon,
            reader,
        }
    }

    /// The daemon again, with these lines in `[sync]`.
    async fn reconfigured(self, sync: &str) -> Self {
        assert_eq!(self.daemon.stop().await, Some(0));
        let sync = format!("{sync}\ngroups_without_email = true\ninterval = \"1h\"");
        let options = Options::of(&self.tenant).sync(&sync);
        self.installation.configure(&self.tenant, &options);
        Self::serving(self.tenant, self.installation).await
    }

    async fn sync(&self) {
        self.installation.json(&["sync"]).await;
    }

    async fn uids(&mut self) -> Vec<String> {
        let people = self.reader.search(PEOPLE, "(uid=*)").await;
        let uids = people.iter().map(|person| person.one("uid").to_owned());
        uids.collect()
    }
}

#[tokio::test]
async fn frozen_people_neither_come_nor_change_but_go_when_disabled() {
    let running = Running::new(company(), |_| {}).await;
    let mut running = running.reconfigured("users = false").await;
    let title = "Countess";
    running.tenant.hire(UserSpec::new("eve@contoso.example"));
    running.tenant.set("ada@contoso.example", "jobTitle", title);
    running.tenant.disable("bob@contoso.example");
    running.sync().await;
    assert_eq!(running.uids().await, ["ada"]);
    let ada = running.reader.find(PEOPLE, "(uid=ada)").await;
    assert!(ada.all("title").is_empty(), "{ada:?}");
    let mut running = running.reconfigured("users = true").await;
    let mut uids = running.uids().await;
    uids.sort();
    assert_eq!(uids, ["ada", "eve"]);
    assert_eq!(
        running.reader.find(PEOPLE, "(uid=ada)").await.one("title"),
        title
    );
}

#[tokio::test]
async fn guests_are_served_where_the_administrator_says_so() {
    let guest = || UserSpec::guest("carol@fabrikam.example", "contoso.onmicrosoft.com");
    let mut running = Running::new(company().user(guest()), |_| {}).await;
    assert_eq!(running.uids().await.len(), 2);
    let mut running = running.reconfigured("guests = true").await;
    let uids = running.uids().await;
    assert!(
        uids.contains(&"carol_fabrikam.example".to_owned()),
        "{uids:?}"
    );
}

#[tokio::test]
async fn without_groups_their_rules_still_count() {
    let rules = "groups = false\nignored_groups = [\"Leavers\"]";
    let leavers = GroupSpec::security("Leavers").members(["bob@contoso.example"]);
    let company = company().group(leavers);
    let mut running = Running::new(company, |options| options.sync = rules.to_owned()).await;
    assert_eq!(running.uids().await, ["ada"]);
    let served = running
        .reader
        .search(GROUPS, "(objectClass=groupOfNames)")
        .await;
    assert!(served.is_empty(), "{served:?}");
}

#[tokio::test]
async fn a_rule_means_a_recreated_group_only_after_repin() {
    let rules = "allowed_groups = [\"Crew\"]";
    let mut running = Running::new(company(), |options| options.sync = rules.to_owned()).await;
    running.tenant.delete_group("Crew");
    let again = GroupSpec::security("Crew").key("crew-again");
    let id = running
        .tenant
        .create_group(again.members(["ada@contoso.example"]));
    running.sync().await;
    let mut uids = running.uids().await;
    uids.sort();
    assert_eq!(
        uids,
        ["ada", "bob"],
        "the members it last had keep counting"
    );
    assert_eq!(running.installation.status().await["state"], "degraded");
    let done = running.installation.json(&["repin", "Crew"]).await;
    assert!(done["changed"].to_string().contains(&id), "{done}");
    assert_eq!(running.uids().await, ["ada"]);
}

#[tokio::test]
async fn a_released_name_goes_to_the_namesake() {
    let mut running = Running::new(company(), |_| {}).await;
    running.tenant.delete("ada@contoso.example");
    running.tenant.hire(UserSpec::new("ada@fabrikam.example"));
    running.sync().await;
    assert_eq!(running.uids().await, ["bob"]);
    running.installation.json(&["release-name", "ada"]).await;
    assert_eq!(running.uids().await.len(), 2);
    let ada = running.reader.find(PEOPLE, "(uid=ada)").await;
    assert_eq!(ada.one("mail"), "ada@fabrikam.example");
}

#[tokio::test]
async fn numbers_imported_before_the_first_sync_are_the_numbers_from_the_start() {
    let tenant = Tenant::start_with(company(), Disorder::none()).await;
    let installation = Installation::of(&tenant);
    let file = installation.path("numbers.csv");
    std::fs::write(&file, "user,uidNumber\nada@contoso.example,4711\n").unwrap();
    let file = file.to_str().expect("a path in UTF-8");
    let done = installation.json(&["ids", "import", file]).await;
    assert!(
        done["notes"].to_string().contains("ada@contoso.example"),
        "{done}"
    );
    let mut running = Running::serving(tenant, installation).await;
    let ada = running.reader.find(PEOPLE, "(uid=ada)").await;
    assert_eq!(
        (ada.one("uidNumber"), ada.one("gidNumber")),
        ("4711", "4711")
    );
}

#[tokio::test]
async fn a_mapped_key_is_served_and_a_bad_one_is_told_of_its_owner() {
    let property = "extension_0123456789abcdef0123456789abcdef_sshPublicKey";
    let company = company()
        .user(UserSpec::new("eve@contoso.example").with(property, KEY))
        .user(UserSpec::new("mallory@contoso.example").with(property, "ssh-rsa rubbish"));
    let mut running = Running::new(company, |options| {
        options.tables = format!("[directory.attributes]\nsshPublicKey = \"{property}\"");
    })
    .await;
    let eve = running.reader.find(PEOPLE, "(uid=eve)").await;
    assert_eq!(eve.all("sshPublicKey"), [KEY]);
    let mallory = running.reader.find(PEOPLE, "(uid=mallory)").await;
    assert!(mallory.all("sshPublicKey").is_empty());
    assert_eq!(running.installation.status().await["flawed"], 1);
    let row = running.installation.json(&["users", "mallory"]).await;
    assert!(row["flaws"].to_string().contains(property), "{row}");
}

#[tokio::test]
async fn inactive_people_are_shown_locked_where_the_administrator_says_so() {
    let mut running = Running::new(company(), |options| {
        options.directory = "inactive_users = \"show\"".to_owned();
    })
    .await;
    running.tenant.disable("bob@contoso.example");
    running.sync().await;
    let bob = running.reader.find(PEOPLE, "(uid=bob)").await;
    assert_eq!(bob.one("loginShell"), "/usr/sbin/nologin", "{bob:?}");
    let staff = running.reader.find(GROUPS, "(cn=Crew)").await;
    assert_eq!(json!(staff.all("memberUid")), json!(["ada"]));
    let mut client = running.daemon.connect_tls().await;
    let refused = client.bind("bob@contoso.example", PASSWORD).await;
    assert_eq!(refused.code, LdapResultCode::InvalidCredentials);
}
