//! Incremental collection, without any I/O: [`Engine::next`] says what to fetch, [`Engine::absorb`] turns an answer
//! into records and the next [`Cursor`].
//!
//! There is one kind of work, the `job`: a reading of a `scope` of a stream. A snapshot is a job
//! that lists a stream and adds one for each object whose records have listings of their own; an event adds or widens
//! one; a sweep is one that answers or adds others. A job that fails sinks in the `queue` and costs nothing but
//! itself. Every job ends in the same way: with what it read, and a forgetting that passes the `guard`. The
//! `order` decides what may be read beside what.
//!
//! Order of calls: [`Engine::next`] until it no longer says [`Ask::Fetch`]; [`Engine::absorb`] with each answer as it
//! comes; [`Engine::committed`] once the manifest exists. Answers that may hold the same records are absorbed in the
//! order in which their requests were sent. The cursor moves when an answer is absorbed: after a kill the next run
//! repeats the requests since the last commit, and no line is lost.
//!
//! Not detected before the next snapshot: a change that Okta neither logs nor lists.

mod answers;
mod ask;
mod assembly;
mod belief;
mod cursor;
mod events;
mod flights;
mod guard;
mod harvest;
mod job;
mod lending;
mod log;
mod looks;
mod next;
mod order;
mod queue;
mod reading;
mod settle;
mod snapshot;
mod snapshots;
mod standing;
mod sweep;
mod swept;
mod version_1;
mod work;

use jiff::Timestamp;

pub use ask::{Answer, Ask, Fetch, LogGap, Parked, Plan, Recalled};
pub use cursor::{Cursor, CursorError};
pub use harvest::Harvest;
pub use snapshot::Completed;
pub use standing::Standing;

use crate::streams::change::{Identity, Kind, Of};
use crate::streams::{LISTINGS, Stream, by_name};
use answers::Answers;
use flights::{Flight, Flights};
use job::{Job, Key, Scope};
use log::SystemLog;
use work::Work;

/// Snapshots and scopes that are declared complete before a commit is due; the ends of objects that one page of the
/// log tells of come on top.
const MOST_SCOPES: usize = 2_000;
/// Lane of the System Log.
const LOG: &str = "System Log";

/// Incremental collection of one run.
#[derive(Debug)]
pub struct Engine {
    work: Work,
    log: SystemLog,
    flights: Flights,
    answers: Answers,
    /// The cursor of the newest manifest.
    committed: Cursor,
    committed_at: Timestamp,
    /// Whether `settle` has chosen how changed records are read since the log was last read.
    is_settled: bool,
    /// Whether a job waits for the next commit.
    is_blocked: bool,
    is_stopping: bool,
}

impl Engine {
    /// Begins a run at `cursor`, which manifest `sequence` holds (0: there is none).
    #[must_use]
    pub fn new(plan: Plan, cursor: Cursor, sequence: u64, now: Timestamp) -> Self {
        let committed = cursor.clone();
        let log = cursor.log.clone();
        let mut work = Work::new(plan, cursor, sequence, now);
        snapshots::leave_what_is_not_planned(&mut work, now);
        let log = SystemLog::new(&mut work, log, now);
        snapshots::note_what_is_asked(&mut work);
        sweep::schedule(&mut work, now);
        work.wake_a_little(now);
        Self {
            work,
            log,
            flights: Flights::default(),
            answers: Answers::default(),
            committed,
            committed_at: now,
            is_settled: false,
            is_blocked: false,
            is_stopping: false,
        }
    }

    /// The next thing to do. The caller bounds the number of requests under way: it asks again while it has room.
    pub fn next(&mut self, now: Timestamp) -> Ask {
        self.next_where(now, &|_| true)
    }

