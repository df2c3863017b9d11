//! What an answer changes: records, tombstones, jobs, and what is forgotten.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::ask::{Answer, Parked};
use super::assembly::{Assemblies, Stepped, made};
use super::flights::Flight;
use super::guard::LOOKS_AT_AN_ABSENCE;
use super::harvest::{Harvest, items};
use super::job::{Change, Job, Key, Scope};
use super::looks::{Look, Looks, Verdict, is_deprovisioned, judge};
use super::queue::Rank;
use super::reading::{Reading, Shape, reading};
use super::work::{Work, scope_of};
use super::{looks, settle, snapshots, sweep};
use crate::body::{Body, Item};
use crate::streams::change::{Identity, Kind, Of, Read, Rows};
use crate::streams::{Assembly, Context, Listing, Mentions, Source, Stream, by_name, id_of};

/// Positions of listings that may turn out expired before a run begins no listing again …
const MOST_EXPIRIES: u32 = 20;
/// … and those of one job before the run leaves it alone.
const EXPIRIES_OF_A_JOB: u32 = 2;
/// Refusals of a listing before its snapshots begin anew when it may be read.
const LASTING_REFUSALS: u32 = 3;
/// Ids that a stream's objects may mention of another's; more would be no role types.
const MOST_MENTIONED: usize = 100;
const NO_POSITION: &str =
    "Okta keeps rejecting page cursors that it has just issued; the next run starts this listing over";

/// Answers that more than one request is needed for, and doubts that wait for a look.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) assemblies: Assemblies,
    pub(super) looks: Looks,
    /// Jobs whose pages held the anchor.
    anchored: BTreeSet<Key>,
}

/// An answer's job.
struct Answered<'a> {
    key: &'a Key,
    job: Job,
    at: Timestamp,
    now: Timestamp,
    path: &'a str,
}

impl Answers {
    /// The path of a job's next request, if it has one; an assembly begins with it.
    pub(super) fn path(&mut self, work: &Work, key: &Key) -> Option<String> {
        let job = work.queue.get(key)?;
        let reading = reading(key, job)?;
        match (reading.shape, &job.position) {
            (_, Some(position)) => Some(position.clone()),
            (Shape::Assembled { object: Some(object), .. }, None) if job.item.is_none() => {
                Some(object.replace("{id}", key.scope.id()?))
            }
            (Shape::Assembled { kind, .. }, None) => {
                let (parent, item) = (key.scope.id()?.to_owned(), job.item.clone());
                let begin = || Assembly { kind, parent, item, parts: Vec::new() };
                self.assemblies.next(key, reading.stream?, begin)
            }
            (_, None) => Some(reading.path),
        }
    }

    /// The path that a look is sent to.
    pub(super) fn look_path(work: &Work, key: &Key, look: &Look) -> Option<String> {
        match look {
            Look::User(id) => Some(format!("/api/v1/users/{id}")),
            Look::Other(scope, _) => {
                let other = Key { reads: key.reads, scope: scope.clone() };
                let reading = reading(&other, work.queue.get(key)?)?;
                match (reading.shape, &reading.stream?.source) {
                    (Shape::Assembled { kind, .. }, Source::Assembled { next, .. }) => {
                        let parent = scope.id()?.to_owned();
                        next(&Assembly { kind, parent, item: None, parts: Vec::new() }).map(|step| step.path)
                    }
                    _ => Some(reading.path),
                }
            }
        }
    }

    /// Takes the answer to a job's request.
    pub(super) fn absorb(&mut self, work: &mut Work, flight: &Flight, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        let Some(key) = &flight.key else { return Vec::new() };
        if flight.is_look {
            self.decide(work, flight.ticket, &answer, now);
            return Vec::new();
        }
        work.queue.answered(key, now);
        let Some(job) = work.queue.get(key).cloned() else { return Vec::new() };
        if job.is_gone() {
            self.assemblies.leave(key);
            return Vec::new();
        }
        count_request(work, key, &job);
        let Some(Reading { stream, shape, .. }) = reading(key, &job) else { return Vec::new() };
        let answered = Answered { key, job, at: flight.sent_at, now, path: &flight.path };
        match (shape, stream) {
            (Shape::Assembled { object, .. }, Some(stream)) => self.assembled(work, &answered, stream, object, answer),
            (_, stream) => match answer {
                Answer::Page { body, next } => self.page(work, &answered, stream, shape, &body, next),
                other => self.trouble(work, &answered, shape, other),
            },
        }
    }

