//! What happened in the directory, in order.

use uuid::Uuid;

use super::MemberKind;

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The user or group it happened to.
    pub object: Uuid,
    /// What happened.
    pub what: What,
}

/// What can happen to an object.
#[derive(Clone, Debug)]
pub enum What {
    /// Created or restored.
    Appeared,
    /// Soft-deleted or purged.
    Vanished,
    /// A property was set or cleared.
    Property(String),
    /// A member came or went; which of the two, the group's present members tell.
    Member(Uuid, MemberKind),
    /// The manager changed.
    Manager {
        /// Who it was before.
        former: Option<Uuid>,
    },
}
