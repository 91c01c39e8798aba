//! OpenLDAP's `ldapsearch`, `ldapwhoami` and `ldapcompare` (Debian's ldap-utils). They exit with the result code.

use std::path::Path;

use crate::client::Answer;
use crate::harness::settings::{BASE, SERVICE_DN, SERVICE_PASSWORD};
use crate::tenant::sample;
use crate::world::{World, password_of};

const ADA: &str = "uid=ada,ou=people,dc=contoso,dc=example";

/// Result codes of RFC 4511 Appendix A.
mod result {
    pub const SUCCESS: i32 = 0;
    pub const SIZE_LIMIT_EXCEEDED: i32 = 4;
    pub const COMPARE_FALSE: i32 = 5;
    pub const COMPARE_TRUE: i32 = 6;
    pub const NO_SUCH_ATTRIBUTE: i32 = 16;
    pub const NO_SUCH_OBJECT: i32 = 32;
    pub const INVALID_CREDENTIALS: i32 = 49;
    pub const INSUFFICIENT_ACCESS: i32 = 50;
    pub const UNWILLING_TO_PERFORM: i32 = 53;
}

/// `ldapwhoami` over ldaps:// with the CA.
async fn whoami(world: &World, name: &str, password: &str) -> Answer {
    let client = world
        .client("ldapwhoami")
        .variable("LDAPTLS_CACERT", &world.certificates.ca);
    let uri = world.ldaps();
    client
        .arguments(&["-x", "-H", &uri, "-D", name, "-w", password])
        .run()
        .await
}

/// `ldapsearch` for the service account's own entry, with these options and this CA.
async fn search_over(world: &World, uri: &str, options: &[&str], ca: Option<&Path>) -> Answer {
    let mut client = world
        .client("ldapsearch")
        .variable("LDAPTLS_REQCERT", "demand");
    if let Some(ca) = ca {
        client = client.variable("LDAPTLS_CACERT", ca);
    }
    let client = client
        .arguments(&["-x", "-LLL", "-H", uri])
        .arguments(options);
    let client = client.arguments(&["-D", SERVICE_DN, "-w", SERVICE_PASSWORD]);
    client
        .arguments(&["-b", SERVICE_DN, "-s", "base", "cn"])
        .run()
        .await
}

#[tokio::test]
async fn ldapsearch_reads_a_person_in_the_clear_on_loopback() {
    let world = World::start().await;
    let attributes = [
        "uid",
        "cn",
        "sn",
        "mail",
        "homeDirectory",
        "loginShell",
        "gecos",
        "title",
    ];
    let answer = world
        .search(&[&["-b", BASE, "(uid=ada)"], &attributes[..]].concat())
        .await;
    assert_eq!(
        answer.ended_with(result::SUCCESS).lines(),
        [
            "cn: Ada Lovelace",
            "dn: uid=ada,ou=people,dc=contoso,dc=example",
            "gecos: Ada Lovelace",
            "homeDirectory: /home/ada",
            "loginShell: /bin/bash",
            "mail: ada.2@contoso.onmicrosoft.com",
            "mail: ada@contoso.example",
            "sn: Lovelace",
            "title: Principal Engineer",
            "uid: ada",
        ]
    );
}

#[tokio::test]
async fn tls_is_trusted_with_the_ca_and_refused_without() {
    let world = World::start().await;
    let ca = Some(world.certificates.ca.as_path());
    for (uri, options) in [(world.ldap(), &["-ZZ"][..]), (world.ldaps(), &[])] {
        let answer = search_over(&world, &uri, options, ca).await;
        let expected = ["cn: vpn", "dn: cn=vpn,dc=contoso,dc=example"];
        assert_eq!(
            answer.ended_with(result::SUCCESS).lines(),
            expected,
            "{uri}"
        );
        let distrusted = search_over(&world, &uri, options, None).await;
        assert_ne!(distrusted.code, result::SUCCESS, "{uri}: {distrusted:?}");
        assert_eq!(distrusted.entries(), 0, "{uri}");
    }
}

#[tokio::test]
async fn a_person_is_who_they_say_by_every_name_they_have() {
    let world = World::start().await;
    let password = password_of("ada@contoso.example");
    for name in [ADA, "ada@contoso.example", "ADA@Contoso.Example", "ada"] {
        let answer = whoami(&world, name, password)
            .await
            .ended_with(result::SUCCESS);
        assert_eq!(answer.lines(), [format!("dn:{ADA}")], "{name}");
    }
    for (upn, password) in sample::PASSWORDS {
        whoami(&world, upn, password)
            .await
            .ended_with(result::SUCCESS);
    }
    let nobody = world
        .client("ldapwhoami")
        .arguments(&["-x", "-H", &world.ldap()])
        .run()
        .await;
    assert_eq!(nobody.ended_with(result::SUCCESS).lines(), ["anonymous"]);
}

