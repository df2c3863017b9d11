//! Answers that objects are put together from, and objects that several streams need.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::listed::harvest_mentioned;
use super::state::{Answered, Answers};
use super::troubles::failed;
use crate::engine::ask::Answer;
use crate::engine::assembly::{Stepped, made};
use crate::engine::harvest::Harvest;
use crate::engine::job::{Key, Scope};
use crate::engine::lending::borrowers;
use crate::engine::reading::{Shape, reading};
use crate::engine::work::Work;
use crate::streams::change::Identity;
use crate::streams::{Assembly, Context, Mentions, Source, Stream, by_name};

impl Answers {
    /// Spares other streams the request for the object that they must know first.
    pub(super) fn lend(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        own: &'static Stream,
        object: &RawValue,
    ) -> Vec<Harvest> {
        let borrowers = borrowers(work, own, &answered.key.scope);
        let mut harvests = Vec::new();
        for (stream, key) in borrowers {
            let waits = work.queue.get(&key).is_some_and(|job| job.item.is_none())
                && !work.queue.is_under_way(&key);
            if waits {
                harvests.extend(self.give(work, &key, stream, object, answered));
            }
        }
        harvests
    }

    /// Gives a job the object that it must know first; one that is not wanted ends the job, and its records.
    fn give(
        &mut self,
        work: &mut Work,
        key: &Key,
        stream: &'static Stream,
        object: &RawValue,
        answered: &Answered<'_>,
    ) -> Option<Harvest> {
        let Some(Shape::Assembled { kind, .. }) =
            reading(key, work.queue.get(key)?).map(|reading| reading.shape)
        else {
            return None;
        };
        let parents = stream.parents_of_kind(kind)?;
        if (parents.wanted)(object) {
            let kept = if parents.keep {
                Context::default().object(object)
            } else {
                None
            };
            let kept = kept.unwrap_or_else(|| serde_json::json!({}));
            work.queue
                .update(key, answered.now, |job| job.item = Some(kept));
            return None;
        }
        let cause = work.queue.get(key)?.cause();
        self.assemblies.leave(key);
        if matches!(stream.identity, Identity::Object(_)) {
            let harvest = work
                .tombstone(stream, &key.scope, answered.at)
                .because_of(cause);
            work.end(key, answered.now);
            return Some(harvest);
        }
        let since_sequence = work.sequence + 1;
        work.forget(stream, &key.scope, since_sequence);
        work.end(key, answered.now);
        None
    }

    pub(super) fn assembled(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        object: Option<&'static str>,
        answer: Answer,
    ) -> Vec<Harvest> {
        let Answered {
            key, job, at, now, ..
        } = answered;
        let shape = Shape::Assembled { kind: "", object };
        if object.is_some() && job.item.is_none() {
            return match answer {
                Answer::Page { body, .. } => match body.object() {
                    Ok(object) => self
                        .give(work, key, stream, &object, answered)
                        .into_iter()
                        .collect(),
                    Err(error) => failed(work, answered, error.to_string(), false),
                },
                other => self.trouble(work, answered, shape, other),
            };
        }
        match self
            .assemblies
            .take(key, stream, *at, answer, job.expiries > 0)
        {
            Stepped::More => Vec::new(),
            Stepped::Gone => self.trouble(work, answered, shape, Answer::Gone),
            Stepped::Changed => {
                work.queue.update(key, *now, |job| job.expiries += 1);
                Vec::new()
            }
            Stepped::Trouble(other) => self.trouble(work, answered, shape, other),
            Stepped::Done { assembly, began_at } => {
                self.end_assembly(work, answered, stream, &assembly, began_at)
            }
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
        let Source::Assembled {
            assemble, mentions, ..
        } = &stream.source
        else {
            return Vec::new();
        };
        let objects = made(&assemble(assembly));
        let lines = objects.len() as u64;
        if job.of_snapshot {
            work.count(stream.name, lines, 0);
        }
        let since_sequence = work.sequence + 1;
        work.queue.update(key, *now, |job| {
            (job.lines, job.since_sequence) = (lines, Some(since_sequence))
        });
        let own = work.harvest(stream, &key.scope, None, began_at, objects);
        let mentioned = mentions.as_ref().and_then(|Mentions { stream, ids }| {
            harvest_mentioned(work, by_name(stream)?, ids(assembly), began_at)
        });
        if matches!(key.scope, Scope::Parent(..)) {
            self.end_records(work, key, stream, None, *now);
        } else {
            work.end(key, *now);
        }
        let harvests = mentioned.into_iter().chain(own);
        harvests
            .map(|harvest| harvest.because_of(job.cause()))
            .collect()
    }
}
