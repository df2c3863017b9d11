//! One rate limit's bucket: what Okta tells of it, and when the next request may go.
//! <https://developer.okta.com/docs/reference/rate-limits/>

use jiff::{SignedDuration, Timestamp};

use super::announced::{Announced, LONGEST_WAIT};
use super::others::Others;

/// Why a request has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Its turn is then, as far as is known now.
    Until(Timestamp),
    /// It depends on an answer that is under way.
    Answer,
}

/// A bucket as its answers have described it, and the collector's use of it.
#[derive(Debug, Clone, Default)]
pub(super) struct RateLimit {
    window: Option<Window>,
    /// Requests that were sent and are not yet answered.
    under_way: u32,
    /// Whether an answer came that announced nothing: there is nothing to keep to.
    is_unlimited: bool,
    /// When the last request was due at the pace, a burst at most before it was sent; `None` where
    /// there was none since the limit is known.
    due_at: Option<Timestamp>,
    /// When the last request was sent.
    sent_at: Timestamp,
    /// Okta has refused a request until then.
    closed_until: Timestamp,
}

/// Requests that a window has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// When the window ends, by Okta's clock.
    reset: Timestamp,
    requests: u32,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u32,
    remaining: u32,
    /// When it ends by Okta's clock: the name of the window, the same in all of its answers.
    reset: Timestamp,
    /// When it ends by our clock, at the latest: an answer is older than its arrival, and Okta tells whole seconds.
    ends_at: Timestamp,
    /// Whether no answer has told of it yet: it is taken for one like the last, which `reset` still names.
    is_guessed: bool,
    /// When `remaining` was true.
    measured_at: Timestamp,
    /// Answered requests of this collector that were counted in the window.
    own: u32,
    /// Those among them that may not have been counted: they ended without an answer that tells.
    lost: u32,
    others: Others,
}

/// Okta's windows last a minute.
const WINDOW: SignedDuration = SignedDuration::from_millis(WINDOW_MS);
const WINDOW_MS: i64 = 60_000;
/// Part of the share that may be used at once; the rest is spread evenly, so that in no minute,
/// whenever it begins, more than the share is used.
const BURST_SHARE: u32 = 20;
/// Percent of the bucket that remain beyond the expected use of others.
const MARGIN_PERCENT: u32 = 3;
/// Percent of the bucket below which nothing is asked where others are expected to use all the rest.
const RESERVE_PERCENT: u32 = 5;
/// How often at most it is asked in vain whether others use as much as expected.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// Requests of each of two buckets in a window that are enough to decide whether they are one.
const SEEN_OF_EACH: u32 = 3;
/// How far apart the announced resets of one window may be.
const SAME_WINDOW: SignedDuration = SignedDuration::from_secs(5);

impl RateLimit {
    /// Forgets a wait that was asked for in an earlier run: what is remembered is at most the rest of a window.
    pub(super) fn begin_run(&mut self, now: Timestamp) {
        self.closed_until = Timestamp::default();
        self.window = self
            .window
            .filter(|window| window.ends_at <= now + WINDOW + SAME_WINDOW);
    }

    /// Sends a request, so far as the bucket is concerned, if its time has come: each is followed by
    /// one call of [`RateLimit::note`], [`RateLimit::note_nothing`] or [`RateLimit::lose`].
    /// One that `leads` does not wait for the pace, only for the share.
    pub(super) fn take(
        &mut self,
        share_percent: u32,
        leads: bool,
        now: Timestamp,
    ) -> Result<(), Wait> {
        if now < self.closed_until {
            return Err(Wait::Until(self.closed_until));
        }
        if let Some(window) = self.window.as_mut().filter(|window| window.ends_at <= now) {
            *window = window.guess_next(now);
        }
        if let Some(window) = &self.window {
            let due_at = self.due(window, share_percent, now);
            if due_at > now
                && !(leads && due_at < window.ends_at && window.remaining > self.under_way)
            {
                return Err(Wait::Until(due_at));
            }
            self.due_at = Some(due_at);
        } else if !self.is_unlimited && self.under_way > 0 {
            return Err(Wait::Answer);
        }
        self.under_way += 1;
        self.sent_at = now;
        Ok(())
    }

