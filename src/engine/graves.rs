//! Objects that are gone for good: what is still to be written of that, and what does not come back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use crate::streams::Stream;

/// How long an object that is gone is kept out of readings: Okta's lists may show it for a while.
const BURIED_FOR: SignedDuration = SignedDuration::from_hours(48);
/// How many such objects are remembered.
const MOST_BURIED: usize = 5_000;

/// Objects that are gone for good, and what is still to be written of that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Graves {
    /// By id, when the event was heard.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    buried: BTreeMap<String, Timestamp>,
    /// Streams and scopes whose records end, and the event that says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<(String, Scope, Option<String>)>,
}

impl Graves {
    pub(super) fn is_buried(&self, id: &str) -> bool {
        self.buried.contains_key(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buried.is_empty()
    }

    pub(super) fn bury(&mut self, id: &str, now: Timestamp) {
        self.buried.insert(id.to_owned(), now);
        self.buried
            .retain(|_, heard| now.duration_since(*heard) < BURIED_FOR);
        if self.buried.len() > MOST_BURIED
            && let Some(oldest) = self.buried.iter().min_by_key(|(_, heard)| **heard)
        {
            let oldest = oldest.0.clone();
            self.buried.remove(&oldest);
        }
    }

    pub(super) fn end(&mut self, stream: &Stream, scope: Scope, cause: Option<String>) {
        let is_known = self
            .open
            .iter()
            .any(|(name, other, _)| name == stream.name && *other == scope);
        if !is_known {
            self.open.push((stream.name.to_owned(), scope, cause));
        }
    }

    /// Takes an end as an older version left it.
    pub(super) fn resume(
        &mut self,
        stream: String,
        scope: Scope,
        cause: Option<String>,
        now: Timestamp,
    ) {
        if let Some(id) = scope.id() {
            self.bury(id, now);
        }
        self.open.push((stream, scope, cause));
    }

    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// What is still to be written; what cannot be yet is to be given back.
    pub(super) fn take_open(&mut self) -> Vec<(String, Scope, Option<String>)> {
        std::mem::take(&mut self.open)
    }

    pub(super) fn give_back(&mut self, open: Vec<(String, Scope, Option<String>)>) {
        self.open = open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_buried_stays_so_for_two_days() {
        let now = Timestamp::UNIX_EPOCH;
        let mut graves = Graves::default();
        graves.bury("00g1", now);
        graves.bury("00g2", now + SignedDuration::from_hours(47));
        assert!(graves.is_buried("00g1"));
        graves.bury("00g3", now + SignedDuration::from_hours(49));
        assert!(!graves.is_buried("00g1") && graves.is_buried("00g2"));
    }
}
