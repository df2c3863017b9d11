//! Incremental collection, without any I/O: [`Engine::next`] says what to fetch,
//! [`Engine::absorb`] turns an answer into records and the next [`Cursor`].
//!
//! A run works in rounds: a bounded piece of the System Log, then a bounded slice of the
//! snapshots that are due, then a commit; so neither a backlog nor a snapshot starves the other.
//! Answers may arrive in any order; they are absorbed in the order in which their requests were
//! sent, so that the newest word on an object is the last one. Whatever is not absorbed when a
//! run ends was never read as far as the cursor knows: a kill costs repeated requests, no lines.

mod absorb;
mod ask;
mod assembly;
mod cursor;
mod harvest;
mod log;
mod snapshot;
mod standing;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;

pub use ask::{Answer, Ask, Fetch, Parked, Plan};
pub use cursor::{Cursor, CursorError};
pub use harvest::{Harvest, items};
pub use snapshot::Completed;

use crate::streams::{LISTINGS, Stream};
use assembly::Assembling;
use log::LogReading;

/// The requests that are absorbed in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Log,
    Walk(&'static str),
}

#[derive(Debug)]
struct Flight {
    ticket: u64,
    lane: Lane,
    /// The task it reads; none for a page of the lane's own listing.
    task: Option<(&'static Stream, String)>,
    sent_at: Timestamp,
    answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Log,
    Walks,
}

/// Incremental collection of one run.
#[derive(Debug)]
pub struct Engine {
    plan: Plan,
    cursor: Cursor,
    /// The cursor of the newest manifest.
    committed: Cursor,
    sequence: u64,
    committed_at: Timestamp,
    phase: Phase,
    log: LogReading,
    flights: Vec<Flight>,
    tickets: u64,
    assemblies: BTreeMap<(&'static str, String), Assembling>,
    parked: BTreeMap<&'static str, Parked>,
    failures: Vec<Failure>,
    expiries: u32,
    completed: Vec<Completed>,
    /// What is left out while the log is read again.
    recalled: Option<HashSet<String>>,
    gap: Option<Gap>,
    /// Streams of which lines are not committed.
    uncommitted: BTreeSet<&'static str>,
    round_began_at: Timestamp,
    sent_in_round: bool,
    retry_after_s: Option<i64>,
    stopping: bool,
}

/// A time of which events can no longer be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the log was last read.
    pub from: Timestamp,
    /// Since when Okta has events.
    pub to: Timestamp,
}

/// A parent whose listing could not be read in this run.
#[derive(Debug)]
struct Failure {
    stream: &'static str,
    parent: String,
    why: Parked,
}

impl Engine {
    /// Begins a run at `cursor`, which manifest `sequence` holds (0: there is none).
    #[must_use]
    pub fn new(plan: Plan, cursor: Cursor, sequence: u64, now: Timestamp) -> Self {
        let mut engine = Self {
            committed: cursor.clone(),
            cursor,
            sequence,
            committed_at: now,
            phase: Phase::Log,
            log: LogReading::default(),
            flights: Vec::new(),
            tickets: 0,
            assemblies: BTreeMap::new(),
            parked: BTreeMap::new(),
            failures: Vec::new(),
            expiries: 0,
            completed: Vec::new(),
            recalled: None,
            gap: None,
            uncommitted: BTreeSet::new(),
            round_began_at: now,
            sent_in_round: false,
            retry_after_s: None,
            stopping: false,
            plan,
        };
        engine.leave_what_is_not_planned();
        engine.note_gap(now);
        engine.note_what_is_asked();
        engine
    }

    /// A snapshot that is asked for joins an unfinished one and never restarts it.
    fn note_what_is_asked(&mut self) {
        for stream in self.plan.streams.iter().filter(|stream| !stream.listings().is_empty()) {
            let asked = self.plan.asked.iter().any(|name| name == stream.name);
            let accepted = self.plan.accept_shrink.iter().any(|name| name == stream.name);
            if !asked && !accepted {
                continue;
            }
            let progress = self.cursor.streams.entry(stream.name.to_owned()).or_default();
            progress.accept_shrink |= accepted;
            progress.asked |= progress.open.is_none() && (asked || progress.held.is_some());
        }
    }

