//! Usernames and group names made safe for Unix.

mod reserved;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::User;
use super::registry::UsernameSource;

pub use reserved::BUILTIN_RESERVED;

/// What `useradd` and utmp hold of a username (`UT_NAMESIZE`).
const USERNAME_OCTETS_MAX: usize = 32;

/// A whole userPrincipalName rarely fits 32 octets; this is `LOGIN_NAME_MAX` without its NUL.
const UPN_OCTETS_MAX: usize = 255;

/// The username that `source` yields for this user; `None` when nothing usable is left.
///
/// The rule: fold to lower-case ASCII (accents dropped, `ß` to `ss`, `ø` to `o` and so on), keep
/// `a-z 0-9 . _ -`, drop everything else. Leading `.` and `-` and trailing ones go too, a name that
/// starts with a digit gets a `_` in front, and one of digits only is refused, because programs
/// would read it as a number. Cut after 32 octets. With [`UsernameSource::Upn`] the rule
/// applies to what stands before the `@`, the domain follows, and the limit is 255 octets. The `#EXT#` that
/// marks a guest is left out first.
pub fn username(user: &User, source: UsernameSource) -> Option<String> {
    let text = match source {
        UsernameSource::Upn | UsernameSource::UpnPrefix => user.user_principal_name.as_deref()?,
        UsernameSource::MailNickname => user.mail_nickname.as_deref()?,
        UsernameSource::MailPrefix => user.mail.as_deref()?,
        UsernameSource::SamAccountName => user.on_premises_sam_account_name.as_deref()?,
    };
    let text = without_guest_mark(text);
    let text = text.as_str();
    let prefix = text.split_once('@').map_or(text, |(prefix, _)| prefix);
    match source {
        UsernameSource::UpnPrefix | UsernameSource::MailPrefix => {
            posix_name(prefix, USERNAME_OCTETS_MAX)
        }
        UsernameSource::MailNickname | UsernameSource::SamAccountName => {
            posix_name(text, USERNAME_OCTETS_MAX)
        }
        UsernameSource::Upn => whole_upn(
            prefix,
            text.split_once('@').map_or("", |(_, domain)| domain),
        ),
    }
}

/// A group's `cn`: its display name made safe for Unix, and for clients that cut names out of DNs.
///
/// Letters and digits of any script and `. _ -` stay, case kept; every other run of characters
/// becomes one `-`, joined with a `-` beside it; `-` and `.` at either end go. Unicode
/// normalisation form C. `None` when nothing is left, or only ASCII digits, which a host would read
/// as a number.
pub fn group_name(display_name: &str) -> Option<String> {
    let mut name = String::with_capacity(display_name.len());
    let mut gap = false;
    for character in display_name.nfc().filter(|&c| !is_invisible(c)) {
        let is_mark = is_combining_mark(character) && !gap && !name.is_empty();
        if !(character.is_alphanumeric() || is_mark || ".-_".contains(character)) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !name.ends_with('-') && character != '-' {
            name.push('-');
        }
        name.push(character);
    }
    let name = name.trim_matches(['-', '.']);
    (!is_number(name) && name.contains(char::is_alphanumeric)).then(|| name.to_owned())
}

/// The form in which two names are compared: equal when only case, width or spaces around differ.
///
/// NFKC and a full case folding, as caseIgnoreMatch prepares its strings (RFC 4518 §2.2, §2.3).
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim().to_ascii_lowercase();
    }
    // Upper then lower is what maps `ß` to `ss` and both small sigmas to one.
    let folded: String = name
        .trim()
        .nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    folded.nfkc().collect()
}

/// The text in printable ASCII, case kept: for gecos, which passwd(5) readers take for ASCII.
pub fn ascii_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.nfkd() {
        match character {
            ' '..='~' => out.push(character),
            other if other.is_uppercase() => {
                let spelled = other.to_lowercase().map(latin).collect::<String>();
                let mut letters = spelled.chars();
                out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                out.extend(letters);
            }
            other => out.push_str(latin(other)),
        }
    }
    out
}

/// `alice_partner.com#EXT#@contoso.onmicrosoft.com` without the mark of a guest (Graph, `userPrincipalName` of guests).
fn without_guest_mark(text: &str) -> String {
    const MARK: &str = "#EXT#";
    let place = text
        .as_bytes()
        .windows(MARK.len())
        .position(|window| window.eq_ignore_ascii_case(MARK.as_bytes()));
    match place {
        Some(place) => [&text[..place], &text[place + MARK.len()..]].concat(),
        None => text.to_owned(),
    }
}

fn whole_upn(prefix: &str, domain: &str) -> Option<String> {
    let prefix = ascii(prefix);
    let mut name = rooted(prefix.trim_matches(['.', '-']))?;
    let domain = ascii(domain);
    let domain = domain.trim_matches(['.', '-']);
    if domain.is_empty() {
        return cut(name, UPN_OCTETS_MAX);
    }
    name.push('@');
    name.push_str(domain);
    cut(name, UPN_OCTETS_MAX)
}

fn posix_name(text: &str, octets_max: usize) -> Option<String> {
    let name = ascii(text);
    let name = name.trim_matches(['.', '-']);
    if is_number(name) {
        return None;
    }
    cut(rooted(name)?, octets_max)
}

/// Prefixes `_` where a digit stands first: dropping the digit would make it another person's name.
fn rooted(name: &str) -> Option<String> {
    match name.chars().next()? {
        'a'..='z' | '_' => Some(name.to_owned()),
        _ => Some(format!("_{name}")),
    }
}

fn cut(mut name: String, octets_max: usize) -> Option<String> {
    name.truncate(octets_max);
    let kept = name.trim_end_matches(['.', '-', '@']).len();
    name.truncate(kept);
    (!name.is_empty()).then_some(name)
}

/// The text in lower-case ASCII, with only `a-z 0-9 . _ -` left.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.nfkd().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' | '.' | '_' | '-' => out.push(character),
            other => out.push_str(latin(other)),
        }
    }
    out
}

/// Latin letters that no decomposition turns into ASCII, as their languages spell them without.
fn latin(letter: char) -> &'static str {
    match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'ĸ' => "k",
        'ŋ' => "n",
        'ŧ' => "t",
        _ => "",
    }
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Characters that count as letters or marks but show nothing: two names must not differ by them only.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests;
