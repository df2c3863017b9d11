//! Reading from a checkpoint: `heads/{integration}.json`, then the manifests after it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::manifest::{BatchEntry, Snapshot, manifest_key, sha256};
use crate::objects::Objects;
use crate::read::{ReadError, get};
use crate::state::{Previous, State};

/// A checkpoint: the live batches as of one manifest. Keys that it does not know are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoint {
    /// `https://…` of the org; empty in older checkpoints.
    #[serde(default)]
    pub org: String,
    /// The last manifest that it covers.
    pub sequence: u64,
    /// Lowercase hex SHA-256 of that manifest as stored.
    pub manifest_sha256: String,
    /// By stream with a newest state.
    pub streams: BTreeMap<String, Live>,
}

/// The live batches of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Live {
    /// The manifest in which the newest complete snapshot began; 1 before the first one, too.
    pub since_sequence: u64,
    /// Batches from that manifest on.
    pub batches: Vec<LiveBatch>,
    /// Complete snapshots since, which forget some of their records.
    #[serde(default)]
    pub forgets: Vec<Forget>,
}

/// A live batch. The members that newer checkpoints have beside its key are `None` in older ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LiveBatch {
    /// The manifest that names it.
    pub sequence: u64,
    /// Its place among that manifest's batches, from 0.
    pub ordinal: Option<u32>,
    /// Key of the object.
    pub key: String,
    /// Lines in it.
    pub records: u64,
    /// Size of the object as stored.
    pub bytes: Option<u64>,
    /// Lowercase hex SHA-256 of the object as stored.
    pub sha256: Option<String>,
}

/// A complete snapshot that does not stand for the whole stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Forget {
    /// The manifest that has it.
    pub sequence: u64,
    /// Only records with this Okta id among the `:`-separated parts of theirs.
    pub scope: Option<String>,
    /// Records that were last sent before this manifest are gone.
    pub since_sequence: u64,
    /// Records with one of these ids among the parts of theirs stay.
    pub except: Option<Vec<String>>,
}

impl Checkpoint {
    /// Parses a checkpoint as stored; `None` if it is none.
    #[must_use]
    pub fn parse(stored: &[u8]) -> Option<Self> {
        serde_json::from_slice(stored).ok()
    }

    /// Whether it stands for the manifests: it repeats all that they say of each live batch, and every stream has been
    /// read as a whole. Where a snapshot began in manifest 1, it leaves that open.
    #[must_use]
    pub fn tells_all(&self) -> bool {
        self.streams.iter().all(|(stream, live)| {
            let placed =
                |batch: &LiveBatch| batch.ordinal.is_some() && batch.entry(stream).is_some();
            live.since_sequence > 1 && live.batches.iter().all(placed)
        })
    }
}

/// Key of an integration's checkpoint.
#[must_use]
pub fn checkpoint_key(prefix: &str, integration: &str) -> String {
    format!("{prefix}/heads/{integration}.json")
}

impl LiveBatch {
    /// Its manifest's entry, if the checkpoint repeats all of it.
    #[must_use]
    pub fn entry(&self, stream: &str) -> Option<BatchEntry> {
        Some(BatchEntry {
            stream: stream.to_owned(),
            key: self.key.clone(),
            records: self.records,
            bytes: self.bytes?,
            sha256: self.sha256.clone()?,
        })
    }
}

impl Forget {
    /// The snapshot as its manifest has it.
    #[must_use]
    pub fn snapshot(&self, stream: &str) -> Snapshot {
        Snapshot {
            stream: stream.to_owned(),
            since_sequence: self.since_sequence,
            complete: true,
            scope: self.scope.clone(),
            except: self.except.clone().unwrap_or_default(),
            kept_sequences: None,
        }
    }
}

/// The state that [`Reader::read`](crate::Reader::read) gives, less System Log and usage from before the checkpoint;
/// `None` where there is no checkpoint that belongs to this history. Batches of an older checkpoint, which does not repeat
/// their SHA-256, are checked by their number of lines only.
///
/// # Errors
/// An object cannot be had.
pub fn read_from_head(
    objects: &dyn Objects,
    prefix: &str,
    integration: &str,
) -> Result<Option<State>, ReadError> {
    let stored = get(objects, &checkpoint_key(prefix, integration))?;
    let Some(head) = stored.and_then(|stored| Checkpoint::parse(&stored)) else {
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

fn apply(
    state: &mut State,
    objects: &dyn Objects,
    stream: &str,
    live: &Live,
) -> Result<(), ReadError> {
    let batches = live.batches.iter().map(|batch| batch.sequence);
    let sequences: BTreeSet<u64> = batches
        .chain(live.forgets.iter().map(|forget| forget.sequence))
        .collect();
    for sequence in sequences {
        for batch in live
            .batches
            .iter()
            .filter(|batch| batch.sequence == sequence)
        {
            let object = get(objects, &batch.key)?;
            let entry = batch.entry(stream).unwrap_or_else(|| {
                let stored = object.as_deref().unwrap_or_default();
                let (stream, key, records) = (stream.to_owned(), batch.key.clone(), batch.records);
                BatchEntry {
                    stream,
                    key,
                    records,
                    bytes: stored.len() as u64,
                    sha256: sha256(stored),
                }
            });
            state.apply_batch(sequence, &entry, object);
        }
        let forgets = live
            .forgets
            .iter()
            .filter(|forget| forget.sequence == sequence);
        let snapshots: Vec<Snapshot> = forgets.map(|forget| forget.snapshot(stream)).collect();
        state.forget(sequence, &snapshots);
    }
    Ok(())
}
