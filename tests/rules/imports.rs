//! No files of the engine import each other in a circle. Those that hold methods of the engine itself stand above all types.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

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
fn no_files_of_the_engine_stand_in_a_circle() {
    let files = files(&folder(), "");
    let mut left: BTreeMap<_, _> = files
        .iter()
        .map(|(name, code)| (name.clone(), imports(name, code, &files)))
        .collect();
    while !left.is_empty() {
        let free: Vec<_> = left
            .iter()
            .filter(|(_, named)| named.iter().all(|other| !left.contains_key(other)))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(!free.is_empty(), "a circle: {left:#?}");
        left.retain(|name, _| !free.contains(name));
    }
}
