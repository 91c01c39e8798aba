//! Small secrets, encrypted at rest: a copy of the store alone gives none of them away.
//!
//! Each is sealed with ChaCha20-Poly1305 (RFC 8439) under a key that lies outside the store: the systemd credential
//! `ldap365.key` when the service is given one (`LoadCredential=`), else `vault.key` in the data directory, which is
//! made when the first secret is sealed. The name of a secret is authenticated with it, so that nobody who can write
//! to the store can pass one secret off as another.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::Key;
use super::record::{SealedRecord, decode, encode};
use super::{Error, Shared, Store};

/// Octets of a key.
const KEY_LEN: usize = 32;
/// The key in the data directory.
const KEY_FILE: &str = "vault.key";
/// The key among the credentials of a systemd service.
const SYSTEMD_CREDENTIAL: &str = "ldap365.key";
/// Where systemd puts the credentials of a service (systemd.exec(5), "Credentials").
const SYSTEMD_VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// The bits of a mode that let group and others in.
const OTHERS: u32 = 0o077;

/// Why a secret cannot be sealed or unsealed. The administrator must act; the rest of the store is not affected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Others on this host could read the key.
    #[error("the key {} has mode {mode:04o}, so group or others can reach it: run `chmod 600 {}`", path.display(), path.display())]
    KeyExposed {
        /// The key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no key.
    #[error(
        "the key {} has {found} octets instead of {KEY_LEN}: restore it from a backup; or, if it is lost, write a new \
         one (head -c {KEY_LEN} /dev/urandom) and authorize every delegated credential again", path.display()
    )]
    KeyLength {
        /// The key.
        path: PathBuf,
        /// Its length in octets; of a longer file, one more than it should be.
        found: usize,
    },
    /// There are secrets, and no key.
    #[error("{what} cannot be read, because its key {} is missing: restore the key, or authorize again", path.display())]
    KeyMissing {
        /// The secret.
        what: String,
        /// Where the key belongs.
        path: PathBuf,
    },
    /// There are secrets and no key, and a new key would make the loss final without a word.
    #[error(
        "{what} was sealed with a key that is missing, so no new one is made: restore {}, or give the service its \
         credential {SYSTEMD_CREDENTIAL} again; or, if the key is lost, write a new one (head -c {KEY_LEN} \
         /dev/urandom, mode 0600) and authorize every delegated credential again", path.display()
    )]
    KeyLost {
        /// A secret that the key is needed for.
        what: String,
        /// Where the key belongs.
        path: PathBuf,
    },
    /// The key is one, but not the one that sealed the secret.
    #[error("{what} was sealed with another key than {}: restore that key, or authorize again", path.display())]
    OtherKey {
        /// The secret.
        what: String,
        /// The key at hand.
        path: PathBuf,
    },
    /// Whoever changed the secret did not have the key.
    #[error("{what} was changed after it was sealed, and is not trusted: authorize again")]
    Tampered {
        /// The secret.
        what: String,
    },
    /// The system gave no random numbers.
    #[error("the system has no random numbers to give")]
    NoRandomness,
}

/// Where the key is, and who looks after the file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyFile {
    /// systemd's, which also guards it (its mode may show the mask of an access control list).
    Systemd(PathBuf),
    /// Ours.
    Own(PathBuf),
}

struct VaultKey {
    id: [u8; 8],
    cipher: LessSafeKey,
    path: PathBuf,
}

impl Store {
    /// Encrypts `secret` and keeps it under `name`, in the place of the one before; returns once it is durable.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`] when the key cannot be used, or is missing though another secret was sealed with it, and
    /// nothing was changed. After any other error either secret may
    /// be on the disk, and the store must be opened anew, as after a failed [`commit`](Self::commit).
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<(), Error> {
        let shared = &*self.shared;
        let mut writer = shared.writer();
        shared.refuse_doubt(&writer)?;
        let key = shared.read_or_make_key(Some(name))?;
        let record = key.seal(name, secret)?;
        writer.is_in_doubt = true;
        let key = Key::Secret(name).to_bytes();
        let written = shared.db.insert(key, encode::<SealedRecord>(record));
        written.map_err(Error::sled("write", &shared.dir))?;
        shared.flush()?;
        writer.is_in_doubt = false;
        Ok(())
    }

