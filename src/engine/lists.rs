//! Listings that are being read for the snapshots of one stream or several.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::streams::{LISTINGS, Listing, listing};

/// Failures at one position after which the listing begins anew.
const MOST_FAILURES: u8 = 3;
/// Refusals of a listing before its snapshots begin anew when it may be read.
const LASTING_REFUSALS: u8 = 3;

/// The reading of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListReading {
    /// Names of the streams whose snapshots it serves.
    serves: BTreeSet<String>,
    /// Path and query of the next page; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    /// Failures in a row at this position.
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u8,
    /// The trouble that it met last, and whether Okta refuses it for want of a right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<(String, bool)>,
    #[serde(skip)]
    is_under_way: bool,
    /// It failed in this run.
    #[serde(skip)]
    has_sunk: bool,
}

impl ListReading {
    /// The reading as an older version left it.
    pub(super) fn resumed(serves: Vec<String>, position: Option<String>) -> Self {
        Self {
            serves: serves.into_iter().collect(),
            position,
            ..Self::default()
        }
    }
}

/// What a failure means for a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The next run tries again.
    Sunk,
    /// So do its snapshots, from their beginning.
    Anew,
}

/// Every listing that is being read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Lists(BTreeMap<&'static str, ListReading>);

impl Lists {
    pub(super) fn read(kept: BTreeMap<String, ListReading>) -> Self {
        let known = kept
            .into_iter()
            .filter_map(|(name, reading)| Some((listing(&name)?.name, reading)))
            .filter(|(_, list)| !list.serves.is_empty());
        let fresh = |list| ListReading {
            is_under_way: false,
            has_sunk: false,
            ..list
        };
        Self(known.map(|(name, list)| (name, fresh(list))).collect())
    }

    pub(super) fn kept(&self) -> BTreeMap<String, ListReading> {
        self.0
            .iter()
            .filter(|(_, list)| !list.serves.is_empty())
            .map(|(name, list)| ((*name).to_owned(), list.clone()))
            .collect()
    }

    /// Begins a listing for these streams.
    pub(super) fn begin(&mut self, name: &'static str, serves: impl IntoIterator<Item = String>) {
        let list = ListReading {
            serves: serves.into_iter().collect(),
            ..ListReading::default()
        };
        self.0.insert(name, list);
    }

    pub(super) fn is_open(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn serves(&self, name: &str) -> Vec<String> {
        self.0
            .get(name)
            .map(|list| list.serves.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Path of the next request, if it may be sent now. `is_retry`: whether it failed in an earlier run.
    pub(super) fn next(&self, listing: &Listing, is_retry: bool) -> Option<String> {
        let list = self.0.get(listing.name)?;
        let may_send = !list.is_under_way
            && !list.has_sunk
            && !list.serves.is_empty()
            && list.trouble.is_some() == is_retry;
        let path = || {
            list.position
                .clone()
                .unwrap_or_else(|| listing.path.to_owned())
        };
        may_send.then(path)
    }

    pub(super) fn sent(&mut self, name: &str) {
        if let Some(list) = self.0.get_mut(name) {
            list.is_under_way = true;
        }
    }

    /// Notes that its request is answered; `false` if it serves no stream any more.
    pub(super) fn answered(&mut self, name: &str) -> bool {
        let Some(list) = self.0.get_mut(name) else {
            return false;
        };
        list.is_under_way = false;
        if list.serves.is_empty() {
            self.0.remove(name);
            return false;
        }
        true
    }

    /// Goes on to the next page.
    pub(super) fn go_on(&mut self, name: &str, next: String) {
        if let Some(list) = self.0.get_mut(name) {
            (list.position, list.failures, list.trouble) = (Some(next), 0, None);
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Notes a failure, in words and whether it is a refusal.
    pub(super) fn failed(&mut self, name: &str, error: String, is_refusal: bool) -> Failed {
        let Some(list) = self.0.get_mut(name) else {
            return Failed::Sunk;
        };
        list.has_sunk = true;
        list.failures = list.failures.saturating_add(1);
        list.trouble = Some((error, is_refusal));
        let is_lasting = is_refusal && list.failures >= LASTING_REFUSALS;
        let is_dead = list.position.is_some() && list.failures >= MOST_FAILURES;
        if is_lasting || is_dead {
            Failed::Anew
        } else {
            Failed::Sunk
        }
    }

    /// Ends what is read for a stream.
    pub(super) fn leave(&mut self, stream: &str) {
        for list in self.0.values_mut() {
            list.serves.remove(stream);
        }
        self.0
            .retain(|_, list| list.is_under_way || !list.serves.is_empty());
    }

    /// The trouble of a listing that a stream's snapshot rests on: in words, and whether Okta refuses it.
    pub(super) fn trouble(&self, stream: &str) -> Option<&(String, bool)> {
        self.0
            .values()
            .filter(|list| list.serves.contains(stream))
            .find_map(|list| list.trouble.as_ref())
    }

    /// Whether any listing, whose streams are `wanted`, may be sent or is under way.
    pub(super) fn go_on_for(&self, wanted: impl Fn(&str) -> bool) -> bool {
        LISTINGS.iter().any(|listing| {
            self.0.get(listing.name).is_some_and(|list| {
                !list.has_sunk && list.serves.iter().any(|stream| wanted(stream))
            })
        })
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// When a snapshot that could not be read as a whole begins again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rest {
    pub(super) attempts: u32,
    pub(super) until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(streams: &[&str]) -> Lists {
        let mut lists = Lists::default();
        lists.begin("groups", streams.iter().map(|name| (*name).to_owned()));
        lists
    }

    #[test]
    fn the_third_failure_at_a_position_begins_its_snapshots_anew() {
        let mut lists = of(&["groups"]);
        lists.go_on("groups", "/next".into());
        for expected in [Failed::Sunk, Failed::Sunk, Failed::Anew] {
            assert_eq!(lists.failed("groups", "500".into(), false), expected);
        }
        lists.go_on("groups", "/next".into());
        assert_eq!(lists.failed("groups", "500".into(), false), Failed::Sunk);
    }

    #[test]
    fn a_listing_that_serves_no_stream_ends() {
        let mut lists = of(&["groups", "group_memberships"]);
        lists.leave("groups");
        assert!(lists.is_open("groups"));
        lists.sent("groups");
        lists.leave("group_memberships");
        assert!(!lists.answered("groups"));
        assert!(!lists.is_open("groups"));
    }

    #[test]
    fn a_failed_listing_is_not_asked_again_in_the_run() {
        let mut lists = of(&["groups"]);
        let groups = listing("groups").unwrap();
        assert!(lists.next(groups, false).is_some());
        lists.failed("groups", "500".into(), false);
        assert_eq!(
            (lists.next(groups, false), lists.next(groups, true)),
            (None, None)
        );
        lists = Lists::read(lists.kept());
        assert!(lists.next(groups, true).is_some());
    }
}
