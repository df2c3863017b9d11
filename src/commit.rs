//! The commit log: a manifest's creation is the commit.
//!
//! Manifests are numbered 1, 2, 3, … and created only where there is none of that number, so two
//! runs that race cannot both commit. The cursor's copy is written after its manifest and only
//! tells where to look for the newest one: a copy that is missing, damaged or old costs a
//! listing, never a record.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::batch;
use crate::ids::Ids;
pub use crate::manifest::{Gap, LedgerEntry, Manifest, SCHEMA, SnapshotEntry};
use crate::store::{ContentType, Creation, Store, StoreError};

/// The newest commit of an integration, or none yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// Number of the newest manifest; 0 where there is none.
    pub sequence: u64,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// The org it was made from.
    pub org: Option<String>,
    /// The cursor it holds.
    pub cursor: Value,
    /// The ledgers it names, by stream.
    pub ledger: BTreeMap<String, LedgerEntry>,
    /// Whether the cursor's copy is the copy of this manifest's.
    pub copy_is_current: bool,
}

/// Why the log could not be read or extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// The bucket's own trouble.
    Store(StoreError),
    /// The newest manifest is not one.
    Damaged { key: String, detail: String },
    /// Another run committed this sequence.
    Superseded { sequence: u64, run: String },
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Damaged { key, detail } => {
                write!(
                    f,
                    "{key} cannot be read ({detail}): restore the object as it was written; the function never rewrites it"
                )
            }
            Self::Superseded { sequence, run } => {
                write!(f, "run {run} committed manifest {sequence} first")
            }
        }
    }
}

impl std::error::Error for CommitError {}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The part of a stream's committed lines that could be read back.
#[derive(Debug, Default)]
pub struct ReadBack {
    /// Their ids.
    pub ids: Ids,
    /// The manifest some of whose batches are no longer there; `None` if everything asked for was read.
    pub ended_at: Option<Value>,
}

/// The commit log of one integration.
#[derive(Debug, Clone)]
pub struct CommitLog<S> {
    store: S,
    manifests: String,
    copy: String,
}

/// How often a creation is tried again that met another one under way (409).
const CONFLICT_RETRIES: u32 = 5;

impl<S: Store> CommitLog<S> {
    /// The log under `{prefix}/manifests/{integration}/`.
    pub fn new(store: S, prefix: &str, integration: &str) -> Self {
        let manifests = format!("{prefix}/manifests/{integration}/");
        Self {
            store,
            manifests,
            copy: format!("{prefix}/cursors/{integration}.json"),
        }
    }

    fn key(&self, sequence: u64) -> String {
        format!("{}{sequence:012}.json", self.manifests)
    }

    /// Finds the newest commit: from the cursor's copy on, or, where that is missing or damaged,
    /// from the first manifest on.
    ///
    /// # Errors
    /// [`CommitError::Store`], or [`CommitError::Damaged`] where the newest manifest is not one, or where a sound
    /// copy names a manifest that is not there: its number was taken once, and must not be taken again.
    pub async fn head(&self) -> Result<Head, CommitError> {
        let copy = self
            .store
            .get(&self.copy)
            .await?
            .and_then(|copy| copied_sequence(&copy));
        let from = copy.map_or_else(|| self.manifests.clone(), |sequence| self.key(sequence - 1));
        let sequences = self.sequences(&from).await?;
        if let Some(sequence) = copy.filter(|sequence| sequences.first() != Some(sequence)) {
            let detail = format!(
                "it is not there, though {} is the copy of its cursor",
                self.copy
            );
            return Err(damaged(&self.key(sequence), &detail));
        }
        match sequences.last() {
            None => Ok(Head {
                copy_is_current: true,
                ..Head::default()
            }),
            Some(&sequence) => self.read(sequence, copy == Some(sequence)).await,
        }
    }

