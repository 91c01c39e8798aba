//! Usernames and group names made safe for Unix.

/// Names that hosts trust: accounts and groups every Linux system has.
pub const BUILTIN_RESERVED: &[&str] = &[];

/// temporary until the merge
pub fn ascii_letter(letter: char) -> &'static str {
    match letter {
        'ł' => "l",
        'Ł' => "L",
        _ => "",
    }
}
