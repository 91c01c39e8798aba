//! Rust files as tokens, as far as these tests need to read them: comments and literals are gone, paths are whole.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file and its place in the tree of modules.
pub struct Source {
    /// From the root of the repository, for messages.
    pub path: PathBuf,
    /// `["sync", "rules"]` for `src/sync/rules.rs`; empty for `src/lib.rs`.
    pub module: Vec<String>,
    /// Identifiers, `::`, and every other character that is no space.
    pub tokens: Vec<String>,
}

impl Source {
    /// Reads a file of `src/`.
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let from_root = path.strip_prefix(root).expect("the file is below the root");
        Self::parse(from_root, &text)
    }

    /// Takes `text` for the content of `path`, which starts at the root of the repository.
    pub fn parse(path: &Path, text: &str) -> Self {
        let below_src = path.strip_prefix("src").expect("sources are in src/");
        let module = match below_src.to_str() {
            Some("lib.rs") => Vec::new(),
            _ => {
                let names = below_src.with_extension("");
                let names = names.iter().map(|name| name.to_string_lossy().into_owned());
                names.collect()
            }
        };
        Self {
            path: path.to_owned(),
            module,
            tokens: tokens(&without_comments_and_literals(text)),
        }
    }

    /// The tokens of what is compiled into the program: items under `#[cfg(test)]` are left out.
    pub fn tokens_outside_tests(&self) -> Vec<&str> {
        let tokens: Vec<&str> = self.tokens.iter().map(String::as_str).collect();
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at..].starts_with(CFG_TEST) {
                at = end_of_item(&tokens, at + CFG_TEST.len());
            } else {
                kept.push(tokens[at]);
                at += 1;
            }
        }
        kept
    }

    /// The modules declared with `mod name;`, and whether they are for tests only.
    pub fn declared_modules(&self) -> Vec<(Vec<String>, bool)> {
        let mut declared = Vec::new();
        for (at, window) in self.tokens.windows(3).enumerate() {
            let [keyword, name, end] = window else {
                continue;
            };
            if keyword == "mod" && end == ";" {
                let before: Vec<&str> = self.tokens[..at].iter().map(String::as_str).collect();
                let attributes = VISIBILITIES
                    .iter()
                    .find_map(|visibility| before.strip_suffix(*visibility))
                    .unwrap_or(&before);
                let child = [self.module.as_slice(), std::slice::from_ref(name)].concat();
                declared.push((child, attributes.ends_with(CFG_TEST)));
            }
        }
        declared
    }
}

const CFG_TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

const VISIBILITIES: [&[&str]; 3] = [
    &["pub", "(", "crate", ")"],
    &["pub", "(", "super", ")"],
    &["pub"],
];

/// Where the item that begins at `at` ends: behind its `;` or its closing brace.
fn end_of_item(tokens: &[&str], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *token == "}" {
                    return at + offset + 1;
                }
            }
            ";" if depth == 0 => return at + offset + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Every file of `src/`, in the order of their names.
pub fn sources(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    files.iter().map(|path| Source::read(root, path)).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn tokens(code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

/// The text with a space for each comment and each string or character literal.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal_or_comment(rest, code.chars().next_back());
        match length {
            Some(length) => {
                code.push(' ');
                rest = &rest[length..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// How long the comment or literal is that `rest` begins with, if it does.
fn literal_or_comment(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    let follows_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    (!follows_word).then(|| raw_string(rest)).flatten()
}

/// A character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    let (_, content) = characters.next()?;
    match (content, characters.next()?) {
        ('\\', _) => Some(quoted(rest, '\'')),
        (_, (at, '\'')) => Some(at + 1),
        _ => None,
    }
}

fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let body = after.trim_start_matches('#');
    let end = format!("\"{}", &after[..after.len() - body.len()]);
    let inner = body.strip_prefix('"')?;
    let opening = rest.len() - inner.len();
    let length = inner.find(&end).map(|at| opening + at + end.len());
    Some(length.unwrap_or(rest.len()))
}

/// The length of a literal from its opening quote to its closing one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
