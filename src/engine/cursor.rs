//! Where collecting stands: all that the next run needs to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::swept::Swept;

/// Version of the cursor's shape; a newer one is not read by older code.
pub const VERSION: u32 = 1;

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
    /// Listings that are being walked, by name.
    #[serde(default)]
    pub walks: BTreeMap<String, Walk>,
    /// What the log said has changed and is not yet read again, by stream and mark (`User:00u…`,
    /// `Pair:0oa…:00u…`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, BTreeMap<String, Mark>>,
    /// How far streams were asked for what has changed lately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sweeps: BTreeMap<String, Swept>,
    /// When all that had changed before was last known to be read, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub swept_at: BTreeMap<String, Timestamp>,
    /// Ids of undocumented objects that were mentioned by others, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mentioned: BTreeMap<String, BTreeSet<String>>,
}

/// Position in the System Log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogCursor {
    /// Path and query of the next page: Okta's own `after` cursor, or where to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Newest `published` among the events collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_published: Option<Timestamp>,
    /// When the log was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Events since then are read again, because Okta no longer knew the position: those that
    /// are committed are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_since: Option<Timestamp>,
}

/// A stream's snapshots.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// A snapshot was asked for and has not begun.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asked: bool,
    /// The next snapshot may complete though it shrank.
    #[serde(default, skip_serializing_if = "is_false")]
    pub accept_shrink: bool,
    /// The snapshot that is being read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Snapshot>,
    /// The newest complete snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<Snapshot>,
    /// The newest snapshot, if it was read to its end but not declared complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Snapshot>,
    /// Records that went away since the newest complete snapshot began, at most.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed: u64,
    /// The org does not have the feature; it is asked for again when a snapshot is next due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<NotApplicable>,
}

/// A feature that the org does not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicable {
    /// When Okta said so.
    pub at: Timestamp,
    /// In which words.
    pub error: String,
}

/// One reading of a whole stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The first manifest that may hold lines of it.
    pub since_sequence: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// Lines read so far.
    pub lines: u64,
    /// Requests that were answered for it.
    #[serde(default)]
    pub requests: u64,
    /// Listings whose walks have not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// Position in a listing and in the listings of its items.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// Streams whose snapshots this walk reads.
    pub streams: Vec<String>,
    /// Path and query of the listing's next page; none at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The page position has expired: begin again, after a commit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub expired: bool,
    /// Parents whose own listings are not read to the end, by id and never by index, which a
    /// deletion would shift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
}

/// A parent's listing that is still to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The stream it is read for.
    pub stream: String,
    /// The parent's id.
    pub parent: String,
    /// Path and query of its next page; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The parent's own object, where it is part of what is put together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<Value>,
    /// Its position expired, and it was begun again: the first manifest that may hold lines of the
    /// new reading, which ends with a scoped snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_sequence: Option<u64>,
}

/// Records that are to be read again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Uuid of the newest event that touched them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Path and query of the next page; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The first manifest that may hold lines of this reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_sequence: Option<u64>,
    /// They were touched again while they were being read, by this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// The object itself, where it must be known first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<Value>,
}

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
            walks: BTreeMap::new(),
            changes: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            swept_at: BTreeMap::new(),
            mentioned: BTreeMap::new(),
        }
    }
}

impl Cursor {
    /// Reads the cursor of a manifest.
    ///
    /// # Errors
    /// Where a newer version of the function wrote it, or it is no cursor at all.
    pub fn read(value: &Value) -> Result<Self, CursorError> {
        let version = value.get("version").and_then(Value::as_u64).unwrap_or_default();
        if version > u64::from(VERSION) {
            let text =
                format!("it is of version {version}, this function knows {VERSION}: deploy the newer function again");
            return Err(CursorError(text));
        }
        Self::deserialize(value).map_err(|error| CursorError(error.to_string()))
    }

    /// When the newest event was published that is committed with the cursor of a manifest or before.
    #[must_use]
    pub fn newest_event(value: &Value) -> Option<Timestamp> {
        value.pointer("/log/newest_published")?.as_str()?.parse().ok()
    }

    /// What changes in it are worth a manifest by themselves: all but the log's position, which
    /// moves over pages that hold nothing, and a look that is due by time or found nothing.
    #[must_use]
    pub fn differs_beside_log(&self, other: &Self) -> bool {
        self.streams != other.streams
            || self.walks != other.walks
            || self.changes != other.changes
            || self.sweeps_differ(other)
            || self.mentioned != other.mentioned
    }

    fn sweeps_differ(&self, other: &Self) -> bool {
        let kept = |cursor: &Self, stream: &str| cursor.sweeps.get(stream).cloned().unwrap_or_default().worth_keeping();
        let mut streams = self.sweeps.keys().chain(other.sweeps.keys());
        streams.any(|stream| kept(self, stream) != kept(other, stream))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn a_cursor_reads_what_it_wrote() {
        let mut cursor = Cursor::default();
        cursor.log.next = Some("/api/v1/logs?after=1_1".into());
        let task = Task {
            stream: "group_memberships".into(),
            parent: "00g1".into(),
            next: None,
            item: None,
            since_sequence: None,
        };
        let walk = Walk { streams: vec!["groups".into()], next: None, expired: false, tasks: vec![task] };
        cursor.walks.insert("groups".into(), walk);
        cursor.streams.insert("groups".into(), Progress { asked: true, ..Progress::default() });
        assert_eq!(Cursor::read(&to_value(&cursor).unwrap()).unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_a_newer_version_is_refused() {
        assert!(Cursor::read(&json!({"version": 2})).is_err());
        assert!(Cursor::read(&json!({"version": 1, "later": "field"})).is_ok());
        assert!(Cursor::read(&json!([])).is_err());
    }
}
