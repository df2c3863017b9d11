//! Sets of items by 8 bytes each.

use std::collections::BTreeMap;

use fold::{Kind, fingerprint64};

/// Items by kind and the fingerprint of their key. A kind is looked up in once it is sealed.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<Kind, Vec<u64>>);

impl Keys {
    /// Adds an item.
    pub fn add(&mut self, kind: Kind, key: &str) {
        self.0.entry(kind).or_default().push(fingerprint64(key));
    }

    /// Ends a kind, or goes on after its end and ends it again.
    pub fn seal(&mut self, kind: Kind) {
        if let Some(keys) = self.0.get_mut(&kind) {
            keys.sort_unstable();
            keys.dedup();
        }
    }

    /// Adds those of another set.
    pub fn unite(&mut self, other: Self) {
        for (kind, keys) in other.0 {
            self.0.entry(kind).or_default().extend(keys);
            self.seal(kind);
        }
    }

    /// Whether a kind that is sealed has an item of this fingerprint.
    #[must_use]
    pub fn has(&self, kind: Kind, fingerprint: u64) -> bool {
        self.0
            .get(&kind)
            .is_some_and(|keys| keys.binary_search(&fingerprint).is_ok())
    }

    /// Every item of it.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.0
            .iter()
            .flat_map(|(kind, keys)| keys.iter().map(|key| (*kind, *key)))
    }
}
