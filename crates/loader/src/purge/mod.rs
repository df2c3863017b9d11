//! Whether items that were not posted may be deleted in Authomize, and the evidence for it.
//!
//! Authomize cannot delete one item; a purge deletes items last updated before a given time. [`Evidence`] owns what
//! a load has seen of Authomize, and is the only maker of a [`Warrant`], without which nothing is deleted.

mod census;
mod inquiry;
mod keys;
mod moment;
mod reason;
mod removals;
mod shrink;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fold::{Kind, fingerprint64};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use census::{Census, Ours, Standing, holds};
pub use inquiry::{Inquiry, Sent};
pub use keys::Keys;
pub use moment::{Margin, Moment};
pub use reason::{Again, Reason};
pub use removals::Removals;
pub use shrink::shrunk;

use crate::authomize::Trouble;
use crate::report::Counts;

/// Refused items that are remembered one by one. Of those beyond them only the kinds are.
const MOST_REFUSED_KEYS: usize = 2_000;
/// Longest wait for the sake of the mark.
const LONGEST_SEPARATION: Duration = Duration::from_secs(10);

/// An item that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    kind: Kind,
    fingerprint: u64,
}

impl Witness {
    /// Its kind, and the fingerprint of its key.
    #[must_use]
    pub fn item(self) -> (Kind, u64) {
        (self.kind, self.fingerprint)
    }
}

/// A load's observations of Authomize so far. It is part of the record, so that a load that is cut short keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Newest time of items that were posted before this load.
    earlier: Option<Timestamp>,
    /// Earliest and newest time of items that this load posted.
    mark: Option<Moment>,
    latest: Option<Timestamp>,
    /// Whether an answer had no time that can be placed.
    unplaced: bool,
    first: Option<Witness>,
    last: Option<Witness>,
    refused: BTreeMap<Kind, BTreeSet<u64>>,
    refused_beyond: BTreeSet<Kind>,
    failed: BTreeMap<Kind, Trouble>,
    /// Kinds with items that refer to those of a kind that failed.
    dangling: BTreeSet<Kind>,
}

/// The app of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standpoint {
    /// Authomize's id of the app.
    pub app_id: String,
    /// Whether this loader created it.
    pub made: bool,
    /// Its name, if that is not the integration's.
    pub renamed: Option<Reason>,
}

/// The permissions of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// Far fewer items than before are right.
    pub accept_shrink: bool,
    /// All items of the app may be deleted.
    pub adopt: bool,
}

/// Knowledge besides the evidence.
pub struct Case<'a> {
    /// Doubts about the collector's state, and gaps in the part that was read.
    pub bucket: Vec<Reason>,
    /// The app.
    pub app: &'a Standpoint,
    /// Items of the newest state, by kind.
    pub items: &'a Counts,
    /// The same as of the last purge.
    pub before: Option<&'a Counts>,
    /// The event's wishes.
    pub wishes: Wishes,
    /// The mark's margin.
    pub margin: Margin,
}

/// A purge that only a look at the app's items still decides.
#[derive(Debug)]
pub struct Suit {
    before: String,
}

/// A purge that may be sent.
#[derive(Debug)]
pub struct Warrant {
    before: String,
}

impl Warrant {
    /// The value of `modifiedBefore`.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }
}

impl Evidence {
    /// None yet. `earlier` is the newest time of earlier posts.
    #[must_use]
    pub fn after(earlier: Option<Timestamp>) -> Self {
        Self {
            earlier,
            ..Self::default()
        }
    }

