//! The readings of a stream that are due, one for each scope.
//!
//! A scope is due because events name it, because it is part of the stream's open snapshot, or for both reasons; one
//! reading serves both. It stays due until a reading of it ended well. One that failed is not tried again in the run, nor
//! before a time that grows from attempt to attempt, and those that were not tried yet go first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scope::Scope;
use crate::streams::Stream;
use crate::streams::change::Kind;

/// How far Okta's clock and ours may differ.
pub(super) const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Pause after a second failure in a row; after a first one the next run tries again.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Longest pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// A change that no reading bears out is let go after so long.
pub(super) const LONGEST_DOUBT: SignedDuration = SignedDuration::from_hours(24);

/// Which readings go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Rank {
    /// Scopes that events name.
    Changed,
    /// Parts of a snapshot.
    Part,
    /// Readings that failed in an earlier run.
    Retry,
    /// Readings that contradict their events, once more at the end of the run.
    Again,
}

/// What events said of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct News {
    /// Uuid of the newest event; `None` if none tells of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// Oldest `published` among the events.
    pub(super) since: Timestamp,
    /// Newest `published` among them, by Okta's clock.
    pub(super) touched: Timestamp,
    /// When the engine learned of the newest, by our clock.
    pub(super) heard: Timestamp,
    /// The newest takes something away.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_loss: bool,
    /// An absence of the object is its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) ends_if_absent: bool,
}

impl News {
    /// News without an event.
    pub(super) fn unnamed(now: Timestamp) -> Self {
        Self {
            cause: None,
            since: now,
            touched: now,
            heard: now,
            is_loss: false,
            ends_if_absent: false,
        }
    }

    fn join(&mut self, other: Self) {
        if other.touched >= self.touched {
            self.is_loss = other.is_loss;
            self.cause = other.cause.or(self.cause.take());
        }
        self.ends_if_absent |= other.ends_if_absent;
        self.since = self.since.min(other.since);
        self.touched = self.touched.max(other.touched);
        self.heard = self.heard.max(other.heard);
    }
}

/// Why a reading did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// Okta did not answer properly.
    Failed,
    /// Okta refuses it for want of a right.
    Refused,
    /// The object lacks the feature, as Okta says.
    Lacking,
    /// Okta says that there is no such object, and no event does.
    Absent,
    /// The answer contradicts the event that asked for it: it was read too soon.
    Contradicted { since: Timestamp },
    /// The answer lacks records that must be there.
    Short {
        missing: u64,
        examples: Vec<String>,
        /// The answer of another object contradicts it, as opposed to lacking as much.
        is_alone: bool,
    },
}

/// When a reading that did not end well is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retry {
    /// Readings in a row that did not end well.
    pub(super) attempts: u32,
    pub(super) not_before: Timestamp,
    pub(super) why: Why,
}

impl Retry {
    /// Whether the answer lacks what must be there. What another answer contradicts once may have changed between the two.
    pub(super) fn is_short(&self) -> bool {
        match self.why {
            Why::Short { is_alone, .. } => !is_alone || self.attempts > 1,
            _ => false,
        }
    }

    /// Whether another answer is expected to bear out what is known, with nobody's help.
    pub(super) fn is_awaited(&self) -> bool {
        match self.why {
            Why::Contradicted { .. } | Why::Absent | Why::Lacking => true,
            Why::Short { .. } => !self.is_short(),
            Why::Failed | Why::Refused => false,
        }
    }

    /// Whether Okta has answered, and the answer is not believed.
    pub(super) fn is_doubt(&self) -> bool {
        matches!(
            self.why,
            Why::Contradicted { .. } | Why::Short { .. } | Why::Absent
        )
    }
}

/// A reading that needs several answers, between two of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Path and query of the next page; `None` once the last one is absorbed.
    pub(super) position: Option<String>,
    /// The first manifest that may hold lines of the reading.
    pub(super) since: u64,
    /// When its first request was sent.
    pub(super) began: Timestamp,
    /// Whether a line differed from what readers held.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) differs: bool,
    /// Failures in a row at this position.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) failures: u8,
    /// Other objects whose records with this one are there, though the reading does not say what they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) named: Vec<String>,
}

impl Place {
    /// The end of a reading in one answer.
    pub(super) fn at_end(since: u64, began: Timestamp, differs: bool) -> Self {
        Self {
            position: None,
            since,
            began,
            differs,
            failures: 0,
            named: Vec::new(),
        }
    }
}

/// One reading that is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Due {
    /// It is part of the stream's open snapshot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_part: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) news: Option<News>,
    /// The object itself, if it must be known first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    /// News came since its first request was sent: it is done once more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_stale: bool,
    /// How often it was begun anew because a position or a detail was gone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) anew: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<Retry>,
}

