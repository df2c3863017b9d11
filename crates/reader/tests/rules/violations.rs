//! Each kind of breach is found, alone, and where it is.

use reader::{Fault, Reader, State, Violation, manifest_key};
use serde_json::{Value, json};

use crate::bucket::{Bucket, ORG, complete, delete, gzip, sha256, upsert};

const BATCH: &str = "okta/data/users/integration=acme/date=2026-11-23/run2-1.jsonl.gz";

fn users(ids: &[&str]) -> Vec<(&'static str, Vec<Value>)> {
    vec![(
        "users",
        ids.iter().map(|id| upsert("users", id, 1)).collect(),
    )]
}

/// A first manifest, and a second as `edit` leaves it.
fn second_edited(edit: impl FnOnce(&mut Value)) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.commit(&users(&["u1"]), &[]);
    bucket.commit_edited(&users(&["u2", "u3"]), &[], edit);
    bucket
}

/// A sound manifest, then one whose only batch is `object`, said to have `records`.
fn second_batch(object: &[u8], records: usize) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.commit(&users(&["u1"]), &[]);
    let batch = bucket.put_batch("users", 1, object, records);
    bucket.commit_edited(&[], &[], |manifest| manifest["batches"] = json!([batch]));
    bucket
}

fn second_line(line: &str) -> Bucket {
    let lines = format!("{}\n{line}\n", upsert("users", "u2", 1));
    second_batch(&gzip(lines.as_bytes()), 2)
}

fn read(bucket: &Bucket) -> State {
    Reader::read(&bucket.objects, "okta", "acme").unwrap()
}

fn only(bucket: &Bucket) -> Violation {
    let mut state = read(bucket);
    assert_eq!(state.violations.len(), 1, "{:#?}", state.violations);
    crate::views::assert_refused(bucket);
    state.violations.remove(0)
}

#[track_caller]
fn assert_manifest_fault(bucket: &Bucket, sequence: u64, fault: Fault) {
    let key = manifest_key("okta", "acme", sequence);
    assert_eq!(
        only(bucket),
        Violation {
            manifest: Some(sequence),
            key,
            line: None,
            fault
        }
    );
}

#[track_caller]
fn assert_batch_fault(bucket: &Bucket, line: Option<u64>, fault: Fault) {
    assert_eq!(
        only(bucket),
        Violation {
            manifest: Some(2),
            key: BATCH.into(),
            line,
            fault
        }
    );
}

#[test]
fn a_sound_bucket_has_none() {
    assert_eq!(read(&second_edited(|_| ())).violations, []);
}

#[test]
fn a_gap_in_the_sequence() {
    let mut bucket = second_edited(|_| ());
    bucket.commit(&[], &[]);
    bucket.commit(&users(&["u4"]), &[]);
    for sequence in [2, 3] {
        bucket
            .objects
            .remove(&manifest_key("okta", "acme", sequence));
    }
    assert_manifest_fault(&bucket, 4, Fault::ManifestsMissing { first: 2, last: 3 });
    assert_eq!(read(&bucket).records("users").len(), 2);
}

#[test]
fn a_missing_first_manifest() {
    let mut bucket = second_edited(|_| ());
    bucket.objects.remove(&manifest_key("okta", "acme", 1));
    assert_manifest_fault(&bucket, 2, Fault::ManifestsMissing { first: 1, last: 1 });
}

#[test]
fn a_foreign_object_among_the_manifests() {
    let mut bucket = second_edited(|_| ());
    bucket
        .objects
        .insert("okta/manifests/acme/3.json".into(), Vec::new());
    let (key, fault) = ("okta/manifests/acme/3.json".into(), Fault::UnexpectedObject);
    assert_eq!(
        only(&bucket),
        Violation {
            manifest: None,
            key,
            line: None,
            fault
        }
    );
}

#[test]
fn a_manifest_that_is_none() {
    let mut bucket = second_edited(|_| ());
    bucket.put_manifest(2, b"{\"schema\": 1, \"sequence\"");
    assert!(matches!(
        only(&bucket).fault,
        Fault::ManifestUnreadable { .. }
    ));
    bucket.put_manifest(2, b"{\"schema\": 1, \"sequence\": 2}");
    assert!(matches!(
        only(&bucket).fault,
        Fault::ManifestUnreadable { .. }
    ));
    // The chain goes on over its bytes.
    bucket.commit(&users(&["u4"]), &[]);
    assert_eq!(
        (only(&bucket).manifest, read(&bucket).records("users").len()),
        (Some(2), 2)
    );
}

#[test]
fn a_manifest_of_another_schema() {
    let bucket = second_edited(|manifest| manifest["schema"] = json!(2));
    assert_manifest_fault(&bucket, 2, Fault::ManifestSchema { found: json!(2) });
    assert_eq!(read(&bucket).records("users").len(), 1);
}