    /// Makes sure that a secret could be sealed, under `name` if that is known already; the key is made if there is
    /// none yet.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`] when the key cannot be used, or is missing though another secret was sealed with it.
    pub fn ready_vault(&self, name: Option<&str>) -> Result<(), Error> {
        // Within the writer's lock: two hands could make two keys.
        let _writer = self.shared.writer();
        self.shared.read_or_make_key(name).map(drop)
    }

    /// The secret last kept under `name`, if any.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`] when the key is not the one that sealed it, or cannot be used.
    pub fn unseal(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let shared = &*self.shared;
        let place = Key::Secret(name);
        let found = shared.db.get(place.to_bytes());
        let Some(record) = found.map_err(Error::sled("read", &shared.dir))? else {
            return Ok(None);
        };
        let record: SealedRecord = decode(&record).map_err(Error::record(&shared.dir, place))?;
        let file = KeyFile::of(&shared.dir);
        let key = file.read()?.ok_or_else(|| VaultError::KeyMissing {
            what: place.to_string(),
            path: file.path().to_owned(),
        })?;
        Ok(Some(key.unseal(name, record)?))
    }

    /// Removes the secret under `name`, if there is one; returns once that is durable.
    ///
    /// # Errors
    ///
    /// Those of sled; the store must be opened anew.
    pub fn forget(&self, name: &str) -> Result<(), Error> {
        let shared = &*self.shared;
        let mut writer = shared.writer();
        shared.refuse_doubt(&writer)?;
        writer.is_in_doubt = true;
        let removed = shared.db.remove(Key::Secret(name).to_bytes());
        removed.map_err(Error::sled("write", &shared.dir))?;
        shared.flush()?;
        writer.is_in_doubt = false;
        Ok(())
    }
}

impl Shared {
    /// The key; a new one where none is needed for what is sealed already, but for what `name` is to replace.
    fn read_or_make_key(&self, name: Option<&str>) -> Result<VaultKey, Error> {
        let file = KeyFile::of(&self.dir);
        if let Some(key) = file.read()? {
            return Ok(key);
        }
        let replaced = name.map(|name| Key::Secret(name).to_bytes());
        for key in self.db.scan_prefix(Key::Secret("").to_bytes()).keys() {
            let key = key.map_err(Error::sled("read", &self.dir))?;
            if replaced.as_deref() != Some(&key[..]) {
                let secret = Key::from_bytes(&key);
                let secret = secret.map_err(Error::record(&self.dir, "an unknown record"))?;
                return Err(VaultError::KeyLost {
                    what: secret.to_string(),
                    path: file.path().to_owned(),
                }
                .into());
            }
        }
        file.make()
    }
}

impl VaultKey {
    fn new(octets: &[u8; KEY_LEN], path: &Path) -> Self {
        let digest = Sha256::new_with_prefix(b"ldap365 vault key\0").chain_update(octets);
        let digest: [u8; 32] = digest.finalize().into();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, octets)
            .expect("the key has the length of the algorithm");
        Self {
            id,
            cipher: LessSafeKey::new(unbound),
            path: path.to_owned(),
        }
    }

    fn seal(&self, name: &str, secret: &[u8]) -> Result<SealedRecord, VaultError> {
        // Random nonces suffice: a secret is sealed about once an hour, and they collide after some 2^48.
        let nonce: [u8; NONCE_LEN] = random()?;
        // Room for the tag from the start: a growing Vec would leave the secret behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(
            secret.len() + CHACHA20_POLY1305.tag_len(),
        ));
        sealed.extend_from_slice(secret);
        self.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(name)),
                &mut *sealed,
            )
            .expect("no secret reaches the 256 GiB that ChaCha20 is good for");
        Ok(SealedRecord {
            key_id: self.id,
            nonce,
            sealed: sealed.to_vec(),
        })
    }

    fn unseal(&self, name: &str, record: SealedRecord) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let what = Key::Secret(name).to_string();
        if record.key_id != self.id {
            return Err(VaultError::OtherKey {
                what,
                path: self.path.clone(),
            });
        }
        let mut opened = Zeroizing::new(record.sealed);
        let nonce = Nonce::assume_unique_for_key(record.nonce);
        let length = self
            .cipher
            .open_in_place(nonce, Aad::from(associated(name)), &mut opened)
            .map_err(|_| VaultError::Tampered { what })?
            .len();
        opened.truncate(length);
        Ok(opened)
    }
}

