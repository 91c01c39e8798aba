//! Search: scopes, limits, names, and what happens to a long one.

use ldap3_proto::proto::LdapSearchResultEntry;

use super::client::who_am_i;
use super::*;

const CROWD: u128 = 3000;

#[tokio::test]
async fn each_scope_finds_what_is_in_it() {
    let mut client = World::new().connect_as(vpn());
    let groups = "ou=groups,dc=example,dc=com";
    use LdapSearchScope::*;
    let found = client.found(search(groups, Base)).await;
    assert_eq!(found, ["ou=groups"]);
    let found = client.found(search(groups, OneLevel)).await;
    assert_eq!(found, ["cn=ada", "cn=zoe", "cn=eng", "cn=all", "cn=empty"]);
    let found = client.found(search(PEOPLE, Subtree)).await;
    assert_eq!(found, ["ou=people", "uid=ada", "uid=zoe"]);
    let found = client.found(search(PEOPLE, Children)).await;
    assert_eq!(found, ["uid=ada", "uid=zoe"]);
    let found = client.found(search(BASE, OneLevel)).await;
    assert_eq!(found, ["ou=people", "ou=groups", "cn=vpn"]);
    let found = client.found(search("", OneLevel)).await;
    assert_eq!(found, ["dc=example"]);
    assert_eq!(client.found(search(ADA, OneLevel)).await, [""; 0]);
}

#[tokio::test]
async fn a_search_answers_with_the_attributes_asked_for() {
    let mut client = World::new().connect_as(vpn());
    let request = LdapSearchRequest {
        attrs: vec!["uidNumber".into(), "SN".into()],
        ..search(ADA, LdapSearchScope::Base)
    };
    let LdapOp::SearchResultEntry(entry) = client.ask(LdapOp::SearchRequest(request)).await else {
        panic!("no entry");
    };
    let LdapSearchResultEntry { dn, attributes } = entry;
    assert_eq!(dn, ADA);
    let attributes: Vec<(&str, &[Vec<u8>])> = attributes
        .iter()
        .map(|attribute| (attribute.atype.as_str(), &attribute.vals[..]))
        .collect();
    let expected: [(&str, &[Vec<u8>]); 2] = [
        ("sn", &[b"Lovelace".to_vec()]),
        ("uidNumber", &[b"10001".to_vec()]),
    ];
    assert_eq!(attributes, expected);
}

#[tokio::test]
async fn a_filter_that_names_the_unknown_finds_nothing_and_succeeds() {
    let mut client = World::new().connect_as(vpn());
    for unknown in [
        filter("shoeSize"),
        LdapFilter::Not(Box::new(filter("shoeSize"))),
        LdapFilter::Equality("objectClass".into(), "noSuchClass".into()),
    ] {
        let request = LdapSearchRequest {
            filter: unknown,
            ..search(BASE, LdapSearchScope::Subtree)
        };
        assert_eq!(client.found(request).await, [""; 0]);
    }
}

