//! What is set here for single people: shell and SSH keys.

use crate::admin::report::act::Done;
use crate::admin::{Refusal, RefusalKind};
use crate::app::lookup::{self, label};
use crate::directory::attribute::{Flaw, path, ssh_key};
use crate::directory::{Directory, ObjectId, Override};

/// Why nothing is set. The administrator gives another value, or names somebody else.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    /// The name does not lead to one person.
    #[error(transparent)]
    Who(#[from] lookup::Error),
    /// The shell cannot be served.
    #[error("{shell:?} is no login shell: {flaw}")]
    Shell {
        /// As given.
        shell: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The key cannot be served.
    #[error(
        "this is no SSH public key: {flaw}; give a line as `ssh-keygen` writes it to a .pub file"
    )]
    Key {
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The person has no such key here.
    #[error("{who} has no such key here; {}", Keys(held))]
    NoSuchKey {
        /// Whom it was looked for at.
        who: String,
        /// The keys there are.
        held: Vec<String>,
    },
    /// Several keys have the comment.
    #[error(
        "several keys of {who} have this comment; give the key itself; {}",
        Keys(held)
    )]
    SeveralKeys {
        /// Whom it was looked for at.
        who: String,
        /// The keys there are.
        held: Vec<String>,
    },
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Who(error) => error.into(),
            Error::Shell { .. } | Error::Key { .. } => Self::new(RefusalKind::Invalid, error),
            Error::NoSuchKey { .. } => Self::new(RefusalKind::NotFound, error),
            Error::SeveralKeys { .. } => Self::new(RefusalKind::Conflict, error),
        }
    }
}

/// Sets the shell of a person, or with `None` leaves it to the tenant and the configuration again.
pub(super) fn set_shell(
    directory: &mut Directory,
    user: &str,
    shell: Option<&str>,
) -> Result<Done, Error> {
    let id = ObjectId::from(lookup::user(directory, user)?);
    let who = label(directory, id);
    let shell = match shell {
        Some(text) => Some(path(text.trim()).map_err(|flaw| Error::Shell {
            shell: text.to_owned(),
            flaw,
        })?),
        None => None,
    };
    let held = |settings: &Override| settings.login_shell.clone();
    if directory.overrides.objects.get(&id).and_then(held) == shell {
        return Ok(Done::unchanged(format!("{who}: the shell was so already")));
    }
    let sentence = match &shell {
        Some(shell) => format!("{who}: the login shell is {shell}"),
        None => format!("{who}: the login shell is left to the tenant and the configuration"),
    };
    change(directory, id, |settings| settings.login_shell = shell);
    Ok(Done::changed(sentence).note(next_step(directory, id)))
}

/// Adds a key beside those of the tenant.
pub(super) fn add_key(directory: &mut Directory, user: &str, key: &str) -> Result<Done, Error> {
    let id = ObjectId::from(lookup::user(directory, user)?);
    let who = label(directory, id);
    let key = ssh_key(key.trim()).map_err(|flaw| Error::Key { flaw })?;
    let held = directory.overrides.objects.get(&id);
    let is_held = held.is_some_and(|settings| {
        let mut keys = settings.ssh_keys.iter();
        keys.any(|held| material(held) == material(&key))
    });
    if is_held {
        return Ok(Done::unchanged(format!("{who}: the key was there already")));
    }
    let sentence = format!("{who}: added the key {}", short(&key));
    change(directory, id, |settings| settings.ssh_keys.push(key));
    Ok(Done::changed(sentence).note(next_step(directory, id)))
}

/// Takes away a key that was added here, named by its line, its key or its comment.
pub(super) fn remove_key(directory: &mut Directory, user: &str, key: &str) -> Result<Done, Error> {
    let id = ObjectId::from(lookup::user(directory, user)?);
    let (who, key) = (label(directory, id), key.trim());
    let held: Vec<String> = directory
        .overrides
        .objects
        .get(&id)
        .map_or_else(Vec::new, |settings| settings.ssh_keys.clone());
    let has_material = |held: &&String| {
        material(held) == material(key) || material(held).1.is_some_and(|held| held == key)
    };
    let by_material: Vec<&String> = held.iter().filter(has_material).collect();
    let has_comment = |held: &&String| held.splitn(3, ' ').nth(2) == Some(key);
    let by_comment: Vec<&String> = held.iter().filter(has_comment).collect();
    let found = match (&by_material[..], &by_comment[..]) {
        (&[found], _) | (&[], &[found]) => found.clone(),
        (&[], &[]) => return Err(Error::NoSuchKey { who, held }),
        _ => return Err(Error::SeveralKeys { who, held }),
    };
    let sentence = format!("{who}: removed the key {}", short(&found));
    change(directory, id, |settings| {
        settings.ssh_keys.retain(|held| *held != found);
    });
    let note = "keys that come from Office 365 stay; they are removed there";
    Ok(Done::changed(sentence).note(note))
}

