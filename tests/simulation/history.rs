//! One history, from an empty store to a tenant at rest.

use std::time::Duration;

use fastrand::Rng;
use ldap365::directory::GroupKind;
use ldap365::directory::registry::{Policy, UsernameSource};
use ldap365::sync::{Rules, Settings};

use crate::daemon::{Daemon, Weather};
use crate::oracle;
use crate::tenant::{Kind, Tenant};

/// How many things happen in a history, at most.
const EVENTS_MAX: usize = 12;
/// How many passes a tenant at rest may need until everything is as it is: one for each thing that may still be
/// wrong with the links kept.
const PASSES_TO_REST: usize = 4;

const HOUR: Duration = Duration::from_secs(3600);
const GROUPS: [&str; 5] = ["staff", "contractors", "eng-core", "eng-web", "p0"];

pub struct History {
    random: Rng,
    tenant: Tenant,
    daemon: Daemon,
}

impl History {
    pub fn new(seed: u64, is_stored: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut tenant = Tenant::default();
        let people = [1..6, 1..6, 12..20][random.usize(..3)].clone();
        for _ in 0..random.usize(people) {
            hire(&mut tenant, &mut random);
        }
        for name in &GROUPS[..random.usize(..=GROUPS.len())] {
            found(&mut tenant, name, &mut random);
        }
        for _ in 0..random.usize(..8) {
            change_members(&mut tenant, &mut random);
        }
        let settings = Settings {
            interval: HOUR / 60,
            full_interval: HOUR * 24,
            rules: rules(&mut random),
        };
        let daemon = Daemon::new(settings, policy(&mut random), is_stored);
        Self {
            random,
            tenant,
            daemon,
        }
    }

    pub fn run(mut self) {
        for _ in 0..self.random.usize(1..=EVENTS_MAX) {
            match self.random.u8(..22) {
                0 => self.change_rules(),
                1 => self.daemon.restart(&self.tenant),
                2 => self.daemon.sleep(30 * 3600),
                3 => self.tenant.forgotten = self.tenant.now,
                4 => self.tenant.forget_pages(),
                5 => self.tenant.is_withholding = true,
                6..=8 => self.rest(),
                9..=10 => self.daemon.accept(&self.tenant),
                11 => self.repin(),
                12..=13 => upheaval(&mut self.tenant, &mut self.random),
                _ => self.change_and_sync(),
            }
        }
        self.rest();
    }

    fn change_and_sync(&mut self) {
        for _ in 0..self.random.usize(1..5) {
            mutate(&mut self.tenant, &mut self.random);
        }
        self.daemon.sleep(60);
        let weather = Weather {
            failure: [0, 0, 20, 6][self.random.usize(..4)],
            crash: [0, 0, 40, 10][self.random.usize(..4)],
        };
        let full = self.random.u8(..6) == 0;
        let Self {
            daemon,
            tenant,
            random,
        } = self;
        daemon.pass(tenant, weather, full, random, mutate);
    }

    /// Nothing happens any more, until the directory is what the tenant is.
    fn rest(&mut self) {
        self.tenant.is_withholding = false;
        let Self {
            daemon,
            tenant,
            random,
        } = self;
        let mut last = None;
        for _ in 0..PASSES_TO_REST {
            daemon.sleep(60);
            last = daemon.pass(tenant, Weather::default(), false, random, |_, _| {});
        }
        // A tenant without anybody is an error, and nothing is compared.
        if tenant.people.values().any(|person| !person.is_deleted) {
            let summary = last.expect("nothing crashes in good weather");
            assert!(summary.is_success(), "{:?}", summary.errors);
            let (rules, policy) = (&daemon.settings.rules, &daemon.policy);
            oracle::check_quiet(&daemon.state, tenant, rules, policy, daemon.now);
        }
    }

    fn repin(&mut self) {
        let name = GROUPS[self.random.usize(..GROUPS.len())];
        self.daemon.repin(&self.tenant, name);
    }

    /// The administrator edits the configuration and restarts the daemon.
    fn change_rules(&mut self) {
        self.daemon.settings.rules = rules(&mut self.random);
        self.daemon.restart(&self.tenant);
    }
}

