//! FreeRADIUS with rlm_ldap: PAP, and a group.

use crate::jail::{Jail, free_port};
use crate::tenant::sample;
use crate::world::{World, password_of};

const SETTINGS: &str = "/etc/freeradius/3.0";

#[tokio::test]
async fn freeradius_accepts_members_of_the_group_with_their_password() {
    let world = World::start().await;
    let mut jail = Jail::open(&world).await;
    let port = free_port();
    let site = world.recipe("freeradius.site.conf");
    let site = site.replace("port = 1812", &format!("port = {port}"));
    let module = world.recipe("freeradius.ldap.conf");
    jail.write(&format!("{SETTINGS}/mods-enabled/ldap"), &module);
    jail.write(&format!("{SETTINGS}/sites-enabled/office365"), &site);
    let log = jail.start(&["freeradius", "-f", "-l", "stdout"]);
    jail.eventually(&["grep", "Ready to process requests", &log])
        .await;

    let server = format!("127.0.0.1:{port}");
    let radclient = ["radclient", "-f", "/run/request", "-t", "30", "-r", "1"];
    let radclient = [&radclient[..], &[&server, "auth", "testing123"]].concat();
    for (user, password, expected) in [
        ("ada", password_of("ada@contoso.example"), "Access-Accept"),
        ("zoe", password_of("zoe@contoso.example"), "Access-Accept"),
        ("ada", "wrong", "Access-Reject"),
        ("ada", "", "Access-Reject"),
        // Not in the group, inactive, unknown.
        (
            "svc-backup",
            password_of("svc-backup@contoso.example"),
            "Access-Reject",
        ),
        ("mallory", sample::MALLORY_PASSWORD, "Access-Reject"),
        ("nobody-at-all", "wrong", "Access-Reject"),
    ] {
        let request = format!("User-Name = \"{user}\"\nUser-Password = \"{password}\"\n");
        jail.write("/run/request", &request);
        let answer = jail.run(&radclient).await;
        let said = format!("{}{}", answer.output, answer.errors);
        let received = format!("Received {expected}");
        assert!(
            said.contains(&received),
            "{user}: {said}\n{}",
            jail.read(&log)
        );
    }
}
