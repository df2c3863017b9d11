//! What an answer to a walk's request changes: records, parents to read, snapshots that end.

use jiff::Timestamp;

use super::cursor::{NotApplicable, Progress, Task, Walk};
use super::harvest::{Harvest, items};
use super::snapshot::Completed;
use super::{Answer, Engine, Failure, Flight, Footing, Lane, Parked};
use crate::body::Item;
use crate::streams::{Context, Source, Stream, by_name, id_of};

/// After this many parents whose listings could not be read, the run leaves their stream alone.
const FAILURES_A_STREAM: usize = 5;
/// After this many positions that were no longer valid, the run begins no listing again …
const EXPIRIES_A_RUN: u32 = 20;
/// … and after this many of one parent's, it leaves that one alone.
const EXPIRIES_A_PARENT: u32 = 2;
pub(super) const NO_POSITION: &str = "Okta does not accept the page positions that it gives, again and again";

impl Engine {
    pub(super) fn absorb_walk(&mut self, name: &'static str, flight: &Flight, answer: Answer) -> Vec<Harvest> {
        for stream in self.streams_of(name, flight) {
            let open = self.cursor.streams.get_mut(stream).and_then(|progress| progress.open.as_mut());
            open.into_iter().for_each(|open| open.requests += 1);
        }
        match (answer, &flight.task) {
            (answer, Some((stream, parent))) if matches!(stream.source, Source::Assembled { .. }) => {
                self.absorb_step(name, flight, stream, parent, answer)
            }
            (Answer::Page { body, next }, task) => match (items(&body), task) {
                (Ok(items), None) => self.absorb_listing(name, flight.sent_at, items, next),
                (Ok(items), Some((stream, parent))) => {
                    self.turn_task(name, stream, parent, next);
                    vec![self.harvest(stream, Some(parent.clone()), flight.sent_at, items)]
                }
                (Err(error), None) => self.give_up(name, flight, Parked::Failed(error)),
                (Err(error), Some((stream, parent))) => self.pass_over(stream.name, parent, Parked::Failed(error)),
            },
            (Answer::Gone, Some((stream, parent))) => {
                self.turn_task(name, stream, parent, None);
                Vec::new()
            }
            (Answer::Gone, None) => {
                let error =
                    format!("Okta has no {name} at this address: check that the secret's domain is an Okta org");
                self.give_up(name, flight, Parked::Failed(error))
            }
            (Answer::Expired, None) if self.may_begin_again(None) => {
                self.expire(name, None);
                Vec::new()
            }
            (Answer::Expired, Some((stream, parent))) if self.may_begin_again(Some((stream, parent))) => {
                self.expire(name, Some((stream, parent)));
                Vec::new()
            }
            (Answer::Expired, None) => self.give_up(name, flight, Parked::Failed(NO_POSITION.to_owned())),
            (Answer::Expired, Some((stream, parent))) => {
                self.pass_over(stream.name, parent, Parked::Failed(NO_POSITION.to_owned()))
            }
            (Answer::Limited { retry_after_s }, _) => {
                self.streams_of(name, flight).for_each(|stream| self.park_limited(stream, retry_after_s));
                Vec::new()
            }
            (Answer::Unavailable { error }, Some((stream, parent))) if self.has_lines(stream) => {
                self.pass_over(stream.name, parent, Parked::Unavailable(error))
            }
            (Answer::Unavailable { error }, _) => self.abandon(name, flight, &Parked::Unavailable(error)),
            (Answer::NotApplicable { error }, _) => self.abandon(name, flight, &Parked::NotApplicable(error)),
            (Answer::Failed { error } | Answer::Refused { error }, None) => {
                self.give_up(name, flight, Parked::Failed(error))
            }
            (Answer::Failed { error } | Answer::Refused { error }, Some((stream, parent))) => {
                self.pass_over(stream.name, parent, Parked::Failed(error))
            }
            (Answer::Dropped, _) => Vec::new(),
        }
    }