    fn page(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: Option<&'static Stream>,
        shape: Shape,
        body: &Body,
        next: Option<String>,
    ) -> Vec<Harvest> {
        if let (Shape::Object, Some(stream)) = (shape, stream) {
            return match body.object() {
                Ok(object) => self.object(work, answered, stream, object.into()),
                Err(error) => failed(work, answered, error.to_string(), false),
            };
        }
        let items = match items(body) {
            Ok(items) => items,
            Err(error) => return failed(work, answered, error, false),
        };
        let is_new = next.as_deref().is_none_or(|next| work.follow(answered.key, answered.path, next));
        if !is_new && !items.is_empty() {
            let error = "the next link leads to a page that was read before in this listing".to_owned();
            return failed(work, answered, error, false);
        }
        // A page that says nothing and leads nowhere is the end.
        let next = next.filter(|_| is_new);
        match (shape, stream) {
            (Shape::Listing(listing), own) => listed(work, answered, listing, own, items, next).into_iter().collect(),
            (Shape::Changes(rows), Some(stream)) => self.changed(work, answered, stream, rows, items, next),
            (Shape::Records { .. }, Some(stream)) => self.records(work, answered, stream, shape, items, next),
            _ => Vec::new(),
        }
    }

    /// A page of all records of one object.
    fn records(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        shape: Shape,
        items: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let Shape::Records { normalize, .. } = shape else { return Vec::new() };
        let Answered { key, job, at, now, .. } = answered;
        let Some(id) = key.scope.id() else { return Vec::new() };
        let anchor = work.seen.everyone.clone();
        if anchor.is_some() && items.iter().any(|item| id_of(item) == anchor) {
            self.anchored.insert((*key).clone());
        }
        let context = Context { parent: Some(id), drop_attributes: &[] };
        let tells = |item: &RawValue| normalize.is_none_or(|normalize| normalize(item, &context).is_some());
        let (items, untold): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| tells(item));
        note_second(work, stream, &key.scope, &items);
        let lines = items.len() as u64;
        if job.of_snapshot {
            work.count(stream.name, lines, 0);
        }
        let since_sequence = job.since_sequence.unwrap_or(work.sequence + 1);
        let (total, is_last) = (job.lines + lines + untold.len() as u64, next.is_none());
        work.queue.update(key, *now, |job| {
            (job.position, job.since_sequence, job.lines) = (next, Some(since_sequence), total);
        });
        let harvest = work.harvest(stream, &key.scope, Some(id.to_owned()), *at, items);
        // An item that cannot tell what the record is gives at least its name.
        for other in untold.iter().filter_map(|item| id_of(item)) {
            let change = job.change.clone().unwrap_or_default();
            let scope = Scope::Pair(other, id.to_owned());
            work.queue.add(Key { reads: stream.name, scope }, Job::changed(change), *now);
        }
        if is_last {
            self.end_records(work, key, stream, Some(shape), *now);
        }
        let harvest = harvest.map(|harvest| harvest.because_of(job.cause()).mapped_by(normalize));
        harvest.into_iter().collect()
    }

    /// All records of one object are read: what they do not repeat is forgotten, if that is to be believed.
    fn end_records(
        &mut self,
        work: &mut Work,
        key: &Key,
        stream: &'static Stream,
        shape: Option<Shape>,
        now: Timestamp,
    ) {
        let was_anchored = self.anchored.remove(key);
        let Some(job) = work.queue.get(key).cloned() else { return };
        if job.change.is_none() {
            note_size(work, stream, &key.scope, job.lines);
            return work.end(key, now);
        }
        match doubt(work, key, stream, &job, shape, was_anchored) {
            // The snapshot that it is a part of decides.
            Belief::Open(_) | Belief::Doubted(_) if job.of_snapshot => {
                note_size(work, stream, &key.scope, job.lines);
                work.end(key, now);
            }
            Belief::Sound => forget(work, key, stream, now),
            Belief::Open(look) => {
                // No request of its own is sent meanwhile.
                work.queue.send(key, now);
                self.looks.add(key.clone(), look);
            }
            Belief::Doubted(why) => doubted(work, key, why, now),
        }
    }

    fn decide(&mut self, work: &mut Work, ticket: u64, answer: &Answer, now: Timestamp) {
        for doubt in self.looks.take(ticket) {
            let key = &doubt.key;
            work.queue.answered(key, now);
            let Some(job) = work.queue.get(key) else { continue };
            if job.is_gone() {
                continue;
            }
            let Some(Reading { stream: Some(stream), shape, .. }) = reading(key, job) else { continue };
            let page_items = match shape {
                Shape::Records { page_items, .. } => page_items,
                _ => 1,
            };
            match (answer, judge(&doubt, page_items, answer)) {
                (Answer::Dropped | Answer::Limited { .. }, _) => work.restart(key, now),
                (_, Verdict::Believed) => forget(work, key, stream, now),
                (_, Verdict::Doubted(why)) => doubted(work, key, why, now),
            }
        }
    }

    /// One object.
    fn object(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        object: Item,
    ) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        sweep::note(work, stream, &object);
        let has_life = stream.sweep.as_ref().is_some_and(|sweep| sweep.life.is_some());
        if let Some(id) = key.scope.id().filter(|_| has_life) {
            work.lives.insert(id.to_owned(), !is_deprovisioned(object.get()));
        }
        let mut harvests = self.lend(work, answered, stream, &object);
        let parent = match &key.scope {
            Scope::Pair(first, _) => Some(first.clone()),
            _ => None,
        };
        let harvest = work.harvest(stream, &key.scope, parent, *at, vec![object]);
        work.end(key, *now);
        harvests.extend(harvest.map(|harvest| harvest.because_of(job.cause())));
        harvests
    }

    /// Spares other streams the request for the object that they must know first.
    fn lend(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        own: &'static Stream,
        object: &RawValue,
    ) -> Vec<Harvest> {
        let borrowers = borrowers(work, own, &answered.key.scope);
        let mut harvests = Vec::new();
        for (stream, key) in borrowers {
            let waits = work.queue.get(&key).is_some_and(|job| job.item.is_none()) && !work.queue.is_under_way(&key);
            if waits {
                harvests.extend(self.give(work, &key, stream, object, answered));
            }
        }
        harvests
    }

    /// Tells a job the object itself: one that is not wanted has nothing to be read.
    fn give(
        &mut self,
        work: &mut Work,
        key: &Key,
        stream: &'static Stream,
        object: &RawValue,
        answered: &Answered<'_>,
    ) -> Option<Harvest> {
        let Some(Shape::Assembled { kind, .. }) = reading(key, work.queue.get(key)?).map(|reading| reading.shape)
        else {
            return None;
        };
        let parents = stream.parents_of_kind(kind)?;
        if (parents.wanted)(object) {
            let kept = if parents.keep { Context::default().object(object) } else { None };
            let kept = kept.unwrap_or_else(|| serde_json::json!({}));
            work.queue.update(key, answered.now, |job| job.item = Some(kept));
            return None;
        }
        let cause = work.queue.get(key)?.cause();
        self.assemblies.leave(key);
        if matches!(stream.identity, Identity::Object(_)) {
            let harvest = work.tombstone(stream, &key.scope, answered.at).because_of(cause);
            work.end(key, answered.now);
            return Some(harvest);
        }
        let since_sequence = work.sequence + 1;
        work.forget(stream, &key.scope, since_sequence);
        work.end(key, answered.now);
        None
    }

    fn assembled(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        object: Option<&'static str>,
        answer: Answer,
    ) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        let shape = Shape::Assembled { kind: "", object };
        if object.is_some() && job.item.is_none() {
            return match answer {
                Answer::Page { body, .. } => match body.object() {
                    Ok(object) => self.give(work, key, stream, &object, answered).into_iter().collect(),
                    Err(error) => failed(work, answered, error.to_string(), false),
                },
                other => self.trouble(work, answered, shape, other),
            };
        }
        match self.assemblies.take(key, stream, *at, answer) {
            Stepped::More => Vec::new(),
            Stepped::Gone => self.trouble(work, answered, shape, Answer::Gone),
            Stepped::Changed => {
                let error = "it changed while it was read".to_owned();
                // Once more at once, then with the next run.
                if job.expiries == 0 {
                    work.queue.update(key, *now, |job| job.expiries += 1);
                    return Vec::new();
                }
                failed(work, answered, error, false)
            }
            Stepped::Trouble(other) => self.trouble(work, answered, shape, other),
            Stepped::Done { assembly, began_at } => self.end_assembly(work, answered, stream, &assembly, began_at),
        }
    }

    fn end_assembly(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        assembly: &Assembly,
        began_at: Timestamp,
    ) -> Vec<Harvest> {
        let Answered { key, job, now, .. } = answered;
        let Source::Assembled { assemble, mentions, .. } = &stream.source else { return Vec::new() };
        let objects = made(&assemble(assembly));
        let lines = objects.len() as u64;
        if job.of_snapshot {
            work.count(stream.name, lines, 0);
        }
        let since_sequence = work.sequence + 1;
        work.queue.update(key, *now, |job| (job.lines, job.since_sequence) = (lines, Some(since_sequence)));
        let own = work.harvest(stream, &key.scope, None, began_at, objects);
        let mentioned = mentions
            .as_ref()
            .and_then(|Mentions { stream, ids }| harvest_mentioned(work, by_name(stream)?, ids(assembly), began_at));
        if matches!(key.scope, Scope::Parent(..)) {
            self.end_records(work, key, stream, None, *now);
        } else {
            work.end(key, *now);
        }
        let harvests = mentioned.into_iter().chain(own);
        harvests.map(|harvest| harvest.because_of(job.cause())).collect()
    }

    /// A page of what has changed.
    fn changed(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        rows: Rows,
        items: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        let Some(swept) = &stream.sweep else { return Vec::new() };
        let is_for_jobs = sweep::is_for_jobs(work, stream, job);
        let (mut harvests, mut news, mut answers) = (Vec::new(), Vec::new(), 0);
        for row in items {
            match (rows, self.waiting(work, stream, &row)) {
                (Rows::Records, Some(waiting)) => {
                    answers += 1;
                    if !is_for_jobs {
                        sweep::mark_life(work, swept, &row, job.changed_since, *now);
                    }
                    let job = work.queue.get(&waiting).cloned().unwrap_or_default();
                    let answered = Answered { key: &waiting, job, at: *at, now: *now, path: answered.path };
                    harvests.extend(self.object(work, &answered, stream, row));
                }
                // What nobody waits for is left to the sweep that is due by time.
                _ if is_for_jobs || !sweep::is_news(work, stream, swept, &row) => {}
                _ => {
                    sweep::note(work, stream, &row);
                    sweep::mark_life(work, swept, &row, job.changed_since, *now);
                    match rows {
                        Rows::Records => news.push(row),
                        Rows::Parents { kind, wanted } => {
                            if let Some(id) = id_of(&row).filter(|_| wanted(&row)) {
                                let change = job.change.clone().unwrap_or_default();
                                let change = Change { since: None, losses: 0, ..change };
                                work.change(stream, Of::All(kind), &id, change, *now);
                            }
                        }
                    }
                }
            }
        }
        harvests.extend(work.harvest(stream, &key.scope, None, *at, news));
        let objects = work.queue.waiting(stream.name, Rank::Changed);
        let has_waiting = objects.into_iter().any(|key| matches!(key.scope, Scope::Object(..)));
        let is_worth_more = answers > 0 && has_waiting || !is_for_jobs;
        match next.filter(|_| is_worth_more) {
            Some(next) => work.queue.update(key, *now, |job| {
                (job.position, job.began_at) = (Some(next), job.began_at.or(Some(*at)));
            }),
            None => {
                if !is_for_jobs {
                    sweep::ended(work, stream, job.began_at.unwrap_or(*at));
                }
                work.end(key, *now);
                settle::weigh(work, stream, *now);
            }
        }
        harvests
    }

    /// The job that a row of a sweep answers.
    fn waiting(&self, work: &Work, stream: &'static Stream, row: &RawValue) -> Option<Key> {
        let Identity::Object(kind) = stream.identity else { return None };
        let key = Key { reads: stream.name, scope: scope_of(stream, Of::All(kind), &id_of(row)?)? };
        (work.queue.get(&key).is_some_and(|job| !job.is_gone()) && !work.queue.is_under_way(&key)).then_some(key)
    }

    /// Anything but a page.
    fn trouble(&mut self, work: &mut Work, answered: &Answered<'_>, shape: Shape, answer: Answer) -> Vec<Harvest> {
        let Answered { key, job, .. } = answered;
        match answer {
            Answer::Page { .. } | Answer::Dropped => {}
            Answer::Limited { retry_after_s } => {
                streams_of(work, key, job).into_iter().for_each(|stream| work.park_limited(stream, retry_after_s));
            }
            Answer::Gone => return self.absence(work, answered, shape),
            Answer::Expired => return self.expired(work, answered),
            Answer::NotApplicable { error } => lack(work, answered, error),
            Answer::Unavailable { error } => return refused(work, answered, error),
            Answer::Refused { error } => return self.not_taken(work, answered, shape, error),
            Answer::Failed { error } => return failed(work, answered, error, false),
        }
        Vec::new()
    }

    /// The object does not exist (any more), as Okta answers. As a part of a snapshot that is an answer; where
    /// something has changed, it is doubted unless the change took it away: an object's end has an event.
    fn absence(&mut self, work: &mut Work, answered: &Answered<'_>, shape: Shape) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        self.assemblies.leave(key);
        if key.scope == Scope::Whole || key.scope == Scope::ChangedSince {
            let error =
                format!("Okta has no {} at this address: check that the secret's domain is an Okta org", key.reads);
            return failed(work, answered, error, false);
        }
        let Some(change) = job.change.as_ref().filter(|_| !job.of_snapshot) else {
            work.end(key, *now);
            return Vec::new();
        };
        if let (Scope::Pair(..), Shape::Object, true) = (&key.scope, shape, change.losses > 0)
            && let Some(stream) = by_name(key.reads)
        {
            let harvest = work.tombstone(stream, &key.scope, *at).because_of(job.cause());
            work.end(key, *now);
            return vec![harvest];
        }
        let looks = job.trouble.as_ref().filter(|trouble| trouble.doubted).map_or(0, |trouble| trouble.attempts) + 1;
        if looks >= LOOKS_AT_AN_ABSENCE {
            // It is left to its end's event, or to the next snapshot.
            work.end(key, *now);
        } else {
            work.restart(key, *now);
            work.queue.sink(key, *now, String::new(), false);
        }
        Vec::new()
    }

    fn expired(&mut self, work: &mut Work, answered: &Answered<'_>) -> Vec<Harvest> {
        let Answered { key, job, now, .. } = answered;
        self.assemblies.leave(key);
        work.expiries += 1;
        let expiries = job.expiries + 1;
        if work.expiries > MOST_EXPIRIES || key.scope != Scope::Whole && expiries > EXPIRIES_OF_A_JOB {
            work.restart(key, *now);
            work.queue.update(key, *now, |job| job.expiries = 0);
            if key.scope == Scope::Whole {
                streams_of(work, key, job).into_iter().for_each(|stream| snapshots::abandon(work, stream, *now));
                let error = Parked::Failed(NO_POSITION.to_owned());
                streams_of(work, key, job).into_iter().for_each(|stream| work.park(stream, error.clone()));
                return Vec::new();
            }
            return failed(work, answered, NO_POSITION.to_owned(), false);
        }
        if key.scope == Scope::Whole {
            // What was read before the position was lost may have changed since: new snapshots begin.
            for stream in streams_of(work, key, job) {
                snapshots::abandon(work, stream, *now);
                work.progress_mut(stream).asked |= work.progress(stream).is_some_and(|known| known.complete.is_some());
            }
            return Vec::new();
        }
        // Lines of the first pages may tell of what has gone meanwhile: the second reading forgets them.
        let had_lines = job.lines > 0;
        work.restart(key, *now);
        work.queue.update(key, *now, |job| {
            job.expiries = expiries;
            if had_lines && matches!(key.scope, Scope::Parent(..)) {
                job.change.get_or_insert_default();
            }
        });
        Vec::new()
    }

    /// Okta does not take the request as it is.
    fn not_taken(&mut self, work: &mut Work, answered: &Answered<'_>, shape: Shape, error: String) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        let Some(stream) = by_name(key.reads).filter(|_| key.scope != Scope::Whole) else {
            return failed(work, answered, error, false);
        };
        let has_none = match &stream.source {
            Source::PerParent { parents, .. } => parents.refusal_is_none,
            _ => false,
        };
        match shape {
            Shape::Records { .. } if has_none => {
                tracing::info!(stream = stream.name, object = key.scope.told(), error, "it has no records of its own");
                work.end(key, *now);
            }
            // The snapshot asks in another way.
            Shape::Records { .. } if job.change.is_some() && !job.of_snapshot => {
                work.end(key, *now);
                work.make_due(stream);
            }
            Shape::Changes(_) => {
                sweep::ended(work, stream, *at);
                work.end(key, *now);
                work.make_due(stream);
                settle::weigh(work, stream, *now);
            }
            _ => return failed(work, answered, error, false),
        }
        Vec::new()
    }
}

