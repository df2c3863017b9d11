//! The next request: a reading is sent whenever its rate limit has room; its rank decides which goes first.

use jiff::Timestamp;

use super::Engine;
use super::ask::Fetch;
use super::due::{Due, Rank};
use super::flights::Target;
use super::reading::{Shape, omits_of, reading};
use super::replica::{Replica, is_only_whole};
use super::scope::Scope;
use super::settle;
use super::sweep::Swept;
use crate::authomize::rfc3339;
use crate::streams::change::{Of, Read, Rows};
use crate::streams::{Assembly, LISTINGS, Source, Stream, own_stream};

/// A listing's next page is fetched ahead while fewer of its items' parts than this are waiting.
const PARTS_AHEAD: usize = 200;
/// Readings that may wait to be sent: with more, neither listings nor the System Log are read on. It bounds the cursor,
/// together with those of one page of the log.
const MOST_READINGS: usize = 5_000;

/// Whether the caller has room for a request of this path.
type Room<'a> = &'a dyn Fn(&str) -> bool;

impl Engine {
    pub(super) fn next_fetch(
        &mut self,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        let room: Room<'_> = has_room;
        if let Some(fetch) = self
            .next_of_log(now, room)
            .or_else(|| self.next_look(now, room))
        {
            return Some(fetch);
        }
        if self.log_lets_go_on(now) {
            if !std::mem::replace(&mut self.run.is_settled, true) {
                for stream in self.replicas.planned().to_vec() {
                    settle::doubt_lives(&mut self.replicas, &self.run, stream, now);
                    settle::settle(&mut self.replicas, stream, now);
                }
            }
            if let Some(fetch) = self.next_changed(now, room) {
                return Some(fetch);
            }
            if self.log.has_more() {
                self.log.begin_piece();
                if let Some(fetch) = self.next_of_log(now, room) {
                    return Some(fetch);
                }
            }
        }
        self.next_of_snapshots(now, room)
            .or_else(|| self.next_retry(now, room))
    }

    /// Asks for the snapshots that are to show what has no reading of its own and is in doubt; whether there are any.
    pub(super) fn asks_for_doubted(&mut self, now: Timestamp) -> bool {
        let mut asks = false;
        for stream in self.replicas.planned().to_vec() {
            let replica = self.replicas.get_mut(stream.name);
            asks |= replica.is_some_and(|replica| replica.ask_for_doubted(now));
        }
        asks
    }

