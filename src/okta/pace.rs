//! Pacing to Okta's rate limits: a run uses its share of each bucket, spread over the window.
//! <https://developer.okta.com/docs/reference/rate-limits/>

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// What an answer's headers say of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    /// `X-Rate-Limit-Limit`: requests a window. Several: the lowest.
    pub limit: u32,
    /// `X-Rate-Limit-Remaining`. Several: the lowest.
    pub remaining: u32,
    /// Time until `X-Rate-Limit-Reset`, by the clock of the answer's own `Date`. Several: the latest.
    pub resets_in: SignedDuration,
}

/// One bucket a rate-limit class.
#[derive(Debug)]
pub(super) struct Pace {
    share_percent: u32,
    buckets: HashMap<&'static str, Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    announced: Option<Window>,
    /// Requests of this collector in the window.
    spent: u32,
    /// When the next request is due at an even pace.
    next_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u32,
    remaining: u32,
    ends_at: Timestamp,
}

/// Okta's windows last a minute.
const WINDOW_MS: i64 = 60_000;
const WINDOW: SignedDuration = SignedDuration::from_millis(WINDOW_MS);
/// Part of the share that may be used at once before the even pace begins.
const BURST_SHARE: u32 = 4;
/// Part of the bucket that is left to others even where they have used more than the rest.
const RESERVE_PERCENT: u32 = 10;

impl Pace {
    pub(super) fn new(share_percent: u32) -> Self {
        Self { share_percent, buckets: HashMap::new() }
    }

    /// When a request of this class may be sent: now, or later. A request whose time has come
    /// counts as sent.
    pub(super) fn take(&mut self, class: &'static str, now: Timestamp) -> Result<(), Timestamp> {
        let share_percent = self.share_percent;
        let bucket = self.buckets.entry(class).or_default();
        if let Some(window) = bucket.announced.as_mut().filter(|window| window.ends_at <= now) {
            // Until an answer tells more, the next window is taken for one like the last.
            *window = Window { remaining: window.limit, ends_at: now + WINDOW, ..*window };
            bucket.spent = 0;
        }
        let Some(window) = bucket.announced else {
            bucket.spent = bucket.spent.saturating_add(1);
            return Ok(());
        };
        let share = share_of(window.limit, share_percent);
        let reserve = if share_percent == 100 { 0 } else { window.limit * RESERVE_PERCENT / 100 };
        if bucket.spent >= share || window.remaining <= reserve.min(window.limit.saturating_sub(share)) {
            return Err(window.ends_at);
        }
        let interval = SignedDuration::from_millis(WINDOW_MS / i64::from(share));
        let ahead = interval * i32::try_from((share / BURST_SHARE).max(1)).unwrap_or(i32::MAX);
        let due = bucket.next_at.max(now - ahead);
        if due > now {
            return Err(due);
        }
        bucket.next_at = due + interval;
        bucket.spent += 1;
        Ok(())
    }

    /// Notes what an answer announces. Answers may overtake each other: within a window the
    /// lowest `remaining` stands.
    pub(super) fn note(&mut self, class: &'static str, announced: Announced, now: Timestamp) {
        let bucket = self.buckets.entry(class).or_default();
        let mut ends_at = now + announced.resets_in.clamp(SignedDuration::from_secs(1), SignedDuration::from_mins(10));
        let Announced { limit, mut remaining, .. } = announced;
        match bucket.announced {
            Some(window) if ends_at.duration_since(window.ends_at) >= SignedDuration::from_secs(5) => {
                bucket.spent = bucket.spent.min(1);
            }
            Some(window) => {
                remaining = remaining.min(window.remaining);
                ends_at = ends_at.min(window.ends_at);
            }
            None => {}
        }
        bucket.announced = Some(Window { limit, remaining, ends_at });
    }

    /// Notes that the bucket is empty until `until`.
    pub(super) fn exhaust(&mut self, class: &'static str, until: Timestamp) {
        let bucket = self.buckets.entry(class).or_default();
        let limit = bucket.announced.map_or(1, |window| window.limit.max(1));
        bucket.announced = Some(Window { limit, remaining: 0, ends_at: until });
    }
}

