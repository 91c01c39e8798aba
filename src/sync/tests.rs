mod settle;

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::fixtures::*;
use super::round::Mode;
use super::tally::Tally;
use super::*;
use crate::directory::{DeltaLink, Reason};
use crate::graph::{self, GroupChange, Link, Page, UserChange};

/// What Graph will answer, in this order.
struct Answers {
    users: RefCell<VecDeque<Result<Page<UserChange>, graph::Error>>>,
    groups: RefCell<VecDeque<Result<Page<GroupChange>, graph::Error>>>,
    asked: RefCell<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

impl Answers {
    fn new(
        users: Vec<Result<Page<UserChange>, graph::Error>>,
        groups: Vec<Result<Page<GroupChange>, graph::Error>>,
    ) -> Self {
        let asked = RefCell::default();
        Self {
            users: RefCell::new(users.into()),
            groups: RefCell::new(groups.into()),
            asked,
        }
    }

    /// A pass over this tenant; with what it committed, and whether commits work.
    async fn pass(
        &self,
        state: &State,
        rules: Rules,
        commits_work: bool,
    ) -> (Summary, Vec<Arc<State>>) {
        self.resume(state, rules, commits_work, &mut Unfinished::default())
            .await
    }

    /// The same, with what the pass before could not finish.
    async fn resume(
        &self,
        state: &State,
        rules: Rules,
        commits_work: bool,
        unfinished: &mut Unfinished,
    ) -> (Summary, Vec<Arc<State>>) {
        let committed = RefCell::new(Vec::new());
        let (settings, policy) = (settings(rules), policy());
        let commit = async |state: State| {
            if !commits_work {
                return Err(DiskFull);
            }
            let state = Arc::new(state);
            committed.borrow_mut().push(Arc::clone(&state));
            Ok(state)
        };
        let wanted = wanted();
        let users = Source {
            wanted: wanted.clone(),
            start: |refused: &BTreeSet<String>| Link(format!("users{}", joined(refused))),
            fetch: async |link: Link| {
                self.asked.borrow_mut().push(link.0);
                self.users.borrow_mut().pop_front().unwrap()
            },
        };
        let groups = Source {
            wanted,
            start: |refused: &BTreeSet<String>| Link(format!("groups{}", joined(refused))),
            fetch: async |link: Link| {
                self.asked.borrow_mut().push(link.0);
                self.groups.borrow_mut().pop_front().unwrap()
            },
        };
        let order = Order {
            settings: &settings,
            policy: &policy,
            full: false,
            named_max: 100,
        };
        let state = Arc::new(state.clone());
        let summary = pass_from(
            users,
            groups,
            || hour(1),
            state,
            order,
            unfinished,
            |_| {},
            commit,
        )
        .await;
        (summary, committed.into_inner())
    }
}

/// Applies rules to a directory at hour 0, without the guard.
fn applied(directory: &mut Directory, rules: &Rules) -> Settled {
    let (next, settled) = resettle(directory, rules, &policy(), hour(0), true);
    *directory = next;
    settled
}

fn staff_only() -> Rules {
    Rules {
        allowed_groups: vec!["staff".to_owned()],
        ..open_rules()
    }
}

fn first_answers() -> Answers {
    Answers::new(
        vec![
            Ok(more(vec![whole_user(1, "ada")], "users-2")),
            Ok(done(vec![whole_user(2, "bob")], "users-delta-1")),
        ],
        vec![Ok(done(vec![slice(10, "staff", &[1])], "groups-delta-1"))],
    )
}

/// The state after a first pass that read ada and bob, and staff with ada in it.
async fn first_state() -> State {
    let (_, committed) = first_answers()
        .pass(&State::default(), staff_only(), true)
        .await;
    State::clone(&committed[1])
}

fn wanted() -> BTreeSet<String> {
    ["city", "id", "members"].map(str::to_owned).into()
}

fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect()
}

fn labels(moves: &summary::Moves) -> Vec<(&str, Option<&Reason>)> {
    moves
        .first
        .iter()
        .map(|each| (each.label.as_str(), each.reason.as_ref()))
        .collect()
}

