use std::path::Path;
use std::process::{Command, Output};

use reader::manifest_key;
use serde_json::{Value, json};

use crate::bucket::{Bucket, complete, complete_part, delete, upsert};

fn collected() -> Bucket {
    let mut bucket = Bucket::default();
    let users: Vec<Value> = (0..1200)
        .map(|n| upsert("users", &format!("00u{n:04}"), n))
        .collect();
    bucket.commit(&[("users", users)], &[]);
    let changes = vec![delete("users", "00u0007"), upsert("users", "00u0008", 9)];
    let event = |id: &str, published: &str| {
        let mut line = upsert("activity", id, 1);
        line["source"]["published"] = json!(published);
        line
    };
    let events = vec![
        event("b", "2026-11-23T18:01:00.000Z"),
        event("a", "2026-11-23T18:02:00.000Z"),
    ];
    bucket.commit(
        &[("users", changes), ("activity", events)],
        &[complete("groups", 2)],
    );
    bucket
}

fn copy(bucket: &Bucket) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (key, bytes) in &bucket.objects {
        let path = dir.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    dir
}

fn peek(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peek"));
    command.arg("--dir").arg(dir).args(args).output().unwrap()
}

fn acme(dir: &Path, args: &[&str]) -> Output {
    peek(dir, &[&["--integration", "acme"], args].concat())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Cells of the line that begins with `first`.
fn row<'a>(output: &'a Output, first: &str) -> Vec<&'a str> {
    let mut rows = text(&output.stdout)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.find(|row| row.first() == Some(&first)).unwrap()
}

#[test]
fn the_summary_counts_and_says_that_all_is_sound() {
    let dir = copy(&collected());
    let output = acme(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        row(&output, "users")[..6],
        ["users", "1,199", "1,201", "1", "0", "2"]
    );
    assert_eq!(
        row(&output, "activity")[..6],
        ["activity", "2", "2", "-", "-", "1"]
    );
    let newest = row(&output, "2");
    assert_eq!(
        newest[..7],
        [
            "2",
            "2026-11-23",
            "18:02:00",
            "incremental",
            "run2",
            "2",
            "4"
        ]
    );
    assert_eq!(newest.last(), Some(&"groups"));
    let shown = text(&output.stdout);
    assert!(
        shown.starts_with("acme of https://acme.okta.com\n"),
        "{shown}"
    );
    assert!(
        shown.contains("not seen: factors, group_memberships,"),
        "{shown}"
    );
    let verdict =
        "sound: 2 manifests in an unbroken chain; 3 batches and 1,204 lines as committed\n";
    assert!(shown.ends_with(verdict), "{shown}");
}

#[test]
fn the_summary_lists_as_many_manifests_as_asked() {
    let dir = copy(&collected());
    let output = acme(dir.path(), &["--manifests", "1"]);
    assert!(text(&output.stdout).contains("and 1 older"));
    assert!(!text(&output.stdout).contains("run1"));
}

#[test]
fn records_are_printed_by_id_and_activity_by_time() {
    let dir = copy(&collected());
    let printed = |args| -> Vec<Value> {
        let output = acme(dir.path(), args);
        assert_eq!(output.status.code(), Some(0));
        serde_json::Deserializer::from_slice(&output.stdout)
            .into_iter()
            .map(Result::unwrap)
            .collect()
    };
    assert_eq!(printed(&["users"]).len(), 1199);
    let some = printed(&["users", "00u000"]);
    assert_eq!(
        (some.len(), &some[7]["id"], &some[7]["source"]["version"]),
        (9, &json!("00u0008"), &json!(9))
    );
    let ids: Vec<Value> = printed(&["activity"])
        .into_iter()
        .map(|event| event["id"].clone())
        .collect();
    assert_eq!(ids, ["b", "a"]);
}

