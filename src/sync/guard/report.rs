//! What is held back, for people.

use jiff::Timestamp;

use crate::directory::guard::{ChangeKind, HeldChange, HeldKind, Subject};
use crate::directory::{Directory, GroupId, ObjectId, UserId};

/// What the guard holds back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// The kinds of change that concern too many, in the order of reports.
    pub kinds: Vec<(ChangeKind, HeldKind)>,
    /// Everything that is held because of them.
    pub items: Vec<HeldItem>,
}

/// One change that is held back.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldItem {
    /// Who or what.
    pub subject: Subject,
    /// What people call it: a person, or a group.
    pub label: String,
    /// For a membership: what people call the member.
    pub member: Option<String>,
    /// What would happen, why, and since when it is held.
    pub change: HeldChange,
}

/// What the guard holds back in this directory, as of the last commit.
pub fn held(directory: &Directory) -> Held {
    let items = directory
        .guard
        .subjects
        .iter()
        .filter_map(|(&subject, memory)| {
            let (label, member) = labels(directory, subject);
            Some(HeldItem {
                subject,
                label,
                member,
                change: memory.held.clone()?,
            })
        });
    Held {
        kinds: directory
            .guard
            .held
            .iter()
            .map(|(&kind, &held)| (kind, held))
            .collect(),
        items: items.collect(),
    }
}

fn labels(directory: &Directory, subject: Subject) -> (String, Option<String>) {
    let person = |id: UserId| {
        let user = directory.users.get(&id);
        let user = user.or_else(|| directory.withheld.users.get(&id)?.as_ref());
        user.map(|user| user.label().to_owned())
    };
    let group = |id| {
        let group = directory.groups.get(&id);
        let group = group.or_else(|| directory.withheld.groups.get(&id)?.as_ref());
        group.map(|group| group.label().to_owned())
    };
    let name = |label: Option<String>, id: ObjectId| label.unwrap_or_else(|| id.to_string());
    match subject {
        Subject::Person(id) => (name(person(id), id.into()), None),
        Subject::Group(id) => (name(group(id), id.into()), None),
        Subject::Membership(id, member) => {
            let label = person(UserId(member)).or_else(|| group(GroupId(member)));
            (name(group(id), id.into()), Some(name(label, member)))
        }
    }
}

impl Held {
    /// Nothing is held back.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.items.is_empty()
    }

    /// Since when something has been held back without a break.
    pub fn since(&self) -> Option<Timestamp> {
        self.kinds.iter().map(|(_, held)| held.since).min()
    }

    /// One sentence for each kind of change that is held back.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().map(|(kind, held)| {
            let people = match kind {
                // They are not among those who are active.
                ChangeKind::Activated => {
                    format!("{} people, beside {} active ones,", held.people, held.active)
                }
                _ => format!("{} of {} people", held.people, held.active),
            };
            format!(
                "held back: {people} would {} (limit {}%, sync.max_change); `ldap365 sync --dry-run` lists them, `ldap365 sync --accept` lets them pass",
                kind.predicate(),
                held.max_change,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_who_would_be_activated_are_not_counted_among_the_active() {
        let figures = HeldKind {
            people: 56,
            active: 0,
            max_change: 20,
            since: Timestamp::UNIX_EPOCH,
        };
        let held = Held {
            kinds: vec![(ChangeKind::Activated, figures)],
            items: Vec::new(),
        };
        let sentence = held.sentences().next().expect("one kind");
        assert!(
            sentence.starts_with("held back: 56 people, beside 0 active ones, would be activated"),
            "{sentence}"
        );
    }
}
