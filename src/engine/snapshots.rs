//! Snapshots begin, end, and are given up.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::ask::Parked;
use super::assembly::{Assemblies, made};
use super::harvest::Harvest;
use super::job::{Job, Key, Scope};
use super::snapshot::{Completed, Ended, MOST_EXCEPTED, NotApplicable, Progress};
use super::sweep;
use super::swept::CLOCK_MARGIN;
use super::work::Work;
use crate::streams::{LISTINGS, Listing, STREAMS, Source, Stream, by_name};

/// Begins every snapshot that is due and may begin: no listing that it shares is being read, and nothing of it is
/// uncommitted or under way.
pub(super) fn begin(work: &mut Work, assemblies: &mut Assemblies, now: Timestamp) {
    for listing in LISTINGS {
        let due = due(work, listing, now);
        let may_begin =
            |stream: &&'static Stream| is_open(work, stream) || work.order.may_begin(stream.name);
        if due.is_empty() || !due.iter().all(may_begin) {
            continue;
        }
        for stream in due
            .iter()
            .filter(|stream| !is_open(work, stream))
            .copied()
            .collect::<Vec<_>>()
        {
            let listings = stream.listings_without(&work.plan.off);
            let listings = listings
                .iter()
                .map(|listing| listing.name.to_owned())
                .collect();
            let since_sequence = work.sequence + 1;
            work.progress_mut(stream.name)
                .begin(since_sequence, now, listings);
            work.queue.restart(stream.name, now);
            assemblies.leave_all(stream.name);
            sweep::begun(work, stream, now);
        }
        let serves = due.iter().map(|stream| stream.name.to_owned()).collect();
        work.queue.add(
            whole(listing),
            Job {
                serves,
                ..Job::default()
            },
            now,
        );
    }
}

pub(super) fn whole(listing: &'static Listing) -> Key {
    Key {
        reads: listing.name,
        scope: Scope::Whole,
    }
}

fn is_open(work: &Work, stream: &Stream) -> bool {
    work.progress(stream.name)
        .is_some_and(|progress| progress.open.is_some())
}

/// Streams whose snapshot would read the listing now: those that are due, and those that have begun with another.
fn due(work: &Work, listing: &'static Listing, now: Timestamp) -> Vec<&'static Stream> {
    if work.queue.get(&whole(listing)).is_some() {
        return Vec::new();
    }
    let is_due = |stream: &&'static Stream| {
        let is_narrowed = work
            .plan
            .narrowed
            .as_ref()
            .is_some_and(|only| !only.iter().any(|name| name == stream.name));
        let due = match work.progress(stream.name) {
            Some(progress) if progress.open.is_some() => progress.is_left(listing.name),
            _ if is_narrowed => false,
            Some(progress) => progress.is_due(now, work.plan.interval(stream)),
            None => true,
        };
        due && stream.listings_without(&work.plan.off).contains(&listing)
            && !work.is_parked(stream.name)
    };
    work.plan.streams.iter().copied().filter(is_due).collect()
}

/// Whether a snapshot is due that has not begun, or can be read on.
pub(super) fn have_more(work: &Work, now: Timestamp) -> bool {
    LISTINGS
        .iter()
        .any(|listing| !due(work, listing, now).is_empty())
}

/// Ends every snapshot that was read to its end, but for parts that do not answer; returns the objects that needed
/// no request.
pub(super) fn finish(work: &mut Work, now: Timestamp) -> Vec<Harvest> {
    let streams = work.plan.streams.clone();
    streams
        .into_iter()
        .filter_map(|stream| finish_one(work, stream, now))
        .collect()
}

