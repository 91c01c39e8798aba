//! The record of a sealed secret.

use serde::{Deserialize, Serialize};

/// A secret as the vault sealed it.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct SealedRecord {
    /// Which key sealed it, so that another key is told from damage.
    pub key_id: [u8; 8],
    /// The nonce, which no other secret under this key has.
    pub nonce: [u8; 12],
    /// The ciphertext with its tag behind it.
    pub sealed: Vec<u8>,
}
