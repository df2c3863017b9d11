//! The words between the engine and its caller: what is wanted, and what came of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::harvest::Harvest;
use crate::body::Body;
use crate::ids::Ids;
use crate::streams::{Cadence, Stream};

/// A run's task, and its bounds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Streams that are not switched off and whose scope is granted.
    pub streams: Vec<&'static Stream>,
    /// Streams that are switched off.
    pub off: Vec<String>,
    /// Streams whose snapshot is due now whatever its age.
    pub asked: Vec<String>,
    /// The only streams of which a snapshot may begin; `None` for all.
    pub narrowed: Option<Vec<String>>,
    /// Streams whose held snapshot may complete.
    pub accept_shrink: Vec<String>,
    /// Whether the System Log may be read: for changes and use, even where `activity` is switched off.
    pub reads_log: bool,
    /// OAuth client of the collector itself, whose token grants are no news.
    pub own_client: Option<String>,
    /// How often a full synchronization begins.
    pub full_sync_interval: SignedDuration,
    /// How often the factors are read.
    pub factors_interval: SignedDuration,
    /// The time before which earlier runs of this process know all changes, by stream: a sweep that found nothing is
    /// in no manifest.
    pub swept_at: BTreeMap<String, Timestamp>,
    /// How far back the first run reads the System Log.
    pub log_lookback: SignedDuration,
    /// Longest time between two commits.
    pub checkpoint_interval: SignedDuration,
}

impl Plan {
    /// How often a snapshot of the stream begins.
    #[must_use]
    pub fn interval(&self, stream: &Stream) -> SignedDuration {
        match stream.cadence {
            Cadence::Full => self.full_sync_interval,
            Cadence::Factors => self.factors_interval,
        }
    }
}

/// The engine's next wish.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Send this request; more may be asked for while it is under way.
    Fetch(Fetch),
    /// Nothing until an answer comes, or a second has passed.
    Wait,
    /// Write these records, which needed no request.
    Write(Vec<Harvest>),
    /// Give `Engine::ledgers` what is stored of them.
    Ledgers,
    /// Tell `Engine::recalled` which events were committed since then.
    Recall(Timestamp),
    /// Commit what was absorbed, then call `Engine::committed`.
    Commit,
    /// Nothing is left to do in this run.
    Done,
}

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Names the request when its answer comes.
    pub ticket: u64,
    /// Path and query within the org.
    pub path: String,
    /// Members that the answer may come without (see [`Listing::omits`](crate::streams::Listing::omits)).
    pub omits: &'static str,
}

/// Events that are committed.
#[derive(Debug, Clone, Default)]
pub struct Recalled {
    /// Their uuids.
    pub uuids: Ids,
    /// Events published up to then count as committed, because there were too many to read back.
    pub known_until: Option<Timestamp>,
}

/// A period whose events Okta no longer keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGap {
    /// When the log was last read.
    pub from: Timestamp,
    /// Since when Okta has events.
    pub to: Timestamp,
}

/// The result of a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A page: its body, and path and query of the next one.
    Page { body: Body, next: Option<String> },
    /// The object does not exist (any more).
    Gone,
    /// The position in the listing has expired.
    Expired,
    /// It may not be read; `error` says why and what to do.
    Unavailable { error: String },
    /// The org does not have the feature.
    NotApplicable { error: String },
    /// Okta did not answer properly, repeatedly.
    Failed { error: String },
    /// Okta does not take the request as it is.
    Refused { error: String },
    /// A rate limit would make the request wait beyond the run's end.
    Limited { retry_after_s: i64 },
    /// Not sent, or given up, because the run ends.
    Dropped,
}

impl Answer {
    /// Bytes that it takes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Page { body, .. } => body.len(),
            _ => 0,
        }
    }
}

/// Why a stream is not read further in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parked {
    /// See [`Answer::Unavailable`].
    Unavailable(String),
    /// See [`Answer::NotApplicable`].
    NotApplicable(String),
    /// See [`Answer::Failed`].
    Failed(String),
    /// See [`Answer::Limited`].
    Limited,
}
