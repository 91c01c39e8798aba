//! The sample company as LDAP clients see it, against tables written by hand from the rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{BASE, Client, Entry, GROUPS, Installation, Options, PEOPLE, Scope};
use crate::tenant::{Disorder, Tenant, sample};

/// Everyone who is served when no rule speaks against anybody: `uid`, `cn`, the first `mail`.
#[rustfmt::skip]
const PEOPLE_SERVED: &[(&str, &str, &str)] = &[
    ("satoshi", "Satoshi Ito", "satoshi@contoso.example"),
    ("grace", "Grace Hopper", "grace@contoso.example"),
    ("ada", "Ada Lovelace", "ada@contoso.example"),
    ("linus", "Linus Virtanen", "linus@contoso.example"),
    ("edsger", "Edsger de Vries", "edsger@contoso.example"),
    ("barbara", "Barbara Liskov", "barbara@contoso.example"),
    ("donald", "Donald Kunz", "donald@contoso.example"),
    ("zoe", "Zoë Größer", "zoe@contoso.example"),
    ("lukasz", "Łukasz Żółkiewski", "lukasz@contoso.example"),
    ("bjorn", "Bjørn Ødegård", "bjorn@contoso.example"),
    ("anika", "Anika Rao", "anika@contoso.example"),
    ("dmitri", "Dmitri Volkov", "dmitri@contoso.example"),
    ("fatima", "Fatima Haddad", "fatima@contoso.example"),
    ("noor", "Noor Jansen", "noor@contoso.example"),
    ("olivia", "Olivia Brandt", "olivia@contoso.example"),
    ("jose", "José Núñez", "jose@contoso.example"),
    ("maria", "Maria Rossi", "maria@contoso.example"),
    ("pierre", "Pierre Lefèvre", "pierre@contoso.example"),
    ("hannah", "Hannah Weiss", "hannah@contoso.example"),
    ("tom", "Tom Becker", "tom@contoso.example"),
    ("chloe", "Chloé Moreau", "chloe@contoso.example"),
    ("lena", "Lena Fischer", "lena@contoso.example"),
    ("samuel", "Samuel Adeyemi", "samuel@contoso.example"),
    ("ines", "Inês Carvalho", "ines@contoso.example"),
    ("ruth", "Ruth Steiner", "ruth@contoso.example"),
    ("viktor", "Viktor Novák", "viktor@contoso.example"),
    ("amira", "Amira Saleh", "amira@contoso.example"),
    ("george", "George Papadopoulos", "george@contoso.example"),
    ("helen", "Helen Park", "helen@contoso.example"),
    ("marta", "Marta Kowalska", "marta@contoso.example"),
    ("yusuf", "Yusuf Demir", "yusuf@contoso.example"),
    ("erik", "Erik Lindqvist", "erik@contoso.example"),
    ("priya", "Priya Nair", "priya@contoso.example"),
    ("carlos", "Carlos Mendes", "carlos@contoso.example"),
    ("wei", "Wei Zhang", "wei@contoso.example"),
    ("sofia", "Sofia Petrova", "sofia@contoso.example"),
    ("nils", "Nils Hansen", "nils@contoso.example"),
    ("emma", "Emma Schulz", "emma@contoso.example"),
    ("kofi", "Kofi Mensah", "kofi@contoso.example"),
    ("julia", "Julia Wagner", "julia@contoso.example"),
    // An apostrophe and an exclamation mark are dropped from the name, not from the mail address.
    ("miles.obrien", "Miles O'Brien", "miles.o'brien@contoso.example"),
    ("wow", "Wanda Wow!", "wow!@contoso.example"),
    ("john.smith", "Smith, John (Contractor)", "john.smith@contoso.example"),
    ("jane.smith", "Smith, Jane (Contractor)", "jane.smith@contoso.example"),
    ("taro.yamada", "山田 太郎", "taro.yamada@contoso.example"),
    ("equals", "Plus+Equals=\"Quoted\" <Odd>; #1", "equals@contoso.example"),
    ("sukarno", "Sukarno", "sukarno@contoso.example"),
    ("frontdesk", "Front Desk Berlin", ""),
    // `mail` was cleared, the proxy address was not.
    ("temp17", "Robin Temp", "temp17@contoso.example"),
    ("no-phone", "Nora Stille", "no-phone@contoso.example"),
    ("old.timer", "Otto Alt", "old.timer@contoso.example"),
    // Kim Larsen of Fabrikam came later.
    ("kim", "Kim Nguyen", "kim@contoso.example"),
    ("petra", "Petra Huber", "petra@adatum.example"),
    ("legacy", "Lars Legacy", "legacy@contoso.example"),
    ("svc-backup", "Backup Service", ""),
    ("svc-gitlab", "GitLab Service", ""),
];