fn share_of(limit: u32, percent: u32) -> u32 {
    (u64::from(limit) * u64::from(percent) / 100).try_into().unwrap_or(u32::MAX).max(1)
}

/// The bucket that a path counts against.
/// <https://developer.okta.com/docs/reference/rl-global-mgmt/>
#[must_use]
pub fn class_of(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["oauth2", "v1", "token"] => "token",
        ["oauth2", "v1", "clients", ..] => "clients",
        ["api", "v1", "apps", _] => "apps/id",
        ["api", "v1", "apps", ..] => "apps",
        ["api", "v1", "groups", _] => "groups/id",
        ["api", "v1", "groups", ..] => "groups",
        ["api", "v1", "users"] => "users",
        ["api", "v1", "users", _] => "users/id",
        ["api", "v1", "users", ..] => "users/id/*",
        ["api", "v1", "logs"] => "logs",
        ["api", "v1", "iam", ..] => "iam",
        ["api", "v1", "idps", ..] => "idps",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000_000 + ms).unwrap()
    }

    fn announced(limit: u32, remaining: u32, resets_in_s: i64) -> Announced {
        Announced { limit, remaining, resets_in: SignedDuration::from_secs(resets_in_s) }
    }

    /// Requests that go through when a run has more work than it may do, over `ms`.
    fn sent_within(pace: &mut Pace, from_ms: i64, ms: i64) -> u32 {
        let mut sent = 0;
        let mut now = at(from_ms);
        while now < at(from_ms + ms) {
            match pace.take("groups", now) {
                Ok(()) => sent += 1,
                Err(later) => now = later.max(now + SignedDuration::from_millis(1)),
            }
        }
        sent
    }

    #[test]
    fn a_run_uses_its_share_and_not_more() {
        for (share, limit, least, most) in [(50, 600, 270, 300), (100, 100, 90, 100), (10, 50, 4, 5), (1, 20, 1, 1)] {
            let mut pace = Pace::new(share);
            pace.note("groups", announced(limit, limit - 1, 60), at(0));
            let sent = sent_within(&mut pace, 0, 59_999);
            assert!((least..=most).contains(&sent), "share {share} of {limit}: {sent}");
        }
    }

    #[test]
    fn requests_are_spread_over_the_window() {
        let mut pace = Pace::new(50);
        pace.note("groups", announced(600, 599, 60), at(0));
        let first = sent_within(&mut pace, 0, 10_000);
        assert!((75..=130).contains(&first), "{first}");
        let second = sent_within(&mut pace, 10_000, 10_000);
        assert!((45..=55).contains(&second), "{second}");
    }

    #[test]
    fn room_is_left_where_others_have_used_the_bucket() {
        let mut pace = Pace::new(50);
        pace.note("groups", announced(100, 10, 30), at(0));
        assert_eq!(pace.take("groups", at(0)), Err(at(30_000)));
        assert_eq!(pace.take("groups", at(30_000)), Ok(()));
        assert_eq!(pace.take("users", at(0)), Ok(()));
    }

    #[test]
    fn an_exhausted_bucket_waits_for_its_reset() {
        let mut pace = Pace::new(100);
        pace.exhaust("logs", at(5_000));
        assert_eq!(pace.take("logs", at(1)), Err(at(5_000)));
        assert_eq!(pace.take("logs", at(5_000)), Ok(()));
    }

    #[test]
    fn paths_count_against_oktas_classes() {
        for (path, class) in [
            ("/api/v1/users?limit=200", "users"),
            ("/api/v1/users/00u1", "users/id"),
            ("/api/v1/users/00u1/roles", "users/id/*"),
            ("/api/v1/groups", "groups"),
            ("/api/v1/groups/00g1", "groups/id"),
            ("/api/v1/groups/00g1/users?limit=1", "groups"),
            ("/api/v1/logs?limit=1", "logs"),
            ("/oauth2/v1/token", "token"),
            ("/api/v1/iam/roles", "iam"),
            ("/api/v1/meta", "other"),
        ] {
            assert_eq!(class_of(path), class, "{path}");
        }
    }
}