/// Items of a listing: records of its own stream, and parts of the snapshots that it serves.
fn listed(
    work: &mut Work,
    answered: &Answered<'_>,
    listing: &'static Listing,
    own: Option<&'static Stream>,
    items: Vec<Item>,
    next: Option<String>,
) -> Option<Harvest> {
    let Answered { key, job, at, now, .. } = answered;
    if let Some(anchor) = listing.anchor
        && let Some(id) = items.iter().find(|item| anchor(item)).and_then(|item| id_of(item))
    {
        work.seen.everyone = Some(id);
    }
    let served: Vec<_> = job.serves.iter().filter_map(|name| by_name(name)).collect();
    for stream in &served {
        if stream.sweep.is_some() {
            items.iter().for_each(|item| sweep::note(work, stream, item));
        }
        let Some(parents) = stream.parents_of(listing.name) else { continue };
        for item in items.iter().filter(|item| (parents.wanted)(item)) {
            let Some(scope) = id_of(item).and_then(|id| scope_of(stream, Of::All(parents.of), &id)) else { continue };
            let item = if parents.keep { Context::default().object(item) } else { Some(serde_json::json!({})) };
            let item = item.filter(|_| stream.is_assembled());
            work.queue.add(Key { reads: stream.name, scope }, Job::of_snapshot(item), *now);
        }
    }
    let own = own.filter(|own| served.iter().any(|served| served.name == own.name));
    let lines = items.len() as u64;
    let harvest = own.and_then(|own| work.harvest(own, &Scope::Whole, None, *at, items));
    if let Some(own) = own {
        work.count(own.name, lines, 0);
    }
    match next {
        Some(_) => work.queue.update(key, *now, |job| (job.position, job.trouble) = (next, None)),
        None => {
            served.iter().for_each(|stream| work.progress_mut(stream.name).listed(listing.name));
            work.end(key, *now);
        }
    }
    harvest
}

