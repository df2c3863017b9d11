//! The cheapest way to read what has changed: one by one, all records of one object, what has changed lately, or the
//! whole stream.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::job::{Change, Job, Key, MOST_AWAITING, Scope};
use super::queue::Rank;
use super::snapshot::MOST_EXCEPTED;
use super::sweep;
use super::work::Work;
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{STREAMS, Source, Stream};

/// Up to this many jobs are read one by one even where a snapshot would cost fewer requests: it would write every
/// record.
const FEW_JOBS: u64 = 20;
/// Most pages of a listing that is read for what may follow from an event.
pub(super) const FEW_PAGES: u64 = 10;
/// From this many pairs of one object on, a listing of all of them costs less; and from this many objects on, the
/// listing of those that have changed lately.
const SEVERAL: usize = 3;
/// Most jobs of a failing stream before its changes are left to a snapshot: an org may refuse a stream for months.
const MOST_OF_A_STREAM: usize = 10_000;

struct Pair {
    first: String,
    second: String,
    change: Change,
}

/// Chooses how the jobs of a stream that wait for it are read.
pub(super) fn settle(work: &mut Work, stream: &'static Stream, now: Timestamp) {
    shed(work, stream);
    fold_pairs(work, stream, now);
    let objects: Vec<_> = work.queue.waiting(stream.name, Rank::Changed).collect();
    let since = objects
        .iter()
        .map(|key| work.queue.get(key)?.change.as_ref()?.since)
        .min()
        .flatten();
    let is_swept = objects.iter().any(|key| key.scope == Scope::ChangedSince);
    if objects.len() < SEVERAL || is_swept || !sweep::request_for_jobs(work, stream, since, now) {
        weigh(work, stream, now);
    }
}

/// Leaves the changes of a failing stream to its next snapshot, where they have become too many for the cursor.
fn shed(work: &mut Work, stream: &'static Stream) {
    let many_fail = work
        .queue
        .of(stream.name)
        .filter(|(_, job)| job.trouble.is_some())
        .nth(MOST_EXCEPTED)
        .is_some();
    let is_failing = work.has_failed(stream.name) || many_fail;
    if !is_failing || work.queue.of(stream.name).count() <= MOST_OF_A_STREAM {
        return;
    }
    work.make_due(stream);
    let is_spare = |(key, job): &(&Key, &Job)| {
        let is_reading = job.has_begun() || job.of_snapshot || work.queue.is_under_way(key);
        !is_reading && !job.is_gone() && !matches!(key.scope, Scope::Whole | Scope::ChangedSince)
    };
    let spare: Vec<_> = work
        .queue
        .of(stream.name)
        .filter(is_spare)
        .map(|(key, _)| key.clone())
        .collect();
    spare.iter().for_each(|key| drop(work.queue.remove(key)));
}

/// Leaves the jobs of a stream that wait to a snapshot, where reading them one by one would cost more requests.
pub(super) fn weigh(work: &mut Work, stream: &'static Stream, now: Timestamp) {
    let waiting: Vec<_> = work.queue.waiting(stream.name, Rank::Changed).collect();
    let snapshot = work
        .progress(stream.name)
        .filter(|progress| progress.open.is_none());
    let requests = snapshot
        .and_then(|progress| progress.complete.as_ref())
        .map_or(0, |complete| complete.requests);
    if requests == 0 || (waiting.len() as u64) <= FEW_JOBS.max(requests) {
        return;
    }
    work.make_due(stream);
    for (n, key) in waiting.iter().enumerate() {
        let is_spare = n >= MOST_AWAITING && key.scope != Scope::ChangedSince;
        if is_spare
            && work
                .queue
                .get(key)
                .is_some_and(|job| !job.has_begun() && !job.of_snapshot)
        {
            work.queue.remove(key);
            continue;
        }
        work.queue.update(key, now, |job| {
            if let Some(change) = &mut job.change {
                change.left_to_snapshot = true;
            }
        });
    }
}

/// Where many pairs share an object, all of its records cost fewer requests than each.
fn fold_pairs(work: &mut Work, stream: &'static Stream, now: Timestamp) {
    let Identity::Pair(first, second) = stream.identity else {
        return;
    };
    let can_all = |kind| stream.reread(Of::All(kind)).is_some();
    let has_pairs = stream.reread(Of::Pair).is_some();
    let most_pages = listing_cost(work, stream, first, second);
    let pairs = pairs(work, stream);
    let mut by_first: BTreeMap<&str, usize> = BTreeMap::new();
    pairs
        .iter()
        .for_each(|pair| *by_first.entry(&pair.first).or_default() += 1);
    let is_whole = |(first, count): &(&&str, &usize)| {
        let count = **count as u64;
        count
            > pages_of(work, stream, first, count).map_or(most_pages, |pages| pages.min(most_pages))
    };
    let firsts: BTreeSet<&str> = by_first
        .iter()
        .filter(|_| can_all(first))
        .filter(is_whole)
        .map(|(first, _)| *first)
        .collect();
    let mut by_second: BTreeMap<&str, usize> = BTreeMap::new();
    let left = pairs
        .iter()
        .filter(|pair| !firsts.contains(pair.first.as_str()));
    left.for_each(|pair| *by_second.entry(&pair.second).or_default() += 1);
    for pair in &pairs {
        let of_second = by_second
            .get(pair.second.as_str())
            .copied()
            .unwrap_or_default();
        let wider = if firsts.contains(pair.first.as_str()) {
            Some((first, &pair.first))
        } else if can_all(second) && (!has_pairs || of_second >= SEVERAL) {
            Some((second, &pair.second))
        } else if !has_pairs {
            Some((first, &pair.first))
        } else {
            None
        };
        if let Some((kind, id)) = wider {
            let scope = Scope::Pair(pair.first.clone(), pair.second.clone());
            work.queue.remove(&Key {
                reads: stream.name,
                scope,
            });
            work.change(stream, Of::All(kind), id, pair.change.clone(), now);
        }
    }
}

/// Pages that the listing of all records of one first object has, where it is known how many it had, and so many were
/// added; `None` where it is not.
fn pages_of(work: &Work, stream: &Stream, id: &str, added: u64) -> Option<u64> {
    let Identity::Pair(first, _) = stream.identity else {
        return None;
    };
    let Read::Listing { page_items, .. } = stream.reread(Of::All(first))?.read else {
        return None;
    };
    let lines = work.sizes.get(stream.name)?.known_of(id)?;
    Some((lines + added) / page_items + 1)
}

/// Pages that the listing of all records of one first object has at most: it lists no more objects of the second
/// kind than there are.
pub(super) fn listing_cost(work: &Work, stream: &Stream, first: Kind, second: Kind) -> u64 {
    let Some(Read::Listing { page_items, .. }) =
        stream.reread(Of::All(first)).map(|reread| &reread.read)
    else {
        return u64::MAX;
    };
    let is_own = |own: &&&Stream| {
        own.identity == Identity::Object(second) && matches!(own.source, Source::Listing(_))
    };
    let own = STREAMS.iter().find(is_own);
    own.and_then(|own| work.known_lines(own))
        .map_or(FEW_JOBS, |lines| lines / page_items + 1)
}

fn pairs(work: &Work, stream: &Stream) -> Vec<Pair> {
    let waiting = work.queue.waiting(stream.name, Rank::Changed);
    let pair = |key: Key| {
        let change = work.queue.get(&key)?.change.clone()?;
        match key.scope {
            Scope::Pair(first, second) => Some(Pair {
                first,
                second,
                change,
            }),
            _ => None,
        }
    };
    waiting.filter_map(pair).collect()
}