#[tokio::test]
async fn wrong_unknown_and_inactive_are_one_refusal() {
    let world = World::start().await;
    let wrong = whoami(&world, "ada@contoso.example", "wrong").await;
    let wrong = wrong.ended_with(result::INVALID_CREDENTIALS);
    for (name, password) in [
        ("nobody@contoso.example", "wrong"),
        ("uid=nobody,ou=people,dc=contoso,dc=example", "wrong"),
        ("mallory@contoso.example", sample::MALLORY_PASSWORD),
        ("tom@contoso.example", "wrong"),
        ("edsger@contoso.example", sample::EDSGER_PASSWORD),
        (SERVICE_DN, "wrong"),
        ("cn=nobody,dc=contoso,dc=example", "wrong"),
    ] {
        let answer = whoami(&world, name, password).await;
        assert_eq!(
            (answer.code, &answer.errors),
            (wrong.code, &wrong.errors),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_empty_password_is_no_login() {
    let world = World::start().await;
    for name in [
        ADA,
        SERVICE_DN,
        "uid=nobody,ou=people,dc=contoso,dc=example",
    ] {
        whoami(&world, name, "")
            .await
            .ended_with(result::UNWILLING_TO_PERFORM);
    }
}

#[tokio::test]
async fn scopes_reach_as_far_as_they_should() {
    let world = World::start().await;
    let dns = async |scope: &str, base: &str, filter: &str| {
        let answer = world
            .search(&["-s", scope, "-b", base, filter, "1.1"])
            .await;
        let answer = answer.ended_with(result::SUCCESS);
        answer
            .lines()
            .into_iter()
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let (base, people, groups) = (
        "dn: dc=contoso,dc=example",
        "dn: ou=people,dc=contoso,dc=example",
        "dn: ou=groups,dc=contoso,dc=example",
    );
    let service = "dn: cn=vpn,dc=contoso,dc=example";
    let ada = "dn: uid=ada,ou=people,dc=contoso,dc=example";
    let containers = "(|(objectClass=domain)(objectClass=organizationalUnit)(cn=vpn)(uid=ada))";
    assert_eq!(dns("base", BASE, "(objectClass=*)").await, [base]);
    assert_eq!(
        dns("one", BASE, "(objectClass=*)").await,
        [service, groups, people]
    );
    assert_eq!(
        dns("sub", BASE, containers).await,
        [service, base, groups, people, ada]
    );
    assert_eq!(
        dns("children", BASE, containers).await,
        [service, groups, people, ada]
    );
    let nowhere = world
        .search(&["-b", "ou=nowhere,dc=contoso,dc=example"])
        .await;
    let nowhere = nowhere.ended_with(result::NO_SUCH_OBJECT);
    assert!(
        nowhere.errors.contains("Matched DN: dc=contoso,dc=example"),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn a_size_limit_gives_that_many_entries_and_says_so() {
    let world = World::start().await;
    let people = ["-b", BASE, "(objectClass=posixAccount)", "1.1"];
    let some = world.search(&[&["-z", "5"], &people[..]].concat()).await;
    assert_eq!(some.ended_with(result::SIZE_LIMIT_EXCEEDED).entries(), 5);
    let all = world.search(&[&["-z", "0"], &people[..]].concat()).await;
    assert!(all.ended_with(result::SUCCESS).entries() > 50);
}

#[tokio::test]
async fn attributes_come_as_they_are_asked_for() {
    let world = World::start().await;
    let ask = async |options: &[&str]| {
        let base = ["-b", ADA, "-s", "base", "(objectClass=*)"];
        let answer = world.search(&[&base[..], options].concat()).await;
        answer.ended_with(result::SUCCESS)
    };
    let has = |answer: &Answer, name: &str| {
        let prefix = format!("{name}:");
        answer.output.lines().any(|line| line.starts_with(&prefix))
    };
    let user = ask(&["*"]).await;
    assert!(has(&user, "uid") && has(&user, "memberOf") && !has(&user, "entryUUID"));
    let operational = ask(&["+"]).await;
    assert!(has(&operational, "entryUUID") && !has(&operational, "uid"));
    let both = ask(&["*", "+"]).await;
    assert!(has(&both, "uid") && has(&both, "entryUUID"));
    assert_eq!(ask(&["1.1"]).await.lines(), [format!("dn: {ADA}")]);
    assert_eq!(
        ask(&["SN", "noSuchAttribute"]).await.lines(),
        [format!("dn: {ADA}"), "sn: Lovelace".to_owned(),]
    );
    let types = world
        .search(&[
            "-A",
            "-b",
            ADA,
            "-s",
            "base",
            "(objectClass=*)",
            "sn",
            "uid",
        ])
        .await;
    let expected = [format!("dn: {ADA}"), "sn:".to_owned(), "uid:".to_owned()];
    assert_eq!(types.ended_with(result::SUCCESS).lines(), expected);
}

#[tokio::test]
async fn filters_select_what_they_say() {
    let world = World::start().await;
    for (filter, expected) in [
        ("(cn=ADA  lovelace)", &["ada"][..]),
        ("(uid=ad*)", &["ada"]),
        (
            "(&(departmentNumber=Finance)(!(uid=ruth)))",
            &["amira", "george", "viktor"],
        ),
        ("(|(sn=Hopper)(sn~=Lovelace))", &["ada", "grace"]),
        ("(cn=山田 太郎)", &["taro.yamada"]),
        ("(cn=Smith, John \\28Contractor\\29)", &["john.smith"]),
        (
            "(memberOf=cn=eng-web,ou=groups,dc=contoso,dc=example)",
            &["anika", "barbara", "bjorn"],
        ),
        ("(nosuch=x)", &[]),
        ("(!(nosuch=x))", &[]),
        ("(|(uid=tom)(uid=mallory)(uid=trudy)(uid=root))", &[]),
    ] {
        let answer = world
            .search(&["-b", BASE, filter, "uid"])
            .await
            .ended_with(result::SUCCESS);
        let lines = answer.lines();
        let uids: Vec<_> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("uid: "))
            .collect();
        assert_eq!(uids, expected, "{filter}");
    }
}

#[tokio::test]
async fn anonymous_reads_the_server_but_not_the_tree() {
    let world = World::start().await;
    let ask = async |arguments: &[&str]| {
        let client = world.client("ldapsearch");
        client
            .arguments(&["-x", "-LLL", "-H", &world.ldap()])
            .arguments(arguments)
            .run()
            .await
    };
    let root_dse = ask(&[
        "-b",
        "",
        "-s",
        "base",
        "namingContexts",
        "supportedLDAPVersion",
    ])
    .await;
    assert_eq!(
        root_dse.ended_with(result::SUCCESS).lines(),
        [
            "dn:",
            "namingContexts: dc=contoso,dc=example",
            "supportedLDAPVersion: 3",
        ]
    );
    let schema = ask(&["-b", "cn=Subschema", "-s", "base", "attributeTypes"]).await;
    assert!(
        schema
            .ended_with(result::SUCCESS)
            .output
            .contains("uidNumber")
    );
    ask(&["-b", BASE])
        .await
        .ended_with(result::INSUFFICIENT_ACCESS);
}

#[tokio::test]
async fn a_person_reads_themselves_and_their_groups_only() {
    let world = World::start().await;
    let ask = async |filter: &str| {
        let client = world
            .client("ldapsearch")
            .arguments(&["-x", "-LLL", "-H", &world.ldap()]);
        let client = client.arguments(&["-D", ADA, "-w", password_of("ada@contoso.example")]);
        let answer = client.arguments(&["-b", BASE, filter, "1.1"]).run().await;
        answer.ended_with(result::SUCCESS)
    };
    assert_eq!(
        ask("(objectClass=person)").await.lines(),
        [format!("dn: {ADA}")]
    );
    assert_eq!(ask("(cn=eng-platform)").await.entries(), 1);
    assert_eq!(ask("(cn=Finance)").await.entries(), 0);
}

#[tokio::test]
async fn ldapcompare_tells_true_from_false_from_absent() {
    let world = World::start().await;
    let staff = "cn=eng-platform,ou=groups,dc=contoso,dc=example";
    for (dn, assertion, expected) in [
        (ADA, "sn:lovelace", result::COMPARE_TRUE),
        (ADA, "sn:Hopper", result::COMPARE_FALSE),
        (ADA, "mobile:1", result::NO_SUCH_ATTRIBUTE),
        (staff, "memberUid:ada", result::COMPARE_TRUE),
        (staff, "memberUid:grace", result::COMPARE_FALSE),
        (
            staff,
            "member:uid=ADA,ou=People,dc=contoso,dc=example",
            result::COMPARE_TRUE,
        ),
    ] {
        let client = world
            .client("ldapcompare")
            .arguments(&["-x", "-H", &world.ldap()]);
        let client = client.arguments(&["-D", SERVICE_DN, "-w", SERVICE_PASSWORD]);
        let answer = client.arguments(&[dn, assertion]).run().await;
        assert_eq!(answer.code, expected, "{dn} {assertion}: {answer:?}");
    }
}

#[tokio::test]
async fn someone_disabled_in_the_tenant_is_gone_after_the_next_pass() {
    let world = World::start().await;
    let password = password_of("grace@contoso.example");
    whoami(&world, "grace", password)
        .await
        .ended_with(result::SUCCESS);
    world.tenant.disable("grace@contoso.example");
    world.wait_until_gone("grace").await;
    whoami(&world, "grace", password)
        .await
        .ended_with(result::INVALID_CREDENTIALS);
    let (is_success, explanation) = world.daemon.command(&["explain", "grace@contoso.example"]);
    assert!(
        is_success && explanation.contains("disabled in Office 365"),
        "{explanation}"
    );
}
