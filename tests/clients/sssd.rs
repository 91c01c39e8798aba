//! SSSD: names and numbers through NSS, passwords through PAM, SSH keys.

use crate::jail::Jail;
use crate::tenant::sample;
use crate::world::{World, password_of};

/// A host whose SSSD is up, with these changes to the recipe.
async fn host(world: &World, changes: &[(&str, &str)]) -> Jail {
    let mut jail = Jail::open(world).await;
    let recipe = world.recipe("sssd.conf");
    let recipe = changes
        .iter()
        .fold(recipe, |recipe, (from, to)| recipe.replace(from, to));
    jail.write("/etc/sssd/sssd.conf", &recipe);
    jail.permit("/etc/sssd/sssd.conf", 0o600);
    jail.write("/etc/nsswitch.conf", &world.recipe("nsswitch.sssd.conf"));
    jail.start(&["sssd", "--interactive", "--logger=stderr"]);
    jail.eventually(&["getent", "passwd", "ada"]).await;
    jail
}

async fn says(jail: &Jail, words: &[&str]) -> String {
    jail.run(words).await.ended_with(0).output.trim().to_owned()
}

/// Her own, those she is in, and those that these are in.
const GROUPS_OF_ADA: [&str; 8] = [
    "All-Staff",
    "Engineering",
    "Office-Berlin",
    "VPN-Users",
    "ada",
    "eng-all",
    "eng-platform",
    "tech-all",
];

fn sorted(list: &str, separator: char) -> Vec<&str> {
    let mut items: Vec<&str> = list.split(separator).collect();
    items.sort_unstable();
    items
}

/// What holds with either schema.
async fn names_and_groups_are_found(schema: &str) {
    let world = World::start().await;
    let schema = format!("ldap_schema = {schema}");
    let jail = host(&world, &[("ldap_schema = rfc2307bis", &schema)]).await;

    let ada = says(&jail, &["getent", "passwd", "ada"]).await;
    let fields: Vec<&str> = ada.split(':').collect();
    assert_eq!((fields[0], fields[4]), ("ada", "Ada Lovelace"), "{ada}");
    assert_eq!(fields[5..], ["/home/ada", "/bin/bash"], "{ada}");
    assert_eq!(says(&jail, &["getent", "passwd", fields[2]]).await, ada);
    assert_eq!(says(&jail, &["id", "-gn", "ada"]).await, "ada");

    let groups = says(&jail, &["id", "-Gn", "ada"]).await;
    assert_eq!(sorted(&groups, ' '), GROUPS_OF_ADA);
    let group = says(&jail, &["getent", "group", "eng-platform"]).await;
    let members = group.rsplit(':').next().unwrap_or_default();
    assert_eq!(sorted(members, ','), ["ada", "linus", "lukasz", "zoe"]);

    for nobody in ["mallory", "tom", "nobody-at-all"] {
        jail.run(&["getent", "passwd", nobody]).await.ended_with(2);
    }
}

#[tokio::test]
async fn sssd_finds_people_and_groups_with_rfc2307bis() {
    names_and_groups_are_found("rfc2307bis").await;
}

#[tokio::test]
async fn sssd_finds_people_and_groups_with_rfc2307() {
    names_and_groups_are_found("rfc2307").await;
}

#[tokio::test]
async fn sssd_lets_in_who_knows_the_password() {
    let world = World::start().await;
    let jail = host(&world, &[]).await;
    for name in ["ada", "zoe"] {
        let password = password_of(&format!("{name}@contoso.example"));
        let answer = jail.knock("pam_sss.so", name, password).await;
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let refused = jail.knock("pam_sss.so", "ada", "wrong").await;
    assert!(
        refused.errors.contains("Authentication failure"),
        "{refused:?}"
    );
    let inactive = jail
        .knock("pam_sss.so", "mallory", sample::MALLORY_PASSWORD)
        .await;
    assert!(inactive.errors.contains("User not known"), "{inactive:?}");
}

#[tokio::test]
async fn sssd_lets_in_members_of_the_group_only_when_told_to() {
    let world = World::start().await;
    let changes = [
        ("\naccess_provider = permit", ""),
        ("#access_provider", "access_provider"),
        ("#ldap_access", "ldap_access"),
    ];
    let jail = host(&world, &changes).await;
    let member = password_of("ada@contoso.example");
    let member = jail.knock("pam_sss.so", "ada", member).await;
    assert_eq!(member.code, 0, "{member:?}");
    let outsider = password_of("svc-backup@contoso.example");
    let outsider = jail.knock("pam_sss.so", "svc-backup", outsider).await;
    assert!(
        outsider.errors.contains("Permission denied"),
        "{outsider:?}"
    );
}

#[tokio::test]
async fn sssd_shuts_out_who_was_disabled_also_without_a_password() {
    let world = World::start().await;
    let jail = host(&world, &[]).await;
    let password = password_of("grace@contoso.example");
    let before = jail.knock("pam_sss.so", "grace", password).await;
    assert_eq!(before.code, 0, "{before:?}");
    world.tenant.disable("grace@contoso.example");
    world.wait_until_gone("grace").await;
    let after = jail.knock("pam_sss.so", "grace", password).await;
    assert_ne!(after.code, 0, "{after:?}");
    // With an SSH key there is no password to refuse. SSSD remembers her for some seconds between two logins.
    let without_password = ["sh", "-c", "! pamtester door grace acct_mgmt"];
    jail.eventually(&without_password).await;
    jail.run(&["getent", "passwd", "grace"]).await.ended_with(2);
}

#[tokio::test]
async fn sssd_lists_everybody_when_told_to() {
    let world = World::start().await;
    // Asked before it has read them, SSSD would remember for two minutes that there is nobody.
    let enumerate = "enumerate = true\n[nss]\nenum_cache_timeout = 1";
    let jail = host(&world, &[("enumerate = false", enumerate)]).await;
    let everybody = ["sh", "-c", "getent -s sss passwd | grep ^zoe:"];
    jail.eventually(&everybody).await;
    let people = says(&jail, &["getent", "-s", "sss", "passwd"]).await;
    let groups = says(&jail, &["getent", "-s", "sss", "group"]).await;
    assert!(people.lines().count() > 50, "{people}");
    assert!(groups.lines().count() > 70, "{groups}");
}

#[tokio::test]
async fn sssd_hands_ssh_keys_to_sshd() {
    let world = World::start().await;
    let jail = host(&world, &[]).await;
    let keys = says(&jail, &["sss_ssh_authorizedkeys", "ada"]).await;
    assert_eq!(keys.lines().count(), 1, "{keys}");
    assert!(
        keys.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"),
        "{keys}"
    );
    assert_eq!(says(&jail, &["sss_ssh_authorizedkeys", "zoe"]).await, "");
}
