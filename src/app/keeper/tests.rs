use std::convert::Infallible;

use arc_swap::ArcSwapOption;
use tempfile::TempDir;

use super::*;
use crate::app::acts::accept_held;
use crate::app::fixtures::{directory, policy, rules, user_id};
use crate::directory::{ObjectId, UserId};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A keeper of a tenant with one person, whose store is in the directory beside it.
fn keeper() -> (TempDir, Inner) {
    let place = tempfile::tempdir().expect("a directory");
    let data_dir = place.path().join("data");
    let inner = Inner {
        desk: Mutex::new(Desk {
            store: Some(Store::open(&data_dir).expect("a new store")),
            served: None,
            is_found: true,
            amendments: Vec::new(),
        }),
        data_dir,
        rules: rules(),
        policy: policy(),
        tree: crate::dit::tests::settings(),
        state: ArcSwap::default(),
        findings: ArcSwap::default(),
        published: Arc::new(ArcSwapOption::empty()),
        written: AtomicUsize::new(0),
    };
    let mut state = State {
        directory: directory(&[("ada", "Ada")], &[]),
        ..State::default()
    };
    state.progress.users.completed = Some(NOW);
    state.progress.groups.completed = Some(NOW);
    inner
        .commit(&mut inner.desk(), state, NOW)
        .expect("committed");
    (place, inner)
}

fn set_shell(shell: &str) -> impl Fn(&mut Directory) -> Result<((), Amendment), Infallible> {
    let shell = shell.to_owned();
    let set = move |directory: &mut Directory| {
        let id = ObjectId::from(user_id(1));
        let settings = directory.overrides.objects.entry(id).or_default();
        settings.login_shell = Some(shell.clone());
        Ok(())
    };
    move |directory| {
        let done: Result<(), String> = set(directory);
        Ok((done.expect("set"), Box::new(set.clone())))
    }
}

fn shell(state: &State) -> Option<&str> {
    let settings = state.directory.overrides.objects.get(&user_id(1).into())?;
    settings.login_shell.as_deref()
}

/// What a pass makes of the state it began with: another person comes.
fn read_by_pass(base: &State, id: UserId) -> State {
    let mut state = State::clone(base);
    let user = state.directory.users[&user_id(1)].clone();
    let mut user = crate::directory::User::clone(&user);
    user.user_principal_name = Some(format!("{id}@contoso.com"));
    state.directory.users.insert(id, Arc::new(user));
    resettled(&state, &rules(), &policy()).0
}

/// As it is after a restart.
fn on_disk(inner: &Inner) -> State {
    let desk = inner.desk();
    let store = desk.store.as_ref().expect("nothing failed");
    store.load().expect("readable")
}

#[test]
fn an_amendment_is_durable_and_served_when_it_is_answered() {
    let (_place, inner) = keeper();
    let before = inner.published.load_full().expect("served");
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    assert_eq!(shell(&on_disk(&inner)), Some("/bin/zsh"));
    assert_eq!(*inner.state.load_full(), on_disk(&inner));
    let after = inner.published.load_full().expect("served");
    assert!(!Arc::ptr_eq(&before, &after), "the tree was built anew");
}

#[test]
fn a_pass_that_began_before_an_amendment_does_not_undo_it() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    inner.amend(set_shell("/bin/fish"), NOW).expect("amended");
    let read = read_by_pass(&base, user_id(2));
    assert_eq!(shell(&read), None, "the pass knows nothing of it");
    let committed = inner.commit_pass(read, NOW).expect("committed");
    assert_eq!(shell(&committed), Some("/bin/fish"));
    assert!(committed.directory.users.contains_key(&user_id(2)));
    assert_eq!(*committed, on_disk(&inner));
}

#[test]
fn an_amendment_that_a_pass_has_taken_up_is_not_made_again() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    let read = read_by_pass(&base, user_id(2));
    let committed = inner.commit_pass(read, NOW).expect("committed");
    // What the next phase commits counts, even where it takes the amendment back.
    let mut read = read_by_pass(&committed, user_id(3));
    read.directory.overrides.objects.clear();
    let committed = inner.commit_pass(read, NOW).expect("committed");
    assert_eq!(shell(&committed), None);
}

#[test]
fn an_amendment_that_a_pass_has_overtaken_stops_nothing() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    let overtaken = |_: &mut Directory| -> Result<((), Amendment), Infallible> {
        Ok(((), Box::new(|_| Err("overtaken".to_owned()))))
    };
    inner.amend(overtaken, NOW).expect("amended");
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    let read = read_by_pass(&base, user_id(2));
    let committed = inner.commit_pass(read, NOW).expect("committed");
    assert_eq!(shell(&committed), Some("/bin/zsh"));
}

/// The state with this many people of the tenant gone, the first ones; as a pass that begins here arrives at it.
fn without(base: &State, gone: u128) -> State {
    let rules = Rules {
        max_change: 20,
        ..rules()
    };
    let now = Timestamp::now();
    let mut tenant = sync::Tenant::of(&base.directory);
    for number in 1..=gone {
        tenant.users.remove(&user_id(number));
    }
    let mut state = State::clone(base);
    (state.directory, _) = sync::settle(&base.directory, tenant, &rules, &policy(), now, false);
    state
}

