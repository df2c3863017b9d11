//! Where the committed objects break the contract.

use std::fmt;

use serde_json::Value;

/// One breach, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The manifest concerned, by its key; `None` for an object that is none.
    pub manifest: Option<u64>,
    /// The object concerned: a manifest or a batch.
    pub key: String,
    /// The line in the batch, from 1.
    pub line: Option<u64>,
    /// The violation.
    pub fault: Fault,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(manifest) = self.manifest {
            write!(f, "manifest {manifest}: ")?;
        }
        write!(f, "{}", self.key)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// The kinds of violation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The sequence has a hole just before this manifest.
    #[error("missing before it: {}", range(*.first, *.last))]
    ManifestsMissing {
        /// First one missing.
        first: u64,
        /// Last one missing.
        last: u64,
    },
    /// A follower was given a manifest that it already has; it was not applied.
    #[error("was applied already")]
    ManifestRepeated,
    /// Something else stands among the manifests.
    #[error("is not a manifest's key (twelve digits and .json, from 1)")]
    UnexpectedObject,
    /// Not JSON, or not a manifest; it was not applied.
    #[error("is not a manifest: {reason}")]
    ManifestUnreadable {
        /// The parser's words.
        reason: String,
    },
    /// A manifest of another schema; it was not applied.
    #[error("schema is {found}, not 1")]
    ManifestSchema {
        /// The value that stands there.
        found: Value,
    },
    /// The manifest gives itself another number than its key does.
    #[error("says it is manifest {found}")]
    SequenceDiffers {
        /// The value that stands there.
        found: u64,
    },
    /// The manifest belongs to another integration.
    #[error("says its integration is {found:?}")]
    IntegrationDiffers {
        /// The value that stands there.
        found: String,
    },
    /// An integration belongs to one org.
    #[error("says its org is {found:?}, the one before said {expected:?}")]
    OrgDiffers {
        /// Org of the manifest before.
        expected: String,
        /// The value that stands there.
        found: String,
    },
    /// The manifest before is not the one this was written after: history was changed.
    #[error("previous_sha256 is {}, but the SHA-256 of the manifest before is {}", shown(.found), shown(.expected))]
    ChainBroken {
        /// SHA-256 of the manifest before, `None` if this is the first.
        expected: Option<String>,
        /// The value that stands there.
        found: Option<String>,
    },
    /// A snapshot that began after the manifest that completes it; it was not applied.
    #[error(
        "completes a snapshot of {stream} since manifest {since_sequence}, which is yet to come"
    )]
    SnapshotFromFuture {
        /// The snapshot's stream.
        stream: String,
        /// The value that stands there.
        since_sequence: u64,
    },
    /// A snapshot or tombstone for a stream that only grows; it was not applied.
    #[error("takes records away from {stream}, which only grows")]
    GrowingStreamShrunk {
        /// The stream.
        stream: String,
    },
    /// The batch stands where no batch of its stream and integration belongs.
    #[error("does not lie under {expected}, or does not end in .jsonl.gz")]
    BatchMisplaced {
        /// The beginning that its key should have.
        expected: String,
    },
    /// There is no such object.
    #[error("does not exist")]
    BatchMissing,
    /// The batch was named before; it was not applied again.
    #[error("was named before, by manifest {first}")]
    BatchRepeated {
        /// The manifest that named it first.
        first: u64,
    },
    /// The object's size differs.
    #[error("is {found} bytes, not {expected}")]
    BatchBytes {
        /// The manifest's value.
        expected: u64,
        /// The actual value.
        found: u64,
    },
    /// The object's content differs.
    #[error("SHA-256 is {found}, not {expected}")]
    BatchSha256 {
        /// The manifest's value.
        expected: String,
        /// The actual value.
        found: String,
    },
    /// The batch does not decompress; none of it was applied.
    #[error("does not decompress: {reason}")]
    BatchCompression {
        /// The decoder's words.
        reason: String,
    },
    /// The number of lines differs.
    #[error("has {found} lines, not {expected}")]
    BatchRecords {
        /// The manifest's value.
        expected: u64,
        /// The actual value.
        found: u64,
    },
    /// Not JSON, or not a record; the line was not applied.
    #[error("is not a record: {reason}")]
    LineUnreadable {
        /// The parser's words.
        reason: String,
    },
    /// A line of another schema; it was not applied.
    #[error("schema is {found}, not 1")]
    LineSchema {
        /// The value that stands there.
        found: Value,
    },
    /// A line of another stream than the batch's; it was not applied.
    #[error("is of stream {found}, not {expected}")]
    LineStream {
        /// The batch's stream.
        expected: String,
        /// The value that stands there.
        found: String,
    },
    /// A bundle key that is neither `new_*` nor `update_*`; the line was applied.
    #[error("bundle has a key that is neither new_* nor update_*: {found}")]
    LineBundle {
        /// The value that stands there.
        found: String,
    },
    /// A System Log event that was committed twice.
    #[error("event {uuid} stands in manifest {first} already")]
    ActivityRepeated {
        /// The event.
        uuid: String,
        /// The manifest that brought it first.
        first: u64,
    },
}

fn range(first: u64, last: u64) -> String {
    if first == last {
        return format!("manifest {first}");
    }
    format!("manifests {first} to {last}")
}

fn shown(sha256: &Option<String>) -> &str {
    sha256.as_deref().unwrap_or("null")
}
