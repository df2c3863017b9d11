//! How a run stands, for its manifest, report and status.

use jiff::Timestamp;

use super::{Completed, Engine, Gap, Parked};
use crate::streams::{Source, Stream};

impl Engine {
    /// The gap that the next manifest tells, if there is one.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.gap
    }

    /// Snapshots that the next manifest declares complete.
    #[must_use]
    pub fn completed(&self) -> &[Completed] {
        &self.completed
    }

    /// Why a stream could not be read to its end in this run, if that is so.
    #[must_use]
    pub fn trouble(&self, stream: &'static Stream) -> Option<Parked> {
        let stream = basis(stream).name;
        let failure = self.failures.iter().find(|failure| failure.stream == stream);
        let failure = failure.map(|failure| match &failure.why {
            Parked::Unavailable(error) => Parked::Unavailable(format!("{}: {error}", failure.parent)),
            Parked::Failed(error) => Parked::Failed(format!("{}: {error}", failure.parent)),
            why => why.clone(),
        });
        let feature = self.cursor.streams.get(stream).and_then(|progress| progress.not_applicable.as_ref());
        let feature = feature.map(|feature| Parked::NotApplicable(feature.error.clone()));
        self.parked.get(stream).cloned().or(failure).or(feature)
    }

    /// Seconds since the newest System Log event that was read, where more is known to come; else 0.
    #[must_use]
    pub fn activity_lag(&self, now: Timestamp) -> i64 {
        let newest = self.cursor.log.newest_published.filter(|_| self.log_has_more());
        newest.map_or(0, |newest| now.duration_since(newest).as_secs().max(0))
    }

    /// Seconds until the first limit lifts that made this run give up work.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<i64> {
        self.retry_after_s
    }

    /// Whether another run now would get further.
    #[must_use]
    pub fn is_unfinished(&self, now: Timestamp) -> bool {
        self.has_work(now)
    }

    /// Whether a stream has work left that is no fault of it.
    #[must_use]
    pub fn is_partial(&self, stream: &'static Stream) -> bool {
        let stream = basis(stream);
        if stream.listings().is_empty() {
            return self.log_has_more() || self.is_parked(stream.name);
        }
        let is_marked = self.cursor.changes.contains_key(stream.name);
        is_marked
            || self.cursor.streams.get(stream.name).is_none_or(|progress| progress.open.is_some() || progress.asked)
    }

    /// The streams of the plan.
    #[must_use]
    pub fn streams(&self) -> &[&'static Stream] {
        &self.plan.streams
    }

    /// Lines and beginning of a stream's newest complete snapshot.
    #[must_use]
    pub fn last_snapshot(&self, stream: &str) -> Option<(u64, Timestamp)> {
        let complete = self.cursor.streams.get(stream)?.complete.as_ref()?;
        Some((complete.lines, complete.started_at))
    }

    /// Lines that the held snapshot of a stream has, and those of the last complete one.
    #[must_use]
    pub fn held(&self, stream: &str) -> Option<(u64, u64)> {
        let progress = self.cursor.streams.get(stream)?;
        Some((progress.held.as_ref()?.lines, progress.complete.as_ref()?.lines))
    }
}

/// The stream that is read for this one.
fn basis(stream: &'static Stream) -> &'static Stream {
    match stream.source {
        Source::Counted { from } => from,
        _ => stream,
    }
}
