//! The structure of the program, held by tests: who may use whom, and what has to stand where.
//!
//! The modules of `src/` are cut as if they were crates. A new arrow between two of them is a decision: it is taken
//! by changing [`MAY_USE`], not by an import that nobody looked at.

#[path = "architecture/keys.rs"]
mod keys;
#[path = "architecture/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ldap365::config::{self, Surroundings};
use source::{Source, sources};

/// Leaves that know nothing of the program: everybody may use them.
const LEAVES: [&str; 2] = ["ber", "secret"];

/// Which modules a module may name, beside itself and the leaves. A longer path takes the place of a shorter one.
const MAY_USE: &[(&str, &[&str])] = &[
    ("admin", &["directory", "sync", "dit", "auth"]),
    ("auth", &["directory", "oauth"]),
    ("ber", &[]),
    // Each part's settings, and no part imports `config`.
    (
        "config",
        &[
            "admin",
            "auth",
            "directory",
            "dit",
            "graph",
            "ldap",
            "oauth",
            "sync",
        ],
    ),
    ("directory", &[]),
    ("dit", &["directory"]),
    ("graph", &["directory", "oauth"]),
    ("ldap", &["auth", "directory", "dit"]),
    ("oauth", &[]),
    ("secret", &[]),
    ("store", &["directory"]),
    ("sync", &["directory", "graph"]),
    ("sync::rules", &["directory"]),
    // The two that assemble the others.
    (
        "app",
        &[
            "admin",
            "auth",
            "config",
            "directory",
            "dit",
            "graph",
            "ldap",
            "oauth",
            "store",
            "sync",
        ],
    ),
    (
        "cli",
        &[
            "admin",
            "app",
            "auth",
            "config",
            "directory",
            "dit",
            "graph",
            "ldap",
            "oauth",
            "sync",
        ],
    ),
    ("main", &["cli"]),
];

