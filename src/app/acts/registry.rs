//! Names, numbers and rules: what an administrator decides that the tenant cannot.

use crate::admin::report::act::{Done, Format};
use crate::admin::{Refusal, RefusalKind, overrides_file};
use crate::app::flaws::home_kept;
use crate::app::keeper::Amendment;
use crate::app::lookup::{self, label};
use crate::app::view::Terms;
use crate::directory::registry::{AdoptError, ReleaseError, adopt, adoptable, release_name};
use crate::directory::{Directory, GroupId, ObjectId, overrides};
use crate::sync::rules::{RepinError, repin as repin_rule};

/// How many people or lines of a file a refusal or an answer names.
const NAMED_MAX: usize = 20;

/// Why no local settings were taken over: every line that is wrong. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing was imported, because of {} lines of the file:\n{}", .0.len(), shortened(.0).join("\n"))]
pub(crate) struct ImportError(Vec<String>);

/// Why a number was not adopted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum AdoptFailure {
    /// The name does not lead to one person or group.
    #[error(transparent)]
    Who(#[from] lookup::Error),
    /// The number cannot be had, or there is none.
    #[error(transparent)]
    Number(#[from] AdoptError),
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        Self::new(RefusalKind::Invalid, error)
    }
}

impl From<AdoptFailure> for Refusal {
    fn from(error: AdoptFailure) -> Self {
        match error {
            AdoptFailure::Who(error) => error.into(),
            AdoptFailure::Number(error) => Self::new(RefusalKind::Conflict, error),
        }
    }
}

impl From<RepinError> for Refusal {
    fn from(error: RepinError) -> Self {
        let kind = match error {
            RepinError::NotInRules { .. } | RepinError::NoMatch(_) => RefusalKind::NotFound,
            RepinError::Ambiguous { .. } => RefusalKind::Conflict,
        };
        Self::new(kind, error)
    }
}

impl From<ReleaseError> for Refusal {
    fn from(error: ReleaseError) -> Self {
        let kind = match error {
            ReleaseError::NotHeld(_) => RefusalKind::NotFound,
            ReleaseError::InUse { .. } => RefusalKind::Conflict,
        };
        Self::new(kind, error)
    }
}

/// Has a group name of the rules mean the group that has it now.
pub(super) fn repin(
    directory: &mut Directory,
    terms: &Terms,
    rule: &str,
) -> Result<(Done, Amendment), RepinError> {
    let pinned = repin_rule(directory, &terms.rules, rule)?;
    let named = |group: GroupId| format!("{} ({group})", label(directory, group.into()));
    let now = named(pinned.now);
    let done = match pinned.before {
        Some(before) if before == pinned.now => {
            Done::unchanged(format!("the rule for \"{rule}\" meant {now} already"))
        }
        Some(before) => Done::changed(format!(
            "the rule for \"{rule}\" means {now} now, and not {} any more",
            named(before)
        ))
        .note(
            "people were judged anew; `ldap365 status` says whether the guard holds something back",
        ),
        None => Done::changed(format!("the rule for \"{rule}\" means {now}")),
    };
    // This group, whichever has the name by then.
    let amendment = move |directory: &mut Directory| {
        directory.pins.insert(pinned.name.clone(), pinned.now);
        Ok(())
    };
    Ok((done, Box::new(amendment)))
}

/// Gives a name free that is held for somebody deleted or renamed.
pub(super) fn release(
    directory: &mut Directory,
    name: &str,
) -> Result<(Done, Amendment), ReleaseError> {
    let released = release_name(directory, name)?;
    let holder = released.holder;
    let label = released.label.unwrap_or_else(|| label(directory, holder));
    let sentence = format!("the name \"{name}\" is no longer held for {label} ({holder})");
    let note = "whoever asks for it next gets it, and whatever hosts still keep under it: home directory, sudo rules";
    let name = name.to_owned();
    let amendment = move |directory: &mut Directory| {
        if directory.registry.holder(&name) != Some(holder) {
            return Err(format!("the name \"{name}\" is held for another by now"));
        }
        let released = release_name(directory, &name);
        released.map(drop).map_err(|error| error.to_string())
    };
    Ok((Done::changed(sentence).note(note), Box::new(amendment)))
}

/// Gives one object the number that is asked for it.
pub(super) fn adopt_one(
    directory: &mut Directory,
    terms: &Terms,
    whom: &str,
) -> Result<(Done, Amendment), AdoptFailure> {
    let id = match lookup::user(directory, whom) {
        Ok(user) => ObjectId::from(user),
        Err(error @ lookup::Error::Ambiguous { .. }) => return Err(error.into()),
        // The error names people, who are meant first.
        Err(error) => match lookup::group(directory, whom) {
            Ok(group) => ObjectId::from(group),
            Err(_) => return Err(error.into()),
        },
    };
    let adopted = adopt(directory, &terms.policy, id)?;
    let done = Done::changed(sentence(directory, id, adopted.from, adopted.to)).note(FILES_STAY);
    Ok((done, adopted_again(terms, vec![(id, adopted.to)])))
}

