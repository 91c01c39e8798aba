//! Overrides as rows: out of a directory, and into it by names.

use std::collections::BTreeMap;
use std::fmt;

use super::{AwaitedName, GROUP_PREFIX, Override, USER_PREFIX};
use crate::directory::name::fold;
use crate::directory::{Directory, GroupId, ObjectId, UserId};

/// What a file sets for one object. Several rows may be about the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file, counted from 1; 0 for a row that comes from no file.
    pub line: usize,
    /// Whom it is about.
    pub name: RowName,
    /// What it sets; what is absent here stays as it is.
    pub set: Override,
    /// For people to read; not read back.
    pub label: Option<String>,
}

/// The object that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowName {
    /// A person, by object id, userPrincipalName, mail address or username; the first of these that anyone has counts.
    User(String),
    /// A group, by object id, `cn`, display name or mail address.
    Group(String),
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects for which something is set now that was not.
    pub changed: usize,
    /// Names that nobody has yet; what is set waits for them.
    pub awaited: Vec<String>,
    /// Objects that have been registered under another number: theirs changes with `ldap365 ids adopt` only.
    pub to_adopt: Vec<ObjectId>,
}

/// Why a row cannot be applied. `Display` is a sentence that begins with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The name means more than one object.
    Ambiguous {
        /// Where.
        line: usize,
        /// The name.
        name: String,
        /// All of them.
        ids: Vec<ObjectId>,
    },
    /// A row about a person names a group, or the other way round.
    OtherKind {
        /// Where.
        line: usize,
        /// The object id.
        name: String,
    },
    /// Another row sets the same for the same object, and sets it otherwise.
    Contradiction {
        /// Where.
        line: usize,
        /// The name in this row.
        name: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// The number is somebody else's.
    NumberTaken {
        /// Where.
        line: usize,
        /// The name.
        name: String,
        /// The number.
        number: u32,
        /// Who has it.
        holder: String,
    },
}

/// Whom a row means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Object(ObjectId),
    Awaited(AwaitedName),
}

/// All rows about one target.
struct Merged {
    line: usize,
    name: String,
    set: Override,
}

/// Everything set in a directory, by object id and then by awaited name.
pub fn rows(directory: &Directory) -> Vec<Row> {
    let objects = directory.overrides.objects.iter().map(|(&id, set)| {
        let group = directory.groups.get(&GroupId(id));
        let user = directory.users.get(&UserId(id));
        // Of an object that is gone the registry knows what it was: people have home directories.
        let is_group = group.is_some()
            || user.is_none()
                && directory
                    .registry
                    .get(id)
                    .is_some_and(|record| record.home.is_none());
        let label = group
            .map(|group| group.label())
            .or(user.map(|user| user.label()));
        Row {
            line: 0,
            name: if is_group {
                RowName::Group(id.to_string())
            } else {
                RowName::User(id.to_string())
            },
            set: set.clone(),
            label: label.map(str::to_owned),
        }
    });
    let awaited = directory.overrides.awaited.iter().map(|(name, set)| Row {
        line: 0,
        name: match name.strip_prefix(GROUP_PREFIX) {
            Some(group) => RowName::Group(group.to_owned()),
            None => RowName::User(name.strip_prefix(USER_PREFIX).unwrap_or(name).to_owned()),
        },
        set: set.clone(),
        label: None,
    });
    objects.chain(awaited).collect()
}

