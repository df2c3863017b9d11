//! The rate-limit headers of an answer.
//! <https://developer.okta.com/docs/reference/rl-best-practices/>

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

/// A bucket as the headers of an answer describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    /// `X-Rate-Limit-Limit`: requests per window. Several: the lowest.
    pub limit: u32,
    /// `X-Rate-Limit-Remaining`. Several: the lowest.
    pub remaining: u32,
    /// `X-Rate-Limit-Reset`, by Okta's clock. Several: the latest.
    pub reset: Timestamp,
    /// Time until then, by the clock of the answer's own `Date`; by ours where it has none.
    pub resets_in: SignedDuration,
}

/// Longest wait that an answer may ask for; more is taken for a mistake: Okta's windows last a minute.
pub(super) const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// When an answer was given, by the org's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()?;
    Timestamp::try_from(date).ok()
}

/// `Retry-After`: seconds, or a date. Okta does not send it; what stands between may.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let until = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
    Some(until.duration_since(date(headers).unwrap_or(now)))
}

/// The rate-limit headers of an answer that came at `now`; Okta sometimes sends them twice.
pub(super) fn announced(headers: &HeaderMap, now: Timestamp) -> Option<Announced> {
    let numbers = |name: &str| -> HashSet<i64> {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .filter_map(|value| value.trim().parse().ok())
            .collect()
    };
    let date = date(headers).unwrap_or(now);
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
        let read = Announced {
            limit: 300,
            remaining: 12,
            reset,
            resets_in: reset.duration_since(date),
        };
        assert_eq!(announced(&headers, now), Some(read));
        headers.remove("date");
        assert_eq!(
            announced(&headers, now),
            Some(Announced {
                resets_in: reset.duration_since(now),
                ..read
            })
        );
        headers.remove("x-rate-limit-reset");
        assert_eq!(announced(&headers, now), None);
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_by_a_date() {
        let now: Timestamp = "2026-11-23T18:05:00Z".parse().unwrap();
        let wait = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(
                    reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait(&[("retry-after", " 7 ")]), Some(7));
        let date = ("date", "Mon, 23 Nov 2026 18:00:00 GMT");
        assert_eq!(
            wait(&[("retry-after", "Mon, 23 Nov 2026 18:00:30 GMT"), date]),
            Some(30)
        );
        assert_eq!(
            wait(&[("retry-after", "Mon, 23 Nov 2026 18:05:30 GMT")]),
            Some(30)
        );
        for odd in ["", "-1", "soon", "99999999999999999999", "1.5"] {
            assert_eq!(wait(&[("retry-after", odd)]), None, "{odd}");
        }
    }
}
