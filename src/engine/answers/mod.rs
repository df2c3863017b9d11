//! The effects of an answer: records, tombstones, jobs, and records that are forgotten.

mod assembled;
mod ends;
mod listed;
mod records;
mod rows;
mod state;
mod troubles;

use jiff::Timestamp;

use listed::{count_request, listed};
use state::Answered;
pub(super) use state::{Answers, streams_of};
use troubles::failed;

use super::ask::Answer;
use super::belief::{doubted, forget};
use super::flights::Flight;
use super::harvest::Harvest;
use super::looks::{Verdict, judge};
use super::reading::{Reading, Shape, reading};
use super::work::Work;
use crate::body::Body;
use crate::streams::Stream;

impl Answers {
    /// Takes the answer to a job's request.
    pub(super) fn absorb(
        &mut self,
        work: &mut Work,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let Some(key) = &flight.key else {
            return Vec::new();
        };
        if flight.is_look {
            self.decide(work, flight.ticket, &answer, now);
            return Vec::new();
        }
        work.queue.answered(key, now);
        let Some(job) = work.queue.get(key).cloned() else {
            return Vec::new();
        };
        if job.is_gone() {
            self.assemblies.leave(key);
            return Vec::new();
        }
        if job.serves_nothing(&key.scope) {
            work.queue.remove(key);
            return Vec::new();
        }
        count_request(work, key, &job);
        let Some(Reading { stream, shape, .. }) = reading(key, &job) else {
            return Vec::new();
        };
        let answered = Answered {
            key,
            job,
            at: flight.sent_at,
            now,
            path: &flight.path,
        };
        match (shape, stream) {
            (Shape::Assembled { object, .. }, Some(stream)) => {
                self.assembled(work, &answered, stream, object, answer)
            }
            (_, stream) => match answer {
                Answer::Page { body, next } => {
                    self.page(work, &answered, stream, shape, &body, next)
                }
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
        let items = match body.items() {
            Ok(items) => items,
            Err(error) => return failed(work, answered, error, false),
        };
        let is_new = next
            .as_deref()
            .is_none_or(|next| work.follow(answered.key, answered.path, next));
        if !is_new && !items.is_empty() {
            let error =
                "the next link leads to a page that was read before in this listing".to_owned();
            return failed(work, answered, error, false);
        }
        // A page that says nothing and leads nowhere is the end.
        let next = next.filter(|_| is_new);
        match (shape, stream) {
            (Shape::Listing(listing), own) => listed(work, answered, listing, own, items, next)
                .into_iter()
                .collect(),
            (Shape::Changes(rows), Some(stream)) => {
                self.changed(work, answered, stream, rows, items, next)
            }
            (Shape::Records { .. }, Some(stream)) => {
                self.records(work, answered, stream, shape, items, next)
            }
            _ => Vec::new(),
        }
    }

    fn decide(&mut self, work: &mut Work, ticket: u64, answer: &Answer, now: Timestamp) {
        for doubt in self.looks.take(ticket) {
            let key = &doubt.key;
            work.queue.answered(key, now);
            let Some(job) = work.queue.get(key) else {
                continue;
            };
            if job.is_gone() {
                continue;
            }
            let Some(Reading {
                stream: Some(stream),
                shape,
                ..
            }) = reading(key, job)
            else {
                continue;
            };
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
}
