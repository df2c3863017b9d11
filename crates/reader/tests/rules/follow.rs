use reader::{Fault, ObjectsError, ReadError, Reader, State, manifest_key};

use crate::bucket::{Bucket, Objects, complete, complete_part, delete, upsert};

fn following(bucket: &Bucket, sequences: &[u64]) -> State {
    let mut state = State::new("okta", "acme");
    for sequence in sequences {
        state
            .apply(
                &bucket.objects[&manifest_key("okta", "acme", *sequence)],
                &bucket.objects,
            )
            .unwrap();
    }
    state
}

fn three_users() -> Bucket {
    let mut bucket = Bucket::default();
    for (id, version) in [("u1", 1), ("u2", 2), ("u3", 3)] {
        bucket.commit(&[("users", vec![upsert("users", id, version)])], &[]);
    }
    bucket
}

#[test]
fn an_upsert_after_a_delete_comes_back() {
    let mut bucket = three_users();
    bucket.commit(&[("users", vec![delete("users", "u1")])], &[]);
    assert!(
        !following(&bucket, &[1, 2, 3, 4])
            .records("users")
            .contains_key("u1")
    );
    bucket.commit(&[("users", vec![upsert("users", "u1", 5)])], &[]);
    let state = following(&bucket, &[1, 2, 3, 4, 5]);
    assert_eq!(
        (
            state.records("users")["u1"].sequence,
            state.records("users").len()
        ),
        (5, 3)
    );
}

#[test]
fn a_scoped_snapshot_forgets_only_ids_with_that_part() {
    let mut bucket = Bucket::default();
    let members =
        ["g1:u1", "g1:u2", "g2:u1", "g10:u1"].map(|id| upsert("group_memberships", id, 1));
    bucket.commit(&[("group_memberships", members.to_vec())], &[]);
    let again = vec![upsert("group_memberships", "g1:u2", 2)];
    bucket.commit(
        &[("group_memberships", again)],
        &[complete_part("group_memberships", "g1", 2)],
    );
    let state = following(&bucket, &[1, 2]);
    assert_eq!(
        state
            .records("group_memberships")
            .keys()
            .collect::<Vec<_>>(),
        ["g10:u1", "g1:u2", "g2:u1"]
    );
    assert_eq!(state.streams["group_memberships"].forgotten, 1);
}

#[test]
fn a_follower_looks_for_the_next_manifest_and_takes_none_twice() {
    let bucket = three_users();
    let mut state = following(&bucket, &[1, 2]);
    assert_eq!(state.next_manifest_key(), manifest_key("okta", "acme", 3));
    let before = state.entities().len();
    state
        .apply(
            &bucket.objects[&manifest_key("okta", "acme", 2)],
            &bucket.objects,
        )
        .unwrap();
    assert_eq!(state.violations[0].fault, Fault::ManifestRepeated);
    assert_eq!((state.entities().len(), state.manifests.len()), (before, 2));
}

#[test]
fn a_follower_that_skips_a_manifest_is_told() {
    let state = following(&three_users(), &[1, 3]);
    assert_eq!(state.violations.len(), 1);
    assert_eq!(
        state.violations[0].fault,
        Fault::ManifestsMissing { first: 2, last: 2 }
    );
    assert_eq!(state.records("users").len(), 2);
}

/// Some batches cannot be had.
struct Refusing<'a>(&'a Objects, &'a str);

impl reader::Objects for Refusing<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        if key.contains(self.1) {
            Err("access denied".into())
        } else {
            Ok(self.0.get(key).cloned())
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        reader::Objects::list(self.0, prefix)
    }
}

#[test]
fn an_object_that_cannot_be_had_leaves_the_state_as_it_was() {
    let mut bucket = three_users();
    let batches = [
        ("users", vec![delete("users", "u1")]),
        ("groups", vec![upsert("groups", "g1", 1)]),
    ];
    bucket.commit(&batches, &[complete("users", 4)]);
    let manifest = &bucket.objects[&manifest_key("okta", "acme", 4)];
    let mut state = following(&bucket, &[1, 2, 3]);
    let error = state
        .apply(manifest, &Refusing(&bucket.objects, "data/groups"))
        .unwrap_err();
    assert!(matches!(error, ReadError::Objects { key, .. } if key.contains("data/groups")));
    assert_eq!(
        (
            state.records("users").len(),
            state.manifests.len(),
            state.violations.len()
        ),
        (3, 3, 0)
    );
    state.apply(manifest, &bucket.objects).unwrap();
    let full = Reader::read(&bucket.objects, "okta", "acme").unwrap();
    assert_eq!(
        (state.entities(), &state.violations),
        (full.entities(), &full.violations)
    );
}

#[test]
fn growing_streams_keep_every_line_and_usage_may_repeat_an_id() {
    let mut bucket = Bucket::default();
    for version in [1, 2] {
        bucket.commit(
            &[(
                "usage",
                vec![upsert("usage", "login:u1:2026-11-23:1", version)],
            )],
            &[],
        );
    }
    let state = following(&bucket, &[1, 2]);
    assert_eq!(state.violations, []);
    let usage = &state.streams["usage"];
    assert_eq!(
        (usage.records.len(), usage.repeated.len(), usage.upserts),
        (1, 1, 2)
    );
    assert_eq!(usage.repeated[0].1.record["source"]["version"], 2);
    assert!(state.entities().is_empty());
}

#[test]
fn commits_that_were_never_stored_are_applied_by_the_same_two_rules() {
    let mut state = State::new("okta", "acme");
    let users = ["00u1", "00u2"].map(|id| upsert("users", id, 1));
    state.apply_lines(1, users, &[]);
    let snapshot = serde_json::from_value(complete("users", 2)).unwrap();
    state.apply_lines(
        2,
        [upsert("users", "00u2", 2), delete("groups", "00g1")],
        &[snapshot],
    );
    assert_eq!(state.records("users").keys().collect::<Vec<_>>(), ["00u2"]);
    assert!(state.violations.is_empty());
    let event = upsert("activity", "e1", 1);
    state.apply_lines(3, [event.clone(), event], &[]);
    assert_eq!(state.violations.len(), 1);
}