/// Names of the streams that a job's request serves.
pub(super) fn streams_of(work: &Work, key: &Key, job: &Job) -> Vec<&'static str> {
    match key.scope {
        Scope::Whole => job.serves.iter().filter_map(|name| work.stream(name)).map(|stream| stream.name).collect(),
        _ => vec![key.reads],
    }
}

fn count_request(work: &mut Work, key: &Key, job: &Job) {
    if job.of_snapshot || key.scope == Scope::Whole {
        streams_of(work, key, job).into_iter().for_each(|stream| work.count(stream, 0, 1));
    }
}

/// It may not be read: a right is missing, for this object or for all.
fn refused(work: &mut Work, answered: &Answered<'_>, error: String) -> Vec<Harvest> {
    let Answered { key, job, now, .. } = answered;
    let attempts = job.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
    if key.scope == Scope::Whole && attempts >= LASTING_REFUSALS {
        for stream in streams_of(work, key, job) {
            snapshots::abandon(work, stream, *now);
            work.park(stream, Parked::Unavailable(error.clone()));
        }
        return Vec::new();
    }
    failed(work, answered, error, true)
}

/// The org lacks the feature: all of the stream, unless others of it were read.
fn lack(work: &mut Work, answered: &Answered<'_>, error: String) {
    let Answered { key, job, now, .. } = answered;
    for stream in streams_of(work, key, job) {
        let open = work.progress(stream).and_then(|progress| progress.open.as_ref());
        if key.scope != Scope::Whole && open.is_some_and(|open| open.lines > 0) {
            work.fail(key, error.clone(), true, *now);
        } else {
            snapshots::leave_feature(work, stream, error.clone(), *now);
        }
    }
}

