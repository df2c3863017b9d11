//! What an answer's rate-limit headers say.
//! <https://developer.okta.com/docs/reference/rl-best-practices/>

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

/// What an answer's headers say of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    /// `X-Rate-Limit-Limit`: requests a window. Several: the lowest.
    pub limit: u32,
    /// `X-Rate-Limit-Remaining`. Several: the lowest.
    pub remaining: u32,
    /// `X-Rate-Limit-Reset`, by Okta's clock. Several: the latest.
    pub reset: Timestamp,
    /// Time until then, by the clock of the answer's own `Date`; by ours where it has none.
    pub resets_in: SignedDuration,
}

/// The rate-limit headers of an answer that came at `now`; Okta sometimes sends them twice.
pub(super) fn announced(headers: &HeaderMap, now: Timestamp) -> Option<Announced> {
    let numbers = |name: &str| -> HashSet<i64> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(|value| value.trim().parse().ok()).collect()
    };
    let date = headers.get("date").and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let date = date.and_then(|date| Timestamp::try_from(date).ok()).unwrap_or(now);
    let limit = numbers("x-rate-limit-limit").into_iter().min()?;
    let remaining = numbers("x-rate-limit-remaining").into_iter().min()?;
    let reset = Timestamp::from_second(numbers("x-rate-limit-reset").into_iter().max()?).ok()?;
    Some(Announced {
        limit: u32::try_from(limit).unwrap_or_default(),
        remaining: u32::try_from(remaining).unwrap_or_default(),
        reset,
        resets_in: reset.duration_since(date),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_duplicate_headers_the_lowest_remaining_and_the_latest_reset_count() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("date", "Mon, 23 Nov 2026 18:00:00 GMT"),
            ("x-rate-limit-limit", "600"),
            ("x-rate-limit-limit", "300"),
            ("x-rate-limit-remaining", "599, 12"),
            ("x-rate-limit-reset", "1795456830"),
            ("x-rate-limit-reset", "1795456820"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let date: Timestamp = "2026-11-23T18:00:00Z".parse().unwrap();
        let reset = Timestamp::from_second(1_795_456_830).unwrap();
        let now = date + SignedDuration::from_secs(20);
        let read = Announced { limit: 300, remaining: 12, reset, resets_in: reset.duration_since(date) };
        assert_eq!(announced(&headers, now), Some(read));
        headers.remove("date");
        assert_eq!(announced(&headers, now), Some(Announced { resets_in: reset.duration_since(now), ..read }));
        headers.remove("x-rate-limit-reset");
        assert_eq!(announced(&headers, now), None);
    }
}