    /// Whether this run, or another one now, has something left to read.
    #[must_use]
    pub fn has_work(&self, now: Timestamp) -> bool {
        let has_scopes = |stream: &&'static Stream| {
            let Some(replica) = self.replicas.get(stream.name) else {
                return false;
            };
            replica.parked().is_none()
                && (replica.swept.as_ref().is_some_and(Swept::is_ready)
                    || [Rank::Changed, Rank::Part, Rank::Retry, Rank::Again]
                        .into_iter()
                        .flat_map(|rank| replica.dues.ready(rank))
                        .next()
                        .is_some())
        };
        let is_read = |stream: &str| {
            self.replicas.is_planned(stream)
                && self
                    .replicas
                    .get(stream)
                    .is_some_and(|replica| replica.parked().is_none())
        };
        self.log.has_more()
            || !self.evidence.is_empty()
            || self.graves.has_open()
            || self.replicas.planned().iter().any(has_scopes)
            || self.lists.go_on_for(is_read)
            || self.have_due_snapshots(now)
    }

    /// Whether the next request needs to know what readers hold: any but that for the log.
    pub(super) fn needs_ledgers(&self, now: Timestamp) -> bool {
        if self.run.is_stopping {
            return false;
        }
        let is_busy = |stream: &&'static Stream| {
            self.replicas
                .get(stream.name)
                .is_some_and(Replica::has_ready)
        };
        self.graves.has_open()
            || self.replicas.planned().iter().any(is_busy)
            || self.lists.go_on_for(|_| true)
            || self.log_lets_go_on(now) && self.have_due_snapshots(now)
    }

    /// Whether anything but the log may be read: its pages so far are absorbed, or its request hangs.
    pub(super) fn log_lets_go_on(&self, now: Timestamp) -> bool {
        if self.flights.reads_log() {
            self.flights.log_hangs(now)
        } else {
            self.log.rests() || self.is_full()
        }
    }

    /// Whether as many readings wait to be sent as a cursor should hold.
    fn is_full(&self) -> bool {
        let waiting = self
            .replicas
            .iter()
            .filter(|(_, replica)| !replica.has_failed())
            .map(|(_, replica)| replica.dues.count_ready());
        waiting.sum::<usize>() >= MOST_READINGS
    }

    fn next_of_log(&mut self, now: Timestamp, room: Room<'_>) -> Option<Fetch> {
        if self.flights.reads_log() || self.is_full() {
            return None;
        }
        let begins_at = self.log_begins_at(now);
        let path = self.log.next(begins_at).filter(|path| room(path))?;
        self.log.sent();
        self.run.is_settled = false;
        let ticket = self.flights.send(Target::Log, None, path.clone(), now);
        Some(Fetch {
            ticket,
            path,
            omits: "",
        })
    }

    fn next_look(&mut self, now: Timestamp, room: Room<'_>) -> Option<Fetch> {
        let (stream, scope, path) = self.evidence.next()?;
        let (name, scope, path) = (stream.name, scope.clone(), path.to_owned());
        if self.replicas.get(name)?.parked().is_some() || !room(&path) {
            return None;
        }
        let target = Target::Look(name, scope.clone());
        let ticket = self.flights.send(target, None, path.clone(), now);
        self.evidence.sent(name, &scope, ticket);
        Some(Fetch {
            ticket,
            path,
            omits: "",
        })
    }

    /// Sweeps that are due, and scopes that events named.
    fn next_changed(&mut self, now: Timestamp, room: Room<'_>) -> Option<Fetch> {
        for stream in self.replicas.planned().to_vec() {
            let fetch = self
                .next_sweep(stream, now, room)
                .or_else(|| self.next_scope(stream, Rank::Changed, now, room));
            if fetch.is_some() {
                return fetch;
            }
        }
        None
    }

    fn next_sweep(
        &mut self,
        stream: &'static Stream,
        now: Timestamp,
        room: Room<'_>,
    ) -> Option<Fetch> {
        let sweep = stream.sweep.as_ref()?;
        let replica = self.replicas.get_mut(stream.name)?;
        if replica.parked().is_some() {
            return None;
        }
        let swept = replica.swept.as_mut().filter(|swept| swept.may_send())?;
        let reading = swept.reading()?;
        let since = rfc3339(reading.since).replace(':', "%3A");
        let first = || sweep.path.replace("{since}", &since);
        let path = reading.position.clone().unwrap_or_else(first);
        if !room(&path) {
            return None;
        }
        swept.sent();
        let writes = matches!(sweep.rows, Rows::Records).then_some(stream);
        let target = Target::Changes(stream.name);
        Some(self.send(target, writes, Scope::Whole, path, omits_of(stream), now))
    }

    /// The next page of a listing, or the next part of a snapshot that it serves.
    fn next_of_snapshots(&mut self, now: Timestamp, room: Room<'_>) -> Option<Fetch> {
        for listing in LISTINGS {
            let parts: Vec<_> = self
                .replicas
                .planned()
                .iter()
                .copied()
                .filter(|stream| has_parts(stream, listing.name))
                .collect();
            let ahead = parts.iter().map(|stream| {
                let replica = self.replicas.get(stream.name);
                replica.map_or(0, |replica| {
                    replica.dues.ready(Rank::Part).take(PARTS_AHEAD).count()
                })
            });
            if ahead.sum::<usize>() < PARTS_AHEAD
                && !self.is_full()
                && let Some(fetch) = self.next_list(listing, false, now, room)
            {
                return Some(fetch);
            }
            for stream in parts {
                if let Some(fetch) = self.next_scope(stream, Rank::Part, now, room) {
                    return Some(fetch);
                }
            }
        }
        None
    }

    /// What failed before, then what contradicted its event.
    fn next_retry(&mut self, now: Timestamp, room: Room<'_>) -> Option<Fetch> {
        for listing in LISTINGS {
            if let Some(fetch) = self.next_list(listing, true, now, room) {
                return Some(fetch);
            }
        }
        for rank in [Rank::Part, Rank::Retry, Rank::Again] {
            for stream in self.replicas.planned().to_vec() {
                if let Some(fetch) = self.next_scope(stream, rank, now, room) {
                    return Some(fetch);
                }
            }
        }
        None
    }

    fn next_list(
        &mut self,
        listing: &'static crate::streams::Listing,
        is_retry: bool,
        now: Timestamp,
        room: Room<'_>,
    ) -> Option<Fetch> {
        let path = self.lists.next(listing, is_retry)?;
        let served = self.lists.serves(listing.name);
        let is_parked = |stream: &String| {
            let replica = self.replicas.get(stream);
            replica.is_none_or(|replica| replica.parked().is_some())
        };
        if served.iter().all(is_parked) || !room(&path) {
            return None;
        }
        self.lists.sent(listing.name);
        let target = Target::List(listing.name);
        let own = own_stream(listing);
        Some(self.send(target, own, Scope::Whole, path, listing.omits, now))
    }

    /// The next reading of a rank.
    fn next_scope(
        &mut self,
        stream: &'static Stream,
        rank: Rank,
        now: Timestamp,
        room: Room<'_>,
    ) -> Option<Fetch> {
        let replica = self.replicas.get(stream.name)?;
        if replica.parked().is_some() {
            return None;
        }
        let mut chosen = None;
        let mut is_blocked = false;
        for scope in replica.dues.ready(rank) {
            let Some(due) = replica.dues.get(scope) else {
                continue;
            };
            // The whole is asked for it.
            let is_of_whole = rank == Rank::Again && is_only_whole(stream, scope);
            if is_of_whole || self.waits_for_another(stream, replica, scope, due) {
                continue;
            }
            if self.may_read(stream, scope, due) {
                chosen = Some((scope.clone(), due.clone()));
                break;
            }
            is_blocked = true;
        }
        self.run.is_blocked |= is_blocked;
        let (scope, due) = chosen?;
        let Some(path) = self.path(stream, &scope, &due) else {
            // This version cannot read it by itself.
            let replica = self.replicas.get_mut(stream.name)?;
            replica.dues.remove(&scope);
            replica.ask(now);
            return None;
        };
        if !room(&path) {
            return None;
        }
        self.replicas.get_mut(stream.name)?.dues.send(&scope, now);
        let target = Target::Scope(stream.name, scope.clone());
        Some(self.send(target, Some(stream), scope, path, omits_of(stream), now))
    }

    fn send(
        &mut self,
        target: Target,
        writes: Option<&'static Stream>,
        scope: Scope,
        path: String,
        omits: &'static str,
        now: Timestamp,
    ) -> Fetch {
        let ticket = self.flights.send(target, writes, path.clone(), now);
        if let Some(stream) = writes {
            self.epoch.order.sent(ticket, stream.name, scope);
        }
        Fetch {
            ticket,
            path,
            omits,
        }
    }

    /// Whether a reading may be sent before the next commit.
    fn may_read(&self, stream: &'static Stream, scope: &Scope, due: &Due) -> bool {
        match scope {
            Scope::Parent(kind, id) if due.news.is_some() && due.place.is_none() => {
                self.epoch.order.may_forget(stream, *kind, id)
            }
            _ => true,
        }
    }

    /// The path of a reading's next request, if it has one; an assembly begins with it.
    fn path(&mut self, stream: &'static Stream, scope: &Scope, due: &Due) -> Option<String> {
        let position = due.place.as_ref().and_then(|place| place.position.clone());
        match (reading(stream, scope)?, position) {
            (_, Some(position)) => Some(position),
            (
                (
                    Shape::Assembled {
                        object: Some(object),
                        ..
                    },
                    _,
                ),
                None,
            ) if due.item.is_none() => Some(object.replace("{id}", scope.id()?)),
            ((Shape::Assembled { kind, .. }, _), None) => {
                let begin = || Assembly {
                    kind,
                    parent: scope.id().unwrap_or_default().to_owned(),
                    item: due.item.clone(),
                    parts: Vec::new(),
                };
                self.assemblies.next(stream, scope, begin)
            }
            ((_, path), None) => Some(path),
        }
    }

    /// Whether another reading is about to answer this one, or to say what it must know first.
    fn waits_for_another(
        &self,
        stream: &'static Stream,
        replica: &Replica,
        scope: &Scope,
        due: &Due,
    ) -> bool {
        let lists_records = stream
            .sweep
            .as_ref()
            .is_some_and(|sweep| matches!(sweep.rows, Rows::Records));
        let is_swept = lists_records && replica.swept.as_ref().is_some_and(Swept::is_ready);
        is_swept && matches!(scope, Scope::Object(..))
            || due.waits_for_listing(stream)
            || self.waits_for_life(scope)
            || self.waits_for_object(stream, scope, due)
    }

    /// Whether a reading waits for the object that it must know first, which another stream's reading brings.
    fn waits_for_object(&self, stream: &'static Stream, scope: &Scope, due: &Due) -> bool {
        let Some((
            Shape::Assembled {
                object: Some(path), ..
            },
            _,
        )) = reading(stream, scope).filter(|_| due.item.is_none())
        else {
            return false;
        };
        let (Scope::Object(kind, id) | Scope::Parent(kind, id)) = scope else {
            return false;
        };
        let lends = |own: &&'static Stream| match own.reread(Of::All(*kind)).map(|own| &own.read) {
            Some(Read::Object { path: lent }) => *lent == path,
            _ => false,
        };
        let lender = self.replicas.planned().iter().copied().find(lends);
        lender.is_some_and(|own| self.is_coming(own, &Scope::Object(*kind, id.clone())))
    }

    pub(super) fn is_coming(&self, stream: &Stream, scope: &Scope) -> bool {
        self.replicas
            .get(stream.name)
            .is_some_and(|replica| replica.parked().is_none() && replica.dues.is_ready(scope))
    }
}

/// Whether parts of the stream's snapshot are items of the listing.
fn has_parts(stream: &Stream, listing: &str) -> bool {
    !matches!(stream.source, Source::Listing(_)) && stream.parents_of(listing).is_some()
}
