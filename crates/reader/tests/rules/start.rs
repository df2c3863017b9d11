use std::cell::RefCell;

use reader::{ENTITY_STREAMS, Fault, ObjectsError, ReadError, Reader, manifest_key};
use serde_json::Value;

use crate::bucket::{Bucket, Objects, complete, complete_part, upsert};

/// Remembers which keys were asked for.
struct Watched<'a>(&'a Objects, RefCell<Vec<String>>);

impl reader::Objects for Watched<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        self.1.borrow_mut().push(key.to_owned());
        Ok(self.0.get(key).cloned())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        reader::Objects::list(self.0, prefix)
    }
}

/// Six manifests; in 5 all streams had been snapshotted from 4 on.
fn snapshotted() -> Bucket {
    let mut bucket = Bucket::default();
    for sequence in 1..=6 {
        let whole: Vec<Value> = ENTITY_STREAMS
            .iter()
            .map(|stream| complete(stream, 4))
            .collect();
        let snapshots = if sequence == 5 { whole } else { Vec::new() };
        bucket.commit(
            &[(
                "users",
                vec![upsert("users", &format!("u{sequence}"), sequence)],
            )],
            &snapshots,
        );
    }
    bucket
}

#[test]
fn a_new_reader_never_fetches_batches_before_its_start() {
    let bucket = snapshotted();
    let watched = Watched(&bucket.objects, RefCell::default());
    let state = Reader::read_newest(&watched, "okta", "acme").unwrap();
    assert_eq!(
        state.records("users").keys().collect::<Vec<_>>(),
        ["u4", "u5", "u6"]
    );
    assert_eq!(state.violations, []);
    let asked = watched.1.into_inner();
    // Manifest 3 only for its hash, which 4 names.
    assert!(asked.contains(&manifest_key("okta", "acme", 3)));
    assert!(!asked.contains(&manifest_key("okta", "acme", 2)));
    assert!(!asked.iter().any(|key| key.contains("/run3-")));
}

#[test]
fn the_first_link_of_a_late_start_is_checked() {
    let mut bucket = snapshotted();
    bucket
        .objects
        .get_mut(&manifest_key("okta", "acme", 3))
        .unwrap()
        .push(b'\n');
    let state = Reader::read_newest(&bucket.objects, "okta", "acme").unwrap();
    assert!(matches!(
        state.violations[0].fault,
        Fault::ChainBroken { .. }
    ));
    assert_eq!(
        (state.violations.len(), state.violations[0].manifest),
        (1, Some(4))
    );
}

#[test]
fn a_stream_without_a_complete_snapshot_is_read_from_its_first_batch() {
    let mut bucket = Bucket::default();
    bucket.commit(&[], &[]);
    bucket.commit(&[("factors", vec![upsert("factors", "u1", 1)])], &[]);
    bucket.commit(
        &[("users", vec![upsert("users", "u1", 1)])],
        &[complete("users", 3)],
    );
    bucket.commit(&[], &[complete_part("factors", "u2", 4)]);
    assert_eq!(Reader::start(&bucket.objects, "okta", "acme").unwrap(), 2);
    let state = Reader::read_newest(&bucket.objects, "okta", "acme").unwrap();
    assert_eq!(state.records("factors").len(), 1);
}

#[test]
fn a_stream_that_the_contract_does_not_name_yet_is_read_from_its_first_batch() {
    let mut bucket = Bucket::default();
    bucket.commit(&[], &[]);
    bucket.commit(&[("devices", vec![upsert("devices", "d1", 1)])], &[]);
    let whole: Vec<Value> = ENTITY_STREAMS
        .iter()
        .map(|stream| complete(stream, 3))
        .collect();
    bucket.commit(&[], &whole);
    bucket.commit(&[("devices", vec![upsert("devices", "d2", 1)])], &[]);
    let state = Reader::read_newest(&bucket.objects, "okta", "acme").unwrap();
    assert_eq!(state.records("devices").len(), 2);
}

#[test]
fn an_unreadable_manifest_on_the_way_back_makes_the_reader_start_at_the_first() {
    let mut bucket = snapshotted();
    assert_eq!(Reader::start(&bucket.objects, "okta", "acme").unwrap(), 4);
    bucket.put_manifest(6, b"{}");
    assert_eq!(Reader::start(&bucket.objects, "okta", "acme").unwrap(), 1);
}

#[test]
fn without_manifests_the_error_names_the_integrations_there_are() {
    let bucket = snapshotted();
    let error = Reader::read(&bucket.objects, "okta", "other").unwrap_err();
    assert!(
        matches!(&error, ReadError::NoManifests { integrations, .. } if integrations == &["acme"])
    );
    assert!(error.to_string().ends_with("there are: acme"), "{error}");
    let error = Reader::read(&bucket.objects, "elsewhere", "acme").unwrap_err();
    assert!(
        error.to_string().ends_with("no integration at all"),
        "{error}"
    );
}
