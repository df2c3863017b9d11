//! The end of a run: the engine's words → report and status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Failure, Run, progress};
use crate::COLLECTOR;
use crate::authomize::rfc3339;
use crate::commit::{Manifest, SnapshotEntry};
use crate::engine::{Answer, Completed, Engine, Parked};
use crate::invocation::{OktaUse, Outcome, Power, Report, StreamReport};
use crate::metrics::Figures;
use crate::okta::{Error, Limit, Page, Use};
use crate::status::{self, History, Status, StreamStatus};
use crate::streams::Stream;

/// A page, or its fate, in the engine's words.
///
/// # Errors
/// Where the whole run cannot go on: Okta no longer accepts the credentials.
pub(super) fn answer_of(got: Result<Page, Error>) -> Result<Answer, Failure> {
    Ok(match got {
        Ok(Page { body, next }) => Answer::Page { body, next },
        Err(Error::Gone) => Answer::Gone,
        Err(Error::Expired) => Answer::Expired,
        Err(Error::Unavailable(error)) => Answer::Unavailable { error },
        Err(Error::NotApplicable(error)) => Answer::NotApplicable { error },
        Err(Error::Failed(error)) => Answer::Failed { error },
        Err(Error::Refused(error)) => Answer::Refused { error },
        Err(Error::Limited { retry_after_s }) => Answer::Limited { retry_after_s },
        Err(Error::OutOfTime) => Answer::Dropped,
        Err(error @ Error::Rejected(_)) => return Err(Failure::okta(error)),
    })
}

/// A complete snapshot, in the manifest's words.
pub(super) fn snapshot_of(done: &Completed) -> SnapshotEntry {
    let Completed {
        stream,
        since_sequence,
        ref scope,
        ref except,
        ref kept_sequences,
    } = *done;
    SnapshotEntry {
        stream,
        since_sequence,
        complete: true,
        scope: scope.clone(),
        except: except.clone(),
        kept_sequences: kept_sequences.clone(),
    }
}

/// How a run ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended {
    streams: BTreeMap<&'static str, StreamReport>,
    snapshots: BTreeMap<&'static str, (u64, Timestamp)>,
    sequence: u64,
    superseded: bool,
    go_on: bool,
    retry_after_s: Option<i64>,
    activity_lag_s: i64,
    contradicted: u64,
    excepted: usize,
    oldest_state_at: Option<Timestamp>,
    used: Use,
    /// Events, use and commits of the run, for the status.
    history: History,
    progress: BTreeMap<&'static str, u8>,
    /// The credential's own power, as a check found it.
    power: Option<Power>,
}