/// Sets what the rows say, or, when any cannot be applied, nothing. The values must have passed [`Override::check`].
///
/// A row replaces the number, shell and home it names; keys replace all keys of that object. A number counts at first
/// registration, and for an object that has one only once it is adopted.
pub fn apply(rows: &[Row], directory: &mut Directory) -> Result<Applied, Vec<Refusal>> {
    let names = Names::of(directory);
    let mut refusals = Vec::new();
    let mut merged: BTreeMap<Target, Merged> = BTreeMap::new();
    for row in rows {
        match names.target(row, directory) {
            Ok(target) => refusals.extend(merge(&mut merged, target, row)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    refusals.extend(taken_numbers(&merged, directory));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut applied = Applied::default();
    for (target, Merged { name, set, .. }) in merged {
        let slot = match &target {
            Target::Object(id) => directory.overrides.objects.entry(*id).or_default(),
            Target::Awaited(key) => {
                applied.awaited.push(name);
                let key = key.as_str().to_owned();
                directory.overrides.awaited.entry(key).or_default()
            }
        };
        let before = slot.clone();
        lay_over(slot, set);
        let Target::Object(id) = target else {
            continue;
        };
        applied.changed += usize::from(*slot != before);
        let registered = directory.registry.get(id).map(|record| record.number);
        if slot.number.is_some() && registered.is_some_and(|number| slot.number != Some(number)) {
            applied.to_adopt.push(id);
        }
    }
    Ok(applied)
}

fn lay_over(slot: &mut Override, set: Override) {
    slot.number = set.number.or(slot.number);
    slot.login_shell = set.login_shell.or(slot.login_shell.take());
    slot.home = set.home.or(slot.home.take());
    if !set.ssh_keys.is_empty() {
        slot.ssh_keys = set.ssh_keys;
    }
}

/// Adds a row to those about the same object: keys add up, anything else must agree.
fn merge(merged: &mut BTreeMap<Target, Merged>, target: Target, row: &Row) -> Vec<Refusal> {
    let (RowName::User(name) | RowName::Group(name)) = &row.name;
    let entry = merged.entry(target).or_insert_with(|| Merged {
        line: row.line,
        name: name.clone(),
        set: Override::default(),
    });
    let (held, set) = (&mut entry.set, &row.set);
    let agreements = [
        (
            "uidNumber or gidNumber",
            agree(&mut held.number, &set.number),
        ),
        ("loginShell", agree(&mut held.login_shell, &set.login_shell)),
        ("homeDirectory", agree(&mut held.home, &set.home)),
    ];
    for key in &set.ssh_keys {
        if !held.ssh_keys.contains(key) {
            held.ssh_keys.push(key.clone());
        }
    }
    let refusals = agreements
        .into_iter()
        .filter(|(_, agrees)| !agrees)
        .map(|(attribute, _)| Refusal::Contradiction {
            line: row.line,
            name: name.clone(),
            attribute,
        });
    refusals.collect()
}

/// Whether a value is the first, or the one that is held.
fn agree<T: Clone + PartialEq>(held: &mut Option<T>, set: &Option<T>) -> bool {
    if held.is_none() {
        held.clone_from(set);
    }
    set.is_none() || held == set
}

/// Numbers that another object has in the registry, is to get by an override, or gets in the same import.
fn taken_numbers(merged: &BTreeMap<Target, Merged>, directory: &Directory) -> Vec<Refusal> {
    let mut holders: BTreeMap<u32, (Target, String)> = BTreeMap::new();
    let registered = directory
        .registry
        .iter()
        .map(|(id, record)| (record.number, Target::Object(id), format!("object {id}")));
    let set = directory.overrides.objects.iter().filter_map(|(&id, set)| {
        let target = Target::Object(id);
        let replaced = merged
            .get(&target)
            .is_some_and(|merged| merged.set.number.is_some());
        let number = set.number.filter(|_| !replaced)?;
        Some((number, target, format!("object {id}, by an override")))
    });
    let awaited = directory
        .overrides
        .awaited
        .iter()
        .filter_map(|(name, set)| {
            let target = Target::Awaited(AwaitedName(name.clone()));
            let replaced = merged
                .get(&target)
                .is_some_and(|merged| merged.set.number.is_some());
            let number = set.number.filter(|_| !replaced)?;
            Some((number, target, format!("the awaited {name}")))
        });
    for (number, target, label) in registered.chain(set).chain(awaited) {
        holders.entry(number).or_insert((target, label));
    }
    let mut refusals = Vec::new();
    for (target, Merged { line, name, set }) in merged {
        let Some(number) = set.number else {
            continue;
        };
        let (holder, label) = holders
            .entry(number)
            .or_insert_with(|| (target.clone(), format!("\"{name}\" in line {line}")));
        if holder != target {
            refusals.push(Refusal::NumberTaken {
                line: *line,
                name: name.clone(),
                number,
                holder: label.clone(),
            });
        }
    }
    refusals
}

/// Who goes by which folded name. Looked up in this order.
struct Names {
    users: [BTreeMap<String, Vec<ObjectId>>; 2],
    groups: [BTreeMap<String, Vec<ObjectId>>; 2],
}

impl Names {
    fn of(directory: &Directory) -> Self {
        let mut names = Self {
            users: Default::default(),
            groups: Default::default(),
        };
        for (&UserId(id), user) in &directory.users {
            put(&mut names.users[0], &user.user_principal_name, id);
            put(&mut names.users[1], &user.mail, id);
        }
        for (&GroupId(id), group) in directory
            .groups
            .iter()
            .filter(|(_, group)| !group.is_deleted)
        {
            put(&mut names.groups[0], &group.display_name, id);
            put(&mut names.groups[1], &group.mail, id);
        }
        names
    }

    /// Whom a row means. An unknown object id is taken as it is: it may be read yet.
    fn target(&self, row: &Row, directory: &Directory) -> Result<Target, Refusal> {
        let line = row.line;
        let (name, is_group) = match &row.name {
            RowName::User(name) => (name, false),
            RowName::Group(name) => (name, true),
        };
        if let Ok(id) = name.parse::<ObjectId>() {
            let is_other = match is_group {
                true => directory.users.contains_key(&UserId(id)),
                false => directory.groups.contains_key(&GroupId(id)),
            };
            let name = name.clone();
            return if is_other {
                Err(Refusal::OtherKind { line, name })
            } else {
                Ok(Target::Object(id))
            };
        }
        let holder = directory
            .registry
            .holder(name)
            .filter(|&id| match is_group {
                true => directory.groups.contains_key(&GroupId(id)),
                false => directory.users.contains_key(&UserId(id)),
            });
        // A group's cn is unique, its display name is not; a username is the last of a person's names.
        if let (true, Some(id)) = (is_group, holder) {
            return Ok(Target::Object(id));
        }
        let folded = fold(name);
        let tables = if is_group { &self.groups } else { &self.users };
        match tables
            .iter()
            .find_map(|table| table.get(&folded))
            .map(Vec::as_slice)
        {
            Some(&[id]) => Ok(Target::Object(id)),
            Some(ids) => Err(Refusal::Ambiguous {
                line,
                name: name.clone(),
                ids: ids.to_vec(),
            }),
            None => Ok(match holder {
                Some(id) => Target::Object(id),
                None if is_group => Target::Awaited(AwaitedName::group(name)),
                None => Target::Awaited(AwaitedName::user(name)),
            }),
        }
    }
}

fn put(table: &mut BTreeMap<String, Vec<ObjectId>>, name: &Option<String>, id: ObjectId) {
    if let Some(name) = name {
        table.entry(fold(name)).or_default().push(id);
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous { line, name, ids } => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "line {line}: \"{name}\" means more than one object; write one of the ids {}",
                    ids.join(", ")
                )
            }
            Self::OtherKind { line, name } => {
                write!(
                    f,
                    "line {line}: {name} is of the other kind: people stand under user, groups under group"
                )
            }
            Self::Contradiction {
                line,
                name,
                attribute,
            } => {
                write!(
                    f,
                    "line {line}: an earlier line sets another {attribute} for \"{name}\""
                )
            }
            Self::NumberTaken {
                line,
                name,
                number,
                holder,
            } => {
                write!(
                    f,
                    "line {line}: the number {number} for \"{name}\" belongs to {holder}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
