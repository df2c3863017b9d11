//! Objects that are put together from several answers. A run that ends in the middle of one asks
//! for all of it again: it is the smallest piece that the cursor knows.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::absorb::NO_POSITION;
use super::cursor::Task;
use super::harvest::{Harvest, items};
use super::{Answer, Engine, Flight, Parked};
use crate::body::Item;
use crate::streams::{Assembly, Listing, Mentions, Part, Source, Step, Stream, by_name, parse};

/// An object that is being put together.
#[derive(Debug)]
pub(super) struct Assembling {
    assembly: Assembly,
    step: Step,
    /// The part whose pages are being read.
    open: Option<Part>,
    /// When the first request was sent: the object is as of then.
    began_at: Option<Timestamp>,
}

/// Ids that a stream's objects may mention of another's; more would be no role types.
const MOST_MENTIONED: usize = 100;

/// What an answer has added to an object.
pub(super) enum Stepped {
    /// More is to be asked.
    More,
    /// All is there.
    Done {
        assembly: Assembly,
        /// When the first request was sent.
        began_at: Timestamp,
    },
    /// There is no such object.
    Gone,
    /// What no object can be made of.
    Trouble(Answer),
}

impl Engine {
    /// The next request for a parent's object.
    pub(super) fn next_step(&mut self, listing: &Listing, stream: &'static Stream, task: &Task) -> Option<String> {
        let kind = stream.parents_of(listing.name)?.kind;
        let assembly = Assembly { kind, parent: task.parent.clone(), item: task.item.clone(), parts: Vec::new() };
        self.path_of_step(stream, &task.parent, assembly)
    }

    /// The next request for what is put together under `key`, beginning with `assembly`.
    pub(super) fn path_of_step(&mut self, stream: &'static Stream, key: &str, assembly: Assembly) -> Option<String> {
        let Source::Assembled { next, .. } = &stream.source else { return None };
        let key = (stream.name, key.to_owned());
        if let Some(assembling) = self.assemblies.get(&key) {
            return Some(assembling.step.path.clone());
        }
        let step = next(&assembly)?;
        let path = step.path.clone();
        self.assemblies.insert(key, Assembling { assembly, step, open: None, began_at: None });
        Some(path)
    }

    pub(super) fn absorb_step(
        &mut self,
        name: &'static str,
        flight: &Flight,
        stream: &'static Stream,
        parent: &str,
        answer: Answer,
    ) -> Vec<Harvest> {
        match self.take_step(stream, parent, flight.sent_at, answer) {
            Stepped::More => Vec::new(),
            Stepped::Gone => {
                self.turn_task(name, stream, parent, None);
                Vec::new()
            }
            Stepped::Done { assembly, began_at } => {
                self.turn_task(name, stream, parent, None);
                let harvests = self.harvest_assembly(stream, &assembly, began_at);
                let lines =
                    harvests.iter().filter(|harvest| harvest.stream.name == stream.name).map(Harvest::len).sum();
                self.count_lines(stream, lines);
                harvests
            }
            Stepped::Trouble(Answer::Unavailable { error }) if self.has_lines(stream) => {
                self.pass_over(stream.name, parent, Parked::Unavailable(error))
            }
            Stepped::Trouble(Answer::Unavailable { error }) => self.abandon(name, flight, &Parked::Unavailable(error)),
            Stepped::Trouble(Answer::NotApplicable { error }) => {
                self.abandon(name, flight, &Parked::NotApplicable(error))
            }
            Stepped::Trouble(Answer::Failed { error }) => self.pass_over(stream.name, parent, Parked::Failed(error)),
            Stepped::Trouble(Answer::Limited { retry_after_s }) => {
                self.park_limited(stream.name, retry_after_s);
                Vec::new()
            }
            Stepped::Trouble(_) => Vec::new(),
        }
    }

