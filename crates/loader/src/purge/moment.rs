//! Authomize's times, and how far before them a purge ends.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An `acceptedTimestamp` that can be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    at: Timestamp,
    wall: DateTime,
}

impl Moment {
    /// Reads a time as Authomize writes it. `None` for a time without an offset, or none at all.
    ///
    /// Of an offset other than UTC it is unknown whether Authomize counts it when it compares, so the earlier of both
    /// readings is taken for `modifiedBefore`, which deletes less.
    #[must_use]
    pub fn placed(text: &str) -> Option<Self> {
        let at: Timestamp = text.parse().ok()?;
        let wall = text.trim_end_matches('Z').trim_end_matches('z');
        let wall = match wall.len() == text.len() {
            true => &text[..text.rfind(['+', '-'])?],
            false => wall,
        };
        let as_written: DateTime = wall.parse().ok()?;
        let in_utc = jiff::tz::Offset::UTC.to_datetime(at);
        let wall = as_written.min(in_utc);
        Some(Self { at, wall })
    }

    /// The instant.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }

    /// `modifiedBefore` so long before it, without an offset.
    #[must_use]
    pub fn less(self, margin: SignedDuration) -> Option<String> {
        Some(self.wall.checked_sub(margin).ok()?.to_string())
    }
}

/// How much earlier than the first accepted item a purge ends: two seconds, for clocks that count whole seconds. A
/// purge that takes fresh posts shows that it is not enough, and makes it an hour, then a day more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Margin(u8);

impl Margin {
    /// The next larger one.
    #[must_use]
    pub fn widened(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Its length; `None` if none is enough.
    #[must_use]
    pub fn length(self) -> Option<SignedDuration> {
        match self.0 {
            0 => Some(SignedDuration::from_secs(2)),
            1 => Some(SignedDuration::from_hours(1)),
            2 => Some(SignedDuration::from_hours(25)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_loses_its_offset_and_never_gets_later() {
        let two_seconds = Margin::default().length().unwrap();
        let mark = |text| Moment::placed(text)?.less(two_seconds);
        for (text, expected) in [
            ("2026-11-23T18:00:00.123456Z", "2026-11-23T17:59:58.123456"),
            ("2026-11-23T18:00:00+00:00", "2026-11-23T17:59:58"),
            ("2026-11-23T18:00:00+02:00", "2026-11-23T15:59:58"),
            ("2026-11-23T18:00:00-05:00", "2026-11-23T17:59:58"),
        ] {
            assert_eq!(mark(text).as_deref(), Some(expected), "{text}");
        }
        for unplaced in ["2026-11-23T18:00:00", "yesterday", "", "2026-11-23"] {
            assert_eq!(Moment::placed(unplaced), None, "{unplaced}");
        }
    }

    #[test]
    fn a_margin_widens_until_none_is_enough() {
        let mut margin = Margin::default();
        let mut lengths = Vec::new();
        while let Some(length) = margin.length() {
            lengths.push(length.as_secs());
            margin = margin.widened();
        }
        assert_eq!(lengths, [2, 3_600, 90_000]);
    }
}
