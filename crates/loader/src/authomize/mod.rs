//! Authomize's REST API v2: requests, repeated where that helps, and answers.
//!
//! The only module that sends anything. A request carries the token to the configured origin; redirects are not
//! followed.

mod answer;
mod http;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

pub use answer::{Posted, placed, posted};
pub use http::{Http, http_client};

use crate::failure::Failure;

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

/// An answer of whatever status.
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
    /// Sends a request once. `Err` tells in words why there is no answer.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Answer, String>> + Send;
}

/// The current time, from outside.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Attempts of a request that fails for no reason of its own.
const ATTEMPTS: u32 = 5;
/// Kind of the failure after the last of them.
const UNREACHABLE: &str = "AuthomizeUnreachable";
/// Longest `Retry-After` that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Pages of apps that are looked through.
const MOST_APP_PAGES: usize = 100;
const APPS_PER_PAGE: usize = 100;

/// Why a request has no answer to work with.
#[derive(Debug)]
pub enum Stop {
    /// The time is up; the next invocation goes on.
    OutOfTime,
    /// Nothing can be loaded.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The API within one load: counts, retries, and keeps to the deadline.
pub struct Api<'a, T> {
    transport: &'a T,
    clock: Clock,
    pause: Duration,
    deadline: Timestamp,
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// An app as Authomize lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Authomize's id of it.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub integration_name: Option<String>,
}

#[derive(Deserialize)]
struct AppList {
    data: Vec<App>,
    /// `{"total": …, "hasMore": …}`, both optional and of no use where they are not numbers and booleans.
    #[serde(default)]
    pagination: Value,
}

/// The app whose name gives this name's slug, one of exactly this name first.
#[must_use]
pub fn named<'a>(apps: &'a [App], name: &str) -> Option<&'a App> {
    let exactly = apps
        .iter()
        .find(|app| app.integration_name.as_deref() == Some(name));
    exactly.or_else(|| {
        apps.iter()
            .find(|app| app.integration_name.as_deref().map(slug) == Some(slug(name)))
    })
}

impl<'a, T: Transport> Api<'a, T> {
    /// No request is sent after `deadline`; the first repetition waits for `pause`, the others twice as long each.
    pub fn new(transport: &'a T, clock: Clock, pause: Duration, deadline: Timestamp) -> Self {
        Self {
            transport,
            clock,
            pause,
            deadline,
            requests: 0,
            bytes: 0,
        }
    }

    /// Sends a request until it has an answer of 2xx, or one that concerns the request itself (400, 404, 413, 422).
    ///
    /// # Errors
    /// `TokenRefused`, `AuthomizeUrlWrong`, `AuthomizeUnreachable`, or the time is up.
    pub async fn call(
        &mut self,
        method: &'static str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Stop> {
        self.attempt(
            Call {
                method,
                path: path.to_owned(),
                body,
            },
            ATTEMPTS,
        )
        .await
    }

    async fn attempt(&mut self, call: Call, attempts: u32) -> Result<Answer, Stop> {
        let Call { method, path, .. } = &call;
        let mut last = String::new();
        for attempt in 0..attempts {
            if self.is_late(Duration::ZERO) {
                return Err(Stop::OutOfTime);
            }
            self.requests += 1;
            self.bytes += call.body.as_ref().map_or(0, |body| body.len() as u64);
            let mut wait = self.pause * 2_u32.pow(attempt);
            match self.transport.send(&call).await {
                Ok(answer) => match answer.status {
                    200..=299 | 400 | 404 | 413 | 422 => return Ok(answer),
                    401 | 403 => return Err(token_refused(answer.status).into()),
                    300..=399 => {
                        return Err(url_wrong(&format!("it redirects ({})", answer.status)).into());
                    }
                    408 | 425 | 429 | 500..=599 => {
                        last = format!("HTTP {}", answer.status);
                        wait = answer
                            .retry_after
                            .map_or(wait, |told| told.min(LONGEST_WAIT));
                    }
                    status => {
                        return Err(url_wrong(&format!(
                            "{method} {path} is answered with {status}"
                        ))
                        .into());
                    }
                },
                Err(reason) => last = reason,
            }
            if self.is_late(wait) {
                return Err(Stop::OutOfTime);
            }
            if attempt + 1 < attempts {
                tokio::time::sleep(wait).await;
            }
        }
        let message = format!(
            "Authomize did not answer {method} {path} in {attempts} attempts ({last}); usually transient, the next invocation goes on"
        );
        Err(Failure::new(UNREACHABLE, message).into())
    }