/// Whether the key of a store's vault can be used, if there is one: its mode and its length. The store is not opened,
/// and may be open elsewhere.
///
/// # Errors
///
/// [`Error::Vault`], or that the file cannot be read.
pub fn check_vault_key(data_dir: &Path) -> Result<(), Error> {
    KeyFile::of(data_dir).read().map(drop)
}

impl KeyFile {
    fn of(data_dir: &Path) -> Self {
        let credentials = env::var_os(SYSTEMD_VARIABLE).map(PathBuf::from);
        Self::among(data_dir, credentials.as_deref())
    }

    fn among(data_dir: &Path, credentials: Option<&Path>) -> Self {
        let given = credentials.map(|dir| dir.join(SYSTEMD_CREDENTIAL));
        match given.filter(|path| path.exists()) {
            Some(path) => Self::Systemd(path),
            None => Self::Own(data_dir.join(KEY_FILE)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Systemd(path) | Self::Own(path) => path,
        }
    }

    /// The key; `None` when there is no file.
    fn read(&self) -> Result<Option<VaultKey>, Error> {
        let path = self.path();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", path)(error)),
        };
        let mode = file.metadata().map_err(Error::io("inspect", path))?.mode() & 0o7777;
        if matches!(self, Self::Own(_)) && mode & OTHERS != 0 {
            let path = path.to_owned();
            return Err(VaultError::KeyExposed { path, mode }.into());
        }
        let mut octets = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
        file.take(KEY_LEN as u64 + 1)
            .read_to_end(&mut octets)
            .map_err(Error::io("read", path))?;
        let octets: &[u8; KEY_LEN] =
            octets
                .as_slice()
                .try_into()
                .map_err(|_| VaultError::KeyLength {
                    path: path.to_owned(),
                    found: octets.len(),
                })?;
        Ok(Some(VaultKey::new(octets, path)))
    }

    /// Writes a new key, whole or not at all. The store's lock keeps other processes out.
    fn make(&self) -> Result<VaultKey, Error> {
        let octets = Zeroizing::new(random::<KEY_LEN>()?);
        let path = self.path();
        let temporary = path.with_extension("key.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(Error::io("create", &temporary))?;
        file.write_all(&*octets)
            .and_then(|()| file.sync_all())
            .map_err(Error::io("write", &temporary))?;
        fs::rename(&temporary, path).map_err(Error::io("create", path))?;
        if let Some(dir) = path.parent() {
            let opened = File::open(dir).map_err(Error::io("open", dir))?;
            opened.sync_all().map_err(Error::io("sync", dir))?;
        }
        Ok(VaultKey::new(&octets, path))
    }
}

/// What is authenticated beside a secret: that it is one of the vault, and which.
fn associated(name: &str) -> Vec<u8> {
    [b"ldap365 secret\0", name.as_bytes()].concat()
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut octets = [0; N];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| VaultError::NoRandomness)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    const NAME: &str = "authorization/backup";
    const SECRET: &[u8] = b"0.AXoA refresh token";

    struct Vault {
        store: Store,
        _parent: TempDir,
        dir: PathBuf,
    }

    /// A store with one secret in it.
    fn vault() -> Vault {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("data");
        let store = Store::open(&dir).unwrap();
        store.seal(NAME, SECRET).unwrap();
        Vault {
            store,
            _parent: parent,
            dir,
        }
    }

    impl Vault {
        fn key(&self) -> PathBuf {
            self.dir.join(KEY_FILE)
        }

