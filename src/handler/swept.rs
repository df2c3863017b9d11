//! The time before which all changes of each stream are known: a sweep that found nothing is in no manifest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Kept across warm invocations, by integration and stream.
#[derive(Debug, Default)]
pub(super) struct LastSweeps(Mutex<HashMap<String, BTreeMap<String, Timestamp>>>);

impl LastSweeps {
    pub(super) fn of(&self, integration: &str) -> BTreeMap<String, Timestamp> {
        self.lock().get(integration).cloned().unwrap_or_default()
    }

    pub(super) fn note(&self, integration: &str, swept_at: &BTreeMap<String, Timestamp>) {
        self.lock().insert(integration.to_owned(), swept_at.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<String, Timestamp>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
