//! The queue of jobs: which are waiting, which are under way, which have sunk.
//!
//! A job is in it from the time that it becomes known until it ends well. One that fails sinks: it is
//! not tried again in the run, nor before a time that grows from attempt to attempt, and jobs that were
//! not tried yet go first.

mod sunk;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::job::{Change, Job, Key, Scope};
use crate::streams::change::Kind;
use crate::streams::{LISTINGS, STREAMS};

/// Which jobs of a list go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Rank {
    /// Changes that events tell of.
    Changed,
    /// A part of a snapshot.
    Snapshot,
    /// Jobs that failed in an earlier run.
    Retry,
}

/// A job as the cursor keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The stream's name, or the listing's where the scope is [`Scope::Whole`].
    pub reads: String,
    /// The part of it.
    pub scope: Scope,
    /// Its progress, news and trouble.
    #[serde(flatten)]
    pub job: Job,
}

#[derive(Debug)]
pub(in crate::engine) struct Queued {
    pub(in crate::engine) job: Job,
    /// Its place among those of its rank.
    pub(in crate::engine) number: u64,
    pub(in crate::engine) is_under_way: bool,
    /// It failed in this run.
    pub(in crate::engine) has_sunk: bool,
}

/// Every job, and which of them wait to be sent.
#[derive(Debug, Default)]
pub(in crate::engine) struct Queue {
    pub(in crate::engine) jobs: BTreeMap<Key, Queued>,
    /// By stream or listing: jobs that may be sent.
    waiting: BTreeMap<&'static str, BTreeSet<(Rank, u64, Scope)>>,
    /// Jobs whose object is gone for good.
    gone: BTreeSet<Key>,
    /// By stream: parts of its open snapshot, and those of them that have failed.
    parts: BTreeMap<&'static str, (usize, usize)>,
    pub(in crate::engine) numbers: u64,
}

impl Queue {
    /// The queue of a cursor, and its jobs that this version does not know.
    pub(in crate::engine) fn read(kept: Vec<Kept>, now: Timestamp) -> (Self, Vec<Kept>) {
        let mut queue = Self::default();
        let mut unknown = Vec::new();
        for kept in kept {
            match known(&kept) {
                Some(reads) => queue.put(
                    Key {
                        reads,
                        scope: kept.scope,
                    },
                    kept.job,
                    now,
                ),
                None => unknown.push(kept),
            }
        }
        (queue, unknown)
    }

    /// As the cursor keeps it.
    pub(in crate::engine) fn kept(&self) -> Vec<Kept> {
        let mut jobs: Vec<_> = self.jobs.iter().collect();
        jobs.sort_by_key(|(_, entry)| entry.number);
        let keep = |(key, entry): (&Key, &Queued)| Kept {
            reads: key.reads.to_owned(),
            scope: key.scope.clone(),
            job: entry.job.clone(),
        };
        jobs.into_iter().map(keep).collect()
    }

    /// How many jobs may be sent, of the streams and listings that are `wanted`.
    pub(in crate::engine) fn sendable(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.waiting
            .iter()
            .filter(|(reads, _)| wanted(reads))
            .map(|(_, list)| list.len())
            .sum()
    }

    pub(in crate::engine) fn get(&self, key: &Key) -> Option<&Job> {
        self.jobs.get(key).map(|entry| &entry.job)
    }

    pub(in crate::engine) fn is_under_way(&self, key: &Key) -> bool {
        self.jobs.get(key).is_some_and(|entry| entry.is_under_way)
    }

    /// Whether a job may still be sent in this run.
    pub(in crate::engine) fn is_ready(&self, key: &Key) -> bool {
        let Some(entry) = self.jobs.get(key) else {
            return false;
        };
        entry.is_under_way || rank(key, entry).is_some_and(|rank| self.is_in(key, entry, rank))
    }

    fn is_in(&self, key: &Key, entry: &Queued, rank: Rank) -> bool {
        let list = self.waiting.get(key.reads);
        list.is_some_and(|list| list.contains(&(rank, entry.number, key.scope.clone())))
    }

