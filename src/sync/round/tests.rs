use serde_json::json;

use super::*;
use crate::directory::{Directory, Group};
use crate::graph::{Flaw, GroupChange, UserChange};
use crate::sync::PhaseName;
use crate::sync::fixtures::*;
use crate::sync::phase::{Groups, Users};

/// A state whose phases were both committed, and last enumerated, at hour 0.
fn held(directory: Directory) -> Arc<State> {
    let progress = |link: &str| PhaseProgress {
        link: Some(DeltaLink(link.to_owned())),
        completed: Some(hour(0)),
        enumerated: Some(hour(0)),
        selected: names(&["id", "mail"]),
        refused: names(&["city"]),
    };
    let mut state = State {
        directory,
        ..State::default()
    };
    state.progress.users = progress("users-delta-0");
    state.progress.groups = progress("groups-delta-0");
    Arc::new(state)
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// What the end of a round that was asked for `id` and `mail`, and refused `city`, makes of the progress.
fn advanced<P: Phase>(done: &Finished<P>, mut progress: PhaseProgress) -> PhaseProgress {
    done.advance(&mut progress, &names(&["id", "mail"]), &names(&["city"]));
    progress
}

fn begin<P: Phase>(state: &Arc<State>, mode: Mode) -> Round<P> {
    Round::begin(state, Link("start".to_owned()), mode)
}

/// Feeds pages until the round asks for no more; pages left over are a mistake of the test.
fn feed<P: Phase>(mut round: Round<P>, pages: Vec<Page<P::Change>>) -> Step<P> {
    let mut pages = pages.into_iter();
    while let Some(page) = pages.next() {
        match round.page(page, hour(1)) {
            Step::Fetch(next) => round = next,
            end => {
                assert_eq!(pages.count(), 0, "pages are left over");
                return end;
            }
        }
    }
    Step::Fetch(round)
}

fn finished<P: Phase>(step: Step<P>) -> Finished<P> {
    match step {
        Step::Commit(finished) => *finished,
        other => panic!("not finished: {other:?}"),
    }
}

fn restarted<P: Phase>(step: Step<P>) -> Round<P> {
    match step {
        Step::Restart(round) => round,
        other => panic!("not restarted: {other:?}"),
    }
}

fn tally(added: usize, changed: usize, removed: usize) -> Tally {
    Tally {
        added,
        changed,
        removed,
    }
}

fn flawed<C>(mut page: Page<C>, id: &str) -> Page<C> {
    page.problems.push(Problem {
        id: id.to_owned(),
        field: "mail".into(),
        flaw: Flaw::NotADate,
    });
    page
}

#[test]
fn mode_is_incremental_only_with_a_fresh_link() {
    let wanted = names(&["city", "id", "mail"]);
    let check = |progress: &PhaseProgress, full, now, expected| {
        let mode = Mode::choose(progress, &wanted, full, HOUR * 24, hour(now));
        assert_eq!(mode, expected);
    };
    let progress = held(Directory::default()).progress.users.clone();
    check(&progress, false, 0, Mode::Incremental);
    check(&progress, false, 24, Mode::Incremental);
    check(&progress, false, 25, Mode::Full);
    check(&progress, true, 1, Mode::Full);
    check(&progress, false, -1, Mode::Full);
    check(
        &PhaseProgress {
            link: None,
            ..progress.clone()
        },
        false,
        1,
        Mode::Full,
    );
    check(
        &PhaseProgress {
            enumerated: None,
            ..progress
        },
        false,
        1,
        Mode::Full,
    );
    check(&PhaseProgress::default(), false, 1, Mode::Full);
}

#[test]
fn mode_is_full_when_other_properties_are_wanted_than_the_link_tracks() {
    let progress = held(Directory::default()).progress.users.clone();
    for wanted in [&["id", "mail"][..], &["city", "id", "mail", "sshPublicKey"]] {
        let mode = Mode::choose(&progress, &names(wanted), false, HOUR * 24, hour(1));
        assert_eq!(mode, Mode::Full, "{wanted:?}");
    }
}

#[test]
fn first_round_starts_at_the_start_and_later_ones_at_the_delta_link() {
    let empty = Arc::new(State::default());
    let first = begin::<Users>(&empty, Mode::Incremental);
    assert_eq!(
        (first.mode(), first.link()),
        (Mode::Full, &Link("start".to_owned()))
    );
    let state = held(Directory::default());
    assert_eq!(
        begin::<Users>(&state, Mode::Incremental).link().0,
        "users-delta-0"
    );
    assert_eq!(
        begin::<Groups>(&state, Mode::Incremental).link().0,
        "groups-delta-0"
    );
    assert_eq!(begin::<Groups>(&state, Mode::Full).link().0, "start");
}

#[test]
fn first_round_collects_users_over_empty_pages_and_repetitions() {
    let round = begin::<Users>(&Arc::new(State::default()), Mode::Full);
    let done = finished(feed(
        round,
        vec![
            more(vec![removed(9, "deleted"), whole_user(1, "ada")], "p2"),
            more(vec![], "p3"),
            more(vec![whole_user(2, "bob"), whole_user(1, "anna")], "p4"),
            done(vec![], "delta-1"),
        ],
    ));
    let expected = Directory::default()
        .put_user(1, user("anna"))
        .put_user(2, user("bob"));
    assert_eq!(done.objects, expected.users);
    assert_eq!(done.tally, tally(2, 0, 0));
    let progress = PhaseProgress {
        link: Some(DeltaLink("delta-1".to_owned())),
        completed: Some(hour(1)),
        enumerated: Some(hour(1)),
        selected: names(&["id", "mail"]),
        refused: names(&["city"]),
    };
    assert_eq!(advanced(&done, PhaseProgress::default()), progress);
}

#[test]
fn incremental_round_changes_what_it_names_and_nothing_else() {
    let state = held(
        Directory::default()
            .put_user(1, user("ada"))
            .put_user(2, user("bob"))
            .put_user(3, user("cyd")),
    );
    let done = finished(feed(
        begin::<Users>(&state, Mode::Incremental),
        vec![
            more(vec![whole_user(4, "dee"), removed(1, "changed")], "p2"),
            done(vec![whole_user(2, "bert"), whole_user(3, "cyd")], "delta-1"),
        ],
    ));
    let expected = Directory::default()
        .put_user(2, user("bert"))
        .put_user(3, user("cyd"))
        .put_user(4, user("dee"));
    assert_eq!(done.objects, expected.users);
    assert_eq!(done.tally, tally(1, 1, 1));
    let before = state.progress.users.clone();
    let expected = PhaseProgress {
        link: Some(DeltaLink("delta-1".to_owned())),
        completed: Some(hour(1)),
        ..before.clone()
    };
    assert_eq!(advanced(&done, before), expected);
}

#[test]
fn incremental_round_without_changes_still_moves_the_delta_link() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let done = finished(feed(
        begin::<Users>(&state, Mode::Incremental),
        vec![done(vec![], "delta-1")],
    ));
    assert_eq!(done.objects, state.directory.users);
    assert_eq!(
        advanced(&done, PhaseProgress::default()).link,
        Some(DeltaLink("delta-1".to_owned()))
    );
    assert!(done.tally.is_empty());
}

