//! Incremental collection, without any I/O: [`Engine::next`] says what to fetch, [`Engine::absorb`] turns an answer
//! into records and the next [`Cursor`].
//!
//! For each stream a `replica` knows what readers hold (its `ledger`) and which scopes may differ from that (its
//! `dues`). Events touch scopes; a reading that ended well settles one. A snapshot reads all parts of a stream. No other
//! work is stored: what is to be read follows from these. What a reading did not repeat is compared with the ledger,
//! record by record, and forgotten if events explain it or `evidence` bears it out.
//!
//! Order of calls: [`Engine::next`] until it no longer says [`Ask::Fetch`]; [`Engine::absorb`] with each answer as it
//! comes; [`Engine::committed`] once the manifest exists. Answers that may hold the same records are absorbed in the
//! order in which their requests were sent. The cursor moves when an answer is absorbed: after a kill the next run
//! repeats the requests since the last commit, and no line is lost.

mod absorb;
mod ask;
mod assembled;
mod assembly;
mod changes;
mod cursor;
mod due;
mod epoch;
mod events;
mod evidence;
mod flights;
mod graves;
mod harvest;
mod heard;
mod ledger;
mod lists;
mod log;
mod older;
mod order;
mod passes;
mod reading;
mod replica;
mod replicas;
mod run;
mod scope;
mod scopes;
mod settle;
mod standing;
mod status;
mod sweep;
mod troubles;
mod wants;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use ask::{Answer, Ask, Fetch, LogGap, Parked, Plan, Recalled};
pub use cursor::{Cursor, CursorError};
pub use epoch::Completed;
pub use harvest::Harvest;
pub use ledger::Ledger;
pub use standing::Standing;

use crate::body::Item;
use crate::streams::change::{Kind, Of};
use crate::streams::{STREAMS, Source, Stream};
use assembly::Assemblies;
use due::{Due, News};
use epoch::Epoch;

use evidence::Evidence;
use flights::Flights;
use graves::Graves;
use ledger::{Counts, Seen, print_of};
use lists::Lists;
use log::SystemLog;
use reading::record_id;
use replicas::Replicas;
use run::Run;
use scope::Scope;
use status::status_of;

/// Snapshots and scopes that are declared complete before a commit is due; the ends of objects that one page of the
/// log names come on top.
const MOST_SCOPES: usize = 2_000;

/// Incremental collection of one run.
#[derive(Debug, Clone)]
pub struct Engine {
    run: Run,
    replicas: Replicas,
    lists: Lists,
    log: SystemLog,
    epoch: Epoch,
    flights: Flights,
    assemblies: Assemblies,
    evidence: Evidence,
    graves: Graves,
    /// Ids of undocumented objects that were mentioned by others, by stream.
    mentioned: BTreeMap<String, BTreeSet<String>>,
    /// Whether the ledgers are read: an idle run has no need of them.
    has_ledgers: bool,
    /// The cursor of the newest manifest.
    committed: Cursor,
    committed_at: Timestamp,
}

impl Engine {
    /// Begins a run at `cursor`, which manifest `sequence` holds (0: there is none).
    #[must_use]
    pub fn new(plan: Plan, cursor: Cursor, sequence: u64, now: Timestamp) -> Self {
        let committed = cursor.clone();
        let replicas = Replicas::read(cursor.streams, plan.streams.clone(), now);
        let mut engine = Self {
            log: SystemLog::new(cursor.log, &plan),
            run: Run::new(plan),
            replicas,
            lists: Lists::read(cursor.lists),
            epoch: Epoch::after(sequence),
            flights: Flights::default(),
            assemblies: Assemblies::default(),
            evidence: Evidence::default(),
            graves: cursor.graves,
            mentioned: cursor.mentioned,
            has_ledgers: sequence == 0,
            committed,
            committed_at: now,
        };
        engine.leave_what_is_not_planned(now);
        if engine.log.note_gap(now) {
            engine.ask_for_all(now);
        }
        engine.note_what_is_asked(now);
        engine.schedule(now);
        engine
    }

