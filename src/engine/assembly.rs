//! Objects that are put together from several answers. A run that ends in the middle of one asks
//! for all of it again: it is the smallest piece that the cursor knows.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::absorb::{EXPIRIES_A_RUN, NO_POSITION};
use super::cursor::Task;
use super::harvest::{Harvest, items};
use super::{Answer, Engine, Flight, Parked};
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

impl Engine {
    /// The next request for a parent's object.
    pub(super) fn next_step(&mut self, listing: &Listing, stream: &'static Stream, task: &Task) -> Option<String> {
        let Source::Assembled { next, .. } = &stream.source else { return None };
        let key = (stream.name, task.parent.clone());
        if let Some(assembling) = self.assemblies.get(&key) {
            return Some(assembling.step.path.clone());
        }
        let kind = stream.parents_of(listing.name)?.kind;
        let assembly = Assembly { kind, parent: task.parent.clone(), item: task.item.clone(), parts: Vec::new() };
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
        let key = (stream.name, parent.to_owned());
        let Some(mut assembling) = self.assemblies.remove(&key) else { return Vec::new() };
        assembling.began_at.get_or_insert(flight.sent_at);
        let is_first = assembling.assembly.parts.is_empty();
        match answer {
            Answer::Page { body, next } => match items(&body) {
                Ok(items) => {
                    assembling.take(&items);
                    if let Some(path) = next {
                        assembling.step.path = path;
                        self.assemblies.insert(key, assembling);
                        return Vec::new();
                    }
                }
                Err(error) if !assembling.step.optional => {
                    return self.pass_over(stream.name, parent, Parked::Failed(error));
                }
                Err(_) => assembling.take(&[]),
            },
            Answer::Gone if is_first && !assembling.step.optional => {
                self.turn_task(name, stream, parent, None);
                return Vec::new();
            }
            Answer::Gone => assembling.take(&[]),
            Answer::Unavailable { .. } | Answer::NotApplicable { .. } | Answer::Failed { .. }
                if assembling.step.optional =>
            {
                assembling.take(&[]);
            }
            Answer::Unavailable { error } if self.has_lines(stream) => {
                return self.pass_over(stream.name, parent, Parked::Unavailable(error));
            }
            Answer::Unavailable { error } => return self.abandon(name, flight, &Parked::Unavailable(error)),
            Answer::NotApplicable { error } => return self.abandon(name, flight, &Parked::NotApplicable(error)),
            Answer::Failed { error } => return self.pass_over(stream.name, parent, Parked::Failed(error)),
            Answer::Limited { retry_after_s } => {
                self.park_limited(stream.name, retry_after_s);
                return Vec::new();
            }
            Answer::Expired if self.expiries >= EXPIRIES_A_RUN => {
                return self.pass_over(stream.name, parent, Parked::Failed(NO_POSITION.to_owned()));
            }
            // Begun again from its first answer.
            Answer::Expired => {
                self.expiries += 1;
                return Vec::new();
            }
            Answer::Dropped => return Vec::new(),
        }
        assembling.end_part();
        let Source::Assembled { next, .. } = &stream.source else { return Vec::new() };
        if let Some(step) = next(&assembling.assembly) {
            assembling.step = step;
            self.assemblies.insert(key, assembling);
            return Vec::new();
        }
        self.turn_task(name, stream, parent, None);
        self.harvest_assembly(stream, &assembling.assembly, assembling.began_at.unwrap_or(flight.sent_at))
    }

    fn harvest_assembly(&mut self, stream: &'static Stream, assembly: &Assembly, at: Timestamp) -> Vec<Harvest> {
        let Source::Assembled { assemble, mentions, .. } = &stream.source else { return Vec::new() };
        let own = self.harvest(stream, None, at, raw(&assemble(assembly)));
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
        Some(self.harvest(stream, None, at, raw(&objects)))
    }

    /// The objects of a stream that need no request.
    pub(super) fn fixed_objects(&self, stream: &Stream) -> Vec<Box<RawValue>> {
        let Some(fixed) = &stream.fixed else { return Vec::new() };
        let mentioned = self.cursor.mentioned.get(stream.name).into_iter().flatten().map(String::as_str);
        let objects: Vec<Value> = fixed.known.iter().copied().chain(mentioned).map(fixed.object).collect();
        raw(&objects)
    }
}

impl Assembling {
    /// Adds a page to the part that is being read: the one after those that are ended.
    fn take(&mut self, items: &[Box<RawValue>]) {
        self.open.get_or_insert_default().items.extend(items.iter().filter_map(|item| parse(item)));
    }

    fn end_part(&mut self) {
        self.assembly.parts.extend(self.open.take());
    }
}

fn raw(objects: &[Value]) -> Vec<Box<RawValue>> {
    objects.iter().filter_map(|object| to_raw_value(object).ok()).collect()
}
