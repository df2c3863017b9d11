//! A reader that begins at the checkpoint equals one that begins at the first manifest, and so does a loader.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use fake_org::NewUser;
use flate2::{Compression, write::GzEncoder};
use loader::log;
use loader::pieces::{self, Loaded};
use loader::record::{Record, SCHEMA};
use loader::sorter::PARTITIONS;
use loader::usage::{Carried, Carrying};
use okta_authomize::head::Checkpoint;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use reader::{Reader, manifest_key, read_from_head};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::loads::memory::{Fuse, Memory, Objects};
use crate::support::rig::Rig;

const STREAMS: [&str; 2] = ["users", "role_assignments"];
const IDS: [&str; 6] = ["a", "b", "a:b", "a:c", "b:c", "c:a"];
const PARTS: [&str; 3] = ["a", "b", "c"];

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `(stream, ids with whether they are deleted)`.
type Batch = (usize, Vec<(usize, bool)>);
/// `(stream, scope, except, how many manifests ago it began)`.
type Seen = (usize, Option<usize>, Option<usize>, u64);

fn history() -> impl Strategy<Value = Vec<(Vec<Batch>, Vec<Seen>)>> {
    let batch = (0..STREAMS.len(), vec((0..IDS.len(), any::<bool>()), 1..5));
    let part = || option::weighted(0.4, 0..PARTS.len());
    let seen = (0..STREAMS.len(), part(), part(), 0..4_u64);
    vec((vec(batch, 0..4), vec(seen, 0..3)), 2..9)
}

fn put_batch(
    objects: &mut BTreeMap<String, Vec<u8>>,
    sequence: u64,
    number: usize,
    batch: &Batch,
) -> Value {
    let stream = STREAMS[batch.0];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for (line, (id, is_delete)) in batch.1.iter().enumerate() {
        let mut record = json!({"schema": 1, "stream": stream, "op": "delete", "id": IDS[*id], "bundle": {},
            "observed_at": "2026-11-23T18:00:00.000Z"});
        if !is_delete {
            record["op"] = "upsert".into();
            let from = json!([sequence, number, line]);
            // Both streams define the same items: which word of one manifest is newer counts, too.
            record["bundle"] =
                json!({"new_assets": [{"uniqueId": IDS[*id], "name": from.to_string()}]});
            record["source"] = json!({"from": from});
        }
        writeln!(encoder, "{record}").unwrap();
    }
    let object = encoder.finish().unwrap();
    let key = format!(
        "okta/data/{stream}/integration=acme/date=2026-11-23/run{sequence}-{number}.jsonl.gz"
    );
    let entry = json!({"stream": stream, "key": key, "records": batch.1.len(), "bytes": object.len(), "sha256": sha256(&object)});
    objects.insert(key, object);
    entry
}

/// Objects by key, and the manifests among them as JSON with their SHA-256.
type Written = (BTreeMap<String, Vec<u8>>, Vec<(Value, String)>);

/// The bucket of a history.
fn bucket(history: &[(Vec<Batch>, Vec<Seen>)]) -> Written {
    let (mut objects, mut manifests) = (BTreeMap::new(), Vec::<(Value, String)>::new());
    for (sequence, (batches, snapshots)) in (1_u64..).zip(history) {
        let batches: Vec<Value> = batches
            .iter()
            .enumerate()
            .map(|(n, batch)| put_batch(&mut objects, sequence, n, batch))
            .collect();
        let snapshot = |(stream, scope, except, back): &Seen| {
            let since = sequence.saturating_sub(*back).max(1);
            let mut told =
                json!({"stream": STREAMS[*stream], "since_sequence": since, "complete": true});
            if let Some(scope) = scope {
                told["scope"] = PARTS[*scope].into();
            }
            if let Some(except) = except {
                told["except"] = json!([PARTS[*except]]);
            }
            told
        };
        let manifest = json!({"schema": 1, "sequence": sequence, "previous_sha256": manifests.last().map(|last| &last.1),
            "integration": "acme", "org": "https://acme.okta.com", "owner": null, "run": "r", "request_id": "q",
            "committed_at": "2026-11-23T18:00:00.000Z", "mode": "incremental", "batches": batches,
            "snapshots": snapshots.iter().map(snapshot).collect::<Vec<_>>(), "gap": null, "cursor": {}});
        let bytes = manifest.to_string().into_bytes();
        manifests.push((manifest, sha256(&bytes)));
        objects.insert(manifest_key("okta", "acme", sequence), bytes);
    }
    (objects, manifests)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_from_any_checkpoint_equals_one_from_the_first_manifest(history in history()) {
        let (mut objects, manifests) = bucket(&history);
        let full = Reader::read(&objects, "okta", "acme").unwrap();
        let mut checkpoint = Checkpoint::default();
        for (manifest, sha256) in &manifests {
            checkpoint.follow(manifest, sha256).unwrap();
            objects.insert("okta/heads/acme.json".to_owned(), serde_json::to_vec(&checkpoint).unwrap());
            let late = read_from_head(&objects, "okta", "acme").unwrap().expect("a checkpoint of this history");
            prop_assert_eq!(&late.violations, &[]);
            prop_assert_eq!(late.entities(), full.entities());
        }
    }
}

