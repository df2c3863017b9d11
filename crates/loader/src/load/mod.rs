//! Whether a load of an integration is due, and its report.

mod app;
mod closing;
mod lease;
mod plan;
mod posting;
mod purging;
mod run;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::authomize::{Stop, Transport};
use crate::clock::Clock;
use crate::due::{Due, due};
use crate::event::{Mode, Request};
use crate::failure::Failure;
use crate::log;
use crate::purge::{Keys, Reason, Removals};
use crate::record::{Held, Record};
use crate::report::{Counts, Outcome, Refused, Report};
use crate::secret::{Secrets, Tenant};
use crate::status::{self, doubts};
use crate::store::Store;
use crate::usage::Carried;
use run::Load;

/// Longest load, with any deadline.
const LONGEST_LOAD: SignedDuration = SignedDuration::from_mins(15);
/// Part of a load's time, and least and most of it, that is left for its last writes.
const MARGIN_SHARE: i32 = 10;
const LEAST_MARGIN: SignedDuration = SignedDuration::from_millis(500);
const MOST_MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// Settings of a load.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Key prefix without a slash at either end.
    pub prefix: String,
    /// Where the token is kept.
    pub secret_id: String,
    /// The API's origin, unless the secret names one.
    pub api_url: url::Url,
    /// How often everything is posted again.
    pub full_load_interval: SignedDuration,
    /// Wait before the first repetition of a request.
    pub pause: Duration,
}

/// Brings integrations into Authomize.
pub struct Loader<S, V, C> {
    settings: Settings,
    store: S,
    secrets: V,
    connect: C,
    clock: Clock,
}

/// Why a load ended early without a failure.
enum End {
    Failed(Failure),
    /// The time is up.
    OutOfTime,
    /// Another loader has taken over.
    TakenOver,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::OutOfTime => Self::OutOfTime,
            Stop::Failed(failure) => Self::Failed(failure),
            Stop::Endpoint { request, trouble } => Self::Failed(trouble.failure(&request)),
        }
    }
}

/// A load's report, and the next step at once after it.
struct Ended {
    report: Report,
    next: Next,
}

/// The possible sequels of a load in the same invocation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    /// Removed items were found: a purge, if it is due.
    PurgeIfDue,
    /// A purge took fresh posts.
    PostAgain,
}

/// The work that a load has done so far.
#[derive(Default)]
struct Work {
    posted: Counts,
    items: Counts,
    left_out: u64,
    left_out_items: Vec<Refused>,
    /// Items of the newest state, and those that are left out.
    defined: Keys,
    named: Keys,
    /// Items that were removed while the load was under way.
    removed_late: Keys,
    blurred_late: bool,
    gaps: Vec<Reason>,
    /// Why nothing was purged, or how the purge failed.
    withheld: Vec<Reason>,
    /// The reasons that the record has at the end of the load.
    recorded: Option<Vec<Reason>>,
    strangers: Option<u64>,
    purged: bool,
    took_posted: bool,
}

