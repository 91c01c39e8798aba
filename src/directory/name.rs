//! Usernames and group names made safe for Unix.

/// Names that hosts trust: accounts and groups every Linux system has.
pub const BUILTIN_RESERVED: &[&str] = &[];