/// Gives everybody the number that is asked for them, as far as it can be had.
pub(super) fn adopt_all(
    directory: &mut Directory,
    terms: &Terms,
) -> Result<(Done, Amendment), AdoptError> {
    let ids: Vec<ObjectId> = directory.registry.iter().map(|(id, _)| id).collect();
    let mut done = Done::default();
    let mut pairs = Vec::new();
    for id in ids {
        match adopt(directory, &terms.policy, id) {
            Ok(adopted) => {
                pairs.push((id, adopted.to));
                done.changed
                    .push(sentence(directory, id, adopted.from, adopted.to));
            }
            Err(AdoptError::NothingToAdopt(_) | AdoptError::Unregistered(_)) => {}
            Err(error @ AdoptError::Unusable { .. }) => done.notes.push(error.to_string()),
        }
    }
    let done = match (done.changed.is_empty(), done.notes.is_empty()) {
        (true, true) => done.note("nobody asks for another number than they have"),
        (true, false) => done,
        (false, _) => done.note(FILES_STAY),
    };
    Ok((done, adopted_again(terms, pairs)))
}

/// Adopts these numbers for these objects, and no others: who asks for another number by now keeps what they have.
fn adopted_again(terms: &Terms, pairs: Vec<(ObjectId, u32)>) -> Amendment {
    let policy = terms.policy.clone();
    Box::new(move |directory| {
        let mut overtaken = Vec::new();
        for &(id, to) in &pairs {
            let adopted = match adoptable(directory, &policy, id) {
                Ok(wanted) if wanted.to != to => {
                    overtaken.push(format!("{id} asks for {} by now, not {to}", wanted.to));
                    continue;
                }
                Ok(_) => adopt(directory, &policy, id),
                Err(error) => Err(error),
            };
            overtaken.extend(adopted.err().map(|error| error.to_string()));
        }
        match overtaken.is_empty() {
            true => Ok(()),
            false => Err(shortened(&overtaken).join("; ")),
        }
    })
}

const FILES_STAY: &str = "files keep the old numbers: change their owner on every host (find / -uid OLD, or -gid); \
                          nobody else will get the old numbers";

fn sentence(directory: &Directory, id: ObjectId, from: u32, to: u32) -> String {
    format!(
        "{}: the number is {to} now, and was {from}",
        label(directory, id)
    )
}

/// Takes local settings over from the text of a file: all of it, or nothing.
pub(super) fn import(
    directory: &mut Directory,
    text: &str,
    format: Format,
) -> Result<Done, ImportError> {
    let sentences = |problems: Vec<overrides_file::Problem>| {
        ImportError(problems.iter().map(ToString::to_string).collect())
    };
    let rows = overrides_file::read(text, of(format)).map_err(sentences)?;
    let applied = overrides::apply(&rows, directory)
        .map_err(|refusals| ImportError(refusals.iter().map(ToString::to_string).collect()))?;
    let mut done = match applied.changed {
        0 => Done::unchanged(format!(
            "{} lines, and everything was so already",
            rows.len()
        )),
        changed => Done::changed(format!(
            "{} lines read; something is set now for {changed} people and groups",
            rows.len()
        )),
    };
    if !applied.awaited.is_empty() {
        let names = shortened(&applied.awaited).join(", ");
        done = done.note(format!("remembered until they are in the tenant: {names}"));
    }
    if !applied.to_adopt.is_empty() {
        let names = applied.to_adopt.iter().map(|&id| label(directory, id));
        let names = shortened(&names.collect::<Vec<_>>()).join(", ");
        done = done.note(format!(
            "registered under another number already, which stays until `ldap365 ids adopt`: {names}"
        ));
    }
    let set = directory.overrides.objects.keys();
    let kept = set.filter(|&&id| home_kept(directory, id).is_some());
    let kept: Vec<String> = kept.map(|&id| label(directory, id)).collect();
    if !kept.is_empty() {
        done = done.note(format!(
            "registered with another home directory already, which stays, because files are there: {}",
            shortened(&kept).join(", ")
        ));
    }
    Ok(done)
}

/// Everything that is set here, as the text of a file.
pub(crate) fn export(directory: &Directory, format: Format) -> String {
    overrides_file::write(&overrides::rows(directory), of(format))
}

fn of(format: Format) -> overrides_file::Format {
    match format {
        Format::Csv => overrides_file::Format::Csv,
        Format::Json => overrides_file::Format::Json,
    }
}

