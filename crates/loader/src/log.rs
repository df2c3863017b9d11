//! The commit log: its verified part at the last load, and the manifests since.
//!
//! `loads/{integration}/log.json.gz` spares a load from reading a week of manifests again; it can always be made again
//! from them. If it is lost, or a load was killed before it recorded its part, the collector's checkpoint
//! (`heads/{integration}.json`) stands for the manifests that it covers.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use fold::History;
use futures_util::{StreamExt, stream};
use reader::{Checkpoint, checkpoint_key, manifest_key, manifest_prefix, sequence_of, sha256};

use crate::failure::Failure;
use crate::record::Record;
use crate::store::{Expect, Store};

/// Manifests that are fetched at once.
const AT_ONCE: usize = 8;
/// Bytes of its text at most.
const MOST_TEXT: u64 = 1 << 30;

fn key(prefix: &str, integration: &str) -> String {
    format!("{prefix}/loads/{integration}/log.json.gz")
}

/// Sequences of the manifests after `after`, in order: one request per 1,000.
///
/// # Errors
/// As the store's.
pub async fn newer(
    store: &impl Store,
    prefix: &str,
    integration: &str,
    after: u64,
) -> Result<Vec<u64>, Failure> {
    let keys = store
        .list(
            &manifest_prefix(prefix, integration),
            &manifest_key(prefix, integration, after),
        )
        .await?;
    Ok(keys
        .iter()
        .filter_map(|key| sequence_of(key, prefix, integration))
        .collect())
}

/// The same after the last load. Nothing is newer where history is gone.
///
/// # Errors
/// `ManifestDamaged`: the manifest that was loaded last is gone. As the store's.
pub async fn since(store: &impl Store, prefix: &str, record: &Record) -> Result<Vec<u64>, Failure> {
    let loaded = record.sequence;
    let integration = &record.integration;
    let mut listed = newer(store, prefix, integration, loaded.saturating_sub(1)).await?;
    if loaded > 0 {
        if listed.first() != Some(&loaded) {
            return Err(gone(prefix, integration, loaded));
        }
        listed.remove(0);
    }
    Ok(listed)
}

fn gone(prefix: &str, integration: &str, sequence: u64) -> Failure {
    let key = manifest_key(prefix, integration, sequence);
    let problem = "is gone".to_owned();
    fold::Broken { key, problem }.into()
}

/// Sequences of the manifests that a log does not hold yet; each that it holds must still be there.
async fn following(
    store: &impl Store,
    prefix: &str,
    integration: &str,
    history: &History,
) -> Result<Vec<u64>, Failure> {
    let held = history.commits().iter().map(|commit| commit.sequence);
    let held: Vec<u64> = held
        .filter(|sequence| *sequence >= history.whole_since())
        .collect();
    let first = held.first().copied().unwrap_or(1);
    let listed = newer(store, prefix, integration, first - 1).await?;
    let expected = held.iter().copied().chain([history.newest() + 1]);
    for (listed, expected) in listed.iter().zip(expected) {
        if *listed != expected {
            return Err(gone(prefix, integration, expected));
        }
    }
    if listed.len() < held.len() {
        return Err(gone(prefix, integration, held[listed.len()]));
    }
    Ok(listed[held.len()..].to_vec())
}

/// The verified log up to the newest manifest. `usage_from` is the newest manifest whose usage need not be read again.
///
/// # Errors
/// `ManifestDamaged`: the chain is broken, or the last loaded manifest is no longer part of it. As the store's.
pub async fn read(
    store: &impl Store,
    prefix: &str,
    record: &Record,
    usage_from: u64,
) -> Result<History, Failure> {
    let integration = &record.integration;
    let mut history = match kept(store, prefix, record, usage_from).await? {
        Some(history) => history,
        None => from_checkpoint(store, prefix, record, usage_from)
            .await?
            .unwrap_or_default(),
    };
    let sequences = following(store, prefix, integration, &history).await?;
    extend(store, prefix, integration, &mut history, &sequences).await?;
    let key = manifest_key(prefix, integration, record.sequence);
    let loaded = match record.sequence {
        0 => None,
        _ => store.get(&key).await?.map(|stored| sha256(&stored.body)),
    };
    let in_history = history
        .commits()
        .iter()
        .find(|commit| commit.sequence == record.sequence)
        .map(|commit| &commit.sha256);
    if loaded != record.manifest_sha256 || in_history != record.manifest_sha256.as_ref() {
        let message = format!(
            "manifest {} was loaded and is gone, or another one now: restore the version that was written first, or delete {} to load anew",
            record.sequence,
            crate::record::key(prefix, integration)
        );
        return Err(Failure::new("ManifestDamaged", message));
    }
    Ok(history)
}

