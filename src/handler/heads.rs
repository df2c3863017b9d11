//! The readers' checkpoint, kept up after a commit. It is a convenience: whatever goes wrong here costs no commit.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::authomize::rfc3339;
use crate::commit::{CommitError, CommitLog};
use crate::head::{self, Checkpoint};
use crate::manifest::Manifest;
use crate::store::{ContentType, Store, StoreError};
use crate::streams;

/// A checkpoint is written this often where no snapshot completes.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Manifests that are read back to make a lost checkpoint again, at most: a week of commits every five minutes.
const MOST_READ_BACK: u64 = 2_016;

/// Brings `heads/{integration}.json` up to the manifest that was just committed, where it is due.
pub(super) async fn keep<S: Store>(
    store: &S,
    log: &CommitLog<S>,
    prefix: &str,
    manifest: &Manifest,
    now: Timestamp,
) {
    let key = format!("{prefix}/heads/{}.json", manifest.integration);
    if let Err(error) = bring_up(store, log, &key, manifest, now).await {
        tracing::warn!(%error, key, "the readers' checkpoint could not be written; readers go on with the one before");
    }
}

async fn bring_up<S: Store>(
    store: &S,
    log: &CommitLog<S>,
    key: &str,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(), CommitError> {
    let last = store
        .get(key)
        .await?
        .and_then(|body| serde_json::from_slice::<Checkpoint>(&body).ok());
    let last = last
        .filter(|last| last.org == manifest.org && (1..manifest.sequence).contains(&last.sequence));
    let completes = manifest
        .snapshots
        .iter()
        .any(|snapshot| snapshot.scope.is_none());
    let written = last
        .as_ref()
        .and_then(|last| last.written_at.parse::<Timestamp>().ok());
    if !completes && written.is_some_and(|written| now.duration_since(written) < EVERY) {
        return Ok(());
    }
    let followed = match last {
        Some(last) => follow(log, last, manifest.sequence).await?,
        None => None,
    };
    let made = match followed {
        Some(checkpoint) => Some(checkpoint),
        None => make_again(log, manifest.sequence, &manifest.cursor).await?,
    };
    let Some(mut checkpoint) = made.filter(Checkpoint::is_bounded) else {
        tracing::warn!(
            key,
            "no bounded checkpoint for readers: some stream has had no complete snapshot for too long"
        );
        return Ok(());
    };
    checkpoint.written_at = rfc3339(now);
    let body =
        serde_json::to_vec(&checkpoint).expect("plain structs with string keys always serialize");
    store
        .put(key, Bytes::from(body), ContentType::Json)
        .await
        .map_err(StoreError::into)
}

/// The checkpoint with the manifests after it up to `sequence`; `None` where they do not continue it.
async fn follow<S: Store>(
    log: &CommitLog<S>,
    mut checkpoint: Checkpoint,
    sequence: u64,
) -> Result<Option<Checkpoint>, CommitError> {
    if sequence - checkpoint.sequence > MOST_READ_BACK {
        return Ok(None);
    }
    for number in checkpoint.sequence + 1..=sequence {
        let (manifest, sha256) = log.manifest(number).await?;
        let continues = manifest["previous_sha256"] == checkpoint.manifest_sha256.as_str();
        if !continues || checkpoint.follow(&manifest, &sha256).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(checkpoint))
}

/// A checkpoint from the manifests alone: back to where every stream was read as a whole, then forward. `None`, without
/// reading any, where the newest cursor tells that this is further back than is read.
async fn make_again<S: Store>(
    log: &CommitLog<S>,
    sequence: u64,
    cursor: &Value,
) -> Result<Option<Checkpoint>, CommitError> {
    let mut unread: Vec<&str> = streams::names()
        .into_iter()
        .filter(|stream| !head::grows(stream))
        .collect();
    let began = |stream: &&str| {
        cursor["streams"][*stream]["complete"]["since_sequence"]
            .as_u64()
            .unwrap_or(1)
    };
    if unread
        .iter()
        .map(began)
        .any(|began| sequence - began.min(sequence) >= MOST_READ_BACK)
    {
        return Ok(None);
    }
    let mut since = sequence;
    let mut read: Vec<(Value, String)> = Vec::new();
    for number in (1..=sequence).rev() {
        if unread.is_empty() && number < since {
            break;
        }
        if sequence - number >= MOST_READ_BACK {
            return Ok(None);
        }
        let (manifest, sha256) = log.manifest(number).await?;
        for (stream, began) in whole_snapshots(&manifest) {
            if unread.contains(&stream) {
                since = since.min(began);
                unread.retain(|name| *name != stream);
            }
        }
        read.push((manifest, sha256));
    }
    let mut checkpoint = Checkpoint::default();
    for (manifest, sha256) in read.iter().rev() {
        if checkpoint.follow(manifest, sha256).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(checkpoint))
}

/// Streams of which the manifest completes a snapshot without scope or exception, with where that began.
fn whole_snapshots(manifest: &Value) -> impl Iterator<Item = (&str, u64)> {
    let snapshots = manifest["snapshots"].as_array().into_iter().flatten();
    let whole = snapshots.filter(|snapshot| {
        let excepts = snapshot["except"]
            .as_array()
            .is_some_and(|except| !except.is_empty());
        snapshot["complete"] == true && snapshot["scope"].is_null() && !excepts
    });
    whole.filter_map(|snapshot| {
        Some((
            snapshot["stream"].as_str()?,
            snapshot["since_sequence"].as_u64()?,
        ))
    })
}
