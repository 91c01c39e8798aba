//! Operations beside each other: what a long search lets pass, and what waits for it.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapExtendedRequest;

use super::client::{bind, result, who_am_i};
use super::*;
use crate::ldap::outstanding::SEARCHES_MAX;

const CROWD: usize = 3000;

fn long_search() -> LdapOp {
    LdapOp::SearchRequest(search(PEOPLE, LdapSearchScope::OneLevel))
}

fn cancel(id: i32) -> LdapOp {
    LdapOp::ExtendedRequest(LdapExtendedRequest {
        name: "1.3.6.1.1.8".into(),
        value: Some(vec![ber::SEQUENCE, 3, ber::INTEGER, 1, id as u8]),
    })
}

#[tokio::test]
async fn a_cancelled_search_is_answered_as_that() {
    let world = World::serving(Some(crowd("user", CROWD as u128)));
    let mut client = world.connect_as(vpn());
    let searching = client.send(long_search()).await;
    client.next().await.unwrap();
    let cancelling = client.send(cancel(searching)).await;
    let mut entries = 1;
    let done = loop {
        let message = client.next().await.unwrap();
        match message.op {
            LdapOp::SearchResultEntry(_) => entries += 1,
            LdapOp::SearchResultDone(done) => break done,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(done.code, LdapResultCode::Canceled);
    assert!(entries < CROWD / 2, "{entries} entries were sent");
    let answer = client.next().await.unwrap();
    assert_eq!(answer.msgid, cancelling);
    assert_eq!(result(answer.op).code, LdapResultCode::Success);
}

#[tokio::test]
async fn a_long_search_lets_other_requests_pass() {
    let world = World::serving(Some(crowd("user", CROWD as u128)));
    let mut client = world.connect_as(vpn());
    let searching = client.send(long_search()).await;
    client.next().await.unwrap();
    let asking = client.send(who_am_i()).await;
    let mut answered_after = None;
    for place in 0.. {
        let message = client.next().await.unwrap();
        if message.msgid == asking {
            answered_after = Some(place);
        } else if let LdapOp::SearchResultDone(done) = message.op {
            assert_eq!(
                (message.msgid, done.code),
                (searching, LdapResultCode::Success)
            );
            break;
        }
    }
    assert!(answered_after.is_some_and(|place| place < CROWD / 2));
}

#[tokio::test]
async fn a_bind_waits_for_the_searches_before_it() {
    let world = World::serving(Some(crowd("user", CROWD as u128)));
    let mut client = world.connect_as(vpn());
    client.send(long_search()).await;
    let binding = client.send(bind("", "")).await;
    let mut entries = 0;
    loop {
        let message = client.next().await.unwrap();
        match message.op {
            LdapOp::SearchResultEntry(_) => entries += 1,
            LdapOp::SearchResultDone(_) => assert_eq!(entries, CROWD),
            LdapOp::BindResponse(_) => {
                assert_eq!((message.msgid, entries), (binding, CROWD));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn an_abandon_behind_a_bind_that_waits_is_heeded() {
    let world = World::serving(Some(crowd("user", CROWD as u128)));
    let mut client = world.connect_as(vpn());
    let searching = client.send(long_search()).await;
    client.send(bind("", "")).await;
    client.send(LdapOp::AbandonRequest(searching)).await;
    let mut entries = 0;
    while let LdapOp::SearchResultEntry(_) = client.next().await.unwrap().op {
        entries += 1;
    }
    assert!(entries < CROWD / 2, "{entries} entries were sent");
}

#[tokio::test]
async fn more_searches_than_may_be_under_way_are_all_answered() {
    let world = World::serving(Some(crowd("user", 500)));
    let mut client = world.connect_as(vpn());
    let mut open = Vec::new();
    for _ in 0..2 * SEARCHES_MAX {
        open.push(client.send(long_search()).await);
    }
    while !open.is_empty() {
        let message = client.next().await.unwrap();
        if let LdapOp::SearchResultDone(done) = message.op {
            assert_eq!(done.code, LdapResultCode::Success);
            open.retain(|id| *id != message.msgid);
        }
    }
}

/// The RDNs on one page, and the cookie behind it.
async fn page(client: &mut Client, size: i64, cookie: Vec<u8>) -> (Vec<String>, Vec<u8>) {
    let control = LdapControl::SimplePagedResults { size, cookie };
    let (id, encoded) = client.encode(long_search(), vec![control]);
    client.write(&encoded).await;
    let mut found = Vec::new();
    loop {
        let message = client.next().await.unwrap();
        assert_eq!(message.msgid, id);
        match (message.op, &message.ctrl[..]) {
            (LdapOp::SearchResultEntry(entry), _) => found.push(entry.dn),
            (LdapOp::SearchResultDone(done), [LdapControl::SimplePagedResults { cookie, .. }]) => {
                assert_eq!(done.code, LdapResultCode::Success);
                return (found, cookie.clone());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn pages_show_the_tree_of_the_first_of_them() {
    let world = World::serving(Some(crowd("old", CROWD as u128)));
    let mut client = world.connect_as(vpn());
    let (first, cookie) = page(&mut client, 1000, Vec::new()).await;
    world.published.store(Some(Arc::new(crowd("new", 2))));
    let (rest, cookie) = page(&mut client, 5000, cookie).await;
    assert_eq!(cookie, b"");
    let expected: Vec<String> = (0..CROWD)
        .map(|number| format!("uid=old{number},{PEOPLE}"))
        .collect();
    assert_eq!([first, rest].concat(), expected);
    let (new, _) = page(&mut client, 5000, Vec::new()).await;
    assert_eq!(new.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_waits_too_long_for_its_next_page_lets_go_of_the_tree() {
    use crate::ldap::search::pages::PATIENCE;
    let world = World::serving(Some(crowd("old", 10)));
    let old = Arc::downgrade(&world.published.load_full().unwrap());
    let mut client = world.connect_as(vpn());
    page(&mut client, 1, Vec::new()).await;
    world.published.store(Some(Arc::new(crowd("new", 2))));
    assert!(old.upgrade().is_some());
    tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
    assert!(old.upgrade().is_none());
    assert_eq!(client.who_am_i().await, format!("dn:{VPN}"));
}