impl Due {
    /// A part of a snapshot.
    pub(super) fn part(item: Option<Value>) -> Self {
        Self {
            is_part: true,
            item,
            ..Self::default()
        }
    }

    /// What events name.
    pub(super) fn changed(news: News) -> Self {
        Self {
            news: Some(news),
            ..Self::default()
        }
    }

    /// As [`Self::changed`], of an object that is live as the events show: it need not be known first.
    pub(super) fn changed_in_life(news: News) -> Self {
        Self {
            item: Some(Value::Object(serde_json::Map::new())),
            ..Self::changed(news)
        }
    }

    pub(super) fn cause(&self) -> Option<String> {
        self.news.as_ref().and_then(|news| news.cause.clone())
    }

    /// Whether the reading waits for its object as the open snapshot lists it.
    pub(super) fn waits_for_listing(&self, stream: &Stream) -> bool {
        stream.rereads.is_empty() && stream.is_assembled() && self.item.is_none()
    }

    fn join(&mut self, other: Self, is_under_way: bool) {
        self.is_part |= other.is_part;
        self.is_stale |= other.news.is_some() && (is_under_way || self.place.is_some());
        // An object that has changed must be known anew.
        let is_known = other.is_part || self.item.is_some() || self.news.is_none();
        self.item = match other.item.filter(|_| is_known) {
            Some(item) => Some(item),
            None => self.item.take().filter(|_| other.news.is_none()),
        };
        match (&mut self.news, other.news) {
            (Some(own), Some(news)) => own.join(news),
            (None, news) => self.news = news,
            (Some(_), None) => {}
        }
    }
}

/// What the open snapshot of a stream is about to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Cover {
    #[default]
    Nothing,
    /// What happened before it began.
    Since(Timestamp),
    /// Everything so far: it has not begun.
    All,
}

impl Cover {
    /// Whether it answers a change that was published and heard then.
    pub(super) fn covers(self, touched: Timestamp, heard: Timestamp) -> bool {
        match self {
            Self::Nothing => false,
            Self::Since(began) => heard <= began || touched < began - CLOCK_MARGIN,
            Self::All => true,
        }
    }
}

#[derive(Debug, Clone)]
struct Entry {
    due: Due,
    /// Its place among those of its rank.
    number: u64,
    is_under_way: bool,
    /// It did not end well in this run.
    has_sunk: bool,
}

impl Entry {
    fn join(&mut self, due: Due, now: Timestamp) {
        if let Some(retry) = self.due.retry.as_mut().filter(|retry| retry.is_doubt()) {
            // It is read anew, and put in doubt again if need be.
            if due.news.is_some() {
                retry.not_before = now;
                self.has_sunk = false;
            }
        }
        self.due.join(due, self.is_under_way);
    }

    /// Whether the open snapshot reads what an earlier reading put in doubt.
    fn is_doubtful_part(&self) -> bool {
        self.due.is_part && self.due.retry.as_ref().is_some_and(Retry::is_doubt)
    }

    /// Whether it keeps the open snapshot from its end.
    fn is_failing_part(&self) -> bool {
        self.due.is_part
            && self.due.retry.is_some()
            && !self.is_under_way
            && !self.is_doubtful_part()
    }
}

/// A reading as the cursor keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kept {
    pub(super) scope: Scope,
    #[serde(flatten)]
    pub(super) due: Due,
}

/// Every reading of a stream that is due.
#[derive(Debug, Clone, Default)]
pub(super) struct Dues {
    entries: BTreeMap<Scope, Entry>,
    /// Those that may be sent.
    ready: BTreeSet<(Rank, u64, Scope)>,
    /// Parts of the open snapshot, and those of them that did not end well.
    parts: (usize, usize),
    failing: usize,
    cover: Cover,
    numbers: u64,
}

impl Dues {
    pub(super) fn read(kept: Vec<Kept>, now: Timestamp) -> Self {
        let mut dues = Self::default();
        for kept in kept {
            let mut due = kept.due;
            // Without a position the reading is done from its beginning.
            due.place = due.place.filter(|place| place.position.is_some());
            due.is_stale &= due.place.is_some();
            dues.put(kept.scope, due, now);
        }
        dues
    }

