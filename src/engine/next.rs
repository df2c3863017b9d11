//! The next request: a job is sent whenever its rate limit has room; its rank decides which goes first.

use jiff::Timestamp;

use super::answers::{Answers, streams_of};
use super::ask::Fetch;
use super::job::{Job, Key, Scope};
use super::queue::Rank;
use super::{Engine, LOG, lending, settle, sweep};
use crate::streams::{LISTINGS, Source, Stream, by_name, listing, own_stream};

/// A listing's next page is fetched ahead while fewer of its items' parts than this are waiting.
const PARTS_AHEAD: usize = 200;
/// Jobs that may wait to be sent: with more, neither listings nor the System Log are read on. Together with the jobs of
/// one page of the log, and with `MOST_SIZES`, it bounds the cursor to 2 MB; an object that does not answer adds about
/// 500 bytes.
const MOST_JOBS: usize = 5_000;

/// Selects among the jobs of a name, which a stream and a listing may share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// The listing of this name.
    Listing,
    /// The jobs of the stream of this name.
    Parts,
}

impl Engine {
    pub(super) fn next_fetch(
        &mut self,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        if let Some(fetch) = self
            .next_of_log(now, has_room)
            .or_else(|| self.next_look(now, has_room))
        {
            return Some(fetch);
        }
        if self.log_lets_go_on(now) {
            if !std::mem::replace(&mut self.is_settled, true) {
                let streams = self.work.plan.streams.clone();
                streams
                    .into_iter()
                    .for_each(|stream| settle::settle(&mut self.work, stream, now));
            }
            if let Some(fetch) = self.next_of_streams(Rank::Changed, now, has_room) {
                return Some(fetch);
            }
            if self.log.has_more() {
                self.log.begin_piece();
                if let Some(fetch) = self.next_of_log(now, has_room) {
                    return Some(fetch);
                }
            }
        }
        self.next_of_snapshots(now, has_room)
            .or_else(|| self.next_of_listings(Rank::Retry, now, has_room))
            .or_else(|| self.next_of_streams(Rank::Retry, now, has_room))
    }

    /// Whether anything but the log may be read: its pages so far are absorbed, or its request hangs.
    pub(super) fn log_lets_go_on(&self, now: Timestamp) -> bool {
        match self.flights.is_under_way(LOG) {
            true => self.flights.hangs(LOG, now),
            false => self.log.rests() || self.is_full(),
        }
    }

    /// Whether as many jobs wait to be sent as a cursor should hold.
    fn is_full(&self) -> bool {
        self.work
            .queue
            .sendable(|reads| !self.work.has_failed(reads))
            >= MOST_JOBS
    }

