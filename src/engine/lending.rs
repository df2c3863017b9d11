//! One answer for several streams: who must know an object first, and who waits for it.

use super::job::{Key, Scope, scope_of};
use super::reading::{Shape, reading};
use super::work::Work;
use crate::streams::Stream;
use crate::streams::change::{Identity, Of, Read};

/// Streams that must know the object of a scope first, with their jobs.
pub(super) fn borrowers(work: &Work, own: &Stream, scope: &Scope) -> Vec<(&'static Stream, Key)> {
    let Scope::Object(kind, id) = scope else {
        return Vec::new();
    };
    let Some(Read::Object { path: lent }) = own.reread(Of::All(*kind)).map(|reread| &reread.read)
    else {
        return Vec::new();
    };
    let borrows =
        |stream: &&'static Stream| match stream.reread(Of::All(*kind)).map(|reread| &reread.read) {
            Some(Read::Assembled {
                object: Some(path), ..
            }) => path == lent,
            _ => false,
        };
    let key = |stream: &'static Stream| {
        Some((
            stream,
            Key {
                reads: stream.name,
                scope: scope_of(stream, Of::All(*kind), id)?,
            },
        ))
    };
    work.plan
        .streams
        .iter()
        .copied()
        .filter(borrows)
        .filter_map(key)
        .collect()
}

/// Whether a job of all that a user has waits for the user's own, which tells whether they are live.
pub(super) fn waits_for_life(work: &Work, key: &Key) -> bool {
    let Scope::Parent(kind, id) = &key.scope else {
        return false;
    };
    let has_life = |stream: &&'static Stream| {
        stream.identity == Identity::Object(*kind)
            && stream
                .sweep
                .as_ref()
                .is_some_and(|sweep| sweep.life.is_some())
    };
    let Some(own) = work.plan.streams.iter().copied().find(has_life) else {
        return false;
    };
    let own = Key {
        reads: own.name,
        scope: Scope::Object(*kind, id.clone()),
    };
    work.queue.is_ready(&own) && !work.is_parked(own.reads)
}

/// Whether a job waits for the object that it must know first, which another stream's job reads.
pub(super) fn waits_for_object(work: &Work, key: &Key) -> bool {
    let Some(job) = work.queue.get(key).filter(|job| job.item.is_none()) else {
        return false;
    };
    let Some(Shape::Assembled {
        object: Some(path), ..
    }) = reading(key, job).map(|reading| reading.shape)
    else {
        return false;
    };
    let (Scope::Object(kind, id) | Scope::Parent(kind, id)) = &key.scope else {
        return false;
    };
    let lends =
        |stream: &&'static Stream| match stream.reread(Of::All(*kind)).map(|reread| &reread.read) {
            Some(Read::Object { path: lent }) => *lent == path,
            _ => false,
        };
    let Some(own) = work.plan.streams.iter().copied().find(lends) else {
        return false;
    };
    let lender = Key {
        reads: own.name,
        scope: Scope::Object(*kind, id.clone()),
    };
    work.queue.is_ready(&lender) && !work.is_parked(own.name)
}
