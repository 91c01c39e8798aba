//! The numbers and homes that an administrator or the tenant asks for.

use super::problem::{NumberFault, NumberSource};
use super::{MappedProperties, Registry};
use crate::directory::{Directory, GroupId, ObjectId, UserId, number_range};

/// A number asked for, and by whom; an error when it is none.
pub(super) type WantedNumber = (NumberSource, Result<u32, NumberFault>);

/// The numbers asked for an object, the administrator's before the tenant's.
pub(super) fn numbers(
    directory: &Directory,
    properties: &MappedProperties,
    id: ObjectId,
) -> Vec<WantedNumber> {
    let set = directory.overrides.objects.get(&id);
    let set = set.and_then(|set| set.number).map(Ok);
    let mapped = mapped(
        directory,
        id,
        properties.uid_number.as_deref(),
        properties.gid_number.as_deref(),
    );
    let mapped = mapped.map(|text| {
        let number = text.trim().parse();
        number.map_err(|_| NumberFault::NoNumber(text.to_owned()))
    });
    [
        (NumberSource::Override, set),
        (NumberSource::Mapped, mapped),
    ]
    .into_iter()
    .filter_map(|(source, number)| Some((source, number?)))
    .collect()
}

/// The home directory asked for a person, the administrator's before the tenant's.
pub(super) fn home<'d>(
    directory: &'d Directory,
    properties: &MappedProperties,
    id: ObjectId,
) -> Option<&'d str> {
    let set = directory.overrides.objects.get(&id);
    set.and_then(|set| set.home.as_deref())
        .or_else(|| mapped(directory, id, properties.home.as_deref(), None))
}

/// Whether an object may have this number, which is not its own.
pub(super) fn check(registry: &Registry, number: u32) -> Result<(), NumberFault> {
    number_range::check_number(number).map_err(NumberFault::Reserved)?;
    match registry.number_holder(number) {
        None => Ok(()),
        Some(holder) => Err(NumberFault::Taken { number, holder }),
    }
}

/// The first value of a property of a user, or of another property of a group.
fn mapped<'d>(
    directory: &'d Directory,
    id: ObjectId,
    of_user: Option<&str>,
    of_group: Option<&str>,
) -> Option<&'d str> {
    let values = match directory.users.get(&UserId(id)) {
        Some(user) => user.mapped.get(of_user?),
        None => directory.groups.get(&GroupId(id))?.mapped.get(of_group?),
    };
    values?.first().map(String::as_str)
}