fn failed(work: &mut Work, answered: &Answered<'_>, error: String, is_refused: bool) -> Vec<Harvest> {
    let Answered { key, job, now, .. } = answered;
    if job.position.is_none() {
        work.restart(key, *now);
    }
    work.fail(key, error, is_refused, *now);
    if key.scope == Scope::ChangedSince
        && let Some(stream) = by_name(key.reads)
    {
        settle::weigh(work, stream, *now);
    }
    Vec::new()
}

/// A reading that is not believed: nothing is forgotten, and it is done again, or left to the next snapshot where no
/// reason is told.
fn doubted(work: &mut Work, key: &Key, why: Option<String>, now: Timestamp) {
    let Some(why) = why else { return work.end(key, now) };
    work.restart(key, now);
    work.queue.doubt(key, now, why);
}

/// Declares what the job's reading did not repeat as gone.
fn forget(work: &mut Work, key: &Key, stream: &'static Stream, now: Timestamp) {
    let Some(job) = work.queue.get(key) else { return };
    let (since_sequence, lines) = (job.since_sequence.unwrap_or(work.sequence + 1), job.lines);
    work.forget(stream, &key.scope, since_sequence);
    note_size(work, stream, &key.scope, lines);
    work.end(key, now);
}

/// Whether a kind is the one whose objects' sizes are known.
fn is_first(stream: &Stream, kind: Kind) -> bool {
    match stream.identity {
        Identity::Pair(first, _) => kind == first,
        Identity::Principal(_) => true,
        Identity::Own | Identity::Object(_) => false,
    }
}

