use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::directory::decision::{Decision, Grounds, Reason};
use crate::directory::{
    DeltaLink, Group, GroupId, Member, MemberKind, ObjectId, Stamp, User, UserId,
};

mod any;

/// A data directory that does not exist yet; it goes with the first value.
fn fresh() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    (parent, dir)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn user_id(n: u128) -> UserId {
    UserId(ObjectId(Uuid::from_u128(n)))
}

fn group_id(n: u128) -> GroupId {
    GroupId(ObjectId(Uuid::from_u128(n)))
}

/// One record of each kind.
fn small_state() -> State {
    let mut state = State::default();
    let directory = &mut state.directory;
    directory
        .users
        .insert(user_id(1), Arc::new(User::default()));
    let include = Decision::Include(Grounds::Default);
    directory
        .decisions
        .users
        .insert(user_id(1), include.clone());
    let member = Member {
        kind: MemberKind::User,
    };
    let group = Group {
        members: [(user_id(1).0, member)].into(),
        ..Group::default()
    };
    directory.groups.insert(group_id(2), Arc::new(group));
    directory.decisions.groups.insert(group_id(2), include);
    directory
        .pins
        .insert("Vertrieb Süd".to_owned(), group_id(2));
    let stamp = Stamp {
        fingerprint: 7,
        modified: now(),
    };
    state.stamps.insert(Uuid::from_u128(1), stamp);
    state.progress.users.link = Some(DeltaLink("https://graph.example/1".to_owned()));
    state
}

/// Records that a change of the small state writes and removes.
fn cost_of(change: impl FnOnce(&mut State)) -> (usize, usize) {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    let old = small_state();
    store.commit(&State::default(), &old, now()).unwrap();
    let mut new = old.clone();
    change(&mut new);
    let stats = store.commit(&old, &new, now()).unwrap();
    assert_eq!(store.load().unwrap(), new);
    (stats.written, stats.removed)
}

/// Puts a record of the caller's making where `key` belongs, and says how loading fails.
fn load_with(key: Key<'_>, record: &[u8]) -> Error {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    store
        .commit(&State::default(), &small_state(), now())
        .unwrap();
    store.shared.db.insert(key.to_bytes(), record).unwrap();
    store.load().unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_state_is_found_again_after_any_other(old in any::state(), new in any::state()) {
        let (_parent, dir) = fresh();
        let store = Store::open(&dir).unwrap();
        store.commit(&State::default(), &old, now()).unwrap();
        prop_assert_eq!(&store.load().unwrap(), &old);
        store.commit(&old, &new, now()).unwrap();
        prop_assert_eq!(&store.load().unwrap(), &new);
        drop(store);
        let store = Store::open(&dir).unwrap();
        prop_assert_eq!(&store.load().unwrap(), &new);
    }
}

#[test]
fn new_store_holds_the_empty_state_of_generation_zero() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    assert_eq!(store.load().unwrap(), State::default());
    assert_eq!(store.generation(), Generation::default());
}

#[test]
fn generation_counts_commits_across_restarts() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    let state = small_state();
    store.commit(&State::default(), &state, now()).unwrap();
    drop(store);
    let store = Store::open(&dir).unwrap();
    let first = Generation {
        number: 1,
        committed: Some(now()),
    };
    assert_eq!(store.generation(), first);
    let later = Timestamp::from_second(1_900_000_000).unwrap();
    let stats = store.commit(&state, &State::default(), later).unwrap();
    let second = Generation {
        number: 2,
        committed: Some(later),
    };
    assert_eq!(stats.generation, second);
    assert_eq!(store.generation(), second);
}

#[test]
fn equal_states_write_nothing_and_are_no_generation() {
    assert_eq!(cost_of(|_| {}), (0, 0));
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    store
        .commit(&State::default(), &State::default(), now())
        .unwrap();
    assert_eq!(store.generation().number, 0);
}

#[test]
fn equal_copies_of_users_and_groups_write_nothing() {
    let copied = |state: &mut State| {
        for user in state.directory.users.values_mut() {
            *user = Arc::new(User::clone(user));
        }
        for group in state.directory.groups.values_mut() {
            *group = Arc::new(Group::clone(group));
        }
    };
    assert_eq!(cost_of(copied), (0, 0));
}

#[test]
fn change_of_one_record_writes_one_record() {
    let user = |state: &mut State| {
        let user = state.directory.users.get_mut(&user_id(1)).unwrap();
        Arc::make_mut(user).mail = Some("ada@example.com".to_owned());
    };
    assert_eq!(cost_of(user), (1, 0));
    let decision = |state: &mut State| {
        let disabled = Decision::Exclude(Reason::Disabled);
        state.directory.decisions.users.insert(user_id(1), disabled);
    };
    assert_eq!(cost_of(decision), (1, 0));
    let link = |state: &mut State| {
        state.progress.users.link = Some(DeltaLink("https://graph.example/2".to_owned()));
    };
    assert_eq!(cost_of(link), (1, 0));
}

