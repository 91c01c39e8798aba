//! `ldap365 hash-password`

use std::io::{self, BufRead, IsTerminal};

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::json;
use thiserror::Error;

use super::output::Output;
use crate::secret::Secret;

/// Longest password line read.
const LINE_BYTES_MAX: u64 = 4096;

/// Cost of a hash (OWASP, "Password Storage Cheat Sheet": 19 MiB, two passes, one lane).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why there is no hash.
#[derive(Debug, Error)]
pub enum Error {
    /// Standard input cannot be read, or is not text.
    #[error("cannot read a password from standard input")]
    Read(#[source] io::Error),
    /// Nothing was typed.
    #[error(
        "the password is empty, and an empty password never authenticates; give one on standard input"
    )]
    Empty,
    /// No line end within the bound.
    #[error("the password is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The two passwords typed differ.
    #[error("the two passwords differ; try again")]
    Differ,
    /// Argon2 refused, which its fixed parameters give no cause for.
    #[error("cannot hash the password")]
    Hash(#[source] password_hash::Error),
}

/// Reads a password and prints its hash.
pub(super) fn run(output: &mut Output) -> Result<(), super::Error> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        ask()?
    } else {
        read_line(stdin.lock())?
    };
    let hash = hash(&password, &SaltString::generate(&mut OsRng))?;
    output.show(&json!({ "password_hash": hash }), &hash)
}

/// Asks twice, because nobody sees what is typed.
fn ask() -> Result<Secret, Error> {
    let prompt = |text| {
        rpassword::prompt_password(text)
            .map(Secret::new)
            .map_err(Error::Read)
    };
    let password = prompt("Password: ")?;
    if password.is_empty() {
        return Err(Error::Empty);
    }
    let again = prompt("Again: ")?;
    if password.expose() == again.expose() {
        Ok(password)
    } else {
        Err(Error::Differ)
    }
}

/// One line, without its end.
fn read_line(input: impl BufRead) -> Result<Secret, Error> {
    // Large enough from the start: a growing String would leave copies of the password behind.
    let mut line = String::with_capacity(LINE_BYTES_MAX as usize);
    let result = input.take(LINE_BYTES_MAX).read_line(&mut line);
    let bytes_read = line.len() as u64;
    let is_complete = line.ends_with('\n') || bytes_read < LINE_BYTES_MAX;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    let password = Secret::new(line);
    result.map_err(Error::Read)?;
    match (is_complete, password.is_empty()) {
        (false, _) => Err(Error::TooLong),
        (true, true) => Err(Error::Empty),
        (true, false) => Ok(password),
    }
}

/// The Argon2id hash in PHC string form.
fn hash(password: &Secret, salt: &SaltString) -> Result<String, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("the constants are within Argon2's bounds");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2
        .hash_password(password.expose().as_bytes(), salt)
        .map_err(Error::Hash)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHash, PasswordVerifier};

    use super::*;

    fn read(input: &str) -> Result<String, String> {
        let read = read_line(input.as_bytes());
        read.map(|password| password.expose().to_owned())
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn one_line_is_the_password_and_its_end_is_not() {
        for input in [
            "pass word",
            "pass word\n",
            "pass word\r\n",
            "pass word\nsecond\n",
        ] {
            assert_eq!(read(input), Ok("pass word".to_owned()), "{input:?}");
        }
        assert_eq!(
            read(" leading and trailing \n"),
            Ok(" leading and trailing ".to_owned())
        );
    }

    #[test]
    fn empty_endless_and_binary_passwords_are_refused() {
        for input in ["", "\n", "\r\n"] {
            assert_eq!(read(input), Err("Empty".to_owned()), "{input:?}");
        }
        assert_eq!(read(&"x".repeat(5000)), Err("TooLong".to_owned()));
        assert!(matches!(read_line(&b"\xff\n"[..]), Err(Error::Read(_))));
    }

    #[test]
    fn the_hash_carries_its_parameters_and_verifies() {
        let salt = SaltString::encode_b64(b"salt of sixteen.").expect("a salt");
        let hash = hash(&Secret::new("pass word".to_owned()), &salt).expect("hashed");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let parsed = PasswordHash::new(&hash).expect("a PHC string");
        assert!(
            Argon2::default()
                .verify_password(b"pass word", &parsed)
                .is_ok()
        );
        assert!(
            Argon2::default()
                .verify_password(b"password", &parsed)
                .is_err()
        );
    }
}
