//! Sweeps: every hour, and when an event names nothing, the engine asks for the objects of a stream that have changed
//! since the last sweep or snapshot that ended well, so that changes without events do not wait for the next snapshot.
//! If several objects are due, one answer holds them all, and spares a request for each.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::due::CLOCK_MARGIN;
use super::ledger::stable_hash;

/// How often a stream is asked without an event.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long an org that refuses the question is not asked again.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_hours(24);
/// Okta may show a change a little late: a sweep begins so far before the last one began, beside the clocks' margin.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// An object's last change and its event may differ by so much, both by Okta's clock.
const BEFORE_EVENT: SignedDuration = SignedDuration::from_mins(1);
/// Objects whose last change is remembered, so that they are no news.
const MOST_SEEN: usize = 2_000;

/// A sweep that is due or under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sweeping {
    /// Changes are listed from then on, by Okta's clock.
    pub(super) since: Timestamp,
    /// It is made for readings that are due, and not because its time has come: it ends as soon as these are answered.
    #[serde(default)]
    pub(super) is_for_dues: bool,
    /// The event that made it due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// When its first request was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<Timestamp>,
    /// Path and query of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<String>,
    /// Failures in a row.
    #[serde(default)]
    pub(super) failures: u8,
}

/// The time before which all changes of a stream are known, and the objects that were read since.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Swept {
    /// When the newest sweep or snapshot that ended well began.
    until: Timestamp,
    /// Objects that were read as of a change near that time or later, by a hash of id and time, with the time in
    /// seconds: they are no news.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    seen: VecDeque<(u32, i64)>,
    /// When the org last refused the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Sweeping>,
    #[serde(skip)]
    is_under_way: bool,
    /// It failed in this run.
    #[serde(skip)]
    has_sunk: bool,
}

impl Swept {
    /// All changes before `until` are known.
    pub(super) fn until(until: Timestamp) -> Self {
        Self {
            until,
            seen: VecDeque::new(),
            refused_at: None,
            reading: None,
            is_under_way: false,
            has_sunk: false,
        }
    }

    /// The time before which all changes are known.
    pub(super) fn known_until(&self) -> Timestamp {
        self.until
    }

    /// When the org last refused the question.
    pub(super) fn refused_at(&self) -> Option<Timestamp> {
        self.refused_at
    }

    /// Takes an earlier run's word on the time before which all changes are known.
    pub(super) fn raise(&mut self, until: Timestamp) {
        self.until = self.until.max(until);
    }

    /// Takes it that changes since then may not be known.
    pub(super) fn lower(&mut self, since: Timestamp) {
        self.until = self.until.min(since + OVERLAP + CLOCK_MARGIN);
    }

    pub(super) fn reading(&self) -> Option<&Sweeping> {
        self.reading.as_ref()
    }

    /// Whether a sweep may be sent, or is under way.
    pub(super) fn is_ready(&self) -> bool {
        self.reading.is_some() && !self.has_sunk
    }

    pub(super) fn may_send(&self) -> bool {
        self.is_ready() && !self.is_under_way
    }

    /// Whether the org refuses the question, and is to be asked another day.
    pub(super) fn is_refused(&self, now: Timestamp) -> bool {
        self.refused_at
            .is_some_and(|at| now.duration_since(at) < AFTER_REFUSAL)
    }

    /// Asks for all that has changed since the last sweep, if its time has come.
    pub(super) fn schedule(&mut self, now: Timestamp) {
        if now.duration_since(self.until) >= EVERY {
            self.request(None, now);
        }
    }

    /// Asks for all that has changed since the last sweep; `cause` is the event that made that due. `false` if the org
    /// refuses the question.
    pub(super) fn request(&mut self, cause: Option<String>, now: Timestamp) -> bool {
        if self.is_refused(now) {
            return false;
        }
        let since = self.since();
        self.ask(since, false, cause);
        true
    }

    /// Asks for what has changed since the first event that made readings due; `false` if that cannot be asked now.
    pub(super) fn request_for_dues(&mut self, since: Option<Timestamp>, now: Timestamp) -> bool {
        let has_failed = self
            .reading
            .as_ref()
            .is_some_and(|reading| reading.failures > 0);
        if self.is_refused(now) || has_failed || self.has_sunk {
            return false;
        }
        let swept = self.since();
        let since = since.map_or(swept, |since| swept.max(since - BEFORE_EVENT));
        self.ask(since, true, None);
        true
    }