#[test]
fn violations_are_told_and_exit_with_1() {
    let mut bucket = collected();
    bucket.objects.retain(|key, _| !key.contains("/activity/"));
    let dir = copy(&bucket);
    let output = acme(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("BROKEN: 1 violation\n  manifest 2: okta/data/activity/"),
        "{shown}"
    );
    let output = acme(dir.path(), &["users", "00u0001"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not exist"));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());
}

#[test]
fn unreadable_data_exits_with_2_and_a_remedy() {
    let dir = copy(&collected());
    let nowhere = dir.path().join("nowhere");
    let cases: [(&Path, &[&str], &str); 5] = [
        (&nowhere, &[], "--dir names a copy of the bucket"),
        (
            dir.path(),
            &["--integration", "okta"],
            "there are: acme (choose with --integration)",
        ),
        (dir.path(), &["--prefix", "other"], "is --prefix right"),
        (
            dir.path(),
            &["--integration", "acme", "roles"],
            "there are: activity, groups, users",
        ),
        (
            dir.path(),
            &["--integration", "acme", "users", "x"],
            "none of the 1,199 ids in users begins with \"x\"",
        ),
    ];
    for (dir, args, expected) in cases {
        let output = peek(dir, args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_bucket_whose_only_manifest_is_unreadable_still_gets_a_verdict() {
    let mut bucket = Bucket::default();
    bucket
        .objects
        .insert(manifest_key("okta", "acme", 1), b"{".to_vec());
    let output = acme(copy(&bucket).path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("BROKEN: 1 violation"));
}

#[test]
fn a_prefix_may_be_given_with_slashes() {
    let dir = copy(&collected());
    assert_eq!(
        acme(dir.path(), &["--prefix", "/okta/"]).status.code(),
        Some(0)
    );
}

#[test]
fn a_time_in_the_past_shows_the_state_of_then() {
    let dir = copy(&collected());
    let output = acme(dir.path(), &["--as-of", "2026-11-23T18:01:30Z"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(row(&output, "users")[..2], ["users", "1,200"]);
    let day = acme(dir.path(), &["--as-of", "2026-11-23"]);
    assert_eq!(row(&day, "users")[..2], ["users", "1,199"]);
    assert_eq!(
        acme(dir.path(), &["--as-of", "yesterday"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_manifests_changes_are_told_with_the_event_that_was_the_cause() {
    let mut bucket = Bucket::default();
    let mut user = upsert("users", "00u1", 1);
    user["cause"] = json!("e1");
    let mut event = upsert("activity", "e1", 1);
    event["source"] = json!({"published": "2026-11-23T18:00:00.000Z", "eventType": "user.lifecycle.suspend",
        "actor": {"alternateId": "ada@acme.com"}, "outcome": {"result": "SUCCESS"}, "target": [{"id": "00u1"}]});
    bucket.commit(&[("users", vec![user]), ("activity", vec![event])], &[]);
    let dir = copy(&bucket);
    let told = "2026-11-23T18:00:00.000Z ada@acme.com: user.lifecycle.suspend (SUCCESS)";
    let diff = acme(dir.path(), &["--diff", "1"]);
    assert!(
        text(&diff.stdout).contains(&format!("users  00u1  added, because {told}\n")),
        "{diff:?}"
    );
    assert_eq!(
        text(&acme(dir.path(), &["--why", "00u1"]).stdout),
        format!("{told}\n")
    );
    assert_eq!(acme(dir.path(), &["--diff", "7"]).status.code(), Some(2));
    assert_eq!(acme(dir.path(), &["--why", "00u9"]).status.code(), Some(2));
}

#[test]
fn a_manifests_changes_show_what_was_before_and_what_went_even_if_later_ones_changed_it_again() {
    let mut bucket = Bucket::default();
    let user = |id: &str, title: &str| {
        let mut line = upsert("users", id, 1);
        line["source"] =
            json!({"status": "ACTIVE", "profile": {"title": title, "tags": ["a", "b"]}});
        line
    };
    let member = |user: &str| upsert("group_memberships", &format!("00g1:{user}"), 1);
    let users = vec![
        user("00u1", "Engineer"),
        user("00u2", "Lead"),
        user("00u3", "Lead"),
    ];
    bucket.commit(
        &[
            ("users", users),
            ("group_memberships", vec![member("00u1"), member("00u2")]),
        ],
        &[],
    );
    let mut gone = delete("users", "00u2");
    gone["cause"] = json!("e1");
    let changes = vec![user("00u1", "Head"), gone, user("00u3", "Lead")];
    let members = vec![member("00u1")];
    let part = complete_part("group_memberships", "00g1", 2);
    bucket.commit(
        &[("users", changes), ("group_memberships", members)],
        &[part],
    );
    let mut event = upsert("activity", "e1", 1);
    event["source"] = json!({"published": "2026-11-23T18:00:00.000Z", "eventType": "user.lifecycle.delete.initiated",
        "actor": {"displayName": "Ada"}, "outcome": {"result": "SUCCESS"}, "target": [{"id": "00u2"}]});
    bucket.commit(
        &[
            ("users", vec![user("00u1", "Chief")]),
            ("activity", vec![event]),
        ],
        &[complete("users", 3)],
    );
    let dir = copy(&bucket);
    let diff = acme(dir.path(), &["--diff", "2"]);
    let expected = "group_memberships  00g1:00u1  sent again as it was
group_memberships  00g1:00u2  removed: what was read of 00g1 did not repeat it
users  00u1  changed
    profile.title: \"Engineer\" → \"Head\"
users  00u3  sent again as it was
users  00u2  removed, because 2026-11-23T18:00:00.000Z Ada: user.lifecycle.delete.initiated (SUCCESS)
manifest 2: 5 records, 0 events of the System Log
";
    assert_eq!(text(&diff.stdout), expected, "{diff:?}");
    let whole = acme(dir.path(), &["--diff", "3"]);
    assert!(
        text(&whole.stdout).contains("users  00u3  removed: the snapshot did not repeat it\n"),
        "{whole:?}"
    );
}
