//! Authomize's REST API v2: requests, repeated where that helps, and answers.
//!
//! The only module that sends anything. A request carries the token to the configured origin; redirects are not
//! followed.

mod answer;
mod apps;
mod http;
mod trouble;

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

pub use answer::{Field, Posted, posted};
pub use apps::{App, named, slug};
pub use http::{Http, http_client};
pub use trouble::{Stop, Trouble};

use crate::clock::Clock;

/// A request, relative to the API's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// A JSON body.
    pub body: Option<Vec<u8>>,
}

/// An answer of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A carrier of requests.
pub trait Transport: Send + Sync {
    /// Sends a request once. `Err` says why there is no answer.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Answer, String>> + Send;

    /// Sends a request once; the body of an answer of 200 goes to `sink`, of any length.
    fn send_into(
        &self,
        call: &Call,
        sink: &mut (dyn Write + Send),
    ) -> impl Future<Output = Result<Answer, String>> + Send;
}

/// Attempts of a request that fails for no reason of its own.
const ATTEMPTS: u32 = 5;
/// Longest `Retry-After` that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Longest wait after a 429 that names no time.
const LONGEST_UNNAMED_WAIT: Duration = Duration::from_secs(30);
/// Part of a load's time that one request may wait for the sake of 429.
const PATIENCE_SHARE: u32 = 3;

/// The API within one load: counts, retries, and keeps to the deadline.
pub struct Api<'a, T> {
    transport: &'a T,
    clock: Clock,
    pause: Duration,
    deadline: Timestamp,
    patience: Duration,
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

impl<'a, T: Transport> Api<'a, T> {
    /// No request is sent after `deadline`; the first repetition waits for `pause`, the others twice as long each.
    pub fn new(transport: &'a T, clock: Clock, pause: Duration, deadline: Timestamp) -> Self {
        let patience = clock.until(deadline) / PATIENCE_SHARE;
        Self {
            transport,
            clock,
            pause,
            deadline,
            patience,
            requests: 0,
            bytes: 0,
        }
    }

    /// Sends a request until it has an answer of 2xx, or one that concerns the request itself (400, 404, 413, 422).
    ///
    /// # Errors
    /// The endpoint does not do its work, `TokenRefused`, or the time is up.
    pub async fn call(
        &mut self,
        method: &'static str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Stop> {
        self.attempt(call(method, path, body), ATTEMPTS, &mut no_sink())
            .await
    }

