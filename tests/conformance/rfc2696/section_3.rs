//! Client-server interaction.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapResultCode, LdapSearchRequest, LdapSearchScope};

use crate::client::{Client, search};
use crate::world::{BASE, PASSWORD, PEOPLE, READER, World};

fn page(size: i64, cookie: &[u8]) -> Vec<LdapControl> {
    vec![LdapControl::SimplePagedResults {
        size,
        cookie: cookie.to_vec(),
    }]
}

fn cookie(controls: &[LdapControl]) -> Vec<u8> {
    match controls {
        [LdapControl::SimplePagedResults { cookie, .. }] => cookie.clone(),
        other => panic!("{other:?}"),
    }
}

fn everything() -> LdapSearchRequest {
    search(BASE, LdapSearchScope::Subtree)
}

#[tokio::test]
async fn pages_together_are_the_whole_and_the_last_has_an_empty_cookie() {
    // Each page has at most as many entries as asked for; an empty cookie tells that there are no more.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (whole, _, _) = client.search_with(everything(), vec![]).await;
    for size in 1..=whole.len() + 1 {
        let (mut together, mut from) = (Vec::new(), Vec::new());
        loop {
            let asked = page(size as i64, &from);
            let (found, result, controls) = client.search_with(everything(), asked).await;
            assert_eq!(result.code, LdapResultCode::Success);
            assert!(found.len() == size || cookie(&controls).is_empty());
            together.extend(found);
            from = cookie(&controls);
            if from.is_empty() {
                break;
            }
        }
        assert_eq!(together, whole, "size {size}");
    }
}

#[tokio::test]
async fn the_size_limit_counts_over_all_pages() {
    // The size limit is the search's, not the page's.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let limited = || LdapSearchRequest {
        sizelimit: 3,
        ..everything()
    };
    let (found, _, controls) = client.search_with(limited(), page(2, b"")).await;
    assert_eq!(found.len(), 2);
    let next = page(2, &cookie(&controls));
    let (found, result, controls) = client.search_with(limited(), next).await;
    assert_eq!(found.len(), 1);
    assert_eq!(result.code, LdapResultCode::SizeLimitExceeded);
    assert_eq!(cookie(&controls), b"");
}

#[tokio::test]
async fn a_page_of_nothing_ends_the_walk() {
    // A client abandons a walk with a page size of zero and the cookie.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (_, _, controls) = client.search_with(everything(), page(1, b"")).await;
    let from = cookie(&controls);
    let (found, result, controls) = client.search_with(everything(), page(0, &from)).await;
    assert_eq!(found, [""; 0]);
    assert_eq!(result.code, LdapResultCode::Success);
    assert_eq!(cookie(&controls), b"");
    let (_, result, _) = client.search_with(everything(), page(1, &from)).await;
    assert_eq!(result.code, LdapResultCode::UnwillingToPerform);
}

#[tokio::test]
async fn a_cookie_serves_its_own_search_and_session_alone() {
    // All but message id, page size and cookie stays the same; a cookie is opaque to the client.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let mut start = async || {
        let (_, _, controls) = client.search_with(everything(), page(1, b"")).await;
        cookie(&controls)
    };
    let (first, second, third) = (start().await, start().await, start().await);
    assert!(first != second);
    let unwilling = LdapResultCode::UnwillingToPerform;

    let mut stranger = Client::bound(&world).await;
    let stolen = stranger.search_with(everything(), page(1, &first)).await;
    assert_eq!(stolen.1.code, unwilling);

    let another = search(PEOPLE, LdapSearchScope::Subtree);
    let (_, result, _) = client.search_with(another, page(1, &second)).await;
    assert_eq!(result.code, unwilling);

    let bound = client.bind(READER, PASSWORD).await;
    assert_eq!(bound, LdapResultCode::Success);
    let (_, result, _) = client.search_with(everything(), page(1, &third)).await;
    assert_eq!(result.code, unwilling);

    let (_, result, _) = client.search_with(everything(), page(1, b"x")).await;
    assert_eq!(result.code, LdapResultCode::ProtocolError);
}

#[tokio::test]
async fn walks_of_one_connection_do_not_disturb_each_other() {
    // A server may keep several walks apart by their cookies.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let people = || search(PEOPLE, LdapSearchScope::OneLevel);
    let (first, _, of_people) = client.search_with(people(), page(1, b"")).await;
    let (_, _, of_all) = client.search_with(everything(), page(1, b"")).await;
    let rest = page(9, &cookie(&of_people));
    let (second, result, _) = client.search_with(people(), rest).await;
    assert_eq!(result.code, LdapResultCode::Success);
    assert_eq!([first, second].concat(), ["uid=ada", "uid=grace"]);
    let rest = page(1, &cookie(&of_all));
    let (found, _, _) = client.search_with(everything(), rest).await;
    assert_eq!(found.len(), 1);
}