    /// As the cursor keeps them.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(_, entry)| entry.number);
        let keep = |(scope, entry): (&Scope, &Entry)| Kept {
            scope: scope.clone(),
            due: entry.due.clone(),
        };
        entries.into_iter().map(keep).collect()
    }

    pub(super) fn get(&self, scope: &Scope) -> Option<&Due> {
        self.entries.get(scope).map(|entry| &entry.due)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Scope, &Due)> {
        self.entries
            .iter()
            .map(|(scope, entry)| (scope, &entry.due))
    }

    /// Whether anything of an object is due.
    pub(super) fn names(&self, id: &str) -> bool {
        self.entries.keys().any(|scope| scope.names(id))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_under_way(&self, scope: &Scope) -> bool {
        self.entries
            .get(scope)
            .is_some_and(|entry| entry.is_under_way)
    }

    /// Whether a reading is under way, or may still be sent in this run.
    pub(super) fn is_ready(&self, scope: &Scope) -> bool {
        self.entries.get(scope).is_some_and(|entry| {
            entry.is_under_way
                || self
                    .rank(entry)
                    .is_some_and(|rank| self.ready.contains(&(rank, entry.number, scope.clone())))
        })
    }

    /// Readings of a rank that may be sent, in their order.
    pub(super) fn ready(&self, rank: Rank) -> impl Iterator<Item = &Scope> {
        self.ready
            .range((rank, 0, Scope::Whole)..)
            .take_while(move |(other, ..)| *other == rank)
            .map(|(_, _, scope)| scope)
    }

    pub(super) fn count_ready(&self) -> usize {
        self.ready.len()
    }

    /// Parts of the open snapshot that are left, and those of them that did not end well.
    pub(super) fn parts(&self) -> (usize, usize) {
        self.parts
    }

    /// Readings that did not end well.
    pub(super) fn failing(&self) -> usize {
        self.failing
    }

    /// Adds a reading, or its reasons to the one that is there. One of all records of an object takes in those of its
    /// single records.
    pub(super) fn add(&mut self, scope: Scope, mut due: Due, now: Timestamp) {
        if let Scope::Pair(first, second) = &scope
            && let Some(wider) = self.wider(first, second)
        {
            return self.change(&wider, now, |entry| entry.join(due, now));
        }
        if let Scope::Parent(_, id) = &scope
            && due.news.is_some()
        {
            for pair in self.pairs_of(id) {
                let mut narrow = self.remove(&pair).unwrap_or_default();
                narrow.join(due, false);
                narrow.retry = None;
                due = narrow;
            }
        }
        if self.entries.contains_key(&scope) {
            self.change(&scope, now, |entry| entry.join(due, now));
        } else {
            self.put(scope, due, now);
        }
    }

    /// The reading of all records of one of a pair's objects, unless it has begun.
    fn wider(&self, first: &str, second: &str) -> Option<Scope> {
        let kinds = [
            Kind::Group,
            Kind::Application,
            Kind::User,
            Kind::IdentityProvider,
        ];
        let scopes = kinds
            .into_iter()
            .flat_map(|kind| [first, second].map(|id| Scope::Parent(kind, id.to_owned())));
        scopes.into_iter().find(|scope| {
            self.entries.get(scope).is_some_and(|entry| {
                !entry.is_under_way && entry.due.place.is_none() && entry.due.news.is_some()
            })
        })
    }

    fn pairs_of(&self, id: &str) -> Vec<Scope> {
        let is_of = |(scope, entry): (&Scope, &Entry)| {
            (matches!(scope, Scope::Pair(..)) && scope.names(id) && !entry.is_under_way)
                .then(|| scope.clone())
        };
        self.entries.iter().filter_map(is_of).collect()
    }

    fn put(&mut self, scope: Scope, due: Due, now: Timestamp) {
        self.numbers += 1;
        let entry = Entry {
            due,
            number: self.numbers,
            is_under_way: false,
            has_sunk: false,
        };
        self.entries.insert(scope.clone(), entry);
        self.enter(&scope, now);
    }

    /// Changes a reading in place.
    pub(super) fn update(&mut self, scope: &Scope, now: Timestamp, change: impl FnOnce(&mut Due)) {
        self.change(scope, now, |entry| {
            change(&mut entry.due);
            entry.due.is_stale &= entry.is_under_way || entry.due.place.is_some();
        });
    }

    pub(super) fn remove(&mut self, scope: &Scope) -> Option<Due> {
        self.leave(scope);
        self.entries.remove(scope).map(|entry| entry.due)
    }

    /// Notes that a request of the reading is under way.
    pub(super) fn send(&mut self, scope: &Scope, now: Timestamp) {
        self.change(scope, now, |entry| entry.is_under_way = true);
    }

    /// Notes that no request of the reading is under way any more.
    pub(super) fn answered(&mut self, scope: &Scope, now: Timestamp) {
        self.change(scope, now, |entry| entry.is_under_way = false);
    }

    /// Sinks a reading that did not end well. `lasts`: it is tried once more at the end of the run.
    pub(super) fn sink(&mut self, scope: &Scope, why: Why, now: Timestamp) {
        self.numbers += 1;
        let number = self.numbers;
        self.change(scope, now, |entry| {
            let attempts = entry.due.retry.as_ref().map_or(0, |retry| retry.attempts) + 1;
            // What contradicts its event is asked once more in the same run.
            let is_again = matches!(why, Why::Contradicted { .. }) && attempts == 1;
            let pause = match why {
                Why::Contradicted { .. } => pause_after(attempts.saturating_sub(1)),
                _ => pause_after(attempts),
            };
            entry.due.retry = Some(Retry {
                attempts,
                not_before: now + pause,
                why,
            });
            entry.has_sunk = !is_again;
            entry.number = number;
        });
    }

    /// Lets up to `most` readings that failed in earlier runs be tried now, whatever their time.
    pub(super) fn wake(&mut self, most: usize, now: Timestamp) {
        let sleeps = |(scope, entry): (&Scope, &Entry)| {
            let is_early = entry
                .due
                .retry
                .as_ref()
                .is_some_and(|retry| retry.not_before > now);
            (is_early && !entry.has_sunk).then(|| scope.clone())
        };
        let scopes: Vec<_> = self.entries.iter().filter_map(sleeps).take(most).collect();
        for scope in scopes {
            self.update(&scope, now, |due| {
                if let Some(retry) = &mut due.retry {
                    retry.not_before = now;
                }
            });
        }
    }

    /// Notes what the open snapshot is about to answer: that is not read by itself.
    pub(super) fn cover(&mut self, cover: Cover, now: Timestamp) {
        if self.cover == cover {
            return;
        }
        let scopes: Vec<_> = self.entries.keys().cloned().collect();
        scopes.iter().for_each(|scope| self.leave(scope));
        self.cover = cover;
        scopes.iter().for_each(|scope| self.enter(scope, now));
    }

    /// Begins readings anew that wait between two answers: a snapshot that begins now may not rest on them. `lists_all`:
    /// nor on objects as they were listed before, since only its own listing shows them.
    pub(super) fn restart_all(&mut self, lists_all: bool, now: Timestamp) {
        let begun: Vec<_> = self
            .iter()
            .filter(|(_, due)| due.place.is_some() || lists_all && due.item.is_some())
            .map(|(scope, _)| scope.clone())
            .collect();
        for scope in begun {
            self.update(&scope, now, |due| {
                due.place = None;
                due.item = due.item.take().filter(|_| !lists_all);
            });
        }
    }

    /// Removes readings that are not wanted any more, but for those under way.
    pub(super) fn retain(&mut self, keep: impl Fn(&Scope, &Due) -> bool) {
        let gone: Vec<_> = self
            .entries
            .iter()
            .filter(|(scope, entry)| !entry.is_under_way && !keep(scope, &entry.due))
            .map(|(scope, _)| scope.clone())
            .collect();
        gone.iter().for_each(|scope| drop(self.remove(scope)));
    }

    fn change(&mut self, scope: &Scope, now: Timestamp, change: impl FnOnce(&mut Entry)) {
        self.leave(scope);
        if let Some(entry) = self.entries.get_mut(scope) {
            change(entry);
        }
        self.enter(scope, now);
    }

    fn enter(&mut self, scope: &Scope, now: Timestamp) {
        let Some(entry) = self.entries.get(scope) else {
            return;
        };
        self.failing += usize::from(entry.due.retry.is_some());
        if entry.due.is_part {
            self.parts.0 += 1;
            self.parts.1 += usize::from(entry.is_failing_part());
        }
        let retry = entry.due.retry.as_ref();
        let may_be_sent =
            entry.is_doubtful_part() || retry.is_none_or(|retry| retry.not_before <= now);
        if may_be_sent && let Some(rank) = self.rank(entry) {
            self.ready.insert((rank, entry.number, scope.clone()));
        }
    }

    fn leave(&mut self, scope: &Scope) {
        let Some(entry) = self.entries.get(scope) else {
            return;
        };
        self.failing -= usize::from(entry.due.retry.is_some());
        if entry.due.is_part {
            self.parts.0 -= 1;
            self.parts.1 -= usize::from(entry.is_failing_part());
        }
        if let Some(rank) = self.rank(entry) {
            self.ready.remove(&(rank, entry.number, scope.clone()));
        }
    }

    /// Its rank as it is now; `None` if it may not be sent.
    fn rank(&self, entry: &Entry) -> Option<Rank> {
        if entry.is_under_way {
            return None;
        }
        if entry.is_doubtful_part() {
            return Some(Rank::Part);
        }
        if entry.has_sunk {
            return None;
        }
        let due = &entry.due;
        let is_covered = |news: &News| self.cover.covers(news.touched, news.heard);
        match (&due.retry, &due.news) {
            (Some(retry), _) if matches!(retry.why, Why::Contradicted { .. }) => Some(Rank::Again),
            (Some(_), _) => Some(Rank::Retry),
            (None, Some(news)) if !is_covered(news) => Some(Rank::Changed),
            (None, _) if due.is_part => Some(Rank::Part),
            (None, Some(_)) => None,
            (None, None) => Some(Rank::Part),
        }
    }
}

