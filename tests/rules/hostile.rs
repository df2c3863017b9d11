//! Hostile input: what comes from outside is of any shape, and costs no panic, no endless loop and no secret.
//!
//! A fixed number of cases in `make test`; `HOSTILE_CASES=20` tries twenty times as many (`make soak`).

use std::time::Duration;

use jiff::SignedDuration;
use okta_authomize::commit::{CommitError, CommitLog};
use okta_authomize::engine::Cursor;
use okta_authomize::invocation::Request;
use okta_authomize::secret::{Content, parse};
use okta_authomize::streams;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::memory::Memory;
use crate::support::rig::{Rig, secret};

const HUSH: &str = "hush-hush";
const COPY: &str = "okta/cursors/okta.json";
const MANIFEST: &str = "okta/manifests/okta/000000000001.json";
const STATUS: &str = "okta/status/okta.json";

/// Tries `cases`, times what `HOSTILE_CASES` says, and tells how many that were.
fn tried<T>(name: &str, cases: u32, strategy: impl Strategy<Value = T>, mut rule: impl FnMut(T)) {
    let times = std::env::var("HOSTILE_CASES")
        .ok()
        .and_then(|times| times.parse().ok())
        .unwrap_or(1);
    let (cases, seed) = (
        cases * times,
        if times == 1 { [7; 32] } else { rand_seed() },
    );
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(
        Config {
            failure_persistence: None,
            ..Config::default()
        },
        rng,
    );
    for _ in 0..cases {
        rule(strategy.new_tree(&mut runner).unwrap().current());
    }
    println!("{name}: {cases} cases, seed {seed:?}");
}

fn rand_seed() -> [u8; 32] {
    let id = *uuid::Uuid::new_v4().as_bytes();
    [id, id].concat().try_into().unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,12}|https://other\\.example/api|//other\\.example/x|2026-11-23T18:00:00Z|-9999-01-01T00:00:00Z"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..4).prop_map(|object| json!(object)),
        ]
    })
}

/// An object some of whose keys are these.
fn object_of(keys: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let key =
        prop_oneof![4 => prop::sample::select(keys).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
    prop::collection::btree_map(key, any_json(), 0..6).prop_map(|object| json!(object))
}

/// Replaces what a walk by `path` ends at.
fn mutate(value: &mut Value, path: &[prop::sample::Index], with: &Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Array(items) if !items.is_empty() => mutate(first.get_mut(items), rest, with),
        Value::Object(object) if !object.is_empty() => {
            let key = object
                .keys()
                .nth(first.index(object.len()))
                .cloned()
                .unwrap();
            mutate(&mut object[&key], rest, with);
        }
        other => *other = with.clone(),
    }
}

fn mutation() -> impl Strategy<Value = (Vec<prop::sample::Index>, Value)> {
    (
        prop::collection::vec(any::<prop::sample::Index>(), 1..7),
        any_json(),
    )
}

#[test]
fn any_event_is_a_request_or_is_told_in_a_few_words() {
    let keys = vec![
        "mode",
        "secret_id",
        "streams",
        "accept_shrink",
        "detail-type",
    ];
    tried(
        "events",
        2_000,
        prop_oneof![any_json(), object_of(keys)],
        |event| {
            if let Err(problems) = Request::parse(&event, &streams::names()) {
                assert!(
                    !problems.is_empty() && problems.iter().all(|problem| problem.len() < 2_000),
                    "{problems:?}"
                );
            }
        },
    );
    let long = json!({"mode": "x".repeat(1_000_000), "streams": ["é".repeat(300_000)]});
    let problems = Request::parse(&long, &streams::names()).unwrap_err();
    assert!(problems.iter().all(|problem| problem.len() < 2_000));
}

