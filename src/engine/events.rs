//! Events make jobs: they say what is to be read again. No event writes a record by itself, so a late or reordered
//! one cannot bring back what a later read took away; the only thing that is believed without a read is the end of an
//! object, whose id Okta never uses again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::job::{Change, Job, Key, Scope, scope_of};
use super::queue;
use super::settle;
use super::sweep;
use super::swept::CLOCK_MARGIN;
use super::work::Work;
use crate::streams::change::{
    Identity, Kind, Of, Touches, brings, ends_if_absent, is_read, takes_away,
};
use crate::streams::{LogEvent, Party, STREAMS, Stream, parties};

/// Event types whose touches are remembered, so that each is looked up once.
const MOST_TYPES: usize = 2_000;

/// The touches of the event types that were looked up so far.
#[derive(Debug, Default)]
pub(super) struct Touched(BTreeMap<String, Vec<(&'static Stream, Touches)>>);

/// An event that touches something.
struct Event<'a> {
    kind: &'a str,
    entry: &'a LogEvent,
    targets: Vec<Party>,
    actor: Option<Party>,
    now: Timestamp,
}

/// Whether a snapshot has read what an event is about, or is about to.
enum Coverage {
    /// Nothing is to be done.
    Read,
    /// The open snapshot, or one that is due, reads it; if that does not end well, it is still to be done.
    Awaited,
    /// It is to be read.
    Open,
}

impl Event<'_> {
    fn ids(&self, kind: Kind) -> Vec<&str> {
        let of_kind = self
            .targets
            .iter()
            .filter(|target| kind.names(&target.kind, &target.id));
        of_kind.map(|target| target.id.as_str()).collect()
    }

    fn change(&self, coverage: &Coverage) -> Change {
        let change = queue::change(
            Some(self.entry.id.clone()),
            self.entry.published,
            takes_away(self.kind),
        );
        Change {
            left_to_snapshot: matches!(coverage, Coverage::Awaited),
            ends_if_absent: ends_if_absent(self.kind),
            ..change
        }
    }
}

impl Touched {
    /// Makes the jobs that follow from events of success.
    pub(super) fn mark(
        &mut self,
        work: &mut Work,
        events: &[(&RawValue, &LogEvent)],
        now: Timestamp,
    ) {
        for (raw, entry) in events {
            let Some(kind) = entry.succeeded.as_deref() else {
                continue;
            };
            let touched = self.by(kind);
            if touched.is_empty() {
                continue;
            }
            let (targets, actor) = parties(raw);
            let event = Event {
                kind,
                entry,
                targets,
                actor,
                now,
            };
            touched
                .into_iter()
                .for_each(|(stream, touches)| touch(work, stream, touches, &event));
        }
    }

    fn by(&mut self, kind: &str) -> Vec<(&'static Stream, Touches)> {
        if let Some(touched) = self.0.get(kind) {
            return touched.clone();
        }
        let touches =
            |stream: &'static Stream| stream.touches(kind).map(move |touches| (stream, touches));
        let touched: Vec<_> = STREAMS
            .iter()
            .copied()
            .filter(|_| !is_read(kind))
            .flat_map(touches)
            .collect();
        if self.0.len() < MOST_TYPES {
            self.0.insert(kind.to_owned(), touched.clone());
        }
        touched
    }
}

fn touch(work: &mut Work, stream: &'static Stream, touches: Touches, event: &Event<'_>) {
    let coverage = coverage(work, stream, event.entry.published);
    if matches!(coverage, Coverage::Read) {
        return;
    }
    if work.stream(stream.name).is_none() {
        return work.make_due(stream);
    }
    match touches {
        Touches::Whole => {
            work.progress_mut(stream.name).removed += u64::from(takes_away(event.kind));
            work.make_due(stream);
        }
        Touches::Lately => sweep::request(work, stream, Some(event.change(&coverage)), event.now),
        Touches::Each(kinds) => each_of(work, stream, kinds, event, &coverage),
        Touches::EachOrActor(kind) => each_or_actor(work, stream, kind, event, &coverage),
        Touches::Life => {
            let ids = event.ids(Kind::User);
            match users_stream(work).filter(|_| ids.is_empty()) {
                Some(users) => {
                    sweep::request(work, users, Some(event.change(&coverage)), event.now)
                }
                None => lives(work, stream, &ids, event, &coverage),
            }
            if takes_away(event.kind) && !matches!(stream.identity, Identity::Object(_)) {
                event
                    .ids(Kind::User)
                    .into_iter()
                    .for_each(|id| work.expect_removals(stream, Kind::User, id));
            }
        }
        Touches::EachOfFew(kind) => {
            if let Identity::Pair(first, second) = stream.identity
                && settle::listing_cost(work, stream, first, second) <= settle::FEW_PAGES
            {
                each(work, stream, kind, &event.ids(kind), event, &coverage);
            }
        }
        Touches::Pair => pair(work, stream, event, &coverage),
        Touches::Gone(kind) => {
            let gone = event.ids(kind);
            if gone.is_empty() {
                return work.make_due(stream);
            }
            gone.into_iter()
                .for_each(|id| end(work, stream, kind, id, event, &coverage));
        }
    }
}

fn coverage(work: &Work, stream: &Stream, published: Option<Timestamp>) -> Coverage {
    let Some(progress) = work.progress(stream.name) else {
        return Coverage::Read;
    };
    let is_before =
        |at: Timestamp| published.is_some_and(|published| published < at - CLOCK_MARGIN);
    let open = progress.open.as_ref().map(|open| open.started_at);
    let Some(complete) = &progress.complete else {
        // Nothing was promised of it yet: whatever snapshot is the first to be complete begins later.
        return if open.is_none_or(is_before) {
            Coverage::Read
        } else {
            Coverage::Open
        };
    };
    let is_narrowed = work
        .plan
        .narrowed
        .as_ref()
        .is_some_and(|only| !only.iter().any(|name| name == stream.name));
    if is_before(complete.started_at) {
        Coverage::Read
    } else if open.is_some_and(is_before) || open.is_none() && progress.asked && !is_narrowed {
        Coverage::Awaited
    } else {
        Coverage::Open
    }
}