#[test]
fn a_manifest_with_another_number_than_its_key() {
    let bucket = second_edited(|manifest| manifest["sequence"] = json!(7));
    assert_manifest_fault(&bucket, 2, Fault::SequenceDiffers { found: 7 });
}

#[test]
fn a_manifest_of_another_integration() {
    let bucket = second_edited(|manifest| manifest["integration"] = json!("okta"));
    assert_manifest_fault(
        &bucket,
        2,
        Fault::IntegrationDiffers {
            found: "okta".into(),
        },
    );
}

#[test]
fn a_manifest_of_another_org() {
    let found = "https://other.okta.com".to_owned();
    let bucket = second_edited(|manifest| manifest["org"] = json!(found));
    assert_manifest_fault(
        &bucket,
        2,
        Fault::OrgDiffers {
            expected: ORG.into(),
            found,
        },
    );
}

#[test]
fn a_manifest_that_was_rewritten() {
    let mut bucket = second_edited(|_| ());
    let first = bucket
        .objects
        .get_mut(&manifest_key("okta", "acme", 1))
        .unwrap();
    let found = Some(sha256(first));
    first.push(b' ');
    let expected = Some(sha256(first));
    assert_manifest_fault(&bucket, 2, Fault::ChainBroken { expected, found });
}

#[test]
fn a_first_manifest_that_names_one_before_it() {
    let mut bucket = Bucket::default();
    bucket.commit_edited(&[], &[], |manifest| {
        manifest["previous_sha256"] = json!("ab")
    });
    let found = Some("ab".to_owned());
    assert_manifest_fault(
        &bucket,
        1,
        Fault::ChainBroken {
            expected: None,
            found,
        },
    );
}

#[test]
fn a_later_manifest_that_names_none_before_it() {
    let bucket = second_edited(|manifest| manifest["previous_sha256"] = Value::Null);
    let expected = Some(sha256(&bucket.objects[&manifest_key("okta", "acme", 1)]));
    assert_manifest_fault(
        &bucket,
        2,
        Fault::ChainBroken {
            expected,
            found: None,
        },
    );
}

#[test]
fn a_snapshot_from_the_future() {
    let bucket = second_edited(|manifest| manifest["snapshots"] = json!([complete("users", 3)]));
    let fault = Fault::SnapshotFromFuture {
        stream: "users".into(),
        since_sequence: 3,
    };
    assert_manifest_fault(&bucket, 2, fault);
    assert_eq!(read(&bucket).records("users").len(), 3);
}

#[test]
fn a_snapshot_of_a_growing_stream() {
    let bucket = second_edited(|manifest| manifest["snapshots"] = json!([complete("usage", 2)]));
    assert_manifest_fault(
        &bucket,
        2,
        Fault::GrowingStreamShrunk {
            stream: "usage".into(),
        },
    );
}

#[test]
fn a_tombstone_in_a_growing_stream() {
    let mut bucket = Bucket::default();
    let lines = vec![upsert("activity", "e1", 1), delete("activity", "e1")];
    bucket.commit(&[("activity", lines)], &[]);
    let violation = only(&bucket);
    assert_eq!(
        violation.fault,
        Fault::GrowingStreamShrunk {
            stream: "activity".into()
        }
    );
    assert_eq!(
        (violation.line, read(&bucket).records("activity").len()),
        (Some(2), 1)
    );
}

#[test]
fn a_batch_that_does_not_exist() {
    let mut bucket = second_edited(|_| ());
    bucket.objects.remove(BATCH);
    assert_batch_fault(&bucket, None, Fault::BatchMissing);
}

#[test]
fn a_batch_named_twice_in_one_manifest_or_in_two() {
    let bucket = second_edited(|manifest| {
        let batches = manifest["batches"].as_array_mut().unwrap();
        batches.push(batches[0].clone());
    });
    assert_batch_fault(&bucket, None, Fault::BatchRepeated { first: 2 });

    let mut bucket = second_edited(|_| ());
    let second: Value =
        serde_json::from_slice(&bucket.objects[&manifest_key("okta", "acme", 2)]).unwrap();
    bucket.commit_edited(&[], &[], |manifest| {
        manifest["batches"] = second["batches"].clone()
    });
    let violation = only(&bucket);
    assert_eq!(
        (violation.manifest, violation.fault),
        (Some(3), Fault::BatchRepeated { first: 2 })
    );
}

#[test]
fn a_batch_that_lies_elsewhere() {
    let mut bucket = Bucket::default();
    let object = gzip(b"");
    let mut batch = bucket.put_batch("users", 1, &object, 0);
    for key in [
        "okta/data/groups/integration=acme/x.jsonl.gz",
        "okta/data/users/integration=acme/x.json",
    ] {
        batch["key"] = json!(key);
        let mut bucket = Bucket::default();
        bucket.objects.insert(key.into(), object.clone());
        bucket.commit_edited(&[], &[], |manifest| manifest["batches"] = json!([batch]));
        let expected = "okta/data/users/integration=acme/".into();
        assert_eq!(only(&bucket).fault, Fault::BatchMisplaced { expected });
    }
}

