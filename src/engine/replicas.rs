//! All streams of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::replica::{KeptReplica, Replica};
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{STREAMS, Source, Stream};

/// Pages that a listing is taken to have about whose objects nothing is known.
const UNKNOWN_PAGES: u64 = 20;

/// Every stream that has a newest state, and those of them that the run reads.
#[derive(Debug, Clone)]
pub(super) struct Replicas {
    of: BTreeMap<&'static str, Replica>,
    planned: Vec<&'static Stream>,
}

impl Replicas {
    pub(super) fn read(
        mut kept: BTreeMap<String, KeptReplica>,
        planned: Vec<&'static Stream>,
        now: Timestamp,
    ) -> Self {
        let has_state = |stream: &&&'static Stream| !stream.listings().is_empty();
        let of = STREAMS.iter().filter(has_state).map(|stream| {
            let kept = kept.remove(stream.name).unwrap_or_default();
            (stream.name, Replica::read(stream, kept, now))
        });
        Self {
            of: of.collect(),
            planned,
        }
    }

    pub(super) fn kept(&self) -> BTreeMap<String, KeptReplica> {
        self.of
            .iter()
            .map(|(name, replica)| ((*name).to_owned(), replica.kept()))
            .filter(|(_, kept)| *kept != KeptReplica::default())
            .collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Replica> {
        self.of.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Replica> {
        self.of.get_mut(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Replica)> {
        self.of.iter().map(|(name, replica)| (*name, replica))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Replica)> {
        self.of.iter_mut().map(|(name, replica)| (*name, replica))
    }

    /// The streams that the run reads, in the table's order.
    pub(super) fn planned(&self) -> &[&'static Stream] {
        &self.planned
    }

    pub(super) fn is_planned(&self, name: &str) -> bool {
        self.planned.iter().any(|stream| stream.name == name)
    }

    /// The stream of users, if the run reads it.
    pub(super) fn users(&self) -> Option<&'static Stream> {
        self.planned.iter().copied().find(|stream| {
            stream
                .sweep
                .as_ref()
                .is_some_and(|sweep| sweep.life.is_some())
        })
    }

    /// Objects of a kind that readers hold, if their stream is complete.
    fn held_of(&self, kind: Kind) -> Option<u64> {
        let is_own = |stream: &&&Stream| {
            stream.identity == Identity::Object(kind) && matches!(stream.source, Source::Listing(_))
        };
        let own = STREAMS.iter().find(is_own)?;
        self.get(own.name)?
            .complete()
            .map(|complete| complete.lines)
    }

    /// Pages that the listing of all records of one first object has at most: it lists no more objects of the second
    /// kind than there are.
    pub(super) fn listing_cost(&self, stream: &Stream) -> u64 {
        let Identity::Pair(first, second) = stream.identity else {
            return u64::MAX;
        };
        let Some(Read::Listing { page_items, .. }) =
            stream.reread(Of::All(first)).map(|reread| &reread.read)
        else {
            return u64::MAX;
        };
        self.held_of(second)
            .map_or(UNKNOWN_PAGES, |lines| lines / page_items + 1)
    }
}