#[test]
fn accepting_during_a_pass_covers_what_was_held_before_and_not_what_the_pass_finds() {
    let (_place, inner) = keeper();
    let names: Vec<String> = (1..=100).map(|number| format!("user{number}")).collect();
    let people: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], &name[..])).collect();
    let mut full = State::clone(&inner.state.load());
    full.directory = directory(&people, &[]);
    let full = inner.commit_pass(full, NOW).expect("committed");
    let held = without(&full, 30);
    let base = inner.commit_pass(held, NOW).expect("committed");
    assert_eq!(base.directory.users.len(), 100, "30 are held");

    let accept =
        |directory: &mut Directory| Ok::<_, Infallible>(accept_held(directory, Timestamp::now()));
    let amended = inner.amend(accept, NOW).expect("accepted");
    assert_eq!(amended, 30);
    assert_eq!(inner.state.load().directory.users.len(), 70);
    let committed = inner
        .commit_pass(without(&base, 80), NOW)
        .expect("committed");
    assert_eq!(committed.directory.users.len(), 70);
}

#[test]
fn a_refused_amendment_leaves_everything_as_it_was() {
    let (_place, inner) = keeper();
    let before = inner.state.load_full();
    let refused = inner.amend(
        |directory| -> Result<((), Amendment), std::fmt::Error> {
            directory.users.clear();
            Err(std::fmt::Error)
        },
        NOW,
    );
    assert!(
        matches!(refused, Err(AmendError::Refused(_))),
        "{refused:?}"
    );
    assert!(Arc::ptr_eq(&before, &inner.state.load_full()));
    assert_eq!(*before, on_disk(&inner));
    assert!(inner.desk().amendments.is_empty());
}

/// What is left of a commit whose batch reached the disk, and whose flush then failed.
fn written_and_failed(inner: &Inner, new: &State) {
    let store = inner.desk().store.take().expect("nothing failed");
    let old = inner.state.load_full();
    store.commit(&old, new, NOW).expect("written");
}

#[test]
fn what_a_failed_commit_has_written_is_served_when_the_pass_arrives_at_it_again() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    let before = inner.published.load_full().expect("served");
    let read = read_by_pass(&base, user_id(2));
    written_and_failed(&inner, &read);
    inner.commit_pass(read, NOW).expect("committed");
    let after = inner.published.load_full().expect("served");
    assert!(after.visible().len() > before.visible().len());
}

#[test]
fn what_a_failed_commit_has_written_is_served_as_soon_as_the_store_is_used_again() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    let before = inner.published.load_full().expect("served");
    let read = read_by_pass(&base, user_id(2));
    written_and_failed(&inner, &read);
    inner.with_store(|_| Ok(())).expect("opened anew");
    assert!(inner.state.load().directory.users.contains_key(&user_id(2)));
    let after = inner.published.load_full().expect("served");
    assert!(after.visible().len() > before.visible().len());
}

#[tokio::test]
async fn a_pass_begins_from_what_a_failed_commit_has_written() {
    let (_place, inner) = keeper();
    let read = read_by_pass(&inner.state.load(), user_id(2));
    written_and_failed(&inner, &read);
    let keeper = Keeper {
        inner: Arc::new(inner),
    };
    let base = keeper.begin_pass().await;
    assert!(base.directory.users.contains_key(&user_id(2)));
}

/// What a pass says that has found something.
fn said(people: usize) -> Settled {
    let kind = crate::directory::guard::ChangeKind::Removed;
    let figures = crate::directory::guard::HeldKind {
        people,
        active: 100,
        max_change: 20,
        since: NOW,
    };
    let mut settled = Settled::default();
    settled.held.kinds.push((kind, figures));
    settled
}

#[test]
fn a_pass_says_what_the_rules_had_to_say_unless_something_was_amended_after_it() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    let committed = inner.commit_pass(read_by_pass(&base, user_id(2)), NOW);
    let committed = committed.expect("committed");
    assert_eq!(inner.end_pass(said(30)), said(30));
    assert_eq!(inner.findings.load().settled, said(30));

    let read = read_by_pass(&committed, user_id(3));
    inner.commit_pass(read, NOW).expect("committed");
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    let by_amendment = inner.findings.load().settled.clone();
    assert_eq!(inner.end_pass(said(31)), by_amendment);
    assert_eq!(inner.findings.load().settled, by_amendment);
}

#[test]
fn a_pass_that_amendments_were_laid_upon_does_not_say_what_was_so_without_them() {
    let (_place, inner) = keeper();
    let base = inner.state.load_full();
    inner.amend(set_shell("/bin/zsh"), NOW).expect("amended");
    let read = read_by_pass(&base, user_id(2));
    let committed = inner.commit_pass(read, NOW).expect("committed");
    assert_eq!(inner.end_pass(said(30)), Settled::default());

    let read = read_by_pass(&committed, user_id(3));
    inner.commit_pass(read, NOW).expect("committed");
    assert_eq!(inner.end_pass(said(31)), said(31));
}