    /// The same, repeated after a 429 alone.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_once(
        &mut self,
        method: &'static str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Stop> {
        self.attempt(call(method, path, body), 1, &mut no_sink())
            .await
    }

    /// Asks for a list of any length, whose text goes into a file that `fresh` makes for every attempt.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn list<W: Write + Send>(
        &mut self,
        path: &str,
        fresh: impl Fn() -> std::io::Result<W>,
    ) -> Result<Option<W>, Stop> {
        let mut sink = Some(Sink { fresh, file: None });
        let answer = self
            .attempt(call("GET", path, None), ATTEMPTS, &mut sink)
            .await?;
        match answer.status {
            200 => Ok(sink.and_then(|sink| sink.file)),
            status => Err(Stop::Endpoint {
                request: format!("GET {path}"),
                trouble: Trouble::Status { status },
            }),
        }
    }

    /// Sends a call once, and counts it.
    async fn send<W: Write + Send, F: Fn() -> std::io::Result<W>>(
        &mut self,
        call: &Call,
        sink: &mut Option<Sink<F, W>>,
    ) -> Result<Result<Answer, String>, Stop> {
        self.requests += 1;
        self.bytes += call.body.as_ref().map_or(0, |body| body.len() as u64);
        Ok(match sink {
            Some(sink) => self.transport.send_into(call, sink.renewed()?).await,
            None => self.transport.send(call).await,
        })
    }

    async fn attempt<W: Write + Send, F: Fn() -> std::io::Result<W>>(
        &mut self,
        call: Call,
        attempts: u32,
        sink: &mut Option<Sink<F, W>>,
    ) -> Result<Answer, Stop> {
        let (mut failed, mut throttled, mut waited) = (0, 0, Duration::ZERO);
        loop {
            if self.is_late(Duration::ZERO) {
                return Err(Stop::OutOfTime);
            }
            let sent = self.send(&call, sink).await?;
            let (trouble, wait) = match sent.map(|answer| (answer.status, answer)) {
                Ok((200..=299 | 400 | 404 | 413 | 422, answer)) => return Ok(answer),
                Ok((429, answer)) => {
                    let wait = self.after_throttling(throttled, answer.retry_after);
                    throttled += 1;
                    waited += wait;
                    (Trouble::Throttled, wait)
                }
                Ok((status @ (408 | 425 | 500..=599), answer)) => {
                    let wait = self.pause * 2_u32.pow(failed);
                    failed += 1;
                    let wait = answer
                        .retry_after
                        .map_or(wait, |named| named.min(LONGEST_WAIT));
                    (Trouble::Status { status }, wait)
                }
                Ok((status @ 401, _)) => {
                    return Err(Trouble::Status { status }
                        .failure(&named_call(&call))
                        .into());
                }
                Ok((status, _)) => return Err(endpoint(&call, Trouble::Status { status })),
                Err(reason) => {
                    let wait = self.pause * 2_u32.pow(failed);
                    failed += 1;
                    (Trouble::NoAnswer { reason }, wait)
                }
            };
            if self.is_late(wait) {
                return Err(Stop::OutOfTime);
            }
            if failed >= attempts || waited > self.patience {
                return Err(endpoint(&call, trouble));
            }
            self.clock.sleep(wait).await;
        }
    }

    /// A 429 says that the request is right and comes too soon. Without a time the waits double.
    fn after_throttling(&self, before: u32, named: Option<Duration>) -> Duration {
        let doubling = self.pause * 2_u32.pow(before.min(10));
        let wait = named.map_or(doubling.min(LONGEST_UNNAMED_WAIT), |named| {
            named.min(LONGEST_WAIT)
        });
        wait.max(self.pause)
    }

    /// Whether nothing can be sent any more after a wait.
    #[must_use]
    pub fn is_late(&self, wait: Duration) -> bool {
        self.clock.is_late(wait, self.deadline)
    }

    /// Waits for so many pauses.
    pub async fn pause(&self, pauses: u32) {
        self.clock.sleep(self.pause * pauses).await;
    }

    /// Waits for so long if at least half of the time that is left stays; says whether it did.
    pub async fn wait(&self, wait: Duration) -> bool {
        let fits = wait < self.clock.until(self.deadline) / 2;
        if fits {
            self.clock.sleep(wait).await;
        }
        fits
    }
}

type NoSink = Sink<fn() -> std::io::Result<Vec<u8>>, Vec<u8>>;

/// The body of the answer is to be in the answer.
fn no_sink() -> Option<NoSink> {
    None
}

fn call(method: &'static str, path: &str, body: Option<Vec<u8>>) -> Call {
    let path = path.to_owned();
    Call { method, path, body }
}

fn named_call(call: &Call) -> String {
    format!("{} {}", call.method, call.path)
}

fn endpoint(call: &Call, trouble: Trouble) -> Stop {
    let request = named_call(call);
    Stop::Endpoint { request, trouble }
}

/// The place of a list's text, empty at the beginning of every attempt.
struct Sink<F, W> {
    fresh: F,
    file: Option<W>,
}

impl<W: Write + Send, F: Fn() -> std::io::Result<W>> Sink<F, W> {
    fn renewed(&mut self) -> Result<&mut (dyn Write + Send), Stop> {
        let file = (self.fresh)().map_err(|error| Stop::Failed(crate::sorter::failed(&error)))?;
        Ok(self.file.insert(file))
    }
}