    /// The next thing to do. The caller bounds the number of requests under way: it asks again while it has room.
    pub fn next(&mut self, now: Timestamp) -> Ask {
        self.next_where(now, &|_| true)
    }

    /// As [`Self::next`], with only those requests whose path the caller has room for. `has_room` is asked about each
    /// path that comes next, and may refuse one only while other requests are under way.
    pub fn next_where(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Ask {
        let may_recall = !self.run.is_stopping && self.flights.is_empty() && self.epoch.is_empty();
        if let Some(since) = self.log.wants_recall().filter(|_| may_recall) {
            return Ask::Recall(since);
        }
        if !self.has_ledgers && self.needs_ledgers(now) {
            return Ask::Ledgers;
        }
        let harvests = if self.run.is_stopping {
            Vec::new()
        } else {
            self.begin_and_end(now)
        };
        if !harvests.is_empty() {
            return Ask::Write(harvests);
        }
        let is_due = self.run.is_stopping || self.is_commit_due(now);
        if !is_due && let Some(fetch) = self.next_fetch(now, has_room) {
            return Ask::Fetch(fetch);
        }
        if !is_due && self.flights.is_empty() && self.asks_for_doubted(now) {
            return self.next_where(now, has_room);
        }
        let may_commit = self.flights.is_empty() || is_due && self.flights.are_overdue(now);
        if !may_commit {
            return Ask::Wait;
        }
        if self.has_news() {
            return match self.flush_log() {
                Some(own) => Ask::Write(vec![own]),
                None => Ask::Commit,
            };
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
        let due_at = self.committed_at + self.run.plan.checkpoint_interval;
        if due_at > now {
            due_at
        } else {
            now + self.run.plan.checkpoint_interval
        }
    }

    fn is_commit_due(&self, now: Timestamp) -> bool {
        let elapsed = now.duration_since(self.committed_at);
        let interval = self.run.plan.checkpoint_interval;
        if self.epoch.order.is_committed() {
            return elapsed >= interval && self.has_news();
        }
        let completed = self.epoch.completed().len();
        elapsed >= interval
            || completed >= MOST_SCOPES
            || self.run.is_blocked && elapsed * 3 >= interval
            || completed > 0 && elapsed * 12 >= interval
    }

    /// Gives up every request that has no answer and asks for no more: the run ends after one last commit. The
    /// next run asks again for answers that were not absorbed.
    pub fn stop(&mut self) {
        self.run.is_stopping = true;
        for flight in self.flights.clear() {
            self.epoch.order.answered(flight.ticket);
        }
        self.evidence.clear();
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
        let scope = Scope::of(stream, Of::All(kind), id);
        if let (Some(scope), true, Some(replica)) = (
            scope,
            self.replicas.is_planned(stream.name),
            self.replicas.get_mut(stream.name),
        ) {
            let news = News {
                cause,
                ..News::unnamed(now)
            };
            replica.touch(scope, Due::changed_in_life(news), now);
            self.run.is_settled = false;
        }
    }

    /// Takes the events that are committed already: they are left out while the log is read again.
    pub fn recalled(&mut self, recalled: Recalled) {
        self.log.recalled(recalled);
    }

    /// Takes the ledgers as they were stored, by stream. A stream whose ledger is missing goes by the number of its last
    /// snapshot's lines, until the next one is complete.
    pub fn ledgers(&mut self, stored: &BTreeMap<String, Vec<u8>>) {
        self.has_ledgers = true;
        for (name, replica) in self.replicas.iter_mut() {
            let is_read = stored
                .get(name)
                .is_some_and(|stored| replica.ledger.load(stored));
            if let (false, Some(complete)) = (is_read, replica.complete()) {
                let lines = complete.lines;
                replica.ledger.lose_unless_counted(Counts {
                    lines,
                    ..Counts::default()
                });
                tracing::warn!(
                    stream = name,
                    "what readers hold is not known until the next snapshot is complete"
                );
            }
        }
    }

    /// The ledgers that the next manifest has to name anew, by stream.
    #[must_use]
    pub fn moved_ledgers(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let moved = self
            .replicas
            .iter()
            .filter(|(_, replica)| self.has_ledgers && replica.ledger.is_dirty());
        moved
            .map(|(name, replica)| (name, replica.ledger.stored()))
            .collect()
    }

    /// Where collecting stands, for the manifest.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            log: self.log.cursor().clone(),
            streams: self.replicas.kept(),
            lists: self.lists.kept(),
            graves: self.graves.clone(),
            mentioned: self.mentioned.clone(),
            ..Cursor::default()
        }
    }

