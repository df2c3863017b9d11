//! The run's part in the status object.

use std::io::Write as _;

use jiff::Timestamp;

use super::outcome::word;
use super::{Failure, Handler, Run, Times, org_url};
use crate::authomize::rfc3339;
use crate::bounded::Bounded;
use crate::commit::CommitLog;
use crate::invocation::{Mode, Outcome, Report, Request};
use crate::metrics::{self, Ended, Figures};
use crate::secret::Secrets;
use crate::status::{self, Status, Trouble};
use crate::store::{Store, StoreError};

/// Attempts to write the status while other runs write it, too.
const MOST_RACES: usize = 5;

impl<S: Store, V: Secrets> Handler<S, V> {
    pub(super) fn status_of(&self, run: &Run) -> Status {
        Status {
            schema: 1,
            integration: run.integration.slug.clone(),
            name: run.integration.name.clone(),
            org: Some(org_url(&run.integration)),
            owner: run.integration.owner.clone(),
            run: run.id.clone(),
            request_id: run.request_id.clone(),
            mode: run.mode.word().to_owned(),
            signs_in_with: run.integration.signs_in_with().to_owned(),
            ..Status::default()
        }
    }

    pub(super) async fn tell_failure(
        &self,
        failure: &Failure,
        status: Status,
        secret_id: &str,
        times: Times,
    ) {
        let Times {
            began_at, told_by, ..
        } = times;
        let error = Some(Trouble {
            kind: failure.kind.to_owned(),
            message: failure.message.clone(),
        });
        let status = Status {
            outcome: "error".to_owned(),
            error,
            ..status
        };
        let told = self
            .tell(status.clone(), began_at, told_by)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "the status object could not be written");
                status
            });
        self.measure(&told, secret_id, None, began_at).await;
    }

    /// Reports a run whose secret could not be read. Without the integration's name there is no status, but a line.
    pub(super) async fn tell_unread(
        &self,
        failure: &Failure,
        slug: Option<String>,
        request: &Request,
        times: Times,
    ) {
        let status = Status {
            integration: slug.unwrap_or_default(),
            ..Status::default()
        };
        let secret_id = self.secret_id(request);
        if !status.integration.is_empty() {
            self.tell_failure(failure, status, secret_id, times).await;
        } else if request.mode != Mode::Check {
            let status = Status {
                outcome: "error".to_owned(),
                error: Some(Trouble {
                    kind: failure.kind.to_owned(),
                    message: failure.message.clone(),
                }),
                ..status
            };
            self.measure(&status, secret_id, None, times.began_at).await;
        }
    }

    /// When the oldest manifest was committed that the loader has not loaded. `None` if none waits, or if it cannot be read.
    async fn waits_since(&self, status: &Status) -> Option<Timestamp> {
        let loaded = status.loads.as_ref()?.sequence;
        if loaded >= status.sequence {
            return None;
        }
        let log = CommitLog::new(self.store.clone(), &self.config.prefix, &status.integration);
        let (manifest, _) = log.manifest(loaded + 1).await.ok()?;
        manifest.get("committed_at")?.as_str()?.parse().ok()
    }

    /// Writes the line of the run's metrics, where the settings ask for metrics. A check is no run in their sense.
    pub(super) async fn measure(
        &self,
        status: &Status,
        secret_id: &str,
        figures: Option<&Figures<'_>>,
        began_at: Timestamp,
    ) {
        let Some(dimensions) = self
            .config
            .metrics
            .as_ref()
            .filter(|_| status.mode != Mode::Check.word())
        else {
            return;
        };
        let ended = Ended {
            status,
            secret_id,
            figures,
            waits_since: self.waits_since(status).await,
            began_at,
        };
        let line = metrics::line(dimensions, &ended, self.clock.now());
        if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
            tracing::warn!(%error, "the metrics could not be written");
        }
    }

    /// Writes the status if it is news and no newer run has written meanwhile; returns it, completed by the last one.
    pub(super) async fn tell(
        &self,
        status: Status,
        began_at: Timestamp,
        told_by: Timestamp,
    ) -> Result<Status, StoreError> {
        let store = &Bounded::new(self.store.clone(), self.clock.clone(), told_by);
        let prefix = &self.config.prefix;
        let mut told = status.clone();
        for race in 0..MOST_RACES {
            let now = self.clock.now();
            let last = status::last(store, prefix, &status.integration).await?;
            told = Status {
                updated_at: rfc3339(now),
                ..status.clone()
            };
            if told.outcome == "succeeded" && told.mode != Mode::Check.word() {
                told.last_success_at = Some(told.updated_at.clone());
            }
            told = told.completed_by(last.status.as_ref().unwrap_or(&Status::default()), now);
            if let Some(last) = last
                .status
                .as_ref()
                .filter(|last| told.is_older_than(last, &rfc3339(began_at)))
            {
                tracing::info!(
                    run = told.run,
                    newer = last.run,
                    "a newer run has written the status"
                );
                return Ok(told);
            }
            // After a lost race the status may be there without its page.
            if race == 0 && !told.is_news(last.status.as_ref(), now) {
                return Ok(told);
            }
            told.findings = status::findings(store, prefix, &told.integration).await;
            told.loads = status::loads(store, prefix, &told.integration).await;
            if status::write(store, prefix, &told, &last).await? {
                return Ok(told);
            }
        }
        tracing::info!(run = told.run, "other runs are writing the status");
        Ok(told)
    }
}

/// One line for each stream that is not well, and one for the run.
pub(super) fn log(run: &Run, report: &Report) {
    let Run { id, request_id, .. } = run;
    let is_well = |outcome| {
        matches!(
            outcome,
            Outcome::Succeeded | Outcome::NotApplicable | Outcome::Partial
        )
    };
    for (stream, told) in report
        .streams
        .iter()
        .filter(|(_, told)| !is_well(told.outcome))
    {
        let (outcome, error) = (
            word(told.outcome),
            told.error.as_deref().unwrap_or_default(),
        );
        tracing::warn!(
            run = id,
            request_id,
            stream,
            outcome,
            error,
            "stream is not well"
        );
    }
    tracing::info!(
        collector = report.collector,
        integration = report.integration,
        run = id,
        request_id,
        mode = run.mode.word(),
        outcome = word(report.outcome),
        go_on = report.go_on,
        sequence = report.sequence,
        activity_lag_s = report.activity_lag_seconds,
        requests = report.okta.requests,
        throttled_ms = report.okta.throttled_ms,
        duration_ms = report.duration_ms,
        "run ended"
    );
}