    fn absorb_listing(
        &mut self,
        name: &'static str,
        sent_at: Timestamp,
        items: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let Some(walk) = self.cursor.walks.get_mut(name) else { return Vec::new() };
        walk.next = next;
        let streams: Vec<_> = walk.streams.iter().filter_map(|name| by_name(name)).collect();
        for stream in streams.iter().copied().filter(|stream| stream.sweep.is_some()) {
            items.iter().for_each(|item| self.note_row(stream, item));
        }
        let Some(walk) = self.cursor.walks.get_mut(name) else { return Vec::new() };
        for stream in &streams {
            let Some(parents) = stream.parents_of(name) else { continue };
            for item in items.iter().filter(|item| (parents.wanted)(item)) {
                let Some(parent) = id_of(item) else { continue };
                let item = parents.keep.then(|| Context::default().object(item)).flatten();
                walk.tasks.push(Task {
                    stream: stream.name.to_owned(),
                    parent,
                    next: None,
                    item,
                    since_sequence: None,
                });
            }
        }
        let own = streams.into_iter().find(|stream| matches!(stream.source, Source::Listing(_)));
        own.map(|stream| self.harvest(stream, None, sent_at, items)).into_iter().collect()
    }

    fn harvest(
        &mut self,
        stream: &'static Stream,
        parent: Option<String>,
        sent_at: Timestamp,
        items: Vec<Item>,
    ) -> Harvest {
        if !items.is_empty() {
            self.uncommitted.insert(stream.name);
            self.footings.insert(stream.name, Footing::Lines);
        }
        self.count_lines(stream, items.len() as u64);
        Harvest::new(stream, parent, sent_at, items)
    }

    /// Objects that were not the items of a page.
    pub(super) fn gather(&mut self, stream: &'static Stream, at: Timestamp, items: Vec<Item>) -> Harvest {
        if !items.is_empty() {
            self.uncommitted.insert(stream.name);
        }
        Harvest::new(stream, None, at, items)
    }

    pub(super) fn count_lines(&mut self, stream: &Stream, lines: u64) {
        if let Some(open) = self.cursor.streams.get_mut(stream.name).and_then(|progress| progress.open.as_mut()) {
            open.lines += lines;
        }
    }

    /// Moves a task to its next page, or ends it.
    pub(super) fn turn_task(&mut self, name: &str, stream: &Stream, parent: &str, next: Option<String>) {
        let Some(walk) = self.cursor.walks.get_mut(name) else { return };
        let Some(at) = walk.tasks.iter().position(|task| task.stream == stream.name && task.parent == parent) else {
            return;
        };
        if next.is_some() {
            walk.tasks[at].next = next;
            return;
        }
        let Task { since_sequence, stream, parent, .. } = walk.tasks.remove(at);
        if let (Some(since_sequence), Some(stream)) = (since_sequence, by_name(&stream)) {
            // Lines of the reading whose position expired may tell of what has gone meanwhile.
            self.completed.push(Completed { stream: stream.name, since_sequence, scope: Some(parent) });
        }
    }