    fn ask(&mut self, since: Timestamp, is_for_dues: bool, cause: Option<String>) {
        let asked = Sweeping {
            since,
            is_for_dues,
            cause,
            began: None,
            position: None,
            failures: 0,
        };
        match &mut self.reading {
            None => self.reading = Some(asked),
            Some(reading) => {
                reading.is_for_dues &= is_for_dues;
                reading.cause = asked.cause.or(reading.cause.take());
                if since < reading.since && !self.is_under_way {
                    (reading.since, reading.position, reading.began) = (since, None, None);
                }
            }
        }
    }

    pub(super) fn sent(&mut self) {
        self.is_under_way = true;
    }

    pub(super) fn answered(&mut self) {
        self.is_under_way = false;
    }

    /// Goes on to the next page.
    pub(super) fn go_on(&mut self, next: String, at: Timestamp) {
        if let Some(reading) = &mut self.reading {
            reading.began.get_or_insert(at);
            (reading.position, reading.failures) = (Some(next), 0);
        }
    }

    /// Notes that the sweep ended well, whose last request was sent at `at`.
    pub(super) fn ended(&mut self, at: Timestamp) {
        if let Some(reading) = self.reading.take().filter(|reading| !reading.is_for_dues) {
            self.move_to(reading.began.unwrap_or(at));
        }
        self.refused_at = None;
    }

    /// Notes that the org refuses the question.
    pub(super) fn refused(&mut self, at: Timestamp) {
        (self.reading, self.refused_at) = (None, Some(at));
    }

    /// Notes a failure: the next run tries again, from the beginning if the position may be at fault.
    pub(super) fn failed(&mut self) {
        self.has_sunk = true;
        if let Some(reading) = &mut self.reading {
            reading.failures = reading.failures.saturating_add(1);
            if reading.failures >= 3 {
                (reading.position, reading.began) = (None, None);
            }
        }
    }

    /// Begins the reading anew: its position has expired.
    pub(super) fn restart(&mut self) {
        if let Some(reading) = &mut self.reading {
            (reading.position, reading.began) = (None, None);
        }
    }

    /// Where the next sweep begins.
    fn since(&self) -> Timestamp {
        self.until - OVERLAP - CLOCK_MARGIN
    }

    /// Notes as of which change an object was read.
    pub(super) fn see(&mut self, id: &str, time: Timestamp) {
        if time >= self.since() && !self.has_seen(id, time) {
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

fn hash(id: &str, time: Timestamp) -> u32 {
    (stable_hash(format!("{id} {}", time.as_millisecond()).as_bytes()) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T18:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_hour_after_the_last_sweep_the_next_one_is_due() {
        let mut swept = Swept::until(now());
        swept.schedule(now() + SignedDuration::from_mins(59));
        assert!(!swept.is_ready());
        swept.schedule(now() + SignedDuration::from_mins(60));
        assert_eq!(
            swept.reading().unwrap().since,
            now() - SignedDuration::from_mins(10)
        );
        swept.ended(now() + SignedDuration::from_mins(60));
        assert_eq!(swept.known_until(), now() + SignedDuration::from_mins(60));
    }

    #[test]
    fn an_org_that_refuses_the_question_is_asked_another_day() {
        let mut swept = Swept::until(now());
        swept.request(None, now());
        swept.refused(now());
        assert!(!swept.request(None, now() + SignedDuration::from_hours(23)));
        assert!(swept.request(None, now() + SignedDuration::from_hours(24)));
    }

    #[test]
    fn a_sweep_that_is_made_for_readings_moves_nothing() {
        let mut swept = Swept::until(now());
        assert!(swept.request_for_dues(Some(now()), now()));
        assert_eq!(swept.reading().unwrap().since, now() - BEFORE_EVENT);
        swept.ended(now() + SignedDuration::from_mins(5));
        assert_eq!(swept.known_until(), now());
    }

    #[test]
    fn the_third_failure_at_a_position_begins_anew() {
        let mut swept = Swept::until(now());
        swept.request(None, now());
        swept.go_on("/next".into(), now());
        (0..2).for_each(|_| swept.failed());
        assert!(swept.reading().unwrap().position.is_some());
        swept.failed();
        assert!(swept.reading().unwrap().position.is_none());
    }
}