#[test]
fn group_slices_are_collected_over_interleaved_pages() {
    let round = begin::<Groups>(&Arc::new(State::default()), Mode::Full);
    let done = finished(feed(
        round,
        vec![
            more(
                vec![slice(10, "staff", &[1, 2]), slice(11, "eng", &[7])],
                "p2",
            ),
            more(vec![slice(11, "eng", &[8]), slice(10, "staff", &[3])], "p3"),
            done(vec![slice(10, "staff", &[-1])], "delta-1"),
        ],
    ));
    let expected = Directory::default()
        .put_group(10, group("staff", &[2, 3], &[]))
        .put_group(11, group("eng", &[7, 8], &[]));
    assert_eq!(done.objects, expected.groups);
}

#[test]
fn full_round_drops_what_it_does_not_mention_only_at_its_delta_link() {
    let state = held(
        Directory::default()
            .put_group(10, group("staff", &[1, 2], &[]))
            .put_group(11, group("eng", &[7], &[])),
    );
    let round = begin::<Groups>(&state, Mode::Full);
    let Step::Fetch(round) = feed(round, vec![more(vec![slice(10, "staff", &[2])], "p2")]) else {
        panic!()
    };
    assert_eq!(round.held.len(), 2);
    let done = finished(feed(
        round,
        vec![done(vec![slice(10, "staff", &[3])], "delta-1")],
    ));
    assert_eq!(
        done.objects,
        Directory::default()
            .put_group(10, group("staff", &[2, 3], &[]))
            .groups
    );
    assert_eq!(done.tally, tally(0, 1, 1));
}