fn pause_after(attempts: u32) -> SignedDuration {
    match attempts {
        0 | 1 => SignedDuration::ZERO,
        attempts => (FIRST_PAUSE * 3_i32.saturating_pow((attempts - 2).min(6))).min(LONGEST_PAUSE),
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
fn is_zero(count: &u8) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T18:00:00Z".parse().unwrap()
    }

    fn group(id: &str) -> Scope {
        Scope::Parent(Kind::Group, id.into())
    }

    fn pair(first: &str, second: &str) -> Scope {
        Scope::Pair(first.into(), second.into())
    }

    fn news() -> Due {
        Due::changed(News::unnamed(now()))
    }

    fn ready(dues: &Dues, rank: Rank) -> Vec<Scope> {
        dues.ready(rank).cloned().collect()
    }

    #[test]
    fn one_reading_serves_a_snapshot_and_an_event() {
        let mut dues = Dues::default();
        dues.add(group("g"), Due::part(None), now());
        assert_eq!(ready(&dues, Rank::Part), [group("g")]);
        dues.add(group("g"), news(), now());
        assert_eq!(ready(&dues, Rank::Changed), [group("g")]);
        assert_eq!((dues.len(), dues.parts()), (1, (1, 0)));
    }

    #[test]
    fn a_reading_of_an_object_takes_in_those_of_its_single_records() {
        let mut dues = Dues::default();
        dues.add(pair("g", "u"), news(), now());
        dues.add(group("g"), news(), now());
        dues.add(pair("g", "v"), news(), now());
        assert_eq!(ready(&dues, Rank::Changed), [group("g")]);
    }

    #[test]
    fn what_the_open_snapshot_answers_is_not_read_by_itself() {
        let mut dues = Dues::default();
        dues.add(group("g"), news(), now());
        dues.cover(Cover::Since(now()), now());
        assert!(ready(&dues, Rank::Changed).is_empty());
        dues.cover(Cover::Since(now() - SignedDuration::from_secs(1)), now());
        assert_eq!(ready(&dues, Rank::Changed), [group("g")]);
        dues.cover(Cover::All, now());
        assert_eq!(dues.count_ready(), 0);
    }

    #[test]
    fn a_failure_is_tried_with_the_next_run_then_ever_more_rarely_up_to_a_day() {
        let mut dues = Dues::default();
        dues.add(group("g"), news(), now());
        let mut pauses = Vec::new();
        for _ in 0..10 {
            dues.sink(&group("g"), Why::Failed, now());
            assert_eq!(dues.count_ready(), 0, "not in the same run");
            let not_before = dues
                .get(&group("g"))
                .unwrap()
                .retry
                .as_ref()
                .unwrap()
                .not_before;
            pauses.push(not_before.duration_since(now()).as_secs() / 60);
        }
        assert_eq!(pauses, [0, 5, 15, 45, 135, 405, 1_215, 1_440, 1_440, 1_440]);
        dues = Dues::read(dues.kept(), now());
        assert_eq!(dues.count_ready(), 0);
        dues.wake(1, now());
        assert_eq!(ready(&dues, Rank::Retry), [group("g")]);
    }

    #[test]
    fn a_contradiction_is_asked_once_more_in_the_run_then_with_the_next_one() {
        let mut dues = Dues::default();
        let why = || Why::Contradicted { since: now() };
        dues.add(group("g"), news(), now());
        dues.sink(&group("g"), why(), now());
        assert_eq!(ready(&dues, Rank::Again), [group("g")]);
        dues.sink(&group("g"), why(), now());
        assert_eq!(dues.count_ready(), 0);
        dues = Dues::read(dues.kept(), now());
        assert_eq!(ready(&dues, Rank::Again), [group("g")]);
        dues.sink(&group("g"), why(), now());
        dues = Dues::read(dues.kept(), now());
        assert_eq!(dues.count_ready(), 0);
    }
}