/// The first of many, and how many more there are.
fn shortened(names: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = names.iter().take(NAMED_MAX).cloned().collect();
    if names.len() > NAMED_MAX {
        shown.push(format!("and {} more", names.len() - NAMED_MAX));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{directory, group_id, policy, rules, settled, user_id, view};
    use crate::sync::Rules;

    fn terms(rules: Rules) -> Terms {
        let view = view(Directory::default(), rules, policy());
        Terms::clone(&view.terms)
    }

    #[test]
    fn a_rule_is_pinned_to_the_group_that_has_the_name_now() {
        let rules = Rules {
            allowed_groups: vec!["Staff".to_owned()],
            ..rules()
        };
        let terms = terms(rules.clone());
        let plain = directory(&[("ada", "Ada")], &[("Staff", &[1])]);
        let mut directory = settled(&plain, &rules);
        let (done, _) = repin(&mut directory, &terms, "Staff").expect("one group");
        assert_eq!(done.changed, [""; 0]);
        directory.pins.insert("Staff".to_owned(), group_id(9));
        let (done, _) = repin(&mut directory, &terms, "Staff").expect("one group");
        assert_eq!(done.changed.len(), 1);
        assert_eq!(directory.pins["Staff"], group_id(1));
    }

    #[test]
    fn a_number_is_imported_and_then_adopted() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let text = "user,uidNumber\nada,4711\nzoe,4712\n";
        let done = import(&mut directory, text, Format::Csv).expect("imported");
        assert_eq!(done.changed.len(), 1);
        assert_eq!(done.notes.len(), 2, "{done:?}");
        assert!(done.notes[0].contains("zoe"), "{done:?}");
        let (done, _) = adopt_all(&mut directory, &terms(rules())).expect("adopted");
        assert!(
            done.changed[0].contains("the number is 4711 now"),
            "{done:?}"
        );
        let record = directory.registry.get(user_id(1)).expect("registered");
        assert_eq!(record.number, 4711);
        let (again, _) = adopt_all(&mut directory, &terms(rules())).expect("nothing");
        assert_eq!(again.changed, [""; 0]);
    }

    #[test]
    fn a_rule_that_is_pinned_once_more_means_the_same_group() {
        let rules = Rules {
            allowed_groups: vec!["Staff".to_owned()],
            ..rules()
        };
        let plain = directory(&[("ada", "Ada")], &[("Staff", &[1]), ("Other", &[])]);
        let mut directory = settled(&plain, &rules);
        let (_, again) = repin(&mut directory, &terms(rules), "Staff").expect("one group");
        for (id, name) in [(1, "Other"), (2, "Staff")] {
            let group = directory.groups.get_mut(&group_id(id)).expect("a group");
            std::sync::Arc::make_mut(group).display_name = Some(name.to_owned());
        }
        directory.pins.clear();
        again(&mut directory).expect("pinned");
        assert_eq!(directory.pins["Staff"], group_id(1));
    }

    #[test]
    fn numbers_adopted_once_more_are_those_that_were_adopted_before() {
        let plain = directory(&[("ada", "Ada"), ("bob", "Bob")], &[]);
        let mut seen = plain.clone();
        let of_ada = "user,uidNumber\nada,4711\n";
        import(&mut seen, of_ada, Format::Csv).expect("imported");
        let (_, again) = adopt_all(&mut seen, &terms(rules())).expect("adopted");

        let number = |directory: &Directory, id| {
            let record = directory.registry.get(user_id(id));
            record.expect("registered").number
        };
        let mut newer = plain.clone();
        let of_both = "user,uidNumber\nada,4711\nbob,4712\n";
        import(&mut newer, of_both, Format::Csv).expect("imported");
        again(&mut newer).expect("adopted");
        assert_eq!(number(&newer, 1), 4711);
        assert_eq!(number(&newer, 2), number(&plain, 2), "nobody saw that");

        let mut newer = plain.clone();
        let another = "user,uidNumber\nada,4799\n";
        import(&mut newer, another, Format::Csv).expect("imported");
        again(&mut newer).expect_err("another number is asked for");
        assert_eq!(number(&newer, 1), number(&plain, 1));
    }

    #[test]
    fn an_imported_home_directory_that_comes_too_late_is_told() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let text = "user,homeDirectory\nada,/srv/ada\n";
        let done = import(&mut directory, text, Format::Csv).expect("imported");
        let note = "registered with another home directory already";
        assert!(done.notes[0].starts_with(note), "{done:?}");
    }

    #[test]
    fn a_file_with_a_wrong_line_changes_nothing_and_names_it() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let before = directory.clone();
        let text = "user,uidNumber\nada,12\n";
        let error = import(&mut directory, text, Format::Csv).expect_err("reserved");
        assert!(error.to_string().contains('2'), "{error}");
        assert_eq!(directory, before);
    }

    #[test]
    fn what_is_exported_can_be_imported() {
        let mut one = directory(&[("ada", "Ada")], &[]);
        import(&mut one, "user,loginShell\nada,/bin/zsh\n", Format::Csv).expect("imported");
        for format in [Format::Csv, Format::Json] {
            let mut other = directory(&[("ada", "Ada")], &[]);
            import(&mut other, &export(&one, format), format).expect("imported");
            assert_eq!(other.overrides, one.overrides);
        }
    }

    #[test]
    fn a_name_in_use_is_not_released() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let error = release(&mut directory, "ada").err().expect("in use");
        assert!(error.to_string().contains("in use"), "{error}");
        directory.users.clear();
        let mut directory = settled(&directory, &rules());
        let _ = release(&mut directory, "ada").expect("held");
        assert_eq!(directory.registry.holder("ada"), None);
    }
}
