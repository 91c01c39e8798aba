//! Text that must never be seen: passwords, client secrets, tokens.

use std::fmt;

use zeroize::Zeroizing;

/// A secret held in memory: wiped when dropped, and invisible to `Debug`.
///
/// There is no `Display`; whoever needs the text says so with [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, to hand to whatever must send or check it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Nothing to keep secret: an empty password, an empty file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