#[tokio::test]
async fn the_size_limit_is_reached_only_when_there_is_more() {
    let world = World::serving(Some(crowd("user", CROWD)));
    let mut client = world.connect_as(vpn());
    for (size_limit, expected) in [
        (1, LdapResultCode::SizeLimitExceeded),
        (1000, LdapResultCode::SizeLimitExceeded),
        (CROWD as i32 - 1, LdapResultCode::SizeLimitExceeded),
        (CROWD as i32, LdapResultCode::Success),
        (CROWD as i32 + 1, LdapResultCode::Success),
    ] {
        let request = LdapSearchRequest {
            sizelimit: size_limit,
            ..search(PEOPLE, LdapSearchScope::OneLevel)
        };
        let (found, result) = client.search(request).await;
        assert_eq!(result.code, expected, "limit {size_limit}");
        assert_eq!(found.len(), (CROWD as usize).min(size_limit as usize));
    }
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_answered_with_what_does() {
    let mut client = World::new().connect_as(vpn());
    for (base, matched) in [
        ("uid=nobody,ou=people,dc=example,dc=com", PEOPLE),
        ("uid=x,uid=y,OU=People,dc=example,dc=com", PEOPLE),
        ("uid=carl,ou=people,dc=example,dc=com", PEOPLE),
        ("ou=hosts,dc=example,dc=com", BASE),
        ("dc=com", ""),
        ("dc=elsewhere", ""),
    ] {
        let (found, result) = client.search(search(base, LdapSearchScope::Subtree)).await;
        assert_eq!(found, [""; 0]);
        assert_eq!(result.code, LdapResultCode::NoSuchObject, "{base}");
        assert_eq!(result.matcheddn, matched, "{base}");
    }
}

#[tokio::test]
async fn a_base_that_is_no_name_is_refused_as_that() {
    let mut client = World::new().connect_as(vpn());
    for base in ["people", "ou=people,,dc=com", "ou=a\\"] {
        let (_, result) = client.search(search(base, LdapSearchScope::Base)).await;
        assert_eq!(result.code, LdapResultCode::InvalidDNSyntax, "{base}");
    }
}

/// Starts a search for a crowd that is too long for one write, and waits for its first entry.
async fn long_search(world: &World) -> (Client, i32) {
    let mut client = world.connect_as(vpn());
    let request = LdapOp::SearchRequest(search(PEOPLE, LdapSearchScope::OneLevel));
    let id = client.send(request).await;
    let first = client.next().await.unwrap();
    assert!(matches!(first.op, LdapOp::SearchResultEntry(_)));
    (client, id)
}

#[tokio::test]
async fn an_abandoned_search_ends_without_a_result() {
    let world = World::serving(Some(crowd("user", CROWD)));
    let (mut client, id) = long_search(&world).await;
    client.send(LdapOp::AbandonRequest(id)).await;
    let next = client.send(who_am_i()).await;
    let mut entries = 1;
    loop {
        let message = client.next().await.unwrap();
        match message.op {
            LdapOp::SearchResultEntry(_) => entries += 1,
            other => {
                assert_eq!(message.msgid, next, "{other:?}");
                break;
            }
        }
    }
    assert!(entries < CROWD / 2, "{entries} entries were sent");
}

#[tokio::test]
async fn abandoning_another_message_leaves_a_search_alone() {
    let world = World::serving(Some(crowd("user", CROWD)));
    let (mut client, id) = long_search(&world).await;
    client.send(LdapOp::AbandonRequest(id + 1)).await;
    for _ in 1..CROWD {
        let message = client.next().await.unwrap();
        assert!(matches!(message.op, LdapOp::SearchResultEntry(_)));
    }
    let done = client.next().await.unwrap();
    assert!(matches!(done.op, LdapOp::SearchResultDone(_)));
}

#[tokio::test]
async fn unbind_ends_a_search_under_way() {
    let world = World::serving(Some(crowd("user", CROWD)));
    let (mut client, _) = long_search(&world).await;
    client.send(LdapOp::UnbindRequest).await;
    let rest = client.rest().await;
    assert!(rest.len() < CROWD as usize / 2, "{} messages", rest.len());
    let is_entry = |message: &LdapMsg| matches!(message.op, LdapOp::SearchResultEntry(_));
    assert!(rest.iter().all(is_entry));
}

#[tokio::test]
async fn a_search_sees_the_tree_it_began_with_to_its_end() {
    let world = World::serving(Some(crowd("old", CROWD)));
    let (mut client, _) = long_search(&world).await;
    world.published.store(Some(Arc::new(crowd("new", 2))));
    let mut entries = 1;
    while let LdapOp::SearchResultEntry(entry) = client.next().await.unwrap().op {
        assert!(entry.dn.starts_with("uid=old"), "{}", entry.dn);
        entries += 1;
    }
    assert_eq!(entries, CROWD);
    let found = client.found(search(PEOPLE, LdapSearchScope::OneLevel));
    assert_eq!(found.await, ["uid=new0", "uid=new1"]);
}

#[tokio::test]
async fn entries_of_a_long_search_are_whole_and_in_order() {
    let world = World::serving(Some(crowd("user", CROWD)));
    let mut client = world.connect_as(vpn());
    let found = client.found(search(PEOPLE, LdapSearchScope::OneLevel));
    let expected: Vec<String> = (0..CROWD).map(|n| format!("uid=user{n}")).collect();
    assert_eq!(found.await, expected);
}