/// Everyone who is in the tenant and not served, and what the reason must say.
const PEOPLE_NOT_SERVED: &[(&str, &str)] = &[
    (
        "kim@fabrikam.example",
        "\"kim\" belongs to kim@contoso.example",
    ),
    (
        "root@contoso.example",
        "the name \"root\" is in directory.reserved_names",
    ),
    (
        "mallory@contoso.example",
        "the account is disabled in Office 365",
    ),
    (
        "trudy@contoso.example",
        "the account is disabled in Office 365",
    ),
    (
        "svc-printer@contoso.example",
        "the account is disabled in Office 365",
    ),
    ("alice@partner.example", "the account is a guest"),
    ("bob@customer.example", "the account is a guest"),
];

/// Every group that is served when groups without mail addresses are, and whom it holds, nested members
/// included. `All-Staff` holds everyone served and is not spelled out.
#[rustfmt::skip]
const GROUPS_SERVED: &[(&str, &[&str])] = &[
    ("Engineering", &["grace", "ada", "linus", "edsger", "barbara", "donald", "zoe", "lukasz", "bjorn", "anika",
        "dmitri", "fatima", "noor"]),
    ("Sales", &["olivia", "jose", "maria", "pierre", "hannah", "tom"]),
    // Two groups of that name, made in the same second: the security group has the lower object id.
    ("Marketing", &["noor", "lena"]),
    ("Finance", &["ruth", "viktor", "amira", "george"]),
    ("Board", &["satoshi", "ruth", "grace"]),
    ("Newsletter", &["chloe", "lena", "samuel"]),
    ("eng-platform", &["ada", "linus", "zoe", "lukasz"]),
    ("eng-web", &["bjorn", "anika", "barbara"]),
    ("eng-data", &["dmitri", "taro.yamada"]),
    ("eng-all", &["ada", "linus", "zoe", "lukasz", "bjorn", "anika", "barbara", "dmitri", "taro.yamada", "grace"]),
    ("tech-all", &["ada", "linus", "zoe", "lukasz", "bjorn", "anika", "barbara", "dmitri", "taro.yamada", "grace",
        "erik", "priya"]),
    // Each contains the other.
    ("oncall-primary", &["zoe", "priya", "lukasz"]),
    ("oncall-secondary", &["zoe", "priya", "lukasz"]),
    // Without mallory, who is disabled, and the other kim, who has no name.
    ("VPN-Users", &["carlos", "john.smith", "kim", "ada", "linus", "zoe", "lukasz", "bjorn", "anika", "barbara",
        "dmitri", "taro.yamada", "grace", "erik", "priya"]),
    ("Ex-Employees", &["tom"]),
    ("Contractors", &["john.smith", "jane.smith", "temp17"]),
    ("Payroll-Administrators", &["amira", "ruth"]),
    ("svc-accounts", &["svc-backup", "svc-gitlab"]),
    ("Smith-Jones-Partners", &["jane.smith", "wow"]),
    ("Équipe-Zürich-東京", &["taro.yamada", "miles.obrien"]),
    ("Office-Berlin", &["ada", "grace", "linus"]),
    ("Project-Greenfield", &[]),
    // Computers, contacts and applications are no members here.
    ("Managed-Devices", &["wei"]),
];

