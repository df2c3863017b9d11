//! Whether a reading that takes records away is believed, and what follows.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::guard::Sizes;
use super::job::{Job, Key, Scope};
use super::looks::{self, Look, is_deprovisioned};
use super::reading::Shape;
use super::work::Work;
use crate::body::Item;
use crate::streams::change::{Identity, Kind, Of};
use crate::streams::{Stream, id_of};

/// Whether what a reading did not repeat is believed to have gone.
pub(super) enum Belief {
    Sound,
    /// A look decides.
    Open(Look),
    /// It is not, for this reason; `None` where the next snapshot decides.
    Doubted(Option<String>),
}

/// A reading of a parent's records that has come to its end.
pub(super) struct Ended<'a> {
    pub(super) stream: &'static Stream,
    pub(super) job: &'a Job,
    pub(super) shape: Option<Shape>,
    /// An earlier page held the group to which everybody belongs.
    pub(super) was_anchored: bool,
}

/// Whether what a reading did not repeat has gone.
pub(super) fn doubt(work: &Work, key: &Key, ended: &Ended<'_>) -> Belief {
    let Scope::Parent(kind, id) = &key.scope else {
        return Belief::Sound;
    };
    match work.lives.get(id) {
        Some(false) => Belief::Sound,
        _ if is_first(ended.stream, *kind) => doubt_size(work, &key.scope, (*kind, id), ended),
        _ => doubt_emptiness(work, (*kind, id), ended),
    }
}

/// Doubts a reading by the number of records that it found before.
fn doubt_size(work: &Work, scope: &Scope, (kind, id): (Kind, &str), ended: &Ended<'_>) -> Belief {
    let (stream, change) = (ended.stream, ended.job.change.as_ref());
    let sizes = work.sizes.get(stream.name);
    if !sizes.is_some_and(|sizes| sizes.is_doubtful(id, ended.job.lines, change)) {
        return Belief::Sound;
    }
    let has_losses = change.is_some_and(|change| change.losses > 0);
    if !has_losses && kind == Kind::User && !work.lives.contains_key(id) {
        return Belief::Open(Look::User(id.to_owned()));
    }
    let other = sizes
        .and_then(|sizes| sizes.largest_but(id))
        .map(|(other, lines)| {
            let kind = if kind.names("", other) {
                kind
            } else {
                kind_of(other, kind)
            };
            Look::Other(Scope::Parent(kind, other.to_owned()), lines)
        });
    match other.or_else(|| second_seen(work, stream)) {
        Some(look) => Belief::Open(look),
        None if has_losses => Belief::Sound,
        None => Belief::Open(Look::Other(scope.clone(), 1)),
    }
}

/// A look at an object of a stream's second kind that had records lately.
fn second_seen(work: &Work, stream: &Stream) -> Option<Look> {
    let Identity::Pair(_, second) = stream.identity else {
        return None;
    };
    let seen = work.seen.seconds.get(stream.name)?;
    stream.reread(Of::All(second))?;
    Some(Look::Other(Scope::Parent(second, seen.clone()), 1))
}

/// Doubts a reading that found nothing, or not the group to which everybody belongs.
fn doubt_emptiness(work: &Work, (kind, id): (Kind, &str), ended: &Ended<'_>) -> Belief {
    let holds_anchor = matches!(
        ended.shape,
        Some(Shape::Records {
            holds_anchor: true,
            ..
        })
    );
    if holds_anchor && work.seen.everyone.is_some() {
        return match work.lives.get(id) {
            _ if ended.was_anchored => Belief::Sound,
            Some(_) => Belief::Doubted(Some(looks::contradiction(id))),
            None => Belief::Open(Look::User(id.to_owned())),
        };
    }
    if ended.job.lines > 0 {
        return Belief::Sound;
    }
    if ended
        .job
        .change
        .as_ref()
        .is_none_or(|change| change.losses == 0)
    {
        // Somebody live who has nothing has lost nothing that no event tells of.
        return Belief::Doubted(None);
    }
    match work
        .seen
        .seconds
        .get(ended.stream.name)
        .filter(|other| *other != id)
    {
        Some(other) => Belief::Open(Look::Other(Scope::Parent(kind, other.clone()), 1)),
        None => Belief::Sound,
    }
}

/// The kind of a principal, by its id.
fn kind_of(id: &str, or: Kind) -> Kind {
    [Kind::User, Kind::Group, Kind::Application]
        .into_iter()
        .find(|kind| kind.names("", id))
        .unwrap_or(or)
}

/// A reading that is not believed: nothing is forgotten, and it is done again, or left to the next snapshot where no
/// reason is told.
pub(super) fn doubted(work: &mut Work, key: &Key, why: Option<String>, now: Timestamp) {
    let Some(why) = why else {
        return work.end(key, now);
    };
    work.restart(key, now);
    work.queue.doubt(key, now, why);
}

/// Declares what the job's reading did not repeat as gone.
pub(super) fn forget(work: &mut Work, key: &Key, stream: &'static Stream, now: Timestamp) {
    let Some(job) = work.queue.get(key) else {
        return;
    };
    let (since_sequence, lines) = (job.since_sequence.unwrap_or(work.sequence + 1), job.lines);
    work.forget(stream, &key.scope, since_sequence);
    note_size(work, stream, &key.scope, lines);
    work.end(key, now);
}

/// Whether a kind is the one whose objects' sizes are known.
pub(super) fn is_first(stream: &Stream, kind: Kind) -> bool {
    match stream.identity {
        Identity::Pair(first, _) => kind == first,
        Identity::Principal(_) => true,
        Identity::Own | Identity::Object(_) => false,
    }
}

fn note_size(work: &mut Work, stream: &Stream, scope: &Scope, lines: u64) {
    if let Some((sizes, id)) = sizes_of(work, stream, scope) {
        sizes.note(id, lines);
    }
}

/// Notes how many records a part of a snapshot has, whose end is still to be believed.
pub(super) fn note_part(work: &mut Work, stream: &Stream, scope: &Scope, lines: u64) {
    if let Some((sizes, id)) = sizes_of(work, stream, scope) {
        sizes.note_at_least(id, lines);
    }
}

fn sizes_of<'w, 's>(
    work: &'w mut Work,
    stream: &Stream,
    scope: &'s Scope,
) -> Option<(&'w mut Sizes, &'s str)> {
    match scope {
        Scope::Parent(kind, id) if is_first(stream, *kind) => {
            Some((work.sizes.entry(stream.name.to_owned()).or_default(), id))
        }
        _ => None,
    }
}

/// Notes whether a user is live.
pub(super) fn note_life(work: &mut Work, stream: &Stream, object: &RawValue) {
    if stream
        .sweep
        .as_ref()
        .is_some_and(|sweep| sweep.life.is_some())
        && let Some(id) = id_of(object)
    {
        work.lives.insert(id, !is_deprovisioned(object.get()));
    }
}

pub(super) fn note_second(work: &mut Work, stream: &Stream, scope: &Scope, items: &[Item]) {
    let (Identity::Pair(first, _), Scope::Parent(kind, id)) = (stream.identity, scope) else {
        return;
    };
    let Some(last) = items.last() else { return };
    if let Some(id) = if first == *kind {
        id_of(last)
    } else {
        Some(id.clone())
    } {
        work.seen.seconds.insert(stream.name.to_owned(), id);
    }
}
