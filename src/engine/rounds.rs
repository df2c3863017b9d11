//! The order of things: log, changes, snapshots, commit, and again.

use jiff::Timestamp;

use super::log::LogReading;
use super::{Ask, Engine, Fetch, Phase};

impl Engine {
    /// What to do now. At most one page of a listing is under way at once; how many requests are
    /// is the caller's to bound: it asks again while it has room.
    pub fn next(&mut self, now: Timestamp) -> Ask {
        self.next_where(now, &|_| true)
    }

    /// As [`Self::next`], of requests whose path the caller has room for: it is asked of each path
    /// that comes next, and may refuse one only while other requests are under way.
    pub fn next_where(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Ask {
        loop {
            let fetch = if self.is_round_over(now) { None } else { self.next_fetch(now, has_room) };
            match fetch {
                Some(fetch) => return Ask::Fetch(fetch),
                None if self.flights.is_empty() && self.is_reading_again() => match self.wants_recall() {
                    Some(since) if self.uncommitted.is_empty() => return Ask::Recall(since),
                    _ => return Ask::Commit,
                },
                None if !self.flights.is_empty() => return Ask::Wait,
                None if self.has_news() => return Ask::Commit,
                None if self.stopping || !self.sent_in_round || !self.has_work(now) => return Ask::Done,
                None => self.begin_round(now),
            }
        }
    }

    fn is_round_over(&self, now: Timestamp) -> bool {
        let checkpoint = now.duration_since(self.committed_at) >= self.plan.checkpoint_interval;
        self.stopping || (self.phase == Phase::Walks && checkpoint && self.has_news())
    }

    /// When what is absorbed is to be committed: a request that has not been sent by then is not
    /// to keep it waiting, and is asked for again.
    #[must_use]
    pub fn commit_by(&self, now: Timestamp) -> Timestamp {
        let due_at = self.committed_at.max(self.round_began_at) + self.plan.checkpoint_interval;
        if due_at > now { due_at } else { now + self.plan.checkpoint_interval }
    }

    fn next_fetch(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Option<Fetch> {
        if self.phase == Phase::Log {
            if self.log_is_under_way() || self.is_reading_again() {
                return None;
            }
            if let Some(fetch) = self.next_of_log(now) {
                return Some(fetch);
            }
            self.phase = Phase::Changes;
            self.read_changes = false;
            self.plan.streams.clone().into_iter().for_each(|stream| self.settle_marks(stream));
        }
        if self.phase == Phase::Changes {
            let next = self.next_of_changes(now, has_room);
            if next.is_some() || !self.flights.is_empty() || self.changes_wait_for_commit(now) {
                return next;
            }
            self.phase = Phase::Walks;
            self.begin_walks(now);
        }
        let next = self.next_of_walks(now, has_room);
        if next.is_some() || !self.flights.is_empty() {
            return next;
        }
        // What waited for these walks may begin.
        self.begin_walks(now);
        self.next_of_walks(now, has_room)
    }

    /// Whether the log must not be read on before the committed events are known.
    fn is_reading_again(&self) -> bool {
        self.phase == Phase::Log && !self.stopping && self.wants_recall().is_some()
    }

    fn begin_round(&mut self, now: Timestamp) {
        self.phase = Phase::Log;
        self.log = LogReading::default();
        self.round_began_at = now;
        self.sent_in_round = false;
    }

    /// Whether changes are left that may be read after the next commit, and time for them.
    fn changes_wait_for_commit(&self, now: Timestamp) -> bool {
        !self.uncommitted.is_empty() && self.changes_have_more() && self.changes_are_in_time(now)
    }

    /// Whether anything was absorbed that is worth a manifest.
    pub(super) fn has_news(&self) -> bool {
        !self.uncommitted.is_empty()
            || self.gap.is_some()
            || !self.completed.is_empty()
            || self.cursor.differs_beside_log(&self.committed)
    }

    /// Whether another round would get further: log to read, or a walk that can go on or begin.
    pub(super) fn has_work(&self, now: Timestamp) -> bool {
        self.log_has_more() || self.changes_have_more() || self.walks_have_more(now)
    }

    /// Tells that manifest `sequence` holds all that was absorbed so far.
    pub fn committed(&mut self, sequence: u64, now: Timestamp) {
        self.sequence = sequence;
        self.committed_at = now;
        self.committed = self.cursor.clone();
        self.completed.clear();
        self.uncommitted.clear();
        self.gap = None;
        if self.phase == Phase::Changes && self.changes_have_more() && self.changes_are_in_time(now) {
            // What waited for this commit goes on.
            return;
        }
        if self.has_work(now) {
            self.begin_round(now);
            // A round that follows a commit is looked into even if it turns out to be empty.
            self.sent_in_round = true;
        }
    }
}
