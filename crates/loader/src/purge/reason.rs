//! Why a purge waits.

use std::fmt;

use fold::Kind;
use serde::{Deserialize, Serialize};

use crate::authomize::Trouble;

/// A reason for which nothing is deleted in Authomize.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// The collector's status is missing or unreadable.
    StatusMissing,
    /// The status is of another integration.
    StatusOfIntegration {
        /// The integration's slug.
        integration: String,
    },
    /// The status is of another org than the manifests.
    StatusOfOrg,
    /// The collector has committed more than its status says.
    RunNotOver {
        /// The status's manifest.
        sequence: u64,
    },
    /// The status names no stream.
    NoStreams,
    /// A stream's outcome is no ground for deleting.
    StreamUnsound {
        /// The stream.
        stream: String,
        /// Its outcome.
        outcome: String,
    },
    /// A stream has never been read as a whole.
    StreamIncomplete {
        /// The stream.
        stream: String,
    },
    /// A batch of the newest state is gone.
    BatchGone {
        /// Its key.
        key: String,
    },
    /// A line of the newest state is no record.
    LineUnreadable {
        /// Its batch.
        key: String,
        /// Its number, from 1.
        line: u32,
        /// The fault, without values.
        problem: String,
    },
    /// More was committed than the load could catch up with.
    CollectorFaster,
    /// Items of a kind could not be posted.
    KindFailed {
        /// The kind.
        kind: Kind,
        /// Why.
        trouble: Trouble,
    },
    /// Authomize holds items that it accepted before and refuses now.
    RefusedAtStake {
        /// Number of them.
        items: u64,
    },
    /// The load posted nothing at all.
    NothingPosted,
    /// Far fewer items than when the last purge was made.
    Shrunk {
        /// Items then.
        before: u64,
        /// Items now.
        now: u64,
    },
    /// A kind has no items any more.
    KindVanished {
        /// The kind.
        kind: String,
        /// Items when the last purge was made.
        before: u64,
    },
    /// Authomize's answers have no time that can be placed.
    TimeUnplaced,
    /// The app has another name than the integration.
    AppRenamed {
        /// Authomize's id of the app.
        app_id: String,
        /// Its name.
        called: String,
        /// The integration's name.
        expected: String,
    },
    /// The app holds items that this loader did not post.
    Strangers {
        /// Number of them.
        items: u64,
    },
    /// The app's items of a kind cannot be looked at.
    NotListed {
        /// The kind.
        kind: Kind,
        /// Why.
        trouble: Trouble,
    },
    /// The last purge took items that had just been posted.
    TookPosted,
    /// Purges took fresh posts however early the mark was.
    MarksUsedUp,
    /// Authomize does not purge.
    PurgeFailed {
        /// Why.
        trouble: Trouble,
    },
    /// A reason that a newer version wrote down.
    #[serde(other)]
    Other,
}

/// When a full load may purge after all, if nothing else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// Now.
    Now,
    /// An hour after the last.
    Hourly,
    /// At the interval of full loads, or if an event says so.
    AtInterval,
}

impl Reason {
    /// When to try again.
    #[must_use]
    pub fn again(&self) -> Again {
        match self {
            Self::RefusedAtStake { .. }
            | Self::NothingPosted
            | Self::Shrunk { .. }
            | Self::KindVanished { .. }
            | Self::AppRenamed { .. }
            | Self::Strangers { .. }
            | Self::MarksUsedUp => Again::AtInterval,
            Self::BatchGone { .. }
            | Self::LineUnreadable { .. }
            | Self::TimeUnplaced
            | Self::NotListed { .. }
            | Self::PurgeFailed { .. }
            | Self::Other => Again::Hourly,
            _ => Again::Now,
        }
    }

    /// Whether `accept_shrink` sets it aside.
    #[must_use]
    pub fn yields_to_accept_shrink(&self) -> bool {
        matches!(self, Self::Shrunk { .. } | Self::KindVanished { .. })
    }

