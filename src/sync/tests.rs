mod settle;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::fixtures::*;
use super::pass::{Pass, Source};
use super::round::Mode;
use super::tally::Tally;
use super::*;
use crate::directory::{DeltaLink, Reason};
use crate::graph::{self, GroupChange, Link, Page, UserChange};

/// What Graph will answer, in this order.
struct Tenant {
    users: RefCell<VecDeque<Result<Page<UserChange>, graph::Error>>>,
    groups: RefCell<VecDeque<Result<Page<GroupChange>, graph::Error>>>,
    asked: RefCell<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

impl Tenant {
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
        let users = Source {
            start: |refused: &[&str]| Link(format!("users{}", refused.concat())),
            fetch: async |link: Link| {
                self.asked.borrow_mut().push(link.0);
                self.users.borrow_mut().pop_front().unwrap()
            },
        };
        let groups = Source {
            start: |refused: &[&str]| Link(format!("groups{}", refused.concat())),
            fetch: async |link: Link| {
                self.asked.borrow_mut().push(link.0);
                self.groups.borrow_mut().pop_front().unwrap()
            },
        };
        let pass = Pass::new(
            Arc::new(state.clone()),
            &settings,
            &policy,
            false,
            |_| {},
            commit,
        );
        let summary = pass.run(users, groups).await;
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

fn first_answers() -> Tenant {
    Tenant::new(
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
    assert_eq!((summary.requests, summary.problems.len()), (3, 0));
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
    ) = (Some(Timestamp::now()), Some(Timestamp::now()));
    let tenant = Tenant::new(
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
    let tenant = Tenant::new(
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
    let tenant = Tenant::new(
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
async fn pass_ends_when_there_is_token_refused() {
    let tenant = Tenant::new(vec![Err(token_refused())], vec![]);
    let (summary, committed) = tenant.pass(&first_state().await, staff_only(), true).await;
    assert_eq!(
        (committed.len(), summary.errors.len(), summary.requests),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn pass_ends_when_the_store_fails_and_reports_no_change() {
    let tenant = Tenant::new(
        vec![Ok(done(vec![removed(1, "changed")], "users-delta-2"))],
        vec![],
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
    before.progress.users.enumerated = Some(Timestamp::now());
    let tenant = Tenant::new(
        vec![
            Err(resync()),
            Ok(done(vec![whole_user(1, "ada")], "users-delta-2")),
        ],
        vec![Ok(done(vec![], "groups-delta-2"))],
    );
    let (summary, committed) = tenant.pass(&before, staff_only(), true).await;
    assert_eq!(tenant.asked.borrow()[..2], ["users-delta-1", "users"]);
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
    let tenant = Tenant::new(users, vec![Err(property_refused("members"))]);
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
    let tenant = Tenant::new(twice, vec![Err(outage())]);
    let (summary, _) = tenant.pass(&State::default(), open_rules(), true).await;
    assert_eq!((summary.errors.len(), summary.requests), (2, 3));
}

/// Compiles only while the future of a pass can move between threads, whatever `commit` borrows.
#[test]
fn pass_can_be_spawned() {
    fn assert_send(_: &impl Send) {}
    let _ = |client: &graph::GraphClient, settings: &Settings, policy: &registry::Policy| {
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
            settings,
            policy,
            false,
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
