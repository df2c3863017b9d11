//! A stream's snapshots: due, begun, complete, held.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::guard;

/// A snapshot, or a scope, that a manifest declares complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Name of the stream.
    pub stream: &'static str,
    /// Records of the stream that were last sent before this manifest are gone.
    pub since_sequence: u64,
    /// Only records that have this id among the parts of theirs.
    pub scope: Option<String>,
    /// Ids of objects that did not answer: records that have one of them among the parts of their id stay.
    pub except: Vec<String>,
}

/// Scopes that a complete snapshot may leave out.
pub(super) const MOST_EXCEPTED: usize = 100;

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Snapshot>,
    /// The newest complete snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<Snapshot>,
    /// The newest snapshot, if it was read to its end but not declared complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Snapshot>,
    /// Records that went away since the newest complete snapshot began, at most.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed: u64,
    /// Records that came since, at least.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub added: u64,
    /// The org does not have the feature; it is asked for again when a snapshot is next due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<NotApplicable>,
}

/// A feature that the org does not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicable {
    /// When Okta said so.
    pub at: Timestamp,
    /// Okta's words.
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
    /// Parts whose reading ended well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answered: u64,
    /// Listings that are not read to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Parts that it was declared complete without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// How a snapshot ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is declared complete.
    Complete {
        since_sequence: u64,
        started_at: Timestamp,
    },
    /// It is not believed.
    Held,
}

impl Progress {
    /// Whether a snapshot should begin: asked for, never had, or the last one is too old.
    #[must_use]
    pub fn is_due(&self, now: Timestamp, interval: SignedDuration) -> bool {
        let newest = self
            .held
            .as_ref()
            .or(self.complete.as_ref())
            .map(|snapshot| snapshot.started_at);
        let newest = self
            .not_applicable
            .as_ref()
            .map(|feature| feature.at)
            .max(newest);
        self.asked || newest.is_none_or(|newest| now.duration_since(newest) >= interval)
    }

    /// Begins a snapshot that reads `listings` and whose lines stand in manifest `since_sequence` or later.
    pub(super) fn begin(&mut self, since_sequence: u64, now: Timestamp, listings: Vec<String>) {
        self.open = Some(Snapshot {
            since_sequence,
            started_at: now,
            lines: 0,
            requests: 0,
            answered: 0,
            left: listings,
            except: Vec::new(),
        });
        self.asked = false;
        self.not_applicable = None;
    }

    /// Notes that a listing was read to its end.
    pub(super) fn listed(&mut self, listing: &str) {
        if let Some(open) = &mut self.open {
            open.left.retain(|left| left != listing);
        }
    }

    /// Whether the open snapshot has still to read this listing.
    #[must_use]
    pub(super) fn is_left(&self, listing: &str) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.left.iter().any(|left| left == listing))
    }

    /// Ends the open snapshot, all of which was read but for `except`. It is declared complete unless it is not
    /// believed.
    pub(super) fn finish(&mut self, except: Vec<String>) -> Option<Ended> {
        let mut done = self.open.take()?;
        done.except = except;
        let is_doubtful = |last: &Snapshot| {
            let expected = (last.lines + self.added).saturating_sub(self.removed);
            // Parts that are left out explain that nothing is there.
            done.except.is_empty() && guard::is_vanished(last.lines, self.removed, done.lines)
                || guard::shrank(expected, done.lines)
        };
        if !self.accept_shrink && self.complete.as_ref().is_some_and(is_doubtful) {
            self.held = Some(done);
            return Some(Ended::Held);
        }
        let ended = Ended::Complete {
            since_sequence: done.since_sequence,
            started_at: done.started_at,
        };
        *self = Self {
            complete: Some(done),
            asked: self.asked,
            ..Self::default()
        };
        Some(ended)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn read(progress: &mut Progress, lines: u64, second: i64) -> bool {
        progress.begin(7, at(second), Vec::new());
        progress.open.as_mut().unwrap().lines = lines;
        matches!(
            progress.finish(Vec::new()),
            Some(Ended::Complete {
                since_sequence: 7,
                ..
            })
        )
    }

    #[test]
    fn a_snapshot_is_due_when_never_had_asked_for_or_too_old() {
        let mut progress = Progress::default();
        let hour = SignedDuration::from_hours(1);
        assert!(progress.is_due(at(0), hour));
        assert!(read(&mut progress, 10, 100));
        assert!(!progress.is_due(at(3_699), hour));
        assert!(progress.is_due(at(3_700), hour));
        progress.asked = true;
        assert!(progress.is_due(at(200), hour));
    }

    #[test]
    fn a_snapshot_that_shrank_is_held_until_accepted() {
        let mut progress = Progress::default();
        assert!(read(&mut progress, 1_000, 0));
        assert!(!read(&mut progress, 700, 10));
        assert!(progress.held.is_some());
        assert_eq!(progress.complete.as_ref().unwrap().lines, 1_000);
        progress.accept_shrink = true;
        assert!(read(&mut progress, 700, 20));
        assert!(progress.held.is_none() && !progress.accept_shrink);
    }

    #[test]
    fn from_something_to_nothing_is_held_at_any_size() {
        let mut progress = Progress::default();
        assert!(read(&mut progress, 3, 0));
        assert!(!read(&mut progress, 0, 10));
        progress.removed = 3;
        assert!(
            read(&mut progress, 0, 20),
            "what is known to be gone explains it"
        );
    }

    #[test]
    fn what_is_known_to_have_gone_or_come_is_counted() {
        let mut progress = Progress::default();
        assert!(read(&mut progress, 1_000, 0));
        progress.removed = 300;
        assert!(read(&mut progress, 700, 10));
        assert_eq!(progress.removed, 0);
        progress.added = 5_000;
        assert!(
            !read(&mut progress, 900, 20),
            "the 5,000 that came are missing"
        );
    }
}