fn set(values: &[impl AsRef<str>]) -> BTreeSet<String> {
    values
        .iter()
        .map(|value| value.as_ref().to_owned())
        .collect()
}

fn names(entries: &[Entry], attribute: &str) -> BTreeSet<String> {
    entries
        .iter()
        .map(|entry| entry.one(attribute).to_owned())
        .collect()
}

/// Every group of the tenant as it is served: `cn` and members.
async fn served_groups(client: &mut Client) -> BTreeMap<String, BTreeSet<String>> {
    let entries = client.search(GROUPS, "(objectClass=groupOfNames)").await;
    let groups = entries.iter().map(|entry| {
        assert_eq!(entry.dn, format!("cn={},{GROUPS}", entry.one("cn")));
        let uids = set(entry.all("memberUid"));
        let dns = uids.iter().map(|uid| format!("uid={uid},{PEOPLE}"));
        assert_eq!(set(entry.all("member")), dns.collect(), "{}", entry.dn);
        (entry.one("cn").to_owned(), uids)
    });
    groups.collect()
}

#[tokio::test]
async fn every_person_is_served_as_the_table_says() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let mut client = daemon.reader().await;
    let entries = client
        .select(PEOPLE, Scope::OneLevel, "(objectClass=*)", &[])
        .await;
    let served: BTreeSet<_> = entries
        .iter()
        .map(|entry| {
            let mail = entry.all("mail").first().map_or("", String::as_str);
            (entry.one("uid"), entry.one("cn"), mail)
        })
        .collect();
    assert_eq!(served, PEOPLE_SERVED.iter().copied().collect());
    for entry in &entries {
        let uid = entry.one("uid");
        assert_eq!(entry.dn, format!("uid={uid},{PEOPLE}"));
        assert_eq!(entry.one("homeDirectory"), format!("/home/{uid}"));
        assert_eq!(entry.one("uidNumber"), entry.one("gidNumber"));
    }
    for (user, reason) in PEOPLE_NOT_SERVED {
        let said = installation.why_inactive(user).await;
        assert!(
            said.as_deref().is_some_and(|said| said.starts_with(reason)),
            "{user}: {said:?}"
        );
    }
    let ivan = installation.run(&["explain", "ivan@contoso.example"]).await;
    assert_eq!(ivan.status, Some(1), "{ivan:?}");
    let status = installation.status().await;
    assert_eq!(status["people_active"], PEOPLE_SERVED.len());
    assert_eq!(status["people_inactive"], PEOPLE_NOT_SERVED.len());
}

#[tokio::test]
async fn every_group_is_served_with_its_nested_members() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let mut client = daemon.reader().await;
    let mut served = served_groups(&mut client).await;
    let all_staff = served.remove("All-Staff").unwrap();
    let everyone: Vec<&str> = PEOPLE_SERVED.iter().map(|person| person.0).collect();
    assert_eq!(all_staff, set(&everyone));
    let expected = GROUPS_SERVED
        .iter()
        .map(|(cn, members)| ((*cn).to_owned(), set(members)));
    assert_eq!(served, expected.collect());
    assert!(client.search(BASE, "(cn=sudo)").await.is_empty());
    let status = installation.status().await;
    assert_eq!(status["groups_imported"], GROUPS_SERVED.len() + 1);
    assert_eq!(
        status["groups_not_imported"], 2,
        "sudo, and one of two called Marketing"
    );
}

#[tokio::test]
async fn of_two_groups_with_one_name_the_other_is_reported_with_the_holder() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let marketing = daemon.reader().await.find(GROUPS, "(cn=Marketing)").await;
    let holder = marketing.one("entryUUID");
    let loser = tenant.group_id("marketing@contoso.example");
    assert!(*holder < *loser);
    assert!(marketing.all("mail").is_empty());
    let chloe = installation.json(&["explain", "chloe"]).await;
    let groups = chloe[0]["groups"].as_array().unwrap();
    let group = groups
        .iter()
        .find(|group| group["object_id"] == loser.as_str())
        .unwrap();
    let reason = format!("\"Marketing\" belongs to Marketing ({holder})");
    assert_eq!(group["not_imported"], reason.as_str());
}