    /// Notes that manifest `sequence` holds everything absorbed so far.
    pub fn committed(&mut self, sequence: u64, now: Timestamp) {
        self.epoch.committed(sequence);
        self.log.committed();
        self.committed_at = now;
        self.committed = self.cursor();
        for (_, replica) in self.replicas.iter_mut() {
            replica.ledger.saved();
        }
        if self.has_work(now) {
            self.log.begin_again();
        }
    }

    /// Whether anything was absorbed that is worth a manifest.
    fn has_news(&self) -> bool {
        !self.epoch.is_empty()
            || self.log.gap().is_some()
            || self.cursor().differs_beside_log(&self.committed)
    }

    /// How the run stands, for its manifest, report and status.
    #[must_use]
    pub fn standing(&self) -> Standing<'_> {
        Standing { engine: self }
    }

    /// Lines of an answer to a reading of the scope: moves the ledger, and gives them to be mapped by their stream's
    /// declaration. Whether any of them differs from what readers hold comes with them.
    fn lines(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        parent: Option<String>,
        at: Timestamp,
        mut items: Vec<Item>,
    ) -> (Option<Harvest>, bool) {
        let mut differs = false;
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            let (sequence, has_prints) = (self.epoch.number(), stream.is_assembled());
            items.retain(|item| {
                let Some(id) = record_id(stream, scope, item) else {
                    return true;
                };
                // What an event has buried does not come back.
                if !self.graves.is_empty() && id.split(':').any(|part| self.graves.is_buried(part))
                {
                    return false;
                }
                let print = if has_prints { print_of(item.get()) } else { 0 };
                let is_changed = replica.ledger.line(&id, sequence, print);
                replica.ledger.bear_out(&id, || Seen {
                    differs: is_changed,
                    status: status_of(item.get()),
                });
                differs |= is_changed;
                true
            });
        }
        if items.is_empty() {
            return (None, differs);
        }
        self.epoch.order.absorbed(stream.name, scope);
        (Some(Harvest::new(stream, parent, at, items)), differs)
    }

    /// A tombstone, unless readers are known not to hold the record.
    fn tombstone(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        at: Timestamp,
    ) -> Option<Harvest> {
        let id = scope.shown();
        let replica = self.replicas.get_mut(stream.name)?;
        if replica.ledger.holds(&id) == Some(false) {
            replica.ledger.drop_claim(&id);
            return None;
        }
        replica.ledger.gone(&id);
        self.epoch.order.absorbed(stream.name, scope);
        Some(Harvest::tombstones(stream, vec![id], at))
    }

    /// Declares that records of a scope that were last sent before manifest `since` are gone.
    fn forget(&mut self, stream: &'static Stream, scope: &Scope, since: u64) {
        if let (Some(id), Some(replica)) = (scope.id(), self.replicas.get_mut(stream.name)) {
            replica.ledger.forget(Some(id), since, &[]);
        }
        self.epoch.forget(stream, scope, since);
    }
}

/// The System Log's stream, and where it is read.
fn log_source() -> Option<(&'static Stream, &'static str)> {
    STREAMS.iter().find_map(|stream| match stream.source {
        Source::SystemLog { path } => Some((*stream, path)),
        _ => None,
    })
}
