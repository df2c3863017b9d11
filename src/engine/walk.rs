//! Walking a listing and the listings of its items: what to fetch for the snapshots.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::cursor::{Task, Walk};
use super::{Engine, Fetch, Lane};
use crate::streams::{LISTINGS, Listing, Source, Stream, listing};

/// The listing's next page is fetched ahead while fewer parents than this are waiting …
const PARENTS_AHEAD: usize = 200;
/// … and, with those that cannot be read at the moment, fewer than this: it bounds the cursor.
const PARENTS_HELD: usize = 2_000;

impl Engine {
    /// Begins a walk over every listing that has none and of which a stream is due, unless lines of
    /// such a stream are uncommitted: what a snapshot covers and was read before it began must not
    /// stand in the manifest it begins with.
    pub(super) fn begin_walks(&mut self, now: Timestamp) {
        for listing in LISTINGS {
            if self.cursor.walks.get(listing.name).is_some_and(|walk| walk.expired) {
                self.leave_walk(listing.name);
            }
            if self.may_begin(listing) {
                let due: Vec<_> = self.due_streams(listing, now).collect();
                if due.iter().all(|stream| self.is_open(stream) || !self.uncommitted.contains(stream.name)) {
                    self.begin_walk(listing, &due, now);
                }
            }
        }
    }

    /// A walk that has to start over takes new snapshots.
    fn leave_walk(&mut self, name: &str) {
        let walk = self.cursor.walks.remove(name);
        walk.iter().flat_map(|walk| &walk.streams).for_each(|stream| self.abandon_snapshot(stream));
    }

    /// One walk a listing at a time; what is read last waits for all that can go on.
    fn may_begin(&self, listing: &Listing) -> bool {
        let waits = listing.last && self.cursor.walks.values().any(|walk| self.goes_on(walk));
        !waits && !self.cursor.walks.contains_key(listing.name)
    }

    /// A stream that is switched off, or whose scope is gone, misses the pages that its walk goes
    /// on to read: its snapshot can no longer become complete.
    pub(super) fn leave_what_is_not_planned(&mut self) {
        let planned = |stream: &String| self.plan.streams.iter().any(|planned| planned.name == stream);
        let streams = self.cursor.walks.values().flat_map(|walk| &walk.streams);
        let left: BTreeSet<_> = streams.filter(|stream| !planned(stream)).cloned().collect();
        left.iter().for_each(|stream| self.abandon_snapshot(stream));
        self.cursor.walks.retain(|name, walk| !walk.streams.is_empty() && listing(name).is_some());
    }

    /// Streams that a new walk over the listing would serve: those that are due, and those whose
    /// snapshot has begun with another listing.
    fn due_streams(&self, listing: &'static Listing, now: Timestamp) -> impl Iterator<Item = &'static Stream> {
        self.plan.streams.iter().copied().filter(move |stream| {
            let due = self.cursor.streams.get(stream.name).is_none_or(|progress| match progress.open {
                Some(_) => progress.is_left(listing.name),
                None => progress.is_due(now, self.plan.interval(stream)),
            });
            due && stream.listings_without(&self.plan.off).contains(&listing) && !self.is_parked(stream.name)
        })
    }

    fn is_open(&self, stream: &Stream) -> bool {
        self.cursor.streams.get(stream.name).is_some_and(|progress| progress.open.is_some())
    }

    fn begin_walk(&mut self, listing: &'static Listing, streams: &[&'static Stream], now: Timestamp) {
        for stream in streams {
            let progress = self.cursor.streams.entry(stream.name.to_owned()).or_default();
            if progress.open.is_none() {
                let listings = stream.listings_without(&self.plan.off);
                let listings = listings.iter().map(|listing| listing.name.to_owned()).collect();
                progress.begin(self.sequence + 1, now, listings);
                self.leave_assemblies(stream.name);
            }
        }
        if !streams.is_empty() {
            let streams = streams.iter().map(|stream| stream.name.to_owned()).collect();
            let walk = Walk { streams, next: Some(listing.path.to_owned()), ..Walk::default() };
            self.cursor.walks.insert(listing.name.to_owned(), walk);
        }
    }