    /// Items were accepted at a time, as Authomize wrote it.
    pub fn accepted<'k>(
        &mut self,
        at: Option<&str>,
        kind: Kind,
        keys: impl IntoIterator<Item = &'k str>,
    ) {
        match at.and_then(Moment::placed) {
            Some(moment) => {
                // An answer may come from a machine whose clock is behind: the earliest time of all is the mark.
                if self.mark.is_none_or(|mark| moment.at() < mark.at()) {
                    self.mark = Some(moment);
                }
                self.latest = self.latest.max(Some(moment.at()));
            }
            None => self.unplaced = true,
        }
        for key in keys {
            let fingerprint = fingerprint64(key);
            if let Some(refused) = self.refused.get_mut(&kind) {
                refused.remove(&fingerprint);
            }
            if kind.is_listed() {
                let witness = Witness { kind, fingerprint };
                self.first = self.first.or(Some(witness));
                self.last = Some(witness);
            }
        }
    }

    /// An item was not accepted.
    pub fn refused(&mut self, kind: Kind, key: &str) {
        if self.refused.values().map(BTreeSet::len).sum::<usize>() < MOST_REFUSED_KEYS {
            let keys = self.refused.entry(kind).or_default();
            keys.insert(fingerprint64(key));
        } else {
            self.refused_beyond.insert(kind);
        }
    }

    /// Whether an item was not accepted.
    #[must_use]
    pub fn has_refused(&self, kind: Kind, key: &str) -> bool {
        let keys = self.refused.get(&kind);
        keys.is_some_and(|keys| keys.contains(&fingerprint64(key)))
    }

    /// Whether an answer had no time that can be placed.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        self.unplaced
    }

    /// A kind cannot be posted.
    pub fn failed(&mut self, kind: Kind, trouble: Trouble) {
        self.failed.insert(kind, trouble);
    }

    /// Items of this kind refer to missing ones. If a kind failed, that may be why.
    pub fn dangles(&mut self, kind: Kind) {
        if !self.failed.is_empty() {
            self.dangling.insert(kind);
        }
    }

    /// Whether a kind cannot be posted.
    #[must_use]
    pub fn has_failed(&self, kind: Kind) -> bool {
        self.failed.contains_key(&kind)
    }

    /// Kinds that are not posted as a whole.
    #[must_use]
    pub fn behind(&self) -> BTreeSet<Kind> {
        let failed = self.failed.keys().copied();
        failed.chain(self.dangling.iter().copied()).collect()
    }

    /// Every kind that failed.
    #[must_use]
    pub fn failures(&self) -> Vec<Reason> {
        let reason = |(kind, trouble): (&Kind, &Trouble)| Reason::KindFailed {
            kind: *kind,
            trouble: trouble.clone(),
        };
        self.failed.iter().map(reason).collect()
    }

    /// Newest time of any item that was posted.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest.max(self.earlier)
    }

    /// The time between earlier posts and those of this load, if a purge is to distinguish them.
    /// `now` is the time of an item that was posted just now; without `certain` it may not have been the last of
    /// the past.
    pub fn separation(&mut self, now: Moment, certain: bool) -> Option<Duration> {
        let margin = Margin::default().length()?;
        if !certain {
            self.earlier = self.earlier.max(Some(now.at()));
        }
        let apart = now.at().duration_since(self.earlier?);
        // Once for the mark, once for the clock of the items, and a second for the clock of the answers.
        let missing = margin + margin + SignedDuration::from_millis(1_100) - apart;
        let missing = Duration::try_from(missing).unwrap_or_default();
        (missing > Duration::ZERO && missing <= LONGEST_SEPARATION).then_some(missing)
    }

    /// Whether a purge takes everything that was posted before this load and not since.
    #[must_use]
    pub fn separates(&self, margin: Margin) -> bool {
        let (Some(mark), Some(length)) = (self.mark, margin.length()) else {
            return false;
        };
        let least = length + Margin::default().length().unwrap_or_default();
        self.earlier
            .is_none_or(|earlier| mark.at().duration_since(earlier) > least)
    }

    /// The items to look for after a purge: the first and the last that were accepted.
    #[must_use]
    pub fn witnesses(&self) -> Vec<Witness> {
        let mut witnesses: Vec<Witness> = self.last.into_iter().chain(self.first).collect();
        witnesses.dedup();
        witnesses
    }

    /// Judges all but the app's items.
    ///
    /// # Errors
    /// Why nothing may be deleted.
    pub fn weigh(&self, case: Case<'_>) -> Result<Suit, Vec<Reason>> {
        let mut reasons = case.bucket;
        reasons.extend(self.failures());
        reasons.extend(shrunk(case.before, case.items));
        reasons.extend(case.app.renamed.clone());
        let length = case.margin.length();
        if length.is_none() {
            reasons.push(Reason::MarksUsedUp);
        }
        let mark = self.mark.filter(|_| !self.unplaced);
        if mark.is_none() {
            reasons.push(Reason::TimeUnplaced);
        }
        reasons.retain(|reason| !case.wishes.set_aside(reason));
        let before = mark
            .zip(length)
            .and_then(|(mark, length)| mark.less(length));
        match before {
            Some(before) if reasons.is_empty() => Ok(Suit { before }),
            _ => Err(reasons),
        }
    }

    /// The standing of an item that the app holds.
    #[must_use]
    pub fn standing(&self, ours: &Ours<'_>, kind: Kind, fingerprint: u64) -> Standing {
        let refused = self
            .refused
            .get(&kind)
            .is_some_and(|keys| keys.contains(&fingerprint));
        let maybe = self.refused_beyond.contains(&kind) && ours.defined.has(kind, fingerprint);
        if refused || maybe {
            Standing::AtStake
        } else if ours.has(kind, fingerprint) {
            Standing::Ours
        } else {
            Standing::Stranger
        }
    }

    fn refuses(&self, kind: Kind) -> bool {
        self.refused.get(&kind).is_some_and(|keys| !keys.is_empty())
            || self.refused_beyond.contains(&kind)
    }
}

impl Wishes {
    /// Whether they set a reason aside.
    #[must_use]
    pub fn set_aside(self, reason: &Reason) -> bool {
        (self.accept_shrink && reason.yields_to_accept_shrink())
            || (self.adopt && reason.yields_to_adopt())
    }
}

