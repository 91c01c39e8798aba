//! Golden bytes: whoever changes the format by accident hears of it here.

use std::fmt::Debug;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::directory::decision::{Decision, Grounds, GroupPath, Reason};
use crate::directory::guard::{
    Accepted, ChangeKind, HeldChange, HeldKind, Memory, Moved, Standing,
};
use crate::directory::registry::{FormerName, Record};
use crate::directory::{
    DeltaLink, Group, GroupId, GroupKind, Member, MemberKind, ObjectId, Override, PhaseProgress,
    Stamp, User, UserId,
};
use crate::store::Generation;

/// Holds that `record` is written as `golden` (hex, spaces allowed), and read back as `value`.
fn check<R, V>(value: V, record: impl Fn(&V) -> R, golden: &str)
where
    R: Serialize + DeserializeOwned + TryInto<V, Error: Debug>,
    V: PartialEq + Debug,
{
    let written = encode::<R>(record(&value));
    let hex: String = written.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(hex, golden.replace(char::is_whitespace, ""));
    let read: V = decode::<R>(&written).unwrap().try_into().unwrap();
    assert_eq!(read, value);
}

fn time() -> Option<Timestamp> {
    Some(Timestamp::new(1_700_000_000, 5).unwrap())
}

fn id(octet: u8) -> ObjectId {
    ObjectId(Uuid::from_bytes([octet; 16]))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn path() -> GroupPath {
    GroupPath {
        rule: "r".to_owned(),
        groups: vec![GroupId(id(0xaa)), GroupId(id(0xbb))],
    }
}

#[test]
fn user_record_is_as_it_was_first_written() {
    let user = User {
        user_principal_name: text("a"),
        mail_nickname: text("b"),
        on_premises_sam_account_name: text("c"),
        account_enabled: Some(true),
        is_guest: true,
        created: time(),
        last_password_change: time(),
        display_name: text("ü"),
        given_name: text("e"),
        surname: text("f"),
        mail: text("g"),
        proxy_addresses: vec!["h".to_owned()],
        business_phones: vec!["i".to_owned(), "j".to_owned()],
        mobile_phone: text("k"),
        job_title: text("l"),
        department: text("m"),
        employee_id: text("n"),
        employee_type: text("o"),
        company_name: text("p"),
        office_location: text("q"),
        street_address: text("r"),
        city: text("s"),
        state: text("t"),
        postal_code: text("u"),
        preferred_language: None,
        manager: Some(UserId(id(0xcc))),
        mapped: [("v".to_owned(), vec!["w".to_owned()])].into(),
    };
    check(
        user,
        |user| UserRecord::from(user),
        "01 010161 010162 010163 0101 01 01fc00e2a7ca0a 01fc00e2a7ca0a 0102c3bc \
         010165 010166 010167 010168 020169016a \
         01016b 01016c 01016d 01016e 01016f 010170 010171 010172 \
         010173 010174 010175 00 01cccccccccccccccccccccccccccccccc \
         01 0176 01 0177",
    );
}

#[test]
fn group_record_is_as_it_was_first_written() {
    let group = Group {
        display_name: text("a"),
        description: text("b"),
        mail: None,
        mail_enabled: true,
        security_enabled: false,
        is_unified: true,
        is_dynamic: false,
        has_hidden_membership: true,
        created: time(),
        members: Default::default(),
        is_deleted: true,
        mapped: Default::default(),
    };
    check(
        group,
        |group| GroupRecord::from(group),
        "01 010161 010162 00 01 00 01 00 01 01fc00e2a7ca0a 01 00",
    );
}

#[test]
fn override_record_is_as_it_was_first_written() {
    let set = Override {
        number: Some(1000),
        login_shell: text("a"),
        home: None,
        ssh_keys: vec!["b".to_owned()],
    };
    check(
        set,
        |set| OverrideRecord::from(set),
        "01 01fbe803 010161 00 010162",
    );
}

#[test]
fn withheld_records_are_as_they_were_first_written() {
    check(
        None::<User>,
        |user| WithheldUserRecord::from(user.as_ref()),
        "01 00",
    );
    let group = Group {
        members: [(
            id(0xdd),
            Member {
                kind: MemberKind::Group,
            },
        )]
        .into(),
        ..Group::default()
    };
    check(
        Some(group),
        |group| WithheldGroupRecord::from(group.as_ref()),
        "01 01 00 00 00 00 00 00 00 00 00 00 00 01 dddddddddddddddddddddddddddddddd 01",
    );
}

#[test]
fn member_record_is_as_it_was_first_written() {
    for (kind, golden) in [
        (MemberKind::User, "01 00"),
        (MemberKind::Group, "01 01"),
        (MemberKind::Other, "01 02"),
    ] {
        check(
            Member { kind },
            |member| MemberRecord::from(*member),
            golden,
        );
    }
}

#[test]
fn decision_record_is_as_it_was_first_written() {
    let paths = "01 72 02 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    let taken = Reason::NameTaken {
        name: "n".to_owned(),
        holder: id(0xdd),
    };
    for (decision, golden) in [
        (Decision::Include(Grounds::Default), "01 00 00".to_owned()),
        (
            Decision::Include(Grounds::Allowed(path())),
            format!("01 00 01 {paths}"),
        ),
        (Decision::Exclude(Reason::Disabled), "01 01 00".to_owned()),
        (
            Decision::Exclude(Reason::EnabledUnknown),
            "01 01 01".to_owned(),
        ),
        (Decision::Exclude(Reason::Guest), "01 01 02".to_owned()),
        (
            Decision::Exclude(Reason::Ignored(path())),
            format!("01 01 03 {paths}"),
        ),
        (Decision::Exclude(Reason::NotAllowed), "01 01 04".to_owned()),
        (
            Decision::Exclude(Reason::RulesUnresolved),
            "01 01 05".to_owned(),
        ),
        (Decision::Exclude(Reason::NoUsername), "01 01 06".to_owned()),
        (
            Decision::Exclude(Reason::NameReserved("n".to_owned())),
            "01 01 07 016e".to_owned(),
        ),
        (
            Decision::Exclude(taken),
            format!("01 01 08 016e {}", "dd".repeat(16)),
        ),
        (
            Decision::Exclude(Reason::NumbersExhausted),
            "01 01 09".to_owned(),
        ),
        (Decision::Exclude(Reason::NoMail), "01 01 0a".to_owned()),
        (
            Decision::Exclude(Reason::PrefixMismatch),
            "01 01 0b".to_owned(),
        ),
        (Decision::Exclude(Reason::Deleted), "01 01 0d".to_owned()),
        (Decision::Exclude(Reason::GroupsOff), "01 01 0e".to_owned()),
        (Decision::Exclude(Reason::ChangeHeld), "01 01 0f".to_owned()),
    ] {
        check(decision, |decision| DecisionRecord::from(decision), &golden);
    }
    for (kind, golden) in GroupKind::ALL.into_iter().zip(["00", "01", "02", "03"]) {
        let decision = Decision::Exclude(Reason::KindExcluded(kind));
        check(
            decision,
            |decision| DecisionRecord::from(decision),
            &format!("01 01 0c {golden}"),
        );
    }
}

