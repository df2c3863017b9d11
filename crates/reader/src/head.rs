//! Reading from a checkpoint: `heads/{integration}.json`, then the manifests after it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::manifest::{BatchEntry, Snapshot, manifest_key, sha256};
use crate::objects::Objects;
use crate::read::{ReadError, get};
use crate::state::{Previous, State};

/// A checkpoint. Keys that it does not know are ignored.
#[derive(Debug, Deserialize)]
struct Checkpoint {
    sequence: u64,
    manifest_sha256: String,
    streams: BTreeMap<String, Live>,
}

#[derive(Debug, Deserialize)]
struct Live {
    batches: Vec<LiveBatch>,
    #[serde(default)]
    forgets: Vec<Forget>,
}

#[derive(Debug, Deserialize)]
struct LiveBatch {
    sequence: u64,
    key: String,
    records: u64,
}

#[derive(Debug, Deserialize)]
struct Forget {
    sequence: u64,
    scope: Option<String>,
    since_sequence: u64,
    except: Option<Vec<String>>,
}

/// The state that [`Reader::read`](crate::Reader::read) gives, less System Log and usage from before the checkpoint;
/// `None` where there is no checkpoint that belongs to this history. Batches before it are checked by their number of
/// lines only: their SHA-256 stands in the manifests.
///
/// # Errors
/// An object cannot be had.
pub fn read_from_head(objects: &dyn Objects, prefix: &str, integration: &str) -> Result<Option<State>, ReadError> {
    let stored = get(objects, &format!("{prefix}/heads/{integration}.json"))?;
    let Some(head) = stored.and_then(|stored| serde_json::from_slice::<Checkpoint>(&stored).ok()) else {
        return Ok(None);
    };
    let manifest = get(objects, &manifest_key(prefix, integration, head.sequence))?;
    if manifest.is_none_or(|manifest| sha256(&manifest) != head.manifest_sha256) {
        return Ok(None);
    }
    let previous = Previous::Sha256(head.manifest_sha256.clone());
    let mut state = State::starting_at(prefix, integration, head.sequence + 1, previous);
    for (stream, live) in &head.streams {
        apply(&mut state, objects, stream, live)?;
    }
    while let Some(manifest) = get(objects, &state.next_manifest_key())? {
        state.apply(&manifest, objects)?;
    }
    Ok(Some(state))
}

fn apply(state: &mut State, objects: &dyn Objects, stream: &str, live: &Live) -> Result<(), ReadError> {
    let batches = live.batches.iter().map(|batch| batch.sequence);
    let sequences: BTreeSet<u64> = batches.chain(live.forgets.iter().map(|forget| forget.sequence)).collect();
    for sequence in sequences {
        for batch in live.batches.iter().filter(|batch| batch.sequence == sequence) {
            let object = get(objects, &batch.key)?;
            let stored = object.as_deref().unwrap_or_default();
            let (stream, key, records) = (stream.to_owned(), batch.key.clone(), batch.records);
            let entry = BatchEntry { stream, key, records, bytes: stored.len() as u64, sha256: sha256(stored) };
            state.apply_batch(sequence, &entry, object);
        }
        let forgets = live.forgets.iter().filter(|forget| forget.sequence == sequence);
        let snapshots: Vec<Snapshot> = forgets
            .map(|forget| Snapshot {
                stream: stream.to_owned(),
                since_sequence: forget.since_sequence,
                complete: true,
                scope: forget.scope.clone(),
                except: forget.except.clone().unwrap_or_default(),
            })
            .collect();
        state.forget(sequence, &snapshots);
    }
    Ok(())
}
