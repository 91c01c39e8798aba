//! Generalized Time (RFC 4517 §3.3.13), read in every spelling and written in one.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

/// The instant a Generalized Time value names (RFC 4517 §3.3.13): hours are enough, seconds may have
/// a fraction, and `Z` or an offset must follow.
pub fn parse_generalized_time(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?;
    let zone = text.find(['Z', '+', '-'])?;
    let (local, zone) = text.split_at(zone);
    let (digits, fraction) = match local.split_once(['.', ',']) {
        Some((digits, fraction)) => (digits, Some(fraction)),
        None => (local, None),
    };
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let field = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |d| d.parse().ok());
    // The unit that a fraction divides is the last one written.
    let unit_seconds: i64 = match digits.len() {
        10 => 3600,
        12 => 60,
        14 => 1,
        _ => return None,
    };
    let year: i16 = digits.get(0..4)?.parse().ok()?;
    let second: i8 = field(12, 14)?;
    let local = civil::DateTime::new(
        year,
        field(4, 6)?,
        field(6, 8)?,
        field(8, 10)?,
        field(10, 12)?,
        second.min(59),
        0,
    )
    .ok()?;
    let offset = match zone {
        "Z" => Offset::UTC,
        zone => parse_offset(zone)?,
    };
    let time = offset.to_timestamp(local).ok()?;
    let nanoseconds = fraction.map_or(Some(0), |f| parse_fraction(f, unit_seconds))?;
    time.checked_add(jiff::SignedDuration::from_nanos(nanoseconds))
        .ok()
}

/// `+HH`, `+HHMM`, `-HH` or `-HHMM`.
fn parse_offset(zone: &str) -> Option<Offset> {
    let digits = &zone[1..];
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits
        .get(2..)
        .filter(|m| !m.is_empty())
        .map_or(Some(0), |m| m.parse().ok())?;
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    })
    .ok()
}

/// Digits after the point, as nanoseconds of a unit of `unit_seconds`.
fn parse_fraction(fraction: &str, unit_seconds: i64) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let digits = &fraction[..fraction.len().min(9)];
    let value: i64 = digits.parse().ok()?;
    Some(value * 10i64.pow(9 - digits.len() as u32) * unit_seconds)
}

/// Generalized Time in the form every client reads: `YYYYmmddHHMMSSZ`.
pub fn generalized_time(time: Timestamp) -> String {
    let utc = Offset::UTC.to_datetime(time);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}
