//! How a job is read: its first request, and the shape of the answers.

use super::job::{Job, Key, Scope};
use crate::authomize::rfc3339;
use crate::record::Normalized;
use crate::streams::change::{Kind, Of, Read, Rows};
use crate::streams::{Context, Listing, Source, Stream, by_name, listing};
use serde_json::value::RawValue;

/// The shape of a job's answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Pages of a listing's items.
    Listing(&'static Listing),
    /// Pages of what has changed.
    Changes(Rows),
    /// Pages of all records of one object.
    Records {
        page_items: u64,
        /// Maps items that differ from those of the snapshot to records; gives `None` for an item that cannot tell.
        normalize: Option<fn(&RawValue, &Context<'_>) -> Option<Normalized>>,
        /// Whether the anchor is among the records of every live object.
        holds_anchor: bool,
    },
    /// One object.
    Object,
    /// An object put together from several answers.
    Assembled {
        /// The parent's kind (see `Parents::kind`).
        kind: &'static str,
        /// Path of the object itself, where it must be known first.
        object: Option<&'static str>,
    },
}

/// A job's stream, shape and first path. An assembled object has no first path of its own: its assembly knows.
pub(super) struct Reading {
    pub(super) stream: Option<&'static Stream>,
    pub(super) shape: Shape,
    pub(super) path: String,
}

/// How a job is read; `None` where this version cannot.
pub(super) fn reading(key: &Key, job: &Job) -> Option<Reading> {
    if key.scope == Scope::Whole {
        let listing = listing(key.reads)?;
        return Some(Reading {
            stream: crate::streams::own_stream(listing),
            shape: Shape::Listing(listing),
            path: listing.path.to_owned(),
        });
    }
    let stream = by_name(key.reads)?;
    let (shape, path) = match &key.scope {
        Scope::Whole => return None,
        Scope::ChangedSince => {
            let sweep = stream.sweep.as_ref()?;
            let since = rfc3339(job.changed_since?).replace(':', "%3A");
            (
                Shape::Changes(sweep.rows),
                sweep.path.replace("{since}", &since),
            )
        }
        Scope::Pair(first, second) => match &stream.reread(Of::Pair)?.read {
            Read::Object { path } => (
                Shape::Object,
                path.replace("{parent}", first).replace("{child}", second),
            ),
            _ => return None,
        },
        Scope::Object(kind, id) | Scope::Parent(kind, id) => of_object(stream, *kind, id)?,
    };
    Some(Reading {
        stream: Some(stream),
        shape,
        path,
    })
}

fn of_object(stream: &'static Stream, kind: Kind, id: &str) -> Option<(Shape, String)> {
    if let Some(reread) = stream.reread(Of::All(kind)) {
        return Some(match &reread.read {
            Read::Object { path } => (Shape::Object, path.replace("{id}", id)),
            Read::Listing {
                path,
                page_items,
                normalize,
                holds_anchor,
            } => {
                let shape = Shape::Records {
                    page_items: *page_items,
                    normalize: *normalize,
                    holds_anchor: *holds_anchor,
                };
                (shape, path.replace("{id}", id))
            }
            Read::Assembled { parent, object } => (
                Shape::Assembled {
                    kind: parent,
                    object: *object,
                },
                String::new(),
            ),
        });
    }
    match &stream.source {
        Source::PerParent { parents, path } if parents.of == kind => {
            let shape = Shape::Records {
                page_items: u64::MAX,
                normalize: None,
                holds_anchor: false,
            };
            Some((shape, path.replace("{parent}", id)))
        }
        Source::Assembled { parents, .. } => {
            let parents = parents.iter().find(|parents| parents.of == kind)?;
            Some((
                Shape::Assembled {
                    kind: parents.kind,
                    object: None,
                },
                String::new(),
            ))
        }
        _ => None,
    }
}
