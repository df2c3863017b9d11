//! Whether the newest word is the last one: lines stand in the order in which their requests were sent, and nothing
//! that is older than a snapshot or a tombstone stands where those cannot take it away.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use reader::{ENTITY_STREAMS, Manifest, Snapshot};
use serde_json::Value;

use crate::support::rig::{Rig, lines};

/// A line, as far as its place matters.
struct Placed {
    manifest: u64,
    id: String,
    is_tombstone: bool,
    /// When the request that it answers was sent.
    observed_at: Timestamp,
}

/// Asserts what the contract says of the order of lines.
pub fn assert_ordered(rig: &Rig) {
    let manifests = rig.read().manifests;
    let mut placed: BTreeMap<&str, Vec<Placed>> = BTreeMap::new();
    for manifest in &manifests {
        for batch in &manifest.batches {
            let of_stream = ENTITY_STREAMS
                .into_iter()
                .find(|stream| *stream == batch.stream);
            let Some(stream) = of_stream else { continue };
            let of_batch = lines(&rig.store, &batch.key)
                .into_iter()
                .map(|line| place(manifest.sequence, &line));
            placed.entry(stream).or_default().extend(of_batch);
        }
    }
    for (stream, placed) in &placed {
        assert_newest_word_last(stream, placed);
    }
    for manifest in &manifests {
        assert_snapshots_cover_what_they_follow(rig, manifest, &placed);
        assert_nothing_outlives_its_object(manifest, &placed);
        assert_scopes_share_nothing(manifest, &placed);
    }
}

fn place(manifest: u64, line: &Value) -> Placed {
    Placed {
        manifest,
        id: line["id"].as_str().unwrap().to_owned(),
        is_tombstone: line["op"] == "delete",
        observed_at: line["observed_at"].as_str().unwrap().parse().unwrap(),
    }
}

fn assert_newest_word_last(stream: &str, placed: &[Placed]) {
    let mut newest: HashMap<&str, &Placed> = HashMap::new();
    for line in placed {
        if let Some(before) = newest.insert(&line.id, line) {
            let (first, then) = (before.observed_at, line.observed_at);
            let at = line.manifest;
            assert!(
                first <= then,
                "{stream} {}: asked for at {then}, written after {first} in {at}",
                line.id
            );
        }
    }
}

/// What a complete snapshot covers and was read before it began does not stand where it began or later.
fn assert_snapshots_cover_what_they_follow(
    rig: &Rig,
    manifest: &Manifest,
    placed: &BTreeMap<&str, Vec<Placed>>,
) {
    let whole = manifest
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.complete && snapshot.scope.is_none());
    for snapshot in whole {
        // Of two that one manifest completes, the cursor knows the newer one.
        let Some(began_at) = began_at(rig, manifest.sequence, snapshot) else {
            continue;
        };
        let lines = placed.get(snapshot.stream.as_str()).into_iter().flatten();
        let since = lines.filter(|line| line.manifest >= snapshot.since_sequence);
        for line in since {
            let Placed {
                id,
                observed_at,
                manifest: at,
                ..
            } = line;
            assert!(
                *observed_at >= began_at,
                "{id} of {observed_at} stands in {at}, snapshot of {began_at}"
            );
        }
    }
}

/// When a complete snapshot began, as lines tell times: by the millisecond.
fn began_at(rig: &Rig, sequence: u64, snapshot: &Snapshot) -> Option<Timestamp> {
    let key = format!("okta/manifests/okta/{sequence:012}.json");
    let manifest: Value = serde_json::from_slice(&rig.store.objects.lock().unwrap()[&key]).unwrap();
    let complete = &manifest["cursor"]["streams"][&snapshot.stream]["complete"];
    let started_at = complete["started_at"]
        .as_str()
        .unwrap()
        .parse::<Timestamp>()
        .unwrap();
    let is_it = complete["since_sequence"] == snapshot.since_sequence;
    is_it.then(|| started_at - SignedDuration::from_millis(1))
}

/// What hung on an object was not read before the object's end and left beside it.
fn assert_nothing_outlives_its_object(manifest: &Manifest, placed: &BTreeMap<&str, Vec<Placed>>) {
    let owners = ["users", "groups", "applications", "idps"];
    let here = |stream: &str| lines_in(manifest, placed, stream);
    let ends: Vec<&Placed> = owners
        .into_iter()
        .flat_map(here)
        .filter(|line| line.is_tombstone)
        .collect();
    for snapshot in manifest
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.since_sequence == manifest.sequence)
    {
        let end = ends
            .iter()
            .find(|end| snapshot.scope.as_ref() == Some(&end.id));
        let Some(end) = end else { continue };
        for line in here(&snapshot.stream)
            .into_iter()
            .filter(|line| line.id.split(':').any(|part| part == end.id))
        {
            let (id, then, stream) = (&line.id, line.observed_at, &snapshot.stream);
            assert!(
                then >= end.observed_at,
                "{stream} {id} of {then} stands beside its end at {}",
                end.observed_at
            );
        }
    }
}

/// All records of one object and all of another were not read for the same manifest: what they share would be known
/// twice, and the older word would outlive the newer one where that takes it away.
fn assert_scopes_share_nothing(manifest: &Manifest, placed: &BTreeMap<&str, Vec<Placed>>) {
    let fresh = manifest
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.since_sequence == manifest.sequence);
    let scopes: BTreeSet<(&str, &str)> = fresh
        .filter_map(|snapshot| Some((snapshot.stream.as_str(), snapshot.scope.as_deref()?)))
        .collect();
    for stream in scopes
        .iter()
        .map(|(stream, _)| *stream)
        .collect::<BTreeSet<_>>()
    {
        for line in lines_in(manifest, placed, stream) {
            let twice = line
                .id
                .split(':')
                .all(|part| scopes.contains(&(stream, part)));
            assert!(
                !twice,
                "{stream} {}: both of its objects were read for manifest {}",
                line.id, manifest.sequence
            );
        }
    }
}

fn lines_in<'a>(
    manifest: &Manifest,
    placed: &'a BTreeMap<&str, Vec<Placed>>,
    stream: &str,
) -> Vec<&'a Placed> {
    let lines = placed.get(stream).into_iter().flatten();
    lines
        .filter(|line| line.manifest == manifest.sequence)
        .collect()
}