/// Which modules may name a crate that is not ours; crates that are not listed are free to all.
const HOMES: &[(&str, &[&str])] = &[
    ("argon2", &["auth", "cli", "config"]),
    ("axum", &["admin"]),
    ("bincode", &["store"]),
    ("clap", &["cli", "main"]),
    ("csv", &["admin"]),
    ("hyper", &["admin"]),
    ("ldap3_proto", &["ldap"]),
    ("oauth2", &["oauth"]),
    ("reqwest", &["graph", "oauth"]),
    ("rustls", &["ldap", "oauth"]),
    ("sled", &["store"]),
    ("tokio_rustls", &["ldap"]),
    ("toml", &["config"]),
    ("x509_parser", &["ldap", "oauth"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every breach of [`MAY_USE`] in a file, its tests included.
fn forbidden_imports(source: &Source) -> Vec<String> {
    let Some(own) = source.module.first() else {
        return Vec::new();
    };
    let module = source.module.join("::");
    let is_within = |name: &str| module == name || module.starts_with(&format!("{name}::"));
    let rows = MAY_USE.iter().filter(|(name, _)| is_within(name));
    let Some((_, allowed)) = rows.max_by_key(|(name, _)| name.len()) else {
        return vec![format!(
            "{}: the table does not know this module",
            source.path.display()
        )];
    };
    let may_use = |name: &str| name == own || LEAVES.contains(&name) || allowed.contains(&name);
    let used = used_modules(source);
    let breaches = used.iter().filter(|name| !may_use(name));
    breaches
        .map(|name| format!("{}: {module} may not use {name}", source.path.display()))
        .collect()
}

/// The modules at the root of the crate that a file names: through `crate::`, `ldap365::`, or `super::` often enough.
fn used_modules(source: &Source) -> BTreeSet<String> {
    let tokens: Vec<&str> = source.tokens.iter().map(String::as_str).collect();
    let mut inline_modules: Vec<usize> = Vec::new();
    let mut braces = 0_usize;
    let mut used = BTreeSet::new();
    for at in 0..tokens.len() {
        match tokens[at] {
            "{" => {
                braces += 1;
                if at >= 2 && tokens[at - 2] == "mod" {
                    inline_modules.push(braces);
                }
            }
            "}" => {
                inline_modules.pop_if(|opened_at| *opened_at == braces);
                braces = braces.saturating_sub(1);
            }
            "crate" | "ldap365" if tokens.get(at + 1) == Some(&"::") => {
                used.extend(heads(&tokens[at + 2..]));
            }
            "super" if at == 0 || tokens[at - 1] != "::" => {
                let steps = tokens[at..]
                    .chunks(2)
                    .take_while(|pair| *pair == ["super", "::"]);
                let steps = steps.count();
                if steps == source.module.len() + inline_modules.len() {
                    used.extend(heads(&tokens[at + 2 * steps..]));
                }
            }
            _ => {}
        }
    }
    used
}

/// The first names of a path, or of each branch of a use tree.
fn heads(tokens: &[&str]) -> Vec<String> {
    let is_module = |name: &str| name.starts_with(|c: char| c.is_lowercase()) || name == "*";
    let Some(first) = tokens.first() else {
        return Vec::new();
    };
    if *first != "{" {
        return Vec::from_iter(is_module(first).then(|| first.to_string()));
    }
    let mut depth = 0_usize;
    let mut heads = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins_branch = depth == 1 && at > 0 && matches!(tokens[at - 1], "{" | ",");
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if begins_branch && is_module(name) => heads.push(name.to_owned()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// Every breach of [`HOMES`] in a file, its tests left out.
fn strangers(source: &Source) -> Vec<String> {
    let Some(own) = source.module.first() else {
        return Vec::new();
    };
    let tokens = source.tokens_outside_tests();
    let is_named = |name: &str| {
        let uses = |pair: &[&str]| pair == [name, "::"] || pair == ["use", name];
        tokens.windows(2).any(uses)
    };
    let foreign = HOMES
        .iter()
        .filter(|(name, homes)| !homes.contains(&own.as_str()) && is_named(name));
    foreign
        .map(|(name, homes)| format!("{}: {name} belongs in {homes:?}", source.path.display()))
        .collect()
}

/// Calls of `unwrap` in a file, its tests left out.
fn unwraps(source: &Source) -> usize {
    let tokens = source.tokens_outside_tests();
    tokens
        .windows(4)
        .filter(|window| *window == [".", "unwrap", "(", ")"])
        .count()
}

/// Modules that are compiled into the tests only, with everything below them.
fn test_modules(sources: &[Source]) -> Vec<Vec<String>> {
    let declared = sources.iter().flat_map(Source::declared_modules);
    let for_tests = declared.filter(|(_, is_for_tests)| *is_for_tests);
    for_tests.map(|(module, _)| module).collect()
}

/// The files of `src/` that end up in the program.
fn program_sources() -> Vec<Source> {
    let all = sources(root());
    let for_tests = test_modules(&all);
    let is_for_tests = |source: &Source| {
        let mut modules = for_tests.iter();
        modules.any(|module| source.module.starts_with(module))
    };
    all.into_iter()
        .filter(|source| !is_for_tests(source))
        .collect()
}

#[test]
fn modules_use_only_whom_they_may() {
    let breaches: Vec<String> = sources(root()).iter().flat_map(forbidden_imports).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn foreign_crates_stay_at_home() {
    let breaches: Vec<String> = program_sources().iter().flat_map(strangers).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn nothing_unwraps_outside_tests() {
    let guilty = program_sources()
        .into_iter()
        .filter(|source| unwraps(source) > 0);
    let guilty: Vec<_> = guilty.map(|source| source.path).collect();
    assert!(
        guilty.is_empty(),
        "say in an expect what excludes the failure: {guilty:#?}"
    );
}

#[test]
fn every_source_file_is_a_module() {
    let all = sources(root());
    let declared: BTreeSet<_> = all.iter().flat_map(Source::declared_modules).collect();
    let declared: BTreeSet<_> = declared.into_iter().map(|(module, _)| module).collect();
    let is_root = |source: &Source| source.module.is_empty() || source.module == ["main"];
    let dead = all
        .iter()
        .filter(|source| !is_root(source) && !declared.contains(&source.module));
    let dead: Vec<_> = dead.map(|source| &source.path).collect();
    assert!(
        dead.is_empty(),
        "no `mod` line leads to these files: {dead:#?}"
    );
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let level = manifest["lints"]["rust"]["unsafe_code"].as_str();
    assert_eq!(level, Some("forbid"));
}

#[test]
fn every_key_of_the_example_is_explained_in_the_readme_and_no_other() {
    let example = fs::read_to_string(root().join("config/ldap365.toml")).expect("the example");
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let (example, readme) = (keys::of_example(&example), keys::of_readme(&readme));
    assert!(
        example.len() > 40,
        "the example has more keys than {example:?}"
    );
    let unexplained: Vec<_> = example.difference(&readme).collect();
    let unknown: Vec<_> = readme.difference(&example).collect();
    assert!(
        unexplained.is_empty(),
        "not explained in the README: {unexplained:#?}"
    );
    assert!(
        unknown.is_empty(),
        "explained, but not in the example: {unknown:#?}"
    );
}

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let (_, after) = readme.split_once("```toml\n").expect("a TOML block");
    let (block, _) = after.split_once("```").expect("its end");
    let salt_and_hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
    let surroundings = Surroundings {
        file: Path::new("/etc/ldap365/ldap365.toml"),
        variable: &|_| None,
        read_file: &|_| Ok("a secret".to_owned()),
    };
    let parsed = config::parse(&block.replace("$argon2id$…", salt_and_hash), &surroundings);
    assert!(parsed.is_ok(), "{parsed:#?}");
}

/// Where the checks above are held against samples that break them.
mod samples {
    use super::*;

    fn sample(path: &str, text: &str) -> Source {
        Source::parse(Path::new(path), text)
    }

    fn breaches(path: &str, text: &str) -> Vec<String> {
        let path_length = path.len() + ": ".len();
        let found = forbidden_imports(&sample(path, text)).into_iter();
        found
            .map(|breach| breach[path_length..].to_owned())
            .collect()
    }

    #[test]
    fn ldap_may_not_use_graph_however_it_is_spelled() {
        let expected = ["ldap::bind may not use graph"];
        for text in [
            "use crate::graph::GraphClient;",
            "use crate::{dit, graph::{self, Page}};",
            "fn f() { let x = crate::graph::f(); }",
            "use super::super::graph;",
            "#[cfg(test)] mod tests { use super::super::super::graph::Page; }",
            "fn f<'a>(c: char) -> bool { c == '\"' && crate::graph::is(\"\\\"\") }",
        ] {
            assert_eq!(breaches("src/ldap/bind.rs", text), expected, "{text}");
        }
    }

    #[test]
    fn comments_strings_and_paths_within_a_module_are_no_imports() {
        for text in [
            "/// See crate::graph.\nuse crate::dit::Dn;",
            "const TEXT: &str = \"use crate::graph;\";",
            "const TEXT: &str = r#\"\" crate::graph \"#;",
            "/* crate::graph */ use super::session::Session;",
            "use super::graph;",
            "use ldap3_proto::graph;",
            "use crate::secret::Secret;",
        ] {
            assert_eq!(breaches("src/ldap/bind.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_stricter_row_takes_the_place_of_its_parents() {
        let text = "use crate::graph::Page;";
        assert_eq!(breaches("src/sync/round.rs", text), [""; 0]);
        assert_eq!(
            breaches("src/sync/rules/resolve.rs", text),
            ["sync::rules::resolve may not use graph"]
        );
        assert_eq!(
            breaches("src/news.rs", ""),
            ["the table does not know this module"]
        );
    }

    #[test]
    fn a_foreign_crate_is_noticed_away_from_home_but_not_in_tests() {
        assert_eq!(
            strangers(&sample("src/dit/dn.rs", "use sled::Db;")).len(),
            1
        );
        assert_eq!(
            strangers(&sample("src/dit/dn.rs", "fn f() -> reqwest::Url {}")).len(),
            1
        );
        assert!(strangers(&sample("src/store.rs", "use sled::Db;")).is_empty());
        let tests = "#[cfg(test)] #[allow(x)] mod tests { use sled::Db; } use sled::Db;";
        assert_eq!(strangers(&sample("src/dit/dn.rs", tests)).len(), 1);
        let tests = "#[cfg(test)] mod tests { fn f() { sled::open() } }";
        assert!(strangers(&sample("src/dit/dn.rs", tests)).is_empty());
    }

    #[test]
    fn unwraps_are_counted_outside_tests_only() {
        let text = "fn f() { x.unwrap(); x.unwrap_or(1) } #[cfg(test)] mod tests { fn g() { x.unwrap() } }";
        assert_eq!(unwraps(&sample("src/dit/dn.rs", text)), 1);
    }

    #[test]
    fn modules_for_tests_are_told_from_the_others() {
        let text = "mod a; pub(crate) mod b; #[cfg(test)] mod c; #[cfg(test)] pub(crate) mod d;";
        let declared = sample("src/dit.rs", text).declared_modules();
        let names: Vec<_> = declared
            .iter()
            .map(|(module, is_for_tests)| (module.join("::"), *is_for_tests))
            .collect();
        let expected = [
            ("dit::a", false),
            ("dit::b", false),
            ("dit::c", true),
            ("dit::d", true),
        ];
        assert_eq!(
            names,
            expected.map(|(name, for_tests)| (name.to_owned(), for_tests))
        );
    }

    #[test]
    fn keys_are_found_commented_out_or_not() {
        let example = "# Prose with no key.\ndata_dir = 1\n[a]\n# key = 2 words\nother = 3\n# [[b.c]]\n# key = 4\n";
        let expected = ["data_dir", "a.key", "a.other", "b.c.key"].map(String::from);
        assert_eq!(keys::of_example(example), BTreeSet::from(expected));
        let readme = "| `x` | no table |\n### `[a]`\n| `key` | `2` | text |\n### `[[b.c]]`\n| `key` | | |\n## End\n| `y` | |";
        let expected = ["a.key", "b.c.key"].map(String::from);
        assert_eq!(keys::of_readme(readme), BTreeSet::from(expected));
    }
}
