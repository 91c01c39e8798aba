//! Dovecot: who may read mail, and where it lies.

use crate::jail::Jail;
use crate::tenant::sample;
use crate::world::{World, password_of};

const SETTINGS: &str = "\
protocols =
ssl = no
log_path = /dev/stderr
passdb {
  driver = ldap
  args = /etc/dovecot/dovecot-ldap.conf.ext
}
userdb {
  driver = ldap
  args = /etc/dovecot/dovecot-ldap.conf.ext
}
";

#[tokio::test]
async fn dovecot_checks_passwords_and_lists_people() {
    let world = World::start().await;
    let mut jail = Jail::open(&world).await;
    let recipe = world.recipe("dovecot-ldap.conf.ext");
    jail.write("/etc/dovecot/dovecot.conf", SETTINGS);
    jail.write("/etc/dovecot/dovecot-ldap.conf.ext", &recipe);
    let log = jail.start(&["dovecot", "-F"]);
    let user = jail.eventually(&["doveadm", "user", "ada"]).await;
    assert!(user.output.contains("home\t/home/ada"), "{user:?}");

    let ada = password_of("ada@contoso.example");
    for (user, password, is_welcome) in [
        ("ada", ada, true),
        ("ada@contoso.example", ada, true),
        // Back from the person's bind to the service account's, on one connection.
        ("zoe", password_of("zoe@contoso.example"), true),
        ("ada", "wrong", false),
        ("mallory", sample::MALLORY_PASSWORD, false),
    ] {
        let answer = jail.run(&["doveadm", "auth", "test", user, password]).await;
        let logs = || format!("{user}: {answer:?}\n{}", jail.read(&log));
        assert_eq!(answer.code == 0, is_welcome, "{}", logs());
    }
    let everybody = jail.run(&["doveadm", "user", "*"]).await.ended_with(0);
    assert!(everybody.output.lines().count() > 50, "{everybody:?}");
}