#[test]
fn registration_record_is_as_it_was_first_written() {
    let record = Record {
        number: 70_000,
        former_numbers: vec![5],
        name: text("ada"),
        former_names: vec![FormerName {
            name: "eva".to_owned(),
            released: Timestamp::new(-1, -1).unwrap(),
        }],
        home: text("/h"),
        deleted: time(),
        label: text("a@b"),
    };
    check(
        record,
        |record| RegistrationRecord::from(record),
        "01 fc70110100 0105 0103616461 01 03657661 01 01 01022f68 01fc00e2a7ca0a 0103614062",
    );
}

#[test]
fn records_of_the_guard_are_as_they_were_first_written() {
    let memory = Memory {
        moved: Some(Moved {
            from: Standing::Active,
            at: Timestamp::UNIX_EPOCH,
        }),
        held: Some(HeldChange {
            kind: ChangeKind::Removed,
            from: Standing::Active,
            to: Standing::Absent,
            reason: Some(Reason::Guest),
            since: Timestamp::UNIX_EPOCH,
        }),
        accepted: Some(Accepted {
            to: Standing::Inactive,
            at: Timestamp::UNIX_EPOCH,
        }),
    };
    check(
        memory,
        |memory| MemoryRecord::from(memory),
        "01 01 02 00 00 01 02 02 00 01 02 00 00 01 01 00 00",
    );
    let held = HeldKind {
        people: 42,
        active: 120,
        max_change: 20,
        since: Timestamp::UNIX_EPOCH,
    };
    check(
        vec![(ChangeKind::MembershipsGained, held)],
        |held| {
            held.iter()
                .map(|(kind, held)| (kind, held))
                .collect::<HeldKindsRecord>()
        },
        "01 01 04 2a 78 14 00 00",
    );
}