impl<S, V, C, T> Loader<S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// A loader of everything below the prefix of this bucket.
    pub fn new(settings: Settings, store: S, secrets: V, connect: C, clock: Clock) -> Self {
        Self {
            settings,
            store,
            secrets,
            connect,
            clock,
        }
    }

    /// Integrations that have a status.
    ///
    /// # Errors
    /// As the store's.
    pub async fn integrations(&self) -> Result<Vec<String>, Failure> {
        let below = format!("{}/status/", self.settings.prefix);
        let keys = self.store.list(&below, &below).await?;
        let names = keys
            .iter()
            .filter_map(|key| key.strip_prefix(&below)?.strip_suffix(".json"));
        // A slug holds no dot; `{slug}.findings.json` holds counts of findings.
        Ok(names
            .filter(|name| !name.contains('.'))
            .map(str::to_owned)
            .collect())
    }

    /// The deadline of an invocation. One in the past, as local emulators send it, counts as the longest load.
    #[must_use]
    pub fn deadline(&self, told: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let longest = now + LONGEST_LOAD;
        if told <= now {
            longest
        } else {
            told.min(longest)
        }
    }

    /// Loads one integration, and ends before the deadline. Removals that an incremental load finds are purged at once
    /// if that is due.
    ///
    /// # Errors
    /// The load cannot go on; nothing was purged, and the posts are recorded.
    pub async fn load(&self, request: &Request, deadline: Timestamp) -> Result<Report, Failure> {
        let first = self.load_once(request, deadline).await?;
        if first.next == Next::Nothing {
            return Ok(first.report);
        }
        let then = Request::wake(request.integration.clone());
        let then = self.load_once(&then, deadline).await?.report;
        Ok(following(first.report, then))
    }

    async fn load_once(&self, request: &Request, deadline: Timestamp) -> Result<Ended, Failure> {
        let began = self.clock.now();
        let (prefix, integration) = (&self.settings.prefix, &request.integration);
        let held = Held::read(&self.store, prefix, integration).await?;
        if began >= deadline {
            let report = idle(&held.record);
            return Ok(only(Report {
                outcome: Outcome::Partial,
                go_on: true,
                ..report
            }));
        }
        let newer = log::since(&self.store, prefix, &held.record).await?;
        let newest = newer.last().copied().unwrap_or(held.record.sequence);
        if newest == 0 {
            let message = format!(
                "integration {integration:?} has committed nothing below {prefix:?}: check its name and PREFIX"
            );
            return Err(Failure::new("NothingCommitted", message));
        }
        let interval = self.settings.full_load_interval;
        let due = due(&held.record, request, newest, began, interval);
        if due == Due::Nothing {
            let duration_ms = self.clock.elapsed_ms(began);
            let report = idle(&held.record);
            return Ok(only(Report {
                duration_ms,
                ..report
            }));
        }
        let load = self.begin(request, held, due, began, deadline).await?;
        if due == Due::PurgeIfSound && !load.all && newest == load.held.record.sequence {
            let report = idle(&load.held.record);
            return Ok(only(Report {
                outcome: report.outcome.max(Outcome::Held),
                held: load.reasons().iter().map(ToString::to_string).collect(),
                duration_ms: self.clock.elapsed_ms(began),
                ..report
            }));
        }
        if request.mode == Mode::Plan {
            return Box::pin(load.plan()).await.map(only);
        }
        Box::pin(load.run()).await
    }

    /// Reads the inputs of a load.
    async fn begin<'a>(
        &'a self,
        request: &'a Request,
        held: Held,
        due: Due,
        began: Timestamp,
        deadline: Timestamp,
    ) -> Result<Load<'a, S, V, C>, Failure> {
        let (prefix, integration) = (&self.settings.prefix, &request.integration);
        let carried = Carried::read(&self.store, prefix, integration).await?;
        let history = log::read(&self.store, prefix, &held.record, carried.sequence).await?;
        let status = status::read(&self.store, prefix, integration).await?;
        let doubts = doubts(status.as_ref(), integration, &history);
        let removals = match held.record.removals_pending {
            0 => Removals::default(),
            _ => Removals::read(&self.store, prefix, integration).await?,
        };
        let all = match due {
            Due::PurgeIfSound => doubts.is_empty(),
            due => due == Due::Everything,
        };
        Ok(Load {
            loader: self,
            request,
            held,
            history,
            carried,
            removals,
            status,
            doubts,
            all,
            began,
            deadline: last_request(began, deadline),
            work: Work::default(),
        })
    }
}

/// No request is sent after that: the rest is for the last writes.
fn last_request(began: Timestamp, deadline: Timestamp) -> Timestamp {
    let deadline = deadline.min(began + LONGEST_LOAD);
    let margin = (deadline.duration_since(began) / MARGIN_SHARE).clamp(LEAST_MARGIN, MOST_MARGIN);
    deadline - margin
}

fn only(report: Report) -> Ended {
    let next = Next::Nothing;
    Ended { report, next }
}

/// One report of two loads.
fn following(first: Report, then: Report) -> Report {
    let (requests, bytes) = (first.requests + then.requests, first.bytes + then.bytes);
    let duration_ms = first.duration_ms + then.duration_ms;
    let nothing = then.load == "none";
    let (newer, posted) = (then, first);
    let of_items = if nothing { &posted } else { &newer }.clone();
    Report {
        load: of_items.load,
        items: of_items.items,
        left_out: of_items.left_out,
        left_out_items: of_items.left_out_items,
        requests,
        bytes,
        duration_ms,
        swept: newer.swept || posted.swept,
        strangers: newer.strangers.or(posted.strangers),
        ..newer
    }
}

/// The answer if there is nothing to do.
fn idle(record: &Record) -> Report {
    // A record of before the first load has no outcome.
    let outcome = serde_json::from_value(record.outcome.clone().into());
    let outcome = outcome.unwrap_or(Outcome::Succeeded);
    Report {
        integration: record.integration.clone(),
        app_id: record.app_id.clone(),
        outcome,
        go_on: false,
        sequence: record.sequence,
        load: "none".to_owned(),
        items: Counts::new(),
        refused: record.refused.clone(),
        refused_total: record.refused_total,
        left_out: 0,
        left_out_items: Vec::new(),
        removals_pending: record.removals_pending,
        purge_due_at: record.purge_due_at,
        strangers: None,
        swept: false,
        held: record.held.clone(),
        requests: 0,
        bytes: 0,
        duration_ms: 0,
    }
}