#[test]
fn any_secret_is_read_or_told_without_its_values() {
    let keys = [
        "domain",
        "client_id",
        "client_secret",
        "private_key",
        "key_id",
        "token",
        "integration_name",
        "owner",
    ];
    let more = ["streams_off", "drop_attributes", "unknown_actors"];
    let keys: Vec<_> = keys.into_iter().chain(more).collect();
    let read = |text: String| {
        parse(
            &Content {
                version: "1".into(),
                text: text.into(),
            },
            &streams::names(),
        )
    };
    tried(
        "secrets",
        2_000,
        (object_of(keys.clone()), prop::sample::select(keys), 0..4_u8),
        |(mut object, key, kind)| {
            object[key] = [
                json!(HUSH),
                json!([HUSH]),
                json!({"x": HUSH}),
                json!([[HUSH]]),
            ][usize::from(kind)]
            .clone();
            if let Err(problems) = read(object.to_string()) {
                // Names of streams are no secret: a wrong one is told.
                let told = problems
                    .problems
                    .iter()
                    .filter(|problem| !problem.starts_with("streams_off "))
                    .cloned();
                assert!(
                    !told.collect::<String>().contains(HUSH),
                    "{object} {problems:?}"
                );
                assert!(!problems.problems.is_empty());
            }
        },
    );
    tried(
        "texts as secrets",
        1_000,
        "\\PC{0,40}|[{}\\[\\]\":,a-c]{0,20}",
        |text| {
            assert!(read(text).is_err());
        },
    );
}

#[tokio::test]
async fn any_manifest_or_copy_read_back_is_a_head_or_an_error() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    rig.run().await;
    let sound = rig.store.objects.lock().unwrap().clone();
    let head = |store: &Memory| {
        let log = CommitLog::new(store.clone(), "okta", "okta");
        futures_util::FutureExt::now_or_never(log.head())
            .expect("a bucket in memory answers at once")
    };
    let broken = prop_oneof![
        mutation()
            .prop_map(Some)
            .prop_map(|mutation| (mutation, None)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| (None, Some(bytes))),
        (0..4_000_usize).prop_map(|length| (None, Some(vec![b'{'; length]))),
    ];
    tried(
        "manifests",
        1_500,
        (broken, any::<bool>()),
        |((mutation, bytes), is_copy)| {
            let key = if is_copy { COPY } else { MANIFEST };
            let body = bytes.unwrap_or_else(|| {
                let mut value: Value = serde_json::from_slice(&sound[key]).unwrap();
                let (path, with) = mutation.unwrap();
                mutate(&mut value, &path, &with);
                value.to_string().into_bytes()
            });
            rig.store.write(key, &body);
            match head(&rig.store) {
                Ok(head) => {
                    assert_eq!(head.sequence, 1);
                    let _ = Cursor::read(&head.cursor);
                }
                Err(error) => assert!(matches!(error, CommitError::Damaged { .. }), "{error}"),
            }
            rig.store.write(key, &sound[key]);
        },
    );
}

#[tokio::test]
async fn any_cursor_and_status_read_back_make_a_run_that_ends() {
    let rig = Rig::new().await;
    rig.populate(8, 3);
    rig.org().create_idp("OIDC", "IdP");
    rig.run().await;
    let sound = rig.store.objects.lock().unwrap().clone();
    let mut cases = Vec::new();
    tried("cursors", 60, (mutation(), mutation()), |case| {
        cases.push(case)
    });
    for ((path, with), (path_of_status, with_of_status)) in cases {
        let mut manifest: Value = serde_json::from_slice(&sound[MANIFEST]).unwrap();
        let mut status: Value = serde_json::from_slice(&sound[STATUS]).unwrap();
        mutate(&mut manifest["cursor"], &path, &with);
        mutate(&mut status, &path_of_status, &with_of_status);
        let mut objects = sound.clone();
        objects.insert(MANIFEST.to_owned(), manifest.to_string().into_bytes());
        objects.insert(STATUS.to_owned(), status.to_string().into_bytes());
        *rig.store.objects.lock().unwrap() = objects;
        let run = rig.ask_within(json!({"mode": "full"}), SignedDuration::from_secs(6));
        let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
        let ended =
            ended.unwrap_or_else(|_| panic!("the run does not end: {}", manifest["cursor"]));
        if let Err(failure) = ended {
            let is_told = ["ManifestDamaged", "CursorUnreadable"].contains(&failure.kind);
            assert!(is_told, "{failure}: {}", manifest["cursor"]);
        }
    }
    // Nothing of it lasts.
    *rig.store.objects.lock().unwrap() = sound;
    rig.secrets.put("okta/acme", &secret());
    rig.ask(json!({"mode": "full"})).await.unwrap();
    rig.assert_in_step();
}
