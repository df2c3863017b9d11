//! The answer to an invocation.

use std::collections::BTreeMap;

use fold::Kind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Numbers of items by kind.
pub type Counts = BTreeMap<String, u64>;

/// Refused and left-out items that are named in report and record at most; the numbers count all.
pub const MOST_NAMED: usize = 100;

/// An item that Authomize did not take, or was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its kind, such as `users`.
    pub kind: String,
    /// Values of the fields that identify it.
    pub ids: Vec<String>,
    /// The field that Authomize refuses, or the id that it refers to in vain; no other values.
    pub reason: String,
}

impl Refused {
    /// An item by its ids.
    #[must_use]
    pub fn of(kind: Kind, item: &Map<String, Value>, reason: &str) -> Self {
        let ids = kind
            .identity()
            .iter()
            .filter_map(|field| item.get(*field)?.as_str().map(str::to_owned));
        Self {
            kind: kind.name().to_owned(),
            ids: ids.collect(),
            reason: reason.to_owned(),
        }
    }
}

/// How a load went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Authomize holds the newest state.
    Succeeded,
    /// All is posted, but deletions wait: see `held`.
    Held,
    /// Items were refused, or a kind or a purge failed: see `refused` and `held`.
    Degraded,
    /// The load was not finished.
    Partial,
}

/// The result of one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The integration's slug.
    pub integration: String,
    /// Authomize's id of the app; `None` before there is one.
    pub app_id: Option<String>,
    /// How it went.
    pub outcome: Outcome,
    /// Whether another invocation now would get further.
    #[serde(rename = "continue")]
    pub go_on: bool,
    /// Manifest up to which Authomize holds everything.
    pub sequence: u64,
    /// `incremental`, `full`, or `none` if there was nothing to do.
    pub load: String,
    /// Items posted, by kind; of a plan, those that would be.
    pub items: Counts,
    /// Items that Authomize did not take: at most 100 are named.
    pub refused: Vec<Refused>,
    /// Number of refused items.
    pub refused_total: u64,
    /// Items with a reference that nothing defines; they were not posted.
    pub left_out: u64,
    /// At most 100 of them, each with the id that nothing defines.
    #[serde(default)]
    pub left_out_items: Vec<Refused>,
    /// Removed items that are still in Authomize, and wait for a purge.
    pub removals_pending: u64,
    /// When a full load may purge them, if nothing withholds it.
    pub purge_due_at: Option<Timestamp>,
    /// Items of the app that this loader did not post; `None` if it did not look.
    pub strangers: Option<u64>,
    /// Whether items that were not posted were deleted.
    pub swept: bool,
    /// Why deletions wait, and other problems at Authomize; empty if nothing is.
    pub held: Vec<String>,
    /// Requests to Authomize, repeated ones included; of a plan, the lists of items that would be posted.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// How long it took.
    pub duration_ms: u64,
}

/// Adds `number` items of a kind.
pub fn count(counts: &mut Counts, kind: Kind, number: u64) {
    *counts.entry(kind.name().to_owned()).or_default() += number;
}