        fn unsealed(&self) -> Option<Vec<u8>> {
            self.store
                .unseal(NAME)
                .unwrap()
                .map(|secret| secret.to_vec())
        }

        fn fault(&self) -> VaultError {
            match self.store.unseal(NAME) {
                Err(Error::Vault(fault)) => fault,
                other => panic!("{other:?}"),
            }
        }

        fn replace_key(&self, octets: &[u8]) {
            fs::write(self.key(), octets).unwrap();
        }
    }

    #[test]
    fn secret_is_found_again_after_a_restart_and_the_newest_counts() {
        let Vault {
            store,
            _parent,
            dir,
        } = vault();
        store.seal(NAME, b"newer").unwrap();
        drop(store);
        let store = Store::open(&dir).unwrap();
        let unsealed = store.unseal(NAME).unwrap().unwrap();
        assert_eq!(*unsealed, b"newer");
        assert!(store.unseal("authorization/other").unwrap().is_none());
    }

    #[test]
    fn a_ready_vault_has_a_key_and_keeps_it() {
        let vault = vault();
        let before = fs::read(vault.key()).unwrap();
        vault.store.ready_vault(None).unwrap();
        assert_eq!(fs::read(vault.key()).unwrap(), before);
        vault.store.forget(NAME).unwrap();
        fs::remove_file(vault.key()).unwrap();
        vault.store.ready_vault(None).unwrap();
        assert_ne!(fs::read(vault.key()).unwrap(), before);
    }

    #[test]
    fn a_lost_key_is_not_replaced_while_something_is_sealed_with_it() {
        let vault = vault();
        let before = fs::read(vault.key()).unwrap();
        fs::remove_file(vault.key()).unwrap();
        let other = "authorization/primary";
        for refused in [
            vault.store.ready_vault(None),
            vault.store.ready_vault(Some(other)),
            vault.store.seal(other, SECRET),
        ] {
            let Err(Error::Vault(fault @ VaultError::KeyLost { .. })) = refused else {
                panic!("{refused:?}");
            };
            assert!(fault.to_string().contains(NAME), "{fault}");
            assert!(fault.to_string().contains("authorize"), "{fault}");
        }
        assert!(!vault.key().exists());
        vault.replace_key(&before);
        fs::set_permissions(vault.key(), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(vault.unsealed().as_deref(), Some(SECRET));
    }

    #[test]
    fn the_only_secret_that_a_lost_key_sealed_can_be_authorized_again() {
        let vault = vault();
        fs::remove_file(vault.key()).unwrap();
        vault.store.ready_vault(Some(NAME)).unwrap();
        vault.store.seal(NAME, b"newer").unwrap();
        assert_eq!(vault.unsealed().as_deref(), Some(&b"newer"[..]));
    }

    #[test]
    fn forgotten_secret_is_gone() {
        let vault = vault();
        vault.store.forget(NAME).unwrap();
        vault.store.forget(NAME).unwrap();
        assert_eq!(vault.unsealed(), None);
    }

    #[test]
    fn secret_does_not_lie_in_the_store_in_clear() {
        let vault = vault();
        let record = vault
            .store
            .shared
            .db
            .get(Key::Secret(NAME).to_bytes())
            .unwrap()
            .unwrap();
        let reads_as = |part: &[u8]| record.windows(part.len()).any(|window| window == part);
        assert!(!reads_as(&SECRET[..8]));
        let key = fs::read(vault.key()).unwrap();
        assert!(!reads_as(&key[..8]));
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let vault = vault();
        let sealed = || {
            vault
                .store
                .shared
                .db
                .get(Key::Secret(NAME).to_bytes())
                .unwrap()
        };
        let before = sealed();
        vault.store.seal(NAME, SECRET).unwrap();
        assert_ne!(sealed(), before);
    }

    #[test]
    fn key_is_made_once_for_its_owner_alone() {
        let vault = vault();
        let mode = fs::metadata(vault.key()).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        let before = fs::read(vault.key()).unwrap();
        vault.store.seal("another", b"secret").unwrap();
        assert_eq!(fs::read(vault.key()).unwrap(), before);
        assert!(!vault.dir.join("vault.key.new").exists());
    }

    #[test]
    fn another_key_is_named_as_such_and_authorising_again_mends_it() {
        let vault = vault();
        vault.replace_key(&[7; KEY_LEN]);
        assert!(matches!(vault.fault(), VaultError::OtherKey { .. }));
        vault.store.seal(NAME, SECRET).unwrap();
        assert_eq!(vault.unsealed().as_deref(), Some(SECRET));
    }

    #[test]
    fn lost_key_is_named_as_such() {
        let vault = vault();
        fs::remove_file(vault.key()).unwrap();
        let fault = vault.fault();
        assert!(matches!(&fault, VaultError::KeyMissing { path, .. } if *path == vault.key()));
        let expected = "the sealed secret \"authorization/backup\" cannot be read";
        assert!(fault.to_string().starts_with(expected), "{fault}");
    }

    #[test]
    fn key_that_others_can_read_is_refused() {
        let vault = vault();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(vault.key(), Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(vault.fault(), VaultError::KeyExposed { mode: found, .. } if found == mode)
            );
            let sealed = vault.store.seal(NAME, SECRET);
            assert!(matches!(
                sealed,
                Err(Error::Vault(VaultError::KeyExposed { .. }))
            ));
        }
    }

