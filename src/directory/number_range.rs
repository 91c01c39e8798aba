//! Which numbers may become uidNumbers and gidNumbers.

use std::ops::RangeInclusive;

use thiserror::Error;

/// The range above the containers' and below the foreign images': nobody else claims it.
pub const DEFAULT: RangeInclusive<u32> = 1_879_048_192..=2_147_352_575;

/// The first number that no distribution gives to a system account.
pub const NUMBER_MIN: u32 = 1000;

/// Ranges that other software on a Linux host claims (systemd, "Users, Groups, UIDs and GIDs on systemd Systems").
const CLAIMED: [(RangeInclusive<u32>, &str); 7] = [
    (60_001..=60_513, "systemd-homed"),
    (60_514..=60_577, "host users mapped into containers"),
    (61_184..=65_519, "dynamic users of systemd"),
    (65_534..=65_535, "nobody and the 16-bit \"no user\""),
    (524_288..=1_879_048_191, "containers of systemd-nspawn"),
    (2_147_352_576..=2_147_418_111, "foreign images of systemd"),
    (
        2_147_483_648..=u32::MAX,
        "numbers that are negative for some programs",
    ),
];

/// Why a range of numbers cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The first number is greater than the last.
    #[error("[{0}, {1}] is upside down: the smaller number comes first")]
    Reversed(u32, u32),
    /// The number may belong to a system account.
    #[error("{0} is below {NUMBER_MIN}, where system accounts live")]
    SystemAccounts(u32),
    /// Other software on a Linux host claims numbers of the range.
    #[error("[{low}, {high}] overlaps {first} to {last}, which belongs to {owner}; [{}, {}] is free", DEFAULT.start(), DEFAULT.end())]
    Claimed {
        /// The first number asked for.
        low: u32,
        /// The last number asked for.
        high: u32,
        /// The first number claimed.
        first: u32,
        /// The last number claimed.
        last: u32,
        /// Who claims them.
        owner: &'static str,
    },
}

/// Whether a single number may be given to a person or group.
///
/// # Errors
/// It is below 1000, or claimed by other software on a Linux host.
pub fn check_number(number: u32) -> Result<(), Error> {
    check(number, number).map(|_| ())
}

/// The range from `low` to `high`, both inclusive, when nobody else on a host claims a part of it.
///
/// # Errors
/// Why the range cannot be used.
pub fn check(low: u32, high: u32) -> Result<RangeInclusive<u32>, Error> {
    if low > high {
        return Err(Error::Reversed(low, high));
    }
    if low < NUMBER_MIN {
        return Err(Error::SystemAccounts(low));
    }
    let overlap = CLAIMED
        .iter()
        .find(|(claimed, _)| low <= *claimed.end() && high >= *claimed.start());
    match overlap {
        None => Ok(low..=high),
        Some((claimed, owner)) => Err(Error::Claimed {
            low,
            high,
            first: *claimed.start(),
            last: *claimed.end(),
            owner,
        }),
    }
}

/// Who has a claim on a single number, when it cannot be given to a person or group.
pub fn claimant(number: u32) -> Option<&'static str> {
    if number < NUMBER_MIN {
        return Some("system accounts");
    }
    let claimed = CLAIMED.iter().find(|(range, _)| range.contains(&number));
    claimed.map(|(_, owner)| *owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_and_the_common_choices_are_free() {
        for (low, high) in [
            (*DEFAULT.start(), *DEFAULT.end()),
            (1000, 60_000),
            (10_000, 59_999),
            (65_536, 524_287),
        ] {
            assert_eq!(check(low, high), Ok(low..=high));
        }
    }

    #[test]
    fn claimed_ranges_are_refused_with_their_owner() {
        assert_eq!(check(5000, 4000), Err(Error::Reversed(5000, 4000)));
        assert_eq!(check(999, 4000), Err(Error::SystemAccounts(999)));
        for (low, high, owner) in [
            (10_000, 61_184, "systemd-homed"),
            (65_519, 65_520, "dynamic users of systemd"),
            (65_535, 65_536, "nobody and the 16-bit \"no user\""),
            (100_000, 600_000, "containers of systemd-nspawn"),
            (1_900_000_000, 2_147_352_576, "foreign images of systemd"),
            (
                u32::MAX,
                u32::MAX,
                "numbers that are negative for some programs",
            ),
        ] {
            match check(low, high) {
                Err(Error::Claimed { owner: found, .. }) => assert_eq!(found, owner, "{low}"),
                other => panic!("{low}-{high}: {other:?}"),
            }
        }
    }
}
