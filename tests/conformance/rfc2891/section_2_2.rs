//! Other sort issues.

use ldap3_proto::proto::LdapSearchScope;

use super::sort;
use crate::client::{Client, search};
use crate::world::{BASE, World};

#[tokio::test]
async fn entries_without_the_key_come_last_and_in_reverse_first() {
    // A missing value is larger than any other.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let everything = || search(BASE, LdapSearchScope::Subtree);
    let forward = vec![sort(&[("uidNumber", false)])];
    let (found, _, _) = client.search_with(everything(), forward).await;
    assert_eq!(found[..2], ["uid=ada", "uid=grace"]);
    let backward = vec![sort(&[("uidNumber", true)])];
    let (found, _, _) = client.search_with(everything(), backward).await;
    assert_eq!(found[found.len() - 2..], ["uid=grace", "uid=ada"]);
}
