//! The cheapest way to read what is marked: one by one, all of one object, or the whole stream.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::cursor::Mark;
use super::swept::Why;
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{STREAMS, Source, Stream};

/// Marks of one stream; where there are more, its snapshot becomes due instead.
pub(super) const MOST_MARKS: usize = 1_000;
/// Up to this many marks are read one by one even where a snapshot would cost fewer requests:
/// it would write every record.
const FEW_MARKS: u64 = 20;
/// Pages of a listing that is read for what may follow from an event.
pub(super) const FEW_PAGES: u64 = 10;
/// From this many pairs of one object on, a listing of all of them costs less; and from this many
/// objects on, the listing of those that have changed lately.
const SEVERAL: usize = 3;

struct Pair {
    first: String,
    second: String,
    cause: Option<String>,
}

impl Engine {
    /// Chooses the cheapest way to read what is marked.
    pub(super) fn settle_marks(&mut self, stream: &'static Stream) {
        self.fold_pairs(stream);
        let count = self.cursor.changes.get(stream.name).map_or(0, BTreeMap::len);
        if (SEVERAL..=MOST_MARKS).contains(&count) && self.may_sweep(stream) {
            self.look(stream, Why::Marks);
        } else {
            self.weigh_marks(stream);
        }
    }

    /// Leaves what is marked to a snapshot, where reading it one by one would cost more.
    pub(super) fn weigh_marks(&mut self, stream: &'static Stream) {
        let Some(marks) = self.cursor.changes.get(stream.name) else { return };
        let count = marks.len() as u64;
        let progress = self.cursor.streams.get(stream.name);
        let snapshot =
            progress.filter(|progress| progress.open.is_none()).and_then(|progress| progress.complete.as_ref());
        let costs_less =
            snapshot.is_some_and(|snapshot| snapshot.requests > 0 && count > FEW_MARKS.max(snapshot.requests));
        if marks.is_empty() || costs_less || marks.len() > MOST_MARKS {
            self.cursor.changes.remove(stream.name);
            if count > 0 {
                self.make_due(stream);
            }
        }
    }

    /// Where many pairs share an object, all of its records cost fewer requests than each.
    fn fold_pairs(&mut self, stream: &'static Stream) {
        let Identity::Pair(first, second) = stream.identity else { return };
        let listing_cost = self.listing_cost(stream, first, second);
        let can_all = |kind| stream.reread(Of::All(kind)).is_some();
        let has_pairs = stream.reread(Of::Pair).is_some();
        let pairs = self.pairs(stream);
        let mut by_first: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
        pairs.iter().for_each(|pair| by_first.entry(&pair.first).or_default().push(pair));
        let whole = |(_, pairs): &(&&str, &Vec<&Pair>)| pairs.len() as u64 > listing_cost && can_all(first);
        let firsts: BTreeSet<&str> = by_first.iter().filter(whole).map(|(first, _)| *first).collect();
        let mut by_second: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
        let left = pairs.iter().filter(|pair| !firsts.contains(pair.first.as_str()));
        left.for_each(|pair| by_second.entry(&pair.second).or_default().push(pair));
        for pair in &pairs {
            let of_second = by_second.get(pair.second.as_str()).map_or(0, Vec::len);
            if firsts.contains(pair.first.as_str()) {
                self.add_mark(stream, Of::All(first), &pair.first, pair.cause.clone());
            } else if can_all(second) && (!has_pairs || of_second >= SEVERAL) {
                self.add_mark(stream, Of::All(second), &pair.second, pair.cause.clone());
            } else if !has_pairs {
                self.add_mark(stream, Of::All(first), &pair.first, pair.cause.clone());
            }
        }
    }

    /// Pages that the listing of all records of one first object has at most: it lists no more
    /// objects of the second kind than there are.
    pub(super) fn listing_cost(&self, stream: &Stream, first: Kind, second: Kind) -> u64 {
        let Some(Read::Listing { page_items, .. }) = stream.reread(Of::All(first)).map(|reread| &reread.read) else {
            return u64::MAX;
        };
        let own = STREAMS
            .iter()
            .find(|own| own.identity == Identity::Object(second) && matches!(own.source, Source::Listing(_)));
        own.and_then(|own| self.known_lines(own)).map_or(FEW_MARKS, |lines| lines / page_items + 1)
    }

    pub(super) fn known_lines(&self, stream: &Stream) -> Option<u64> {
        let progress = self.cursor.streams.get(stream.name)?;
        progress.complete.as_ref().map(|complete| complete.lines)
    }

    fn pairs(&self, stream: &Stream) -> Vec<Pair> {
        let marks = self.cursor.changes.get(stream.name).into_iter().flatten();
        let pair = |(key, mark): (&String, &Mark)| {
            let (first, second) = key.strip_prefix("Pair:")?.split_once(':')?;
            Some(Pair { first: first.to_owned(), second: second.to_owned(), cause: mark.cause.clone() })
        };
        marks.filter_map(pair).collect()
    }
}
