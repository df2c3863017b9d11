//! Which file of the engine may import which: each only files that stand above it here, so that there is no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file (without `.rs`, a folder's `mod.rs` by the folder's name), and all that it may import of the engine.
/// Files of one type import the type beside that: `queue/sunk` and `next`.
const ALLOWED: [(&str, &str); 33] = [
    ("harvest", ""),
    ("job", ""),
    ("swept", ""),
    ("ask", "harvest"),
    ("guard", "job"),
    ("order", "job"),
    ("reading", "job"),
    ("queue", "job"),
    ("queue/sunk", "job"),
    ("snapshot", "guard"),
    ("flights", "ask job"),
    ("assembly", "ask job"),
    ("looks", "ask guard job"),
    ("version_1", "job queue snapshot swept"),
    ("cursor", "guard queue snapshot swept version_1"),
    (
        "work",
        "ask cursor guard harvest job order queue snapshot swept",
    ),
    ("sweep", "job swept work"),
    ("settle", "job queue snapshot sweep work"),
    ("lending", "job reading work"),
    ("belief", "guard job looks reading work"),
    (
        "snapshots",
        "ask assembly harvest job snapshot sweep swept work",
    ),
    ("answers/state", "assembly job looks reading work"),
    (
        "answers/listed",
        "answers/state assembly harvest job sweep work",
    ),
    (
        "answers/troubles",
        "answers/state ask guard harvest job reading settle snapshots sweep work",
    ),
    ("answers/ends", "answers/state belief job reading work"),
    (
        "answers/assembled",
        "answers/listed answers/state answers/troubles ask assembly harvest job lending reading work",
    ),
    (
        "answers/records",
        "answers/state belief harvest job reading sweep work",
    ),
    (
        "answers/rows",
        "answers/state belief harvest job queue settle sweep work",
    ),
    (
        "answers",
        "answers/listed answers/state answers/troubles ask belief flights harvest looks reading work",
    ),
    ("events", "job queue settle sweep swept work"),
    ("log", "ask cursor events harvest job snapshots swept work"),
    ("standing", "ask cursor job log snapshot work"),
    ("next", "answers ask job lending queue settle sweep"),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine")
}

/// Every file but the engine's own `mod.rs`, which is above them all, with its code.
fn files(folder: &Path, prefix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path, &format!("{name}/")));
        } else if !(name == "mod" && prefix.is_empty()) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().lines();
            let code: Vec<_> = code
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            let name = if name == "mod" {
                prefix.trim_end_matches('/').to_owned()
            } else {
                format!("{prefix}{name}")
            };
            found.insert(name, code.join("\n"));
        }
    }
    found
}

/// The words after `start`, one or those in braces, each with `prefix` before it.
fn after(code: &str, start: &str, prefix: &str) -> Vec<String> {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let mut words = Vec::new();
    for (at, _) in code.match_indices(start) {
        if code[..at].ends_with("super::") || code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + start.len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap()
                .split(|char| !is_word(char))
                .collect(),
            None => vec![rest.split(|char| !is_word(char)).next().unwrap()],
        };
        words.extend(names.into_iter().map(|name| format!("{prefix}{name}")));
    }
    words
}

/// The files that the code of a file names.
fn imports(name: &str, code: &str, files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let own = format!("{name}/");
    let is_folder = files.keys().any(|other| other.starts_with(&own));
    let beside = match name.split_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => String::new(),
    };
    let mut named = after(code, "crate::engine::", "");
    named.extend(after(code, "super::", &beside));
    if is_folder {
        named.extend(after(code, "use ", &own));
    }
    named
        .into_iter()
        .filter(|other| other != name && files.contains_key(other))
        .collect()
}

#[test]
fn each_file_of_the_engine_imports_what_it_may_and_nothing_else() {
    let files = files(&folder(), "");
    let rows: BTreeSet<_> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        rows,
        files.keys().cloned().collect(),
        "every file has its row"
    );
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<_> = allowed.split_whitespace().map(str::to_owned).collect();
        assert_eq!(imports(name, &files[name], &files), allowed, "{name}");
    }
}

#[test]
fn no_files_of_the_engine_stand_in_a_circle() {
    let mut above = BTreeSet::new();
    for (name, allowed) in ALLOWED {
        for other in allowed.split_whitespace() {
            assert!(
                above.contains(other),
                "{name} may import {other}, which stands below it"
            );
        }
        above.insert(name);
    }
}