fn finish_one(work: &mut Work, stream: &'static Stream, now: Timestamp) -> Option<Harvest> {
    let open = work.progress(stream.name)?.open.as_ref()?;
    let (left, failed) = work.queue.parts(stream.name);
    let is_most = failed as u64 > open.answered;
    if !open.left.is_empty() || left > failed {
        return None;
    }
    if failed > MOST_EXCEPTED || failed > 0 && is_most {
        let age = now.duration_since(open.started_at);
        if work.progress(stream.name)?.asked || age >= work.plan.interval(stream) {
            // The next one lists what is new.
            abandon(work, stream.name, now);
        } else {
            // It cannot end as long as Okta answers so: what awaits it is read by itself.
            work.queue.release(stream.name, now);
        }
        return None;
    }
    let fixed = fixed_objects(work, stream);
    if open.lines == 0 && fixed.is_empty() && work.progress(stream.name)?.complete.is_none() {
        match sees_nobody(work) {
            None => return None,
            Some(true) => {
                be_blind(work, stream, now);
                return None;
            }
            Some(false) => {}
        }
    }
    let count = fixed.len() as u64;
    let harvest = work.harvest(stream, &Scope::Whole, None, now, made(&fixed));
    work.count(stream.name, count, 0);
    conclude(work, stream, now)?;
    harvest
}

/// Declares a snapshot complete that was read, but for parts that do not answer, or holds it.
fn conclude(work: &mut Work, stream: &'static Stream, now: Timestamp) -> Option<()> {
    let parts = work
        .queue
        .of(stream.name)
        .filter(|(_, job)| job.of_snapshot);
    let except: Vec<String> = parts
        .filter_map(|(key, _)| key.scope.id().map(str::to_owned))
        .collect();
    match work.progress_mut(stream.name).finish(except.clone())? {
        Ended::Complete {
            since_sequence,
            started_at,
        } => {
            work.completed.push(Completed {
                stream: stream.name,
                since_sequence,
                scope: None,
                except,
            });
            work.queue
                .end_snapshot(stream.name, Some(started_at - CLOCK_MARGIN), now);
            sweep::ended(work, stream, started_at);
        }
        Ended::Held => work.queue.end_snapshot(stream.name, None, now),
    }
    Some(())
}

/// The time from which the System Log is read where the cursor has no position. Where neither events nor their counts
/// are wanted, only changes since the oldest complete snapshot are of use.
pub(super) fn log_begins_at(work: &Work, now: Timestamp) -> Timestamp {
    let earliest = now - work.plan.log_lookback;
    let is_kept = |stream: &&'static Stream| {
        matches!(
            stream.source,
            Source::SystemLog { .. } | Source::Counted { .. }
        )
    };
    if work.plan.streams.iter().any(is_kept) {
        return earliest;
    }
    let complete = work
        .streams
        .values()
        .filter_map(|progress| progress.complete.as_ref());
    let oldest = complete
        .map(|snapshot| snapshot.started_at)
        .min()
        .unwrap_or(now);
    earliest.max(oldest - CLOCK_MARGIN)
}

/// Whether Okta shows no user, though every org has one; `None` while the users are still to be read.
fn sees_nobody(work: &Work) -> Option<bool> {
    let mut streams = STREAMS.iter().filter(|stream| {
        stream
            .sweep
            .as_ref()
            .is_some_and(|sweep| sweep.life.is_some())
    });
    let Some(users) = streams.find_map(|stream| work.stream(stream.name)) else {
        return Some(false);
    };
    if work.parked(users.name).is_some() {
        return Some(
            matches!(work.parked(users.name), Some(Parked::Unavailable(error)) if error == BLIND),
        );
    }
    let Some(progress) = work.progress(users.name) else {
        return Some(false);
    };
    match (&progress.open, &progress.complete) {
        (Some(open), None) if open.lines == 0 && !open.left.is_empty() => None,
        (Some(open), None) => Some(open.lines == 0),
        _ => Some(false),
    }
}

/// The problem of an org that shows nothing, and the remedy.
const BLIND: &str = "Okta shows nothing, not even a user: an admin role is missing. Assign the app, or the API token's \
     owner, an admin role that may read users, groups and applications, such as Read-only Administrator";

fn be_blind(work: &mut Work, stream: &'static Stream, now: Timestamp) {
    abandon(work, stream.name, now);
    work.park(stream.name, Parked::Unavailable(BLIND.to_owned()));
}

