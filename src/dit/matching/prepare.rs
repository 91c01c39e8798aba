//! String preparation (RFC 4518): what two texts must have in common to be the same text.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// How the case of letters counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Ignore,
    Exact,
}

/// Transcode, map, normalise, and squeeze spaces (RFC 4518 §2), with short cuts for values that are
/// their own normal form and for printable ASCII, which Unicode leaves as it is.
pub(super) fn text(value: &[u8], case: Case) -> Option<Cow<'_, [u8]>> {
    if is_normal(value, case) {
        return Some(Cow::Borrowed(value));
    }
    if value.iter().all(|octet| (b' '..=b'~').contains(octet)) {
        let mut key = squeeze(value);
        if case == Case::Ignore {
            key.make_ascii_lowercase();
        }
        return Some(Cow::Owned(key));
    }
    let folded = fold(std::str::from_utf8(value).ok()?, case);
    Some(Cow::Owned(squeeze(folded.as_bytes())))
}

/// Plain ASCII without capitals to fold or spaces to squeeze.
fn is_normal(value: &[u8], case: Case) -> bool {
    let plain = |&octet: &u8| {
        (0x21..0x7f).contains(&octet) && !(case == Case::Ignore && octet.is_ascii_uppercase())
    };
    value
        .split(|&octet| octet == b' ')
        .all(|word| !word.is_empty() && word.iter().all(plain))
}

/// Mapping and normalisation: controls and zero-width characters vanish, every space is SPACE,
/// case folds, compatibility forms compose (RFC 4518 §2.2, §2.3).
pub(super) fn fold(value: &str, case: Case) -> String {
    let mapped = value.chars().filter_map(|c| match c {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' => Some(' '),
        '\u{ad}'
        | '\u{34f}'
        | '\u{1806}'
        | '\u{180b}'..='\u{180d}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2063}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffc}' => None,
        c if c.is_control() => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    });
    match case {
        Case::Exact => mapped.nfkc().collect(),
        // Composed first, so that a letter and its accent fold alike however they were typed.
        Case::Ignore => mapped.nfkc().flat_map(char::to_lowercase).nfkc().collect(),
    }
}

/// Drops spaces at both ends and doubles between words (RFC 4518 §2.6.1).
pub(super) fn squeeze(value: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(value.len());
    for word in value
        .split(|&octet| octet == b' ')
        .filter(|word| !word.is_empty())
    {
        if !key.is_empty() {
            key.push(b' ');
        }
        key.extend_from_slice(word);
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The short cuts change nothing.
        #[test]
        fn printable_ascii_is_prepared_as_unicode_would_prepare_it(value in "[ -~]{0,40}") {
            for case in [Case::Ignore, Case::Exact] {
                let whole = squeeze(fold(&value, case).as_bytes());
                prop_assert_eq!(text(value.as_bytes(), case).map(Cow::into_owned), Some(whole));
            }
        }
    }
}