    /// Requests that were sent and are not yet answered.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.try_into().unwrap_or(usize::MAX)
    }

    /// When the next request is due.
    fn due(&self, window: &Window, share_percent: u32, now: Timestamp) -> Timestamp {
        let share = share_of(window.limit, share_percent);
        // Requests under way may still be counted in this window.
        if window.own + self.under_way >= share {
            return window.ends_at;
        }
        let burst = share / BURST_SHARE;
        let even = every(WINDOW, share - burst);
        let Some(room @ 1..) = window.room(self.under_way, now) else {
            return self.look_at(window).min(window.ends_at);
        };
        let careful = every(window.ends_at.duration_since(now).min(WINDOW), room);
        let most_ahead = even * i32::try_from(burst).unwrap_or(i32::MAX);
        let ahead = if careful > even {
            SignedDuration::ZERO
        } else {
            most_ahead
        };
        let last_due_at = self.due_at.unwrap_or(self.sent_at - most_ahead);
        (last_due_at + even.max(careful)).max(now - ahead)
    }

    /// When a request may look whether others use less than expected after all.
    fn look_at(&self, window: &Window) -> Timestamp {
        if window.remaining.saturating_sub(self.under_way)
            <= percent(window.limit, RESERVE_PERCENT).max(1)
        {
            return window.ends_at;
        }
        self.sent_at
            + every(WINDOW, percent(window.limit, MARGIN_PERCENT).max(1) + 1).max(LOOK_EVERY)
    }

    /// Notes the announcements of an answer, whenever it comes.
    pub(super) fn note(&mut self, announced: Announced, now: Timestamp) {
        self.under_way = self.under_way.saturating_sub(1);
        let is_near =
            |window: &Window| announced.reset.duration_since(window.reset).abs() <= SAME_WINDOW;
        let window = match self.window {
            Some(window) if window.is_guessed && is_near(&window) => return,
            Some(window) if window.is_guessed || is_near(&window) => window,
            Some(window) if announced.reset < window.reset => return,
            Some(window) => window.guess_next(now),
            None => Window::unknown(now),
        };
        self.window = Some(window.after(announced, self.under_way, now));
    }

    /// The known window, and how many requests are known to have been counted in it so far.
    pub(super) fn counted(&self) -> Option<Counted> {
        let window = self.window.filter(|window| !window.is_guessed)?;
        Some(Counted {
            reset: window.reset,
            requests: window.own.saturating_sub(window.lost),
        })
    }

    /// Whether an answer is of a bucket in which the requests were not counted that this one knew of when its
    /// request was sent: more remains there than they would have left.
    pub(super) fn has_not_counted(&self, sent: Counted, announced: &Announced) -> bool {
        let is_same = announced.reset.duration_since(sent.reset).abs() <= SAME_WINDOW;
        is_same
            && sent.requests > 0
            && announced.remaining >= announced.limit.saturating_sub(sent.requests)
    }

    /// Whether it cannot have given this answer: it tells of another limit, or of a window that overlaps the known one.
    pub(super) fn is_contradicted_by(&self, announced: &Announced) -> bool {
        let overlaps = |window: &Window| {
            let apart = announced.reset.duration_since(window.reset).abs();
            apart > SAME_WINDOW && apart < WINDOW - SAME_WINDOW
        };
        self.window
            .as_ref()
            .is_some_and(|window| announced.limit != window.limit || overlaps(window))
    }

    /// Whether the answer is of the known window.
    pub(super) fn is_confirmed_by(&self, announced: &Announced) -> bool {
        let is_same =
            |window: &Window| announced.reset.duration_since(window.reset).abs() <= SAME_WINDOW;
        self.window.as_ref().is_some_and(|window| {
            window.limit == announced.limit && !window.is_guessed && is_same(window)
        })
    }

    /// Whether another bucket has the same limit and window, and enough is known of both.
    pub(super) fn is_in_step_with(&self, other: &Self) -> bool {
        let known = |bucket: &Self| {
            bucket
                .window
                .filter(|window| !window.is_guessed && window.own >= SEEN_OF_EACH)
        };
        let (Some(one), Some(two)) = (known(self), known(other)) else {
            return false;
        };
        one.limit == two.limit && one.reset == two.reset
    }

    /// Whether the remainder has fallen by the requests of these other buckets as well, and by no more.
    pub(super) fn has_counted(&self, others: &[&Self]) -> bool {
        let Some(window) = &self.window else {
            return false;
        };
        let used = window.limit.saturating_sub(window.remaining);
        let own = window.own
            + others
                .iter()
                .filter_map(|other| other.window)
                .map(|window| window.own)
                .sum::<u32>();
        let under_way = self.under_way + others.iter().map(|other| other.under_way).sum::<u32>();
        (own..=own + under_way).contains(&used)
    }

    /// Takes over the requests of a bucket that has turned out to be this one.
    pub(super) fn absorb(&mut self, other: &Self) {
        if let (Some(window), Some(twin)) = (&mut self.window, &other.window) {
            window.own += twin.own;
            window.lost += twin.lost;
            window.remaining = window.remaining.min(twin.remaining);
            window.others = Others::new(window.ends_at - WINDOW, [0, 0]);
        }
        self.due_at = self.due_at.max(other.due_at);
        self.closed_until = self.closed_until.max(other.closed_until);
    }

    /// Ends as a bucket of its own; gives its last known state. Requests that are under way are handed over one by one.
    pub(super) fn leave(&mut self) -> Self {
        let under_way = self.under_way;
        std::mem::replace(
            self,
            Self {
                under_way,
                ..Self::default()
            },
        )
    }

    /// Gives a request that is under way to another bucket.
    pub(super) fn hand_over(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Takes over a request that is under way.
    pub(super) fn take_over(&mut self) {
        self.under_way += 1;
    }

    /// Notes that a request was answered and nothing was announced.
    pub(super) fn note_nothing(&mut self) {
        self.is_unlimited = true;
        self.lose();
    }

    /// Notes that a request has ended, and that nothing is known of how it was counted.
    pub(super) fn lose(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(window) = &mut self.window {
            window.own += 1;
            window.lost += 1;
        }
    }

    /// Its last window that an answer described: limit, remainder, and the collector's own requests.
    pub(super) fn told(&self) -> Option<(u32, u32, u32)> {
        let window = self.window.filter(|window| window.limit > 0)?;
        Some((window.limit, window.remaining.min(window.limit), window.own))
    }

    /// Notes that Okta refuses requests until then.
    pub(super) fn close(&mut self, until: Timestamp) {
        self.closed_until = self.closed_until.max(until);
    }
}

