//! A commit as it is written: what a reader knows a run's batches by.

use std::collections::BTreeMap;

#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::batch::BatchEntry;
#[cfg(feature = "schemas")]
use crate::batch::SHA256;

/// Version of the shape of manifests and cursor copies.
pub const SCHEMA: u32 = 1;

/// A commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Manifest {
    /// Version of this shape.
    #[cfg_attr(feature = "schemas", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// Name and version of the function that made it, such as `okta-authomize/0.1.0`.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub collector: &'static str,
    /// 1, 2, 3, …
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub sequence: u64,
    /// SHA-256 of the manifest before, in hexadecimal; null in the first.
    #[cfg_attr(feature = "schemas", schemars(regex(pattern = SHA256)))]
    pub previous_sha256: Option<String>,
    /// The integration's slug.
    pub integration: String,
    /// `https://acme.okta.com`
    pub org: String,
    /// E-mail of the resource owner.
    pub owner: Option<String>,
    /// Id of the run that made it.
    pub run: String,
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// When it was made (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub committed_at: String,
    /// The run's mode.
    #[cfg_attr(feature = "schemas", schemars(with = "crate::invocation::Mode"))]
    pub mode: &'static str,
    /// Batches, in the order in which a reader applies them.
    pub batches: Vec<BatchEntry>,
    /// Snapshots by which a reader forgets records, after it has applied the batches.
    pub snapshots: Vec<SnapshotEntry>,
    /// What the function knows of what readers hold, by stream; readers ignore it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ledger: BTreeMap<String, LedgerEntry>,
    /// System Log events of this time can no longer be had.
    pub gap: Option<Gap>,
    /// Where the next run goes on; for the function alone.
    #[cfg_attr(feature = "schemas", schemars(with = "serde_json::Map<String, Value>"))]
    pub cursor: Value,
}

/// A stored ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(rename = "Ledger"))]
pub struct LedgerEntry {
    /// Its key in the bucket.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub key: String,
    /// Its size in bytes, as stored.
    pub bytes: u64,
    /// SHA-256 of the object as stored, in hexadecimal.
    #[cfg_attr(feature = "schemas", schemars(regex(pattern = SHA256)))]
    pub sha256: String,
}

/// A snapshot that a manifest completes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(rename = "Snapshot"))]
pub struct SnapshotEntry {
    /// Name of the stream.
    pub stream: &'static str,
    /// Records of the stream that were last sent before this manifest are gone.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub since_sequence: u64,
    /// Always true: an unfinished snapshot is not in a manifest.
    #[cfg_attr(feature = "schemas", schemars(extend("const" = true)))]
    pub complete: bool,
    /// Only records that have this Okta id among the `:`-separated parts of theirs; absent, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub scope: Option<String>,
    /// Records that have one of these Okta ids among the parts of theirs stay as they are: what they belong to did
    /// not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(length(max = 100)))]
    pub except: Vec<String>,
    /// The manifests that hold the newest lines of the records that `except` leaves; absent if they are not known. No
    /// other line from before `since_sequence` is of use to a reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(length(max = 100)))]
    pub kept_sequences: Option<Vec<u64>>,
}

/// A hole in the System Log (RFC 3339, UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Gap {
    /// First time of which events are missing.
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub from: String,
    /// Time from which on events are there again.
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub to: String,
}
