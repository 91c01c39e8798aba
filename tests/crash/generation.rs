//! What a store holds after its Nth commit: a pure function of N.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ldap365::directory::decision::{Decision, Grounds, GroupPath, Reason};
use ldap365::directory::guard::{Memory, Moved, Standing, Subject};
use ldap365::directory::registry::{FormerName, Record};
use ldap365::directory::{
    DeltaLink, Group, GroupId, Member, MemberKind, ObjectId, Override, PhaseProgress, Progress,
    Registry, Stamp, State, User, UserId, Withheld,
};
use ldap365::store::{Generation, Store};
use uuid::Uuid;

/// Users that are there in about nine generations of ten.
const REGULARS: u64 = 400;
/// Users that come with one generation in [`CYCLE`] and go with the next: more than a segment of sled's log.
const GUESTS: u64 = 2000;
/// Commits differ in size, and do so in a cycle of this length.
pub const CYCLE: usize = 5;
const GROUPS: u64 = 8;

/// The number of the generation that the store holds, or what is wrong with it.
pub fn find(store: &Store) -> Result<u64, String> {
    let Generation {
        number,
        committed: time,
    } = store.generation();
    let expected = (number > 0).then(|| committed(number));
    if time != expected {
        return Err(format!("generation {number} claims to be of {time:?}"));
    }
    match store.load() {
        Ok(found) if found == state(number) => Ok(number),
        Ok(_) => Err(format!("the store is not as generation {number} left it")),
        Err(error) => Err(format!("generation {number} is unreadable: {error}")),
    }
}

/// Where generation `number` is in the cycle: commits that are at the same place write about as much.
pub fn size(number: u64) -> usize {
    number as usize % CYCLE
}

/// When generation `number` is committed.
pub fn committed(number: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + number as i64).unwrap()
}

/// The whole state of generation `number`; empty for 0.
pub fn state(number: u64) -> State {
    let mut state = State::default();
    if number == 0 {
        return state;
    }
    let time = committed(number);
    let guests = if size(number) == 0 { GUESTS } else { 0 };
    let mut records = Vec::new();
    for user in (0..REGULARS + guests).filter(|user| !(user + number).is_multiple_of(10)) {
        let id = object_id(1, user);
        state
            .directory
            .users
            .insert(UserId(id), Arc::new(user_of(user, number)));
        state
            .directory
            .decisions
            .users
            .insert(UserId(id), decision(user, number));
        let stamp = Stamp {
            fingerprint: user ^ (number << 32),
            modified: time,
        };
        state.stamps.insert(id.0, stamp);
        records.push((id, record(user, number)));
    }
    state.directory.registry = Registry::from_records(records).into();
    for group in 0..GROUPS {
        let id = GroupId(object_id(2, group));
        state
            .directory
            .groups
            .insert(id, Arc::new(group_of(group, number)));
        state
            .directory
            .decisions
            .groups
            .insert(id, decision(group, number));
        state
            .directory
            .pins
            .insert(format!("group {}", (group + number) % 11), id);
    }
    state.directory.withheld = withheld(number);
    state.directory.guard.subjects = memories(number);
    state.directory.overrides.objects = (0..GROUPS)
        .map(|user| (object_id(1, user + number), set(user, number)))
        .collect();
    state.progress = Progress {
        users: phase("users", number),
        groups: phase("groups", number),
    };
    state
}

/// What the tenant says of a few users and groups that are served otherwise.
fn withheld(number: u64) -> Withheld {
    let users = (0..GROUPS).map(|user| {
        let told = (user + number).is_multiple_of(3);
        let told = told.then(|| Arc::new(user_of(user, number + 1)));
        (UserId(object_id(1, user + number)), told)
    });
    let groups = (0..GROUPS).filter(|group| (group + number).is_multiple_of(2));
    let groups = groups.map(|group| {
        let told = Arc::new(group_of(group, number + 1));
        (GroupId(object_id(2, group)), Some(told))
    });
    Withheld {
        users: users.collect(),
        groups: groups.collect(),
    }
}

/// What the guard remembers of a few people.
fn memories(number: u64) -> BTreeMap<Subject, Memory> {
    let memories = (0..GROUPS).map(|user| {
        let memory = Memory {
            moved: Some(Moved {
                from: Standing::Active,
                at: committed(number),
            }),
            ..Memory::default()
        };
        (Subject::Person(UserId(object_id(1, user + number))), memory)
    });
    memories.collect()
}

fn set(user: u64, number: u64) -> Override {
    Override {
        login_shell: Some(format!("/bin/shell{user}.{number}")),
        ..Override::default()
    }
}

fn object_id(kind: u64, index: u64) -> ObjectId {
    // Scattered, so that one commit touches pages all over the tree.
    ObjectId(Uuid::from_u64_pair(
        index.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        kind,
    ))
}

fn user_of(user: u64, number: u64) -> User {
    User {
        user_principal_name: Some(format!("user{user}@example.com")),
        display_name: Some(format!("Üser {user} of generation {number}")),
        account_enabled: Some((user + number).is_multiple_of(2)),
        proxy_addresses: vec![format!("SMTP:user{user}.{number}@example.com"); 4],
        created: Some(committed(user)),
        ..User::default()
    }
}

fn group_of(group: u64, number: u64) -> Group {
    let is_member = |user: &u64| (user * 3 + number).is_multiple_of(group + 2);
    let member = Member {
        kind: MemberKind::User,
    };
    let members = (0..REGULARS).filter(is_member);
    Group {
        display_name: Some(format!("group {group}")),
        description: Some(format!("as of generation {number}")),
        members: members.map(|user| (object_id(1, user), member)).collect(),
        ..Group::default()
    }
}

fn decision(index: u64, number: u64) -> Decision {
    let path = GroupPath {
        rule: format!("rule of generation {number}"),
        groups: vec![GroupId(object_id(2, number % GROUPS))],
    };
    match (index + number) % 4 {
        0 => Decision::Include(Grounds::Default),
        1 => Decision::Include(Grounds::Allowed(path)),
        2 => Decision::Exclude(Reason::Disabled),
        _ => Decision::Exclude(Reason::Ignored(path)),
    }
}

fn record(user: u64, number: u64) -> Record {
    let former = |earlier| FormerName {
        name: format!("user{user}-{earlier}"),
        released: committed(earlier),
    };
    Record {
        former_numbers: Vec::new(),
        label: None,
        number: 10_000 + user as u32,
        name: Some(format!("user{user}")),
        former_names: (number - number % 4..number).map(former).collect(),
        home: Some(format!("/home/user{user}")),
        deleted: None,
    }
}

fn phase(phase: &str, number: u64) -> PhaseProgress {
    let url = format!("https://graph.microsoft.com/v1.0/{phase}/delta?$deltatoken={number}");
    PhaseProgress {
        link: Some(DeltaLink(url)),
        completed: Some(committed(number)),
        enumerated: Some(committed(number / 5 * 5)),
        selected: ["id".to_owned()].into(),
        refused: Default::default(),
    }
}
