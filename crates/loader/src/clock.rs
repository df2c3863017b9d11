//! The time, and waiting for it to pass: both come from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    sleep: Arc<dyn Fn(Duration) -> Waiting + Send + Sync>,
}

impl Clock {
    /// Reads the time from this function, and waits in real time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            now: Arc::new(now),
            sleep: Arc::new(|wait| Box::pin(tokio::time::sleep(wait))),
        }
    }

    /// Waits by this function instead, for a simulation.
    #[must_use]
    pub fn with_sleep<F>(self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            sleep: Arc::new(move |wait| Box::pin(sleep(wait))),
            ..self
        }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Time from now until then, none if it has passed.
    #[must_use]
    pub fn until(&self, then: Timestamp) -> Duration {
        Duration::try_from(then.duration_since(self.now())).unwrap_or_default()
    }

    /// Whether `deadline` has passed once this wait is over.
    #[must_use]
    pub fn is_late(&self, wait: Duration, deadline: Timestamp) -> bool {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        self.now().duration_since(deadline) + wait >= SignedDuration::ZERO
    }

    /// Waits.
    pub async fn sleep(&self, wait: Duration) {
        (self.sleep)(wait).await;
    }

    /// Milliseconds since then.
    #[must_use]
    pub fn elapsed_ms(&self, since: Timestamp) -> u64 {
        self.now()
            .duration_since(since)
            .as_millis()
            .try_into()
            .unwrap_or_default()
    }
}
