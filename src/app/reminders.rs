//! What is wrong for days is logged once a day, not once a minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// How long a sentence that was logged is not repeated.
const PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// When each sentence was last logged.
#[derive(Debug, Default)]
pub(crate) struct Reminders {
    told: BTreeMap<String, Timestamp>,
}

impl Reminders {
    /// The sentences that are new, or due again. One that is not among `sentences` any more is forgotten, and new the
    /// next time.
    pub fn due(
        &mut self,
        sentences: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) -> Vec<String> {
        let before = std::mem::take(&mut self.told);
        let mut due = Vec::new();
        for sentence in sentences {
            let told = before.get(&sentence).copied();
            let is_fresh = |told: &Timestamp| now.duration_since(*told) < PAUSE;
            let told = told.filter(is_fresh).unwrap_or_else(|| {
                due.push(sentence.clone());
                now
            });
            self.told.insert(sentence, told);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_once_a_day_and_anew_when_it_was_gone() {
        let mut reminders = Reminders::default();
        let hour = |hour| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let ends = || vec!["the certificate ends".to_owned()];
        assert_eq!(reminders.due(ends(), hour(0)), ends());
        assert_eq!(reminders.due(ends(), hour(23)), [""; 0]);
        assert_eq!(reminders.due(ends(), hour(24)), ends());
        assert_eq!(reminders.due(Vec::new(), hour(25)), [""; 0]);
        assert_eq!(reminders.due(ends(), hour(26)), ends());
    }
}
