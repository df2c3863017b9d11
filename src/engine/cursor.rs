//! The position of collecting: everything that the next run needs to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guard::Sizes;
use super::queue::Kept;
use super::snapshot::Progress;
use super::swept::Swept;
use super::version_1;

/// Version of the cursor's shape; a newer one is not read by older code.
pub const VERSION: u32 = 2;

/// The position of an integration in its org. Plain data: the engine moves it, a manifest keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// `VERSION` of the function that wrote it.
    pub version: u32,
    /// Position in the System Log.
    #[serde(default)]
    pub log: LogCursor,
    /// Snapshots by stream.
    #[serde(default)]
    pub streams: BTreeMap<String, Progress>,
    /// Readings that are still to be done, in the order in which they became known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Kept>,
    /// The time before which all changes are known, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub swept: BTreeMap<String, Swept>,
    /// How many records each object had when they were last read, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sizes: BTreeMap<String, Sizes>,
    /// Ids that were seen lately; a look decides by them whether a doubtful reading is believed.
    #[serde(default)]
    pub seen: Seen,
    /// Ids of undocumented objects that were mentioned by others, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mentioned: BTreeMap<String, BTreeSet<String>>,
}

/// Objects that must be there, as recent answers have shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Id of the group Everyone, which every live user is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<String>,
    /// By stream of pairs: the second object of a pair.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seconds: BTreeMap<String, String>,
}

/// Position in the System Log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogCursor {
    /// Path and query of the next page: Okta's own `after` cursor, or where to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Newest `published` among the events collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_published: Option<Timestamp>,
    /// When the log was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Events since then are read again, because Okta no longer knew the position: those that
    /// are committed are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_since: Option<Timestamp>,
}

/// The remedy for a damaged cursor.
const RESTORE: &str =
    "restore the manifest's first version (docs/operations.md, Restoring a deleted version)";

/// A cursor that cannot be read.
#[derive(Debug)]
pub struct CursorError(String);

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CursorError {}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            version: VERSION,
            log: LogCursor::default(),
            streams: BTreeMap::new(),
            jobs: Vec::new(),
            swept: BTreeMap::new(),
            sizes: BTreeMap::new(),
            seen: Seen::default(),
            mentioned: BTreeMap::new(),
        }
    }
}

impl Cursor {
    /// Reads the cursor of a manifest, of this version or an older one.
    ///
    /// # Errors
    /// Where a newer version of the function wrote it, or it is no cursor at all.
    pub fn read(value: &Value) -> Result<Self, CursorError> {
        if !value.is_object() {
            return Err(CursorError(format!("it is no JSON object: {RESTORE}")));
        }
        let version = value
            .get("version")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if version > u64::from(VERSION) {
            let text = format!(
                "it is of version {version}, this function knows {VERSION}: deploy the newer function again"
            );
            return Err(CursorError(text));
        }
        let read = match version {
            0 | 1 => version_1::upgraded(value).and_then(serde_json::from_value),
            _ => Self::deserialize(value),
        };
        read.map_err(|error| CursorError(format!("{error}: {RESTORE}")))
    }

    /// The `published` of the newest event that is committed, by the cursor of a manifest (`value`).
    #[must_use]
    pub fn newest_event(value: &Value) -> Option<Timestamp> {
        value
            .pointer("/log/newest_published")?
            .as_str()?
            .parse()
            .ok()
    }

    /// Whether it differs in more than the position in the log, which also moves over pages that hold nothing, and
    /// in more than sweeps that found nothing.
    #[must_use]
    pub fn differs_beside_log(&self, other: &Self) -> bool {
        let jobs = |cursor: &Self| {
            cursor
                .jobs
                .iter()
                .filter(|kept| !is_routine(kept))
                .cloned()
                .collect::<Vec<_>>()
        };
        self.streams != other.streams
            || self.mentioned != other.mentioned
            || jobs(self) != jobs(other)
    }
}

/// Whether a job is due by time alone: the next run knows that by itself.
fn is_routine(kept: &Kept) -> bool {
    kept.job.changed_since.is_some() && kept.job.change.is_none() && kept.job.position.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::job::{Job, Scope};
    use crate::streams::change::Kind;
    use serde_json::{json, to_value};

    #[test]
    fn a_cursor_reads_what_it_wrote() {
        let mut cursor = Cursor::default();
        cursor.log.next = Some("/api/v1/logs?after=1_1".into());
        let scope = Scope::Parent(Kind::Group, "00g1".into());
        cursor.jobs.push(Kept {
            reads: "group_memberships".into(),
            scope,
            job: Job::of_snapshot(None),
        });
        cursor.jobs.push(Kept {
            reads: "groups".into(),
            scope: Scope::Whole,
            job: Job::default(),
        });
        cursor.streams.insert(
            "groups".into(),
            Progress {
                asked: true,
                ..Progress::default()
            },
        );
        assert_eq!(Cursor::read(&to_value(&cursor).unwrap()).unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_a_newer_version_is_refused() {
        assert!(Cursor::read(&json!({"version": 3})).is_err());
        assert!(Cursor::read(&json!({"version": 2, "later": "field"})).is_ok());
        assert!(Cursor::read(&json!({"version": 1, "later": "field"})).is_ok());
        assert!(Cursor::read(&json!([])).is_err());
    }
}
