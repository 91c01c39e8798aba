//! Arbitrary states: every field of every type takes part.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::directory::decision::{Decision, Decisions, Grounds, GroupPath, Reason};
use crate::directory::guard::{
    Accepted, ChangeKind, HeldChange, HeldKind, Memory, Moved, Standing, Subject,
};
use crate::directory::registry::{FormerName, Record};
use crate::directory::{
    DeltaLink, Directory, Group, GroupId, GroupKind, Guard, Member, MemberKind, ObjectId, Override,
    Overrides, PhaseProgress, Progress, Registry, Stamp, State, User, UserId, Withheld,
};

/// Any state; its ids come from a small pool, so that two states have some in common.
pub fn state() -> impl Strategy<Value = State> {
    (
        directory(),
        phase(),
        phase(),
        btree_map(guid(), stamp(), 0..12),
    )
        .prop_map(|(directory, users, groups, stamps)| State {
            directory,
            progress: Progress { users, groups },
            stamps: stamps.into(),
        })
}

fn directory() -> impl Strategy<Value = Directory> {
    let registrations = btree_map(guid().prop_map(ObjectId), record(), 0..12);
    (
        btree_map(user_id(), user().prop_map(Arc::new), 0..12),
        btree_map(group_id(), group().prop_map(Arc::new), 0..6),
        btree_map(user_id(), decision(), 0..12),
        btree_map(group_id(), decision(), 0..6),
        registrations.prop_map(Registry::from_records),
        btree_map(text(), group_id(), 0..6),
        withheld(),
        overrides(),
        guard(),
    )
        .prop_map(
            |(users, groups, of_users, of_groups, registry, pins, withheld, overrides, guard)| {
                Directory {
                    users: users.into(),
                    groups: groups.into(),
                    decisions: Decisions {
                        users: of_users,
                        groups: of_groups,
                    }
                    .into(),
                    registry: registry.into(),
                    pins,
                    withheld,
                    overrides: overrides.into(),
                    guard,
                }
            },
        )
}

fn withheld() -> impl Strategy<Value = Withheld> {
    let users = btree_map(user_id(), option::of(user().prop_map(Arc::new)), 0..4);
    let groups = btree_map(group_id(), option::of(group().prop_map(Arc::new)), 0..4);
    (users, groups).prop_map(|(users, groups)| Withheld { users, groups })
}

fn overrides() -> impl Strategy<Value = Overrides> {
    let objects = btree_map(guid().prop_map(ObjectId), set(), 0..4);
    let awaited = btree_map(text(), set(), 0..4);
    (objects, awaited).prop_map(|(objects, awaited)| Overrides { objects, awaited })
}

fn set() -> impl Strategy<Value = Override> {
    let texts = (optional_text(), optional_text(), vec(text(), 0..3));
    (any::<Option<u32>>(), texts).prop_map(|(number, (login_shell, home, ssh_keys))| Override {
        number,
        login_shell,
        home,
        ssh_keys,
    })
}

fn mapped() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    btree_map(text(), vec(text(), 0..3), 0..3)
}

fn guid() -> impl Strategy<Value = Uuid> + Clone {
    prop_oneof![
        (0..24_u128).prop_map(Uuid::from_u128),
        any::<u128>().prop_map(Uuid::from_u128),
    ]
}

fn user_id() -> impl Strategy<Value = UserId> {
    guid().prop_map(|id| UserId(ObjectId(id)))
}

fn group_id() -> impl Strategy<Value = GroupId> {
    guid().prop_map(|id| GroupId(ObjectId(id)))
}

/// Empty, non-ASCII, with NUL: whatever Unicode allows.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), Just("Łukasz Żółć 株式会社".to_owned())]
}

fn optional_text() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

/// The whole range: jiff knows the years -9999 to 9999, to the nanosecond.
fn time() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    range.prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
}

fn user() -> impl Strategy<Value = User> {
    let texts = proptest::array::uniform19(optional_text());
    let lists = (vec(text(), 0..4), vec(text(), 0..4));
    let flags = (any::<Option<bool>>(), any::<bool>());
    let times = (option::of(time()), option::of(time()));
    (texts, lists, flags, times, option::of(user_id()), mapped()).prop_map(
        |(texts, lists, flags, times, manager, mapped)| {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = texts;
            User {
                user_principal_name: a,
                mail_nickname: b,
                on_premises_sam_account_name: c,
                account_enabled: flags.0,
                is_guest: flags.1,
                created: times.0,
                last_password_change: times.1,
                display_name: d,
                given_name: e,
                surname: f,
                mail: g,
                proxy_addresses: lists.0,
                business_phones: lists.1,
                mobile_phone: h,
                job_title: i,
                department: j,
                employee_id: k,
                employee_type: l,
                company_name: m,
                office_location: n,
                street_address: o,
                city: p,
                state: q,
                postal_code: r,
                preferred_language: s,
                manager,
                mapped,
            }
        },
    )
}

