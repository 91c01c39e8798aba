//! The directory that holds the store: made for its owner alone, and refused when others can reach it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::Error;

/// The bits of a mode that let group and others in.
const OTHERS: u32 = 0o077;

/// Makes `dir` with mode 0700 where it is missing, and checks it where it is not.
pub(super) fn prepare(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::io("create", dir))?;
    let metadata = fs::metadata(dir).map_err(Error::io("inspect", dir))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(Error::Exposed {
            dir: dir.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// Takes from group and others what the umask let sled give them, and makes the names of new files durable.
///
/// sled creates its files itself and calls no one back, so this comes after it opened them. Files
/// that it makes later are kept from others by the mode of the directory.
pub(super) fn secure_files(dir: &Path, sled_dir: &Path) -> Result<(), Error> {
    restrict(sled_dir, 0o700)?;
    for file in fs::read_dir(sled_dir).map_err(Error::io("list", sled_dir))? {
        let path = file.map_err(Error::io("list", sled_dir))?.path();
        restrict(&path, if path.is_dir() { 0o700 } else { 0o600 })?;
    }
    for dir in [sled_dir, dir] {
        let opened = File::open(dir).map_err(Error::io("open", dir))?;
        opened.sync_all().map_err(Error::io("sync", dir))?;
    }
    Ok(())
}

fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::io("restrict", path))
}
