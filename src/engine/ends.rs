//! What is gone: tombstones, and what is forgotten with an object.

use jiff::Timestamp;

use super::harvest::Harvest;
use super::marks::has_part;
use super::snapshot::Completed;
use super::{Engine, Footing};
use crate::streams::change::{Identity, Kind};
use crate::streams::{STREAMS, Stream};

impl Engine {
    /// Objects are gone for good: tombstones, and what hung on them is forgotten. Nothing of them
    /// is read any more.
    pub(super) fn bury(
        &mut self,
        stream: &'static Stream,
        kind: Kind,
        ids: &[&str],
        cause: Option<String>,
        at: Timestamp,
    ) -> Option<Harvest> {
        for id in ids {
            self.unmark(stream, id);
            if !matches!(stream.identity, Identity::Object(_)) {
                self.forget(stream, id, self.sequence + 1);
                self.expect_removals(stream, kind, true);
            }
        }
        let is_object = matches!(stream.identity, Identity::Object(_)) && !ids.is_empty();
        is_object
            .then(|| self.tombstones(stream, ids.iter().map(|id| (*id).to_owned()).collect(), at).because_of(cause))
    }

    fn unmark(&mut self, stream: &'static Stream, id: &str) {
        if let Some(marks) = self.cursor.changes.get_mut(stream.name) {
            marks.retain(|key, _| !has_part(key, id));
            if marks.is_empty() {
                self.cursor.changes.remove(stream.name);
            }
        }
        self.assemblies.retain(|(name, key), _| *name != stream.name || !(key == id || has_part(key, id)));
    }

    /// Records with this id that were last sent before the manifest are gone.
    pub(super) fn forget(&mut self, stream: &'static Stream, id: &str, since_sequence: u64) {
        self.uncommitted.insert(stream.name);
        self.footings.insert(stream.name, Footing::Lines);
        self.completed.push(Completed { stream: stream.name, since_sequence, scope: Some(id.to_owned()) });
    }

    pub(super) fn tombstones(&mut self, stream: &'static Stream, ids: Vec<String>, at: Timestamp) -> Harvest {
        self.uncommitted.insert(stream.name);
        self.cursor.streams.entry(stream.name.to_owned()).or_default().removed += ids.len() as u64;
        Harvest::tombstones(stream, ids, at)
    }

    /// What an object's end takes away is not counted one by one: as many records as an object of
    /// its kind has on average.
    pub(super) fn expect_removals(&mut self, stream: &Stream, kind: Kind, removes: bool) {
        let owner = STREAMS.iter().find(|own| own.identity == Identity::Object(kind));
        let (Some(all), Some(objects)) = (self.known_lines(stream), owner.and_then(|owner| self.known_lines(owner)))
        else {
            return;
        };
        if let Some(progress) = self.cursor.streams.get_mut(stream.name).filter(|_| removes) {
            progress.removed += all.div_ceil(objects.max(1));
        }
    }
}