impl Suit {
    /// Judges by the app's items.
    ///
    /// # Errors
    /// Why nothing may be deleted.
    pub fn decide(
        self,
        census: &Census,
        evidence: &Evidence,
        app: &Standpoint,
        wishes: Wishes,
    ) -> Result<Warrant, Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut at_stake = census.at_stake();
        if let Some(items) = census.strangers().filter(|items| *items > 0) {
            reasons.push(Reason::Strangers { items });
        }
        for (kind, trouble) in census.unlisted() {
            // An app that this loader made and nobody can list is its own, unless something may be lost there.
            if !(app.made && trouble.lasts() && !evidence.refuses(kind)) {
                let trouble = trouble.clone();
                reasons.push(Reason::NotListed { kind, trouble });
            }
        }
        at_stake += u64::from(
            fold::KINDS
                .iter()
                .any(|kind| !kind.is_listed() && evidence.refuses(*kind)),
        );
        if at_stake > 0 {
            reasons.push(Reason::RefusedAtStake { items: at_stake });
        }
        reasons.retain(|reason| !wishes.set_aside(reason));
        if reasons.is_empty() {
            let before = self.before;
            Ok(Warrant { before })
        } else {
            Err(reasons)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "2026-11-23T18:00:10Z";

    fn app(made: bool) -> Standpoint {
        let app_id = "a".to_owned();
        let renamed = None;
        Standpoint {
            app_id,
            made,
            renamed,
        }
    }

    fn weighed(evidence: &Evidence, app: &Standpoint, margin: Margin) -> Result<Suit, Vec<Reason>> {
        let items = Counts::from([("users".to_owned(), 3)]);
        evidence.weigh(Case {
            bucket: Vec::new(),
            app,
            items: &items,
            before: None,
            wishes: Wishes::default(),
            margin,
        })
    }

    fn posted() -> Evidence {
        let mut evidence = Evidence::after(None);
        evidence.accepted(Some("2026-11-23T18:00:20Z"), Kind::Users, ["u1"]);
        evidence.accepted(Some(FIRST), Kind::Users, ["u2"]);
        evidence
    }

    #[test]
    fn the_mark_is_two_seconds_before_the_earliest_answer() {
        let app = app(false);
        let suit = weighed(&posted(), &app, Margin::default()).unwrap();
        let census = Census::default();
        let warrant = suit.decide(&census, &posted(), &app, Wishes::default());
        assert_eq!(warrant.unwrap().before(), "2026-11-23T18:00:08");
    }

    #[test]
    fn a_failed_kind_an_unplaced_time_and_used_up_marks_withhold_a_purge() {
        let mut failed = posted();
        failed.failed(Kind::Assets, Trouble::Throttled);
        failed.dangles(Kind::Permissions);
        assert_eq!(failed.behind(), [Kind::Assets, Kind::Permissions].into());
        let mut unplaced = posted();
        unplaced.accepted(Some("2026-11-23T18:00:10"), Kind::Users, ["u3"]);
        let never = Margin::default().widened().widened().widened();
        for (evidence, margin) in [
            (failed, Margin::default()),
            (unplaced, Margin::default()),
            (Evidence::after(None), Margin::default()),
            (posted(), never),
        ] {
            assert_eq!(weighed(&evidence, &app(true), margin).unwrap_err().len(), 1);
        }
    }

    #[test]
    fn a_refused_item_is_at_stake_until_it_is_accepted_and_by_its_kind_beyond_a_bound() {
        let (defined, none, removals) = (Keys::default(), Keys::default(), Removals::default());
        let ours = Ours {
            defined: &defined,
            named: &none,
            removals: &removals,
        };
        let mut evidence = posted();
        evidence.refused(Kind::Users, "u9");
        let standing = |evidence: &Evidence, ours: &Ours<'_>, key: &str| {
            evidence.standing(ours, Kind::Users, fingerprint64(key))
        };
        assert_eq!(standing(&evidence, &ours, "u9"), Standing::AtStake);
        evidence.accepted(Some(FIRST), Kind::Users, ["u9"]);
        assert_eq!(standing(&evidence, &ours, "u9"), Standing::Stranger);
        for number in 0..=MOST_REFUSED_KEYS {
            evidence.refused(Kind::Users, &number.to_string());
        }
        let mut defined = Keys::default();
        defined.add(Kind::Users, "beyond");
        defined.seal(Kind::Users);
        let ours = Ours {
            defined: &defined,
            ..ours
        };
        assert_eq!(standing(&evidence, &ours, "beyond"), Standing::AtStake);
    }

    #[test]
    fn items_of_two_loads_are_told_apart_by_more_than_both_clocks_may_err() {
        let moment = |text| Moment::placed(text).unwrap();
        let mut evidence = Evidence::after(Some(moment(FIRST).at()));
        let soon = moment("2026-11-23T18:00:11Z");
        let wait = evidence.separation(soon, true).unwrap();
        assert_eq!(wait.as_millis(), 4_100);
        evidence.accepted(Some("2026-11-23T18:00:15.1Z"), Kind::Users, ["u1"]);
        assert!(evidence.separates(Margin::default()));
        assert!(!evidence.separates(Margin::default().widened()));
        let mut uncertain = Evidence::after(None);
        assert_eq!(uncertain.separation(soon, true), None);
        assert!(uncertain.separation(soon, false).is_some());
    }
}
