//! Incremental collection, without any I/O: [`Engine::next`] says what to fetch,
//! [`Engine::absorb`] turns an answer into records and the next [`Cursor`].
//!
//! A run works in rounds: a bounded piece of the System Log, then what it says has changed, then a
//! bounded slice of the snapshots that are due, then a commit; so none of them starves another.
//! Answers may arrive in any order; they are absorbed in the order in which their requests were
//! sent, so that the newest word on an object is the last one. Whatever is not absorbed when a
//! run ends was never read as far as the cursor knows: a kill costs repeated requests, no lines.

mod absorb;
mod ask;
mod assembly;
mod changes;
mod cursor;
mod ends;
mod fold;
mod harvest;
mod log;
mod marks;
mod reread;
mod rounds;
mod snapshot;
mod standing;
mod sweep;
mod swept;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use ask::{Answer, Ask, Fetch, Parked, Plan, Recalled};
pub use cursor::{Cursor, CursorError};
pub use harvest::{Harvest, items};
pub use snapshot::Completed;

use crate::streams::change::Kind;
use crate::streams::{LISTINGS, Source, Stream, listing};
use assembly::Assembling;
use log::LogReading;
use marks::Touched;

/// The requests that are absorbed in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Log,
    Changes,
    Walk(&'static str),
}

#[derive(Debug)]
struct Flight {
    ticket: u64,
    lane: Lane,
    /// The task or mark it reads; none for a page of the lane's own listing.
    task: Option<(&'static Stream, String)>,
    sent_at: Timestamp,
    answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Log,
    Changes,
    Walks,
}

/// How the uncommitted lines of a stream were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Footing {
    /// As all records of objects of one kind.
    All(Kind),
    /// In any other way, or in several.
    Lines,
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
    /// Positions that were no longer valid …
    expiries: u32,
    /// … and those among them of one parent or mark.
    expiries_of: BTreeMap<(&'static str, String), u32>,
    completed: Vec<Completed>,
    /// What is left out while the log is read again.
    recalled: Option<Recalled>,
    gap: Option<Gap>,
    /// Streams of which lines are not committed …
    uncommitted: BTreeSet<&'static str>,
    /// … and how those were read.
    footings: BTreeMap<&'static str, Footing>,
    touched: Touched,
    sweep_began_at: BTreeMap<&'static str, Timestamp>,
    read_changes: bool,
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
            expiries_of: BTreeMap::new(),
            completed: Vec::new(),
            recalled: None,
            gap: None,
            uncommitted: BTreeSet::new(),
            footings: BTreeMap::new(),
            touched: Touched::new(),
            sweep_began_at: BTreeMap::new(),
            read_changes: false,
            round_began_at: now,
            sent_in_round: false,
            retry_after_s: None,
            stopping: false,
            plan,
        };
        engine.leave_what_is_not_planned();
        engine.leave_marks_not_planned();
        engine.note_gap(now);
        engine.note_what_is_asked();
        engine.note_sweeps(now);
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

    /// Takes an answer; returns what can be absorbed now that it is there (nothing, while an
    /// earlier request of its kind is unanswered). An unknown ticket is ignored.
    pub fn absorb(&mut self, ticket: u64, answer: Answer) -> Vec<Harvest> {
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.ticket == ticket) else {
            return Vec::new();
        };
        flight.answer = Some(match answer {
            // What every collector asks cannot be put in another way.
            Answer::Refused { error } if flight.lane != Lane::Changes => Answer::Failed { error },
            answer => answer,
        });
        let lane = flight.lane;
        let mut harvests = Vec::new();
        while let Some(at) = self.flights.iter().position(|flight| flight.lane == lane)
            && let Some(answer) = self.flights[at].answer.take()
        {
            let flight = self.flights.remove(at);
            harvests.extend(match (answer, lane) {
                // As if it had not been asked.
                (Answer::Dropped, _) => Vec::new(),
                (answer, Lane::Log) => self.absorb_log(flight.sent_at, answer),
                (answer, Lane::Changes) => self.absorb_change(&flight, answer),
                (answer, Lane::Walk(name)) => self.absorb_walk(name, &flight, answer),
            });
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
        let omits = omits(lane, task.as_ref().map(|(stream, _)| *stream));
        self.flights.push(Flight { ticket: self.tickets, lane, task, sent_at: now, answer: None });
        Fetch { ticket: self.tickets, path, omits }
    }

    fn stream(&self, name: &str) -> Option<&'static Stream> {
        self.plan.streams.iter().copied().find(|stream| stream.name == name)
    }
}

/// What the answer to a request for a listing's items, or for one of them, may come without.
fn omits(lane: Lane, stream: Option<&Stream>) -> &'static str {
    let listing = match (lane, stream.map(|stream| &stream.source)) {
        (Lane::Walk(name), None) => listing(name),
        (Lane::Changes, Some(Source::Listing(listing))) => Some(*listing),
        _ => None,
    };
    listing.map_or("", |listing| listing.omits)
}