    /// Adds an answer to what is put together under `key`. A position that expired begins it again
    /// from its first answer.
    pub(super) fn take_step(&mut self, stream: &'static Stream, key: &str, at: Timestamp, answer: Answer) -> Stepped {
        let key = (stream.name, key.to_owned());
        let Some(mut assembling) = self.assemblies.remove(&key) else { return Stepped::More };
        let began_at = *assembling.began_at.get_or_insert(at);
        let is_first = assembling.assembly.parts.is_empty();
        match answer {
            Answer::Page { body, next } => match items(&body) {
                Ok(items) => {
                    assembling.take(&items);
                    if let Some(path) = next {
                        assembling.step.path = path;
                        self.assemblies.insert(key, assembling);
                        return Stepped::More;
                    }
                }
                Err(error) if !assembling.step.optional => return Stepped::Trouble(Answer::Failed { error }),
                Err(_) => assembling.take(&[]),
            },
            Answer::Gone if is_first && !assembling.step.optional => return Stepped::Gone,
            Answer::Gone => assembling.take(&[]),
            Answer::Unavailable { .. } | Answer::NotApplicable { .. } | Answer::Failed { .. }
                if assembling.step.optional =>
            {
                assembling.take(&[]);
            }
            Answer::Expired if self.may_begin_again(Some((stream, &key.1))) => return Stepped::More,
            Answer::Expired => return Stepped::Trouble(Answer::Failed { error: NO_POSITION.to_owned() }),
            trouble => return Stepped::Trouble(trouble),
        }
        assembling.end_part();
        let Source::Assembled { next, .. } = &stream.source else { return Stepped::More };
        let Some(step) = next(&assembling.assembly) else {
            return Stepped::Done { assembly: assembling.assembly, began_at };
        };
        assembling.step = step;
        self.assemblies.insert(key, assembling);
        Stepped::More
    }

    /// What was begun before a snapshot of its stream is older than that: it is asked for again.
    pub(super) fn leave_assemblies(&mut self, stream: &str) {
        self.assemblies.retain(|(name, _), _| *name != stream);
    }

    pub(super) fn harvest_assembly(
        &mut self,
        stream: &'static Stream,
        assembly: &Assembly,
        at: Timestamp,
    ) -> Vec<Harvest> {
        let Source::Assembled { assemble, mentions, .. } = &stream.source else { return Vec::new() };
        let own = self.gather(stream, at, raw(&assemble(assembly)));
        let mentioned = mentions
            .as_ref()
            .and_then(|Mentions { stream, ids }| self.harvest_mentioned(by_name(stream)?, ids(assembly), at));
        mentioned.into_iter().chain([own]).collect()
    }

    /// Objects of another stream that show for the first time.
    fn harvest_mentioned(&mut self, stream: &'static Stream, ids: Vec<String>, at: Timestamp) -> Option<Harvest> {
        let fixed = stream.fixed.as_ref()?;
        let seen = self.cursor.mentioned.get(stream.name);
        let is_new = |id: &String| !fixed.known.contains(&id.as_str()) && !seen.is_some_and(|seen| seen.contains(id));
        let room = MOST_MENTIONED.saturating_sub(seen.map_or(0, std::collections::BTreeSet::len));
        let new: Vec<String> = ids.into_iter().filter(is_new).take(room).collect();
        if new.is_empty() || self.stream(stream.name).is_none() {
            return None;
        }
        let objects: Vec<Value> = new.iter().map(|id| (fixed.object)(id)).collect();
        self.cursor.mentioned.entry(stream.name.to_owned()).or_default().extend(new);
        // A snapshot that is open will bring them at its end.
        if self.cursor.streams.get(stream.name).is_some_and(|progress| progress.open.is_some()) {
            return None;
        }
        Some(self.gather(stream, at, raw(&objects)))
    }

    /// The objects of a stream that need no request.
    pub(super) fn fixed_objects(&self, stream: &Stream) -> Vec<Item> {
        let Some(fixed) = &stream.fixed else { return Vec::new() };
        let mentioned = self.cursor.mentioned.get(stream.name).into_iter().flatten().map(String::as_str);
        let objects: Vec<Value> = fixed.known.iter().copied().chain(mentioned).map(fixed.object).collect();
        raw(&objects)
    }
}

impl Assembling {
    /// Adds a page to the part that is being read: the one after those that are ended.
    fn take(&mut self, items: &[Item]) {
        self.open.get_or_insert_default().items.extend(items.iter().filter_map(|item| parse(item)));
    }

    fn end_part(&mut self) {
        self.assembly.parts.extend(self.open.take());
    }
}

fn raw(objects: &[Value]) -> Vec<Item> {
    objects.iter().filter_map(|object| to_raw_value(object).ok()).map(Item::from).collect()
}