    /// The streams that a request serves: a task's own, or all of its walk.
    pub(super) fn streams_of(&self, name: &str, flight: &Flight) -> std::vec::IntoIter<&'static str> {
        let streams: Vec<_> = match (&flight.task, self.cursor.walks.get(name)) {
            (Some((stream, _)), _) => vec![stream.name],
            (None, Some(walk)) => {
                walk.streams.iter().filter_map(|name| by_name(name)).map(|stream| stream.name).collect()
            }
            (None, None) => Vec::new(),
        };
        streams.into_iter()
    }

    /// Whether other parents could be read: then it is this one that is refused, not the stream.
    pub(super) fn has_lines(&self, stream: &Stream) -> bool {
        let open = self.cursor.streams.get(stream.name).and_then(|progress| progress.open.as_ref());
        open.is_some_and(|open| open.lines > 0)
    }

    /// Leaves one parent for the next run to try again: the others are read.
    pub(super) fn pass_over(&mut self, stream: &'static str, parent: &str, why: Parked) -> Vec<Harvest> {
        if self.failures.iter().filter(|failure| failure.stream == stream).count() + 1 >= FAILURES_A_STREAM {
            self.park(stream, why.clone());
        }
        self.failures.push(Failure { stream, parent: parent.to_owned(), why });
        Vec::new()
    }

    /// Leaves everything as it stands for the next run to try again.
    fn give_up(&mut self, name: &str, flight: &Flight, why: Parked) -> Vec<Harvest> {
        self.streams_of(name, flight).for_each(|stream| self.park(stream, why.clone()));
        Vec::new()
    }

    /// Ends the snapshots of streams that may not be read: never as complete, and to begin anew
    /// when they may.
    pub(super) fn abandon(&mut self, name: &str, flight: &Flight, why: &Parked) -> Vec<Harvest> {
        for stream in self.streams_of(name, flight) {
            self.park(stream, why.clone());
            self.abandon_snapshot(stream);
            if let Parked::NotApplicable(error) = why {
                let progress = self.cursor.streams.entry(stream.to_owned()).or_default();
                progress.asked = false;
                progress.not_applicable = Some(NotApplicable { at: flight.sent_at, error: error.clone() });
            }
        }
        Vec::new()
    }

    /// A snapshot that cannot become complete stays due.
    pub(super) fn abandon_snapshot(&mut self, stream: &str) {
        for walk in self.cursor.walks.values_mut() {
            walk.streams.retain(|other| other != stream);
            walk.tasks.retain(|task| task.stream != stream);
        }
        let Some(progress) = self.cursor.streams.get_mut(stream) else { return };
        if progress.open.take().is_some() {
            progress.asked |= progress.complete.is_some();
        }
        if *progress == Progress::default() {
            self.cursor.streams.remove(stream);
        }
    }

    /// Notes that a position has expired; whether what it belongs to, a listing or that of one parent
    /// or mark, is begun again in this run.
    pub(super) fn may_begin_again(&mut self, part: Option<(&'static Stream, &str)>) -> bool {
        self.expiries += 1;
        let of_part = part.map_or(0, |(stream, key)| {
            let expiries = self.expiries_of.entry((stream.name, key.to_owned())).or_default();
            *expiries += 1;
            *expiries
        });
        self.expiries <= EXPIRIES_A_RUN && of_part <= EXPIRIES_A_PARENT
    }

    /// A position that Okta no longer knows: the listing it belongs to begins again.
    fn expire(&mut self, name: &str, task: Option<(&'static Stream, &str)>) {
        let Some(walk) = self.cursor.walks.get_mut(name) else { return };
        match task {
            None => walk.expired = true,
            Some((stream, parent)) => {
                let of_task = |task: &&mut Task| task.stream == stream.name && task.parent == *parent;
                let since = self.sequence + 1 + u64::from(self.uncommitted.contains(stream.name));
                for task in walk.tasks.iter_mut().filter(of_task) {
                    (task.next, task.since_sequence) = (None, Some(since));
                }
            }
        }
    }

    /// Ends a walk that has read all: the snapshots for which it was the last are complete, or held.
    pub(super) fn finish_walk(&mut self, name: &'static str, at: Timestamp) -> Vec<Harvest> {
        let under_way = self.flights.iter().any(|flight| flight.lane == Lane::Walk(name));
        let done =
            |walk: &Walk| (walk.next.is_none() && walk.tasks.is_empty() || walk.streams.is_empty()) && !walk.expired;
        if under_way || !self.cursor.walks.get(name).is_some_and(done) {
            return Vec::new();
        }
        let streams = self.cursor.walks.remove(name).map(|walk| walk.streams).unwrap_or_default();
        streams.iter().filter_map(|stream| by_name(stream)).filter_map(|stream| self.finish(stream, name, at)).collect()
    }

    /// Ends a stream's part in a walk; returns the objects that needed no request.
    fn finish(&mut self, stream: &'static Stream, listing: &str, at: Timestamp) -> Option<Harvest> {
        if !self.cursor.streams.get_mut(stream.name)?.walked(listing) {
            return None;
        }
        let fixed = self.fixed_objects(stream);
        let harvest = (!fixed.is_empty()).then(|| self.harvest(stream, None, at, fixed));
        let progress = self.cursor.streams.get_mut(stream.name);
        let started_at = progress.as_ref().and_then(|progress| Some(progress.open.as_ref()?.started_at));
        let since = progress.and_then(Progress::finish);
        if let (Some(since_sequence), Some(started_at)) = (since, started_at) {
            self.completed.push(Completed { stream: stream.name, since_sequence, scope: None });
            if stream.sweep.is_some() {
                self.cursor.swept_at.insert(stream.name.to_owned(), started_at);
            }
        }
        harvest
    }
}