    /// Jobs of a rank that may be sent, in their order.
    pub(in crate::engine) fn waiting(
        &self,
        reads: &str,
        rank: Rank,
    ) -> impl Iterator<Item = Key> + '_ {
        let list = self.waiting.get_key_value(reads);
        list.into_iter().flat_map(move |(reads, list)| {
            let from = (rank, 0, Scope::Whole);
            let of_rank = list
                .range(from..)
                .take_while(move |(other, ..)| *other == rank);
            of_rank.map(|(_, _, scope)| Key {
                reads,
                scope: scope.clone(),
            })
        })
    }

    /// How many jobs of a rank may be sent, up to `most`.
    pub(in crate::engine) fn count(&self, reads: &str, rank: Rank, most: usize) -> usize {
        let of_rank = |list: &BTreeSet<(Rank, u64, Scope)>| {
            let from = (rank, 0, Scope::Whole);
            list.range(from..)
                .take(most)
                .take_while(|(other, ..)| *other == rank)
                .count()
        };
        self.waiting.get(reads).map_or(0, of_rank)
    }

    /// Whether any job of the stream or listing may be sent.
    pub(in crate::engine) fn has_work(&self, reads: &str) -> bool {
        self.waiting.get(reads).is_some_and(|list| !list.is_empty())
    }

    /// Jobs whose object is gone for good.
    pub(in crate::engine) fn gone(&self) -> impl Iterator<Item = &Key> {
        self.gone.iter()
    }

    /// Every job of the stream or listing.
    pub(in crate::engine) fn of<'a>(
        &'a self,
        reads: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Job)> {
        self.jobs
            .iter()
            .filter(move |(key, _)| key.reads == reads)
            .map(|(key, entry)| (key, &entry.job))
    }

    /// Parts of the stream's open snapshot that are left, and those of them that have failed.
    pub(in crate::engine) fn parts(&self, stream: &str) -> (usize, usize) {
        self.parts.get(stream).copied().unwrap_or_default()
    }

    /// Adds a job, or what it asks for to the one that is there. A wider scope swallows narrower ones.
    pub(in crate::engine) fn add(&mut self, key: Key, job: Job, now: Timestamp) {
        if self.is_spare(&key, &job) {
            return;
        }
        if let Scope::Pair(first, second) = &key.scope
            && let Some(wider) = self.wider(key.reads, first, second)
        {
            if let Some(change) = job.change {
                self.update(&wider, now, |job| job.join(Job::changed(change), false));
            }
            return;
        }
        let job = self.swallow(&key, job);
        match self.jobs.get(&key).map(|entry| entry.is_under_way) {
            Some(is_under_way) => self.update(&key, now, |own| own.join(job, is_under_way)),
            None => self.put(key, job, now),
        }
    }

    /// Notes that an object is gone for good: nothing of it is read any more.
    pub(in crate::engine) fn gone_for_good(&mut self, key: Key, change: Change, now: Timestamp) {
        let change = Change {
            gone: true,
            ..change
        };
        if self.jobs.contains_key(&key) {
            // Its answer is under way, and ignored when it comes.
            self.update(&key, now, |job| *job = Job::changed(change));
        } else {
            self.put(key, Job::changed(change), now);
        }
    }

    /// The job that reads all records of one of a pair's objects, unless it has begun.
    fn wider(&self, reads: &'static str, first: &str, second: &str) -> Option<Key> {
        let of = |kind, id: &str| Key {
            reads,
            scope: Scope::Parent(kind, id.to_owned()),
        };
        let kinds = [
            Kind::Group,
            Kind::Application,
            Kind::User,
            Kind::IdentityProvider,
        ];
        let keys = kinds
            .into_iter()
            .flat_map(|kind| [of(kind, first), of(kind, second)]);
        let mut open = keys.filter(|key| {
            let entry = self.jobs.get(key);
            entry.is_some_and(|entry| {
                !entry.is_under_way && !entry.job.has_begun() && entry.job.change.is_some()
            })
        });
        open.next()
    }

    fn put(&mut self, key: Key, job: Job, now: Timestamp) {
        self.numbers += 1;
        let entry = Queued {
            job,
            number: self.numbers,
            is_under_way: false,
            has_sunk: false,
        };
        self.jobs.insert(key.clone(), entry);
        self.enter(&key, now);
    }

    /// Changes a job in place.
    pub(in crate::engine) fn update(
        &mut self,
        key: &Key,
        now: Timestamp,
        change: impl FnOnce(&mut Job),
    ) {
        self.leave(key);
        if let Some(entry) = self.jobs.get_mut(key) {
            change(&mut entry.job);
        }
        self.enter(key, now);
    }

    pub(in crate::engine) fn remove(&mut self, key: &Key) -> Option<Job> {
        self.leave(key);
        self.jobs.remove(key).map(|entry| entry.job)
    }

    /// Notes that a request of the job is under way.
    pub(in crate::engine) fn send(&mut self, key: &Key, now: Timestamp) {
        self.leave(key);
        if let Some(entry) = self.jobs.get_mut(key) {
            entry.is_under_way = true;
        }
        self.enter(key, now);
    }

    /// Notes that no request of the job is under way any more.
    pub(in crate::engine) fn answered(&mut self, key: &Key, now: Timestamp) {
        self.leave(key);
        if let Some(entry) = self.jobs.get_mut(key) {
            entry.is_under_way = false;
        }
        self.enter(key, now);
    }

    pub(in crate::engine) fn enter(&mut self, key: &Key, now: Timestamp) {
        let Some(entry) = self.jobs.get(key) else {
            return;
        };
        if entry.job.is_gone() && !entry.job.left_to_snapshot() && !entry.is_under_way {
            self.gone.insert(key.clone());
        }
        if entry.job.of_snapshot && key.scope != Scope::Whole {
            let parts = self.parts.entry(key.reads).or_default();
            parts.0 += 1;
            parts.1 += usize::from(entry.job.trouble.is_some() && !entry.is_under_way);
        }
        let is_early = entry
            .job
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.not_before > now);
        if let Some(rank) = rank(key, entry).filter(|_| !is_early) {
            let place = (rank, entry.number, key.scope.clone());
            self.waiting.entry(key.reads).or_default().insert(place);
        }
    }

    pub(in crate::engine) fn leave(&mut self, key: &Key) {
        let Some(entry) = self.jobs.get(key) else {
            return;
        };
        self.gone.remove(key);
        if entry.job.of_snapshot && key.scope != Scope::Whole {
            let parts = self.parts.entry(key.reads).or_default();
            parts.0 -= 1;
            parts.1 -= usize::from(entry.job.trouble.is_some() && !entry.is_under_way);
        }
        if let (Some(rank), Some(list)) = (rank(key, entry), self.waiting.get_mut(key.reads)) {
            list.remove(&(rank, entry.number, key.scope.clone()));
        }
    }
}

