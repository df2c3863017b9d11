//! State that is kept between the answers of one job.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::engine::assembly::Assemblies;
use crate::engine::job::{Job, Key, Scope};
use crate::engine::looks::{Look, Looks};
use crate::engine::reading::{Shape, reading};
use crate::engine::work::Work;
use crate::streams::{Assembly, Source};

/// Answers that more than one request is needed for, and doubts that wait for a look.
#[derive(Debug, Default)]
pub(in crate::engine) struct Answers {
    pub(in crate::engine) assemblies: Assemblies,
    pub(in crate::engine) looks: Looks,
    /// Jobs whose pages held the anchor.
    pub(super) anchored: BTreeSet<Key>,
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
    pub(in crate::engine) fn path(&mut self, work: &Work, key: &Key) -> Option<String> {
        let job = work.queue.get(key)?;
        let reading = reading(key, job)?;
        match (reading.shape, &job.position) {
            (_, Some(position)) => Some(position.clone()),
            (
                Shape::Assembled {
                    object: Some(object),
                    ..
                },
                None,
            ) if job.item.is_none() => Some(object.replace("{id}", key.scope.id()?)),
            (Shape::Assembled { kind, .. }, None) => {
                let (parent, item) = (key.scope.id()?.to_owned(), job.item.clone());
                let begin = || Assembly {
                    kind,
                    parent,
                    item,
                    parts: Vec::new(),
                };
                self.assemblies.next(key, reading.stream?, begin)
            }
            (_, None) => Some(reading.path),
        }
    }

    /// The path that a look is sent to.
    pub(in crate::engine) fn look_path(work: &Work, key: &Key, look: &Look) -> Option<String> {
        match look {
            Look::User(id) => Some(format!("/api/v1/users/{id}")),
            Look::Other(scope, _) => {
                let other = Key {
                    reads: key.reads,
                    scope: scope.clone(),
                };
                let reading = reading(&other, work.queue.get(key)?)?;
                match (reading.shape, &reading.stream?.source) {
                    (Shape::Assembled { kind, .. }, Source::Assembled { next, .. }) => {
                        let parent = scope.id()?.to_owned();
                        next(&Assembly {
                            kind,
                            parent,
                            item: None,
                            parts: Vec::new(),
                        })
                        .map(|step| step.path)
                    }
                    _ => Some(reading.path),
                }
            }
        }
    }
}

/// Names of the streams that a job's request serves.
pub(in crate::engine) fn streams_of(work: &Work, key: &Key, job: &Job) -> Vec<&'static str> {
    match key.scope {
        Scope::Whole => job
            .serves
            .iter()
            .filter_map(|name| work.stream(name))
            .map(|stream| stream.name)
            .collect(),
        _ => vec![key.reads],
    }
}
