//! Objects that are put together from several answers. A run that ends in the middle of one asks for all of it
//! again: it is the smallest piece that the cursor knows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::ask::Answer;
use super::scope::Scope;
use crate::body::Item;
use crate::streams::{Assembly, Part, Source, Step, Stream, parse};

/// An object that is being put together.
#[derive(Debug, Clone)]
struct Assembling {
    assembly: Assembly,
    step: Step,
    /// The part whose pages are being read.
    open: Option<Part>,
    /// When the first request was sent: the object is as of then.
    began_at: Option<Timestamp>,
    /// Paths that were followed.
    followed: BTreeSet<String>,
}

/// Most items of one part: a listing that never ends is not held in memory.
const MOST_ITEMS: usize = 20_000;

/// The state of an object after an answer.
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
    /// A detail of it went away while it was read: all of it is read again.
    Changed,
    /// No object can be made of it.
    Trouble(Answer),
}

/// Objects that are being put together, by stream and scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Assemblies(BTreeMap<(&'static str, Scope), Assembling>);

impl Assemblies {
    /// The next request for an object, which begins as `assembly` where it has not begun.
    pub(super) fn next(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        assembly: impl FnOnce() -> Assembly,
    ) -> Option<String> {
        let key = (stream.name, scope.clone());
        if let Some(assembling) = self.0.get(&key) {
            return Some(assembling.step.path.clone());
        }
        let Source::Assembled { next, .. } = &stream.source else {
            return None;
        };
        let assembly = assembly();
        let step = next(&assembly)?;
        let path = step.path.clone();
        self.0.insert(
            key,
            Assembling {
                assembly,
                step,
                open: None,
                began_at: None,
                followed: BTreeSet::new(),
            },
        );
        Some(path)
    }

    /// Begins an object anew.
    pub(super) fn leave(&mut self, stream: &Stream, scope: &Scope) {
        self.0.remove(&(stream.name, scope.clone()));
    }

    /// Begins anew all objects of a stream: a snapshot that begins now may not rest on them.
    pub(super) fn leave_all(&mut self, stream: &str) {
        self.0.retain(|(name, _), _| *name != stream);
    }

    /// Adds an answer. `is_second`: the object was begun anew because a detail was gone; a detail that still is gone is
    /// left out.
    pub(super) fn take(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        at: Timestamp,
        answer: Answer,
        is_second: bool,
    ) -> Stepped {
        let key = (stream.name, scope.clone());
        let Some(mut assembling) = self.0.remove(&key) else {
            return Stepped::More;
        };
        let began_at = *assembling.began_at.get_or_insert(at);
        match assembling.read(answer, is_second) {
            Read::Page => {}
            Read::Part => {
                assembling.assembly.parts.extend(assembling.open.take());
                let Source::Assembled { next, .. } = &stream.source else {
                    return Stepped::More;
                };
                match next(&assembling.assembly) {
                    Some(step) => assembling.step = step,
                    None => {
                        return Stepped::Done {
                            assembly: assembling.assembly,
                            began_at,
                        };
                    }
                }
            }
            Read::Nothing => {
                self.0.insert(key, assembling);
                return Stepped::Trouble(Answer::Dropped);
            }
            Read::End(stepped) => return stepped,
        }
        self.0.insert(key, assembling);
        Stepped::More
    }
}

/// The meaning of an answer for the part that is being read.
enum Read {
    /// One of its pages; more of them follow.
    Page,
    /// Its end.
    Part,
    /// Nothing: the request is sent again.
    Nothing,
    /// The end of the whole object.
    End(Stepped),
}

impl Assembling {
    /// Reads an answer into the part that is open.
    fn read(&mut self, answer: Answer, is_second: bool) -> Read {
        let (is_first, is_optional) = (self.assembly.parts.is_empty(), self.step.optional);
        match answer {
            Answer::Page { body, next } => match body.items() {
                Ok(items) => return self.page(&items, next),
                Err(error) if !is_optional => {
                    return Read::End(Stepped::Trouble(Answer::Failed { error }));
                }
                Err(_) => drop(self.add(&[])),
            },
            Answer::Gone if !is_optional && is_first => return Read::End(Stepped::Gone),
            Answer::Gone if !is_optional && !is_second => return Read::End(Stepped::Changed),
            Answer::Gone if !is_optional => self.miss(),
            Answer::Gone
            | Answer::Unavailable { .. }
            | Answer::NotApplicable { .. }
            | Answer::Failed { .. }
            | Answer::Refused { .. }
                if is_optional =>
            {
                self.add(&[]);
            }
            Answer::Dropped => return Read::Nothing,
            trouble => return Read::End(Stepped::Trouble(trouble)),
        }
        Read::Part
    }

    /// Adds a page, and moves to the next one where a link leads there.
    fn page(&mut self, items: &[Item], next: Option<String>) -> Read {
        let count = self.add(items);
        match next.map(|path| self.follow(path, count)) {
            Some(Ok(())) => Read::Page,
            // A page that says nothing and leads nowhere is the end.
            Some(Err(error)) if !items.is_empty() => {
                Read::End(Stepped::Trouble(Answer::Failed { error }))
            }
            Some(Err(_)) | None => Read::Part,
        }
    }

    /// Adds a page to the part that is being read: the one after those that are ended.
    fn add(&mut self, items: &[Item]) -> usize {
        let open = self.open.get_or_insert_default();
        open.items
            .extend(items.iter().filter_map(|item| parse(item)));
        open.items.len()
    }

    /// Moves to the next page of the part that is being read, which has `count` items so far.
    fn follow(&mut self, path: String, count: usize) -> Result<(), String> {
        if count > MOST_ITEMS {
            return Err(format!(
                "more than {MOST_ITEMS} items at {}",
                self.step.path
            ));
        }
        self.followed.insert(self.step.path.clone());
        if !self.followed.insert(path.clone()) {
            return Err(format!(
                "the next link of {} leads to a page that was read before",
                self.step.path
            ));
        }
        self.step.path = path;
        Ok(())
    }

    /// Notes that the part that is being read is gone.
    fn miss(&mut self) {
        self.open.get_or_insert_default().is_gone = true;
    }
}

/// Objects that were made here, as items of an answer.
pub(super) fn made(objects: &[Value]) -> Vec<Item> {
    objects
        .iter()
        .filter_map(|object| to_raw_value(object).ok())
        .map(Item::from)
        .collect()
}
