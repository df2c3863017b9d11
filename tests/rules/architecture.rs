//! Who may import whom: the rules of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

const PURE: [&str; 13] = [
    "streams",
    "engine",
    "record.rs",
    "authomize.rs",
    "body.rs",
    "ids.rs",
    "ocsf",
    "json.rs",
    "usage.rs",
    "scrub",
    "invocation.rs",
    "metrics.rs",
    "clock.rs",
];

fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let mut entries: Vec<_> = fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
        .iter()
        .flat_map(|entry| files(entry))
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        .collect()
}

fn source(place: &str) -> Vec<(PathBuf, String)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(place);
    let code = |text: String| {
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    files(&place)
        .into_iter()
        .map(|file| (file.clone(), code(fs::read_to_string(file).unwrap())))
        .collect()
}

/// Asserts that no file of `places` holds one of `words`.
fn never(places: &[&str], words: &[&str]) {
    for (file, text) in places.iter().flat_map(|place| source(place)) {
        for word in words {
            assert!(!text.contains(word), "{} names {word}", file.display());
        }
    }
}

/// Asserts that among all files only `places` hold `word`.
fn only(places: &[&str], word: &str) {
    let allowed: Vec<_> = places
        .iter()
        .flat_map(|place| source(place))
        .map(|(file, _)| file)
        .collect();
    for (file, text) in source("") {
        assert!(
            !text.contains(word) || allowed.contains(&file),
            "{} names {word}",
            file.display()
        );
    }
}

#[test]
fn the_core_is_pure() {
    never(
        &PURE,
        &[
            "reqwest",
            "aws_",
            "tokio",
            "async ",
            ".await",
            "Timestamp::now",
            "std::time",
            "std::env",
            "std::fs",
        ],
    );
}

#[test]
fn okta_fetches_a_path_and_does_not_know_users() {
    never(
        &["okta"],
        &[
            "crate::streams",
            "crate::engine",
            "crate::record",
            "crate::handler",
        ],
    );
}

#[test]
fn batches_and_commits_know_neither_okta_nor_the_streams() {
    never(
        &["batch.rs", "commit.rs", "manifest.rs", "store.rs"],
        &[
            "crate::okta",
            "crate::streams",
            "crate::engine",
            "crate::handler",
        ],
    );
}

#[test]
fn each_outside_thing_has_one_door() {
    only(&["okta", "handler/mod.rs"], "reqwest::");
    only(&["main.rs", "secret/mod.rs", "store.rs"], "aws::");
    only(&[], "aws_sdk");
    only(&[], "aws_config");
    only(&["main.rs"], "lambda_runtime");
    only(&["config.rs"], "env::var");
    only(&[], "tracing_subscriber");
    only(&["main.rs"], "Timestamp::now");
    only(&["handler", "main.rs"], "crate::handler");
}

/// How many tokens a file may have without its tests.
const MOST_TOKENS: usize = 3_600;

/// Tokens of Rust code, each pair of brackets counted as two.
fn tokens(code: proc_macro2::TokenStream) -> usize {
    code.into_iter()
        .map(|token| match token {
            proc_macro2::TokenTree::Group(group) => 2 + tokens(group.stream()),
            _ => 1,
        })
        .sum()
}

fn assert_not_too_long(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    let count = tokens(code.parse().unwrap());
    assert!(
        count <= MOST_TOKENS,
        "{} has {count} tokens",
        file.display()
    );
}

#[test]
fn no_file_is_longer_than_its_limit_without_its_tests() {
    // The target models are lists of fields and tables: long, and one thing each. So are the three owners of the engine's
    // state, each a type whose verdicts stand beside what they judge.
    let lists = [
        "src/authomize.rs",
        "src/ocsf/table.rs",
        "src/engine/due.rs",
        "src/engine/ledger.rs",
        "src/engine/replica.rs",
    ];
    for (file, _) in source("") {
        if !lists.iter().any(|list| file.ends_with(list)) {
            assert_not_too_long(&file);
        }
    }
    for (file, _) in code_of("loader/src") {
        assert_not_too_long(&file);
    }
}

/// The code of a crate's files under `crates/`, without comments and unit tests.
fn code_of(place: &str) -> Vec<(PathBuf, String)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates")
        .join(place);
    let code = |text: String| {
        let lines = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"));
        lines
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    files(&place)
        .into_iter()
        .map(|file| (file.clone(), code(fs::read_to_string(file).unwrap())))
        .collect()
}

#[test]
fn folding_is_pure_and_each_outside_thing_of_the_loader_has_one_door() {
    let outside = [
        "reqwest",
        "aws_",
        "tokio",
        "async ",
        "Timestamp::now",
        "std::env",
        "std::fs",
    ];
    for (file, text) in code_of("fold/src") {
        outside
            .iter()
            .for_each(|word| assert!(!text.contains(word), "{} names {word}", file.display()));
    }
    let doors = [
        ("reqwest::", &["authomize/http.rs"] as &[&str]),
        (
            "aws::",
            &["store.rs", "secret.rs", "main.rs", "bin/load.rs"],
        ),
        ("aws_sdk", &[]),
        ("aws_config", &[]),
        ("lambda_runtime", &["main.rs"]),
        ("env::var", &["main.rs", "bin/load.rs"]),
        ("Timestamp::now", &["main.rs", "bin/load.rs"]),
    ];
    for (file, text) in code_of("loader/src") {
        for (word, allowed) in doors {
            let is_door = allowed
                .iter()
                .any(|door| file.ends_with(Path::new("src").join(door)));
            assert!(
                is_door || !text.contains(word),
                "{} names {word}",
                file.display()
            );
        }
    }
}
