//! Requests that are paced to the org's limits: each has its turn, and one answer within bounds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use tokio::sync::Notify;

use super::announced::{Announced, announced, retry_after};
use super::answer::{self, AnswerTrouble, Raw, Size, Slowed};
use super::bucket::Wait;
use super::gate::Gate;
use super::pace::{MOST_KINDS, Taken, kind_of};
use super::received::{broken, text_of};
use super::tally::{Tally, Use};
use super::{Error, Within};
use crate::body::Body;
use crate::clock::Clock;

/// An HTTP client with its knowledge of the org's rate limits.
#[derive(Debug)]
pub struct Transport {
    http: reqwest::Client,
    /// Scheme, host and port of the org: every request goes there and nowhere else.
    base: Url,
    clock: Clock,
    backoff: Duration,
    gate: Mutex<Gate>,
    /// Largest pages that Okta takes, by kind of path, where it has refused larger ones.
    largest_pages: Mutex<HashMap<String, u32>>,
    /// Told whenever a request has its answer: those that wait look again.
    answered: Notify,
    tally: Tally,
}

/// A request that has passed the gate, until its answer is read or given up.
#[derive(Debug)]
struct Turn<'a> {
    transport: &'a Transport,
    path: &'a str,
    /// The bucket that the request counts against, as [`Gate::pass`] gave it.
    taken: Taken,
    /// How often the room had been halved, as [`Gate::pass`] gave it.
    entered: u32,
    is_noted: bool,
}

/// Longest time for one answer: slow is not dead.
const ANSWER_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// How often a request is refused for its pace until a later run has to ask it.
const MOST_REFUSALS: u32 = 20;
/// When that is, where Okta does not say.
const REFUSED_FOR: SignedDuration = SignedDuration::from_secs(60);
/// After how many refusals in a row the pause no longer grows.
const MOST_DOUBLINGS: u32 = 3;

/// The result of one attempt.
enum Got {
    Answer(Raw),
    Slowed(Slowed),
}

