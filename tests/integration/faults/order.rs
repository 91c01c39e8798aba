//! What delta leaves to chance: order, repetition, replay, emptiness, and what is told in which pieces.

use super::stage::{Stage, assert_same};
use crate::tenant::{Disorder, Tenant, sample};

/// The first pass, and another enumeration of the same tenant, in this order.
async fn makes_no_difference(disorder: Disorder) {
    let tenant = Tenant::start_with(sample::company(), disorder).await;
    let mut stage = Stage::first_pass(tenant).await;
    stage.installation.json(&["sync", "--full"]).await;
    stage.serves_what_it_held().await;
    stage.takes_in_a_colleague().await;
}

#[tokio::test]
async fn empty_pages_end_nothing() {
    makes_no_difference(Disorder {
        empty_pages: true,
        page_entries: 1..=2,
        ..Disorder::none()
    })
    .await;
}

#[tokio::test]
async fn objects_that_come_twice_and_in_any_order_are_the_same_objects() {
    makes_no_difference(Disorder {
        shuffled: true,
        repetitions: true,
        page_entries: 3..=9,
        ..Disorder::none()
    })
    .await;
}

#[tokio::test]
async fn removal_of_what_nobody_knows_removes_nothing() {
    makes_no_difference(Disorder {
        strangers: true,
        extra_keys: true,
        ..Disorder::none()
    })
    .await;
}

#[tokio::test]
async fn group_in_pieces_on_many_pages_has_all_its_members() {
    makes_no_difference(Disorder {
        shuffled: true,
        member_slice_max: 1,
        page_entries: 2..=8,
        ..Disorder::none()
    })
    .await;
}

#[tokio::test]
async fn old_changes_told_again_change_nothing() {
    let disorder = Disorder {
        replays: true,
        ..Disorder::none()
    };
    let tenant = Tenant::start_with(sample::company(), disorder).await;
    let mut stage = Stage::first_pass(tenant).await;
    for _ in 0..2 {
        stage.takes_in_a_colleague().await;
    }
    for _ in 0..6 {
        stage.installation.json(&["sync"]).await;
        stage.serves_what_it_held().await;
    }
}

#[tokio::test]
async fn property_that_is_absent_stays_and_one_that_is_null_goes() {
    let mut stage = Stage::tidy().await;
    let noor = "noor@contoso.example";
    stage.tenant.set(noor, "jobTitle", serde_json::Value::Null);
    stage.installation.json(&["sync"]).await;
    let after = stage.reader.find(crate::harness::BASE, "(uid=noor)").await;
    assert!(after.all("title").is_empty(), "{after:?}");
    let is_noor = |entry: &&crate::harness::Entry| entry.dn.starts_with("uid=noor,");
    let before = stage.good.iter().find(is_noor).unwrap();
    assert_eq!(before.all("title").len(), 1);
    for attribute in ["mail", "givenName", "departmentNumber", "uidNumber"] {
        assert_eq!(after.all(attribute), before.all(attribute), "{attribute}");
    }
    let others = |entries: &[crate::harness::Entry]| {
        let others = entries.iter().filter(|entry| !is_noor(entry));
        others.cloned().collect::<Vec<_>>()
    };
    let now = stage
        .reader
        .search(crate::harness::BASE, "(objectClass=*)")
        .await;
    assert_same(&others(&now), &others(&stage.good));
}