/// Ends a snapshot that cannot become complete; it stays due.
pub(super) fn abandon(work: &mut Work, stream: &'static str, now: Timestamp) {
    for listing in LISTINGS {
        let key = whole(listing);
        if work.queue.get(&key).is_none() {
            continue;
        }
        work.queue.update(&key, now, |job| {
            job.serves.retain(|served| served != stream)
        });
        if work
            .queue
            .get(&key)
            .is_some_and(|job| job.serves.is_empty())
            && !work.queue.is_under_way(&key)
        {
            work.restart(&key, now);
            work.queue.remove(&key);
        }
    }
    let Some(progress) = work.streams.get_mut(stream) else {
        return;
    };
    if progress.open.take().is_some() {
        progress.asked |= progress.complete.is_some();
    }
    if *progress == Progress::default() {
        work.streams.remove(stream);
    }
    work.queue.end_snapshot(stream, None, now);
}

/// The org does not have a stream's feature: its snapshot, when next due, asks for it again.
pub(super) fn leave_feature(work: &mut Work, stream: &'static str, error: String, now: Timestamp) {
    abandon(work, stream, now);
    for key in work
        .queue
        .of(stream)
        .map(|(key, _)| key.clone())
        .collect::<Vec<_>>()
    {
        if !work.queue.is_under_way(&key) {
            work.queue.remove(&key);
        }
    }
    work.park(stream, Parked::NotApplicable(error.clone()));
    let progress = work.progress_mut(stream);
    progress.asked = false;
    progress.not_applicable = Some(NotApplicable { at: now, error });
}

/// Streams that are switched off, or whose scope is gone, hold nothing open; what was due of them is given back.
pub(super) fn leave_what_is_not_planned(work: &mut Work, now: Timestamp) {
    let served = work
        .queue
        .kept()
        .into_iter()
        .flat_map(|kept| kept.job.serves);
    let served: BTreeSet<String> = served.collect();
    let open = work
        .streams
        .iter()
        .filter(|(_, progress)| progress.open.is_some())
        .map(|(name, _)| name.clone());
    let left: BTreeSet<_> = served.into_iter().chain(open.collect::<Vec<_>>()).collect();
    for stream in left.iter().filter_map(|name| by_name(name)) {
        if work.stream(stream.name).is_none() {
            abandon(work, stream.name, now);
        }
    }
    for kept in work
        .queue
        .kept()
        .into_iter()
        .filter(|kept| kept.scope != Scope::Whole)
    {
        let Some(stream) = by_name(&kept.reads).filter(|stream| work.stream(stream.name).is_none())
        else {
            continue;
        };
        work.give_back(&kept);
        work.queue.remove(&Key {
            reads: stream.name,
            scope: kept.scope,
        });
    }
}

/// A snapshot that is asked for joins an unfinished one and never restarts it.
pub(super) fn note_what_is_asked(work: &mut Work) {
    for stream in work
        .plan
        .streams
        .clone()
        .into_iter()
        .filter(|stream| !stream.listings().is_empty())
    {
        let asked = work.plan.asked.iter().any(|name| name == stream.name);
        let accepted = work
            .plan
            .accept_shrink
            .iter()
            .any(|name| name == stream.name);
        if !asked && !accepted {
            continue;
        }
        let is_doubted = work.queue.doubt_of(stream.name).is_some();
        let progress = work.progress_mut(stream.name);
        progress.accept_shrink |= accepted;
        let is_held = progress.held.is_some() || is_doubted;
        progress.asked |= progress.open.is_none() && (asked || is_held);
    }
}

/// The objects of a stream that need no request.
fn fixed_objects(work: &Work, stream: &Stream) -> Vec<Value> {
    let Some(fixed) = &stream.fixed else {
        return Vec::new();
    };
    let mentioned = work
        .mentioned
        .get(stream.name)
        .into_iter()
        .flatten()
        .map(String::as_str);
    fixed
        .known
        .iter()
        .copied()
        .chain(mentioned)
        .map(fixed.object)
        .collect()
}
