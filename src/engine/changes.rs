//! Reading again what is marked, between the log and the snapshots: while it is read no answer of
//! a snapshot is under way, so the newest word on a record is the last one.
//!
//! A listing of all records with an id ends with a scoped snapshot: what it does not repeat is
//! gone. Lines that it would have to forget must not stand in the manifest that it begins with; so
//! it waits for a commit where lines of its stream that were read in another way are not
//! committed.

use jiff::Timestamp;

use super::cursor::Mark;
use super::{Engine, Fetch, Flight, Footing, Lane};
use crate::streams::change::{Identity, Of, Read, Reread};
use crate::streams::{Assembly, Stream};

/// A mark, with what it takes to read it.
pub(super) struct Marked {
    pub(super) stream: &'static Stream,
    pub(super) key: String,
    /// The object's id, or the pair.
    pub(super) id: String,
    pub(super) reread: &'static Reread,
    pub(super) mark: Mark,
}

impl Engine {
    /// The next request for what has changed; none when nothing more can be asked for now.
    pub(super) fn next_of_changes(&mut self, now: Timestamp, has_room: &dyn Fn(&str) -> bool) -> Option<Fetch> {
        if !self.changes_are_in_time(now) {
            return None;
        }
        for at in 0..self.plan.streams.len() {
            let stream = self.plan.streams[at];
            let fetch = self.next_of_sweep(stream, now).or_else(|| self.next_of_marks(stream, now, has_room));
            if fetch.is_some() {
                self.read_changes = true;
                return fetch;
            }
        }
        None
    }

    /// Changes have a third of the time between commits, so that snapshots have theirs; and one
    /// request at least.
    pub(super) fn changes_are_in_time(&self, now: Timestamp) -> bool {
        now.duration_since(self.round_began_at) * 3 < self.plan.checkpoint_interval * 2 || !self.read_changes
    }

    fn next_of_marks(
        &mut self,
        stream: &'static Stream,
        now: Timestamp,
        has_room: &dyn Fn(&str) -> bool,
    ) -> Option<Fetch> {
        if self.sweep_may_spare(stream) {
            return None;
        }
        let marks = self.cursor.changes.get(stream.name)?;
        let mut ready =
            marks.iter().filter(|(key, mark)| self.is_readable(stream, key) && self.may_read(stream, key, mark));
        let key = ready.find(|(key, _)| !self.is_reading(stream, key)).map(|(key, _)| key.clone())?;
        let marked = self.marked(stream, &key)?;
        let path = self.path_of(&marked).filter(|path| has_room(path))?;
        self.tread(stream, footing_of(&marked));
        Some(self.send(Lane::Changes, Some((stream, key)), path, now))
    }

    pub(super) fn marked(&self, stream: &'static Stream, key: &str) -> Option<Marked> {
        let mark = self.cursor.changes.get(stream.name)?.get(key)?.clone();
        let (of, id) = key.split_once(':')?;
        let reread = stream.rereads.iter().find(|reread| reread.of.to_string() == of)?;
        Some(Marked { stream, key: key.to_owned(), id: id.to_owned(), reread, mark })
    }

    /// Whether a mark can be read in this run, now or after a commit.
    pub(super) fn is_readable(&self, stream: &'static Stream, key: &str) -> bool {
        !self.is_parked(stream.name) && !self.has_failed(stream.name, key) && !self.waits_in_vain(stream, key)
    }

    /// Whether it may be read before the next commit.
    pub(super) fn may_read(&self, stream: &'static Stream, key: &str, mark: &Mark) -> bool {
        if mark.since_sequence.is_some_and(|since| since > self.sequence + 1)
            || self.waits_for_object(stream, key).is_some()
        {
            return false;
        }
        let Some(marked) = self.marked(stream, key) else { return false };
        let wanted = footing_of(&marked);
        wanted == Footing::Lines || self.footing(stream).is_none_or(|footing| footing == wanted)
    }

    /// How the uncommitted lines of a stream were read.
    fn footing(&self, stream: &'static Stream) -> Option<Footing> {
        let under_way = |flight: &Flight| flight.task.as_ref().is_some_and(|(other, _)| other.name == stream.name);
        let holds = self.uncommitted.contains(stream.name) || self.flights.iter().any(under_way);
        self.footings.get(stream.name).copied().filter(|_| holds)
    }

    fn tread(&mut self, stream: &'static Stream, footing: Footing) {
        let footing =
            self.footing(stream).map_or(footing, |known| if known == footing { known } else { Footing::Lines });
        self.footings.insert(stream.name, footing);
    }

    /// The stream and mark of the object itself, which is being read, too: its answer says whether
    /// there is anything to read, and saves a request.
    pub(super) fn waits_for_object(&self, stream: &'static Stream, key: &str) -> Option<(&'static Stream, String)> {
        let marked = self.marked(stream, key)?;
        let (Read::Assembled { object: Some(path), .. }, None) = (&marked.reread.read, &marked.mark.item) else {
            return None;
        };
        let reads_it = |other: &&&'static Stream| {
            other.rereads.iter().any(|reread| matches!(reread.read, Read::Object { path: own } if own == *path))
        };
        let own = *self.plan.streams.iter().find(reads_it)?;
        self.cursor.changes.get(own.name)?.contains_key(key).then(|| (own, key.to_owned()))
    }

    fn waits_in_vain(&self, stream: &'static Stream, key: &str) -> bool {
        let own = self.waits_for_object(stream, key);
        own.is_some_and(|(own, key)| self.is_parked(own.name) || self.has_failed(own.name, &key))
    }

    /// Whether marks are left that this run can read.
    pub(super) fn changes_have_more(&self) -> bool {
        let readable = |stream: &&'static Stream| {
            let marks = self.cursor.changes.get(stream.name).into_iter().flatten();
            self.sweep_is_ready(stream) || marks.into_iter().any(|(key, _)| self.is_readable(stream, key))
        };
        self.plan.streams.iter().any(readable)
    }

    pub(super) fn is_reading(&self, stream: &Stream, key: &str) -> bool {
        let of_mark = |(other, own): &(&Stream, String)| other.name == stream.name && own == key;
        self.flights.iter().any(|flight| flight.lane == Lane::Changes && flight.task.as_ref().is_some_and(of_mark))
    }

    fn path_of(&mut self, marked: &Marked) -> Option<String> {
        match &marked.reread.read {
            Read::Object { path } => Some(filled(path, &marked.id)),
            Read::Listing { path, .. } => Some(marked.mark.next.clone().unwrap_or_else(|| filled(path, &marked.id))),
            Read::Assembled { object: Some(path), .. } if marked.mark.item.is_none() => Some(filled(path, &marked.id)),
            Read::Assembled { parent, .. } => {
                let kind = marked.stream.parents_of_kind(parent)?.kind;
                let item = marked.mark.item.clone();
                let assembly = Assembly { kind, parent: marked.id.clone(), item, parts: Vec::new() };
                self.path_of_step(marked.stream, &marked.key, assembly)
            }
        }
    }
}

/// How lines of a mark are read: what all records of an object are of one kind may stand in one
/// manifest, as long as no record has two of them in its id.
fn footing_of(marked: &Marked) -> Footing {
    match (marked.reread.of, marked.stream.identity) {
        (Of::All(kind), Identity::Pair(..)) => Footing::All(kind),
        _ => Footing::Lines,
    }
}

fn filled(path: &str, id: &str) -> String {
    let (parent, child) = id.split_once(':').unwrap_or((id, id));
    path.replace("{id}", id).replace("{parent}", parent).replace("{child}", child)
}
