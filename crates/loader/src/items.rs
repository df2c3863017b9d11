//! Pieces → complete items → lists for requests, always the same ones in the same order.

use std::collections::{BTreeSet, VecDeque};

use fold::{Added, Folded, KINDS, Kind, Pack, Piece, coalesce, fingerprint64, fold};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::purge::Keys;
use crate::report::{Counts, MOST_NAMED, Refused, count};
use crate::sorter::{PARTITIONS, Sorter};
use crate::usage::Carrying;

/// A complete item.
pub type Item = Map<String, Value>;

/// Which items are wanted.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// All.
    All,
    /// The items that are news since the last load, and every item of these kinds.
    Changed(BTreeSet<Kind>),
    /// The items of these keys.
    Keys(BTreeSet<(Kind, String)>),
}

/// The items of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Their kind.
    pub kind: Kind,
    /// At most 10,000 of them, and 1 MB.
    pub items: Vec<Item>,
}

/// Goes through the pieces once.
pub struct Items<'a> {
    sorted: &'a Sorter,
    wanted: Wanted,
    kind: usize,
    partition: u16,
    pack: Pack,
    ready: VecDeque<Batch>,
    /// Items of the newest state, without those that are left out.
    pub defined: Keys,
    /// Items that are left out.
    pub named: Keys,
    /// Items that were defined as of the last load and are no more.
    pub removed: Keys,
    /// Usage for the next loads.
    pub carrying: Option<Carrying>,
    /// Items of the newest state, by kind, without those that are left out.
    pub items: Counts,
    /// Items with a reference that nothing defines.
    pub left_out: u64,
    /// The first of them, by name.
    pub left_out_items: Vec<Refused>,
    /// Items that no request can hold.
    pub too_large: Vec<(Kind, Item)>,
}

impl<'a> Items<'a> {
    /// From the first kind on.
    #[must_use]
    pub fn new(sorted: &'a Sorter, wanted: Wanted) -> Self {
        Self {
            sorted,
            wanted,
            kind: 0,
            partition: 0,
            pack: Pack::default(),
            ready: VecDeque::new(),
            defined: Keys::default(),
            named: Keys::default(),
            removed: Keys::default(),
            carrying: None,
            items: Counts::new(),
            left_out: 0,
            left_out_items: Vec::new(),
            too_large: Vec::new(),
        }
    }

    /// The next request's items, `None` after the last.
    ///
    /// # Errors
    /// `SpillFailed`.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Failure> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            let Some(kind) = KINDS.get(self.kind).copied() else {
                return Ok(None);
            };
            for (key, pieces) in self.sorted.read(kind, self.partition)? {
                self.add(kind, &key, pieces);
            }
            self.partition += 1;
            if self.partition == PARTITIONS {
                (self.kind, self.partition) = (self.kind + 1, 0);
                for keys in [&mut self.defined, &mut self.named, &mut self.removed] {
                    keys.seal(kind);
                }
                let items = self.pack.take();
                self.push(kind, items);
            }
        }
    }

    fn push(&mut self, kind: Kind, items: Vec<Item>) {
        if !items.is_empty() {
            self.ready.push_back(Batch { kind, items });
        }
    }

    fn add(&mut self, kind: Kind, key: &str, pieces: Vec<Piece>) {
        if let Some(carrying) = &mut self.carrying {
            let usage = pieces
                .iter()
                .filter(|piece| piece.stream == "usage")
                .cloned()
                .collect();
            if let Some(usage) = coalesce(usage) {
                carrying.add(kind, &usage);
            }
        }
        let (touched, item) = match fold(kind, pieces) {
            Folded::Item { touched, item } => (touched, item),
            Folded::Removed => return self.removed.add(kind, key),
            Folded::Undefined => return,
        };
        if let Some(unknown) = self.refers_in_vain_to(kind, &item) {
            self.named.add(kind, key);
            return self.leave_out(kind, &item, unknown);
        }
        self.defined.add(kind, key);
        count(&mut self.items, kind, 1);
        let wanted = match &self.wanted {
            Wanted::All => true,
            Wanted::Changed(whole) => touched || whole.contains(&kind),
            Wanted::Keys(keys) => keys.contains(&(kind, key.to_owned())),
        };
        if !wanted {
            return;
        }
        match self.pack.add(item) {
            Added::Kept => {}
            Added::Full(items) => self.push(kind, items),
            Added::TooLarge(item) => self.too_large.push((kind, item)),
        }
    }

    fn leave_out(&mut self, kind: Kind, item: &Item, unknown: String) {
        self.left_out += 1;
        if self.left_out_items.len() < MOST_NAMED {
            let reason = format!("refers to {unknown}, which nothing defines");
            self.left_out_items.push(Refused::of(kind, item, &reason));
        }
    }

    /// The first id that an item refers to and nothing defines.
    fn refers_in_vain_to(&self, kind: Kind, item: &Item) -> Option<String> {
        let mut references = kind.references(item).iter();
        references.find_map(|(field, kinds)| {
            let id = item.get(*field)?.as_str().filter(|id| !id.is_empty())?;
            let fingerprint = fingerprint64(id);
            let is_known = kinds
                .iter()
                .any(|kind| self.defined.has(*kind, fingerprint));
            (!is_known).then(|| id.to_owned())
        })
    }
}