    #[test]
    fn key_of_another_length_is_refused_and_kept() {
        let vault = vault();
        for length in [0, 31, 33, 64] {
            vault.replace_key(&vec![1; length]);
            let expected = length.min(KEY_LEN + 1);
            assert!(
                matches!(vault.fault(), VaultError::KeyLength { found, .. } if found == expected)
            );
            assert!(vault.store.seal(NAME, SECRET).is_err());
            assert_eq!(fs::read(vault.key()).unwrap().len(), length);
        }
    }

    #[test]
    fn no_octet_of_a_sealed_secret_can_be_changed() {
        let vault = vault();
        let key = KeyFile::of(&vault.dir).read().unwrap().unwrap();
        let sealed = key.seal(NAME, SECRET).unwrap();
        let (nonce, octets) = (sealed.nonce, sealed.sealed.len());
        for at in 0..NONCE_LEN + octets {
            let mut changed = SealedRecord {
                key_id: sealed.key_id,
                nonce,
                sealed: sealed.sealed.clone(),
            };
            match at.checked_sub(NONCE_LEN) {
                Some(at) => changed.sealed[at] ^= 1,
                None => changed.nonce[at] ^= 1,
            }
            let unsealed = key.unseal(NAME, changed);
            assert!(matches!(unsealed, Err(VaultError::Tampered { .. })), "{at}");
        }
    }

    #[test]
    fn one_secret_cannot_be_passed_off_as_another() {
        let vault = vault();
        let db = &vault.store.shared.db;
        let record = db.get(Key::Secret(NAME).to_bytes()).unwrap().unwrap();
        db.insert(Key::Secret("authorization/primary").to_bytes(), record)
            .unwrap();
        let unsealed = vault.store.unseal("authorization/primary");
        assert!(matches!(
            unsealed,
            Err(Error::Vault(VaultError::Tampered { .. }))
        ));
    }

    #[test]
    fn systemd_credential_comes_first_where_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let own = KeyFile::Own(Path::new("/data/vault.key").to_owned());
        let data_dir = Path::new("/data");
        assert_eq!(KeyFile::among(data_dir, None), own);
        assert_eq!(KeyFile::among(data_dir, Some(dir.path())), own);
        let given = dir.path().join(SYSTEMD_CREDENTIAL);
        fs::write(&given, [3; KEY_LEN]).unwrap();
        fs::set_permissions(&given, Permissions::from_mode(0o440)).unwrap();
        let file = KeyFile::among(data_dir, Some(dir.path()));
        assert_eq!(file, KeyFile::Systemd(given));
        assert!(file.read().unwrap().is_some());
    }

    #[test]
    fn secrets_are_no_part_of_the_state() {
        let vault = vault();
        assert_eq!(
            vault.store.load().unwrap(),
            crate::directory::State::default()
        );
    }
}
