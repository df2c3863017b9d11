//! Answers that objects are put together from.

use super::Engine;
use super::ask::Answer;
use super::assembly::{Stepped, made};
use super::due::Place;
use super::harvest::Harvest;
use super::ledger::Seen;
use super::reading::Shape;
use super::scope::Scope;
use super::scopes::Answered;
use crate::streams::{Assembly, Mentions, Source, Stream, by_name};
use jiff::Timestamp;

/// Ids that a stream's objects may mention of another's; more would be no role types.
const MOST_MENTIONED: usize = 100;

impl Engine {
    pub(super) fn assembled(
        &mut self,
        answered: &Answered<'_>,
        object: Option<&'static str>,
        answer: Answer,
    ) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        let shape = Shape::Assembled { kind: "", object };
        if object.is_some() && answered.due.item.is_none() {
            return match answer {
                Answer::Page { body, .. } => match body.object() {
                    Ok(object) => self
                        .give(stream, scope, &object.into(), answered.at, now)
                        .into_iter()
                        .collect(),
                    Err(error) => self.failed(answered, error.to_string()),
                },
                other => self.trouble(answered, shape, other),
            };
        }
        let is_second = answered.due.anew > 0;
        match self
            .assemblies
            .take(stream, scope, answered.at, answer, is_second)
        {
            Stepped::More => Vec::new(),
            Stepped::Gone => self.trouble(answered, shape, Answer::Gone),
            Stepped::Changed => {
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.dues.update(scope, now, |due| due.anew += 1);
                }
                Vec::new()
            }
            Stepped::Trouble(other) => self.trouble(answered, shape, other),
            Stepped::Done { assembly, began_at } => {
                self.end_assembly(answered, &assembly, began_at)
            }
        }
    }

    fn end_assembly(
        &mut self,
        answered: &Answered<'_>,
        assembly: &Assembly,
        began: Timestamp,
    ) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        let Source::Assembled {
            assemble, mentions, ..
        } = &stream.source
        else {
            return Vec::new();
        };
        let objects = made(&assemble(assembly));
        let lines = objects.len() as u64;
        let since = self.epoch.number();
        let (own, differs) = self.lines(stream, scope, None, began, objects);
        let mentioned = mentions.as_ref().and_then(|Mentions { stream, ids }| {
            self.mentioned_objects(by_name(stream)?, ids(assembly), began)
        });
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            if answered.due.is_part {
                replica.count(lines, 0);
            }
            if !matches!(scope, Scope::Parent(..)) {
                let contradicts = replica.forgets(&answered.due)
                    && replica.ledger.settle(scope, since, Seen::of(differs));
                replica.end(scope, contradicts, now);
            }
        }
        if matches!(scope, Scope::Parent(..)) {
            let place = Place::at_end(since, began, differs);
            self.end_records(stream, scope, &answered.due, &place, now);
        }
        let harvests = mentioned.into_iter().chain(own);
        harvests
            .map(|harvest| harvest.because_of(answered.due.cause()))
            .collect()
    }

    /// Objects of another stream that show for the first time.
    fn mentioned_objects(
        &mut self,
        stream: &'static Stream,
        ids: Vec<String>,
        at: Timestamp,
    ) -> Option<Harvest> {
        let fixed = stream.fixed.as_ref()?;
        let seen = self.mentioned.get(stream.name);
        let is_new = |id: &String| {
            !fixed.known.contains(&id.as_str()) && !seen.is_some_and(|seen| seen.contains(id))
        };
        let room = MOST_MENTIONED.saturating_sub(seen.map_or(0, std::collections::BTreeSet::len));
        let new: Vec<String> = ids.into_iter().filter(is_new).take(room).collect();
        if new.is_empty() || !self.replicas.is_planned(stream.name) {
            return None;
        }
        let objects: Vec<_> = new.iter().map(|id| (fixed.object)(id)).collect();
        self.mentioned
            .entry(stream.name.to_owned())
            .or_default()
            .extend(new);
        // A snapshot that is open will bring them at its end.
        if self
            .replicas
            .get(stream.name)
            .is_some_and(super::replica::Replica::is_open)
        {
            return None;
        }
        self.lines(stream, &Scope::Whole, None, at, made(&objects))
            .0
    }
}
