//! Requests that are paced to the org's limits and repeated where that helps.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::value::RawValue;

use super::Error;
use super::pace::{Announced, Pace};
use crate::clock::Clock;

/// An HTTP client with what it has learned of the org's rate limits.
#[derive(Debug)]
pub struct Transport {
    http: reqwest::Client,
    clock: Clock,
    backoff: Duration,
    pace: Mutex<Pace>,
    room: AtomicUsize,
    requests: AtomicU64,
    throttled_ms: AtomicU64,
}

/// What a transport has cost the org so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Use {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Time that requests have waited for limits.
    pub throttled_ms: u64,
}

/// An answer below 500 that is not 429; where it is 200 its body is JSON.
#[derive(Debug)]
pub(super) struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// How often a request is sent that fails for no reason of its own.
const ATTEMPTS: u32 = 5;
/// How many requests may be under way at once.
const MOST_ROOM: usize = 16;
/// Longest time for one answer; Okta gives up on a System Log query after 30 s.
const ANSWER_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

enum Trouble {
    /// Worth another attempt after a backoff.
    Passing(String),
    /// The bucket is empty until then.
    Limited(Timestamp),
    /// Too many at once, or a 429 that does not say for how long.
    Crowded,
}

impl Transport {
    /// `share_percent` of each rate limit is used; `backoff` is the pause after a first failed
    /// attempt, doubled after each further one.
    #[must_use]
    pub fn new(http: reqwest::Client, clock: Clock, share_percent: u32, backoff: Duration) -> Self {
        Self {
            http,
            clock,
            backoff,
            pace: Mutex::new(Pace::new(share_percent)),
            room: AtomicUsize::new(MOST_ROOM),
            requests: AtomicU64::new(0),
            throttled_ms: AtomicU64::new(0),
        }
    }

    /// Counts from zero again; what is known of the limits stays.
    pub fn begin_run(&self) {
        self.requests.store(0, Ordering::Relaxed);
        self.throttled_ms.store(0, Ordering::Relaxed);
    }

    /// What was used since the run began.
    #[must_use]
    pub fn used(&self) -> Use {
        Use { requests: self.requests.load(Ordering::Relaxed), throttled_ms: self.throttled_ms.load(Ordering::Relaxed) }
    }

    /// How many requests should be under way at once.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room.load(Ordering::Relaxed)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends what `build` makes, again and again where that helps, until `until`. `build` is
    /// called for each attempt, for a proof may be used once only.
    pub(super) async fn send(
        &self,
        class: &'static str,
        until: Timestamp,
        build: impl Fn(&reqwest::Client, Timestamp) -> Result<reqwest::Request, Error>,
    ) -> Result<Raw, Error> {
        let (mut failed, mut crowded) = (0, 0);
        loop {
            self.wait_for_turn(class, until).await?;
            let request = build(&self.http, self.now())?;
            let what = format!("{} {}", request.method(), request.url().path());
            let pause = match self.attempt(class, until, request).await? {
                Ok(raw) => return Ok(raw),
                Err(Trouble::Limited(reset)) => {
                    self.lock_pace().exhaust(class, reset + jitter(Duration::from_secs(1)));
                    continue;
                }
                Err(Trouble::Crowded) => {
                    self.halve_room();
                    crowded += 1;
                    self.pause_after(crowded, 2)
                }
                Err(Trouble::Passing(error)) => {
                    failed += 1;
                    if failed == ATTEMPTS {
                        return Err(Error::Failed(format!("{what}: {error} (after {ATTEMPTS} attempts)")));
                    }
                    self.pause_after(failed, 1)
                }
            };
            self.sleep(pause, until).await?;
        }
    }

