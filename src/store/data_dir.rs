//! The directory that holds the store: made for its owner alone, and refused to everybody else, root included.
//!
//! Root could read it all, but whatever sled then writes is root's, and the daemon, which is not, cannot start again.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
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
    refuse_stranger(dir, metadata.uid(), own_uid())?;
    refuse_exposed(dir, &metadata)
}

/// Whether [`prepare`] would have `dir`, as far as that can be told without making anything.
pub(super) fn try_out(dir: &Path) -> Result<(), Error> {
    let nearest = dir.ancestors().find_map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((path, metadata))
    });
    let Some((path, metadata)) = nearest else {
        return Ok(());
    };
    if !metadata.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(Error::io("create", dir)(source));
    }
    if path == dir {
        refuse_exposed(dir, &metadata)?;
        refuse_stranger(dir, metadata.uid(), own_uid())?;
        return refuse_strange_files(dir, &dir.join("store"));
    }
    if may_write(metadata.uid(), metadata.mode(), own_uid()) {
        return Ok(());
    }
    let source = io::Error::from(io::ErrorKind::PermissionDenied);
    Err(Error::io("create", dir)(source))
}

/// Whether files can be made in a directory. Which groups the process is in is not looked up: that a group may is
/// taken for a yes.
fn may_write(owner: u32, mode: u32, own: Option<u32>) -> bool {
    match own {
        None | Some(0) => true,
        Some(own) if own == owner => mode & 0o200 != 0,
        Some(_) => mode & 0o022 != 0,
    }
}

fn refuse_exposed(dir: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    let mode = metadata.permissions().mode() & 0o7777;
    match mode & OTHERS {
        0 => Ok(()),
        _ => Err(Error::Exposed {
            dir: dir.to_owned(),
            mode,
        }),
    }
}

/// Whether there is a store in `dir`; nothing is made.
///
/// # Errors
///
/// [`Error::OtherOwner`] when `dir` is somebody else's, who alone may say, and [`Error::Io`].
pub(super) fn holds_store(dir: &Path) -> Result<bool, Error> {
    match fs::metadata(dir) {
        Ok(metadata) => refuse_stranger(dir, metadata.uid(), own_uid())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("inspect", dir)(error)),
    }
    let sled_dir = dir.join("store");
    sled_dir.try_exists().map_err(Error::io("inspect", dir))
}

/// Whose this process is: /proc/self belongs to its effective user (proc(5)). `None` where there is no /proc.
fn own_uid() -> Option<u32> {
    fs::metadata("/proc/self").map(|own| own.uid()).ok()
}

fn refuse_stranger(dir: &Path, owner: u32, own: Option<u32>) -> Result<(), Error> {
    match own {
        Some(own) if own != owner => Err(Error::OtherOwner {
            dir: dir.to_owned(),
            owner,
            own,
        }),
        _ => Ok(()),
    }
}

/// Finds the file below `sled_dir` that somebody else left there, as an older ldap365 run by root did.
///
/// sled names no file when it cannot open one.
pub(super) fn refuse_strange_files(dir: &Path, sled_dir: &Path) -> Result<(), Error> {
    let owner = fs::metadata(dir).map_err(Error::io("inspect", dir))?.uid();
    strange_file(dir, sled_dir, owner)
}

fn strange_file(dir: &Path, path: &Path, owner: u32) -> Result<(), Error> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // There is no store yet, or sled has just thrown this file away.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("inspect", path)(error)),
    };
    if metadata.uid() != owner {
        return Err(Error::StrangeFile {
            dir: dir.to_owned(),
            path: path.to_owned(),
            owner: metadata.uid(),
            wanted: owner,
        });
    }
    if metadata.is_dir() {
        for file in fs::read_dir(path).map_err(Error::io("list", path))? {
            strange_file(dir, &file.map_err(Error::io("list", path))?.path(), owner)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_the_owner_is_let_in_not_even_root() {
        let dir = Path::new("/var/lib/ldap365");
        assert!(refuse_stranger(dir, 65534, Some(65534)).is_ok());
        assert!(refuse_stranger(dir, 65534, None).is_ok());
        for own in [0, 1000] {
            let error = refuse_stranger(dir, 65534, Some(own)).unwrap_err();
            assert!(
                error.to_string().contains("`sudo -u '#65534' ldap365 …`"),
                "{error}"
            );
        }
    }

    #[test]
    fn this_process_is_the_owner_of_what_it_makes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(own_uid(), Some(fs::metadata(dir.path()).unwrap().uid()));
        assert!(!holds_store(dir.path()).unwrap());
        assert!(!holds_store(&dir.path().join("missing")).unwrap());
    }

    #[test]
    fn what_would_stop_the_daemon_is_told_without_making_anything() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("data");
        try_out(&dir).unwrap();
        assert!(!dir.exists());
        fs::write(&dir, "in the way").unwrap();
        assert!(matches!(try_out(&dir), Err(Error::Io { .. })));
        fs::remove_file(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        restrict(&dir, 0o750).unwrap();
        assert!(matches!(try_out(&dir), Err(Error::Exposed { .. })));
        restrict(&dir, 0o700).unwrap();
        try_out(&dir).unwrap();
    }

    #[test]
    fn directory_of_root_is_not_for_others_to_write_to() {
        for (mode, own, may) in [
            (0o755, Some(1000), false),
            (0o1777, Some(1000), true),
            (0o755, Some(7), true),
            (0o555, Some(7), false),
            (0o755, Some(0), true),
        ] {
            assert_eq!(may_write(7, mode, own), may, "{mode:o} {own:?}");
        }
    }

    #[test]
    fn file_of_somebody_else_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let sled_dir = dir.path().join("store");
        let blobs = sled_dir.join("blobs");
        fs::create_dir_all(&blobs).unwrap();
        let file = blobs.join("snap.0001");
        fs::write(&file, "").unwrap();
        refuse_strange_files(dir.path(), &sled_dir).unwrap();
        let own = own_uid().unwrap();
        // Only root can give files away, so the directory's owner is another one here instead.
        let error = strange_file(dir.path(), &file, own + 1).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("snap.0001 belongs to uid"), "{text}");
        assert!(text.contains(&format!("chown -R {}", own + 1)), "{text}");
    }
}
