//! Squid: a proxy for members of a group.

use crate::harness::settings::SERVICE_PASSWORD;
use crate::jail::{Jail, free_port};
use crate::tenant::sample;
use crate::world::{World, password_of};

#[tokio::test]
async fn squid_serves_members_of_the_group() {
    let world = World::start().await;
    let mut jail = Jail::open(&world).await;
    let port = free_port();
    let recipe = world.recipe("squid.conf");
    let own = "visible_hostname localhost\ncache_log /dev/stderr\naccess_log none\npid_filename none\n\
        pinger_enable off\n";
    let settings = format!("http_port 127.0.0.1:{port}\n{own}{recipe}");
    jail.write("/etc/squid/squid.conf", &settings);
    jail.write("/etc/squid/ldap.secret", SERVICE_PASSWORD);
    let log = jail.start(&["squid", "-N", "-d1"]);
    let proxy = format!("http://127.0.0.1:{port}");
    jail.eventually(&["curl", "--silent", "--output", "/dev/null", &proxy])
        .await;

    let target = format!("http://{}/healthz", world.daemon.health);
    for (user, password, expected) in [
        ("ada", password_of("ada@contoso.example"), "200"),
        ("ada", "wrong", "407"),
        ("mallory", sample::MALLORY_PASSWORD, "407"),
        (
            "svc-backup",
            password_of("svc-backup@contoso.example"),
            "403",
        ),
    ] {
        // curl takes this for an encoded one.
        let login = format!("{user}:{password}").replace('%', "%25");
        let curl = [
            "curl",
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ];
        let through = [
            "--noproxy",
            "",
            "--proxy",
            &proxy,
            "--proxy-user",
            &login,
            &target,
        ];
        let answer = jail.run(&[&curl[..], &through].concat()).await;
        assert_eq!(answer.output, expected, "{user}: {}", jail.read(&log));
    }
}
