//! Interaction with other search controls.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapSearchScope;

use super::sort;
use crate::client::{Client, search};
use crate::world::{BASE, World};

#[tokio::test]
async fn pages_are_cut_from_the_sorted_whole() {
    // The order is that of the entire result set, and every page says that it is sorted.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let everything = || search(BASE, LdapSearchScope::Subtree);
    let by_name = || sort(&[("cn", true), ("uid", false)]);
    let (whole, _, _) = client.search_with(everything(), vec![by_name()]).await;
    assert!(whole.len() > 4);
    let (mut together, mut from) = (Vec::new(), Vec::new());
    loop {
        let page = LdapControl::SimplePagedResults {
            size: 2,
            cookie: from,
        };
        let asked = vec![by_name(), page];
        let (found, _, controls) = client.search_with(everything(), asked).await;
        together.extend(found);
        let [
            LdapControl::ServerSortResult { .. },
            LdapControl::SimplePagedResults { cookie, .. },
        ] = &controls[..]
        else {
            panic!("{controls:?}");
        };
        from = cookie.clone();
        if from.is_empty() {
            break;
        }
    }
    assert_eq!(together, whole);
}
