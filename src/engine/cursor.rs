//! The position of collecting: everything that the next run needs to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::graves::Graves;
use super::lists::ListReading;
use super::replica::KeptReplica;

/// Version of the cursor's shape; a newer one is not read by older code.
pub const VERSION: u32 = 3;

/// The position of an integration in its org. Plain data: the engine moves it, a manifest keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// `VERSION` of the function that wrote it.
    pub version: u32,
    /// Position in the System Log.
    #[serde(default)]
    pub log: LogCursor,
    /// Streams that have a newest state, by name.
    #[serde(default)]
    pub streams: BTreeMap<String, KeptReplica>,
    /// Listings that are being read, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, ListReading>,
    /// Objects that are gone for good.
    #[serde(default)]
    pub graves: Graves,
    /// Ids of undocumented objects that were mentioned by others, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mentioned: BTreeMap<String, BTreeSet<String>>,
}

/// Position in the System Log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Hashes of the ids of the newest page's events, in base64: Okta may give it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_page: Option<String>,
    /// How late events were ever stored, in seconds.
    #[serde(default)]
    pub latest_s: i64,
}

/// A cursor that cannot be read.
#[derive(Debug)]
pub struct CursorError(pub(super) String);

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
            lists: BTreeMap::new(),
            graves: Graves::default(),
            mentioned: BTreeMap::new(),
        }
    }
}

impl Cursor {
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
        let differs = |name: &String| {
            let (own, other) = (self.streams.get(name), other.streams.get(name));
            match (own, other) {
                (Some(own), Some(other)) => own.differs_beside_sweeps(other),
                (own, other) => own.is_some() != other.is_some(),
            }
        };
        self.lists != other.lists
            || self.graves != other.graves
            || self.mentioned != other.mentioned
            || self.streams.keys().chain(other.streams.keys()).any(differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn a_cursor_reads_what_it_wrote() {
        let mut cursor = Cursor::default();
        cursor.log.next = Some("/api/v1/logs?after=1_1".into());
        let asked = json!({"asked": true, "dues": [{"scope": {"parent": ["Group", "00g1"]}, "is_part": true}]});
        cursor
            .streams
            .insert("groups".into(), serde_json::from_value(asked).unwrap());
        assert_eq!(Cursor::read(&to_value(&cursor).unwrap()).unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_a_newer_version_is_refused() {
        assert!(Cursor::read(&json!({"version": 4})).is_err());
        for version in 1..=3 {
            assert!(Cursor::read(&json!({"version": version, "later": "field"})).is_ok());
        }
        assert!(Cursor::read(&json!([])).is_err());
    }
}