fn each_of(
    work: &mut Work,
    stream: &'static Stream,
    kinds: &[Kind],
    event: &Event<'_>,
    coverage: &Coverage,
) {
    let of_kinds: Vec<_> = kinds
        .iter()
        .map(|kind| (*kind, event.ids(*kind)))
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    if of_kinds.is_empty() {
        unnamed(work, stream, event, coverage);
    }
    for (kind, ids) in of_kinds {
        each(work, stream, kind, &ids, event, coverage);
    }
}

fn each(
    work: &mut Work,
    stream: &'static Stream,
    kind: Kind,
    ids: &[&str],
    event: &Event<'_>,
    coverage: &Coverage,
) {
    if ids.is_empty() {
        unnamed(work, stream, event, coverage);
    }
    let is_new = matches!(stream.identity, Identity::Object(_)) && event.kind.contains("create");
    for id in ids {
        work.change(stream, Of::All(kind), id, event.change(coverage), event.now);
        work.progress_mut(stream.name).added += u64::from(is_new);
        if takes_away(event.kind) && matches!(stream.identity, Identity::Principal(_)) {
            work.expect_removals(stream, kind, id);
        }
    }
}

/// The records of each target, or of the actor, who are live: only they do this.
fn each_or_actor(
    work: &mut Work,
    stream: &'static Stream,
    kind: Kind,
    event: &Event<'_>,
    coverage: &Coverage,
) {
    let actor = event
        .actor
        .iter()
        .filter(|actor| kind.names(&actor.kind, &actor.id));
    let actor = actor.map(|actor| actor.id.as_str()).collect();
    let ids = Some(event.ids(kind))
        .filter(|ids| !ids.is_empty())
        .unwrap_or(actor);
    if ids.is_empty() {
        unnamed(work, stream, event, coverage);
    }
    for id in ids {
        work.add(
            stream,
            Of::All(kind),
            id,
            Job::changed_in_life(event.change(coverage)),
            event.now,
        );
    }
}

/// A life that ends explains no loss by itself: whether it has ended, the user's own object says.
fn lives(
    work: &mut Work,
    stream: &'static Stream,
    ids: &[&str],
    event: &Event<'_>,
    coverage: &Coverage,
) {
    if ids.is_empty() {
        unnamed(work, stream, event, coverage);
    }
    let is_new = matches!(stream.identity, Identity::Object(_)) && event.kind.contains("create");
    for id in ids {
        let change = Change {
            losses: 0,
            ..event.change(coverage)
        };
        work.change(stream, Of::All(Kind::User), id, change, event.now);
        work.progress_mut(stream.name).added += u64::from(is_new && stream.sweep.is_some());
    }
}

fn pair(work: &mut Work, stream: &'static Stream, event: &Event<'_>, coverage: &Coverage) {
    let Identity::Pair(first, second) = stream.identity else {
        return;
    };
    let (firsts, seconds) = (event.ids(first), event.ids(second));
    match (firsts.is_empty(), seconds.is_empty()) {
        (true, true) => unnamed(work, stream, event, coverage),
        (false, true) => each(work, stream, first, &firsts, event, coverage),
        (true, false) => each(work, stream, second, &seconds, event, coverage),
        (false, false) => {
            for (parent, child) in firsts
                .iter()
                .flat_map(|first| seconds.iter().map(move |second| (first, second)))
            {
                work.change(
                    stream,
                    Of::Pair,
                    &format!("{parent}:{child}"),
                    event.change(coverage),
                    event.now,
                );
                let progress = work.progress_mut(stream.name);
                progress.removed += u64::from(takes_away(event.kind));
                progress.added += u64::from(brings(event.kind));
            }
        }
    }
}

/// An event that names nothing touches all that it could mean.
fn unnamed(work: &mut Work, stream: &'static Stream, event: &Event<'_>, coverage: &Coverage) {
    if stream.sweep.is_some() {
        sweep::request(work, stream, Some(event.change(coverage)), event.now);
    } else {
        work.make_due(stream);
    }
}

fn users_stream(work: &Work) -> Option<&'static Stream> {
    work.plan.streams.iter().copied().find(|stream| {
        stream
            .sweep
            .as_ref()
            .is_some_and(|sweep| sweep.life.is_some())
    })
}

/// An object is gone for good, and with it whatever hung on it: no job of it needs a read any more.
fn end(
    work: &mut Work,
    stream: &'static Stream,
    kind: Kind,
    id: &str,
    event: &Event<'_>,
    coverage: &Coverage,
) {
    let Some(scope) = scope_of(stream, Of::All(kind), id) else {
        return;
    };
    let hangs = |(key, _): &(&Key, _)| key.scope.names(id) && !matches!(key.scope, Scope::Whole);
    let ended: Vec<_> = work
        .queue
        .of(stream.name)
        .filter(hangs)
        .map(|(key, _)| key.clone())
        .collect();
    for key in ended {
        if !work.queue.is_under_way(&key) {
            work.queue.remove(&key);
        }
    }
    if !matches!(stream.identity, Identity::Object(_)) {
        work.expect_removals(stream, kind, id);
    } else if matches!(coverage, Coverage::Awaited) {
        work.progress_mut(stream.name).removed += 1;
    }
    work.queue.gone_for_good(
        Key {
            reads: stream.name,
            scope,
        },
        event.change(coverage),
        event.now,
    );
}
