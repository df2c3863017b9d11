//! How a scope is read: its first request, and the shape of the answers.

use serde_json::value::RawValue;

use super::scope::Scope;
use crate::record::Normalized;
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{Context, Source, Stream};

/// The shape of a scope's answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Pages of all records of one object.
    Records {
        /// Maps items that differ from those of the snapshot to records; gives `None` for an item that cannot tell.
        normalize: Option<fn(&RawValue, &Context<'_>) -> Option<Normalized>>,
    },
    /// One object.
    Object,
    /// An object put together from several answers.
    Assembled {
        /// The parent's kind (see `Parents::kind`).
        kind: &'static str,
        /// Path of the object itself, if it must be known first.
        object: Option<&'static str>,
    },
}

/// Shape and first path of a scope's reading; `None` if this version cannot read it. An assembled object has no first
/// path of its own: its assembly knows.
pub(super) fn reading(stream: &'static Stream, scope: &Scope) -> Option<(Shape, String)> {
    match scope {
        Scope::Whole => None,
        Scope::Pair(first, second) => match &stream.reread(Of::Pair)?.read {
            Read::Object { path } => {
                let path = path.replace("{parent}", first).replace("{child}", second);
                Some((Shape::Object, path))
            }
            _ => None,
        },
        Scope::Object(kind, id) | Scope::Parent(kind, id) => of_object(stream, *kind, id),
    }
}

fn of_object(stream: &'static Stream, kind: Kind, id: &str) -> Option<(Shape, String)> {
    if let Some(reread) = stream.reread(Of::All(kind)) {
        return Some(match &reread.read {
            Read::Object { path } => (Shape::Object, path.replace("{id}", id)),
            Read::Listing {
                path, normalize, ..
            } => {
                let shape = Shape::Records {
                    normalize: *normalize,
                };
                (shape, path.replace("{id}", id))
            }
            Read::Assembled { parent, object } => {
                let shape = Shape::Assembled {
                    kind: parent,
                    object: *object,
                };
                (shape, String::new())
            }
        });
    }
    match &stream.source {
        Source::PerParent { parents, path } if parents.of == kind => {
            let shape = Shape::Records { normalize: None };
            Some((shape, path.replace("{parent}", id)))
        }
        Source::Assembled { parents, .. } => {
            let parents = parents.iter().find(|parents| parents.of == kind)?;
            let shape = Shape::Assembled {
                kind: parents.kind,
                object: None,
            };
            Some((shape, String::new()))
        }
        _ => None,
    }
}

/// Members that the answer to a request for one object may come without.
pub(super) fn omits_of(stream: &Stream) -> &'static str {
    match &stream.source {
        Source::Listing(listing) => listing.omits,
        _ => "",
    }
}

/// The id of a record that an answer to a reading of the scope holds.
pub(super) fn record_id(stream: &Stream, scope: &Scope, item: &RawValue) -> Option<String> {
    match (stream.identity, scope) {
        (Identity::Pair(..) | Identity::Principal(_), Scope::Pair(first, second)) => {
            Some(format!("{first}:{second}"))
        }
        (Identity::Pair(first, _), Scope::Parent(kind, id)) if *kind != first => {
            Some(format!("{}:{id}", (stream.own_id)(item)?))
        }
        (Identity::Pair(..) | Identity::Principal(_), Scope::Parent(_, id)) => {
            Some(format!("{id}:{}", (stream.own_id)(item)?))
        }
        _ => (stream.own_id)(item),
    }
}

/// The kind of the first object in a record's id; that of a principal shows in its id.
pub(super) fn kind_of(stream: &Stream, id: &str) -> Option<Kind> {
    match stream.identity {
        Identity::Pair(first, _) => Some(first),
        Identity::Principal(kinds) => kinds.iter().copied().find(|kind| kind.names("", id)),
        Identity::Object(kind) => Some(kind),
        Identity::Own => match &stream.source {
            Source::Assembled { parents, .. } => parents.first().map(|parents| parents.of),
            _ => None,
        },
    }
}
