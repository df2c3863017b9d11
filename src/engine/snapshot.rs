//! What snapshot is due, begun, complete or held.

use jiff::{SignedDuration, Timestamp};

use super::cursor::{Progress, Snapshot};

/// A snapshot that a manifest declares complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Name of the stream.
    pub stream: &'static str,
    /// Records of the stream that were last sent before this manifest are gone.
    pub since_sequence: u64,
    /// Only those that have this id among the parts of theirs.
    pub scope: Option<String>,
}

/// A snapshot is held if it has fewer lines than this share of the last complete one …
const LEAST_SHARE_PERCENT: u64 = 80;
/// … and at least this many fewer.
const LEAST_SHRINK_LINES: u64 = 100;

impl Progress {
    /// Whether a snapshot should begin: asked for, never had, or the last one is too old.
    #[must_use]
    pub fn is_due(&self, now: Timestamp, interval: SignedDuration) -> bool {
        let newest = self.held.as_ref().or(self.complete.as_ref()).map(|snapshot| snapshot.started_at);
        let newest = self.not_applicable.as_ref().map(|feature| feature.at).max(newest);
        self.asked || newest.is_none_or(|newest| now.duration_since(newest) >= interval)
    }

    /// Begins a snapshot that walks `listings` and whose lines stand in manifest `since_sequence`
    /// or later.
    pub fn begin(&mut self, since_sequence: u64, now: Timestamp, listings: Vec<String>) {
        self.open = Some(Snapshot { since_sequence, started_at: now, lines: 0, requests: 0, left: listings });
        self.asked = false;
        self.not_applicable = None;
    }

    /// Whether the open snapshot has still to walk this listing.
    #[must_use]
    pub fn is_left(&self, listing: &str) -> bool {
        self.open.as_ref().is_some_and(|open| open.left.iter().any(|left| left == listing))
    }

    /// Notes that a listing was walked to its end; returns whether it was the snapshot's last.
    pub fn walked(&mut self, listing: &str) -> bool {
        let Some(open) = &mut self.open else { return false };
        open.left.retain(|left| left != listing);
        open.left.is_empty()
    }

    /// Ends the open snapshot, all of which was read. It is declared complete, and its
    /// `since_sequence` returned, unless it shrank so much that a weakened admin role is likelier
    /// than a change (Okta answers such a role with short lists, not errors): then it is held.
    pub fn finish(&mut self) -> Option<u64> {
        let done = self.open.take()?;
        let shrank = |last: &Snapshot| shrank(last.lines.saturating_sub(self.removed), done.lines);
        if !self.accept_shrink && self.complete.as_ref().is_some_and(shrank) {
            self.held = Some(done);
            return None;
        }
        let since_sequence = done.since_sequence;
        *self = Self { complete: Some(done), asked: self.asked, ..Self::default() };
        Some(since_sequence)
    }
}

fn shrank(before: u64, after: u64) -> bool {
    after * 100 < before * LEAST_SHARE_PERCENT && before.saturating_sub(after) > LEAST_SHRINK_LINES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn read(progress: &mut Progress, lines: u64, second: i64) -> Option<u64> {
        progress.begin(7, at(second), Vec::new());
        progress.open.as_mut().unwrap().lines = lines;
        progress.finish()
    }

    #[test]
    fn a_snapshot_is_due_when_never_had_asked_for_or_too_old() {
        let mut progress = Progress::default();
        let hour = SignedDuration::from_hours(1);
        assert!(progress.is_due(at(0), hour));
        assert_eq!(read(&mut progress, 10, 100), Some(7));
        assert!(!progress.is_due(at(3_699), hour));
        assert!(progress.is_due(at(3_700), hour));
        progress.asked = true;
        assert!(progress.is_due(at(200), hour));
    }

    #[test]
    fn a_snapshot_that_shrank_is_held_until_accepted() {
        let mut progress = Progress::default();
        assert!(read(&mut progress, 1_000, 0).is_some());
        assert_eq!(read(&mut progress, 700, 10), None);
        assert!(progress.held.is_some());
        assert_eq!(progress.complete.as_ref().unwrap().lines, 1_000);
        progress.accept_shrink = true;
        assert!(read(&mut progress, 700, 20).is_some());
        assert!(progress.held.is_none() && !progress.accept_shrink);
    }

    #[test]
    fn what_is_known_to_be_gone_is_no_shrinking() {
        let mut progress = Progress::default();
        assert!(read(&mut progress, 1_000, 0).is_some());
        progress.removed = 300;
        assert!(read(&mut progress, 700, 10).is_some());
        assert_eq!(progress.removed, 0);
    }

    #[test]
    fn a_small_or_a_relatively_small_loss_passes() {
        assert!(!shrank(100, 0));
        assert!(shrank(101, 0));
        assert!(!shrank(1_000, 800));
        assert!(shrank(1_000, 799));
        assert!(!shrank(10, 2_000));
    }
}