fn group() -> impl Strategy<Value = Group> {
    let texts = (optional_text(), optional_text(), optional_text());
    let links = (members(), mapped());
    (texts, any::<[bool; 6]>(), option::of(time()), links).prop_map(
        |((display_name, description, mail), flags, created, (members, mapped))| {
            let [
                mail_enabled,
                security_enabled,
                is_unified,
                is_dynamic,
                hidden,
                is_deleted,
            ] = flags;
            Group {
                display_name,
                description,
                mail,
                mail_enabled,
                security_enabled,
                is_unified,
                is_dynamic,
                has_hidden_membership: hidden,
                created,
                members,
                is_deleted,
                mapped,
            }
        },
    )
}

fn members() -> impl Strategy<Value = BTreeMap<ObjectId, Member>> {
    let kind = prop_oneof![
        Just(MemberKind::User),
        Just(MemberKind::Group),
        Just(MemberKind::Other),
    ];
    let member = kind.prop_map(|kind| Member { kind });
    let member = (guid().prop_map(ObjectId), member);
    prop_oneof![
        4 => vec(member.clone(), 0..8),
        1 => vec(member, 500..600),
    ]
    .prop_map(BTreeMap::from_iter)
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Include(Grounds::Default)),
        path().prop_map(|path| Decision::Include(Grounds::Allowed(path))),
        reason().prop_map(Decision::Exclude),
    ]
}

fn path() -> impl Strategy<Value = GroupPath> {
    (text(), vec(group_id(), 0..5)).prop_map(|(rule, groups)| GroupPath { rule, groups })
}

fn reason() -> impl Strategy<Value = Reason> {
    let kind = proptest::sample::select(GroupKind::ALL.to_vec());
    prop_oneof![
        Just(Reason::Disabled),
        Just(Reason::EnabledUnknown),
        Just(Reason::Guest),
        path().prop_map(Reason::Ignored),
        Just(Reason::NotAllowed),
        Just(Reason::RulesUnresolved),
        Just(Reason::NoUsername),
        text().prop_map(Reason::NameReserved),
        (text(), guid()).prop_map(|(name, id)| Reason::NameTaken {
            name,
            holder: ObjectId(id)
        }),
        Just(Reason::NumbersExhausted),
        Just(Reason::NoMail),
        Just(Reason::PrefixMismatch),
        kind.prop_map(Reason::KindExcluded),
        Just(Reason::Deleted),
        Just(Reason::GroupsOff),
        Just(Reason::ChangeHeld),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    let subject = prop_oneof![
        user_id().prop_map(Subject::Person),
        (group_id(), guid()).prop_map(|(group, id)| Subject::Membership(group, ObjectId(id))),
        group_id().prop_map(Subject::Group),
    ];
    let kind = || proptest::sample::select(ChangeKind::ALL.to_vec());
    let held = (any::<u32>(), any::<u32>(), any::<u8>(), time()).prop_map(
        |(people, active, max_change, since)| HeldKind {
            people: people as usize,
            active: active as usize,
            max_change,
            since,
        },
    );
    (
        btree_map(subject, memory(), 0..8),
        btree_map(kind(), held, 0..4),
    )
        .prop_map(|(subjects, held)| Guard { subjects, held })
}

fn memory() -> impl Strategy<Value = Memory> {
    let standing = || {
        let all = [Standing::Absent, Standing::Inactive, Standing::Active];
        proptest::sample::select(all.to_vec())
    };
    let kind = proptest::sample::select(ChangeKind::ALL.to_vec());
    let held = (kind, standing(), standing(), option::of(reason()), time()).prop_map(
        |(kind, from, to, reason, since)| HeldChange {
            kind,
            from,
            to,
            reason,
            since,
        },
    );
    (
        option::of((standing(), time()).prop_map(|(from, at)| Moved { from, at })),
        option::of(held),
        option::of((standing(), time()).prop_map(|(to, at)| Accepted { to, at })),
    )
        .prop_map(|(moved, held, accepted)| Memory {
            moved,
            held,
            accepted,
        })
}

fn record() -> impl Strategy<Value = Record> {
    let former = (text(), time()).prop_map(|(name, released)| FormerName { name, released });
    (
        any::<u32>(),
        vec(any::<u32>(), 0..3),
        optional_text(),
        vec(former, 0..3),
        optional_text(),
        option::of(time()),
        optional_text(),
    )
        .prop_map(
            |(number, former_numbers, name, former_names, home, deleted, label)| Record {
                number,
                former_numbers,
                name,
                former_names,
                home,
                deleted,
                label,
            },
        )
}

fn phase() -> impl Strategy<Value = PhaseProgress> {
    let names = || proptest::collection::btree_set("[a-zA-Z_]{1,12}", 0..4);
    let times = (option::of(time()), option::of(time()));
    (optional_text(), times, names(), names()).prop_map(
        |(link, (completed, enumerated), selected, refused)| PhaseProgress {
            link: link.map(DeltaLink),
            completed,
            enumerated,
            selected,
            refused,
        },
    )
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (any::<u64>(), time()).prop_map(|(fingerprint, modified)| Stamp {
        fingerprint,
        modified,
    })
}