#[test]
fn full_round_shares_what_did_not_change() {
    let state = held(
        Directory::default()
            .put_user(1, user("ada"))
            .put_user(2, user("bob")),
    );
    let pages = vec![done(
        vec![whole_user(1, "ada"), whole_user(2, "bert")],
        "delta-1",
    )];
    let done = finished(feed(begin::<Users>(&state, Mode::Full), pages));
    let shared = |id| Arc::ptr_eq(&state.directory.users[&id], &done.objects[&id]);
    assert!(shared(user_id(1)));
    assert!(!shared(user_id(2)));
}

#[test]
fn pinned_group_that_a_full_round_misses_stays_as_deleted() {
    let staff = group("staff", &[1, 2], &[]);
    let mut directory = Directory::default().put_group(10, staff.clone());
    directory.pins.insert("staff".to_owned(), group_id(10));
    let check = |changes: Vec<GroupChange>| {
        let done = finished(feed(
            begin::<Groups>(&held(directory.clone()), Mode::Full),
            vec![done(changes, "delta-1")],
        ));
        let expected = Group {
            is_deleted: true,
            ..staff.clone()
        };
        assert_eq!(*done.objects[&group_id(10)], expected);
    };
    check(vec![]);
    check(vec![removed(10, "deleted")]);
    check(vec![slice(10, "staff", &[5]), removed(10, "deleted")]);
}

#[test]
fn deleted_group_that_is_back_is_enumerated_because_its_members_may_go_unsaid() {
    let gone = Group {
        is_deleted: true,
        ..group("staff", &[1, 2], &[])
    };
    let mut directory = Directory::default().put_group(10, gone);
    directory.pins.insert("staff".to_owned(), group_id(10));
    let round = begin::<Groups>(&held(directory), Mode::Incremental);
    let round = restarted(feed(
        round,
        vec![done(vec![slice(10, "staff", &[])], "delta-1")],
    ));
    assert_eq!(
        (round.mode(), round.link().0.as_str()),
        (Mode::Full, "start")
    );
    let done = finished(feed(
        round,
        vec![done(vec![slice(10, "staff", &[1, 2, 3])], "delta-2")],
    ));
    assert_eq!(
        *done.objects[&group_id(10)],
        group("staff", &[1, 2, 3], &[])
    );
}

#[test]
fn part_of_an_unknown_object_asks_for_a_full_enumeration() {
    let state = held(Directory::default());
    let part = user_entry(1, json!({"city": "Oslo"}));
    restarted(feed(
        begin::<Users>(&state, Mode::Incremental),
        vec![done(vec![part], "delta-1")],
    ));
    let part = group_entry(10, json!({"members@delta": []}));
    restarted(feed(
        begin::<Groups>(&state, Mode::Incremental),
        vec![more(vec![part], "p2")],
    ));
}

#[test]
fn resync_starts_a_full_enumeration_once() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let round = begin::<Users>(&state, Mode::Incremental);
    let Step::Fetch(round) = feed(round, vec![more(vec![whole_user(2, "bob")], "p2")]) else {
        panic!()
    };
    let round = restarted(round.failed(resync()));
    assert_eq!(
        (round.mode(), round.link().0.as_str()),
        (Mode::Full, "start")
    );
    assert!(matches!(
        round.failed(resync()),
        Step::GiveUp {
            error: Error::Graph {
                phase: PhaseName::Users,
                source: graph::Error::ResyncRequired { .. }
            },
            unfinished: None
        }
    ));
}

#[test]
fn failing_page_ends_the_round() {
    let round = begin::<Users>(&held(Directory::default()), Mode::Incremental);
    let Step::Fetch(round) = feed(round, vec![more(vec![whole_user(2, "bob")], "p2")]) else {
        panic!()
    };
    assert!(matches!(
        round.failed(outage()),
        Step::GiveUp {
            error: Error::Graph { .. },
            ..
        }
    ));
}