impl Transport {
    /// `base` is where to connect: scheme, host and port of the org. The run uses `share_percent` of each rate limit.
    /// `backoff` is the pause after a first failed attempt, doubled after each further one.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
        base: Url,
        clock: Clock,
        share_percent: u32,
        backoff: Duration,
    ) -> Self {
        Self {
            http,
            base,
            clock,
            backoff,
            gate: Mutex::new(Gate::new(share_percent)),
            largest_pages: Mutex::default(),
            answered: Notify::new(),
            tally: Tally::default(),
        }
    }

    /// Counts from zero again. Known limits stay; a wait that was asked for ends with its run.
    pub fn begin_run(&self) {
        self.gate().pace.begin_run(self.now());
        self.tally.reset();
    }

    /// Requests, waits and rate limits since the run began.
    #[must_use]
    pub fn used(&self) -> Use {
        Use {
            limits: self.gate().pace.limits(),
            ..self.tally.used()
        }
    }

    /// How many requests should be under way at once.
    #[must_use]
    pub fn room(&self) -> usize {
        self.gate().room.width()
    }

    /// See [`Pace::has_room`](super::pace::Pace::has_room).
    pub(super) fn has_room(&self, path: &str, begun: (usize, usize)) -> bool {
        let mut gate = self.gate();
        let most = gate.room.width_of_a_class();
        gate.pace.has_room(path, begun, most, self.now())
    }

    /// The rate limit that a path counts against, as far as its answers have shown.
    pub(super) fn bucket_of(&self, path: &str) -> usize {
        self.gate().pace.bucket_of(path)
    }

    /// The largest page of a path, if Okta has refused a larger one.
    pub(super) fn largest_page(&self, path: &str) -> Option<u32> {
        self.largest_pages().get(&kind_of(path)).copied()
    }

    /// Notes that Okta takes no larger page of a path than this, for as long as the process lives.
    pub(super) fn note_largest_page(&self, path: &str, limit: u32) {
        let mut known = self.largest_pages();
        let kind = kind_of(path);
        if known.len() < MOST_KINDS || known.contains_key(&kind) {
            known.insert(kind, limit);
        }
    }

    fn largest_pages(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.largest_pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The org's URL of a path with its query. Whatever the path holds stays a path: one that begins with two
    /// slashes, or is a whole URL, names no host.
    ///
    /// # Errors
    /// [`Error::Expired`] where it does not begin with a slash: such a position is not one that this function kept.
    pub(super) fn url(&self, path: &str) -> Result<Url, Error> {
        if !path.starts_with('/') {
            return Err(Error::Expired);
        }
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(query);
        Ok(url)
    }

    /// The org's host.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends the request that `build` makes for a path until it has an answer that is no 429. `build` is called for
    /// each attempt, for a proof may be used once only. The outer error ends the request, the inner one may be worth
    /// another attempt.
    pub(super) async fn send(
        &self,
        path: &str,
        Within { sent_by, until }: Within,
        build: impl Fn(&reqwest::Client, Timestamp) -> Result<reqwest::Request, Error>,
    ) -> Result<Result<Raw, AnswerTrouble>, Error> {
        for refused in 0..MOST_REFUSALS {
            let sent_by = if refused == 0 {
                sent_by.min(until)
            } else {
                until
            };
            let turn = self.wait_for_turn(path, Within { sent_by, until }).await?;
            let request = build(&self.http, self.now())?;
            if request.url().origin() != self.base.origin() {
                return Err(Error::Failed(
                    "a request to another host than the org's was refused".to_owned(),
                ));
            }
            match self.attempt(turn, until, request).await? {
                Ok(Got::Answer(raw)) => return Ok(Ok(raw)),
                Ok(Got::Slowed(Slowed::Until(reset))) => {
                    self.gate()
                        .pace
                        .close(path, reset + jitter(Duration::from_secs(1)));
                }
                Ok(Got::Slowed(Slowed::Crowded)) => {
                    self.sleep(
                        self.pause_after((refused + 1).min(MOST_DOUBLINGS), 2),
                        until,
                    )
                    .await?;
                }
                Err(trouble) => return Ok(Err(trouble)),
            }
        }
        Err(Error::Limited {
            retry_after_s: REFUSED_FOR.as_secs(),
        })
    }

    /// Waits before another attempt of a request that has failed so often.
    pub(super) async fn pause(&self, failures: u32, until: Timestamp) -> Result<(), Error> {
        self.sleep(self.pause_after(failures, 1), until).await
    }

    async fn wait_for_turn<'a>(&'a self, path: &'a str, within: Within) -> Result<Turn<'a>, Error> {
        loop {
            let mut answered = std::pin::pin!(self.answered.notified());
            // From here on no answer is missed.
            answered.as_mut().enable();
            let now = self.now();
            if now >= within.sent_by {
                return Err(Error::OutOfTime);
            }
            let (wake_at, is_throttled) = match self.gate().pass(path, now) {
                Ok((taken, entered)) => {
                    return Ok(Turn {
                        transport: self,
                        path,
                        taken,
                        entered,
                        is_noted: false,
                    });
                }
                Err(Wait::Until(later)) if later >= within.until => {
                    return Err(Error::Limited {
                        retry_after_s: later.duration_since(now).as_secs() + 1,
                    });
                }
                Err(Wait::Until(later)) => (later.min(within.sent_by), true),
                Err(Wait::Answer) => (within.sent_by, false),
            };
            let _ =
                tokio::time::timeout(wake_at.duration_since(now).unsigned_abs(), answered).await;
            if is_throttled {
                let waited = self
                    .now()
                    .duration_since(now)
                    .as_millis()
                    .try_into()
                    .unwrap_or_default();
                self.tally.waited(path, waited);
            }
        }
    }

    /// One attempt. The outer error ends the request, the inner one may be worth another attempt.
    async fn attempt(
        &self,
        turn: Turn<'_>,
        until: Timestamp,
        request: reqwest::Request,
    ) -> Result<Result<Got, AnswerTrouble>, Error> {
        let left = until.duration_since(self.now());
        if left <= SignedDuration::ZERO {
            return Err(Error::OutOfTime);
        }
        self.tally.sent(turn.path);
        let answer = tokio::time::timeout(
            left.min(ANSWER_TIMEOUT).unsigned_abs(),
            self.answer(turn, request),
        );
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) if left <= ANSWER_TIMEOUT => Err(Error::OutOfTime),
            Err(_) => {
                let text = format!("no answer within {} s", ANSWER_TIMEOUT.as_secs());
                Ok(Err(AnswerTrouble {
                    text,
                    size: Size::Slow,
                }))
            }
        }
    }

    async fn answer(
        &self,
        mut turn: Turn<'_>,
        request: reqwest::Request,
    ) -> Result<Got, AnswerTrouble> {
        let path = request.url().path().to_owned();
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| broken(error, Size::Indifferent))?;
        let (status, headers, received_at) = (
            response.status().as_u16(),
            response.headers().clone(),
            self.now(),
        );
        let announced = announced(&headers, received_at).filter(|announced| announced.limit > 0);
        let slowed = answer::slowed(
            status,
            announced,
            retry_after(&headers, received_at),
            received_at,
        );
        if slowed == Some(Slowed::Crowded) {
            turn.is_too_many();
        } else {
            turn.note(announced, answer::is_taken(status));
        }
        if let Some(slowed) = slowed {
            return Ok(Got::Slowed(slowed));
        }
        let text = text_of(response).await?;
        if answer::is_taken(status) {
            self.gate().room.widen(self.now());
        }
        Ok(Got::Answer(Raw {
            status,
            headers,
            body: Body::of(&path, text),
            received_at,
        }))
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
    fn note(&mut self, announced: Option<Announced>, is_taken: bool) {
        let mut gate = self.transport.gate();
        match announced {
            Some(announced) => {
                gate.pace
                    .note(self.path, self.taken, announced, self.transport.now())
            }
            None if is_taken => gate.pace.note_nothing(self.taken.at),
            None => return,
        }
        self.is_noted = true;
    }

    fn is_too_many(&self) {
        self.transport
            .gate()
            .room
            .halve(self.entered, self.transport.now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut gate = self.transport.gate();
        gate.room.leave();
        if !self.is_noted {
            gate.pace.lose(self.taken.at);
        }
        drop(gate);
        self.transport.answered.notify_waiters();
    }
}