#[tokio::test]
async fn everyone_has_a_private_group_of_the_same_number() {
    let tenant = Tenant::sample().await;
    let daemon = Installation::of(&tenant);
    let daemon = daemon.serve().await;
    let mut client = daemon.reader().await;
    let numbers = |entries: Vec<Entry>, name: &str| -> BTreeSet<(String, String)> {
        let pair = |entry: &Entry| {
            (
                entry.one(name).to_owned(),
                entry.one("gidNumber").to_owned(),
            )
        };
        entries.iter().map(pair).collect()
    };
    let people = client.search(PEOPLE, "(objectClass=posixAccount)").await;
    let private = "(&(objectClass=posixGroup)(!(objectClass=groupOfNames)))";
    let groups = client.search(GROUPS, private).await;
    assert_eq!(groups.len(), PEOPLE_SERVED.len());
    assert_eq!(numbers(people, "uid"), numbers(groups, "cn"));
}

#[tokio::test]
async fn a_person_carries_what_graph_tells_and_the_groups_they_are_in() {
    let tenant = Tenant::sample().await;
    let daemon = Installation::of(&tenant);
    let daemon = daemon.serve().await;
    let mut client = daemon.reader().await;
    let zoe = client.find(PEOPLE, "(uid=zoe)").await;
    for (attribute, value) in [
        ("sn", "Größer"),
        ("givenName", "Zoë"),
        ("gecos", "Zoe Grosser"),
        ("loginShell", "/bin/bash"),
        ("title", "Site Reliability Engineer"),
        ("departmentNumber", "Engineering"),
        ("o", "Contoso GmbH"),
        ("employeeNumber", "1008"),
        ("telephoneNumber", "+49 30 5550007"),
        ("l", "Berlin"),
        ("manager", "uid=grace,ou=people,dc=example,dc=com"),
        ("userPrincipalName", "zoe@contoso.example"),
        ("sAMAccountName", "zoe"),
    ] {
        assert_eq!(zoe.one(attribute), value, "{attribute}");
    }
    assert_eq!(
        zoe.all("mail"),
        ["zoe@contoso.example", "zoe.7@contoso.onmicrosoft.com"]
    );
    assert_eq!(zoe.one("entryUUID"), tenant.user_id("zoe@contoso.example"));
    let groups = [
        "All-Staff",
        "Engineering",
        "eng-platform",
        "eng-all",
        "tech-all",
        "VPN-Users",
        "oncall-primary",
        "oncall-secondary",
    ]
    .map(|cn| format!("cn={cn},{GROUPS}"));
    assert_eq!(set(zoe.all("memberOf")), set(&groups));
    let sukarno = client.find(PEOPLE, "(uid=sukarno)").await;
    assert_eq!(
        sukarno.one("sn"),
        "Sukarno",
        "without a surname, the last word of the name"
    );
    let legacy = client.find(PEOPLE, "(uid=legacy)").await;
    assert_eq!(legacy.one("sAMAccountName"), "llegacy");
}