    async fn sequences(&self, after: &str) -> Result<Vec<u64>, CommitError> {
        let keys = self.store.list(&self.manifests, after).await?;
        Ok(keys
            .iter()
            .filter_map(|key| {
                key.strip_prefix(&self.manifests)?
                    .strip_suffix(".json")?
                    .parse()
                    .ok()
            })
            .collect())
    }

    async fn read(&self, sequence: u64, copy_is_current: bool) -> Result<Head, CommitError> {
        let key = self.key(sequence);
        let damaged = |detail: &str| damaged(&key, detail);
        let body = self
            .store
            .get(&key)
            .await?
            .ok_or_else(|| damaged("it was listed but is not there"))?;
        let manifest: Value =
            serde_json::from_slice(&body).map_err(|error| damaged(&error.to_string()))?;
        if manifest.get("sequence").and_then(Value::as_u64) != Some(sequence) {
            return Err(damaged("it does not hold its own sequence"));
        }
        let cursor = manifest
            .get("cursor")
            .filter(|cursor| cursor.is_object())
            .cloned();
        Ok(Head {
            sequence,
            sha256: Some(hex::encode(Sha256::digest(&body))),
            org: manifest
                .get("org")
                .and_then(Value::as_str)
                .map(str::to_owned),
            cursor: cursor.ok_or_else(|| damaged("it holds no cursor"))?,
            ledger: manifest
                .get("ledger")
                .and_then(|ledger| BTreeMap::deserialize(ledger).ok())
                .unwrap_or_default(),
            copy_is_current,
        })
    }

    /// Creates a manifest, whose batches are stored already, then writes the cursor's copy.
    /// Returns the new head. Where the copy cannot be written the commit stands: the next run
    /// rolls forward from the manifest.
    ///
    /// # Errors
    /// [`CommitError::Superseded`] where another run was first; [`CommitError::Store`].
    pub async fn commit(&self, manifest: &Manifest) -> Result<Head, CommitError> {
        let body = Bytes::from(json_bytes(manifest));
        self.create(manifest, &body).await?;
        let head = Head {
            sequence: manifest.sequence,
            sha256: Some(hex::encode(Sha256::digest(&body))),
            org: Some(manifest.org.clone()),
            cursor: manifest.cursor.clone(),
            ledger: manifest.ledger.clone(),
            copy_is_current: false,
        };
        let Manifest {
            run,
            request_id,
            sequence,
            batches,
            ..
        } = manifest;
        let records: u64 = batches.iter().map(|batch| batch.records).sum();
        tracing::info!(
            run,
            request_id,
            sequence,
            batches = batches.len(),
            records,
            "committed"
        );
        let copied = self.copy_cursor(&head).await;
        Ok(Head {
            copy_is_current: copied.is_ok(),
            ..head
        })
    }