#[test]
fn a_batch_of_another_size() {
    let bucket = second_edited(|manifest| manifest["batches"][0]["bytes"] = json!(1));
    let found = bucket.objects[BATCH].len() as u64;
    assert_batch_fault(&bucket, None, Fault::BatchBytes { expected: 1, found });
}

#[test]
fn a_batch_of_other_content() {
    let mut bucket = second_edited(|_| ());
    let expected = sha256(&bucket.objects[BATCH]);
    // The gzip header's operating system, which changes nothing else.
    bucket.objects.get_mut(BATCH).unwrap()[9] ^= 1;
    let found = sha256(&bucket.objects[BATCH]);
    assert_batch_fault(&bucket, None, Fault::BatchSha256 { expected, found });
}

#[test]
fn a_batch_that_does_not_decompress() {
    let whole = gzip(format!("{}\n", upsert("users", "u2", 1)).as_bytes());
    for object in [&whole[..whole.len() - 1], b"plain text"] {
        assert!(matches!(
            only(&second_batch(object, 1)).fault,
            Fault::BatchCompression { .. }
        ));
    }
}

#[test]
fn a_batch_with_another_number_of_lines() {
    let bucket = second_edited(|manifest| manifest["batches"][0]["records"] = json!(3));
    assert_batch_fault(
        &bucket,
        None,
        Fault::BatchRecords {
            expected: 3,
            found: 2,
        },
    );
}

#[test]
fn a_line_that_is_no_record() {
    let without_id = r#"{"schema": 1, "stream": "users", "op": "upsert"}"#;
    let other_op = r#"{"schema": 1, "stream": "users", "op": "merge", "id": "u3"}"#;
    let no_list = r#"{"schema": 1, "stream": "users", "op": "upsert", "id": "u3", "bundle": {"new_users": 1}}"#;
    for line in ["", "{", "{} {}", without_id, other_op, no_list] {
        let bucket = second_line(line);
        let violation = only(&bucket);
        assert_eq!(
            (violation.line, read(&bucket).records("users").len()),
            (Some(2), 2),
            "{line}"
        );
        assert!(
            matches!(violation.fault, Fault::LineUnreadable { .. }),
            "{line}"
        );
    }
}

#[test]
fn a_line_of_another_schema() {
    let mut line = upsert("users", "u3", 1);
    line["schema"] = json!("1");
    assert_batch_fault(
        &second_line(&line.to_string()),
        Some(2),
        Fault::LineSchema { found: json!("1") },
    );
}

#[test]
fn a_line_of_another_stream() {
    let bucket = second_line(&upsert("groups", "g1", 1).to_string());
    let fault = Fault::LineStream {
        expected: "users".into(),
        found: "groups".into(),
    };
    assert_batch_fault(&bucket, Some(2), fault);
}

#[test]
fn a_bundle_key_that_no_loader_knows() {
    let mut line = upsert("users", "u3", 1);
    line["bundle"] = json!({"users": []});
    assert_batch_fault(
        &second_line(&line.to_string()),
        Some(2),
        Fault::LineBundle {
            found: "users".into(),
        },
    );
}

#[test]
fn an_event_that_was_committed_twice() {
    let mut bucket = Bucket::default();
    bucket.commit(&[("activity", vec![upsert("activity", "e1", 1)])], &[]);
    bucket.commit(
        &[(
            "activity",
            vec![upsert("activity", "e2", 1), upsert("activity", "e1", 1)],
        )],
        &[],
    );
    // Findings are asked all the same: of an event the tables have one row.
    let violation = read(&bucket).violations.remove(0);
    assert_eq!(
        violation.fault,
        Fault::ActivityRepeated {
            uuid: "e1".into(),
            first: 1
        }
    );
    assert_eq!(
        violation.to_string(),
        "manifest 2: okta/data/activity/integration=acme/date=2026-11-23/run2-1.jsonl.gz, line 2: \
         event e1 stands in manifest 1 already"
    );
    assert_eq!(read(&bucket).streams["activity"].repeated.len(), 1);
}

#[test]
fn all_of_them_are_told_not_only_the_first() {
    let mut bucket = second_edited(|manifest| {
        manifest["batches"][0]["records"] = json!(9);
        manifest["batches"][0]["bytes"] = json!(9);
        manifest["previous_sha256"] = json!("ab");
    });
    bucket.commit_edited(&[], &[], |manifest| manifest["integration"] = json!("x"));
    let found: Vec<Option<u64>> = read(&bucket)
        .violations
        .iter()
        .map(|violation| violation.manifest)
        .collect();
    assert_eq!(found, [Some(2), Some(2), Some(2), Some(3)]);
}