#[test]
fn repeated_next_link_restarts_an_incremental_round_and_ends_a_full_one() {
    let circle = || -> Vec<Page<UserChange>> {
        vec![more(vec![], "p2"), more(vec![], "p3"), more(vec![], "p2")]
    };
    let state = held(Directory::default());
    let full = restarted(feed(begin::<Users>(&state, Mode::Incremental), circle()));
    assert!(matches!(
        feed(full, circle()),
        Step::GiveUp {
            error: Error::NextLinkRepeated {
                phase: PhaseName::Users,
                pages: 3
            },
            ..
        }
    ));
    let itself = feed(
        begin::<Users>(&state, Mode::Full),
        vec![more(vec![], "start")],
    );
    assert!(matches!(
        itself,
        Step::GiveUp {
            error: Error::NextLinkRepeated { pages: 1, .. },
            ..
        }
    ));
}

#[test]
fn round_that_does_not_end_is_ended() {
    let mut round = begin::<Users>(&Arc::new(State::default()), Mode::Full);
    for page in 1..PAGES_MAX {
        let news = vec![whole_user(1, &format!("ada{page}"))];
        let Step::Fetch(next) = round.page(more(news, &format!("p{page}")), hour(1)) else {
            panic!("at {page}")
        };
        round = next;
    }
    assert!(matches!(
        round.page(more(vec![whole_user(1, "ada")], "last"), hour(1)),
        Step::GiveUp {
            error: Error::TooManyPages { .. },
            ..
        }
    ));
}

#[test]
fn unreadable_property_keeps_its_value_in_a_full_round() {
    let mut ada = user("ada");
    ada.city = Some("Oslo".to_owned());
    let id = user_id(1).to_string();
    let state = held(
        Directory::default()
            .put_user(1, ada.clone())
            .put_user(2, user("bob")),
    );
    // `city` is a number here: the client takes it for unchanged.
    let mut page = done(vec![], "delta-1");
    let raw = json!({"id": id, "userPrincipalName": "ada@example.com", "accountEnabled": true, "city": 7});
    page.changes.extend(<UserChange as graph::Change>::read(
        &raw,
        &[],
        &mut page.problems,
    ));
    let done = finished(feed(begin::<Users>(&state, Mode::Full), vec![page]));
    assert_eq!(done.objects, Directory::default().put_user(1, ada).users);
    assert_eq!(done.problems.len(), 1);
}

#[test]
fn unreadable_member_keeps_the_members_held() {
    let state = held(Directory::default().put_group(10, group("staff", &[1, 2, 3], &[])));
    let id = group_id(10).to_string();
    let pages = vec![
        more(vec![slice(10, "staff", &[1])], "p2"),
        flawed(done(vec![slice(10, "staff", &[4, -3])], "delta-1"), &id),
    ];
    let done = finished(feed(begin::<Groups>(&state, Mode::Full), pages));
    assert_eq!(
        *done.objects[&group_id(10)],
        group("staff", &[1, 2, 4], &[])
    );
}

#[test]
fn nothing_is_dropped_when_an_object_does_not_tell_its_id() {
    let state = held(
        Directory::default()
            .put_user(1, user("ada"))
            .put_user(2, user("bob")),
    );
    let pages = vec![flawed(
        done(vec![whole_user(1, "anna")], "delta-1"),
        "not-a-guid",
    )];
    let done = finished(feed(begin::<Users>(&state, Mode::Full), pages));
    let expected = Directory::default()
        .put_user(1, user("anna"))
        .put_user(2, user("bob"));
    assert_eq!(done.objects, expected.users);
}

#[test]
fn account_enabled_that_goes_unsaid_stays_as_known() {
    let mut disabled = user("ada");
    disabled.account_enabled = Some(false);
    let state = held(Directory::default().put_user(1, disabled.clone()));
    let unsaid = user_entry(1, json!({"userPrincipalName": "ada@example.com"}));
    let done = finished(feed(
        begin::<Users>(&state, Mode::Full),
        vec![done(vec![unsaid, whole_user(2, "bob")], "delta-1")],
    ));
    assert_eq!(*done.objects[&user_id(1)], disabled);
}

#[test]
fn fresh_links_that_bring_nothing_new_are_followed_for_a_thousand_pages() {
    let check = |mode| {
        let state = held(Directory::default().put_user(1, user("ada")));
        let mut round = begin::<Users>(&state, mode);
        for page in 0.. {
            let replay = vec![whole_user(1, "ada")];
            match round.page(more(replay, &format!("p{page}")), hour(1)) {
                Step::Fetch(next) => round = next,
                end => return (page, end),
            }
        }
        unreachable!()
    };
    let (page, end) = check(Mode::Incremental);
    assert_eq!(page, IDLE_PAGES_MAX - 1);
    assert_eq!(restarted(end).mode(), Mode::Full);
    // The first page was news to it.
    let (page, end) = check(Mode::Full);
    assert_eq!(page, IDLE_PAGES_MAX);
    let error = Error::TooManyPages {
        phase: PhaseName::Users,
        pages: IDLE_PAGES_MAX + 1,
    };
    assert!(
        matches!(end, Step::GiveUp { error: given, .. } if given.to_string() == error.to_string())
    );
}