fn jitter(most: Duration) -> SignedDuration {
    SignedDuration::from_millis(fastrand::i64(
        0..=i64::try_from(most.as_millis()).unwrap_or(i64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_names_another_host() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let base: Url = "https://acme.okta.com".parse().unwrap();
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        let transport = Transport::new(
            reqwest::Client::new(),
            base.clone(),
            clock,
            50,
            Duration::ZERO,
        );
        for path in [
            "/api/v1/users?after=1&next=https://other.example/",
            "//other.example/api/v1/users?after=1",
            "///other.example/api",
            "/\\\\other.example/api",
            "/\\other.example/api",
            "/%2F/other.example",
            "/..//other.example/api",
            "/./\t/other.example/api",
            "/@other.example/api",
            "/:443@other.example",
        ] {
            let url = transport.url(path).unwrap();
            assert_eq!(
                (url.origin(), url.username(), url.password()),
                (base.origin(), "", None),
                "{path}: {url}"
            );
        }
        for path in [
            "https://other.example/api",
            "other.example/api",
            "@other.example",
            "\\\\other.example",
            "",
        ] {
            assert!(matches!(transport.url(path), Err(Error::Expired)), "{path}");
        }
        assert_eq!(
            transport.url("/a/b%20c?d=%22e%22").unwrap().as_str(),
            "https://acme.okta.com/a/b%20c?d=%22e%22"
        );
    }

    #[tokio::test]
    async fn a_request_to_another_host_is_refused_whatever_made_it() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        let base = "http://127.0.0.1:1".parse().unwrap();
        let transport = Transport::new(reqwest::Client::new(), base, clock, 50, Duration::ZERO);
        let soon = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(5);
        for url in [
            "http://127.0.0.1:2/api",
            "https://127.0.0.1:1/api",
            "http://localhost:1/api",
        ] {
            let build = |http: &reqwest::Client, _| Ok(http.get(url).build().unwrap());
            let refused = transport.send("x", soon.into(), build).await.unwrap_err();
            assert!(
                refused.to_string().contains("another host"),
                "{url}: {refused}"
            );
            assert_eq!(transport.used().requests, 0);
        }
    }
}