    async fn wait_for_turn(&self, class: &'static str, until: Timestamp) -> Result<(), Error> {
        loop {
            let now = self.now();
            let turn = self.lock_pace().take(class, now);
            let Err(later) = turn else { return Ok(()) };
            if later >= until {
                let retry_after_s = later.duration_since(now).as_secs() + 1;
                return Err(Error::Limited { retry_after_s });
            }
            let wait = later.duration_since(now).unsigned_abs();
            self.throttled_ms.fetch_add(wait.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    /// One attempt. The outer error ends the request, the inner one may be worth another attempt.
    async fn attempt(
        &self,
        class: &'static str,
        until: Timestamp,
        request: reqwest::Request,
    ) -> Result<Result<Raw, Trouble>, Error> {
        let left = until.duration_since(self.now());
        if left <= SignedDuration::ZERO {
            return Err(Error::OutOfTime);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = tokio::time::timeout(left.min(ANSWER_TIMEOUT).unsigned_abs(), self.answer(class, request));
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) if left <= ANSWER_TIMEOUT => Err(Error::OutOfTime),
            Err(_) => Ok(Err(Trouble::Passing(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())))),
        }
    }

    async fn answer(&self, class: &'static str, request: reqwest::Request) -> Result<Raw, Trouble> {
        let passing = |error: reqwest::Error| Trouble::Passing(innermost(&error.without_url()));
        let response = self.http.execute(request).await.map_err(passing)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let announced = announced(&headers, self.now());
        if let Some(announced) = announced.filter(|announced| announced.limit > 0) {
            self.lock_pace().note(class, announced, self.now());
        }
        if status == 429 {
            return Err(match announced {
                Some(announced) if announced.limit > 0 => {
                    Trouble::Limited(self.now() + announced.resets_in.max(SignedDuration::from_secs(1)))
                }
                _ => Trouble::Crowded,
            });
        }
        let body = response.bytes().await.map_err(passing)?;
        let body =
            String::from_utf8(body.into()).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned());
        if status >= 500 || status == 408 {
            return Err(Trouble::Passing(format!("HTTP {status}{}", super::client::told(&body))));
        }
        if status == 200 && serde_json::from_str::<&RawValue>(&body).is_err() {
            return Err(Trouble::Passing("the answer is not JSON".to_owned()));
        }
        self.widen_room();
        Ok(Raw { status, headers, body })
    }

    async fn sleep(&self, pause: Duration, until: Timestamp) -> Result<(), Error> {
        if self.now() + SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX) >= until {
            return Err(Error::OutOfTime);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn pause_after(&self, failures: u32, factor: u32) -> Duration {
        let pause = self.backoff * factor * 2u32.saturating_pow(failures.min(6) - 1);
        pause / 2 + jitter(pause).unsigned_abs()
    }

    fn lock_pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn halve_room(&self) {
        self.room.store((self.room() / 2).max(1), Ordering::Relaxed);
    }

    fn widen_room(&self) {
        if self.room() < MOST_ROOM && self.requests.load(Ordering::Relaxed).is_multiple_of(16) {
            self.room.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn jitter(most: Duration) -> SignedDuration {
    SignedDuration::from_millis(fastrand::i64(0..=i64::try_from(most.as_millis()).unwrap_or(i64::MAX)))
}

/// The rate-limit headers of an answer; Okta sometimes sends them twice. The time to the reset is
/// by the clock of the answer, not by ours.
fn announced(headers: &HeaderMap, now: Timestamp) -> Option<Announced> {
    let numbers = |name: &str| -> HashSet<i64> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(|value| value.trim().parse().ok()).collect()
    };
    let date =
        headers.get("date").and_then(|value| value.to_str().ok()).and_then(|date| httpdate::parse_http_date(date).ok());
    let date = date.and_then(|date| Timestamp::try_from(date).ok()).unwrap_or(now);
    let limit = numbers("x-rate-limit-limit").into_iter().min()?;
    let remaining = numbers("x-rate-limit-remaining").into_iter().min()?;
    let reset = Timestamp::from_second(numbers("x-rate-limit-reset").into_iter().max()?).ok()?;
    Some(Announced {
        limit: u32::try_from(limit).unwrap_or_default(),
        remaining: u32::try_from(remaining).unwrap_or_default(),
        resets_in: reset.duration_since(date),
    })
}

/// The last cause of an error: what reqwest says above it repeats the request.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
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
        let read = announced(&headers, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(read, Announced { limit: 300, remaining: 12, resets_in: reset.duration_since(date) });
        headers.remove("x-rate-limit-reset");
        assert_eq!(announced(&headers, date), None);
    }
}