#[test]
fn nulls_where_everyone_has_a_value_disable_nobody_and_end_an_enumeration() {
    let state = held(
        Directory::default()
            .put_user(1, user("ada"))
            .put_user(2, user("bob")),
    );
    let nothing = |number| {
        user_entry(
            number,
            json!({"userPrincipalName": null, "accountEnabled": null}),
        )
    };
    // Whether the permission is gone, or one object is odd, only an enumeration can tell.
    let incremental = begin::<Users>(&state, Mode::Incremental);
    let full = restarted(feed(incremental, vec![more(vec![nothing(1)], "p2")]));
    let end = feed(full, vec![done(vec![nothing(1), nothing(2)], "delta-1")]);
    let Step::GiveUp {
        error,
        unfinished: None,
    } = end
    else {
        panic!("{end:?}")
    };
    assert!(error.to_string().contains("User.Read.All"), "{error}");

    let odd = vec![nothing(1), whole_user(2, "bert"), nothing(3)];
    let done = finished(feed(
        begin::<Users>(&state, Mode::Full),
        vec![done(odd, "delta-1")],
    ));
    let expected = Directory::default()
        .put_user(1, user("ada"))
        .put_user(2, user("bert"));
    assert_eq!(done.objects, expected.users);
    assert!(
        done.problems
            .iter()
            .all(|problem| problem.flaw == Flaw::Withheld)
    );
    assert_eq!(done.problems.len(), 2);
}

#[test]
fn permission_that_is_withdrawn_in_the_middle_ends_an_enumeration() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let nothing = |number| user_entry(number, json!({"userPrincipalName": null}));
    let pages = vec![
        more(vec![whole_user(1, "ada")], "p2"),
        more(vec![nothing(2), removed(9, "deleted"), nothing(3)], "p3"),
    ];
    let end = feed(begin::<Users>(&state, Mode::Full), pages);
    assert!(matches!(
        end,
        Step::GiveUp {
            error: Error::Withheld { .. },
            unfinished: None
        }
    ));
}

#[test]
fn users_who_do_not_tell_whether_they_are_enabled_end_an_enumeration() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let unsaid = user_entry(1, json!({"userPrincipalName": "ada@example.com"}));
    let end = feed(
        begin::<Users>(&state, Mode::Full),
        vec![done(vec![unsaid], "delta-1")],
    );
    assert!(matches!(
        end,
        Step::GiveUp {
            error: Error::Withheld { .. },
            ..
        }
    ));
}

#[test]
fn group_that_is_enumerated_without_a_name_stays_as_held_or_stays_out() {
    let state = held(Directory::default().put_group(10, group("staff", &[1, 2], &[])));
    let nameless = |number| group_entry(number, json!({"members@delta": []}));
    let pages = vec![done(
        vec![nameless(10), nameless(11), slice(12, "eng", &[7])],
        "delta-1",
    )];
    let done = finished(feed(begin::<Groups>(&state, Mode::Full), pages));
    let expected = Directory::default()
        .put_group(10, group("staff", &[1, 2], &[]))
        .put_group(12, group("eng", &[7], &[]));
    assert_eq!(done.objects, expected.groups);
    assert_eq!(done.problems.len(), 2);
}

#[test]
fn lost_page_restarts_a_round_once() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let full = restarted(begin::<Users>(&state, Mode::Incremental).failed(page_gone()));
    assert_eq!((full.mode(), full.link().0.as_str()), (Mode::Full, "start"));
    assert!(matches!(
        full.failed(page_gone()),
        Step::GiveUp {
            unfinished: None,
            ..
        }
    ));
}

