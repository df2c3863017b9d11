//! What the answer to a marked reading changes: records, tombstones, scoped snapshots.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::absorb::NO_POSITION;
use super::assembly::Stepped;
use super::changes::Marked;
use super::cursor::{Mark, NotApplicable};
use super::harvest::{Harvest, items};
use super::snapshot::Completed;
use super::sweep::SWEEP;
use super::{Answer, Engine, Flight, Parked};
use crate::body::{Body, Item};
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{Context, Source, Stream, id_of};

impl Engine {
    pub(super) fn absorb_change(&mut self, flight: &Flight, answer: Answer) -> Vec<Harvest> {
        let Some((stream, key)) = &flight.task else { return Vec::new() };
        if key == SWEEP {
            return self.absorb_sweep(stream, flight.sent_at, answer);
        }
        let Some(marked) = self.marked(stream, key) else { return Vec::new() };
        let at = flight.sent_at;
        match answer {
            Answer::Page { body, next } => self.absorb_marked(&marked, at, body, next),
            Answer::Gone => self.absorb_absence(&marked, at),
            // The snapshot asks in another way.
            Answer::Refused { .. } if matches!(marked.reread.read, Read::Listing { .. }) => {
                self.unmark_read(&marked);
                self.make_due(stream);
                Vec::new()
            }
            Answer::Refused { error } => self.pass_over(stream.name, key, Parked::Failed(error)),
            Answer::Expired if self.may_begin_again(Some((stream, key))) => {
                self.restart(&marked);
                Vec::new()
            }
            Answer::Expired => self.pass_over(stream.name, key, Parked::Failed(NO_POSITION.to_owned())),
            Answer::Limited { retry_after_s } => {
                self.park_limited(stream.name, retry_after_s);
                Vec::new()
            }
            Answer::Dropped => Vec::new(),
            Answer::NotApplicable { error } => self.leave_feature(&marked, at, error),
            Answer::Unavailable { error } => self.pass_over(stream.name, key, Parked::Unavailable(error)),
            Answer::Failed { error } => self.pass_over(stream.name, key, Parked::Failed(error)),
        }
    }

    /// The org has lost the feature: its snapshot, when next due, asks for it again.
    fn leave_feature(&mut self, marked: &Marked, at: Timestamp, error: String) -> Vec<Harvest> {
        let stream = marked.stream.name;
        self.park(stream, Parked::NotApplicable(error.clone()));
        self.cursor.changes.remove(stream);
        let progress = self.cursor.streams.entry(stream.to_owned()).or_default();
        progress.not_applicable = Some(NotApplicable { at, error });
        Vec::new()
    }

    fn absorb_marked(&mut self, marked: &Marked, at: Timestamp, body: Body, next: Option<String>) -> Vec<Harvest> {
        match &marked.reread.read {
            Read::Object { .. } => match body.object() {
                Ok(object) => self.absorb_object(marked, at, object.into()),
                Err(error) => self.pass_over(marked.stream.name, &marked.key, Parked::Failed(error.to_string())),
            },
            Read::Assembled { object: Some(_), .. } if marked.mark.item.is_none() => match body.object() {
                Ok(object) => self.give_object(marked.stream, &marked.key, &object, at),
                Err(error) => self.pass_over(marked.stream.name, &marked.key, Parked::Failed(error.to_string())),
            },
            Read::Assembled { .. } => self.absorb_marked_step(marked, at, Answer::Page { body, next }),
            Read::Listing { .. } => match items(&body) {
                Ok(items) => self.absorb_page(marked, at, items, next),
                Err(error) => self.pass_over(marked.stream.name, &marked.key, Parked::Failed(error)),
            },
        }
    }

    pub(super) fn absorb_object(&mut self, marked: &Marked, at: Timestamp, object: Item) -> Vec<Harvest> {
        self.note_row(marked.stream, &object);
        let mut harvests = self.lend_object(marked, &object, at);
        self.unmark_read(marked);
        self.uncommitted.insert(marked.stream.name);
        let parent = marked.id.split_once(':').map(|(parent, _)| parent.to_owned());
        harvests.push(Harvest::new(marked.stream, parent, at, vec![object]).because_of(marked.mark.cause.clone()));
        harvests
    }

