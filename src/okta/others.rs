//! The use of a bucket by others, as far as it shows in the requests that remain.

use jiff::{SignedDuration, Timestamp};

/// The use of others in one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others {
    begins_at: Timestamp,
    /// Requests so far, at least.
    used: u32,
    /// Requests in each of the two windows before, the last one first.
    before: [u32; 2],
    /// How many there were at two earlier instants, the older first: they tell how fast they come now.
    marks: [(Timestamp, u32); 2],
}

/// Least time between two marks.
const MARK_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// A rate is taken over no shorter time: one request in the first instant is no thousand a minute.
const SHORTEST_MS: u64 = 5_000;

impl Others {
    pub(super) fn new(begins_at: Timestamp, before: [u32; 2]) -> Self {
        Self {
            begins_at,
            used: 0,
            before,
            marks: [(begins_at, 0); 2],
        }
    }

    /// Notes when the window began.
    pub(super) fn begin(&mut self, begins_at: Timestamp) {
        *self = Self::new(begins_at, self.before);
    }

    /// Notes that they have used at least so many requests of the window.
    pub(super) fn note(&mut self, used: u32, now: Timestamp) {
        self.used = self.used.max(used);
        if now.duration_since(self.marks[1].0) >= MARK_EVERY {
            self.marks = [self.marks[1], (now, self.used)];
        }
    }

    /// How many more they will use after `measured_at`, at most: as many as is their habit, as
    /// their rate in this window tells, or as from now on at an even pace where they do as in the
    /// window before.
    pub(super) fn rest(&self, measured_at: Timestamp, now: Timestamp, ends_at: Timestamp) -> u32 {
        let [last, _] = self.before;
        let length_ms = ms_between(self.begins_at, ends_at).max(1);
        let evenly = u64::from(last).saturating_mul(ms_between(now, ends_at)) / length_ms;
        let evenly = u32::try_from(evenly)
            .unwrap_or(u32::MAX)
            .min(last.saturating_sub(self.used));
        self.at_their_rate(measured_at, ends_at)
            .max(evenly)
            .max(self.habit().saturating_sub(self.used))
    }

    /// The lesser use of the two windows before: once is no habit.
    fn habit(&self) -> u32 {
        let [last, earlier] = self.before;
        last.min(earlier)
    }

    /// The window after this one, which was last looked at when `measured_at` was.
    pub(super) fn next(
        &self,
        measured_at: Timestamp,
        ends_at: Timestamp,
        begins_at: Timestamp,
    ) -> Self {
        let is_adjacent = ms_between(ends_at, begins_at) < ms_between(self.begins_at, ends_at);
        let [last, _] = self.before;
        Self::new(
            begins_at,
            if is_adjacent {
                [self.whole(measured_at, ends_at), last]
            } else {
                [0, 0]
            },
        )
    }

    /// How many they will have used in the whole window. Where nothing is known but its beginning,
    /// it is taken for one like that before.
    fn whole(&self, measured_at: Timestamp, ends_at: Timestamp) -> u32 {
        let is_known =
            ms_between(self.begins_at, measured_at) >= ms_between(self.begins_at, ends_at) / 6;
        let rest = if is_known {
            self.at_their_rate(measured_at, ends_at)
        } else {
            0
        };
        let least = if is_known { 0 } else { self.before[0] };
        self.used.saturating_add(rest).max(least)
    }

    fn at_their_rate(&self, measured_at: Timestamp, ends_at: Timestamp) -> u32 {
        let rest_since = |(marked_at, marked): (Timestamp, u32)| {
            let within_ms = ms_between(marked_at, measured_at).max(SHORTEST_MS);
            let rest = u64::from(self.used - marked)
                .saturating_mul(ms_between(measured_at, ends_at))
                .div_ceil(within_ms);
            u32::try_from(rest).unwrap_or(u32::MAX)
        };
        self.marks
            .map(rest_since)
            .into_iter()
            .max()
            .unwrap_or_default()
    }
}

fn ms_between(from: Timestamp, to: Timestamp) -> u64 {
    to.as_millisecond()
        .saturating_sub(from.as_millisecond())
        .try_into()
        .unwrap_or_default()
}
