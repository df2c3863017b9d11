//! A checkpoint for readers: of each stream with a newest state the batches since its newest complete snapshot began, and
//! what later manifests forget of them.
//!
//! A reader that applies these and goes on with the manifest after [`Checkpoint::sequence`] has the state of a reader that
//! began at the first manifest. It follows from the manifests alone, so a checkpoint that is lost or stale is made again.
//!
//! Not kept are System Log events and usage, which only grow: a reader that wants them reads the manifests.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of this shape.
pub const SCHEMA: u32 = 1;

/// Batches and forgettings of a stream that a checkpoint holds at most: over a year of commits every five minutes. A
/// stream that has had no complete snapshot for so long has no bounded checkpoint.
pub const MOST_ENTRIES: usize = 100_000;

/// Streams of which nothing is replaced or forgotten.
const GROWING: [&str; 2] = ["activity", "usage"];

/// Whether nothing of a stream is ever replaced or forgotten.
#[must_use]
pub fn grows(stream: &str) -> bool {
    GROWING.contains(&stream)
}

/// The live batches as of one manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Checkpoint {
    /// Version of this shape.
    #[cfg_attr(feature = "schemas", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// The integration's slug.
    pub integration: String,
    /// `https://acme.okta.com`
    pub org: String,
    /// The last manifest that it covers.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub sequence: u64,
    /// SHA-256 of that manifest, in hexadecimal.
    pub manifest_sha256: String,
    /// When it was written (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub written_at: String,
    /// By stream with a newest state.
    pub streams: BTreeMap<String, Live>,
}

/// The live batches of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Live {
    /// The manifest in which the newest complete snapshot began; 1 before the first one.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub since_sequence: u64,
    /// Batches from that manifest on, in the order in which a reader applies them.
    pub batches: Vec<LiveBatch>,
    /// Snapshots that forget some of what is in `batches`: of a part, or of all with exceptions.
    pub forgets: Vec<Forget>,
}

/// A live batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct LiveBatch {
    /// The manifest that names it.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub sequence: u64,
    /// Its place among that manifest's batches, from 0.
    pub ordinal: u32,
    /// Key of the object.
    pub key: String,
    /// Number of lines.
    pub records: u64,
    /// Size of the object as stored.
    pub bytes: u64,
    /// SHA-256 of the object as stored, in hexadecimal.
    pub sha256: String,
}

/// A complete snapshot that does not stand for the whole stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Forget {
    /// The manifest that has it.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub sequence: u64,
    /// Only records with this Okta id among the `:`-separated parts of theirs; absent, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Records that were last sent before this manifest are gone.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub since_sequence: u64,
    /// Records with one of these ids among the parts of theirs stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Why a manifest cannot follow a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoesNotFollow(pub String);

impl Checkpoint {
    /// Takes the next manifest in, given as JSON with its SHA-256.
    ///
    /// # Errors
    /// It is not the next one, or lacks a part of a manifest; the checkpoint is as it was.
    pub fn follow(&mut self, manifest: &Value, sha256: &str) -> Result<(), DoesNotFollow> {
        let sequence = manifest["sequence"].as_u64().unwrap_or_default();
        if self.sequence > 0 && sequence != self.sequence + 1 {
            return Err(DoesNotFollow(format!(
                "manifest {sequence} does not follow {}",
                self.sequence
            )));
        }
        let lacks = |what: &str| DoesNotFollow(format!("manifest {sequence} has no {what}"));
        let list = |key: &str| manifest[key].as_array().ok_or_else(|| lacks(key));
        let (batches, snapshots) = (list("batches")?, list("snapshots")?);
        self.schema = SCHEMA;
        self.sequence = sequence;
        sha256.clone_into(&mut self.manifest_sha256);
        manifest["integration"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.integration);
        manifest["org"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.org);
        for (ordinal, batch) in (0..).zip(batches) {
            if let Some((stream, batch)) = live_batch(sequence, ordinal, batch) {
                self.live(stream).batches.push(batch);
            }
        }
        for snapshot in snapshots
            .iter()
            .filter(|snapshot| snapshot["complete"] == true)
        {
            if let Some((stream, forget)) = forget(sequence, snapshot) {
                let kept = snapshot["kept_sequences"].as_array();
                let kept = kept.map(|kept| kept.iter().filter_map(Value::as_u64).collect());
                self.live(stream).forget(forget, kept);
            }
        }
        Ok(())
    }

    /// Whether no stream holds more than [`MOST_ENTRIES`].
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.streams
            .values()
            .all(|live| live.batches.len() + live.forgets.len() <= MOST_ENTRIES)
    }

    fn live(&mut self, stream: &str) -> &mut Live {
        let unread = || Live {
            since_sequence: 1,
            batches: Vec::new(),
            forgets: Vec::new(),
        };
        self.streams.entry(stream.to_owned()).or_insert_with(unread)
    }
}

impl Live {
    /// Takes a forgetting. `kept`: the manifests before it that hold what it leaves out.
    fn forget(&mut self, forget: Forget, kept: Option<BTreeSet<u64>>) {
        let Forget {
            scope,
            since_sequence,
            except,
            ..
        } = &forget;
        if scope.is_none() && except.is_empty() {
            self.since_sequence = (*since_sequence).max(self.since_sequence);
            let since = self.since_sequence;
            self.batches.retain(|batch| batch.sequence >= since);
            // The records that they take away were last sent before: nothing of them is left.
            self.forgets.retain(|older| older.since_sequence > since);
        } else if *since_sequence > self.since_sequence {
            if let (None, Some(kept)) = (scope, kept) {
                self.batches.retain(|batch| {
                    batch.sequence >= *since_sequence || kept.contains(&batch.sequence)
                });
                // What an earlier one took away, and this one does not, was left out by both.
                self.forgets.retain(|older| {
                    older.scope.is_some()
                        || older.since_sequence > *since_sequence
                        || !except.iter().all(|id| older.except.contains(id))
                });
            }
            // Of two for the same part the later one takes all away that the earlier one does.
            let is_covered = |older: &Forget| {
                except.is_empty()
                    && older.scope == *scope
                    && older.since_sequence <= *since_sequence
            };
            self.forgets.retain(|older| !is_covered(older));
            self.forgets.push(forget);
        }
    }
}

fn live_batch(sequence: u64, ordinal: u32, batch: &Value) -> Option<(&str, LiveBatch)> {
    let stream = batch["stream"].as_str().filter(|stream| !grows(stream))?;
    let (key, records) = (
        batch["key"].as_str()?.to_owned(),
        batch["records"].as_u64()?,
    );
    let (bytes, sha256) = (
        batch["bytes"].as_u64()?,
        batch["sha256"].as_str()?.to_owned(),
    );
    Some((
        stream,
        LiveBatch {
            sequence,
            ordinal,
            key,
            records,
            bytes,
            sha256,
        },
    ))
}

fn forget(sequence: u64, snapshot: &Value) -> Option<(&str, Forget)> {
    let stream = snapshot["stream"]
        .as_str()
        .filter(|stream| !grows(stream))?;
    let scope = snapshot["scope"].as_str().map(str::to_owned);
    let except = snapshot["except"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned);
    let since_sequence = snapshot["since_sequence"].as_u64()?;
    Some((
        stream,
        Forget {
            sequence,
            scope,
            since_sequence,
            except: except.collect(),
        },
    ))
}