fn note_size(work: &mut Work, stream: &Stream, scope: &Scope, lines: u64) {
    if let Scope::Parent(kind, id) = scope
        && is_first(stream, *kind)
    {
        work.sizes.entry(stream.name.to_owned()).or_default().note(id, lines);
    }
}

fn note_second(work: &mut Work, stream: &Stream, scope: &Scope, items: &[Item]) {
    let (Identity::Pair(first, _), Scope::Parent(kind, id)) = (stream.identity, scope) else { return };
    let Some(last) = items.last() else { return };
    if let Some(id) = if first == *kind { id_of(last) } else { Some(id.clone()) } {
        work.seen.seconds.insert(stream.name.to_owned(), id);
    }
}

/// Whether what a reading did not repeat is believed to have gone.
enum Belief {
    Sound,
    /// A look decides.
    Open(Look),
    /// It is not, for this reason; `None` where the next snapshot decides.
    Doubted(Option<String>),
}

fn doubt(work: &Work, key: &Key, stream: &Stream, job: &Job, shape: Option<Shape>, was_anchored: bool) -> Belief {
    let Scope::Parent(kind, id) = &key.scope else { return Belief::Sound };
    let losses = job.change.as_ref().map_or(0, |change| change.losses);
    let is_live = work.lives.get(id).copied();
    if is_live == Some(false) {
        return Belief::Sound;
    }
    if is_first(stream, *kind) {
        let sizes = work.sizes.get(stream.name);
        if !sizes.is_some_and(|sizes| sizes.is_doubtful(id, job.lines, job.change.as_ref())) {
            return Belief::Sound;
        }
        let other = sizes.and_then(|sizes| sizes.largest_but(id)).map(|(other, lines)| {
            let kind = if kind.names("", other) { *kind } else { kind_of(other, *kind) };
            Look::Other(Scope::Parent(kind, other.to_owned()), lines)
        });
        if losses == 0 && *kind == Kind::User && is_live.is_none() {
            return Belief::Open(Look::User(id.clone()));
        }
        let second = || match stream.identity {
            Identity::Pair(_, second) => {
                let seen = work.seen.seconds.get(stream.name)?;
                stream.reread(Of::All(second))?;
                Some(Look::Other(Scope::Parent(second, seen.clone()), 1))
            }
            _ => None,
        };
        return match other.or_else(second) {
            Some(look) => Belief::Open(look),
            None if losses > 0 => Belief::Sound,
            None => Belief::Open(Look::Other(key.scope.clone(), 1)),
        };
    }
    let holds_anchor = matches!(shape, Some(Shape::Records { holds_anchor: true, .. }));
    if holds_anchor && work.seen.everyone.is_some() {
        return match is_live {
            _ if was_anchored => Belief::Sound,
            Some(_) => Belief::Doubted(Some(looks::contradiction(id))),
            None => Belief::Open(Look::User(id.clone())),
        };
    }
    if job.lines > 0 {
        return Belief::Sound;
    }
    if losses == 0 {
        // Somebody live who has nothing has lost nothing that no event tells of.
        return Belief::Doubted(None);
    }
    match work.seen.seconds.get(stream.name).filter(|other| *other != id) {
        Some(other) => Belief::Open(Look::Other(Scope::Parent(*kind, other.clone()), 1)),
        None => Belief::Sound,
    }
}

