//! One invocation's story: event → credentials → collect → status and report, ending before the
//! deadline.

mod begun;
mod check;
mod collect;
mod counted;
mod failure;
mod heads;
mod joined;
mod ledgers;
mod outcome;
mod plan;
mod power;
mod progress;
mod recall;
mod swept;
mod tell;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

pub use failure::Failure;

use crate::bounded::Bounded;
use crate::clock::Clock;
use crate::commit::{CommitLog, Head};
use crate::config::Config;
use crate::engine::{Cursor, Parked};
use crate::invocation::{Mode, Report, Request};
use crate::okta::{self, Org, Session, Transport};
use crate::secret::{self, Integration, SecretError, Secrets};
use crate::seen_methods::SeenMethods;
use crate::status::Status;
use crate::store::Store;
use crate::streams::{self, STREAMS, Stream};
use collect::Collecting;
use outcome::Ended;
use swept::LastSweeps;

/// Everything that an invocation needs from outside; made once per cold start.
#[derive(Debug)]
pub struct Handler<S, V> {
    config: Config,
    clock: Clock,
    http: reqwest::Client,
    store: S,
    secrets: V,
    backoff: Duration,
    kept: Mutex<HashMap<String, Kept>>,
    swept: LastSweeps,
}

/// The access to an org and its known limits, kept across warm invocations.
#[derive(Debug, Clone)]
struct Kept {
    session: Arc<Session>,
    transport: Arc<Transport>,
}

/// An invocation's id and deadline, as Lambda gives them.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it.
    pub request_id: String,
    /// When Lambda ends it.
    pub deadline: Timestamp,
}

/// A run: one invocation for one integration.
#[derive(Debug)]
struct Run {
    id: String,
    request_id: String,
    mode: Mode,
    secret_id: String,
    began_at: Timestamp,
    /// When it stops asking for more.
    stop_at: Timestamp,
    /// Until then its records may be stored.
    stored_by: Timestamp,
    /// Until then the status may be written.
    told_by: Timestamp,
    integration: Integration,
}

/// How an invocation's time is shared out.
#[derive(Debug, Clone, Copy)]
struct Times {
    began_at: Timestamp,
    stop_at: Timestamp,
    stored_by: Timestamp,
    told_by: Timestamp,
}

/// The longest that Lambda lets a function run. It replaces a deadline in the past, as emulators send.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(15);

impl<S: Store, V: Secrets> Handler<S, V> {
    /// `backoff` is the pause after a first failed request to Okta.
    pub fn new(
        config: Config,
        clock: Clock,
        http: reqwest::Client,
        store: S,
        secrets: V,
        backoff: Duration,
    ) -> Self {
        Self {
            config,
            clock,
            http,
            store,
            secrets,
            backoff,
            kept: Mutex::default(),
            swept: LastSweeps::default(),
        }
    }

    /// Runs once.
    ///
    /// # Errors
    /// A problem that stops the whole run (see [`Failure`]); the status object reports it
    /// where the integration's name is known.
    pub async fn run(&self, event: &Value, invocation: &Invocation) -> Result<Report, Failure> {
        guarded(Box::pin(self.invoke(event, invocation))).await
    }

