//! Requests sent and time waited since a run began, by class of path.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pace::{Limit, class_of};

/// Requests to the org so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Time that requests have waited for limits.
    pub throttled_ms: u64,
    /// The same for each class of paths (`users`, `logs`, …; see `class_of`) that was asked.
    pub by_class: BTreeMap<&'static str, ClassUse>,
    /// The org's rate limits, as its answers have described them.
    pub limits: Vec<Limit>,
}

/// The part of one class in a [`Use`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassUse {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Time that requests have waited for limits.
    pub throttled_ms: u64,
}

/// Counts while requests go on beside each other.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<&'static str, ClassUse>>);

impl Tally {
    pub(super) fn sent(&self, path: &str) {
        self.counts().entry(class_of(path)).or_default().requests += 1;
    }

    pub(super) fn waited(&self, path: &str, ms: u64) {
        self.counts()
            .entry(class_of(path))
            .or_default()
            .throttled_ms += ms;
    }

    /// Counts from zero again.
    pub(super) fn reset(&self) {
        self.counts().clear();
    }

    /// The use so far; of the limits nothing is known here.
    pub(super) fn used(&self) -> Use {
        let by_class = self.counts().clone();
        let total = |part: fn(&ClassUse) -> u64| by_class.values().map(part).sum();
        let (requests, throttled_ms) = (
            total(|class| class.requests),
            total(|class| class.throttled_ms),
        );
        Use {
            requests,
            throttled_ms,
            by_class,
            limits: Vec::new(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, ClassUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_add_up_to_the_whole() {
        let tally = Tally::default();
        tally.sent("/api/v1/users?limit=200");
        tally.sent("/api/v1/groups/00g1/users");
        tally.waited("/api/v1/groups/00g1/users", 250);
        let used = tally.used();
        assert_eq!((used.requests, used.throttled_ms), (2, 250));
        assert_eq!(
            used.by_class["groups"],
            ClassUse {
                requests: 1,
                throttled_ms: 250
            }
        );
        tally.reset();
        assert_eq!(tally.used(), Use::default());
    }
}