/// The kind of a principal, by its id.
fn kind_of(id: &str, or: Kind) -> Kind {
    [Kind::User, Kind::Group, Kind::Application].into_iter().find(|kind| kind.names("", id)).unwrap_or(or)
}

/// Streams that must know the object of a scope first, with their jobs.
fn borrowers(work: &Work, own: &Stream, scope: &Scope) -> Vec<(&'static Stream, Key)> {
    let Scope::Object(kind, id) = scope else { return Vec::new() };
    let Some(Read::Object { path: lent }) = own.reread(Of::All(*kind)).map(|reread| &reread.read) else {
        return Vec::new();
    };
    let borrows = |stream: &&'static Stream| match stream.reread(Of::All(*kind)).map(|reread| &reread.read) {
        Some(Read::Assembled { object: Some(path), .. }) => path == lent,
        _ => false,
    };
    let key = |stream: &'static Stream| {
        Some((stream, Key { reads: stream.name, scope: scope_of(stream, Of::All(*kind), id)? }))
    };
    work.plan.streams.iter().copied().filter(borrows).filter_map(key).collect()
}

/// Whether a job of all that a user has waits for the user's own, which tells whether they are live.
pub(super) fn waits_for_life(work: &Work, key: &Key) -> bool {
    let Scope::Parent(kind, id) = &key.scope else { return false };
    let has_life = |stream: &&'static Stream| {
        stream.identity == Identity::Object(*kind) && stream.sweep.as_ref().is_some_and(|sweep| sweep.life.is_some())
    };
    let Some(own) = work.plan.streams.iter().copied().find(has_life) else { return false };
    let own = Key { reads: own.name, scope: Scope::Object(*kind, id.clone()) };
    work.queue.is_ready(&own) && !work.is_parked(own.reads)
}

