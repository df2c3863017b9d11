//! The guard over all forgetting. Okta answers a weakened admin role with short lists, with empty ones and with
//! 404, not with errors. A deletion's event is trusted. A reading is doubted where it says "nothing" after something,
//! or takes away more than events explain; a doubt costs at most a look at something that must be there, and what is
//! not believed takes nothing away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::job::Change;

/// A snapshot is held if it has fewer lines than this share of the last complete one …
const LEAST_SHARE_PERCENT: u64 = 80;
/// … and over this many fewer.
const LEAST_SHRINK_LINES: u64 = 100;
/// Objects per stream of which the number of records is remembered: those with the most.
const MOST_SIZES: usize = 5_000;
/// An absence that contradicts its event is looked at so often before it is left to the next snapshot.
pub(super) const LOOKS_AT_AN_ABSENCE: u32 = 3;

/// Whether a list shrank so much that a weakened role is likelier than a change.
pub(super) fn shrank(before: u64, after: u64) -> bool {
    after * 100 < before * LEAST_SHARE_PERCENT && before.saturating_sub(after) > LEAST_SHRINK_LINES
}

/// Whether nothing is left of something that is not known to have gone.
pub(super) fn is_vanished(before: u64, removed: u64, after: u64) -> bool {
    after == 0 && before > removed
}

/// How many records each object of a stream had when they were last read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sizes(BTreeMap<String, u64>);

impl Sizes {
    /// Notes a reading.
    pub(super) fn note(&mut self, id: &str, lines: u64) {
        if lines == 0 {
            self.0.remove(id);
            return;
        }
        self.0.insert(id.to_owned(), lines);
        if self.0.len() > MOST_SIZES {
            self.drop_smallest();
        }
    }

    /// Notes a reading that is not believed yet: it only raises the number.
    pub(super) fn note_at_least(&mut self, id: &str, lines: u64) {
        self.note(id, self.of(id).map_or(lines, |known| known.max(lines)));
    }

    /// Drops a tenth of all at once, so that it happens rarely.
    fn drop_smallest(&mut self) {
        let mut sizes: Vec<u64> = self.0.values().copied().collect();
        sizes.sort_unstable();
        let (least, mut spare) = (sizes[MOST_SIZES / 10], MOST_SIZES / 10);
        self.0.retain(|_, lines| {
            let drops = *lines <= least && spare > 0;
            spare -= usize::from(drops);
            !drops
        });
    }

    /// How many records an object had when they were last read.
    pub(super) fn of(&self, id: &str) -> Option<u64> {
        self.0.get(id).copied()
    }

    /// As [`Self::of`]; 0 for an object that is not remembered although there is room for it.
    pub(super) fn known_of(&self, id: &str) -> Option<u64> {
        let has_room = (1..MOST_SIZES * 9 / 10).contains(&self.0.len());
        self.of(id).or(has_room.then_some(0))
    }

    /// Whether a reading of all records of an object took away more than events explain.
    pub(super) fn is_doubtful(&self, id: &str, lines: u64, change: Option<&Change>) -> bool {
        let losses = change.map_or(0, |change| u64::from(change.losses));
        self.0
            .get(id)
            .is_some_and(|before| lines + losses < *before)
    }

    /// The object with the most records, but for one, and how many it has.
    pub(super) fn largest_but(&self, id: &str) -> Option<(&str, u64)> {
        let others = self.0.iter().filter(|(other, _)| *other != id);
        others
            .max_by_key(|(_, lines)| **lines)
            .map(|(id, lines)| (id.as_str(), *lines))
    }
}

/// Whether a page of an object that is known to have `expected` records is as full as it must be.
pub(super) fn is_sound(expected: u64, page_items: u64, seen: u64) -> bool {
    let expected = expected.min(page_items);
    seen > 0 && seen * 100 >= expected * LEAST_SHARE_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_or_a_relatively_small_loss_passes() {
        assert!(!shrank(100, 0));
        assert!(shrank(101, 0));
        assert!(!shrank(1_000, 800));
        assert!(shrank(1_000, 799));
        assert!(!shrank(10, 2_000));
    }

    #[test]
    fn a_loss_is_doubted_unless_events_explain_it() {
        let mut sizes = Sizes::default();
        sizes.note("00g1", 9);
        let lost = |losses| Change {
            losses,
            ..Change::default()
        };
        assert!(sizes.is_doubtful("00g1", 0, None) && sizes.is_doubtful("00g1", 7, Some(&lost(1))));
        assert!(
            !sizes.is_doubtful("00g1", 8, Some(&lost(1))) && !sizes.is_doubtful("00g1", 12, None)
        );
        assert!(
            !sizes.is_doubtful("00g2", 0, None),
            "nothing is known of it"
        );
        sizes.note("00g1", 0);
        assert_eq!(sizes.largest_but(""), None);
    }

    #[test]
    fn only_the_largest_are_remembered() {
        let mut sizes = Sizes::default();
        for lines in 1..=20_000 {
            sizes.note(&format!("00g{lines}"), lines);
            assert!(sizes.0.len() <= MOST_SIZES);
        }
        assert_eq!(sizes.largest_but(""), Some(("00g20000", 20_000)));
        assert!(!sizes.0.contains_key("00g1"));
    }

    #[test]
    fn a_short_page_of_a_long_list_is_not_sound() {
        assert!(is_sound(3, 200, 3) && is_sound(10_000, 200, 200) && is_sound(100, 200, 85));
        assert!(!is_sound(130, 200, 20) && !is_sound(1, 200, 0));
    }
}