    /// What to do now. At most one page of a listing is under way at once; how many requests are
    /// is the caller's to bound: it asks again while it has room.
    pub fn next(&mut self, now: Timestamp) -> Ask {
        loop {
            let fetch = if self.is_round_over(now) { None } else { self.next_fetch(now) };
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

    fn next_fetch(&mut self, now: Timestamp) -> Option<Fetch> {
        if self.phase == Phase::Log {
            if self.log_is_under_way() || self.is_reading_again() {
                return None;
            }
            if let Some(fetch) = self.next_of_log(now) {
                return Some(fetch);
            }
            self.phase = Phase::Walks;
            self.begin_walks(now);
        }
        let next = self.next_of_walks(now);
        if next.is_some() || !self.flights.is_empty() {
            return next;
        }
        // What waited for these walks may begin.
        self.begin_walks(now);
        self.next_of_walks(now)
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

    /// Whether anything was absorbed that is worth a manifest.
    fn has_news(&self) -> bool {
        !self.uncommitted.is_empty()
            || self.gap.is_some()
            || !self.completed.is_empty()
            || self.cursor.differs_beside_log(&self.committed)
    }

    /// Whether another round would get further: log to read, or a walk that can go on or begin.
    fn has_work(&self, now: Timestamp) -> bool {
        self.log_has_more() || self.walks_have_more(now)
    }

    /// Takes an answer; returns what can be absorbed now that it is there (nothing, while an
    /// earlier request of its kind is unanswered). An unknown ticket is ignored.
    pub fn absorb(&mut self, ticket: u64, answer: Answer) -> Vec<Harvest> {
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.ticket == ticket) else {
            return Vec::new();
        };
        flight.answer = Some(answer);
        let lane = flight.lane;
        let mut harvests = Vec::new();
        while let Some(at) = self.flights.iter().position(|flight| flight.lane == lane)
            && let Some(answer) = self.flights[at].answer.take()
        {
            let flight = self.flights.remove(at);
            match lane {
                Lane::Log => harvests.extend(self.absorb_log(flight.sent_at, answer)),
                Lane::Walk(name) => harvests.extend(self.absorb_walk(name, &flight, answer)),
            }
            // An answer to one walk may end the part of a stream in another.
            harvests.extend(LISTINGS.iter().flat_map(|listing| self.finish_walk(listing.name, flight.sent_at)));
        }
        harvests
    }

    /// Gives up every request that has no answer and asks for no more: the run ends after one
    /// last commit. What was not absorbed will be asked for again.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.flights.clear();
    }

    /// Tells that manifest `sequence` holds all that was absorbed so far.
    pub fn committed(&mut self, sequence: u64, now: Timestamp) {
        self.sequence = sequence;
        self.committed_at = now;
        self.committed = self.cursor.clone();
        self.completed.clear();
        self.uncommitted.clear();
        self.gap = None;
        if self.has_work(now) {
            self.begin_round(now);
            // A round that follows a commit is looked into even if it turns out to be empty.
            self.sent_in_round = true;
        }
    }

    /// Where collecting stands, for the manifest.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    fn park(&mut self, stream: &'static str, why: Parked) {
        self.parked.entry(stream).or_insert(why);
    }

    fn is_parked(&self, stream: &str) -> bool {
        self.parked.contains_key(stream)
    }

    /// Notes a limit: the stream waits, and the run tells for how long.
    fn park_limited(&mut self, stream: &'static str, retry_after_s: i64) {
        self.park(stream, Parked::Limited);
        let sooner = self.retry_after_s.map_or(retry_after_s, |known| known.min(retry_after_s));
        self.retry_after_s = Some(sooner);
    }

    fn send(&mut self, lane: Lane, task: Option<(&'static Stream, String)>, path: String, now: Timestamp) -> Fetch {
        self.tickets += 1;
        self.sent_in_round = true;
        self.flights.push(Flight { ticket: self.tickets, lane, task, sent_at: now, answer: None });
        Fetch { ticket: self.tickets, path }
    }

    fn stream(&self, name: &str) -> Option<&'static Stream> {
        self.plan.streams.iter().copied().find(|stream| stream.name == name)
    }
}
