//! Argon2id: the hashes of service accounts' passwords.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{Output, PasswordHash, PasswordHasher, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::secret::Secret;

/// Memory of one hash, in KiB (OWASP, "Password Storage Cheat Sheet": m=19456, t=2, p=1).
const MEMORY_KIB: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// How many checks may wait for a core before further ones are turned away.
const WAITING_MAX: usize = 64;

/// A hash that no password is known for, of the parameters above: checking it takes as long as a real one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGRhcDM2NSBub2JvZHkhIQ$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

/// Hashes a password for the configuration file; the result is a PHC string.
///
/// It takes a noticeable time and 19 MiB: call it from a thread that may block.
///
/// # Panics
/// When the system has no random numbers to give.
pub fn hash_password(password: &Secret) -> String {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("the parameters are within Argon2's bounds");
    let salt = SaltString::generate(&mut OsRng);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose().as_bytes(), &salt)
        .expect("a password is shorter than 4 GiB and the salt is well formed")
        .to_string()
}

/// Whether `text` is an Argon2id hash in PHC string form.
pub fn is_usable(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| {
        hash.algorithm == argon2::ARGON2ID_IDENT
            && hash.hash.is_some()
            && Params::try_from(&hash).is_ok()
    })
}

/// Whether a password matches a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The hash is not one of Argon2id.
    Unusable,
}

/// Why a password was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchecked {
    /// Too many are waiting.
    Busy,
    /// The runtime is shutting down.
    Stopping,
}

/// Checks passwords on as many threads as there are cores, so that a flood of binds cannot take the
/// machine's memory, nor stall the connections.
#[derive(Debug)]
pub(super) struct Verifier {
    /// One for each check under way.
    cores: Arc<Semaphore>,
    /// One for each check under way or waiting.
    admitted: Arc<Semaphore>,
    /// Working memory of checks that are done, for the next ones. Allocated anew each time, every
    /// thread's heap would come to keep 19 MiB of its own.
    memories: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Verifier {
    pub(super) fn for_this_host() -> Self {
        Self::with(available_parallelism().map_or(1, usize::from), WAITING_MAX)
    }

    pub(super) fn with(cores: usize, waiting_max: usize) -> Self {
        Self {
            cores: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores + waiting_max)),
            memories: Arc::default(),
        }
    }

    /// Checks `password` against `hash`, or against nobody's hash, which takes the same time.
    pub(super) async fn check(
        &self,
        password: &Secret,
        hash: Option<&Arc<Secret>>,
    ) -> Result<Match, Unchecked> {
        let admitted = self
            .admitted
            .clone()
            .try_acquire_owned()
            .map_err(|_| Unchecked::Busy)?;
        let core = self
            .cores
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Unchecked::Stopping)?;
        let (password, hash, memories) = (password.clone(), hash.cloned(), self.memories.clone());
        tokio::task::spawn_blocking(move || {
            // The permits live as long as the work: it goes on when the asker has gone.
            let _permits = (admitted, core);
            let idle = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = idle().pop().unwrap_or_default();
            let matched = compare(
                &password,
                hash.as_deref().map_or(NOBODY, Secret::expose),
                &mut memory,
            );
            idle().push(memory);
            matched
        })
        .await
        .map_err(|_| Unchecked::Stopping)
    }
}

fn compare(password: &Secret, hash: &str, memory: &mut Vec<Block>) -> Match {
    if !is_usable(hash) {
        return Match::Unusable;
    }
    match PasswordHash::new(hash)
        .ok()
        .and_then(|hash| matches(password, &hash, memory))
    {
        Some(true) => Match::Yes,
        Some(false) => Match::No,
        None => Match::Unusable,
    }
}

/// Hashes the password as `hash` was, in `memory`, and compares in constant time; `None` when `hash`
/// lacks a part.
fn matches(password: &Secret, hash: &PasswordHash, memory: &mut Vec<Block>) -> Option<bool> {
    let expected = hash.hash?;
    let params = Params::try_from(hash).ok()?;
    let version = hash
        .version
        .map_or(Ok(Version::V0x13), Version::try_from)
        .ok()?;
    let mut salt = [0; Salt::MAX_LENGTH];
    let salt = hash.salt?.decode_b64(&mut salt).ok()?;
    memory.resize(memory.len().max(params.block_count()), Block::new());
    let mut computed = [0; Output::MAX_LENGTH];
    let computed = computed.get_mut(..expected.len())?;
    Argon2::new(Algorithm::Argon2id, version, params)
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, computed, memory)
        .ok()?;
    Some(Output::new(computed).is_ok_and(|computed| computed == expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn hash_is_salted_argon2id_that_verifies_its_password_only() {
        let hash = hash_password(&secret("correct horse"));
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(hash, hash_password(&secret("correct horse")));
        assert_eq!(
            compare(&secret("correct horse"), &hash, &mut Vec::new()),
            Match::Yes
        );
        assert_eq!(
            compare(&secret("correct horsf"), &hash, &mut Vec::new()),
            Match::No
        );
    }

    #[test]
    fn nobody_is_a_hash_like_any_other() {
        assert!(is_usable(NOBODY));
        assert_eq!(
            compare(&secret("nobody"), NOBODY, &mut Vec::new()),
            Match::No
        );
        let params = Params::try_from(&PasswordHash::new(NOBODY).unwrap()).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (MEMORY_KIB, PASSES, LANES)
        );
    }

    #[test]
    fn what_is_no_argon2id_hash_is_unusable() {
        for text in [
            "",
            "secret",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2g",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
        ] {
            assert!(!is_usable(text), "{text}");
            assert_eq!(
                compare(&secret("secret"), text, &mut Vec::new()),
                Match::Unusable
            );
        }
    }

    #[tokio::test]
    async fn checks_beyond_the_queue_are_turned_away_until_there_is_room() {
        let verifier = Verifier::with(1, 1);
        let core = verifier.cores.clone().acquire_owned().await.unwrap();
        let password = secret("x");
        let (running, waiting) = (
            verifier.check(&password, None),
            verifier.check(&password, None),
        );
        tokio::pin!(running, waiting);
        // Polled once each: both are admitted, and wait for the only core.
        assert!(is_pending(running.as_mut()).await && is_pending(waiting.as_mut()).await);
        assert_eq!(verifier.check(&password, None).await, Err(Unchecked::Busy));
        drop(core);
        assert_eq!(
            tokio::join!(running, waiting),
            (Ok(Match::No), Ok(Match::No))
        );
        assert_eq!(verifier.check(&password, None).await, Ok(Match::No));
    }

    /// Polls a future once; whether it is pending.
    async fn is_pending<F: Future + Unpin>(mut future: F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut future).poll(context).is_pending())
        })
        .await
    }
}
