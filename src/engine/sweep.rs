//! Belt and braces: now and then, and when an event names nothing, streams are asked for what has
//! changed lately, so that changes without events do not wait for the next snapshot. Where several
//! objects are marked, the answer holds them all, and spares a request for each.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::absorb::NO_POSITION;
use super::harvest::{Harvest, items};
use super::marks::CLOCK_MARGIN;
use super::swept::{Swept, Why};
use super::{Answer, Engine, Fetch, Lane, Parked};
use crate::authomize::rfc3339;
use crate::body::Item;
use crate::streams::change::{Identity, Kind, Of, Rows, Sweep, Touches};
use crate::streams::{STREAMS, Stream, id_of};

/// How often it is asked without an event.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How far behind the newest change it is asked: Okta may show a change a little late.
pub(super) const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// Names the request in place of a mark.
pub(super) const SWEEP: &str = "changed lately";

impl Engine {
    /// Makes the sweeps due that it is time for.
    pub(super) fn note_sweeps(&mut self, now: Timestamp) {
        for (stream, swept_at) in std::mem::take(&mut self.plan.swept_at) {
            let known = self.cursor.swept_at.entry(stream).or_insert(swept_at);
            *known = swept_at.max(*known);
        }
        let is_time = |stream: &&'static Stream| {
            self.cursor.swept_at.get(stream.name).is_some_and(|swept_at| now.duration_since(*swept_at) >= EVERY)
        };
        let streams: Vec<_> = self.plan.streams.iter().copied().filter(is_time).collect();
        streams.into_iter().for_each(|stream| self.look(stream, Why::Time));
    }

    /// When all that had changed before was last known to be read, by stream.
    #[must_use]
    pub fn swept_at(&self) -> &BTreeMap<String, Timestamp> {
        &self.cursor.swept_at
    }

    /// A stream is to be asked for what has changed lately, from the first page on where more is
    /// wanted than before. One of which nothing was read yet has no need of it.
    pub(super) fn look(&mut self, stream: &'static Stream, why: Why) {
        if stream.sweep.is_none() || !self.cursor.streams.contains_key(stream.name) {
            return;
        }
        let swept = self.cursor.sweeps.entry(stream.name.to_owned()).or_default();
        if swept.due < Some(why) {
            (swept.due, swept.next) = (Some(why), None);
        }
    }

    pub(super) fn sweep_is_ready(&self, stream: &Stream) -> bool {
        self.can_sweep(stream) && self.cursor.sweeps.get(stream.name).is_some_and(|swept| swept.due.is_some())
    }

    fn can_sweep(&self, stream: &Stream) -> bool {
        let is_parked = self.is_parked(stream.name) || self.has_failed(stream.name, SWEEP);
        self.sweep_since(stream).is_some() && !is_parked
    }

    /// Whether a sweep would list what is marked.
    pub(super) fn may_sweep(&self, stream: &Stream) -> bool {
        lists_records(stream) && self.can_sweep(stream)
    }

    /// Whether marks wait for a sweep, whose rows are as good as the answers to their own requests.
    pub(super) fn sweep_may_spare(&self, stream: &Stream) -> bool {
        lists_records(stream) && self.sweep_is_ready(stream)
    }

    pub(super) fn next_of_sweep(&mut self, stream: &'static Stream, now: Timestamp) -> Option<Fetch> {
        let sweep = stream.sweep.as_ref()?;
        if !self.sweep_is_ready(stream) || self.is_reading(stream, SWEEP) {
            return None;
        }
        let swept = self.cursor.sweeps.get(stream.name)?;
        let since = self.sweep_since(stream)?;
        let first = || sweep.path.replace("{since}", &rfc3339(since).replace(':', "%3A"));
        let path = swept.next.clone().unwrap_or_else(first);
        Some(self.send(Lane::Changes, Some((stream, SWEEP.to_owned())), path, now))
    }

    /// What was changed before was seen: the newest change is not far behind, or everything was
    /// read since. None where neither is so yet: the first snapshot is under way.
    fn sweep_since(&self, stream: &Stream) -> Option<Timestamp> {
        let newest = self.cursor.sweeps.get(stream.name).and_then(|swept| swept.newest);
        let newest = newest.map(|newest| newest - OVERLAP);
        let read_at = self.cursor.swept_at.get(stream.name).map(|read_at| *read_at - OVERLAP - CLOCK_MARGIN);
        read_at.max(self.known_until(stream)).max(newest)
    }

    /// What is taken for known, unless an event tells that there is something new.
    fn known_until(&self, stream: &Stream) -> Option<Timestamp> {
        self.cursor.sweeps.get(stream.name).filter(|swept| swept.due != Some(Why::Unnamed))?.known_until
    }

    pub(super) fn absorb_sweep(&mut self, stream: &'static Stream, sent_at: Timestamp, answer: Answer) -> Vec<Harvest> {
        let why = match answer {
            Answer::Page { body, next } => match items(&body) {
                Ok(rows) => return self.absorb_rows(stream, sent_at, rows, next),
                Err(error) => Parked::Failed(error),
            },
            Answer::Expired if self.may_begin_again(Some((stream, SWEEP))) => {
                self.restart_sweep(stream);
                return Vec::new();
            }
            Answer::Expired => Parked::Failed(NO_POSITION.to_owned()),
            // The org does not support the question: a snapshot has to answer it.
            Answer::Refused { .. } => {
                self.restart_sweep(stream);
                self.cursor.sweeps.entry(stream.name.to_owned()).or_default().due = None;
                self.cursor.swept_at.insert(stream.name.to_owned(), sent_at);
                self.make_due(stream);
                return Vec::new();
            }
            Answer::Limited { retry_after_s } => {
                self.park_limited(stream.name, retry_after_s);
                return Vec::new();
            }
            Answer::Dropped => return Vec::new(),
            Answer::Unavailable { error } => Parked::Unavailable(error),
            Answer::NotApplicable { error } | Answer::Failed { error } => Parked::Failed(error),
            Answer::Gone => Parked::Failed(format!("Okta has no listing of {}", stream.name)),
        };
        self.weigh_marks(stream);
        self.pass_over(stream.name, SWEEP, why)
    }

    fn end_sweep(&mut self, stream: &'static Stream) {
        let swept = self.cursor.sweeps.entry(stream.name.to_owned()).or_default();
        (swept.due, swept.since, swept.next) = (None, None, None);
        if *swept == Swept::default() {
            self.cursor.sweeps.remove(stream.name);
        }
    }

    fn restart_sweep(&mut self, stream: &'static Stream) {
        self.cursor.sweeps.entry(stream.name.to_owned()).or_default().next = None;
    }

    fn absorb_rows(
        &mut self,
        stream: &'static Stream,
        sent_at: Timestamp,
        mut rows: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let why = self.cursor.sweeps.get(stream.name).and_then(|swept| swept.due);
        let (Some(sweep), Some(why)) = (&stream.sweep, why) else { return Vec::new() };
        let known_until = self.known_until(stream);
        let is_last = next.is_none();
        let since = self.turn_sweep(stream, sent_at, why, next);
        let mut harvests = self.absorb_marked_rows(stream, sent_at, &mut rows, since.filter(|_| why > Why::Marks));
        // One that is made for marks is worth its pages as long as each holds some of them.
        let is_worth_more = !harvests.is_empty() && self.cursor.changes.contains_key(stream.name);
        if is_last || why == Why::Marks && !is_worth_more {
            self.end_sweep(stream);
            self.weigh_marks(stream);
        }
        if why == Why::Marks {
            return harvests;
        }
        rows.retain(|row| self.is_news(stream, sweep, row, known_until));
        for row in &rows {
            self.note_row(stream, row);
            self.mark_life(sweep, row, since);
            if let (Rows::Parents(kind), Some(id)) = (sweep.rows, id_of(row)) {
                self.mark(stream, Of::All(kind), &id, None);
            }
        }
        if !rows.is_empty() && lists_records(stream) {
            self.uncommitted.insert(stream.name);
            harvests.push(Harvest::new(stream, None, sent_at, rows));
        }
        harvests
    }

    /// Moves a sweep to its next page; returns since when it lists changes.
    fn turn_sweep(
        &mut self,
        stream: &'static Stream,
        sent_at: Timestamp,
        why: Why,
        next: Option<String>,
    ) -> Option<Timestamp> {
        let begins_at = self.sweep_since(stream);
        let swept = self.cursor.sweeps.entry(stream.name.to_owned()).or_default();
        let is_first = swept.next.is_none();
        // The rows of the first page move what the next sweep begins at.
        let since = if is_first { begins_at } else { swept.since };
        let is_last = next.is_none();
        (swept.since, swept.next) = (since, next);
        if is_first {
            // What changes from now on may already be missing on a later page.
            self.sweep_began_at.insert(stream.name, sent_at);
        }
        if is_last
            && let Some(began_at) = self.sweep_began_at.remove(stream.name)
            && why > Why::Marks
        {
            self.cursor.swept_at.insert(stream.name.to_owned(), began_at);
        }
        since
    }

    /// Takes out the rows that are marked, news or not. `life_since`: whatever an event touched is
    /// marked with them, but not all that changed has an event that names it.
    fn absorb_marked_rows(
        &mut self,
        stream: &'static Stream,
        sent_at: Timestamp,
        rows: &mut Vec<Item>,
        life_since: Option<Timestamp>,
    ) -> Vec<Harvest> {
        let (Identity::Object(kind), Some(sweep)) = (stream.identity, &stream.sweep) else { return Vec::new() };
        let mut harvests = Vec::new();
        for row in std::mem::take(rows) {
            let marked = id_of(&row).and_then(|id| self.marked(stream, &format!("{}:{id}", Of::All(kind))));
            match marked.filter(|marked| self.may_read(stream, &marked.key, &marked.mark)) {
                Some(marked) => {
                    if life_since.is_some() {
                        self.mark_life(sweep, &row, life_since);
                    }
                    harvests.extend(self.absorb_object(&marked, sent_at, row));
                }
                None => rows.push(row),
            }
        }
        harvests
    }

    fn is_news(&self, stream: &Stream, sweep: &Sweep, row: &RawValue, known_until: Option<Timestamp>) -> bool {
        let seen = self.cursor.sweeps.get(stream.name).map(|swept| &swept.seen);
        let (Some(seen), Some(id), Some(time)) = (seen, id_of(row), (sweep.time)(row)) else { return true };
        Some(time) > known_until && seen.get(&id) != Some(&time)
    }

    /// Whoever's life changed lately is read with all that belongs to them.
    fn mark_life(&mut self, sweep: &Sweep, row: &RawValue, since: Option<Timestamp>) {
        let (Some(life), Some(id)) = (sweep.life, id_of(row)) else { return };
        if life(row).is_none_or(|changed| since.is_some_and(|since| changed < since)) {
            return;
        }
        let lives = |stream: &&&'static Stream| stream.changed_by.iter().any(|by| by.touches == Touches::Life);
        for stream in
            STREAMS.iter().filter(lives).filter(|stream| stream.sweep.as_ref().is_none_or(|own| own.life.is_none()))
        {
            if self.stream(stream.name).is_some() && self.cursor.streams.contains_key(stream.name) {
                self.mark(stream, Of::All(Kind::User), &id, None);
            }
        }
    }

    /// Notes when an object has changed, so that the next sweep begins there.
    pub(super) fn note_row(&mut self, stream: &Stream, row: &RawValue) {
        let Some(sweep) = &stream.sweep else { return };
        let Some(time) = (sweep.time)(row) else { return };
        let swept = self.cursor.sweeps.entry(stream.name.to_owned()).or_default();
        if swept.newest.is_some_and(|newest| time < newest - OVERLAP) {
            return;
        }
        if let Some(id) = id_of(row) {
            swept.see(id, time);
        }
    }
}

/// Whether a stream's sweep lists its records.
fn lists_records(stream: &Stream) -> bool {
    stream.sweep.as_ref().is_some_and(|sweep| sweep.rows == Rows::Records)
}