/// What a load sees that comes after one of manifest `loaded`, with usage known up to `carried`, and which manifests it
/// read; nothing else is known of the log.
async fn seen(
    objects: &Objects,
    manifests: &[(Value, String)],
    loaded: usize,
    carried: u64,
) -> (Vec<String>, u64) {
    let store = Memory::new(Arc::clone(objects), Fuse::never());
    let (prefix, integration) = ("okta", "acme");
    Carrying::new(carried)
        .write(&store, prefix, integration)
        .await
        .unwrap();
    let carried = Carried::read(&store, prefix, integration).await.unwrap();
    let (sequence, manifest_sha256) = (loaded as u64, Some(manifests[loaded - 1].1.clone()));
    let record = Record {
        schema: SCHEMA,
        integration: integration.into(),
        sequence,
        manifest_sha256,
        ..Record::default()
    };
    let history = log::read(&store, prefix, &record, carried.sequence)
        .await
        .unwrap();
    let since = Loaded {
        sequence,
        abandoned: false,
    };
    let state = pieces::read(&store, (prefix, integration), &history, since, &carried)
        .await
        .unwrap();
    assert!(state.gaps.is_empty() && !state.blurred, "{:?}", state.gaps);
    let mut told = Vec::new();
    for number in 0..PARTITIONS {
        for (key, mut pieces) in state.sorted.read(fold::Kind::Assets, number).unwrap() {
            pieces.sort_by_key(|piece| piece.place);
            told.push(format!("{key}: {pieces:?}"));
        }
    }
    told.push(format!(
        "{:?}",
        STREAMS.map(|stream| history.has_completed(stream))
    ));
    let read = store
        .seen
        .lock()
        .unwrap()
        .iter()
        .filter(|seen| seen.starts_with("get okta/manifests/"))
        .count();
    (told, read as u64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_load_from_any_checkpoint_equals_one_from_the_first_manifest(history in history(), drawn in any::<(u8, u8, u8)>()) {
        let (objects, manifests) = bucket(&history);
        let newest = manifests.len();
        let at = 1 + usize::from(drawn.0) % newest;
        let loaded = at + usize::from(drawn.1) % (newest - at + 1);
        let carried = 1 + u64::from(drawn.2) % loaded as u64;
        let mut checkpoint = Checkpoint::default();
        for (manifest, sha256) in &manifests[..at] {
            checkpoint.follow(manifest, sha256).unwrap();
        }
        let objects: Objects = Arc::new(Mutex::new(objects));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (first, all) = runtime.block_on(seen(&objects, &manifests, loaded, carried));
        let head = serde_json::to_vec(&checkpoint).unwrap();
        objects.lock().unwrap().insert("okta/heads/acme.json".to_owned(), head);
        let (late, some) = runtime.block_on(seen(&objects, &manifests, loaded, carried));
        prop_assert_eq!(late, first);
        let is_sound = checkpoint.streams.values().all(|live| live.since_sequence > 1);
        let spared = if is_sound { carried.min(at as u64) - 1 } else { 0 };
        prop_assert_eq!(some, all - spared);
    }
}

fn head(rig: &Rig) -> Option<Checkpoint> {
    let there = rig
        .store
        .objects
        .lock()
        .unwrap()
        .get("okta/heads/okta.json")
        .cloned();
    there.map(|body| serde_json::from_slice(&body).unwrap())
}

fn assert_reads_from_head(rig: &Rig) {
    let objects = rig.store.objects.lock().unwrap().clone();
    let late = read_from_head(&objects, "okta", "okta")
        .unwrap()
        .expect("a checkpoint");
    let full = rig.read();
    assert_eq!(late.violations, []);
    assert_eq!(late.entities(), full.entities());
}

#[tokio::test]
async fn a_snapshot_writes_a_checkpoint_and_a_small_commit_within_the_hour_does_not() {
    let rig = Rig::new().await;
    rig.populate(7, 3);
    rig.run().await;
    let first = head(&rig).expect("a checkpoint after the first snapshots");
    assert_reads_from_head(&rig);
    rig.org().create_user(NewUser::named("Grace", "Hopper"));
    let report = rig.run().await;
    assert!(report.sequence > first.sequence, "{report:#?}");
    assert_eq!(head(&rig).unwrap(), first);
    assert_reads_from_head(&rig);
    rig.ask(json!({"mode": "full"})).await.unwrap();
    assert!(head(&rig).unwrap().sequence > first.sequence);
    assert_reads_from_head(&rig);
}

#[tokio::test]
async fn a_lost_checkpoint_is_made_again_from_the_manifests() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    rig.run().await;
    for damage in [None, Some(&b"{"[..])] {
        rig.store.remove("okta/heads/okta.json");
        if let Some(body) = damage {
            rig.store
                .objects
                .lock()
                .unwrap()
                .insert("okta/heads/okta.json".to_owned(), body.to_vec());
        }
        rig.org().create_user(NewUser::named("Grace", "Hopper"));
        let report = rig.run().await;
        assert_eq!(head(&rig).unwrap().sequence, report.sequence);
        assert_reads_from_head(&rig);
    }
}