    /// Spares other streams the request for the object that they must know first.
    fn lend_object(&mut self, marked: &Marked, object: &RawValue, at: Timestamp) -> Vec<Harvest> {
        let streams: Vec<_> = self
            .plan
            .streams
            .iter()
            .copied()
            .filter(|stream| self.waits_for_object(stream, &marked.key).is_some())
            .collect();
        streams.into_iter().flat_map(|stream| self.give_object(stream, &marked.key, object, at)).collect()
    }

    /// Tells a mark the object itself: one that is not wanted has nothing to be read.
    fn give_object(&mut self, stream: &'static Stream, key: &str, object: &RawValue, at: Timestamp) -> Vec<Harvest> {
        let Some(marked) = self.marked(stream, key) else { return Vec::new() };
        let Read::Assembled { parent, .. } = marked.reread.read else { return Vec::new() };
        let Some(parents) = stream.parents_of_kind(parent) else { return Vec::new() };
        if !(parents.wanted)(object) {
            // A snapshot that is open listed it when it was wanted.
            for walk in self.cursor.walks.values_mut() {
                walk.tasks.retain(|task| task.stream != stream.name || task.parent != marked.id);
            }
            return self.absorb_nothing(&marked, at);
        }
        let kept = if parents.keep { Context::default().object(object) } else { None };
        if let Some(mark) = self.mark_of(&marked) {
            mark.item = Some(kept.unwrap_or_else(|| serde_json::json!({})));
        }
        Vec::new()
    }

    fn mark_of(&mut self, marked: &Marked) -> Option<&mut Mark> {
        self.cursor.changes.get_mut(marked.stream.name)?.get_mut(&marked.key)
    }