impl Window {
    fn unknown(now: Timestamp) -> Self {
        let (limit, reset, ends_at) = (0, now, now);
        let others = Others::new(now, [0, 0]);
        Self {
            limit,
            remaining: 0,
            reset,
            ends_at,
            is_guessed: true,
            measured_at: now,
            own: 0,
            lost: 0,
            others,
        }
    }

    /// The window after this one, as long as no answer describes it.
    fn guess_next(&self, now: Timestamp) -> Self {
        let (remaining, ends_at) = (self.limit, now + WINDOW);
        let others = self.others.next(self.measured_at, self.ends_at, now);
        Self {
            remaining,
            ends_at,
            is_guessed: true,
            measured_at: now,
            own: 0,
            lost: 0,
            others,
            ..*self
        }
    }

    /// The window as known after an answer that was counted in it. Answers may overtake each other:
    /// the lowest `remaining` is the newest.
    fn after(mut self, announced: Announced, under_way: u32, now: Timestamp) -> Self {
        // A reset that is further away is a mistake: the window is like any other.
        let resets_in = if announced.resets_in <= LONGEST_WAIT {
            announced.resets_in
        } else {
            WINDOW
        };
        let ends_at = now + resets_in.max(SignedDuration::from_secs(1));
        if self.is_guessed {
            self = Self {
                reset: announced.reset,
                ends_at,
                remaining: u32::MAX,
                is_guessed: false,
                ..self
            };
            self.others.begin(ends_at - WINDOW);
        }
        self.ends_at = self.ends_at.min(ends_at);
        self.limit = announced.limit;
        self.own += 1;
        if announced.remaining <= self.remaining {
            self.remaining = announced.remaining;
            self.measured_at = now;
            // Each of ours that is under way may have been counted or not.
            let own = self.own + under_way;
            self.others.note(
                self.limit
                    .saturating_sub(self.remaining)
                    .saturating_sub(own),
                now,
            );
        }
        self
    }

