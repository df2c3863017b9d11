//! The org's own time, real or simulated.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Where an org's time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// Stands still until it is set.
    Simulated(Timestamp),
    /// The machine's clock, so much later.
    Shifted(SignedDuration),
}

impl Clock {
    /// The time now.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Real => Timestamp::now(),
            Self::Simulated(now) => now,
            Self::Shifted(by) => Timestamp::now() + by,
        }
    }
}

/// Okta's form of a time: `2026-11-23T18:00:00.000Z`.
pub(crate) fn okta_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The form of a `Date` header: `Mon, 23 Nov 2026 18:00:00 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

pub(crate) fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
