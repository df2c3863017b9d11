//! The answer to an invocation.

use std::collections::BTreeMap;

use fold::Kind;
use serde::{Deserialize, Serialize};

/// Numbers of items by kind.
pub type Counts = BTreeMap<String, u64>;

/// Refused and left-out items that are named in report and record at most; the numbers count all.
pub const MOST_NAMED: usize = 100;

/// An item that Authomize did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its kind, such as `users`.
    pub kind: String,
    /// Values of the fields that identify it.
    pub ids: Vec<String>,
    /// Authomize's reason, or what it refers to in vain.
    pub reason: String,
}

/// How a load went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Authomize holds the newest state.
    Succeeded,
    /// All is posted, but a guard held the sweep: see `held`.
    Held,
    /// Some items were refused; a full load that was not whole does not sweep.
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
    /// Items that refer to what nothing defines, and were not posted.
    pub left_out: u64,
    /// Removed items that the next sweep takes.
    pub removals_pending: u64,
    /// Whether what was not posted was deleted.
    pub swept: bool,
    /// Why a sweep was withheld; empty if it was not.
    pub held: Vec<String>,
    /// Requests to Authomize, repeated ones included; of a plan, those that would be made.
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