#[tokio::test]
async fn rules_decide_who_is_active_and_which_groups_are_imported() {
    let tenant = Tenant::sample().await;
    let options = Options::of(&tenant).sync(
        r#"groups_without_email = true
group_prefixes = ["eng-", "VPN"]
allowed_groups = ["VPN Users", "sales@contoso.example"]
ignored_groups = ["Contractors", "Ex-Employees"]"#,
    );
    let installation = Installation::with(&tenant, &options);
    let daemon = installation.serve().await;
    let mut client = daemon.reader().await;
    let people = client.search(PEOPLE, "(objectClass=posixAccount)").await;
    // VPN Users with its nested groups, and Sales; without the contractor and Tom, who has left.
    let expected = [
        "carlos",
        "kim",
        "ada",
        "linus",
        "zoe",
        "lukasz",
        "bjorn",
        "anika",
        "barbara",
        "dmitri",
        "taro.yamada",
        "grace",
        "erik",
        "priya",
        "olivia",
        "jose",
        "maria",
        "pierre",
        "hannah",
    ];
    assert_eq!(names(&people, "uid"), set(&expected));
    let groups: Vec<_> = served_groups(&mut client).await.into_iter().collect();
    let expected = [
        ("VPN-Users", &expected[..14]),
        (
            "eng-all",
            &[
                "ada",
                "linus",
                "zoe",
                "lukasz",
                "bjorn",
                "anika",
                "barbara",
                "dmitri",
                "taro.yamada",
                "grace",
            ],
        ),
        ("eng-data", &["dmitri", "taro.yamada"]),
        ("eng-platform", &["ada", "linus", "zoe", "lukasz"]),
        ("eng-web", &["bjorn", "anika", "barbara"]),
    ];
    assert_eq!(
        groups,
        expected.map(|(cn, members)| (cn.to_owned(), set(members)))
    );
    for (user, reason) in [
        (
            "john.smith@contoso.example",
            "member of the ignored group \"Contractors\"",
        ),
        (
            "tom@contoso.example",
            "member of the ignored group \"Ex-Employees\"",
        ),
        (
            "satoshi@contoso.example",
            "member of no group in sync.allowed_groups",
        ),
        (
            "mallory@contoso.example",
            "the account is disabled in Office 365",
        ),
        (
            "trudy@contoso.example",
            "the account is disabled in Office 365",
        ),
    ] {
        assert_eq!(
            installation.why_inactive(user).await.as_deref(),
            Some(reason),
            "{user}"
        );
    }
    let ada = installation.json(&["explain", "ada"]).await;
    let steps = ada[0]["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap());
    assert_eq!(
        steps.collect::<Vec<_>>(),
        ["VPN Users", "tech-all", "eng-all", "eng-platform"]
    );
}

#[tokio::test]
async fn without_further_rules_only_groups_with_a_mail_address_are_imported() {
    let tenant = Tenant::sample().await;
    let installation = Installation::with(&tenant, &Options::of(&tenant));
    let daemon = installation.serve().await;
    let groups = served_groups(&mut daemon.reader().await).await;
    let expected = [
        "All-Staff",
        "Board",
        "Contractors",
        "Engineering",
        "Finance",
        "Marketing",
        "Newsletter",
        "Payroll-Administrators",
        "Sales",
        "Équipe-Zürich-東京",
    ];
    assert_eq!(groups.into_keys().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_same_directory_is_read_in_the_clear_over_tls_and_after_start_tls() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let mut seen = Vec::new();
    for mut client in [
        daemon.connect().await,
        daemon.connect_tls().await,
        daemon.connect_and_start_tls().await,
    ] {
        client
            .bind_well(crate::harness::READER, crate::harness::READER_PASSWORD)
            .await;
        seen.push(
            client
                .select(BASE, Scope::Subtree, "(objectClass=*)", &["*", "+"])
                .await,
        );
    }
    assert!(seen[0].len() > 2 * PEOPLE_SERVED.len());
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn passwords_of_the_sample_company_let_people_read_themselves() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    for (upn, password) in sample::PASSWORDS {
        let mut client = daemon.connect_tls().await;
        client.bind_well(upn, password).await;
        let people = client.search(BASE, "(objectClass=posixAccount)").await;
        assert_eq!(names(&people, "userPrincipalName"), set(&[upn]));
    }
}

#[tokio::test]
async fn however_untidily_the_tenant_tells_it_the_same_directory_is_served() {
    let mut directories = Vec::new();
    let untidy = (1..=4).map(Disorder::seeded);
    for disorder in std::iter::once(Disorder::none()).chain(untidy) {
        let tenant = Tenant::start_with(sample::company(), disorder).await;
        let installation = Installation::of(&tenant);
        let daemon = installation.serve().await;
        directories.push(daemon.reader().await.search(BASE, "(objectClass=*)").await);
    }
    let (tidy, untidy) = directories.split_first().unwrap();
    for (directory, seed) in untidy.iter().zip(1..) {
        assert_eq!(directory, tidy, "seed {seed}");
    }
}
