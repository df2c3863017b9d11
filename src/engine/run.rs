//! What one run knows and no cursor keeps.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::ask::Plan;
use super::flights::Target;
use super::ledger::stable_hash;

/// Positions of listings that may turn out expired before a run begins no listing again.
const MOST_EXPIRIES: u32 = 20;

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) plan: Plan,
    /// Whether `settle` has chosen how changed records are read since the log was last read.
    pub(super) is_settled: bool,
    /// Whether a reading waits for the next commit.
    pub(super) is_blocked: bool,
    pub(super) is_stopping: bool,
    retry_after_s: Option<i64>,
    /// Users who were read, and whether they are live: one who is not explains every loss.
    lives: BTreeMap<String, bool>,
    /// Positions that were followed, by reading.
    followed: BTreeMap<Target, HashSet<u64>>,
    expiries: u32,
    /// Streams for whose snapshot the log is read once more.
    rechecked: BTreeSet<&'static str>,
    /// Streams whose fixed objects are written for the open snapshot.
    fixed: BTreeSet<&'static str>,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            is_settled: false,
            is_blocked: false,
            is_stopping: false,
            retry_after_s: None,
            lives: BTreeMap::new(),
            followed: BTreeMap::new(),
            expiries: 0,
            rechecked: BTreeSet::new(),
            fixed: BTreeSet::new(),
        }
    }

    /// Whether the log is to be read once more for the stream's snapshot; once in a run.
    pub(super) fn asks_log_again(&mut self, stream: &'static str) -> bool {
        self.rechecked.insert(stream)
    }

    /// Whether the stream's fixed objects are to be written; once for a snapshot.
    pub(super) fn brings_fixed(&mut self, stream: &'static str) -> bool {
        self.fixed.insert(stream)
    }

    /// Notes that a snapshot of the stream begins, whose parts are read from their first pages on.
    pub(super) fn begins(&mut self, stream: &'static str) {
        self.fixed.remove(stream);
        self.followed
            .retain(|target, _| !matches!(target, Target::Scope(of, _) if *of == stream));
    }

    /// Notes a limit that made the run give up work, by the seconds until it lifts.
    pub(super) fn limited(&mut self, retry_after_s: i64) {
        let known = self.retry_after_s.unwrap_or(retry_after_s);
        self.retry_after_s = Some(known.min(retry_after_s));
    }

    /// Seconds until the first limit lifts that made this run give up work.
    pub(super) fn retry_after_s(&self) -> Option<i64> {
        self.retry_after_s
    }

    pub(super) fn note_life(&mut self, user: String, is_live: bool) {
        self.lives.insert(user, is_live);
    }

    /// Whether a user is live, if they were read in this run.
    pub(super) fn is_live(&self, user: &str) -> Option<bool> {
        self.lives.get(user).copied()
    }

    /// Follows a link; `false` if it was followed before in this reading.
    pub(super) fn follow(&mut self, target: &Target, from: &str, to: &str) -> bool {
        let followed = self.followed.entry(target.clone()).or_default();
        followed.insert(stable_hash(from.as_bytes()));
        followed.insert(stable_hash(to.as_bytes()))
    }

    /// Forgets the links of a reading that has ended, or begins anew.
    pub(super) fn leave(&mut self, target: &Target) {
        self.followed.remove(target);
    }

    /// Notes that a listing's position has expired; `false` if that was so too often.
    pub(super) fn may_expire(&mut self) -> bool {
        self.expiries += 1;
        self.expiries <= MOST_EXPIRIES
    }

    /// Whether snapshots of the stream may begin.
    pub(super) fn is_narrowed_to_others(&self, stream: &str) -> bool {
        let narrowed = self.plan.narrowed.as_ref();
        narrowed.is_some_and(|only| !only.iter().any(|name| name == stream))
    }
}