    /// How many requests may still be made in the window with enough left for others.
    fn room(&self, under_way: u32, now: Timestamp) -> Option<u32> {
        let others = self.others.rest(self.measured_at, now, self.ends_at);
        let margin = percent(self.limit, MARGIN_PERCENT).max(u32::from(others > 0));
        self.remaining
            .checked_sub(under_way)?
            .checked_sub(others)?
            .checked_sub(margin)
    }
}

fn every(time: SignedDuration, times: u32) -> SignedDuration {
    let us = u64::try_from(time.as_micros()).unwrap_or_default();
    // Rounded up: a pace that is a little too fast would exceed the share in the long run.
    SignedDuration::from_micros(us.div_ceil(times.max(1).into()).cast_signed())
}

fn percent(limit: u32, percent: u32) -> u32 {
    (u64::from(limit) * u64::from(percent) / 100)
        .try_into()
        .unwrap_or(u32::MAX)
}

fn share_of(limit: u32, share_percent: u32) -> u32 {
    percent(limit, share_percent).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AHEAD: SignedDuration = SignedDuration::from_hours(-5);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000_000 + ms).unwrap()
    }

    /// An answer of the window that ends so many seconds after the beginning, given at `ms`.
    fn told(limit: u32, remaining: u32, ends_s: i64, ms: i64) -> Announced {
        let date = Timestamp::from_second(at(ms).as_second()).unwrap() + AHEAD;
        let reset = at(ends_s * 1_000) + AHEAD;
        Announced {
            limit,
            remaining,
            reset,
            resets_in: reset.duration_since(date),
        }
    }

    /// A bucket of which all may be used.
    fn known(limit: u32, remaining: u32, ends_s: i64) -> RateLimit {
        let mut bucket = RateLimit::default();
        assert_eq!(bucket.take(100, false, at(0)), Ok(()));
        bucket.note(told(limit, remaining, ends_s, 0), at(0));
        bucket
    }

    /// Requests that are answered at once, one every millisecond where the bucket allows it.
    fn sent(bucket: &mut RateLimit, from_ms: i64, to_ms: i64) -> usize {
        (from_ms..to_ms)
            .filter(|ms| {
                bucket
                    .take(100, false, at(*ms))
                    .map(|()| bucket.lose())
                    .is_ok()
            })
            .count()
    }

    #[test]
    fn an_unknown_bucket_is_tried_with_one_request() {
        let mut bucket = RateLimit::default();
        assert_eq!(bucket.take(50, false, at(0)), Ok(()));
        assert_eq!(bucket.take(50, false, at(1)), Err(Wait::Answer));
        // Without an answer nothing is learned.
        bucket.lose();
        assert_eq!(bucket.take(50, false, at(2)), Ok(()));
        bucket.note(told(2, 1, 60, 2), at(2));
        assert_eq!(bucket.take(50, false, at(3)), Err(Wait::Until(at(60_002))));
    }

    #[test]
    fn where_nothing_is_announced_nothing_is_kept_to() {
        let mut bucket = RateLimit::default();
        assert_eq!(bucket.take(1, false, at(0)), Ok(()));
        bucket.note_nothing();
        assert!((0..1_000).all(|_| bucket.take(1, false, at(1)).is_ok()));
    }

    #[test]
    fn a_closed_bucket_opens_at_its_reset_and_is_used_at_the_usual_pace() {
        let mut bucket = known(600, 599, 60);
        bucket.close(at(5_000));
        assert_eq!(
            bucket.take(100, false, at(4_999)),
            Err(Wait::Until(at(5_000)))
        );
        assert!(sent(&mut bucket, 5_000, 11_000) > 50);
        // Of one that was never known no limit is made up.
        let mut bucket = RateLimit::default();
        bucket.close(at(5_000));
        assert_eq!(bucket.take(100, false, at(5_000)), Ok(()));
        bucket.note(told(600, 599, 65, 5_000), at(5_000));
        assert!(sent(&mut bucket, 5_000, 11_000) > 50);
    }

    #[test]
    fn the_earliest_of_the_ends_that_answers_tell_is_the_windows_end() {
        let mut bucket = RateLimit {
            under_way: 3,
            ..RateLimit::default()
        };
        for (ms, ends_ms) in [(3_900, 60_990), (7_000, 60_090), (10_400, 60_090)] {
            bucket.note(told(20, 0, 60, ms), at(ms + 90));
            assert_eq!(
                bucket.take(100, false, at(ms + 90)),
                Err(Wait::Until(at(ends_ms)))
            );
        }
    }

    #[test]
    fn an_answer_of_a_window_that_began_early_begins_it() {
        let mut bucket = known(20, 0, 60);
        assert_eq!(bucket.take(100, false, at(1)), Err(Wait::Until(at(60_000))));
        // It was sent before, and counted in the window that we do not expect yet.
        bucket.under_way += 1;
        bucket.note(told(20, 19, 119, 59_100), at(59_200));
        assert_eq!(bucket.take(100, false, at(59_200)), Ok(()));
        let window = bucket.window.unwrap();
        assert_eq!(
            (window.own, window.remaining, window.ends_at),
            (1, 19, at(119_200))
        );
    }

    #[test]
    fn an_answer_of_a_window_that_has_passed_tells_nothing() {
        for is_guessed in [false, true] {
            let mut bucket = known(100, 99, 60);
            bucket.under_way += 1;
            assert_eq!(bucket.take(100, false, at(61_000)), Ok(()));
            if !is_guessed {
                bucket.note(told(100, 99, 120, 61_000), at(61_100));
            }
            bucket.note(told(100, 0, 60, 59_000), at(61_200));
            let window = bucket.window.unwrap();
            assert_eq!(
                (window.own, window.is_guessed),
                (u32::from(!is_guessed), is_guessed)
            );
            assert!(
                window.remaining >= 99 && window.ends_at >= at(120_000),
                "{window:?}"
            );
        }
    }

    #[test]
    fn answers_of_one_window_may_come_in_any_order() {
        let mut bucket = known(100, 99, 60);
        bucket.under_way += 3;
        for (remaining, ms) in [(70, 900), (98, 910), (97, 920)] {
            bucket.note(told(100, remaining, 60, 500), at(ms));
        }
        let window = bucket.window.unwrap();
        assert_eq!(
            (window.own, window.remaining, window.measured_at),
            (4, 70, at(900))
        );
    }

    #[test]
    fn windows_do_not_drift() {
        let mut bucket = RateLimit::default();
        for minute in 0..20 {
            // Okta's clock gains a second on ours in every window.
            let begins_ms = minute * 59_000;
            assert!(
                sent_at_pace(
                    &mut bucket,
                    begins_ms,
                    begins_ms + 59_000,
                    (minute + 1) * 60
                ) >= 18,
                "{minute}"
            );
        }
    }

    /// As [`sent`], with 20 requests per window from Okta.
    fn sent_at_pace(bucket: &mut RateLimit, from_ms: i64, to_ms: i64, ends_s: i64) -> u32 {
        let mut count = 0;
        for ms in (from_ms..to_ms).step_by(10) {
            if bucket.take(100, false, at(ms)).is_ok() {
                count += 1;
                let resets_in = SignedDuration::from_millis(to_ms - ms);
                bucket.note(
                    Announced {
                        resets_in,
                        ..told(20, 20 - count.min(20), ends_s, ms)
                    },
                    at(ms),
                );
            }
        }
        count
    }

    #[test]
    fn requests_that_got_lost_count_as_used() {
        let mut bucket = known(20, 19, 60);
        for _ in 0..9 {
            bucket.under_way += 1;
            bucket.lose();
        }
        assert_eq!(
            bucket.take(50, false, at(30_000)),
            Err(Wait::Until(at(60_000)))
        );
    }

    #[test]
    fn what_is_under_way_when_a_window_ends_may_be_counted_in_the_next() {
        let mut bucket = known(20, 19, 60);
        bucket.under_way += 9;
        assert_eq!(bucket.take(50, false, at(60_500)), Ok(()));
        assert_eq!(
            bucket.take(50, false, at(90_500)),
            Err(Wait::Until(at(120_500)))
        );
        // It was counted in the window that has ended.
        bucket.note(told(20, 10, 60, 59_900), at(90_600));
        assert_eq!(bucket.take(50, false, at(90_600)), Ok(()));
    }
}