    async fn invoke(&self, event: &Value, invocation: &Invocation) -> Result<Report, Failure> {
        let request = Request::parse(event, &streams::names()).map_err(Failure::event)?;
        let times = Times::of(self.clock.now(), invocation.deadline);
        let integration = match self.integration(&request, times).await {
            Ok(integration) => integration,
            Err((failure, slug)) => {
                self.tell_unread(&failure, slug, &request, times).await;
                return Err(failure);
            }
        };
        let integration = match self.at_home(integration, times.stop_at).await {
            Ok(integration) => integration,
            Err((failure, slug)) => {
                let status = Status {
                    integration: slug,
                    ..Status::default()
                };
                self.tell_failure(&failure, status, self.secret_id(&request), times)
                    .await;
                return Err(failure);
            }
        };
        let run = Run {
            id: uuid::Uuid::now_v7().to_string(),
            request_id: invocation.request_id.clone(),
            mode: request.mode,
            secret_id: self.secret_id(&request).to_owned(),
            began_at: times.began_at,
            stop_at: times.stop_at,
            stored_by: times.stored_by,
            told_by: times.told_by,
            integration,
        };
        let ended = match guarded(Box::pin(self.run_for(&run, &request))).await {
            Ok(ended) => self.finish(&run, ended).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &ended {
            self.tell_failure(failure, self.status_of(&run), &run.secret_id, times)
                .await;
        }
        ended
    }

    /// The secret that the event or the settings name, or else a fleet's message; empty where none does.
    fn secret_id<'a>(&'a self, request: &'a Request) -> &'a str {
        request
            .secret_id
            .as_deref()
            .or(self.config.secret_id.as_deref())
            .or(request.message_secret_id.as_deref())
            .unwrap_or_default()
    }

    async fn integration(
        &self,
        request: &Request,
        times: Times,
    ) -> Result<Integration, (Failure, Option<String>)> {
        let secret_id = self.secret_id(request);
        if secret_id.is_empty() {
            return Err((Failure::no_secret_named(), None));
        }
        let left = times.stop_at.duration_since(times.began_at).unsigned_abs();
        let content = tokio::time::timeout(left, self.secrets.read(secret_id))
            .await
            .unwrap_or_else(|_| {
                Err(SecretError::Unreachable {
                    secret_id: secret_id.to_owned(),
                    detail: "no answer in the time that the run has".to_owned(),
                })
            })
            .map_err(|error| (Failure::secret(&error), None))?;
        secret::parse(&content, &streams::names()).map_err(|problems| {
            (
                Failure::secret_invalid(secret_id, &problems.problems),
                problems.slug,
            )
        })
    }

    /// The integration with its org's own address in place of a custom domain, which is asked once for it and never
    /// spoken to again.
    async fn at_home(
        &self,
        mut integration: Integration,
        until: Timestamp,
    ) -> Result<Integration, (Failure, String)> {
        if !integration.is_custom_domain {
            return Ok(integration);
        }
        let domain = integration.host.clone();
        let failed = |answered: &str| {
            let failure = Failure::custom_domain(&domain, answered);
            (failure, integration.slug.clone())
        };
        let base = self.config.okta_endpoint.clone();
        let base = base.or_else(|| Url::parse(&format!("https://{domain}")).ok());
        let base = base.ok_or_else(|| failed("it makes no URL"))?;
        let address = okta::home(&self.http, &base, &self.clock, self.backoff, until)
            .await
            .map_err(|answered| failed(&answered))?;
        let host = secret::org_host(&address).ok_or_else(|| {
            failed(&format!(
                "it names {address:?}, which is no address of Okta's"
            ))
        })?;
        integration.move_to(host);
        Ok(integration)
    }

    async fn run_for(&self, run: &Run, request: &Request) -> Result<Ended, Failure> {
        let store = Bounded::new(self.store.clone(), self.clock.clone(), run.stored_by);
        let log = CommitLog::new(store.clone(), &self.config.prefix, &run.integration.slug);
        let head = log.head().await?;
        refuse_another_org(&head, &run.integration)?;
        let cursor = match head.sequence {
            0 => Cursor::default(),
            _ => Cursor::read(&head.cursor)
                .map_err(|error| Failure::cursor(head.sequence, &error))?,
        };
        let wanted = streams_on(&run.integration);
        let org = self
            .org(&run.integration, self.secret_id(request), &wanted)
            .await?;
        let granted = match org.granted(run.stop_at).await {
            Ok(granted) => granted,
            Err(okta::Error::Limited { retry_after_s }) => {
                let used = org.used();
                return Ok(Ended::limited(&wanted, head.sequence, retry_after_s, used));
            }
            Err(error) => return Err(Failure::okta(error)),
        };
        let lacks = |scope: &str| granted.as_ref().is_some_and(|all| !all.contains(scope));
        let missing_scope = |stream: &Stream| {
            let scopes = stream.scopes_without(&run.integration.streams_off);
            scopes.into_iter().find(|scope| lacks(scope))
        };
        let (missing, readable): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|stream| missing_scope(stream).is_some());
        let reads_log = !lacks(log_scope());
        let mut remedies = Vec::new();
        for stream in missing {
            let scope = missing_scope(stream).unwrap_or(stream.scope);
            remedies.push((stream, org.missing(scope).await));
        }
        let mut ended = match run.mode {
            Mode::Check => checked(&org, run, request, &readable, &head).await?,
            Mode::Incremental | Mode::Full => {
                let collecting = Collecting::new(
                    self, store, run, request, org, log, head, cursor, readable, reads_log,
                );
                collecting.run().await?
            }
        };
        for (stream, remedy) in remedies {
            ended.note(stream, &Parked::Unavailable(remedy));
        }
        Ok(ended)
    }

