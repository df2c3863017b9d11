//! Sweeps: every hour, and when an event names nothing, the engine asks for the objects of a stream that have changed
//! since the last sweep or snapshot that ended well, so that changes without events do not wait for the next snapshot.
//! Where several objects are due, one answer holds them all, and spares a request for each.

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::job::{Change, Job, Key, Scope};
use super::swept::Swept;
use super::work::Work;
use crate::streams::change::{Kind, Of, Rows, Sweep, Touches};
use crate::streams::{STREAMS, Stream, id_of};

/// How often a stream is asked without an event.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// An object's last change and its event may differ by so much, both by Okta's clock.
const BEFORE_EVENT: SignedDuration = SignedDuration::from_mins(1);

/// Schedules the sweeps that are due.
pub(super) fn schedule(work: &mut Work, now: Timestamp) {
    for (stream, until) in std::mem::take(&mut work.plan.swept_at) {
        let known = work
            .swept
            .entry(stream)
            .or_insert_with(|| Swept::until(until));
        known.until = known.until.max(until);
    }
    let is_time = |stream: &&'static Stream| {
        work.swept
            .get(stream.name)
            .is_some_and(|swept| now.duration_since(swept.until) >= EVERY)
    };
    let due: Vec<_> = work.plan.streams.iter().copied().filter(is_time).collect();
    due.into_iter()
        .for_each(|stream| request(work, stream, None, now));
}

/// Asks for all that has changed since the last sweep; `change` says which event made that due. A stream of which
/// nothing was read yet has no need of it.
pub(super) fn request(
    work: &mut Work,
    stream: &'static Stream,
    change: Option<Change>,
    now: Timestamp,
) {
    if stream.sweep.is_none() {
        return;
    }
    match work.swept.get(stream.name).map(Swept::since) {
        Some(since) => add(work, stream, since, change, now),
        None if change.is_some() => work.make_due(stream),
        None => {}
    }
}

fn add(
    work: &mut Work,
    stream: &'static Stream,
    since: Timestamp,
    change: Option<Change>,
    now: Timestamp,
) {
    let key = key(stream);
    let is_wider = work
        .queue
        .get(&key)
        .and_then(|job| job.changed_since)
        .is_some_and(|known| since < known);
    if is_wider && !work.queue.is_under_way(&key) {
        work.queue.update(&key, now, Job::restart);
    }
    let job = Job {
        changed_since: Some(since),
        change,
        ..Job::default()
    };
    work.queue.add(key, job, now);
}

fn key(stream: &'static Stream) -> Key {
    Key {
        reads: stream.name,
        scope: Scope::ChangedSince,
    }
}

/// Asks for what has changed since `since`, or the last sweep if that was later, for jobs that wait; `false` where
/// the stream cannot be asked so.
pub(super) fn request_for_jobs(
    work: &mut Work,
    stream: &'static Stream,
    since: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let lists_records = stream
        .sweep
        .as_ref()
        .is_some_and(|sweep| matches!(sweep.rows, Rows::Records));
    let Some(swept) = work
        .swept
        .get(stream.name)
        .map(Swept::since)
        .filter(|_| lists_records)
    else {
        return false;
    };
    if work
        .queue
        .get(&key(stream))
        .is_some_and(|job| job.trouble.is_some())
    {
        return false;
    }
    let since = since.map_or(swept, |since| swept.max(since - BEFORE_EVENT));
    add(work, stream, since, None, now);
    true
}

/// Whether jobs of the stream wait for a sweep whose rows answer them.
pub(super) fn may_spare(work: &Work, stream: &'static Stream) -> bool {
    let lists_records = stream
        .sweep
        .as_ref()
        .is_some_and(|sweep| matches!(sweep.rows, Rows::Records));
    lists_records && work.queue.is_ready(&key(stream))
}

/// Whether a sweep lists only what is due, and not all since the last one.
pub(super) fn is_for_jobs(work: &Work, stream: &Stream, job: &Job) -> bool {
    let swept = work.swept.get(stream.name).map(Swept::since);
    job.change.is_none() && job.changed_since > swept
}

/// Notes that a stream's first snapshot begins: nothing is known of it yet, so that nothing can be missed.
pub(super) fn begun(work: &mut Work, stream: &Stream, now: Timestamp) {
    if stream.sweep.is_some() {
        work.swept
            .entry(stream.name.to_owned())
            .or_insert_with(|| Swept::until(now));
    }
}

/// Notes that a sweep or snapshot that began then ended well.
pub(super) fn ended(work: &mut Work, stream: &Stream, began_at: Timestamp) {
    if stream.sweep.is_some() {
        let known = work
            .swept
            .entry(stream.name.to_owned())
            .or_insert_with(|| Swept::until(began_at));
        known.move_to(began_at);
    }
}

/// Notes as of which change an object was read.
pub(super) fn note(work: &mut Work, stream: &Stream, row: &RawValue) {
    let (Some(sweep), Some(swept)) = (&stream.sweep, work.swept.get_mut(stream.name)) else {
        return;
    };
    if let Some(time) = (sweep.time)(row).filter(|time| *time >= swept.since())
        && let Some(id) = id_of(row)
    {
        swept.see(&id, time);
    }
}

/// Whether a row of a sweep tells of something that was not read yet.
pub(super) fn is_news(work: &Work, stream: &Stream, sweep: &Sweep, row: &RawValue) -> bool {
    let (Some(swept), Some(id), Some(time)) =
        (work.swept.get(stream.name), id_of(row), (sweep.time)(row))
    else {
        return true;
    };
    !swept.has_seen(&id, time)
}

/// A user whose life changed lately is read with all that belongs to them.
pub(super) fn mark_life(
    work: &mut Work,
    sweep: &Sweep,
    row: &RawValue,
    since: Option<Timestamp>,
    now: Timestamp,
) {
    let (Some(life), Some(id)) = (sweep.life, id_of(row)) else {
        return;
    };
    if life(row).is_none_or(|changed| since.is_some_and(|since| changed < since)) {
        return;
    }
    let lives = |stream: &&'static Stream| {
        stream
            .changed_by
            .iter()
            .any(|by| by.touches == Touches::Life)
    };
    let others = STREAMS.iter().copied().filter(lives);
    for stream in others.filter(|stream| stream.sweep.as_ref().is_none_or(|own| own.life.is_none()))
    {
        if work.stream(stream.name).is_some() && work.progress(stream.name).is_some() {
            work.change(stream, Of::All(Kind::User), &id, Change::default(), now);
        }
    }
}