#[test]
fn one_new_member_of_a_large_group_writes_one_record() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    let member = Member {
        kind: MemberKind::User,
    };
    let group = Group {
        members: (0..10_000).map(|n| (user_id(n).0, member)).collect(),
        ..Group::default()
    };
    let mut old = State::default();
    old.directory.groups.insert(group_id(1), Arc::new(group));
    store.commit(&State::default(), &old, now()).unwrap();
    let mut new = old.clone();
    let group = new.directory.groups.get_mut(&group_id(1)).unwrap();
    Arc::make_mut(group)
        .members
        .insert(user_id(10_000).0, member);
    let stats = store.commit(&old, &new, now()).unwrap();
    assert_eq!((stats.written, stats.removed), (1, 0));
    assert_eq!(store.load().unwrap(), new);
}

#[test]
fn removed_group_takes_its_memberships_along() {
    let removed = |state: &mut State| {
        state.directory.groups.clear();
    };
    assert_eq!(cost_of(removed), (0, 2));
}

#[test]
fn store_opened_twice_is_reported_as_locked() {
    let (_parent, dir) = fresh();
    let _first = Store::open(&dir).unwrap();
    let error = Store::open(&dir).unwrap_err();
    assert!(
        matches!(&error, Error::Locked { dir: locked } if *locked == dir),
        "{error:?}"
    );
    assert!(error.to_string().contains("is a daemon running?"));
}

#[test]
fn clone_keeps_the_store_open() {
    let (_parent, dir) = fresh();
    let first = Store::open(&dir).unwrap();
    let clone = first.clone();
    drop(first);
    assert!(matches!(Store::open(&dir), Err(Error::Locked { .. })));
    drop(clone);
    Store::open(&dir).unwrap();
}

#[test]
fn directory_that_group_or_others_can_reach_is_refused() {
    for mode in [0o710, 0o701, 0o750, 0o755, 0o740] {
        let (_parent, dir) = fresh();
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
        let error = Store::open(&dir).unwrap_err();
        assert!(
            matches!(error, Error::Exposed { mode: seen, .. } if seen == mode),
            "{error:?}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("chmod 700 {}", dir.display()))
        );
    }
}

#[test]
fn everything_the_store_makes_is_for_its_owner_alone() {
    let (_parent, dir) = fresh();
    let _store = Store::open(&dir.join("nested")).unwrap();
    // The file `db` and the directory `blobs` lie within; the walk below is not over nothing.
    assert!(dir.join("nested/store/db").is_file());
    let mut unseen = vec![dir];
    while let Some(path) = unseen.pop() {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        if path.is_dir() {
            unseen.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
}

#[test]
fn data_dir_that_cannot_be_made_is_named() {
    let (_parent, file) = fresh();
    fs::write(&file, "in the way").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(
        matches!(&error, Error::Io { action: "create", path, .. } if *path == file),
        "{error:?}"
    );
}

#[test]
fn tenant_is_recorded_on_first_use_and_compared_later() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    assert!(!store.check_tenant("contoso.onmicrosoft.com").unwrap());
    store.bind_tenant("contoso.onmicrosoft.com").unwrap();
    drop(store);
    let store = Store::open(&dir).unwrap();
    assert!(store.check_tenant("contoso.onmicrosoft.com").unwrap());
    assert!(store.check_tenant("fabrikam.onmicrosoft.com").is_err());
    store.bind_tenant("Contoso.onmicrosoft.com").unwrap();
    let error = store.bind_tenant("fabrikam.onmicrosoft.com").unwrap_err();
    assert!(
        matches!(&error, Error::OtherTenant { recorded, configured, .. }
            if recorded == "contoso.onmicrosoft.com" && configured == "fabrikam.onmicrosoft.com"),
        "{error:?}"
    );
}

#[test]
fn record_of_a_later_format_is_refused_as_newer() {
    let error = load_with(Key::User(user_id(1)), &[2, 0, 0]);
    assert!(
        matches!(error, Error::NewerVersion { version: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn kind_of_record_unknown_here_is_refused_as_newer() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    store.shared.db.insert([0x99, 1, 2], &[1]).unwrap();
    let error = store.load().unwrap_err();
    assert!(
        matches!(error, Error::NewerVersion { version: 0x99, .. }),
        "{error:?}"
    );
}

#[test]
fn record_that_ends_early_is_named() {
    let error = load_with(Key::User(user_id(1)), &[1, 1]);
    let expected = "user 00000000-0000-0000-0000-000000000001";
    assert!(
        matches!(&error, Error::Corrupt { record, .. } if record == expected),
        "{error:?}"
    );
}

#[test]
fn membership_without_its_group_is_corrupt() {
    let error = load_with(Key::Member(group_id(77), user_id(1).0), &[1, 0]);
    assert!(
        matches!(
            error,
            Error::Corrupt {
                fault: Fault::GroupMissing,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn after_a_commit_that_did_not_end_no_other_begins() {
    let (_parent, dir) = fresh();
    let store = Store::open(&dir).unwrap();
    store.shared.writer().is_in_doubt = true;
    let error = store
        .commit(&State::default(), &small_state(), now())
        .unwrap_err();
    assert!(
        matches!(error, Error::WriteFailedBefore { .. }),
        "{error:?}"
    );
    assert_eq!(store.load().unwrap(), State::default());
}

#[test]
fn store_can_be_shared_between_threads() {
    fn is_shareable<T: Send + Sync + Clone + 'static>() {}
    is_shareable::<Store>();
}