    /// The next request of any walk.
    pub(super) fn next_of_walks(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Option<Fetch> {
        LISTINGS.iter().find_map(|listing| self.next_of_walk(listing, now, has_room))
    }

    fn next_of_walk(
        &mut self,
        listing: &'static Listing,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        let lane = Lane::Walk(listing.name);
        let walk = self.cursor.walks.get(listing.name)?;
        let listing_under_way = self.flights.iter().any(|flight| flight.lane == lane && flight.task.is_none());
        if !listing_under_way && let Some(path) = self.next_page(walk).filter(|path| has_room(path)) {
            let path = path.to_owned();
            return Some(self.send(lane, None, path, now));
        }
        let streams: Vec<_> = walk.streams.iter().filter_map(|name| self.stream(name)).collect();
        streams.into_iter().find_map(|stream| self.next_of_tasks(listing, stream, now, has_room))
    }

    /// The next request for a stream's parents. Those of one stream are alike: where there is no
    /// room for one, there is none for the others.
    fn next_of_tasks(
        &mut self,
        listing: &'static Listing,
        stream: &'static Stream,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        let mut tasks = self.cursor.walks.get(listing.name)?.tasks.iter();
        let task = tasks.find(|task| {
            task.stream == stream.name && self.is_ready(task) && self.may_read_task(task) && !self.is_under_way(task)
        })?;
        let parent = task.parent.clone();
        let path = match &stream.source {
            Source::Assembled { .. } => {
                let task = task.clone();
                self.next_step(listing, stream, &task)?
            }
            Source::PerParent { path, .. } => task.next.clone().unwrap_or_else(|| path.replace("{parent}", &parent)),
            Source::Listing(_) | Source::SystemLog { .. } | Source::Counted { .. } => return None,
        };
        let path = Some(path).filter(|path| has_room(path))?;
        Some(self.send(Lane::Walk(listing.name), Some((stream, parent)), path, now))
    }

    /// The listing's next page, if the walk may be read on.
    fn next_page<'a>(&self, walk: &'a Walk) -> Option<&'a str> {
        let readable = walk.streams.iter().any(|name| !self.is_parked(name));
        let ahead = walk.tasks.iter().filter(|task| self.is_ready(task)).count();
        let room = ahead < PARENTS_AHEAD && walk.tasks.len() < PARENTS_HELD;
        walk.next.as_deref().filter(|_| readable && room && !walk.expired)
    }

    /// A task that can be read in this run.
    fn is_ready(&self, task: &Task) -> bool {
        !self.is_parked(&task.stream) && !self.has_failed(&task.stream, &task.parent)
    }

    /// Whether it may be read before the next commit.
    fn may_read_task(&self, task: &Task) -> bool {
        task.since_sequence.is_none_or(|since| since <= self.sequence + 1)
    }

    pub(super) fn has_failed(&self, stream: &str, parent: &str) -> bool {
        self.failures.iter().any(|failure| failure.stream == stream && failure.parent == parent)
    }

    fn is_under_way(&self, task: &Task) -> bool {
        let of_task = |(stream, parent): &(&Stream, String)| stream.name == task.stream && *parent == task.parent;
        self.flights.iter().any(|flight| flight.task.as_ref().is_some_and(of_task))
    }

    pub(super) fn walks_have_more(&self, now: Timestamp) -> bool {
        let begins =
            |listing: &&'static Listing| self.may_begin(listing) && self.due_streams(listing, now).next().is_some();
        self.cursor.walks.values().any(|walk| self.goes_on(walk)) || LISTINGS.iter().any(begins)
    }

    /// Whether a walk can get further in this run.
    fn goes_on(&self, walk: &Walk) -> bool {
        let restarts = walk.expired && walk.streams.iter().any(|name| !self.is_parked(name));
        restarts || self.next_page(walk).is_some() || walk.tasks.iter().any(|task| self.is_ready(task))
    }
}
