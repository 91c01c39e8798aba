//! The keys of the configuration, as the example file has them and as the README explains them.

use std::collections::BTreeSet;

/// `table.key` for each key of the example, commented out or not.
pub fn of_example(text: &str) -> BTreeSet<String> {
    let mut table = "";
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim_start_matches('#').trim();
        if let Some(name) = table_name(line) {
            table = name;
        } else if let Some((key, _)) = line.split_once(" = ").or(line.split_once("= "))
            && is_key(key.trim())
        {
            keys.insert(join(table, key.trim()));
        }
    }
    keys
}

/// `table.key` for each row of the README that begins with a key, under a heading that is the table's name. The keys
/// outside any table stand under the heading "Outside any table".
pub fn of_readme(text: &str) -> BTreeSet<String> {
    let mut table = None;
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('#') {
            let heading = line.trim_matches(['#', ' ', '`']);
            table = match heading {
                "Outside any table" => Some(""),
                _ => table_name(heading),
            };
        } else if let Some(table) = table
            && let Some((key, _)) = line.strip_prefix("| `").and_then(|row| row.split_once('`'))
            && is_key(key)
        {
            keys.insert(join(table, key));
        }
    }
    keys
}

/// What stands in the brackets of a line like `[sync]` or `[[credential]]`.
fn table_name(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let name = inner
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    let name = name.unwrap_or(inner);
    let is_name = !name.is_empty() && name.split('.').all(is_key);
    is_name.then_some(name)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}

fn join(table: &str, key: &str) -> String {
    match table {
        "" => key.to_owned(),
        table => format!("{table}.{key}"),
    }
}
