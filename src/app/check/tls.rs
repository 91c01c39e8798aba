//! The certificate that hosts are shown.

use jiff::{SignedDuration, Timestamp};

use crate::admin::finding::Finding;
use crate::ldap::{self, Settings};

/// How long before its end the certificate is a warning.
const NOTICE: SignedDuration = SignedDuration::from_hours(30 * 24);

const SUBJECT: &str = "certificate";

/// Whether certificate and key can be used together, and for how long.
pub(super) fn check(settings: &Settings, now: Timestamp) -> Finding {
    let Some(identity) = &settings.identity else {
        return Finding::warning(
            SUBJECT,
            "none is configured: hosts can neither use ldaps:// nor StartTLS; set ldap.certificate and ldap.key",
        );
    };
    match ldap::check_identity(identity) {
        Ok(not_after) => lifetime(&identity.certificate.display().to_string(), not_after, now),
        Err(error) => Finding::failed(SUBJECT, error.to_string()),
    }
}

fn lifetime(file: &str, not_after: Timestamp, now: Timestamp) -> Finding {
    let day = not_after.strftime("%Y-%m-%d");
    let left = not_after.duration_since(now);
    if left <= SignedDuration::ZERO {
        let detail = format!("{file} ended on {day}: hosts refuse it; renew it");
        return Finding::failed(SUBJECT, detail);
    }
    if left < NOTICE {
        let days = left.as_hours() / 24;
        let detail = format!("{file} ends on {day}, in {days} days: renew it");
        return Finding::warning(SUBJECT, detail);
    }
    Finding::ok(SUBJECT, format!("{file} can be used until {day}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::finding::Outcome;

    #[test]
    fn certificate_is_a_warning_thirty_days_ahead_and_a_failure_at_its_end() {
        let end: Timestamp = "2026-06-30T12:00:00Z".parse().unwrap();
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        for (now, outcome, part) in [
            (end - days(31), Outcome::Ok, "until 2026-06-30"),
            (end - days(29), Outcome::Warning, "in 29 days"),
            (
                end - SignedDuration::from_secs(1),
                Outcome::Warning,
                "in 0 days",
            ),
            (end, Outcome::Failed, "ended on 2026-06-30"),
            (end + days(1), Outcome::Failed, "renew"),
        ] {
            let finding = lifetime("/etc/tls.pem", end, now);
            assert_eq!(finding.outcome, outcome, "{finding}");
            assert!(finding.detail.contains(part), "{finding}");
        }
    }
}
