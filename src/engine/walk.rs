//! Walking a listing and the listings of its items: what to fetch for the snapshots.

use jiff::Timestamp;

use super::cursor::{Task, Walk};
use super::{Engine, Failure, Fetch, Lane};
use crate::streams::{LISTINGS, Listing, Source, Stream, listing};

/// The listing's next page is fetched ahead while fewer parents than this are waiting …
const PARENTS_AHEAD: usize = 200;
/// … and, with those that cannot be read at the moment, fewer than this: it bounds the cursor.
const PARENTS_HELD: usize = 2_000;

impl Engine {
    /// Begins a walk over every listing that has none and of which a stream is due. Called where
    /// nothing read of those streams is uncommitted: what a snapshot covers and was read before
    /// it began must not stand in the manifest it begins with.
    pub(super) fn begin_walks(&mut self, now: Timestamp) {
        for listing in LISTINGS {
            if self.cursor.walks.get(listing.name).is_some_and(|walk| walk.expired) {
                self.restart_walk(listing, now);
            }
            if self.cursor.walks.contains_key(listing.name) {
                continue;
            }
            let due: Vec<_> = self.due_streams(listing, now).map(|stream| stream.name.to_owned()).collect();
            if !due.is_empty() {
                self.begin_walk(listing, due, now);
            }
        }
    }

    /// A stream that is switched off, or whose scope is gone, misses the pages that its walk goes
    /// on to read: its snapshot can no longer become complete.
    pub(super) fn leave_what_is_not_planned(&mut self) {
        let names: Vec<_> = self.cursor.walks.keys().cloned().collect();
        for name in names {
            let Some(walk) = self.cursor.walks.get_mut(&name) else { continue };
            let planned = |stream: &str| self.plan.streams.iter().any(|planned| planned.name == stream);
            let left: Vec<_> = walk.streams.extract_if(.., |stream| !planned(stream)).collect();
            walk.tasks.retain(|task| planned(&task.stream));
            if walk.streams.is_empty() || listing(&name).is_none() {
                self.cursor.walks.remove(&name);
            }
            left.iter().for_each(|stream| self.abandon_snapshot(stream));
        }
    }

    fn due_streams(&self, listing: &'static Listing, now: Timestamp) -> impl Iterator<Item = &'static Stream> {
        self.plan.streams.iter().copied().filter(move |stream| {
            let progress = self.cursor.streams.get(stream.name);
            let due = progress.is_none_or(|progress| progress.is_due(now, self.plan.full_sync_interval));
            due && stream.listing() == Some(listing) && !self.is_parked(stream.name)
        })
    }

    fn begin_walk(&mut self, listing: &'static Listing, streams: Vec<String>, now: Timestamp) {
        for stream in &streams {
            self.cursor.streams.entry(stream.clone()).or_default().begin(self.sequence + 1, now);
        }
        let walk = Walk { streams, next: Some(listing.path.to_owned()), ..Walk::default() };
        self.cursor.walks.insert(listing.name.to_owned(), walk);
    }

    fn restart_walk(&mut self, listing: &'static Listing, now: Timestamp) {
        if let Some(walk) = self.cursor.walks.remove(listing.name) {
            self.begin_walk(listing, walk.streams, now);
        }
    }

    /// The next request of any walk.
    pub(super) fn next_of_walks(&mut self, now: Timestamp) -> Option<Fetch> {
        LISTINGS.iter().find_map(|listing| self.next_of_walk(listing, now))
    }

    fn next_of_walk(&mut self, listing: &'static Listing, now: Timestamp) -> Option<Fetch> {
        let lane = Lane::Walk(listing.name);
        let walk = self.cursor.walks.get(listing.name)?;
        let listing_under_way = self.flights.iter().any(|flight| flight.lane == lane && flight.task.is_none());
        if !listing_under_way && let Some(path) = self.next_page(walk) {
            let path = path.to_owned();
            return Some(self.send(lane, None, path, now));
        }
        let task = walk.tasks.iter().find(|task| self.is_ready(task) && !self.is_under_way(task))?;
        let stream = self.stream(&task.stream)?;
        let path = task.next.clone().unwrap_or_else(|| first_page(stream, &task.parent));
        let parent = task.parent.clone();
        Some(self.send(lane, Some((stream, parent)), path, now))
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
        let failed = |failure: &Failure| failure.stream == task.stream && failure.parent == task.parent;
        !self.is_parked(&task.stream) && !self.failures.iter().any(failed)
    }

    fn is_under_way(&self, task: &Task) -> bool {
        let of_task = |(stream, parent): &(&Stream, String)| stream.name == task.stream && *parent == task.parent;
        self.flights.iter().any(|flight| flight.task.as_ref().is_some_and(of_task))
    }

    pub(super) fn walks_have_more(&self, now: Timestamp) -> bool {
        let goes_on = |walk: &Walk| {
            let restarts = walk.expired && walk.streams.iter().any(|name| !self.is_parked(name));
            restarts || self.next_page(walk).is_some() || walk.tasks.iter().any(|task| self.is_ready(task))
        };
        let begins = |listing: &&'static Listing| {
            !self.cursor.walks.contains_key(listing.name) && self.due_streams(listing, now).next().is_some()
        };
        self.cursor.walks.values().any(goes_on) || LISTINGS.iter().any(begins)
    }
}

fn first_page(stream: &Stream, parent: &str) -> String {
    match stream.source {
        Source::PerParent { path, .. } => path.replace("{parent}", parent),
        Source::Listing(listing) => listing.path.to_owned(),
        Source::SystemLog { path } => path.to_owned(),
    }
}
