//! The tables of findings/ hold what this reader sees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use reader::Reader;
use serde_json::{Value, json};

use crate::bucket::{Bucket, upsert};
use crate::history::{history, write};

const HISTORIES: usize = 60;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The interpreter that `make` has installed the findings' needs for.
fn python() -> PathBuf {
    let given = std::env::var_os("FINDINGS_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| project().join(".venv/bin/python3"));
    assert!(
        python.exists(),
        "{} is not there: run make test, which installs it",
        python.display()
    );
    python
}

fn copy(bucket: &Bucket, directory: &Path) {
    for (key, body) in &bucket.objects {
        let file = directory.join(key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, body).unwrap();
    }
}

/// What the tables hold of each directory, as lines of JSON.
fn held_by_tables(directories: &[&Path]) -> Vec<Value> {
    let mut command = Command::new(python());
    command
        .args(["-B", "-m", "findings.state", "okta", "acme"])
        .args(directories)
        .current_dir(project());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// By stream and id: what was said of the record last.
type Seen = BTreeMap<(String, String), Value>;

fn seen_by_reader(bucket: &Bucket) -> Seen {
    let state = Reader::read(&bucket.objects, "okta", "acme").unwrap();
    assert_eq!(state.violations, []);
    let records = state.entities().into_iter().flat_map(|(stream, records)| {
        records
            .iter()
            .map(move |(id, line)| ((stream.to_owned(), id.clone()), line))
    });
    records
        .map(|(key, line)| (key, line.record["source"].clone()))
        .collect()
}

fn of_directory(lines: &[Value], directory: &Path) -> Seen {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let own = lines
        .iter()
        .filter(|line| line["dir"] == directory.to_str().unwrap());
    own.map(|line| {
        assert_eq!(line["violation"], Value::Null, "{line}");
        (
            (text(line, "stream"), text(line, "id")),
            line["source"].clone(),
        )
    })
    .collect()
}

/// Asserts that the findings refuse a bucket that breaks the contract.
pub fn assert_refused(bucket: &Bucket) {
    let temp = tempfile::tempdir().unwrap();
    copy(bucket, temp.path());
    let lines = held_by_tables(&[temp.path()]);
    let refused = lines.iter().any(|line| line["violation"].is_string());
    assert!(
        refused,
        "the findings take what the reader refuses: {lines:#?}"
    );
}

#[test]
fn the_tables_equal_the_readers_state_for_any_history() {
    let mut runner = TestRunner::deterministic();
    let temp = tempfile::tempdir().unwrap();
    let cases: Vec<(PathBuf, Bucket)> = (0..HISTORIES)
        .map(|number| {
            (
                temp.path().join(number.to_string()),
                write(&history().new_tree(&mut runner).unwrap().current()),
            )
        })
        .collect();
    cases
        .iter()
        .for_each(|(directory, bucket)| copy(bucket, directory));
    let directories: Vec<&Path> = cases
        .iter()
        .map(|(directory, _)| directory.as_path())
        .collect();
    let lines = held_by_tables(&directories);
    let mut records = 0;
    for (directory, bucket) in &cases {
        let expected = seen_by_reader(bucket);
        assert_eq!(
            of_directory(&lines, directory),
            expected,
            "{}",
            directory.display()
        );
        records += expected.len();
    }
    assert!(records > HISTORIES, "{records}");
}

#[test]
fn the_tables_do_not_hold_a_batch_that_no_manifest_names() {
    let mut bucket = Bucket::default();
    bucket.commit(&[("users", vec![upsert("users", "u1", 1)])], &[]);
    let orphan = crate::bucket::gzip(format!("{}\n", upsert("users", "u2", 1)).as_bytes());
    bucket.put_batch("users", 9, &orphan, 1);
    let temp = tempfile::tempdir().unwrap();
    copy(&bucket, temp.path());
    let seen = of_directory(&held_by_tables(&[temp.path()]), temp.path());
    assert_eq!(
        seen,
        BTreeMap::from([(("users".into(), "u1".into()), json!({"version": 1}))])
    );
}