    fn next_of_log(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Option<Fetch> {
        if self.flights.is_under_way(LOG) || self.is_full() {
            return None;
        }
        let path = self
            .log
            .next(&self.work, now)
            .filter(|path| has_room(path))?;
        self.log.sent();
        self.is_settled = false;
        let ticket = self.flights.send(LOG, None, false, path.clone(), now);
        Some(Fetch {
            ticket,
            path,
            omits: "",
        })
    }

    fn next_look(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Option<Fetch> {
        let (key, look) = self.answers.looks.next()?;
        let key = key.clone();
        let Some(path) = Answers::look_path(&self.work, &key, look) else {
            // It cannot be looked at: the reading is left to the next snapshot.
            self.answers.looks.sent(&key, 0);
            self.answers
                .looks
                .take(0)
                .iter()
                .for_each(|doubt| self.work.end(&doubt.key, now));
            return None;
        };
        if !has_room(&path) {
            return None;
        }
        let ticket = self
            .flights
            .send(key.reads, Some(key.clone()), true, path.clone(), now);
        self.answers.looks.sent(&key, ticket);
        Some(Fetch {
            ticket,
            path,
            omits: "",
        })
    }

    fn next_of_streams(
        &mut self,
        rank: Rank,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        let streams = self.work.plan.streams.clone();
        streams
            .into_iter()
            .find_map(|stream| self.next_of(stream.name, Reads::Parts, rank, now, has_room))
    }

    fn next_of_listings(
        &mut self,
        rank: Rank,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        LISTINGS
            .iter()
            .find_map(|listing| self.next_of(listing.name, Reads::Listing, rank, now, has_room))
    }

    /// The next page of a listing, or the next part of a snapshot that it serves.
    fn next_of_snapshots(
        &mut self,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        for listing in LISTINGS {
            let parts: Vec<_> = self
                .work
                .plan
                .streams
                .iter()
                .copied()
                .filter(|stream| reads(stream, listing.name))
                .collect();
            let ahead = parts.iter().map(|stream| {
                self.work
                    .queue
                    .count(stream.name, Rank::Snapshot, PARTS_AHEAD)
            });
            if ahead.sum::<usize>() < PARTS_AHEAD
                && !self.is_full()
                && let Some(fetch) =
                    self.next_of(listing.name, Reads::Listing, Rank::Snapshot, now, has_room)
            {
                return Some(fetch);
            }
            let mut parts = parts.into_iter();
            let next = |stream: &'static Stream| {
                self.next_of(stream.name, Reads::Parts, Rank::Snapshot, now, has_room)
            };
            if let Some(fetch) = parts.find_map(next) {
                return Some(fetch);
            }
        }
        None
    }

    /// The next request of a rank among the jobs of the stream or listing `reads`; `which` tells the two apart.
    fn next_of(
        &mut self,
        reads: &'static str,
        which: Reads,
        rank: Rank,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        let spared = by_name(reads).is_some_and(|stream| sweep::may_spare(&self.work, stream));
        let mut sendable = None;
        let mut is_blocked = false;
        let is_meant = |key: &Key| (key.scope == Scope::Whole) == (which == Reads::Listing);
        for key in self.work.queue.waiting(reads, rank).filter(is_meant) {
            let Some(job) = self.work.queue.get(&key) else {
                continue;
            };
            if !self.is_readable(&key, job) || spared && matches!(key.scope, Scope::Object(..)) {
                continue;
            }
            if self.may_read(&key, job) {
                sendable = Some(key);
                break;
            }
            is_blocked = true;
        }
        self.is_blocked |= is_blocked;
        let key = sendable?;
        let Some(path) = self.answers.path(&self.work, &key) else {
            // This version cannot read it.
            if let Some(stream) = by_name(key.reads) {
                self.work.make_due(stream);
            }
            self.work.queue.remove(&key);
            return None;
        };
        has_room(&path).then(|| self.send(key, path, now))
    }

    /// Whether a job can be read in this run, now or after a commit.
    pub(super) fn is_readable(&self, key: &Key, job: &Job) -> bool {
        let is_parked = match key.scope {
            Scope::Whole => streams_of(&self.work, key, job)
                .iter()
                .all(|stream| self.work.is_parked(stream)),
            _ => self.work.is_parked(key.reads),
        };
        !is_parked
            && !lending::waits_for_object(&self.work, key)
            && !lending::waits_for_life(&self.work, key)
    }

    /// Whether it may be read before the next commit.
    fn may_read(&self, key: &Key, job: &Job) -> bool {
        match (&key.scope, by_name(key.reads)) {
            (Scope::Parent(kind, id), Some(stream)) if job.change.is_some() && !job.has_begun() => {
                self.work.order.may_forget(stream, *kind, id)
            }
            _ => true,
        }
    }

    fn send(&mut self, key: Key, path: String, now: Timestamp) -> Fetch {
        let (lane, writes, omits) = match key.scope {
            Scope::Whole => {
                let listing = listing(key.reads);
                let own = listing.and_then(own_stream).map(|own| own.name);
                (
                    own.unwrap_or(key.reads),
                    own,
                    listing.map_or("", |listing| listing.omits),
                )
            }
            _ => (
                key.reads,
                Some(key.reads).filter(|_| writes_lines(&key)),
                omits_of(&key),
            ),
        };
        self.work.queue.send(&key, now);
        let scope = key.scope.clone();
        let ticket = self.flights.send(lane, Some(key), false, path.clone(), now);
        if let Some(stream) = writes {
            self.work.order.sent(ticket, stream, scope);
        }
        Fetch {
            ticket,
            path,
            omits,
        }
    }
}

/// Whether parts of the stream's snapshot are items of the listing.
fn reads(stream: &Stream, listing: &str) -> bool {
    !matches!(stream.source, Source::Listing(_)) && stream.parents_of(listing).is_some()
}

/// Whether answers to a job hold records of its stream: those of a sweep may only name what is to be read.
fn writes_lines(key: &Key) -> bool {
    let rows = by_name(key.reads)
        .and_then(|stream| stream.sweep.as_ref())
        .map(|sweep| sweep.rows);
    key.scope != Scope::ChangedSince || matches!(rows, Some(crate::streams::change::Rows::Records))
}

/// Members that the answer to a request for one of a listing's items may come without.
fn omits_of(key: &Key) -> &'static str {
    match by_name(key.reads).map(|stream| &stream.source) {
        Some(Source::Listing(listing)) => listing.omits,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cursor::Cursor;
    use crate::engine::job::Change;
    use crate::engine::queue::Kept;

    /// Events of a page, each of which adds a job of two streams.
    const JOBS_OF_A_PAGE: usize = 2_000;

    #[test]
    fn a_cursor_full_of_changes_takes_two_megabytes() {
        let id = |prefix: &str, n: usize| format!("{prefix}{n:017}");
        let at: Timestamp = "2026-11-23T18:05:00.123Z".parse().unwrap();
        let cause = Some("d7856087-8efc-47cd-a18b-cc33a210edf5".to_owned());
        let mut cursor = Cursor::default();
        for n in 0..MOST_JOBS + JOBS_OF_A_PAGE {
            let change = Change {
                cause: cause.clone(),
                since: Some(at),
                latest: Some(at),
                ..Change::default()
            };
            let scope = Scope::Pair(id("0oa", n), id("00u", n));
            cursor.jobs.push(Kept {
                reads: "application_users".to_owned(),
                scope,
                job: Job::changed(change),
            });
        }
        for stream in ["group_memberships", "application_users"] {
            let sizes = cursor.sizes.entry(stream.to_owned()).or_default();
            (0..10_000).for_each(|n| sizes.note(&id("00g", n), 1_000));
        }
        let bytes = serde_json::to_vec(&cursor).unwrap().len();
        assert!((1_000_000..2_000_000).contains(&bytes), "{bytes} bytes");
    }
}
