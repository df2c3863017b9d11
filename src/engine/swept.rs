//! How far a stream was asked for what has changed lately, and why it is to be asked again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sweep::OVERLAP;

/// Objects whose last change is remembered, so that they are no news: half of what a page holds.
const MOST_SEEN: usize = 100;

/// How far a stream was asked for what has changed lately.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Swept {
    /// The newest time of change seen, by Okta's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// What changed until then and is not remembered is taken for known: it was too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_until: Option<Timestamp>,
    /// Objects that changed shortly before the newest, and when: they are no news.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, Timestamp>,
    /// Why it is to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Why>,
    /// Path and query of the next page; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Since when the pages that are being read list changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Why a stream is to be asked for what has changed lately; the later ones ask for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Several objects are marked: they are read, and nothing else.
    Marks,
    /// It is time: what changed without an event is read.
    Time,
    /// An event named nothing: whatever it could mean is read.
    Unnamed,
}

impl Swept {
    /// All of it but that it is time: the next run knows that by itself.
    pub(super) fn worth_keeping(self) -> Self {
        Self { due: self.due.filter(|why| *why == Why::Unnamed), ..self }
    }

    pub(super) fn see(&mut self, id: String, time: Timestamp) {
        self.newest = self.newest.max(Some(time));
        self.seen.insert(id, time);
        if self.seen.len() > MOST_SEEN {
            self.prune();
        }
    }

    /// Forgets what the next sweep will not show. Of a crowd that changed at once the newest are
    /// remembered; what changed before them is taken for known.
    fn prune(&mut self) {
        let since = self.newest.map(|newest| newest - OVERLAP).max(self.known_until);
        self.seen.retain(|_, time| Some(*time) >= since);
        if self.seen.len() > MOST_SEEN {
            let mut times: Vec<Timestamp> = self.seen.values().copied().collect();
            times.sort_unstable();
            let until = times[MOST_SEEN / 4];
            self.seen.retain(|_, time| *time > until);
            self.known_until = Some(until);
        }
    }
}