#[test]
fn enumeration_that_a_passing_failure_ends_can_go_on_later() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let Step::Fetch(round) = feed(
        begin::<Users>(&state, Mode::Full),
        vec![more(vec![whole_user(1, "ada")], "p2")],
    ) else {
        panic!()
    };
    let Step::GiveUp {
        unfinished: Some(round),
        ..
    } = round.failed(outage())
    else {
        panic!("not kept")
    };
    let later = held(
        Directory::default()
            .put_user(1, user("ada"))
            .put_user(3, user("cyd")),
    );
    let round = round.resumed(&later);
    assert_eq!((round.link().0.as_str(), round.pages()), ("p2", 1));
    let done = finished(feed(
        round,
        vec![done(vec![whole_user(2, "bob")], "delta-1")],
    ));
    assert_eq!(done.tally, tally(1, 0, 1));
    assert!(Arc::ptr_eq(
        &done.objects[&user_id(1)],
        &later.directory.users[&user_id(1)]
    ));
}

#[test]
fn what_changed_and_changed_back_is_shared_with_what_is_held() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let pages = vec![done(
        vec![whole_user(1, "anna"), whole_user(1, "ada")],
        "delta-1",
    )];
    let done = finished(feed(begin::<Users>(&state, Mode::Incremental), pages));
    assert!(Arc::ptr_eq(
        &done.objects[&user_id(1)],
        &state.directory.users[&user_id(1)]
    ));
}

#[test]
fn delta_link_that_is_refused_for_good_is_replaced_by_a_full_enumeration() {
    let state = held(Directory::default().put_user(1, user("ada")));
    for error in [refused(400), refused(404), foreign_link()] {
        let full = restarted(begin::<Users>(&state, Mode::Incremental).failed(error));
        assert_eq!((full.mode(), full.link().0.as_str()), (Mode::Full, "start"));
        let replaced = state.progress.users.link.as_ref();
        assert_eq!(full.refused_link(), replaced, "it can be resumed");
        assert!(matches!(full.failed(refused(400)), Step::GiveUp { .. }));
    }
}

#[test]
fn want_of_a_permission_is_not_held_against_the_delta_link() {
    let state = held(Directory::default().put_user(1, user("ada")));
    for error in [token_refused(), refused(403), outage()] {
        let step = begin::<Users>(&state, Mode::Incremental).failed(error);
        assert!(matches!(step, Step::GiveUp { .. }));
    }
}

/// Staff (10), whose members are hidden, with ada (1) in it.
fn hidden_staff() -> Directory {
    let staff = Group {
        has_hidden_membership: true,
        ..group("staff", &[1], &[])
    };
    Directory::default().put_group(10, staff)
}

#[test]
fn hidden_members_that_an_enumeration_does_not_show_stay_and_are_told_of() {
    let state = held(hidden_staff());
    let entry =
        json!({"displayName": "staff", "securityEnabled": true, "visibility": "HiddenMembership"});
    let page = done(vec![group_entry(10, entry)], "d");
    let done = finished(feed(begin::<Groups>(&state, Mode::Full), vec![page]));
    assert_eq!(done.objects, state.directory.groups);
    let flaws: Vec<_> = done.problems.iter().map(|problem| problem.flaw).collect();
    assert_eq!(flaws, [Flaw::Hidden { kept: 1 }]);
}

#[test]
fn last_hidden_member_who_leaves_is_gone() {
    let state = held(hidden_staff());
    let gone = json!({"id": object_id(1).to_string(), "@removed": {"reason": "deleted"}});
    let page = done(vec![group_entry(10, json!({"members@delta": [gone]}))], "d");
    let done = finished(feed(begin::<Groups>(&state, Mode::Incremental), vec![page]));
    assert!(done.objects[&group_id(10)].members.is_empty());
    let tenant = crate::sync::Tenant {
        groups: done.objects,
        ..crate::sync::Tenant::default()
    };
    let (rules, policy) = (open_rules(), policy());
    let (next, _) = crate::sync::settle(&state.directory, tenant, &rules, &policy, hour(1), true);
    assert!(next.groups[&group_id(10)].members.is_empty());
}

#[test]
fn enumeration_that_graph_withheld_somebody_in_is_still_due() {
    let state = held(Directory::default().put_user(1, user("ada")));
    let withheld = user_entry(1, json!({"userPrincipalName": null}));
    let page = done(vec![whole_user(2, "bob"), withheld], "d");
    let done = finished(feed(begin::<Users>(&state, Mode::Full), vec![page]));
    let progress = advanced(&done, PhaseProgress::default());
    assert_eq!(
        (progress.completed, progress.enumerated),
        (Some(hour(1)), None)
    );
}
