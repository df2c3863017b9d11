//! The commit log: one history, whatever fails.

use okta_authomize::COLLECTOR;
use okta_authomize::commit::{CommitError, CommitLog, Head, Manifest, SCHEMA};
use okta_authomize::store::StoreError;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::memory::{Act, Fault, Memory};

fn log(store: &Memory) -> CommitLog<Memory> {
    CommitLog::new(store.clone(), "okta", "acme")
}

fn manifest(head: &Head, run: &str) -> Manifest {
    Manifest {
        schema: SCHEMA,
        collector: COLLECTOR,
        sequence: head.sequence + 1,
        previous_sha256: head.sha256.clone(),
        integration: "acme".into(),
        org: "https://acme.okta.com".into(),
        owner: None,
        run: run.into(),
        request_id: "r".into(),
        committed_at: "2026-11-23T18:00:00.000Z".into(),
        mode: "incremental",
        batches: Vec::new(),
        snapshots: Vec::new(),
        ledger: Default::default(),
        gap: None,
        cursor: json!({"version": 1, "at": head.sequence + 1}),
    }
}

async fn committed(store: &Memory, count: u64) -> Head {
    let mut head = log(store).head().await.unwrap();
    for _ in 0..count {
        head = log(store).commit(&manifest(&head, "run")).await.unwrap();
    }
    head
}

const COPY: &str = "okta/cursors/acme.json";

fn key(sequence: u64) -> String {
    format!("okta/manifests/acme/{sequence:012}.json")
}

#[tokio::test]
async fn each_manifest_names_the_hash_of_the_one_before() {
    let store = Memory::default();
    committed(&store, 3).await;
    assert!(store.json(&key(1))["previous_sha256"].is_null());
    for sequence in 2..=3 {
        let before = store.objects.lock().unwrap()[&key(sequence - 1)].clone();
        assert_eq!(
            store.json(&key(sequence))["previous_sha256"],
            hex::encode(Sha256::digest(before))
        );
    }
    assert_eq!(store.json(COPY)["cursor"], store.json(&key(3))["cursor"]);
}

#[tokio::test]
async fn a_new_integration_has_no_head() {
    let head = log(&Memory::default()).head().await.unwrap();
    assert_eq!((head.sequence, head.sha256, head.org), (0, None, None));
}

#[tokio::test]
async fn an_old_copy_is_rolled_forward() {
    let store = Memory::default();
    committed(&store, 2).await;
    store.fail(|act, key| (act == Act::Put && key == COPY).then_some(Fault::Refused));
    let newest = committed(&store, 3).await;
    assert!(!newest.copy_is_current);
    store.heal();
    let head = log(&store).head().await.unwrap();
    assert_eq!(head, newest);
    assert_eq!(store.json(COPY)["sequence"], 2);
}

#[tokio::test]
async fn a_lost_or_damaged_copy_is_rebuilt_from_the_newest_manifest() {
    let store = Memory::default();
    let newest = Head {
        copy_is_current: false,
        ..committed(&store, 12).await
    };
    for copy in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"sequence\":0}",
        b"{\"sequence\":13}",
        b"{\"sequence\":\"12\"}",
        b"{\"sequence\":99}",
    ] {
        store.write(COPY, copy);
        assert_eq!(
            log(&store).head().await.unwrap(),
            newest,
            "{}",
            String::from_utf8_lossy(copy)
        );
    }
    store.remove(COPY);
    assert_eq!(log(&store).head().await.unwrap(), newest);
}

#[tokio::test]
async fn a_sound_copy_of_a_manifest_that_is_gone_is_an_error_and_never_a_second_manifest() {
    for gone in [&[3][..], &[1, 2, 3], &[2, 3]] {
        let store = Memory::default();
        committed(&store, 3).await;
        gone.iter()
            .for_each(|sequence| store.remove(&key(*sequence)));
        let error = log(&store).head().await.unwrap_err();
        assert!(
            matches!(&error, CommitError::Damaged { key, .. } if *key == self::key(3)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn of_two_runs_that_race_one_wins() {
    let store = Memory::default();
    let head = committed(&store, 1).await;
    log(&store).commit(&manifest(&head, "first")).await.unwrap();
    let lost = log(&store)
        .commit(&manifest(&head, "second"))
        .await
        .unwrap_err();
    assert_eq!(
        lost,
        CommitError::Superseded {
            sequence: 2,
            run: "first".into()
        }
    );
    assert_eq!(store.json(&key(2))["run"], "first");
}

#[tokio::test]
async fn ones_own_manifest_is_ones_own_commit() {
    let store = Memory::default();
    let head = committed(&store, 1).await;
    store.fail(|act, _| (act == Act::Create).then_some(Fault::AnswerLost));
    assert_eq!(
        log(&store)
            .commit(&manifest(&head, "run"))
            .await
            .unwrap()
            .sequence,
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again() {
    let store = Memory::default();
    let mut conflicts = 3;
    store.fail(move |act, _| {
        conflicts -= i32::from(act == Act::Create);
        (act == Act::Create && conflicts >= 0).then_some(Fault::Conflict)
    });
    committed(&store, 1).await;
    store.fail(|act, _| (act == Act::Create).then_some(Fault::Conflict));
    let head = log(&store).head().await.unwrap();
    let endless = log(&store)
        .commit(&manifest(&head, "run"))
        .await
        .unwrap_err();
    assert!(matches!(
        endless,
        CommitError::Store(StoreError::Unreachable(_))
    ));
}

#[tokio::test]
async fn a_damaged_newest_manifest_is_an_error_and_never_a_fresh_start() {
    let store = Memory::default();
    committed(&store, 3).await;
    for body in [
        &b""[..],
        b"{}",
        b"{\"sequence\":2,\"cursor\":{}}",
        b"{\"sequence\":3}",
    ] {
        store.write(&key(3), body);
        let error = log(&store).head().await.unwrap_err();
        assert!(matches!(error, CommitError::Damaged { .. }), "{error}");
    }
}
