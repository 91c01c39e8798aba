//! Golden bytes: whoever changes the format by accident hears of it here.

use std::fmt::Debug;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::directory::decision::{Decision, Grounds, GroupPath, Reason};
use crate::directory::registry::{FormerName, Record};
use crate::directory::{
    DeltaLink, Group, GroupId, GroupKind, Member, MemberKind, ObjectId, PhaseProgress, Stamp, User,
    UserId,
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
