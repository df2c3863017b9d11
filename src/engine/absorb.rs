//! What an answer changes: records, tombstones, jobs, and what is forgotten.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::ask::Answer;
use super::assembly::Assemblies;
use super::belief::{Belief, Ended, doubt, doubted, forget, note_life, note_second, note_size};
use super::flights::Flight;
use super::harvest::{Harvest, items};
use super::job::{Job, Key, Scope};
use super::listed::{count_request, listed};
use super::looks::{Look, Looks, Verdict, judge};
use super::reading::{Reading, Shape, reading};
use super::sweep;
use super::troubles::failed;
use super::work::Work;
use crate::body::{Body, Item};
use crate::streams::{Assembly, Context, Source, Stream, id_of};

/// Answers that more than one request is needed for, and doubts that wait for a look.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) assemblies: Assemblies,
    pub(super) looks: Looks,
    /// Jobs whose pages held the anchor.
    anchored: BTreeSet<Key>,
}

/// An answer's job.
pub(super) struct Answered<'a> {
    pub(super) key: &'a Key,
    pub(super) job: Job,
    /// When its request was sent.
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) path: &'a str,
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
        let context = Context { parent: Some(id), ..Context::default() };
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
    pub(super) fn end_records(
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
        match doubt(work, key, &Ended { stream, job: &job, shape, was_anchored }) {
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
    pub(super) fn object(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        object: Item,
    ) -> Vec<Harvest> {
        let Answered { key, job, at, now, .. } = answered;
        sweep::note(work, stream, &object);
        note_life(work, stream, &object);
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
}
