//! Random histories against a model that knows no order of application: a record is there if its
//! last line is an upsert that no snapshot, then or later, has found missing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use reader::{ENTITY_STREAMS, Reader, State, manifest_key};
use serde_json::Value;

use crate::bucket::{Bucket, complete, complete_part, delete, upsert};

const STREAMS: [&str; 3] = ["users", "group_memberships", "role_assignments"];
const IDS: [&str; 7] = ["a", "b", "c", "a:b", "a:c", "b:c", "c:a"];
const SCOPES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
struct Word {
    is_delete: bool,
    id: &'static str,
}

#[derive(Debug, Clone)]
struct Seen {
    stream: &'static str,
    scope: Option<&'static str>,
    /// How many manifests ago it began.
    back: u64,
    is_complete: bool,
    except: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Commit {
    batches: Vec<(&'static str, Vec<Word>)>,
    snapshots: Vec<Seen>,
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let word = (any::<bool>(), 0..IDS.len());
    vec(
        word.prop_map(|(is_delete, id)| Word {
            is_delete,
            id: IDS[id],
        }),
        0..6,
    )
}

fn snapshots() -> impl Strategy<Value = Vec<Seen>> {
    let one = (
        0..STREAMS.len(),
        option::of(0..SCOPES.len()),
        0..4_u64,
        any::<bool>(),
        option::weighted(0.3, 0..SCOPES.len()),
    );
    let some = vec(
        one.prop_map(|(stream, scope, back, is_complete, except)| Seen {
            stream: STREAMS[stream],
            scope: scope.map(|scope| SCOPES[scope]),
            back,
            is_complete,
            except: except.map(|except| SCOPES[except]),
        }),
        0..3,
    );
    let all = (0..4_u64).prop_map(|back| {
        let whole = |stream| Seen {
            stream,
            scope: None,
            back,
            is_complete: true,
            except: None,
        };
        ENTITY_STREAMS.map(whole).to_vec()
    });
    prop_oneof![6 => some, 1 => all]
}

pub fn history() -> impl Strategy<Value = Vec<Commit>> {
    let batch = (0..STREAMS.len(), words()).prop_map(|(stream, words)| (STREAMS[stream], words));
    let commit = (vec(batch, 0..4), snapshots());
    vec(
        commit.prop_map(|(batches, snapshots)| Commit { batches, snapshots }),
        1..9,
    )
}

/// `version` numbers the lines, so that no two are alike.
pub fn write(history: &[Commit]) -> Bucket {
    let mut bucket = Bucket::default();
    let mut version = 0;
    for (commit, sequence) in history.iter().zip(1_u64..) {
        let mut batches = Vec::new();
        for (stream, words) in &commit.batches {
            let lines = words.iter().map(|word| {
                version += 1;
                match word.is_delete {
                    true => delete(stream, word.id),
                    false => upsert(stream, word.id, version),
                }
            });
            batches.push((*stream, lines.collect()));
        }
        let snapshots: Vec<Value> = commit
            .snapshots
            .iter()
            .map(|seen| told(seen, sequence.saturating_sub(seen.back).max(1)))
            .collect();
        bucket.commit(&batches, &snapshots);
    }
    bucket
}

fn told(seen: &Seen, since: u64) -> Value {
    let mut snapshot = match seen.scope {
        Some(scope) => complete_part(seen.stream, scope, since),
        None => complete(seen.stream, since),
    };
    snapshot["complete"] = seen.is_complete.into();
    if let Some(except) = seen.except {
        snapshot["except"] = serde_json::json!([except]);
    }
    snapshot
}

type Model = BTreeMap<(String, String), (u64, u64)>;

/// `(stream, id)` to the sequence and version of its last line, of all that are there.
fn model(history: &[Commit]) -> Model {
    let mut last = BTreeMap::new();
    let mut version = 0;
    for (commit, sequence) in history.iter().zip(1_u64..) {
        for (stream, words) in &commit.batches {
            for word in words {
                version += 1;
                last.insert((*stream, word.id), (sequence, version, word.is_delete));
            }
        }
    }
    let is_there = |stream: &str, id: &str, sent: u64| {
        !history.iter().zip(1_u64..).any(|(commit, sequence)| {
            commit.snapshots.iter().any(|seen| {
                let covers = seen
                    .scope
                    .is_none_or(|scope| id.split(':').any(|part| part == scope));
                let spared = seen
                    .except
                    .is_some_and(|except| id.split(':').any(|part| part == except));
                let since = sequence.saturating_sub(seen.back).max(1);
                seen.is_complete
                    && seen.stream == stream
                    && covers
                    && !spared
                    && sequence >= sent
                    && sent < since
            })
        })
    };
    last.into_iter()
        .filter(|((stream, id), (sent, _, is_delete))| !is_delete && is_there(stream, id, *sent))
        .map(|((stream, id), (sent, version, _))| ((stream.into(), id.into()), (sent, version)))
        .collect()
}

fn seen_by(state: &State) -> Model {
    assert_eq!(state.violations, []);
    let mut model = Model::new();
    for (stream, records) in state.entities() {
        for (id, line) in records {
            assert_eq!(
                (&line.record["stream"], &line.record["id"]),
                (&stream.into(), &id.as_str().into())
            );
            let version = line.record["source"]["version"].as_u64().unwrap();
            model.insert((stream.to_owned(), id.clone()), (line.sequence, version));
        }
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_as_the_model_says(history in history()) {
        let bucket = write(&history);
        let state = Reader::read(&bucket.objects, "okta", "acme").unwrap();
        prop_assert_eq!(seen_by(&state), model(&history));
    }

    #[test]
    fn a_follower_agrees_with_the_model_after_every_manifest(history in history()) {
        let bucket = write(&history);
        let mut state = State::new("okta", "acme");
        for applied in 1..=history.len() {
            let manifest = &bucket.objects[&manifest_key("okta", "acme", applied as u64)];
            state.apply(manifest, &bucket.objects).unwrap();
            prop_assert_eq!(seen_by(&state), model(&history[..applied]));
        }
    }

    #[test]
    fn a_new_reader_sees_the_state_of_a_reader_from_the_first_manifest(history in history()) {
        let bucket = write(&history);
        let full = Reader::read(&bucket.objects, "okta", "acme").unwrap();
        let new = Reader::read_newest(&bucket.objects, "okta", "acme").unwrap();
        prop_assert_eq!(&new.violations, &[]);
        prop_assert_eq!(new.entities(), full.entities());
    }
}

/// The property above would hold of an empty strategy too.
#[test]
fn the_histories_delete_forget_and_start_late() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let history = history().new_tree(&mut runner).unwrap().current();
        let bucket = write(&history);
        let state = Reader::read(&bucket.objects, "okta", "acme").unwrap();
        let any = |count: fn(&reader::Stream) -> u64| {
            state.streams.values().any(|stream| count(stream) > 0)
        };
        let late = Reader::start(&bucket.objects, "okta", "acme").unwrap() > 1;
        let kinds = [
            ("records", !state.entities().is_empty()),
            ("deletes", any(|stream| stream.deletes)),
            ("forgotten", any(|stream| stream.forgotten)),
            ("late", late && !state.entities().is_empty()),
        ];
        seen.extend(
            kinds
                .into_iter()
                .filter(|(_, is_so)| *is_so)
                .map(|(kind, _)| kind),
        );
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
