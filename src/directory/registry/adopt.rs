//! An administrator takes over the number that is asked for an object, instead of the registered one.

use thiserror::Error;

use super::{NumberFault, Policy, wanted};
use crate::directory::{Directory, ObjectId};

/// An object that has another number now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its number until now: nobody else will ever have it.
    pub from: u32,
    /// Its number from now on.
    pub to: u32,
}

/// Why no number was adopted; nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AdoptError {
    /// The object has no number yet.
    #[error("object {0} is not registered: it gets its number when it is first synced")]
    Unregistered(ObjectId),
    /// Neither an override nor a mapped property says another number.
    #[error("nothing asks for another number for object {0} than it has")]
    NothingToAdopt(ObjectId),
    /// The number that is asked for cannot be had. The administrator must change it where it is set.
    #[error("object {id} cannot have the number that is asked for: {fault}")]
    Unusable {
        /// The object.
        id: ObjectId,
        /// Why not.
        fault: NumberFault,
    },
}

/// The number that [`adopt`] would give an object, as far as that can be told before it is tried.
///
/// # Errors
/// Why there is none.
pub fn adoptable(
    directory: &Directory,
    policy: &Policy,
    id: ObjectId,
) -> Result<Adopted, AdoptError> {
    let record = directory.registry.get(id);
    let from = record.ok_or(AdoptError::Unregistered(id))?.number;
    let wanted = wanted::numbers(directory, &policy.mapped, id);
    let (_, wanted) = wanted
        .into_iter()
        .next()
        .ok_or(AdoptError::NothingToAdopt(id))?;
    let to = wanted.map_err(|fault| AdoptError::Unusable { id, fault })?;
    match to == from {
        true => Err(AdoptError::NothingToAdopt(id)),
        false => Ok(Adopted { from, to }),
    }
}

/// Gives an object the number that its override, or else its mapped property, asks for.
///
/// The files of its owner keep the old number on every host: whoever adopts must change those, too.
///
/// # Errors
/// Why not; nothing is changed then.
pub fn adopt(
    directory: &mut Directory,
    policy: &Policy,
    id: ObjectId,
) -> Result<Adopted, AdoptError> {
    let Adopted { from, to } = adoptable(directory, policy, id)?;
    let registry = &mut directory.registry;
    let record = registry.records.get_mut(&id);
    let record = record.ok_or(AdoptError::Unregistered(id))?;
    let was_its_own = record.former_numbers.contains(&to);
    record.former_numbers.retain(|&former| former != to);
    if !was_its_own && let Err(fault) = wanted::check(registry, to) {
        return Err(AdoptError::Unusable { id, fault });
    }
    registry.numbers.take_exactly(to, id);
    if let Some(record) = registry.records.get_mut(&id) {
        record.former_numbers.push(from);
        record.number = to;
    }
    Ok(Adopted { from, to })
}