    /// Whether nothing can be sent any more after a wait.
    #[must_use]
    pub fn is_late(&self, wait: Duration) -> bool {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        (self.clock)().duration_since(self.deadline) + wait >= SignedDuration::ZERO
    }

    /// Every app of the tenant.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn apps(&mut self) -> Result<Vec<App>, Stop> {
        let mut apps: Vec<App> = Vec::new();
        for _ in 0..MOST_APP_PAGES {
            let path = format!("/v2/apps?limit={APPS_PER_PAGE}&skip={}", apps.len());
            let answer = self.call("GET", &path, None).await?;
            if answer.status != 200 {
                return Err(
                    url_wrong(&format!("GET /v2/apps is answered with {}", answer.status)).into(),
                );
            }
            let listed: AppList = read(&answer, "GET /v2/apps")?;
            let length = listed.data.len();
            apps.extend(listed.data);
            // A page may be shorter than asked for although there is more.
            let total = listed.pagination["total"].as_u64();
            let more = listed.pagination["hasMore"] == true
                || total.is_some_and(|total| total > apps.len() as u64);
            if length == 0 || (length < APPS_PER_PAGE && !more) {
                break;
            }
        }
        Ok(apps)
    }

    /// Creates an app. After each answer that was lost the app may be there, so it is looked for first.
    ///
    /// # Errors
    /// As [`call`](Self::call); `AppRefused`.
    pub async fn create_app(&mut self, name: &str) -> Result<App, Stop> {
        let body = serde_json::json!({"integrationName": name})
            .to_string()
            .into_bytes();
        let mut attempts = 0;
        let answer = loop {
            attempts += 1;
            let call = Call {
                method: "POST",
                path: "/v2/apps".to_owned(),
                body: Some(body.clone()),
            };
            match self.attempt(call, 1).await {
                Ok(answer) => break answer,
                Err(Stop::Failed(failure))
                    if failure.kind == UNREACHABLE && attempts < ATTEMPTS =>
                {
                    tokio::time::sleep(self.pause * 2_u32.pow(attempts)).await;
                    if let Some(app) = named(&self.apps().await?, name) {
                        return Ok(app.clone());
                    }
                }
                Err(stop) => return Err(stop),
            }
        };
        if !(200..=299).contains(&answer.status) {
            let message = format!(
                "Authomize refuses to create the app {name:?} ({}): create it there by that name",
                answer.status
            );
            return Err(Failure::new("AppRefused", message).into());
        }
        read(&answer, "POST /v2/apps").map_err(Stop::Failed)
    }
}

fn read<D: for<'de> Deserialize<'de>>(answer: &Answer, what: &str) -> Result<D, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        url_wrong(&format!(
            "{what} is answered with something else than Authomize's API documents: {error}"
        ))
    })
}

/// A name as it stands in object keys: lowercase, `-` between words.
#[must_use]
pub fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

fn token_refused(status: u16) -> Failure {
    let message = format!(
        "Authomize does not accept the token ({status}): make a new API token there and put it into the secret"
    );
    Failure::new("TokenRefused", message)
}

/// The failure where something answers that is not the API.
#[must_use]
pub fn url_wrong(what: &str) -> Failure {
    let message = format!(
        "the API is not what answers: {what}; check AUTHOMIZE_API_URL, or base_url in the secret"
    );
    Failure::new("AuthomizeUrlWrong", message)
}