    /// The org, with the access and the knowledge of its limits that an earlier invocation left.
    async fn org(
        &self,
        integration: &Integration,
        secret_id: &str,
        wanted: &[&'static Stream],
    ) -> Result<Org, Failure> {
        let mut scopes = streams::scopes(wanted);
        if !scopes.contains(&log_scope()) {
            scopes.push(log_scope());
        }
        let base = self
            .config
            .okta_endpoint
            .clone()
            .or_else(|| Url::parse(&format!("https://{}", integration.host)).ok());
        let base = base.ok_or_else(|| {
            Failure::secret_invalid(secret_id, &["domain makes no URL".to_owned()])
        })?;
        let mut kept = self.kept.lock().await;
        let known = kept
            .get(&integration.slug)
            .filter(|known| known.session.serves(integration, &scopes))
            .cloned();
        let known = match known {
            Some(known) => known,
            None => {
                let session = Session::new(integration, scopes)
                    .map_err(|error| Failure::secret_invalid(secret_id, &[error.to_string()]))?;
                let transport = Transport::new(
                    self.http.clone(),
                    base,
                    self.clock.clone(),
                    self.config.rate_limit_share_percent,
                    self.backoff,
                );
                let fresh = Kept {
                    session: Arc::new(session),
                    transport: Arc::new(transport),
                };
                kept.insert(integration.slug.clone(), fresh.clone());
                fresh
            }
        };
        known.transport.begin_run();
        known.session.begin_run().await;
        Ok(Org::new(known.transport, known.session))
    }

    /// Writes the end of a run into status and log.
    ///
    /// # Errors
    /// Where a check could not write the status: it proves that the bucket can be written.
    async fn finish(&self, run: &Run, ended: Ended) -> Result<Report, Failure> {
        let report = ended.report(run, self.clock.now());
        let mut status = self.status_of(run);
        ended.describe(&report, self.clock.now(), &mut status);
        let told = match self.tell(status.clone(), run.began_at, run.told_by).await {
            Ok(told) => told,
            Err(error) if run.mode == Mode::Check => return Err(error.into()),
            Err(error) => {
                tracing::warn!(run = run.id, request_id = run.request_id, %error, "the status object could not be written");
                status
            }
        };
        tell::log(run, &report);
        let figures = ended.figures(&report);
        self.measure(&told, &run.secret_id, Some(&figures), run.began_at)
            .await;
        Ok(report)
    }
}

/// The streams that are not switched off.
fn streams_on(integration: &Integration) -> Vec<&'static Stream> {
    let is_off = |stream: &Stream| integration.streams_off.iter().any(|off| off == stream.name);
    STREAMS
        .iter()
        .copied()
        .filter(|stream| !is_off(stream))
        .collect()
}

/// A check: of the streams, of factors that the network hides, and of the credential's own power.
async fn checked(
    org: &Org,
    run: &Run,
    request: &Request,
    readable: &[&'static Stream],
    head: &Head,
) -> Result<Ended, Failure> {
    let hidden = SeenMethods::of(&head.cursor).hidden();
    let mut ended = check::check(org, run, request, readable, head.sequence).await?;
    ended.advise("factors", hidden);
    if readable
        .iter()
        .any(|stream| is_of_roles(stream) && request.names(stream.name))
    {
        ended.has_power(power::power(org, run).await);
        ended.used(org.used());
    }
    Ok(ended)
}

/// Whether a stream's requests may ask for the roles of the app itself.
fn is_of_roles(stream: &Stream) -> bool {
    stream.scope == "okta.roles.read"
}

/// The scope of the System Log, which is read for changes whichever streams are switched off.
fn log_scope() -> &'static str {
    let mut log = STREAMS
        .iter()
        .filter(|stream| matches!(stream.source, streams::Source::SystemLog { .. }));
    log.next().map_or("", |stream| stream.scope)
}

/// The org's address: `https://acme.okta.com`.
fn org_url(integration: &Integration) -> String {
    format!("https://{}", integration.host)
}

/// An integration belongs to one org: another one's records would look like a mass deletion.
fn refuse_another_org(head: &Head, integration: &Integration) -> Result<(), Failure> {
    let org = org_url(integration);
    match &head.org {
        Some(taken) if *taken != org => Err(Failure::taken(&integration.name, taken, &org)),
        _ => Ok(()),
    }
}

/// Makes a panic a failure like any other, which status and report can tell. Its message is dropped: it may hold
/// what was being read.
async fn guarded<T>(step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    AssertUnwindSafe(step)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Failure::panicked()))
}

impl Times {
    /// The times of an invocation that begins now. It stops asking for more early enough that the last answers are
    /// mapped, stored and committed before Lambda ends it, and a refusal of the bucket leaves time to report it.
    fn of(now: Timestamp, deadline: Timestamp) -> Self {
        let left = deadline.duration_since(now);
        let left = if left > SignedDuration::ZERO {
            left.min(LONGEST_RUN)
        } else {
            LONGEST_RUN
        };
        let reserve = (left / 10)
            .clamp(
                SignedDuration::from_millis(1_500),
                SignedDuration::from_secs(15),
            )
            .min(left / 2);
        let ends_at = now + left;
        Self {
            began_at: now,
            stop_at: ends_at - reserve,
            stored_by: ends_at - reserve / 2,
            told_by: ends_at - reserve / 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stops_before_its_deadline() {
        let now: Timestamp = "2026-11-23T18:00:00Z".parse().unwrap();
        let runs_for = |left: i64| {
            let times = Times::of(now, now + SignedDuration::from_secs(left));
            assert!(times.stop_at < times.stored_by && times.stored_by < times.told_by);
            assert!(times.told_by < now + SignedDuration::from_secs(left));
            times.stop_at.duration_since(now).as_millis()
        };
        assert_eq!(runs_for(900), 885_000);
        assert_eq!(runs_for(6), 4_500);
        assert_eq!(runs_for(2), 1_000);
    }

    #[test]
    fn a_deadline_that_cannot_be_true_is_not_believed() {
        let now: Timestamp = "2026-11-23T18:00:00Z".parse().unwrap();
        assert_eq!(
            Times::of(now, Timestamp::UNIX_EPOCH).stop_at,
            now + SignedDuration::from_secs(885)
        );
    }
}