fn rules(random: &mut Rng) -> Rules {
    let mut names = |one_in: u8, names: &[&str]| -> Vec<String> {
        match random.u8(..one_in) {
            0 => names.iter().map(|&name| name.to_owned()).collect(),
            _ => Vec::new(),
        }
    };
    Rules {
        group_prefixes: names(4, &["eng-"]),
        allowed_groups: names(3, &["staff", "eng-core"]),
        ignored_groups: names(3, &["contractors"]),
        users: true,
        groups: random.u8(..6) > 0,
        guests: random.bool(),
        max_change: [20, 100][random.usize(..2)],
        groups_without_email: random.u8(..4) > 0,
        nested_groups: random.bool(),
        group_kinds: GroupKind::ALL.into(),
    }
}

fn policy(random: &mut Rng) -> Policy {
    Policy {
        username: UsernameSource::UpnPrefix,
        reserved_names: ["root".to_owned()].into(),
        id_range: [1_000_000..=2_000_000, 5000..=5040][random.usize(..2)].clone(),
        home: "/home/{username}".to_owned(),
        hold_names: [None, Some(HOUR * 24), Some(Duration::ZERO)][random.usize(..3)],
        mapped: Default::default(),
    }
}

/// One change in the tenant.
fn mutate(tenant: &mut Tenant, random: &mut Rng) {
    let person = any(tenant.people.keys(), random);
    let team = any(tenant.teams.keys(), random);
    match (random.u8(..16), person, team) {
        (0, ..) => hire(tenant, random),
        (1, Some(id), _) => {
            let upn = upn(random);
            tenant.person(id, |person| person.upn = upn);
        }
        (2 | 3, Some(id), _) => tenant.person(id, |person| person.is_enabled = false),
        (4, Some(id), _) => tenant.person(id, |person| person.is_enabled = true),
        (5, Some(id), _) => tenant.person(id, |person| person.is_deleted = true),
        (6, Some(id), _) => tenant.person(id, |person| person.is_deleted = false),
        (7, Some(id), _) => tenant.bury_person(id),
        (8, Some(id), _) => {
            let city = random.bool().then(|| "Oslo".to_owned());
            tenant.person(id, |person| person.city = city);
        }
        (9, ..) => {
            found(tenant, GROUPS[random.usize(..GROUPS.len())], random);
        }
        (10, _, Some(id)) => {
            let name = GROUPS[random.usize(..GROUPS.len())].to_owned();
            tenant.team(id, |team| team.name = name);
        }
        (11, _, Some(id)) => tenant.bury_team(id),
        _ => change_members(tenant, random),
    }
}

fn hire(tenant: &mut Tenant, random: &mut Rng) {
    let upn = upn(random);
    tenant.hire(upn, random.u8(..8) == 0);
}

fn found(tenant: &mut Tenant, name: &str, random: &mut Rng) {
    tenant.found(name, random.bool(), random.u8(..4) == 0);
}

/// A script runs wild in the tenant, and hits nearly everybody.
fn upheaval(tenant: &mut Tenant, random: &mut Rng) {
    let act = random.u8(..5);
    let team = any(tenant.teams.keys(), random);
    for id in tenant.people.keys().copied().collect::<Vec<_>>() {
        match (act, team) {
            _ if random.u8(..8) == 0 => {}
            (0, _) => tenant.person(id, |person| person.is_enabled = false),
            (1, _) => tenant.person(id, |person| {
                (person.is_enabled, person.is_deleted) = (true, false);
            }),
            (2, _) => tenant.person(id, |person| person.is_deleted = true),
            (act, Some(team)) => tenant.set_member(team, id, Kind::User, act == 3),
            (_, None) => {}
        }
    }
}

/// Few enough names that two people often want one.
fn upn(random: &mut Rng) -> String {
    format!("p{}@example.com", random.u8(..12))
}

fn change_members(tenant: &mut Tenant, random: &mut Rng) {
    let Some(team) = any(tenant.teams.keys(), random) else {
        return;
    };
    let is_in = random.u8(..3) > 0;
    let (member, kind) = match random.u8(..8) {
        0 => (any(tenant.teams.keys(), random), Kind::Group),
        1 => (Some(7), Kind::Device),
        _ => (any(tenant.people.keys(), random), Kind::User),
    };
    if let Some(member) = member {
        tenant.set_member(team, member, kind, is_in);
    }
}

fn any<'a>(ids: impl ExactSizeIterator<Item = &'a u128>, random: &mut Rng) -> Option<u128> {
    let count = ids.len();
    let mut ids = ids;
    (count > 0)
        .then(|| ids.nth(random.usize(..count)).copied())
        .flatten()
}
