//! The time before which all changes of a stream are known.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far Okta's clock and ours may differ.
pub(super) const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Okta may show a change a little late: a sweep begins so far before the last one began, beside the clocks' margin.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// Objects whose last change is remembered, so that they are no news.
const MOST_SEEN: usize = 2_000;

/// The time before which all changes of a stream are known, and the objects that were read since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Swept {
    /// When the newest sweep or snapshot that ended well began.
    pub until: Timestamp,
    /// Objects that were read as of a change near that time or later, by a hash of id and time, with the time in
    /// seconds: they are no news.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    seen: VecDeque<(u32, i64)>,
}

impl Swept {
    /// All changes before `until` are known.
    #[must_use]
    pub fn until(until: Timestamp) -> Self {
        Self {
            until,
            seen: VecDeque::new(),
        }
    }

    /// Where the next sweep begins.
    pub(super) fn since(&self) -> Timestamp {
        self.until - OVERLAP - CLOCK_MARGIN
    }

    pub(super) fn see(&mut self, id: &str, time: Timestamp) {
        if !self.has_seen(id, time) {
            self.seen.push_back((hash(id, time), time.as_second()));
            if self.seen.len() > MOST_SEEN {
                self.seen.pop_front();
            }
        }
    }

    pub(super) fn has_seen(&self, id: &str, time: Timestamp) -> bool {
        let hash = hash(id, time);
        self.seen.iter().any(|(seen, _)| *seen == hash)
    }

    /// All changes before `until` are known; what the next sweep will not list need not be remembered.
    pub(super) fn move_to(&mut self, until: Timestamp) {
        self.until = self.until.max(until);
        let since = self.since().as_second();
        self.seen.retain(|(_, time)| *time >= since);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "half of the hash is enough"
)]
fn hash(id: &str, time: Timestamp) -> u32 {
    let mut hasher = DefaultHasher::new();
    (id, time).hash(&mut hasher);
    hasher.finish() as u32
}
