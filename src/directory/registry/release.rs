//! An administrator frees a name that is held for nobody's use.

use thiserror::Error;

use crate::directory::name::fold;
use crate::directory::{Directory, ObjectId};

/// A name that is free now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The name, as it was held.
    pub name: String,
    /// Who held it.
    pub holder: ObjectId,
    /// What people called the holder.
    pub label: Option<String>,
}

/// Why a name was not freed; nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReleaseError {
    /// Nobody has it: whoever asks for it next gets it, unless it is reserved.
    #[error(
        "the name \"{0}\" is held for nobody: there is nothing to release (names in directory.reserved_names are never given to anybody)"
    )]
    NotHeld(String),
    /// It is the name of somebody who is still in the tenant.
    #[error(
        "the name \"{name}\" is in use: it belongs to {} (object {holder})",
        label.as_deref().unwrap_or("somebody without a name in the tenant")
    )]
    InUse {
        /// The name.
        name: String,
        /// Whose it is.
        holder: ObjectId,
        /// What people call the holder.
        label: Option<String>,
    },
}

/// Frees a name that is held for a deleted object, or for one that was renamed.
///
/// Who gets it next inherits what hosts grant to that name, and with a deleted person's name the path of
/// the home directory.
///
/// # Errors
/// The name is free, or in use; nothing is changed then.
pub fn release_name(directory: &mut Directory, name: &str) -> Result<Released, ReleaseError> {
    let registry = &mut directory.registry;
    let folded = fold(name);
    let holder = registry.holder(name);
    let record = holder.and_then(|id| Some((id, registry.records.get_mut(&id)?)));
    let (holder, record) = record.ok_or_else(|| ReleaseError::NotHeld(name.to_owned()))?;
    let label = record.label.clone();
    let is_current = record.name.as_deref().is_some_and(|it| fold(it) == folded);
    if is_current && record.deleted.is_none() {
        return Err(ReleaseError::InUse {
            name: name.to_owned(),
            holder,
            label,
        });
    }
    if is_current {
        record.name = None;
        record.home = None;
    }
    record
        .former_names
        .retain(|former| fold(&former.name) != folded);
    registry.free(&folded, holder);
    Ok(Released {
        name: name.to_owned(),
        holder,
        label,
    })
}
