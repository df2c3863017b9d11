//! Pages of all records of one object, and objects that are records themselves.

use serde_json::value::RawValue;

use super::state::{Answered, Answers};
use crate::body::Item;
use crate::engine::belief::{note_life, note_second};
use crate::engine::harvest::Harvest;
use crate::engine::job::{Job, Key, Scope};
use crate::engine::reading::Shape;
use crate::engine::sweep;
use crate::engine::work::Work;
use crate::streams::{Context, Stream, id_of};

impl Answers {
    /// A page of all records of one object.
    pub(super) fn records(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        shape: Shape,
        items: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let Shape::Records { normalize, .. } = shape else {
            return Vec::new();
        };
        let Answered {
            key, job, at, now, ..
        } = answered;
        let Some(id) = key.scope.id() else {
            return Vec::new();
        };
        let anchor = work.seen.everyone.clone();
        if anchor.is_some() && items.iter().any(|item| id_of(item) == anchor) {
            self.anchored.insert((*key).clone());
        }
        let context = Context {
            parent: Some(id),
            ..Context::default()
        };
        let tells =
            |item: &RawValue| normalize.is_none_or(|normalize| normalize(item, &context).is_some());
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
            work.queue.add(
                Key {
                    reads: stream.name,
                    scope,
                },
                Job::changed(change),
                *now,
            );
        }
        if is_last {
            self.end_records(work, key, stream, Some(shape), *now);
        }
        let harvest = harvest.map(|harvest| harvest.because_of(job.cause()).mapped_by(normalize));
        harvest.into_iter().collect()
    }

    /// One object.
    pub(super) fn object(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        object: Item,
    ) -> Vec<Harvest> {
        let Answered {
            key, job, at, now, ..
        } = answered;
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
