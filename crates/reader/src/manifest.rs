//! The commit log's entries and their keys.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::violation::Fault;

/// The only `schema` of manifests and lines that this reader understands.
pub(crate) const SCHEMA: u64 = 1;

/// One commit. Keys that it does not know are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// 1, 2, 3, … within its integration.
    pub sequence: u64,
    /// Lowercase hex SHA-256 of the manifest before as stored, `None` in the first.
    pub previous_sha256: Option<String>,
    /// Name and version of the function that committed; empty in older manifests.
    #[serde(default)]
    pub collector: String,
    /// The integration's slug.
    pub integration: String,
    /// `https://…` of the org.
    pub org: String,
    /// E-mail of the resource owner.
    pub owner: Option<String>,
    /// Id of the run that committed.
    pub run: String,
    /// When it committed.
    pub committed_at: Timestamp,
    /// The run's mode: `incremental` or `full`.
    pub mode: String,
    /// The batches, in the order to apply them.
    #[serde(default)]
    pub batches: Vec<BatchEntry>,
    /// Snapshots by which a reader may forget records, after the batches.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    /// System Log events of this time can no longer be had.
    pub gap: Option<Gap>,
}

/// A manifest's entry of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchEntry {
    /// The stream of all its lines.
    pub stream: String,
    /// Key of the object.
    pub key: String,
    /// Lines in it.
    pub records: u64,
    /// Size of the object as stored.
    pub bytes: u64,
    /// Lowercase hex SHA-256 of the object as stored.
    pub sha256: String,
}

/// How far a stream, or one object's part of it, has been read as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The stream read.
    pub stream: String,
    /// The manifest in which the snapshot began.
    pub since_sequence: u64,
    /// Everything was read: a record last sent before `since_sequence` is gone.
    pub complete: bool,
    /// Only records with this Okta id among the `:`-separated parts of theirs.
    pub scope: Option<String>,
    /// Records with one of these ids among the `:`-separated parts of theirs stay as they are: parents
    /// that did not answer.
    #[serde(default)]
    pub except: Vec<String>,
    /// The manifests with the newest lines of what `except` leaves, if they are known: a hint for checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_sequences: Option<Vec<u64>>,
}

impl Snapshot {
    /// Whether the record stays as it is, independent of the snapshot.
    #[must_use]
    pub fn excepts(&self, id: &str) -> bool {
        !self.except.is_empty()
            && id
                .split(':')
                .any(|part| self.except.iter().any(|except| except == part))
    }

    /// Whether every record of the stream from before it is gone.
    pub(crate) fn is_whole(&self) -> bool {
        self.complete && self.scope.is_none() && self.except.is_empty()
    }
}

/// A time of which the System Log no longer offers events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Gap {
    /// First moment without events.
    pub from: Timestamp,
    /// First moment with events again.
    pub to: Timestamp,
}

impl Manifest {
    /// Parses a manifest as stored.
    ///
    /// # Errors
    /// Not JSON, not a manifest, or one of another schema.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let unreadable = |error: serde_json::Error| Fault::ManifestUnreadable {
            reason: error.to_string(),
        };
        let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        check_schema(&value).map_err(|found| Fault::ManifestSchema { found })?;
        serde_json::from_value(value).map_err(unreadable)
    }
}

/// `Err` holds the replacement of [`SCHEMA`].
pub(crate) fn check_schema(document: &Value) -> Result<(), Value> {
    let schema = document.get("schema");
    if schema.and_then(Value::as_u64) == Some(SCHEMA) {
        return Ok(());
    }
    Err(schema.cloned().unwrap_or(Value::Null))
}

/// Lowercase hex SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The beginning of all manifests' keys of an integration.
#[must_use]
pub fn manifest_prefix(prefix: &str, integration: &str) -> String {
    format!("{prefix}/manifests/{integration}/")
}

/// The key of one manifest.
#[must_use]
pub fn manifest_key(prefix: &str, integration: &str, sequence: u64) -> String {
    format!(
        "{}{sequence:012}.json",
        manifest_prefix(prefix, integration)
    )
}

/// The beginning of the keys of a stream's batches.
#[must_use]
pub fn batch_prefix(prefix: &str, integration: &str, stream: &str) -> String {
    format!("{prefix}/data/{stream}/integration={integration}/")
}

/// The sequence that a manifest's key names, `None` if it is no manifest's key.
#[must_use]
pub fn sequence_of(key: &str, prefix: &str, integration: &str) -> Option<u64> {
    let name = key.strip_prefix(&manifest_prefix(prefix, integration))?;
    let sequence: u64 = name.strip_suffix(".json")?.parse().ok()?;
    let is_its_key = sequence > 0 && manifest_key(prefix, integration, sequence) == key;
    is_its_key.then_some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_digits_and_json_name_a_manifest() {
        let key = manifest_key("okta", "acme", 12);
        assert_eq!(key, "okta/manifests/acme/000000000012.json");
        assert_eq!(sequence_of(&key, "okta", "acme"), Some(12));
        for name in [
            "12.json",
            "000000000000.json",
            "+00000000012.json",
            "000000000012.json.bak",
            "x",
        ] {
            let key = format!("okta/manifests/acme/{name}");
            assert_eq!(sequence_of(&key, "okta", "acme"), None, "{name}");
        }
    }

    #[test]
    fn unknown_keys_of_a_manifest_are_ignored() {
        let manifest = Manifest::parse(
            br#"{"schema": 1, "sequence": 12, "previous_sha256": "ab", "integration": "okta",
            "org": "https://acme.okta.com", "owner": null, "run": "r", "request_id": "q",
            "committed_at": "2026-11-23T18:00:00.000Z", "mode": "incremental", "batches": [],
            "snapshots": [{"stream": "users", "since_sequence": 10, "complete": true, "new": 1}],
            "gap": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"},
            "cursor": {}, "brand_new": true}"#,
        )
        .unwrap();
        assert_eq!(
            (manifest.sequence, manifest.snapshots[0].since_sequence),
            (12, 10)
        );
        assert!(manifest.gap.is_some());
    }
}