    fn absorb_page(&mut self, marked: &Marked, at: Timestamp, items: Vec<Item>, next: Option<String>) -> Vec<Harvest> {
        let Read::Listing { normalize, .. } = marked.reread.read else { return Vec::new() };
        let context = Context { parent: Some(&marked.id), ..Context::default() };
        let tells = |item: &RawValue| normalize.is_none_or(|normalize| normalize(item, &context).is_some());
        let (items, untold): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| tells(item));
        let since = marked.mark.since_sequence.unwrap_or(self.sequence + 1);
        match &next {
            Some(_) => {
                if let Some(mark) = self.mark_of(marked) {
                    (mark.next, mark.since_sequence) = (next, Some(since));
                }
            }
            None => self.complete_scope(marked, since),
        }
        // An item that cannot tell what the record is gives at least its name.
        for id in untold.iter().filter_map(|item| id_of(item)) {
            self.mark(marked.stream, Of::Pair, &format!("{id}:{}", marked.id), marked.mark.cause.clone());
        }
        if items.is_empty() {
            return Vec::new();
        }
        self.uncommitted.insert(marked.stream.name);
        let harvest = Harvest::new(marked.stream, Some(marked.id.clone()), at, items).mapped_by(normalize);
        vec![harvest.because_of(marked.mark.cause.clone())]
    }

    /// All records with the id were read: those that were not are gone.
    fn complete_scope(&mut self, marked: &Marked, since_sequence: u64) {
        self.unmark_read(marked);
        self.uncommitted.insert(marked.stream.name);
        let scope = Some(marked.id.clone());
        self.completed.push(Completed { stream: marked.stream.name, since_sequence, scope });
    }

    /// Takes back a mark that was read, unless it was set again meanwhile.
    fn unmark_read(&mut self, marked: &Marked) {
        // What a snapshot has begun to put together is older.
        self.assemblies.remove(&(marked.stream.name, marked.id.clone()));
        let since_sequence = Some(self.sequence + 2);
        let Some(marks) = self.cursor.changes.get_mut(marked.stream.name) else { return };
        let again = marks.remove(&marked.key).and_then(|mark| mark.again);
        if let Some(cause) = again {
            // Its lines must not stand in one manifest with those that are just read.
            let cause = Some(cause).filter(|cause| !cause.is_empty());
            let mark = Mark { cause, since_sequence, ..Mark::default() };
            marks.insert(marked.key.clone(), mark);
        }
        if marks.is_empty() {
            self.cursor.changes.remove(marked.stream.name);
        }
    }

    /// Reads a listing from its first page again, after the lines of the first reading are committed.
    fn restart(&mut self, marked: &Marked) {
        let since = self.sequence + 1 + u64::from(self.uncommitted.contains(marked.stream.name));
        if let Some(mark) = self.mark_of(marked) {
            (mark.next, mark.since_sequence) = (None, Some(since));
        }
    }

    /// The object does not exist (any more): an answer.
    fn absorb_absence(&mut self, marked: &Marked, at: Timestamp) -> Vec<Harvest> {
        let Of::All(kind) = marked.reread.of else { return self.absorb_nothing(marked, at) };
        let is_object = match marked.reread.read {
            Read::Object { .. } => true,
            Read::Assembled { object, .. } => object.is_some() && marked.mark.item.is_none(),
            Read::Listing { .. } => false,
        };
        if is_object && self.holds_lines_of(kind) {
            // They may tell of the object, and must not stand beside its end.
            let after_commit = Some(self.sequence + 2);
            if let Some(mark) = self.mark_of(marked) {
                mark.since_sequence = after_commit;
            }
            return Vec::new();
        }
        if is_object {
            return self.bury_all(kind, &marked.id, marked.mark.cause.clone(), at);
        }
        if is_assembled(marked) {
            return self.absorb_marked_step(marked, at, Answer::Gone);
        }
        if marked.mark.next.is_some() && self.uncommitted.contains(marked.stream.name) {
            self.restart(marked);
            return Vec::new();
        }
        self.absorb_nothing(marked, at)
    }

    /// Whether lines of what hangs on objects of this kind are uncommitted.
    fn holds_lines_of(&self, kind: Kind) -> bool {
        let hangs = |stream: &&&'static Stream| {
            stream.identity.hangs_on(kind) && !matches!(stream.identity, Identity::Object(_))
        };
        self.plan.streams.iter().filter(hangs).any(|stream| self.uncommitted.contains(stream.name))
    }

    /// An object that a read did not find: all that hung on it goes with it.
    fn bury_all(&mut self, kind: Kind, id: &str, cause: Option<String>, at: Timestamp) -> Vec<Harvest> {
        let streams: Vec<_> =
            self.plan.streams.iter().copied().filter(|stream| stream.identity.hangs_on(kind)).collect();
        let read =
            streams.into_iter().filter(|stream| self.cursor.streams.contains_key(stream.name)).collect::<Vec<_>>();
        read.into_iter().filter_map(|stream| self.bury(stream, kind, &[id], cause.clone(), at)).collect()
    }

    /// There are no records of the mark.
    fn absorb_nothing(&mut self, marked: &Marked, at: Timestamp) -> Vec<Harvest> {
        let is_record = marked.reread.of == Of::Pair || matches!(marked.stream.identity, Identity::Object(_));
        if !is_record {
            self.complete_scope(marked, self.sequence + 1);
            return Vec::new();
        }
        self.unmark_read(marked);
        let tombstone = self.tombstones(marked.stream, vec![marked.id.clone()], at);
        vec![tombstone.because_of(marked.mark.cause.clone())]
    }

    fn absorb_marked_step(&mut self, marked: &Marked, at: Timestamp, answer: Answer) -> Vec<Harvest> {
        match self.take_step(marked.stream, &marked.key, at, answer) {
            Stepped::More => Vec::new(),
            Stepped::Gone => self.absorb_nothing(marked, at),
            Stepped::Trouble(Answer::Failed { error }) => {
                self.pass_over(marked.stream.name, &marked.key, Parked::Failed(error))
            }
            Stepped::Trouble(_) => Vec::new(),
            Stepped::Done { assembly, began_at } => {
                let is_record = matches!(marked.stream.identity, Identity::Object(_));
                if is_record {
                    self.unmark_read(marked)
                } else {
                    self.complete_scope(marked, self.sequence + 1)
                }
                let harvests = self.harvest_assembly(marked.stream, &assembly, began_at);
                harvests.into_iter().map(|harvest| harvest.because_of(marked.mark.cause.clone())).collect()
            }
        }
    }
}

fn is_assembled(marked: &Marked) -> bool {
    matches!(marked.stream.source, Source::Assembled { .. })
}
