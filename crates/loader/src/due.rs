//! Decides which load is due.

use jiff::{SignedDuration, Timestamp};

use crate::event::{Mode, Request};
use crate::purge::{Again, Reason, Wishes};
use crate::record::Record;

/// Full loads of so few requests follow a removal at once: at most one per wake-up, every five minutes.
const FEW_REQUESTS: u64 = 45;
/// Seconds between two full loads for the sake of removals, per request of the last one.
const SECONDS_PER_REQUEST: i64 = 15;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The load that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Post the changes.
    Changes,
    /// Post everything.
    Everything,
    /// Post everything if the collector's state allows a purge, else the changes.
    PurgeIfSound,
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
    let asked = request.mode == Mode::Full || request.wishes != Wishes::default();
    let disturbed = record.disturbed_until.is_some_and(|until| until <= now);
    let unfinished = record
        .under_way
        .as_ref()
        .is_some_and(|under_way| under_way.all);
    // A clock that went back makes a full load due rather than never again.
    if asked || disturbed || unfinished || age >= interval || age < SignedDuration::ZERO {
        return Due::Everything;
    }
    let due_at = purge_due_at(record, interval).filter(|_| record.behind.is_empty());
    if due_at.is_some_and(|due_at| due_at <= now) {
        return Due::PurgeIfSound;
    }
    if newest > record.sequence || record.under_way.is_some() || !record.behind.is_empty() {
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

/// When removed items may be purged, if nothing withholds it; `None` if none waits.
#[must_use]
pub fn purge_due_at(record: &Record, interval: SignedDuration) -> Option<Timestamp> {
    let full = record
        .full
        .as_ref()
        .filter(|_| record.removals_pending > 0)?;
    let again = record.withheld.iter().map(Reason::again).max();
    let wait = match again.unwrap_or(Again::Now) {
        Again::Now => spacing(full.requests).min(interval),
        Again::Hourly => spacing(full.requests).max(HOUR).min(interval),
        Again::AtInterval => interval,
    };
    full.at.checked_add(wait).ok()
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
    fn a_kind_that_is_behind_is_posted_without_news() {
        let behind = Record {
            behind: [fold::Kind::Users].into(),
            removals_pending: 1,
            ..record(9, 5)
        };
        assert_eq!(due_of(&behind, 5), Due::Changes);
    }

    #[test]
    fn a_removal_is_purged_at_once_in_a_small_org_and_spaced_in_a_large_one() {
        let pending = |requests, age| Record {
            removals_pending: 1,
            ..record(requests, age)
        };
        assert_eq!(due_of(&pending(30, 0), 6), Due::PurgeIfSound);
        assert_eq!(due_of(&pending(1_000, 60), 6), Due::Changes);
        assert_eq!(due_of(&pending(1_000, 251), 6), Due::PurgeIfSound);
        let withheld = |reason, age| Record {
            withheld: vec![reason],
            ..pending(9, age)
        };
        let strangers = || Reason::Strangers { items: 1 };
        assert_eq!(due_of(&withheld(strangers(), 600), 5), Due::Nothing);
        assert_eq!(due_of(&withheld(Reason::TimeUnplaced, 59), 5), Due::Nothing);
        let later = withheld(Reason::TimeUnplaced, 60);
        assert_eq!(due_of(&later, 5), Due::PurgeIfSound);
        assert_eq!(
            due_of(&withheld(Reason::NoStreams, 0), 5),
            Due::PurgeIfSound
        );
    }
}
