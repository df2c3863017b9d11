//! `loads/{integration}.json`: how far Authomize has been brought, and the work under way.
//!
//! Every change is a conditional write on the version read before, so that of two loaders one notices: whoever
//! finds another version than its own stops before its next request.

use std::collections::BTreeSet;

use bytes::Bytes;
use fold::Kind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::purge::{Evidence, Inquiry, Margin, Reason, Wishes};
use crate::report::{Counts, MOST_NAMED, Refused};
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
    /// Whether this loader created the app.
    pub app_made: bool,
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
    /// Why deletions wait, in words.
    pub held: Vec<String>,
    /// The same of the last full load, as a later load decides on it.
    pub withheld: Vec<Reason>,
    /// Removed items that are still in Authomize, and wait for a purge.
    pub removals_pending: u64,
    /// Since when some wait.
    pub removals_since: Option<Timestamp>,
    /// When a full load may purge them, if nothing withholds it.
    pub purge_due_at: Option<Timestamp>,
    /// Items of the app that this loader did not post, as of the last look.
    pub strangers: Option<u64>,
    /// Kinds that could not be posted; the next load posts them as a whole.
    pub behind: BTreeSet<Kind>,
    /// Newest time of any item that was posted, by Authomize's clock.
    pub newest_accepted: Option<Timestamp>,
    /// Whether items were posted since at times that nobody knows.
    pub newest_unknown: bool,
    /// How early the mark of a purge is.
    pub margin: Margin,
    /// Whether a load was begun since the last one and given up.
    pub abandoned: bool,
    /// The last load that posted everything.
    pub full: Option<Full>,
    /// Items by kind of the last load that purged: the shrink guard's base.
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
    /// Observations of Authomize so far.
    #[serde(default)]
    pub evidence: Evidence,
    /// How far its purge is.
    #[serde(default)]
    pub inquiry: Inquiry,
    /// The permissions of its events.
    #[serde(default)]
    pub wishes: Wishes,
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
        let record: Record = serde_json::from_slice(&stored.body).map_err(|error| {
            unreadable(format!(
                "{:?} error in line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ))
        })?;
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
impl Record {
    /// Adds a load's refusals to the earlier ones. `anew`: of a kind that was posted as a whole, which is
    /// refused anew, or not any more.
    pub(crate) fn refuse(
        &mut self,
        refused: Vec<Refused>,
        total: u64,
        anew: impl Fn(&Refused) -> bool,
    ) {
        let named = self.refused.len();
        self.refused.retain(|refused| !anew(refused));
        let dropped = (named - self.refused.len()) as u64;
        self.refused_total = self.refused_total.saturating_sub(dropped) + total;
        self.refused.extend(refused);
        self.refused.truncate(MOST_NAMED);
    }
}
