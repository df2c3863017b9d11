//! Whether a load of an integration is due, and its report.

mod claim;
mod finish;
mod one;
mod pass;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::authomize::{Clock, Stop, Transport};
use crate::decide::{Due, due};
use crate::event::{Mode, Request};
use crate::failure::Failure;
use crate::log;
use crate::record::{Held, Record};
use crate::report::{Counts, Outcome, Report};
use crate::secret::{Secrets, Tenant};
use crate::status::{self, doubts};
use crate::store::Store;
use crate::usage::Carried;
use one::Load;

/// Longest load, whatever its deadline.
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
        }
    }
}

/// The work that a load has done so far.
#[derive(Default)]
struct Work {
    posted: Counts,
    items: Counts,
    left_out: u64,
    removed: u64,
    gaps: Vec<String>,
    held: Vec<String>,
    swept: bool,
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

    /// Loads one integration, and ends before the deadline. What an incremental load found removed is swept at once
    /// if that is due.
    ///
    /// # Errors
    /// The load cannot go on; nothing was swept, and what was posted is recorded.
    pub async fn load(&self, request: &Request, deadline: Timestamp) -> Result<Report, Failure> {
        let first = self.load_once(request, deadline).await?;
        let finished = first.load == "incremental" && first.outcome != Outcome::Partial;
        if !finished || first.removals_pending == 0 || request.mode == Mode::Plan {
            return Ok(first);
        }
        let then = self.load_once(request, deadline).await?;
        let nothing = then.load == "none";
        Ok(Report {
            load: if nothing { first.load } else { then.load },
            items: if nothing { first.items } else { then.items },
            left_out: if nothing {
                first.left_out
            } else {
                then.left_out
            },
            requests: first.requests + then.requests,
            bytes: first.bytes + then.bytes,
            duration_ms: first.duration_ms + then.duration_ms,
            ..then
        })
    }

    async fn load_once(&self, request: &Request, deadline: Timestamp) -> Result<Report, Failure> {
        let began = (self.clock)();
        let deadline = self.last_request(began, deadline);
        let prefix = &self.settings.prefix;
        let held = Held::read(&self.store, prefix, &request.integration).await?;
        let newer = log::newer(
            &self.store,
            prefix,
            &request.integration,
            held.record.sequence,
        )
        .await?;
        let newest = newer.last().copied().unwrap_or(held.record.sequence);
        if newest == 0 {
            let message = format!(
                "integration {:?} has committed nothing below {prefix:?}: check its name and PREFIX",
                request.integration
            );
            return Err(Failure::new("NothingCommitted", message));
        }
        let due = match request.mode {
            Mode::Plan if held.record.full.is_some() => Due::Changes,
            Mode::Plan => Due::Everything,
            _ => due(
                &held.record,
                request,
                newest,
                began,
                self.settings.full_load_interval,
            ),
        };
        if due == Due::Nothing {
            return Ok(idle(&held.record, self.elapsed(began)));
        }
        let carried = Carried::read(&self.store, prefix, &request.integration).await?;
        let history = log::read(&self.store, prefix, &held.record, carried.sequence).await?;
        let status = status::read(&self.store, prefix, &request.integration).await?;
        let doubts = doubts(status.as_ref(), &request.integration, &history);
        let all = match due {
            Due::SweepIfSound => doubts.is_empty(),
            due => due == Due::Everything,
        };
        if due == Due::SweepIfSound && !all && newest == held.record.sequence {
            let report = idle(&held.record, self.elapsed(began));
            return Ok(Report {
                outcome: Outcome::Held,
                held: doubts,
                ..report
            });
        }
        let load = Load {
            loader: self,
            request,
            held,
            history,
            carried,
            status,
            doubts,
            all,
            began,
            work: Work::default(),
        };
        if request.mode == Mode::Plan {
            return Box::pin(load.plan()).await;
        }
        Box::pin(load.run(deadline)).await
    }

    /// A deadline in the past, as local emulators send it, counts as the longest load.
    fn last_request(&self, began: Timestamp, deadline: Timestamp) -> Timestamp {
        let longest = began + LONGEST_LOAD;
        let deadline = if deadline <= began {
            longest
        } else {
            deadline.min(longest)
        };
        let margin =
            (deadline.duration_since(began) / MARGIN_SHARE).clamp(LEAST_MARGIN, MOST_MARGIN);
        deadline - margin
    }

    fn elapsed(&self, began: Timestamp) -> u64 {
        (self.clock)()
            .duration_since(began)
            .as_millis()
            .try_into()
            .unwrap_or_default()
    }
}

/// The answer where there is nothing to do.
fn idle(record: &Record, duration_ms: u64) -> Report {
    let outcome = if record.refused_total > 0 {
        Outcome::Degraded
    } else if record.held.is_empty() {
        Outcome::Succeeded
    } else {
        Outcome::Held
    };
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
        removals_pending: record.removals_pending,
        swept: false,
        held: record.held.clone(),
        requests: 0,
        bytes: 0,
        duration_ms,
    }
}