/// Whether a job waits for the object that it must know first, which another stream's job reads.
pub(super) fn waits_for_object(work: &Work, key: &Key) -> bool {
    let Some(job) = work.queue.get(key).filter(|job| job.item.is_none()) else { return false };
    let Some(Shape::Assembled { object: Some(path), .. }) = reading(key, job).map(|reading| reading.shape) else {
        return false;
    };
    let (Scope::Object(kind, id) | Scope::Parent(kind, id)) = &key.scope else { return false };
    let lends = |stream: &&'static Stream| match stream.reread(Of::All(*kind)).map(|reread| &reread.read) {
        Some(Read::Object { path: lent }) => *lent == path,
        _ => false,
    };
    let Some(own) = work.plan.streams.iter().copied().find(lends) else { return false };
    let lender = Key { reads: own.name, scope: Scope::Object(*kind, id.clone()) };
    work.queue.is_ready(&lender) && !work.is_parked(own.name)
}

/// Objects of another stream that show for the first time.
fn harvest_mentioned(work: &mut Work, stream: &'static Stream, ids: Vec<String>, at: Timestamp) -> Option<Harvest> {
    let fixed = stream.fixed.as_ref()?;
    let seen = work.mentioned.get(stream.name);
    let is_new = |id: &String| !fixed.known.contains(&id.as_str()) && !seen.is_some_and(|seen| seen.contains(id));
    let room = MOST_MENTIONED.saturating_sub(seen.map_or(0, BTreeSet::len));
    let new: Vec<String> = ids.into_iter().filter(is_new).take(room).collect();
    if new.is_empty() || work.stream(stream.name).is_none() {
        return None;
    }
    let objects: Vec<_> = new.iter().map(|id| (fixed.object)(id)).collect();
    work.mentioned.entry(stream.name.to_owned()).or_default().extend(new);
    // A snapshot that is open will bring them at its end.
    if work.progress(stream.name).is_some_and(|progress| progress.open.is_some()) {
        return None;
    }
    work.harvest(stream, &Scope::Whole, None, at, made(&objects))
}