impl Ended {
    pub(super) fn new(streams: &[&'static Stream], sequence: u64) -> Self {
        let streams = streams
            .iter()
            .map(|stream| (stream.name, StreamReport::default()))
            .collect();
        Self {
            streams,
            sequence,
            ..Self::default()
        }
    }

    /// A run that could not begin because of a limit.
    pub(super) fn limited(
        streams: &[&'static Stream],
        sequence: u64,
        retry_after_s: i64,
        used: Use,
    ) -> Self {
        let mut ended = Self {
            retry_after_s: Some(retry_after_s),
            used,
            ..Self::new(streams, sequence)
        };
        ended
            .streams
            .values_mut()
            .for_each(|stream| stream.outcome = Outcome::Partial);
        ended
    }

    /// Counts what a manifest made part of the stream's state. `counted`: the events and the use in its batches.
    pub(super) fn committed(&mut self, manifest: &Manifest, counted: History, now: Timestamp) {
        self.sequence = manifest.sequence;
        self.history.add(counted, now);
        self.history.note_commit(manifest);
        for batch in &manifest.batches {
            let stream = self.streams.entry(batch.stream).or_default();
            stream.upserts += batch.records - batch.deletes;
            stream.deletes += batch.deletes;
            stream.batches += 1;
        }
    }

    pub(super) fn supersede(&mut self) {
        self.superseded = true;
    }

    pub(super) fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// Notes why a stream was not read to its end.
    pub(super) fn note(&mut self, stream: &'static Stream, why: &Parked) {
        let report = self.streams.entry(stream.name).or_default();
        (report.outcome, report.error) = match why {
            Parked::Unavailable(error) => (Outcome::Unavailable, Some(error.clone())),
            Parked::NotApplicable(error) => (Outcome::NotApplicable, Some(error.clone())),
            Parked::Failed(error) => (Outcome::Failed, Some(error.clone())),
            Parked::Limited => (Outcome::Partial, None),
        };
    }

    /// Notes advice on a stream that is well: it harms nothing else.
    pub(super) fn advise(&mut self, stream: &str, advice: Option<String>) {
        if let Some(report) = self.streams.get_mut(stream)
            && report.error.is_none()
        {
            report.error = advice;
        }
    }

    /// Notes the credential's own power.
    pub(super) fn has_power(&mut self, power: Option<Power>) {
        self.power = power;
    }

    pub(super) fn used(&mut self, used: Use) {
        self.used = used;
    }

    /// Takes the engine's word on every stream.
    pub(super) fn conclude(&mut self, engine: &Engine, used: Use, now: Timestamp) {
        self.used = used;
        let standing = engine.standing();
        self.go_on = engine.has_work(now);
        self.retry_after_s = standing.retry_after_s().filter(|_| !self.go_on);
        self.activity_lag_s = standing.activity_lag(now);
        self.contradicted = standing.contradicted();
        self.progress = progress::of(standing);
        (self.excepted, self.oldest_state_at) = (standing.excepted(), standing.oldest_snapshot());
        for stream in standing.streams() {
            let held = standing.held(stream.name);
            match standing.trouble(stream) {
                Some(why) => self.note(stream, &why),
                None if standing.is_partial(stream) => {
                    self.streams.entry(stream.name).or_default().outcome = Outcome::Partial
                }
                None => {}
            }
            if held.is_some() {
                let report = self.streams.entry(stream.name).or_default();
                (report.outcome, report.error) = (Outcome::Held, held);
            }
            self.snapshots.extend(
                standing
                    .last_snapshot(stream.name)
                    .map(|snapshot| (stream.name, snapshot)),
            );
        }
    }

    fn outcome(&self) -> Outcome {
        if self.superseded {
            return Outcome::Superseded;
        }
        let worst = self
            .streams
            .values()
            .map(|stream| stream.outcome)
            .filter(|outcome| *outcome != Outcome::NotApplicable)
            .max();
        match worst.unwrap_or_default() {
            Outcome::Held | Outcome::Unavailable | Outcome::Failed => Outcome::Degraded,
            outcome => outcome,
        }
    }

    pub(super) fn report(&self, run: &Run, now: Timestamp) -> Report {
        Report {
            integration: run.integration.slug.clone(),
            run: run.id.clone(),
            collector: COLLECTOR,
            outcome: self.outcome(),
            go_on: self.go_on,
            sequence: self.sequence,
            streams: self
                .streams
                .iter()
                .map(|(name, stream)| ((*name).to_owned(), stream.clone()))
                .collect(),
            retry_after_seconds: self.retry_after_s,
            activity_lag_seconds: self.activity_lag_s,
            contradicted: self.contradicted,
            okta: OktaUse {
                requests: self.used.requests,
                throttled_ms: self.used.throttled_ms,
            },
            duration_ms: now
                .duration_since(run.began_at)
                .as_millis()
                .try_into()
                .unwrap_or(i64::MAX),
            power: self.power.clone(),
        }
    }

    /// The run's part of the line of metrics.
    pub(super) fn figures<'a>(&'a self, report: &'a Report) -> Figures<'a> {
        Figures {
            report,
            excepted: self.excepted,
            oldest_state_at: self.oldest_state_at,
            used: &self.used,
        }
    }

    /// Fills in the status's part about a run.
    pub(super) fn describe(&self, report: &Report, now: Timestamp, status: &mut Status) {
        status.outcome = word(report.outcome);
        status.sequence = report.sequence;
        status.activity_lag_seconds = report.activity_lag_seconds;
        status.retry_after_seconds = report.retry_after_seconds;
        status.okta = report.okta;
        status.limits = self.used.limits.iter().map(limit).collect();
        status.progress_percent = progress::of_all(&self.progress);
        status.history = self.history.clone();
        for (name, stream) in &self.streams {
            let snapshot = self.snapshots.get(name);
            let entry = StreamStatus {
                outcome: word(stream.outcome),
                error: stream.error.clone(),
                records: snapshot.map(|(lines, _)| *lines),
                snapshot_at: snapshot.map(|(_, at)| rfc3339(*at)),
                progress_percent: self.progress.get(name).copied(),
                changed_at: None,
            };
            if let Some((records, _)) = snapshot {
                status.history.note_records(name, *records, now);
            }
            status.streams.insert((*name).to_owned(), entry);
        }
    }
}

fn limit(told: &Limit) -> status::Limit {
    let Limit {
        paths,
        limit,
        remaining,
        own,
    } = told.clone();
    status::Limit {
        paths,
        limit,
        remaining,
        own,
    }
}

/// The outcome's word in reports: `not_applicable`.
pub(super) fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
