//! Requests that are paced to the org's limits and repeated where that helps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Notify;

use super::address::Address;
use super::announced::{Announced, announced};
use super::bucket::Wait;
use super::gate::Gate;
use super::{Error, Within};
use crate::body::Body;
use crate::clock::Clock;

/// An HTTP client with what it has learned of the org's rate limits.
#[derive(Debug)]
pub struct Transport {
    http: reqwest::Client,
    /// Every request goes there and nowhere else.
    address: Address,
    clock: Clock,
    backoff: Duration,
    gate: Mutex<Gate>,
    /// Told whenever a request has its answer: those that wait look again.
    answered: Notify,
    requests: AtomicU64,
    throttled_ms: AtomicU64,
}

/// A request that has passed the gate, until its answer is read or given up.
#[derive(Debug)]
struct Turn<'a> {
    transport: &'a Transport,
    class: &'static str,
    /// What [`Gate::pass`] gave.
    entered: u32,
    is_noted: bool,
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
    pub body: Body,
}

/// How often a request is sent that fails for no reason of its own.
const ATTEMPTS: u32 = 5;
/// After how many refusals in a row the pause no longer grows.
const MOST_DOUBLINGS: u32 = 3;
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
    /// `base` is where to connect: scheme, host and port of the org. `share_percent` of each rate limit is used; `backoff` is the pause after a first failed
    /// attempt, doubled after each further one.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url, clock: Clock, share_percent: u32, backoff: Duration) -> Self {
        Self {
            http,
            address: Address::new(base),
            clock,
            backoff,
            gate: Mutex::new(Gate::new(share_percent)),
            answered: Notify::new(),
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
        self.gate().room.width()
    }

    /// Of them, how many should count against one rate limit.
    #[must_use]
    pub fn room_of_a_class(&self) -> usize {
        self.gate().room.width_of_a_class()
    }

    /// Where the org is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends what `build` makes, again and again where that helps. `build` is called for each
    /// attempt, for a proof may be used once only.
    pub(super) async fn send(
        &self,
        class: &'static str,
        Within { sent_by, until }: Within,
        build: impl Fn(&reqwest::Client, Timestamp) -> Result<reqwest::Request, Error>,
    ) -> Result<Raw, Error> {
        let (mut failed, mut crowded) = (0, 0);
        loop {
            let sent_by = if failed + crowded == 0 { sent_by.min(until) } else { until };
            let turn = self.wait_for_turn(class, Within { sent_by, until }).await?;
            let request = build(&self.http, self.now())?;
            self.address.check(request.url())?;
            let what = format!("{} {}", request.method(), request.url().path());
            let pause = match self.attempt(turn, until, request).await? {
                Ok(raw) => return Ok(raw),
                Err(Trouble::Limited(reset)) => {
                    self.gate().pace.close(class, reset + jitter(Duration::from_secs(1)));
                    continue;
                }
                Err(Trouble::Crowded) => {
                    crowded += 1;
                    self.pause_after(crowded.min(MOST_DOUBLINGS), 2)
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

    async fn wait_for_turn(&self, class: &'static str, within: Within) -> Result<Turn<'_>, Error> {
        loop {
            let mut answered = std::pin::pin!(self.answered.notified());
            // From here on no answer is missed.
            answered.as_mut().enable();
            let now = self.now();
            if now >= within.sent_by {
                return Err(Error::OutOfTime);
            }
            let (wake_at, is_throttled) = match self.gate().pass(class, now) {
                Ok(entered) => return Ok(Turn { transport: self, class, entered, is_noted: false }),
                Err(Wait::Until(later)) if later >= within.until => {
                    return Err(Error::Limited { retry_after_s: later.duration_since(now).as_secs() + 1 });
                }
                Err(Wait::Until(later)) => (later.min(within.sent_by), true),
                Err(Wait::Answer) => (within.sent_by, false),
            };
            let _ = tokio::time::timeout(wake_at.duration_since(now).unsigned_abs(), answered).await;
            if is_throttled {
                let waited = self.now().duration_since(now).as_millis().try_into().unwrap_or_default();
                self.throttled_ms.fetch_add(waited, Ordering::Relaxed);
            }
        }
    }

    /// One attempt. The outer error ends the request, the inner one may be worth another attempt.
    async fn attempt(
        &self,
        turn: Turn<'_>,
        until: Timestamp,
        request: reqwest::Request,
    ) -> Result<Result<Raw, Trouble>, Error> {
        let left = until.duration_since(self.now());
        if left <= SignedDuration::ZERO {
            return Err(Error::OutOfTime);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = tokio::time::timeout(left.min(ANSWER_TIMEOUT).unsigned_abs(), self.answer(turn, request));
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) if left <= ANSWER_TIMEOUT => Err(Error::OutOfTime),
            Err(_) => Ok(Err(Trouble::Passing(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())))),
        }
    }

    async fn answer(&self, mut turn: Turn<'_>, request: reqwest::Request) -> Result<Raw, Trouble> {
        let passing = |error: reqwest::Error| Trouble::Passing(innermost(&error.without_url()));
        let response = self.http.execute(request).await.map_err(passing)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let announced = announced(&headers, self.now()).filter(|announced| announced.limit > 0);
        turn.note(announced, status);
        if status == 429 {
            let Some(announced) = announced else {
                turn.is_too_many();
                return Err(Trouble::Crowded);
            };
            return Err(Trouble::Limited(self.now() + announced.resets_in.max(SignedDuration::from_secs(1))));
        }
        let body = text_of(response).await.map_err(passing)?;
        if status >= 500 || status == 408 {
            return Err(Trouble::Passing(format!("HTTP {status}{}", super::client::told(&body))));
        }
        let body = Body::from(body);
        if status == 200 && !body.is_json() {
            return Err(Trouble::Passing("the answer is not JSON".to_owned()));
        }
        self.gate().room.widen(self.now());
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

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn note(&mut self, announced: Option<Announced>, status: u16) {
        let mut gate = self.transport.gate();
        match announced {
            Some(announced) => gate.pace.note(self.class, announced, self.transport.now()),
            None if status == 200 => gate.pace.note_nothing(self.class),
            None => return,
        }
        self.is_noted = true;
    }

    fn is_too_many(&self) {
        self.transport.gate().room.halve(self.entered, self.transport.now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut gate = self.transport.gate();
        gate.room.leave();
        if !self.is_noted {
            gate.pace.lose(self.class);
        }
        drop(gate);
        self.transport.answered.notify_waiters();
    }
}

/// The body as it comes, so that it is in memory once only.
async fn text_of(mut response: reqwest::Response) -> reqwest::Result<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await? {
        bytes.extend_from_slice(&piece);
    }
    bytes.shrink_to_fit();
    Ok(String::from_utf8(bytes).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()))
}

fn jitter(most: Duration) -> SignedDuration {
    SignedDuration::from_millis(fastrand::i64(0..=i64::try_from(most.as_millis()).unwrap_or(i64::MAX)))
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

    #[tokio::test]
    async fn a_request_to_another_host_is_refused_whatever_made_it() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        let base = "http://127.0.0.1:1".parse().unwrap();
        let transport = Transport::new(reqwest::Client::new(), base, clock, 50, Duration::ZERO);
        let soon = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(5);
        for url in ["http://127.0.0.1:2/api", "https://127.0.0.1:1/api", "http://localhost:1/api"] {
            let build = |http: &reqwest::Client, _| Ok(http.get(url).build().unwrap());
            let refused = transport.send("x", soon.into(), build).await.unwrap_err();
            assert!(refused.to_string().contains("another host"), "{url}: {refused}");
            assert_eq!(transport.used().requests, 0);
        }
    }
}