    /// Creates a manifest, once for all: one that is there already is this run's own, or another run's.
    async fn create(&self, manifest: &Manifest, body: &Bytes) -> Result<(), CommitError> {
        let key = self.key(manifest.sequence);
        for attempt in 0.. {
            match self
                .store
                .create(&key, body.clone(), ContentType::Json)
                .await?
            {
                Creation::Created => return Ok(()),
                Creation::Exists => return self.settle(manifest, &key).await,
                Creation::Conflict if attempt < CONFLICT_RETRIES => {
                    tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
                }
                Creation::Conflict => {
                    let text =
                        format!("{key}: another creation is under way (409), again and again");
                    return Err(StoreError::Unreachable(text).into());
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Whether there is a manifest after `head`: another run's.
    ///
    /// # Errors
    /// As the store's.
    pub async fn is_behind(&self, head: &Head) -> Result<bool, StoreError> {
        Ok(self
            .store
            .get(&self.key(head.sequence + 1))
            .await?
            .is_some())
    }

    /// The ids of a stream's committed lines, read back from `head` on, manifest by manifest, as long
    /// as `goes_on` says so of a manifest and of the ids that are read so far, and as far as there is
    /// something: the bucket's lifecycle removes old batches, never manifests.
    ///
    /// # Errors
    /// [`CommitError::Store`], or [`CommitError::Damaged`] where a manifest is not one.
    pub async fn ids_back(
        &self,
        stream: &str,
        head: &Head,
        mut goes_on: impl FnMut(&Value, &Ids) -> bool,
    ) -> Result<ReadBack, CommitError> {
        let mut ids = Ids::default();
        for sequence in (1..=head.sequence).rev() {
            let manifest = self.json(&self.key(sequence)).await?;
            if !goes_on(&manifest, &ids) {
                break;
            }
            let batches = manifest["batches"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|batch| batch["stream"] == stream);
            for key in batches.filter_map(|batch| batch["key"].as_str()) {
                let body = self.store.get(key).await?;
                if body.is_none_or(|body| batch::add_ids(&body, &mut ids).is_err()) {
                    tracing::warn!(
                        sequence,
                        key,
                        "a committed batch is gone or cannot be read: reading back ends here"
                    );
                    return Ok(ReadBack {
                        ids,
                        ended_at: Some(manifest),
                    });
                }
            }
        }
        Ok(ReadBack {
            ids,
            ended_at: None,
        })
    }

    /// A manifest as JSON, and the SHA-256 of the object.
    ///
    /// # Errors
    /// [`CommitError::Store`], or [`CommitError::Damaged`] where it is not there or not JSON.
    pub async fn manifest(&self, sequence: u64) -> Result<(Value, String), CommitError> {
        let key = self.key(sequence);
        let body = self
            .store
            .get(&key)
            .await?
            .ok_or_else(|| damaged(&key, "it is not there"))?;
        let manifest =
            serde_json::from_slice(&body).map_err(|error| damaged(&key, &error.to_string()))?;
        Ok((manifest, hex::encode(Sha256::digest(&body))))
    }

    async fn json(&self, key: &str) -> Result<Value, CommitError> {
        let body = self
            .store
            .get(key)
            .await?
            .ok_or_else(|| damaged(key, "it is not there"))?;
        serde_json::from_slice(&body).map_err(|error| damaged(key, &error.to_string()))
    }

    /// A manifest of this sequence exists: our own, created by an attempt whose answer was lost,
    /// or another run's.
    async fn settle(&self, manifest: &Manifest, key: &str) -> Result<(), CommitError> {
        let there = self.store.get(key).await?.unwrap_or_default();
        let there: Value = serde_json::from_slice(&there).unwrap_or_default();
        let run = there
            .get("run")
            .and_then(Value::as_str)
            .unwrap_or("(unknown)");
        if run == manifest.run {
            return Ok(());
        }
        Err(CommitError::Superseded {
            sequence: manifest.sequence,
            run: run.to_owned(),
        })
    }

    /// Writes the cursor's copy.
    ///
    /// # Errors
    /// As the store's.
    pub async fn copy_cursor(&self, head: &Head) -> Result<(), StoreError> {
        let copy = json!({"schema": SCHEMA, "sequence": head.sequence, "manifest_sha256": head.sha256, "cursor": head.cursor});
        self.store
            .put(
                &self.copy,
                Bytes::from(json_bytes(&copy)),
                ContentType::Json,
            )
            .await
    }
}

fn damaged(key: &str, detail: &str) -> CommitError {
    CommitError::Damaged {
        key: key.to_owned(),
        detail: detail.to_owned(),
    }
}

/// The sequence that a sound copy names: one that is whole, as [`CommitLog::copy_cursor`] writes it.
fn copied_sequence(copy: &[u8]) -> Option<u64> {
    let copy: Value = serde_json::from_slice(copy).ok()?;
    let is_whole = copy["schema"] == SCHEMA
        && copy["manifest_sha256"].is_string()
        && copy["cursor"].is_object();
    copy.get("sequence")?
        .as_u64()
        .filter(|sequence| *sequence > 0 && is_whole)
}

/// JSON text of a value all of whose keys are strings.
fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs with string keys always serialize")
}
