//! Decides which load is due, and whether its numbers allow a sweep.

use jiff::{SignedDuration, Timestamp};

use crate::event::{Mode, Request};
use crate::record::Record;
use crate::report::Counts;

/// Full loads of so few requests follow a removal at once: at most one per wake-up, every five minutes.
const FEW_REQUESTS: u64 = 30;
/// Seconds between two full loads for the sake of removals, per request of the last one.
const SECONDS_PER_REQUEST: i64 = 15;
/// The shrink guard's share of the last load, in percent.
const LEAST_PERCENT: u64 = 80;
/// Items that may go whatever share they are.
const FEW_ITEMS: u64 = 100;

/// The load that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Post what has changed.
    Changes,
    /// Post everything.
    Everything,
    /// Post everything if a sweep is allowed, else what has changed.
    SweepIfSound,
}

/// Decides from the record, before anything else is read. `newest` is the newest manifest.
#[must_use]
pub fn due(
    record: &Record,
    request: &Request,
    newest: u64,
    now: Timestamp,
    interval: SignedDuration,
) -> Due {
    let Some(full) = &record.full else {
        return Due::Everything;
    };
    let age = now.duration_since(full.at);
    let asked = request.mode == Mode::Full || request.accept_shrink;
    let disturbed = record.disturbed_until.is_some_and(|until| until <= now);
    let unfinished = record
        .under_way
        .as_ref()
        .is_some_and(|under_way| under_way.all);
    // A clock that went back makes a full load due rather than never again.
    if asked || disturbed || unfinished || age >= interval || age < SignedDuration::ZERO {
        return Due::Everything;
    }
    let hopeless = record.refused_total > 0 || record.shrink_held();
    if record.removals_pending > 0 && !hopeless && age >= spacing(full.requests).min(interval) {
        return Due::SweepIfSound;
    }
    if newest > record.sequence || record.under_way.is_some() {
        Due::Changes
    } else {
        Due::Nothing
    }
}

/// Time between two full loads for the sake of removals: none for a small org, hours for a million users.
#[must_use]
pub fn spacing(requests: u64) -> SignedDuration {
    if requests <= FEW_REQUESTS {
        return SignedDuration::ZERO;
    }
    SignedDuration::from_secs(
        SECONDS_PER_REQUEST.saturating_mul(i64::try_from(requests).unwrap_or(i64::MAX)),
    )
}

/// The reason that no wish for a smaller load sets aside.
pub const NOTHING: &str = "no item at all was posted: check the collector's newest manifest, and the loader's prefix and integration";

/// The beginning of every reason of the shrink guard.
pub const SHRUNK: &str = "far fewer items than the last full load: ";

/// Why the numbers of a load that posted everything are no ground for deleting the rest; empty if they are.
#[must_use]
pub fn shrunk(before: Option<&Counts>, posted: &Counts) -> Vec<String> {
    let mut reasons = Vec::new();
    let (was, is) = (
        before.map_or(0, |before| before.values().sum::<u64>()),
        posted.values().sum::<u64>(),
    );
    if is == 0 {
        reasons.push(NOTHING.to_owned());
    }
    if is * 100 < was * LEAST_PERCENT && was - is > FEW_ITEMS {
        reasons.push(format!(
            "{SHRUNK}{is} after {was}; check the collector, or send accept_shrink (docs/loader.md says how)"
        ));
    }
    for (kind, was) in before.into_iter().flatten() {
        if *was > FEW_ITEMS && posted.get(kind).copied().unwrap_or_default() == 0 {
            reasons.push(format!(
                "{SHRUNK}no {kind} after {was}; check the collector, or send accept_shrink (docs/loader.md says how)"
            ));
        }
    }
    reasons
}

impl Record {
    /// Whether the last full load did not sweep because it had shrunk.
    #[must_use]
    pub fn shrink_held(&self) -> bool {
        self.held.iter().any(|reason| reason.starts_with(SHRUNK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Full;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    fn record(requests: u64, age_minutes: i64) -> Record {
        let at = NOW - SignedDuration::from_mins(age_minutes);
        Record {
            sequence: 5,
            full: Some(Full {
                sequence: 5,
                at,
                requests,
                bytes: 0,
            }),
            ..Record::default()
        }
    }

    fn due_of(record: &Record, newest: u64) -> Due {
        due(
            record,
            &Request::wake("okta".into()),
            newest,
            NOW,
            SignedDuration::from_hours(24),
        )
    }

    #[test]
    fn nothing_new_is_nothing_to_do_and_a_new_manifest_is_a_change() {
        assert_eq!(due_of(&record(9, 5), 5), Due::Nothing);
        assert_eq!(due_of(&record(9, 5), 6), Due::Changes);
        assert_eq!(due_of(&record(9, 24 * 60), 5), Due::Everything);
        assert_eq!(due_of(&record(9, -5), 5), Due::Everything);
        assert_eq!(due_of(&Record::default(), 5), Due::Everything);
    }

    #[test]
    fn a_removal_is_swept_at_once_in_a_small_org_and_spaced_in_a_large_one() {
        let pending = |requests, age| Record {
            removals_pending: 1,
            ..record(requests, age)
        };
        assert_eq!(due_of(&pending(30, 0), 6), Due::SweepIfSound);
        assert_eq!(due_of(&pending(1_000, 60), 6), Due::Changes);
        assert_eq!(due_of(&pending(1_000, 251), 6), Due::SweepIfSound);
        let refused = Record {
            refused_total: 1,
            ..pending(9, 60)
        };
        assert_eq!(due_of(&refused, 5), Due::Nothing);
    }

    #[test]
    fn over_a_fifth_and_over_a_hundred_fewer_is_no_ground_for_deleting() {
        let counts = |users: u64, permissions: u64| {
            Counts::from([
                ("users".to_owned(), users),
                ("permissions".to_owned(), permissions),
            ])
        };
        assert!(shrunk(None, &counts(1, 0)).is_empty());
        assert!(shrunk(Some(&counts(500, 0)), &counts(400, 0)).is_empty());
        assert!(shrunk(Some(&counts(110, 0)), &counts(10, 0)).is_empty());
        assert_eq!(shrunk(Some(&counts(600, 0)), &counts(450, 0)).len(), 1);
        assert_eq!(
            shrunk(Some(&counts(2_000, 101)), &counts(2_000, 0)).len(),
            1
        );
        assert_eq!(shrunk(None, &Counts::new()).len(), 1);
    }
}