    /// As [`Self::next`], with only those requests whose path the caller has room for. `has_room` is asked about each
    /// path that comes next, and may refuse one only while other requests are under way.
    pub fn next_where(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Ask {
        let may_recall =
            !self.is_stopping && self.flights.is_empty() && self.work.order.is_committed();
        if let Some(since) = self.log.wants_recall().filter(|_| may_recall) {
            return Ask::Recall(since);
        }
        let harvests = if self.is_stopping {
            Vec::new()
        } else {
            self.begin_and_end(now)
        };
        if !harvests.is_empty() {
            return Ask::Write(harvests);
        }
        let is_due = self.is_stopping || self.is_commit_due(now);
        if !is_due && let Some(fetch) = self.next_fetch(now, has_room) {
            return Ask::Fetch(fetch);
        }
        let may_commit = self.flights.is_empty() || is_due && self.flights.are_overdue(now);
        if !may_commit {
            return Ask::Wait;
        }
        if self.has_news() {
            let own = self.log.flush(&mut self.work);
            return own.map_or(Ask::Commit, |own| Ask::Write(vec![own]));
        }
        if self.flights.is_empty() {
            Ask::Done
        } else {
            Ask::Wait
        }
    }

    /// The time of the next commit. A request that has not been sent by then is to be given back as
    /// [`Answer::Dropped`], so that the commit does not wait for it; the engine asks for it again.
    #[must_use]
    pub fn commit_by(&self, now: Timestamp) -> Timestamp {
        let due_at = self.committed_at + self.work.plan.checkpoint_interval;
        if due_at > now {
            due_at
        } else {
            now + self.work.plan.checkpoint_interval
        }
    }

    fn is_commit_due(&self, now: Timestamp) -> bool {
        let elapsed = now.duration_since(self.committed_at);
        let interval = self.work.plan.checkpoint_interval;
        if self.work.order.is_committed() {
            return elapsed >= interval && self.has_news();
        }
        elapsed >= interval
            || self.work.completed.len() >= MOST_SCOPES
            || self.is_blocked && elapsed * 3 >= interval
            || !self.work.completed.is_empty() && elapsed * 12 >= interval
    }

    /// Begins the snapshots that are due, ends those that are read, and the objects that are gone.
    fn begin_and_end(&mut self, now: Timestamp) -> Vec<Harvest> {
        let mut harvests = Vec::new();
        self.is_blocked = false;
        for key in self.work.queue.gone().cloned().collect::<Vec<_>>() {
            match self.bury(&key, now) {
                Some(harvest) => harvests.extend(harvest),
                None => self.is_blocked = true,
            }
        }
        harvests.extend(snapshots::finish(&mut self.work, now));
        // The events read so far have happened before anything that a snapshot reads that begins now.
        if self.log_lets_go_on(now) {
            snapshots::begin(&mut self.work, &mut self.answers.assemblies, now);
        }
        harvests
    }

    /// Writes that an object is gone; `None` while an answer is awaited, or a line uncommitted, that may hold it.
    fn bury(&mut self, key: &Key, now: Timestamp) -> Option<Option<Harvest>> {
        let (Some(stream), Scope::Object(kind, id) | Scope::Parent(kind, id)) =
            (by_name(key.reads), &key.scope)
        else {
            self.work.queue.remove(key);
            return Some(None);
        };
        let order = &self.work.order;
        let is_object = matches!(stream.identity, Identity::Object(_));
        let may_end = if is_object {
            order.is_settled(stream, *kind, id)
        } else {
            order.may_forget(stream, *kind, id)
        };
        if !may_end {
            return None;
        }
        self.answers.assemblies.leave(key);
        let cause = self.work.queue.remove(key).and_then(|job| job.cause());
        if is_object {
            return Some(Some(
                self.work
                    .tombstone(stream, &key.scope, now)
                    .because_of(cause),
            ));
        }
        let since_sequence = self.work.sequence + 1;
        self.work.forget(stream, &key.scope, since_sequence);
        Some(None)
    }

    /// Takes an answer; returns what can be absorbed now that it is there (nothing, while an earlier request is
    /// unanswered that may hold the same records). An unknown ticket is ignored.
    pub fn absorb(&mut self, ticket: u64, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        self.flights.answer(ticket, answer);
        let mut harvests = Vec::new();
        loop {
            while let Some((flight, answer)) = self.flights.release() {
                self.work.order.answered(flight.ticket);
                harvests.extend(self.absorb_one(&flight, answer, now));
            }
            let Some(hanging) = self.flights.give_up() else {
                break;
            };
            self.leave(&hanging, now);
        }
        harvests.extend(snapshots::finish(&mut self.work, now));
        harvests
    }

    fn absorb_one(&mut self, flight: &Flight, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        match &flight.key {
            None => self
                .log
                .absorb(&mut self.work, &flight.path, flight.sent_at, answer, now),
            Some(_) => self.answers.absorb(&mut self.work, flight, answer, now),
        }
    }

    /// Gives up a request that keeps too many answers waiting.
    fn leave(&mut self, flight: &Flight, now: Timestamp) {
        self.work.order.answered(flight.ticket);
        let Some(key) = &flight.key else { return };
        self.answers
            .absorb(&mut self.work, flight, Answer::Dropped, now);
        if !flight.is_look {
            let error =
                "Okta has answered many later requests and not this one; a later run asks again"
                    .to_owned();
            self.work.fail(key, error, false, now);
        }
    }

    /// Gives up every request that has no answer and asks for no more: the run ends after one last commit. The
    /// next run asks again for answers that were not absorbed.
    pub fn stop(&mut self) {
        self.is_stopping = true;
        for flight in self.flights.clear() {
            self.work.order.answered(flight.ticket);
        }
    }

    /// Has an object's records of a stream read again: the event `cause` contradicts them without being one of theirs.
    pub fn look_again(
        &mut self,
        stream: &'static Stream,
        kind: Kind,
        id: &str,
        cause: Option<String>,
        now: Timestamp,
    ) {
        if self.work.stream(stream.name).is_some() {
            let job = Job::changed_in_life(queue::change(cause, None, false));
            self.work.add(stream, Of::All(kind), id, job, now);
            self.is_settled = false;
        }
    }

    /// Takes the events that are committed already: they are left out while the log is read again.
    pub fn recalled(&mut self, recalled: Recalled) {
        self.log.recalled(recalled);
    }

    /// Where collecting stands, for the manifest.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            log: self.log.cursor().clone(),
            ..self.work.cursor()
        }
    }

    /// Notes that manifest `sequence` holds everything absorbed so far.
    pub fn committed(&mut self, sequence: u64, now: Timestamp) {
        self.work.sequence = sequence;
        self.work.order.committed();
        self.work.completed.clear();
        self.log.committed();
        self.committed_at = now;
        self.committed = self.cursor();
        if self.has_work(now) {
            self.log.begin_again();
        }
    }

    /// Whether anything was absorbed that is worth a manifest.
    fn has_news(&self) -> bool {
        !self.work.order.is_committed()
            || !self.work.completed.is_empty()
            || self.log.gap().is_some()
            || self.cursor().differs_beside_log(&self.committed)
    }

    /// How the run stands, for its manifest, report and status.
    #[must_use]
    pub fn standing(&self) -> Standing<'_> {
        Standing {
            work: &self.work,
            log: &self.log,
            committed: &self.committed,
        }
    }

    /// Whether this run, or another one now, has something left to read: pages of the log, or a job.
    #[must_use]
    pub fn has_work(&self, now: Timestamp) -> bool {
        let has_jobs = |name: &str| !self.work.is_parked(name) && self.work.queue.has_work(name);
        self.log.has_more()
            || !self.answers.looks.is_empty()
            || self.work.queue.gone().next().is_some()
            || self
                .work
                .plan
                .streams
                .iter()
                .any(|stream| has_jobs(stream.name))
            || LISTINGS
                .iter()
                .any(|listing| self.listing_goes_on(listing.name))
            || snapshots::have_more(&self.work, now)
    }

    fn listing_goes_on(&self, name: &'static str) -> bool {
        let key = Key {
            reads: name,
            scope: Scope::Whole,
        };
        self.work
            .queue
            .get(&key)
            .is_some_and(|job| self.work.queue.is_ready(&key) && self.is_readable(&key, job))
    }
}