/// Where the job belongs as it is now; `None` where it may not be sent.
fn rank(key: &Key, entry: &Queued) -> Option<Rank> {
    let job = &entry.job;
    if entry.is_under_way || entry.has_sunk || job.is_gone() {
        return None;
    }
    match (&job.trouble, &job.change) {
        (Some(_), _) => Some(Rank::Retry),
        (None, Some(change)) if !change.left_to_snapshot => Some(Rank::Changed),
        (None, _) if key.scope == Scope::ChangedSince => Some(Rank::Changed),
        (None, _) if job.of_snapshot || job.change.is_none() => Some(Rank::Snapshot),
        (None, _) => None,
    }
}

/// The name of what a kept job reads, if this version knows it.
fn known(kept: &Kept) -> Option<&'static str> {
    match kept.scope {
        Scope::Whole => LISTINGS
            .iter()
            .map(|listing| listing.name)
            .find(|name| *name == kept.reads),
        _ => STREAMS
            .iter()
            .map(|stream| stream.name)
            .find(|name| *name == kept.reads),
    }
}

/// An event's news as a job keeps it.
pub(in crate::engine) fn change(
    cause: Option<String>,
    published: Option<Timestamp>,
    is_loss: bool,
) -> Change {
    Change {
        cause,
        since: published,
        latest: published,
        losses: u32::from(is_loss),
        ..Change::default()
    }
}