#[test]
fn pin_record_is_as_it_was_first_written() {
    let golden = format!("01 {}", "ee".repeat(16));
    check(GroupId(id(0xee)), |id| PinRecord::from(*id), &golden);
}

#[test]
fn progress_record_is_as_it_was_first_written() {
    let progress = PhaseProgress {
        link: Some(DeltaLink("https://g/".to_owned())),
        completed: time(),
        enumerated: None,
        selected: ["id".to_owned()].into(),
        refused: Default::default(),
    };
    check(
        progress,
        |progress| ProgressRecord::from(progress),
        "01 010a68747470733a2f2f672f 01fc00e2a7ca0a 00 01026964 00",
    );
}

#[test]
fn stamp_record_is_as_it_was_first_written() {
    let stamp = Stamp {
        fingerprint: u64::MAX,
        modified: Timestamp::UNIX_EPOCH,
    };
    check(
        stamp,
        |stamp| StampRecord::from(*stamp),
        "01 fdffffffffffffffff 00 00",
    );
}

#[test]
fn generation_record_is_as_it_was_first_written() {
    let generation = Generation {
        number: 300,
        committed: time(),
    };
    check(
        generation,
        |generation| GenerationRecord::from(*generation),
        "01 fb2c01 01 fc00e2a7ca 0a",
    );
}

#[test]
fn tenant_record_is_as_it_was_first_written() {
    let written = encode::<TenantRecord>(TenantRecord("t".to_owned()));
    assert_eq!(written, [1, 1, b't']);
    assert_eq!(decode::<TenantRecord>(&written).unwrap().0, "t");
}

#[test]
fn sealed_record_is_as_it_was_first_written() {
    let record = SealedRecord {
        key_id: [0xaa; 8],
        nonce: [0xbb; 12],
        sealed: vec![0xcc; 3],
    };
    let golden = [&[1][..], &[0xaa; 8], &[0xbb; 12], &[3], &[0xcc; 3]].concat();
    assert_eq!(encode::<SealedRecord>(record), golden);
    assert_eq!(decode::<SealedRecord>(&golden).unwrap().sealed, [0xcc; 3]);
}

#[test]
fn bytes_left_over_are_a_fault() {
    assert!(matches!(
        decode::<MemberRecord>(&[1, 0, 0, 0]),
        Err(Fault::TrailingBytes(2))
    ));
}

#[test]
fn record_without_a_version_byte_is_a_fault() {
    assert!(matches!(decode::<MemberRecord>(&[]), Err(Fault::Empty)));
}

#[test]
fn time_beyond_the_calendar_is_a_fault() {
    let record = encode::<(u64, Moment)>((0, Moment(i64::MAX, 0)));
    let stamp: Result<Stamp, _> = decode::<StampRecord>(&record).unwrap().try_into();
    assert!(matches!(stamp, Err(Fault::TimeOutOfRange(_))));
}

#[test]
fn damaged_length_does_not_ask_for_all_memory() {
    let claims_an_exbibyte = [1, 1, 253, 0, 0, 0, 0, 0, 0, 0, 16];
    assert!(matches!(
        decode::<ProgressRecord>(&claims_an_exbibyte),
        Err(Fault::Undecodable(_))
    ));
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [vec![VERSION], bytes].concat();
        let _ = decode::<UserRecord>(&bytes).map(User::try_from);
        let _ = decode::<GroupRecord>(&bytes).map(Group::try_from);
        let _ = decode::<DecisionRecord>(&bytes).map(Decision::from);
        let _ = decode::<RegistrationRecord>(&bytes).map(Record::try_from);
    }
}
