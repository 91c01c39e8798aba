//! Apache with mod_authnz_ldap: Basic authentication, and a group.

use crate::jail::{Jail, free_port};
use crate::tenant::sample;
use crate::world::{World, password_of};

/// A server with what the recipe needs, as Debian's `a2enmod authnz_ldap` switches it on.
const SERVER: &str = "\
ServerRoot /etc/apache2
ServerName localhost
PidFile /run/apache2.pid
DefaultRuntimeDir /run
ErrorLog /dev/stderr
User www-data
Group www-data
DocumentRoot /home
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule ldap_module /usr/lib/apache2/modules/mod_ldap.so
LoadModule authnz_ldap_module /usr/lib/apache2/modules/mod_authnz_ldap.so
Include /etc/apache2/conf-available/office365.conf
";

#[tokio::test]
async fn apache_tells_members_from_outsiders_and_strangers() {
    let world = World::start().await;
    let mut jail = Jail::open(&world).await;
    let port = free_port();
    let server = format!("{SERVER}Listen 127.0.0.1:{port}\n");
    jail.write("/etc/apache2/server.conf", &server);
    jail.write(
        "/etc/apache2/conf-available/office365.conf",
        &world.recipe("apache.conf"),
    );
    jail.write("/home/index.html", "hello");
    jail.write("/home/private/index.html", "secret");
    let log = jail.start(&["apache2", "-f", "/etc/apache2/server.conf", "-DFOREGROUND"]);
    let site = format!("http://127.0.0.1:{port}");
    jail.eventually(&["curl", "--silent", "--fail", &format!("{site}/index.html")])
        .await;

    let private = format!("{site}/private/index.html");
    let curl = [
        "curl",
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ];
    for (user, password, expected) in [
        ("ada", password_of("ada@contoso.example"), "200"),
        // From Apache's cache.
        ("ada", password_of("ada@contoso.example"), "200"),
        ("ada", "wrong", "401"),
        (
            "svc-backup",
            password_of("svc-backup@contoso.example"),
            "403",
        ),
        ("mallory", sample::MALLORY_PASSWORD, "401"),
        ("nobody-at-all", "wrong", "401"),
    ] {
        let login = format!("{user}:{password}");
        let answer = jail
            .run(&[&curl[..], &["--user", &login, &private]].concat())
            .await;
        assert_eq!(answer.output, expected, "{user}: {}", jail.read(&log));
    }
    let anonymous = jail.run(&[&curl[..], &[&private]].concat()).await;
    assert_eq!(anonymous.output, "401");
}
