//! How a person signs in, and what stands in the way.

use std::collections::BTreeSet;

use uuid::Uuid;

/// What the sign-in service knows about one person.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The password, or why there is none that works.
    pub first_factor: FirstFactor,
    /// What is asked for once the password was right.
    pub second_factor: SecondFactor,
    /// An AADSTS code that this person's sign-ins end with, whatever the rest says.
    pub scripted: Option<u32>,
    /// The `oid` put into the id_token instead of the person's own.
    pub impersonates: Option<Uuid>,
    /// The `tid` put into the id_token instead of this tenant's.
    pub claims_tenant: Option<Uuid>,
    /// An AADSTS code that every refresh on this person's behalf ends with.
    pub scripted_refresh: Option<u32>,
    /// Directory roles held, by role template id.
    pub roles: BTreeSet<Uuid>,
}

/// The state of a person's password.
#[derive(Clone, Debug, Default)]
pub enum FirstFactor {
    /// The directory stores none: 50056.
    #[default]
    NoPassword,
    /// The right one.
    Password(String),
    /// Right when it is this one, but to be changed first: 50055.
    Expired(String),
}

/// Policies that act after the password was checked (Conditional Access overview).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactor {
    /// The password is enough.
    #[default]
    NotAsked,
    /// Multi-factor authentication is demanded: 50076.
    Mfa,
    /// Conditional Access forbids it: 53003.
    Blocked,
}

impl FirstFactor {
    /// The password as stored, if there is one.
    pub fn password(&self) -> Option<&str> {
        match self {
            Self::NoPassword => None,
            Self::Password(password) | Self::Expired(password) => Some(password),
        }
    }
}
