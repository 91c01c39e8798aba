//! Postfix: mail addresses looked up in the directory.

use crate::jail::Jail;
use crate::world::World;

#[tokio::test]
async fn postfix_resolves_addresses_of_people_and_groups() {
    let world = World::start().await;
    let jail = Jail::open(&world).await;
    jail.write("/etc/postfix/main.cf", "compatibility_level = 3.6\n");
    for name in ["people", "groups"] {
        let place = format!("/etc/postfix/ldap-{name}.cf");
        jail.write(&place, &world.recipe(&format!("postfix.{name}.cf")));
    }
    for (map, address, expected) in [
        ("people", "ada@contoso.example", "ada"),
        ("people", "Ada.2@contoso.onmicrosoft.com", "ada"),
        ("people", "mallory@contoso.example", ""),
        ("people", "nobody@contoso.example", ""),
        (
            "groups",
            "finance@contoso.example",
            "amira,george,ruth,viktor",
        ),
        ("groups", "payroll@contoso.example", "amira,ruth"),
    ] {
        let map = format!("ldap:/etc/postfix/ldap-{map}.cf");
        let answer = jail.run(&["postmap", "-q", address, &map]).await;
        let mut found: Vec<&str> = answer.output.trim().split(',').collect();
        found.sort_unstable();
        assert_eq!(found.join(","), expected, "{address}: {answer:?}");
        assert_eq!(
            answer.code == 0,
            !expected.is_empty(),
            "{address}: {answer:?}"
        );
    }
}