#[tokio::test]
async fn first_pass_commits_users_then_groups_and_is_complete_only_then() {
    let tenant = first_answers();
    let (summary, committed) = tenant.pass(&State::default(), staff_only(), true).await;
    assert!(summary.is_success());
    assert_eq!(*tenant.asked.borrow(), ["users", "users-2", "groups"]);
    assert_eq!(
        committed
            .iter()
            .map(|state| is_complete(state))
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert!(
        committed[0]
            .directory
            .decisions
            .users
            .values()
            .all(|each| !each.is_include())
    );
    assert!(committed[1].directory.decisions.is_active(user_id(1)));
    assert_eq!(labels(&summary.activated), [("ada@example.com", None)]);
    assert_eq!(labels(&summary.imported), [("staff", None)]);
    assert_eq!((summary.requests, summary.settled.problems.len()), (3, 0));
    let users = summary.users.unwrap();
    assert_eq!((users.mode, users.pages), (Mode::Full, 2));
    assert_eq!(
        users.tally,
        Tally {
            added: 2,
            changed: 0,
            removed: 0
        }
    );
}

#[tokio::test]
async fn idle_pass_asks_once_per_phase_and_moves_both_links() {
    let mut before = first_state().await;
    (
        before.progress.users.enumerated,
        before.progress.groups.enumerated,
    ) = (Some(hour(0)), Some(hour(0)));
    let tenant = Answers::new(
        vec![Ok(done(vec![], "users-delta-2"))],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert_eq!(*tenant.asked.borrow(), ["users-delta-1", "groups-delta-1"]);
    assert_eq!(committed[1].directory, before.directory);
    assert_eq!(
        committed[1].progress.users.link,
        Some(DeltaLink("users-delta-2".to_owned()))
    );
    assert_eq!(
        committed[1].progress.groups.link,
        Some(DeltaLink("groups-delta-2".to_owned()))
    );
    assert_eq!((summary.activated.count, summary.deactivated.count), (0, 0));
}

#[tokio::test]
async fn failing_groups_phase_does_not_delay_news_of_users() {
    let before = first_state().await;
    let tenant = Answers::new(
        vec![Ok(done(vec![removed(1, "changed")], "users-delta-2"))],
        vec![Err(outage())],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert_eq!(committed.len(), 1);
    assert!(!committed[0].directory.users.contains_key(&user_id(1)));
    assert_eq!(committed[0].progress.groups, before.progress.groups);
    assert_eq!(labels(&summary.deactivated), [("ada@example.com", None)]);
    assert!(matches!(
        summary.errors[..],
        [Error::Graph {
            phase: PhaseName::Groups,
            ..
        }]
    ));
    assert!(!summary.is_success());
}

#[tokio::test]
async fn failing_users_phase_does_not_stop_the_groups() {
    let before = first_state().await;
    let users = vec![Ok(more(vec![removed(1, "changed")], "p2")), Err(outage())];
    let tenant = Answers::new(
        users,
        vec![Ok(done(vec![slice(10, "staff", &[2])], "groups-delta-2"))],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert_eq!(committed.len(), 1);
    assert_eq!(committed[0].directory.users, before.directory.users);
    assert_eq!(labels(&summary.activated), [("bob@example.com", None)]);
    assert!(matches!(
        summary.errors[..],
        [Error::Graph {
            phase: PhaseName::Users,
            ..
        }]
    ));
}

#[tokio::test]
async fn want_of_a_token_is_said_once_for_both_phases() {
    let tenant = Answers::new(vec![Err(token_refused())], vec![Err(token_refused())]);
    let (summary, committed) = tenant.pass(&first_state().await, staff_only(), true).await;
    assert_eq!(
        (committed.len(), summary.errors.len(), summary.requests),
        (0, 1, 2)
    );
}

#[tokio::test]
async fn pass_ends_when_the_store_fails_and_reports_no_change() {
    let tenant = Answers::new(
        vec![Ok(done(vec![removed(1, "changed")], "users-delta-2"))],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (summary, _) = tenant.pass(&first_state().await, staff_only(), false).await;
    assert!(matches!(
        summary.errors[..],
        [Error::Commit {
            phase: PhaseName::Users,
            ..
        }]
    ));
    assert_eq!((summary.users, summary.deactivated.count), (None, 0));
    assert!(summary.errors[0].to_string().contains("the disk is full"));
}

#[tokio::test]
async fn resync_leads_to_a_full_enumeration_within_the_pass() {
    let mut before = first_state().await;
    before.progress.users.enumerated = Some(hour(0));
    let tenant = Answers::new(
        vec![
            Err(resync()),
            Ok(done(vec![whole_user(1, "ada")], "users-delta-2")),
        ],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert_eq!(
        *tenant.asked.borrow(),
        ["users-delta-1", "users", "groups-delta-1"]
    );
    assert_eq!(committed[0].directory.users.len(), 1);
    assert_eq!(summary.users.unwrap().mode, Mode::Full);
}

#[tokio::test]
async fn changed_rules_take_effect_without_any_network() {
    let mut directory = first_state().await.directory;
    let rules = Rules {
        ignored_groups: vec!["staff".to_owned()],
        ..open_rules()
    };
    let settled = applied(&mut directory, &rules);
    assert_eq!(settled, Settled::default());
    assert!(!directory.decisions.is_active(user_id(1)));
    assert!(directory.decisions.is_active(user_id(2)));
    let once = directory.clone();
    applied(&mut directory, &rules);
    assert_eq!(directory, once);
}

#[tokio::test]
async fn deleted_group_is_forgotten_with_the_last_rule_that_names_it() {
    let mut directory = first_state().await.directory;
    Arc::make_mut(directory.groups.get_mut(&group_id(10)).unwrap()).is_deleted = true;
    let settled = applied(&mut directory, &staff_only());
    assert_eq!(settled.warnings.len(), 1);
    assert!(directory.decisions.is_active(user_id(1)));
    applied(&mut directory, &open_rules());
    assert!(directory.groups.is_empty() && directory.decisions.groups.is_empty());
}

#[tokio::test]
async fn refused_property_is_left_out_but_never_one_that_decisions_rest_on() {
    let users = vec![
        Err(property_refused("city")),
        Ok(done(vec![whole_user(1, "ada")], "users-delta-1")),
    ];
    let tenant = Answers::new(users, vec![Err(property_refused("members"))]);
    let (summary, committed) = tenant.pass(&State::default(), open_rules(), true).await;
    assert_eq!(*tenant.asked.borrow(), ["users", "userscity", "groups"]);
    assert_eq!(
        (committed.len(), &summary.left_out[..]),
        (1, &["city".to_owned()][..])
    );
    assert!(matches!(
        summary.errors[..],
        [Error::Graph {
            phase: PhaseName::Groups,
            ..
        }]
    ));

    let twice = vec![Err(property_refused("city")), Err(property_refused("city"))];
    let tenant = Answers::new(twice, vec![Err(outage())]);
    let (summary, _) = tenant.pass(&State::default(), open_rules(), true).await;
    assert_eq!((summary.errors.len(), summary.requests), (2, 3));
}

#[tokio::test]
async fn refused_property_is_remembered_and_not_asked_for_again_until_the_next_enumeration() {
    let users = vec![
        Err(property_refused("city")),
        Ok(done(vec![whole_user(1, "ada")], "users-delta-1")),
    ];
    let groups = vec![Ok(done(vec![], "groups-delta-1"))];
    let (_, committed) = Answers::new(users, groups)
        .pass(&State::default(), open_rules(), true)
        .await;
    let state = &committed[1];
    assert_eq!(joined(&state.progress.users.refused), "city");
    assert_eq!(joined(&state.progress.users.selected), "idmembers");
    let idle = Answers::new(
        vec![Ok(done(vec![], "users-delta-2"))],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (summary, _) = idle.pass(state, open_rules(), true).await;
    assert_eq!(*idle.asked.borrow(), ["users-delta-1", "groups-delta-1"]);
    assert_eq!(summary.left_out, ["city"]);
}

#[tokio::test]
async fn groups_are_read_beside_the_users_and_committed_after_them() {
    let before = first_state().await;
    let tenant = Answers::new(
        vec![
            Ok(more(vec![], "users-2")),
            Ok(done(vec![whole_user(3, "cyd")], "users-delta-2")),
        ],
        vec![Ok(done(vec![slice(10, "staff", &[3])], "groups-delta-2"))],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert!(summary.is_success());
    assert!(committed[0].directory.users.contains_key(&user_id(3)));
    assert_eq!(committed[0].progress.groups, before.progress.groups);
    assert!(committed[1].directory.decisions.is_active(user_id(3)));
    assert_eq!(committed[1].progress.users, committed[0].progress.users);
    let staff = &summary.memberships.first[0];
    assert_eq!(
        (summary.memberships.count, staff.label.as_str()),
        (1, "staff")
    );
    assert_eq!(
        (staff.gained.first.as_slice(), staff.lost.count),
        (&["cyd@example.com".to_owned()][..], 0)
    );
}

#[tokio::test]
async fn first_fill_that_broke_off_goes_on_where_it_stopped() {
    let mut unfinished = Unfinished::default();
    let users = vec![
        Ok(more(vec![whole_user(1, "ada")], "users-2")),
        Err(outage()),
    ];
    let groups = || vec![Ok(done(vec![], "groups-delta-1"))];
    let broken = Answers::new(users, groups());
    let (summary, committed) = broken
        .resume(&State::default(), open_rules(), true, &mut unfinished)
        .await;
    assert_eq!((summary.users, committed.len()), (None, 1));
    let users = vec![Ok(done(vec![whole_user(2, "bob")], "users-delta-1"))];
    let tenant = Answers::new(users, groups());
    let (summary, committed) = tenant
        .resume(&committed[0], open_rules(), true, &mut unfinished)
        .await;
    assert_eq!(*tenant.asked.borrow(), ["users-2", "groups-delta-1"]);
    assert!(summary.is_success());
    assert_eq!(committed[0].directory.users.len(), 2);
    assert!(unfinished.users.remainder.is_none());
}

#[tokio::test]
async fn due_enumeration_that_fails_keeps_no_news_back() {
    let mut before = first_state().await;
    let progress = &mut before.progress;
    for phase in [&mut progress.users, &mut progress.groups] {
        phase.enumerated = Some(hour(-30));
    }
    let mut unfinished = Unfinished::default();
    let broken = Answers::new(vec![Err(outage())], vec![Err(outage())]);
    broken
        .resume(&before, open_rules(), true, &mut unfinished)
        .await;
    assert_eq!(*broken.asked.borrow(), ["users", "groups"]);
    let tenant = Answers::new(
        vec![Ok(done(vec![removed(1, "changed")], "users-delta-2"))],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (_, committed) = tenant
        .resume(&before, open_rules(), true, &mut unfinished)
        .await;
    assert_eq!(*tenant.asked.borrow(), ["users-delta-1", "groups-delta-1"]);
    assert!(!committed[0].directory.users.contains_key(&user_id(1)));
}

#[tokio::test]
async fn enumeration_whose_page_has_grown_too_old_starts_over() {
    let mut unfinished = Unfinished::default();
    let users = vec![
        Ok(more(vec![whole_user(1, "ada")], "users-2")),
        Err(outage()),
    ];
    let broken = Answers::new(users, vec![Err(outage())]);
    broken
        .resume(&State::default(), open_rules(), true, &mut unfinished)
        .await;
    let users = vec![
        Err(resync()),
        Ok(done(vec![whole_user(2, "bob")], "users-delta-1")),
    ];
    let tenant = Answers::new(users, vec![Err(outage())]);
    let (_, committed) = tenant
        .resume(&State::default(), open_rules(), true, &mut unfinished)
        .await;
    assert_eq!(tenant.asked.borrow()[0], "users-2");
    assert_eq!(committed[0].directory.users.len(), 1);
}

#[tokio::test]
async fn enumeration_that_fails_at_one_page_again_and_again_starts_over() {
    let mut unfinished = Unfinished::default();
    let users = vec![
        Ok(more(vec![whole_user(1, "ada")], "users-2")),
        Err(outage()),
    ];
    let broken = Answers::new(users, vec![Err(outage())]);
    broken
        .resume(&State::default(), open_rules(), true, &mut unfinished)
        .await;
    let mut asked = Vec::new();
    for _ in 0..5 {
        let tenant = Answers::new(vec![Err(outage())], vec![Err(outage())]);
        tenant
            .resume(&State::default(), open_rules(), true, &mut unfinished)
            .await;
        asked.extend(
            tenant
                .asked
                .take()
                .into_iter()
                .filter(|link| link.starts_with("users")),
        );
    }
    assert_eq!(asked, ["users-2", "users-2", "users-2", "users-2", "users"]);
}

/// Compiles only while the future of a pass can move between threads, whatever `commit` borrows.
#[test]
fn pass_can_be_spawned() {
    fn assert_send(_: &impl Send) {}
    let _ = |client: &graph::GraphClient, order: Order<'_>, unfinished: &mut Unfinished| {
        let store = std::sync::Mutex::new(Vec::new());
        let commit = async |state: State| {
            let state = Arc::new(state);
            tokio::task::yield_now().await;
            store.lock().unwrap().push(Arc::clone(&state));
            Ok::<_, DiskFull>(state)
        };
        assert_send(&pass(
            client,
            Arc::default(),
            order,
            unfinished,
            |_| {},
            commit,
        ));
    };
}

#[test]
fn a_first_pass_whose_rules_cannot_be_resolved_leaves_nothing_to_serve() {
    let mut state = State::default();
    state
        .directory
        .users
        .insert(user_id(1), Arc::new(user("ada")));
    state.progress.users.completed = Some(hour(0));
    state.progress.groups.completed = Some(hour(0));
    let rules = Rules {
        allowed_groups: vec!["No such group".to_owned()],
        ..open_rules()
    };
    let settled = applied(&mut state.directory, &rules);
    assert_eq!(settled.problems.len(), 1);
    assert!(is_complete(&state) && !is_servable(&state));

    applied(&mut state.directory, &open_rules());
    assert!(is_servable(&state));
    applied(&mut state.directory, &rules);
    assert!(is_servable(&state), "the last good decisions stay");
}
