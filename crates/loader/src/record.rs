//! `loads/{integration}.json`: how far Authomize has been brought, and what is under way.
//!
//! Every change is a conditional write on the version read before, so that of two loaders one notices: whoever
//! finds another version than its own stops before its next request.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::report::{Counts, Refused};
use crate::store::{Expect, Store};

/// The record's shape.
pub const SCHEMA: u32 = 1;

/// The state of Authomize as this loader left it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of this shape.
    pub schema: u32,
    /// The integration's slug.
    pub integration: String,
    /// Authomize's id of the app.
    pub app_id: Option<String>,
    /// Host of the API that the app is on: an app of another tenant is another app.
    pub api: Option<String>,
    /// Manifest up to which everything is posted; 0 before the first load.
    pub sequence: u64,
    /// SHA-256 of that manifest.
    pub manifest_sha256: Option<String>,
    /// When that load was finished.
    pub loaded_at: Option<Timestamp>,
    /// When the first load was finished.
    pub since: Option<Timestamp>,
    /// How the last load went.
    pub outcome: String,
    /// Items of the newest state, by kind.
    pub items: Counts,
    /// Items that Authomize did not take, at most 100 of them.
    pub refused: Vec<Refused>,
    /// Number of refused items.
    pub refused_total: u64,
    /// Why the last sweep was withheld.
    pub held: Vec<String>,
    /// Removed items, or other leftovers, that the next sweep takes.
    pub removals_pending: u64,
    /// The last load that posted everything.
    pub full: Option<Full>,
    /// Items by kind of the last load that swept: what the shrink guard compares with.
    pub swept_items: Option<Counts>,
    /// A load that is not finished: cut short, killed, or still going.
    pub under_way: Option<UnderWay>,
    /// Another loader may send something until then, so that everything is posted once more after it.
    pub disturbed_until: Option<Timestamp>,
}

/// A load that posted everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Full {
    /// Its newest manifest.
    pub sequence: u64,
    /// When it ended.
    pub at: Timestamp,
    /// Requests it made.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// A load's progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnderWay {
    /// Random id of the loader that works at it.
    pub loader: String,
    /// No request of this loader is sent after that.
    pub until: Timestamp,
    /// The manifest that is being loaded.
    pub sequence: u64,
    /// Whether everything is posted.
    pub all: bool,
    /// Requests that were answered; they are the same again for the same manifests.
    pub done: u64,
    /// The earliest `acceptedTimestamp` of the answers, as Authomize wrote it.
    pub mark: Option<String>,
    /// Whether some answer had no time that could be placed: nothing is swept then.
    pub unplaced: bool,
    /// Items that Authomize did not take so far.
    pub refused: Vec<Refused>,
    /// Number of them.
    pub refused_total: u64,
}

/// The record as stored, with its version.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its content.
    pub record: Record,
    key: String,
    tag: Option<String>,
}

/// The record's key.
#[must_use]
pub fn key(prefix: &str, integration: &str) -> String {
    format!("{prefix}/loads/{integration}.json")
}

impl Held {
    /// Reads the record; an empty one if there is none.
    ///
    /// # Errors
    /// As the store's; `LoadRecordUnreadable` for one that a newer version wrote or that is damaged.
    pub async fn read(
        store: &impl Store,
        prefix: &str,
        integration: &str,
    ) -> Result<Self, Failure> {
        let key = key(prefix, integration);
        let Some(stored) = store.get(&key).await? else {
            let record = Record {
                schema: SCHEMA,
                integration: integration.to_owned(),
                ..Record::default()
            };
            return Ok(Self {
                record,
                key,
                tag: None,
            });
        };
        let unreadable = |problem: String| {
            let remedy = "restore an earlier version of it, or delete it: the next load then posts everything";
            Failure::new(
                "LoadRecordUnreadable",
                format!("{key}: {problem}; {remedy}"),
            )
        };
        let record: Record =
            serde_json::from_slice(&stored.body).map_err(|error| unreadable(error.to_string()))?;
        if record.schema != SCHEMA || record.integration != integration {
            let found = format!(
                "is of schema {} and integration {:?}",
                record.schema, record.integration
            );
            return Err(unreadable(found));
        }
        Ok(Self {
            record,
            key,
            tag: Some(stored.tag),
        })
    }

    /// Writes the record if nobody else has since it was read; says whether it was written.
    ///
    /// # Errors
    /// As the store's.
    pub async fn write(&mut self, store: &impl Store) -> Result<bool, Failure> {
        let body = serde_json::to_vec_pretty(&self.record)
            .expect("plain structs with text keys always serialize");
        let expect = self.tag.as_deref().map_or(Expect::Absent, Expect::Tag);
        let Some(tag) = store.put(&self.key, Bytes::from(body), expect).await? else {
            return Ok(false);
        };
        self.tag = Some(tag);
        Ok(true)
    }
}