    /// Whether `adopt` sets it aside.
    #[must_use]
    pub fn yields_to_adopt(&self) -> bool {
        match self {
            Self::AppRenamed { .. } | Self::Strangers { .. } => true,
            Self::NotListed { trouble, .. } => trouble.lasts(),
            _ => false,
        }
    }

    /// Whether Authomize itself is in trouble.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::KindFailed { .. }
                | Self::PurgeFailed { .. }
                | Self::TookPosted
                | Self::MarksUsedUp
        )
    }
}

impl Trouble {
    /// Whether another request would hardly be answered differently.
    #[must_use]
    pub fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 400..=407 | 409..=424 | 426..=428 | 501
            }
        )
    }
}

const ADOPT: &str = "check that nobody else needs them and send adopt, or give the integration a name of its own (docs/loader.md says how)";
const ACCEPT: &str = "check the collector, or send accept_shrink (docs/loader.md says how)";

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.of_history().or_else(|| self.of_authomize());
        f.write_str(&words.unwrap_or_else(|| self.plain().to_owned()))
    }
}

impl Reason {
    /// Reasons that lie in the bucket.
    fn of_history(&self) -> Option<String> {
        Some(match self {
            Self::StatusOfIntegration { integration } => {
                format!("the collector's status is of integration {integration:?}")
            }
            Self::RunNotOver { sequence } => {
                format!("the collector's run is not over: its status is of manifest {sequence}")
            }
            Self::StreamUnsound { stream, outcome } => format!("stream {stream} is {outcome:?}"),
            Self::StreamIncomplete { stream } => {
                format!("stream {stream} has never been complete")
            }
            Self::BatchGone { key } => format!("{key} is gone"),
            Self::LineUnreadable { key, line, problem } => {
                format!("{key}, line {line}: {problem}")
            }
            _ => return None,
        })
    }

    /// Reasons that lie at Authomize.
    fn of_authomize(&self) -> Option<String> {
        Some(match self {
            Self::KindFailed { kind, trouble } => {
                format!("{} could not be posted ({trouble})", kind.name())
            }
            Self::RefusedAtStake { items } => format!(
                "Authomize holds {items} items that it refuses now: a purge would take them"
            ),
            Self::Shrunk { before, now } => {
                format!("far fewer items than the last full load: {now} after {before}; {ACCEPT}")
            }
            Self::KindVanished { kind, before } => format!(
                "far fewer items than the last full load: no {kind} after {before}; {ACCEPT}"
            ),
            Self::AppRenamed {
                app_id,
                called,
                expected,
            } => format!(
                "Authomize calls app {app_id} {called:?}, not {expected:?}: rename it, or send adopt"
            ),
            Self::Strangers { items } => {
                format!("the app holds {items} items that this loader did not post; {ADOPT}")
            }
            Self::NotListed { kind, trouble } => format!(
                "Authomize does not list the app's {} ({trouble}), so nobody knows whose they are",
                kind.name()
            ),
            Self::PurgeFailed { trouble } => {
                format!("Authomize does not purge ({trouble}); a later full load tries again")
            }
            _ => return None,
        })
    }

    fn plain(&self) -> &'static str {
        match self {
            Self::StatusMissing => "the collector's status is missing or cannot be read",
            Self::StatusOfOrg => "the collector's status is of another org than the manifests",
            Self::NoStreams => "the collector's status names no stream",
            Self::CollectorFaster => "the collector commits faster than this load catches up",
            Self::NothingPosted => {
                "no item at all was posted: check the collector's newest manifest, and the loader's prefix and integration"
            }
            Self::TimeUnplaced => {
                "Authomize's answers have no acceptedTimestamp that can be placed"
            }
            Self::TookPosted => {
                "Authomize deleted what had just been posted: everything is posted again, and the next purge has an earlier mark"
            }
            Self::MarksUsedUp => {
                "Authomize deletes what has just been posted, however early the mark: nothing is purged any more; if Authomize is mended, delete loads/{integration}.json"
            }
            _ => "a newer version of the loader withheld it",
        }
    }
}