/// Changes what is set for an object; nothing is kept of one for which nothing is set any more.
fn change(directory: &mut Directory, id: ObjectId, change: impl FnOnce(&mut Override)) {
    let objects = &mut directory.overrides.objects;
    let mut settings = objects.remove(&id).unwrap_or_default();
    change(&mut settings);
    if !settings.is_empty() {
        objects.insert(id, settings);
    }
}

fn next_step(directory: &Directory, id: ObjectId) -> String {
    match directory.decisions.is_active(crate::directory::UserId(id)) {
        true => "the daemon serves it from now on, or as soon as it is started; hosts that cache (SSSD, nscd) follow when their cache ends".to_owned(),
        false => "the person is inactive: nobody sees it until that changes; `ldap365 explain` says why".to_owned(),
    }
}

/// Type and key, without the comment: what makes two lines the same key.
fn material(line: &str) -> (Option<&str>, Option<&str>) {
    let mut words = line.split_whitespace();
    (words.next(), words.next())
}

/// A key as people tell them apart: type, the end of the key, comment.
fn short(line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    let kind = words.next().unwrap_or_default();
    let key = words.next().unwrap_or_default();
    let tail: String = key
        .chars()
        .rev()
        .take(12)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    match words.next() {
        Some(comment) => format!("{kind} …{tail} {comment}"),
        None => format!("{kind} …{tail}"),
    }
}

/// The keys there are, for an error.
struct Keys<'a>(&'a [String]);

impl std::fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none is set here; those from Office 365 are removed there");
        }
        f.write_str("these are set here:")?;
        self.0
            .iter()
            .try_for_each(|key| write!(f, "\n  {}", short(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{directory, user_id};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKiFCfJfvo1bcrJ7oQPLFUTQoG8wFWDpSJVXxsD4WEiu ada@laptop";

    fn keys(directory: &Directory) -> Vec<String> {
        let settings = directory.overrides.objects.get(&user_id(1).into());
        settings.map_or_else(Vec::new, |settings| settings.ssh_keys.clone())
    }

    #[test]
    fn a_key_is_added_once_and_removed_by_its_comment() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let done = add_key(&mut directory, "ada", KEY).expect("a key");
        assert_eq!(done.changed.len(), 1);
        let again = KEY.replace("ada@laptop", "another comment");
        let done = add_key(&mut directory, "ada", &again).expect("a key");
        assert_eq!(done.changed, [""; 0]);
        assert_eq!(keys(&directory), [KEY]);
        remove_key(&mut directory, "ada", "ada@laptop").expect("it is there");
        assert_eq!(keys(&directory), [""; 0]);
        assert!(directory.overrides.objects.is_empty(), "nothing is left");
    }

    #[test]
    fn a_key_that_is_not_there_is_answered_with_those_that_are() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        add_key(&mut directory, "ada", KEY).expect("a key");
        let error = remove_key(&mut directory, "ada", "other").expect_err("not there");
        assert!(error.to_string().contains("ada@laptop"), "{error}");
    }

    #[test]
    fn what_is_no_key_and_no_shell_is_refused() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        let before = directory.clone();
        let error =
            add_key(&mut directory, "ada", "command=\"x\" ssh-rsa AAAA").expect_err("options");
        assert!(matches!(error, Error::Key { .. }), "{error}");
        let error = set_shell(&mut directory, "ada", Some("zsh")).expect_err("relative");
        assert!(matches!(error, Error::Shell { .. }), "{error}");
        assert_eq!(directory, before);
    }

    #[test]
    fn a_shell_is_set_and_given_back() {
        let mut directory = directory(&[("ada", "Ada")], &[]);
        set_shell(&mut directory, "ADA@contoso.com", Some("/bin/zsh")).expect("a shell");
        let settings = &directory.overrides.objects[&user_id(1).into()];
        assert_eq!(settings.login_shell.as_deref(), Some("/bin/zsh"));
        let done = set_shell(&mut directory, "ada", Some("/bin/zsh")).expect("a shell");
        assert_eq!(done.changed, [""; 0]);
        set_shell(&mut directory, "ada", None).expect("given back");
        assert!(directory.overrides.objects.is_empty());
    }
}
