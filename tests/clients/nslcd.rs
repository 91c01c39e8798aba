//! nslcd with libnss-ldapd and libpam-ldapd.

use crate::jail::Jail;
use crate::tenant::sample;
use crate::world::{World, password_of};

/// A host whose nslcd is up.
async fn host(world: &World, recipe: &str) -> Jail {
    let mut jail = Jail::open(world).await;
    jail.write("/etc/nslcd.conf", recipe);
    jail.permit("/etc/nslcd.conf", 0o600);
    jail.write("/etc/nsswitch.conf", &world.recipe("nsswitch.nslcd.conf"));
    let install = ["install", "-d", "-o", "nslcd", "/run/nslcd"];
    jail.run(&install).await.ended_with(0);
    jail.start(&["nslcd", "--nofork"]);
    jail.eventually(&["getent", "passwd", "ada"]).await;
    jail
}

#[tokio::test]
async fn nslcd_finds_people_and_groups() {
    let world = World::start().await;
    let jail = host(&world, &world.recipe("nslcd.conf")).await;
    let says = async |words: &[&str]| jail.run(words).await.ended_with(0).output.trim().to_owned();
    let ada = says(&["getent", "passwd", "ada"]).await;
    assert!(ada.ends_with(":Ada Lovelace:/home/ada:/bin/bash"), "{ada}");
    let number = says(&["id", "-u", "ada"]).await;
    assert_eq!(says(&["getent", "passwd", &number]).await, ada);
    assert_eq!(says(&["id", "-gn", "ada"]).await, "ada");
    let groups = says(&["id", "-Gn", "ada"]).await;
    for group in ["eng-platform", "eng-all", "tech-all", "VPN-Users"] {
        assert!(groups.split(' ').any(|name| name == group), "{groups}");
    }
    let group = says(&["getent", "group", "eng-platform"]).await;
    let mut members: Vec<&str> = group
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .split(',')
        .collect();
    members.sort_unstable();
    assert_eq!(members, ["ada", "linus", "lukasz", "zoe"]);
    jail.run(&["getent", "passwd", "mallory"])
        .await
        .ended_with(2);
    assert!(says(&["getent", "passwd"]).await.lines().count() > 50);
}

#[tokio::test]
async fn nslcd_lets_in_who_knows_the_password_and_is_in_the_group() {
    let world = World::start().await;
    let recipe = world.recipe("nslcd.conf");
    let recipe = recipe.replace("#pam_authz_search", "pam_authz_search");
    let jail = host(&world, &recipe).await;
    let knock = async |user: &str, password: &str| jail.knock("pam_ldap.so", user, password).await;

    let ada = knock("ada", password_of("ada@contoso.example")).await;
    assert_eq!(ada.code, 0, "{ada:?}");
    let wrong = knock("ada", "wrong").await;
    assert!(wrong.errors.contains("Authentication failure"), "{wrong:?}");
    let outsider = knock("svc-backup", password_of("svc-backup@contoso.example")).await;
    assert!(
        outsider.errors.contains("Permission denied"),
        "{outsider:?}"
    );
    let inactive = knock("mallory", sample::MALLORY_PASSWORD).await;
    assert_ne!(inactive.code, 0, "{inactive:?}");
}