/// Adds manifests to a log.
///
/// # Errors
/// As [`read`].
pub async fn extend(
    store: &impl Store,
    prefix: &str,
    integration: &str,
    history: &mut History,
    sequences: &[u64],
) -> Result<(), Failure> {
    let fetched = stream::iter(sequences.iter().map(|sequence| {
        let key = manifest_key(prefix, integration, *sequence);
        async move { store.get(&key).await.map(|stored| (*sequence, stored)) }
    }));
    let mut fetched = fetched.buffered(AT_ONCE);
    while let Some(manifest) = fetched.next().await {
        let (sequence, stored) = manifest?;
        let Some(stored) = stored else {
            let key = manifest_key(prefix, integration, sequence);
            return Err(fold::Broken {
                key,
                problem: "is gone".to_owned(),
            }
            .into());
        };
        history.append(prefix, integration, sequence, &stored.body)?;
    }
    Ok(())
}

async fn kept(
    store: &impl Store,
    prefix: &str,
    record: &Record,
    usage_from: u64,
) -> Result<Option<History>, Failure> {
    if record.sequence == 0 {
        return Ok(None);
    }
    let Some(stored) = store.get(&key(prefix, &record.integration)).await? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    if GzDecoder::new(&*stored.body)
        .take(MOST_TEXT)
        .read_to_end(&mut text)
        .is_err()
    {
        return Ok(None);
    }
    let Ok(history) = serde_json::from_slice::<History>(&text) else {
        return Ok(None);
    };
    // A log that was written by a load whose record was not is of no use: its beginning may be too late.
    let is_the_records = history.newest() == record.sequence;
    Ok((is_the_records && history.whole_since() <= usage_from + 1).then_some(history))
}

/// The log up to a checkpoint: its live batches, and the manifests since the one whose usage is known, or its own.
///
/// `None` for a first load, which has to read the usage in every manifest; where the checkpoint is newer than the last
/// load, whose state it does not have; and where it is not sound.
async fn from_checkpoint(
    store: &impl Store,
    prefix: &str,
    record: &Record,
    usage_from: u64,
) -> Result<Option<History>, Failure> {
    let integration = &record.integration;
    let Some(stored) = store.get(&checkpoint_key(prefix, integration)).await? else {
        return Ok(None);
    };
    let Some(checkpoint) = Checkpoint::parse(&stored.body) else {
        return Ok(None);
    };
    let first = checkpoint.sequence.min(usage_from);
    if first <= 1 || checkpoint.sequence > record.sequence || !checkpoint.tells_all() {
        return Ok(None);
    }
    let mut history = History::default();
    let sequences: Vec<u64> = (first..=checkpoint.sequence).collect();
    extend(store, prefix, integration, &mut history, &sequences).await?;
    Ok(history.preceded_by(&checkpoint))
}

/// Keeps the state that the next load needs.
///
/// # Errors
/// As the store's.
pub async fn keep(
    store: &impl Store,
    prefix: &str,
    integration: &str,
    history: &History,
) -> Result<(), Failure> {
    let text = serde_json::to_vec(history).expect("plain structs with text keys always serialize");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed
        .write_all(&text)
        .expect("writing to memory does not fail");
    let packed = packed.finish().expect("writing to memory does not fail");
    store
        .put(
            &key(prefix, integration),
            Bytes::from(packed),
            Expect::Anything,
        )
        .await
        .map(drop)
}
