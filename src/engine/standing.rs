//! How a run stands, for its manifest, report and status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ask::{LogGap, Parked};
use super::cursor::Cursor;
use super::job::{Job, JobTrouble, Key, Scope};
use super::log::SystemLog;
use super::snapshot::Completed;
use super::work::Work;
use crate::streams::{Source, Stream};

/// Objects that an error names.
const MOST_NAMED: usize = 5;

/// A look at a run, of which it moves nothing.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub(super) work: &'a Work,
    pub(super) log: &'a SystemLog,
    /// The cursor of the newest manifest.
    pub(super) committed: &'a Cursor,
}

impl<'a> Standing<'a> {
    /// The gap that the next manifest tells, if there is one.
    #[must_use]
    pub fn gap(self) -> Option<LogGap> {
        self.log.gap()
    }

    /// Snapshots and scopes that the next manifest declares complete.
    #[must_use]
    pub fn completed(self) -> &'a [Completed] {
        &self.work.completed
    }

    /// Why a stream could not be read to its end in this run, if that is so.
    #[must_use]
    pub fn trouble(self, stream: &'static Stream) -> Option<Parked> {
        let stream = basis(stream);
        if matches!(stream.source, Source::SystemLog { .. }) {
            return self.log.parked().cloned();
        }
        let feature = self
            .work
            .progress(stream.name)
            .and_then(|progress| progress.not_applicable.as_ref());
        let feature = feature.map(|feature| Parked::NotApplicable(feature.error.clone()));
        let parked = self
            .work
            .parked(stream.name)
            .filter(|why| **why != Parked::Limited);
        let limited = self
            .work
            .parked(stream.name)
            .filter(|why| **why == Parked::Limited);
        self.listing_trouble(stream)
            .or_else(|| self.trouble_of_objects(stream))
            .or_else(|| parked.cloned())
            .or(feature)
            .or_else(|| limited.cloned())
    }

    /// A listing that the stream's snapshot rests on and that could not be read.
    fn listing_trouble(self, stream: &Stream) -> Option<Parked> {
        let mut troubled = stream.listings().into_iter().filter_map(|listing| {
            let key = Key {
                reads: listing.name,
                scope: Scope::Whole,
            };
            let job = self.work.queue.get(&key)?;
            job.trouble
                .as_ref()
                .filter(|_| job.serves.iter().any(|served| served == stream.name))
        });
        let JobTrouble { refused, error, .. } = troubled.next()?;
        Some(if *refused {
            Parked::Unavailable(error.clone())
        } else {
            Parked::Failed(error.clone())
        })
    }

    /// Objects that could not be read: how many, and which.
    fn trouble_of_objects(self, stream: &Stream) -> Option<Parked> {
        let of_stream = |(_, trouble): &(&Key, &JobTrouble)| !trouble.doubted;
        let mut troubled: Vec<_> = self
            .work
            .queue
            .troubled()
            .filter(|(key, _)| key.reads == stream.name)
            .filter(of_stream)
            .collect();
        troubled.sort_by_key(|(_, trouble)| std::cmp::Reverse(trouble.attempts));
        let (_, first) = troubled.first()?;
        let mut names: Vec<_> = troubled
            .iter()
            .take(MOST_NAMED)
            .map(|(key, _)| key.scope.told())
            .collect();
        if troubled.len() > MOST_NAMED {
            names.push("…".to_owned());
        }
        let count = if troubled.len() > 1 {
            format!("{} objects, ", troubled.len())
        } else {
            String::new()
        };
        let text = format!("{count}{}: {}", names.join(", "), first.error);
        let is_refused = troubled
            .iter()
            .filter(|(_, trouble)| trouble.refused)
            .count()
            * 2
            > troubled.len();
        Some(if is_refused {
            Parked::Unavailable(text)
        } else {
            Parked::Failed(text)
        })
    }

    /// Seconds until the first limit lifts that made this run give up work.
    #[must_use]
    pub fn retry_after_s(self) -> Option<i64> {
        self.work.retry_after_s()
    }

    /// Whether a stream has work left that is no fault of it.
    #[must_use]
    pub fn is_partial(self, stream: &'static Stream) -> bool {
        let stream = basis(stream);
        if stream.listings().is_empty() {
            return self.log.has_more() || self.log.parked() == Some(&Parked::Limited);
        }
        let is_due = |job: &Job| job.trouble.is_none() && !job.is_gone();
        let has_jobs = self.work.queue.of(stream.name).any(|(_, job)| is_due(job));
        let progress = self.work.progress(stream.name);
        has_jobs || progress.is_none_or(|progress| progress.open.is_some() || progress.asked)
    }

    /// The streams of the plan.
    #[must_use]
    pub fn streams(self) -> &'a [&'static Stream] {
        &self.work.plan.streams
    }

    /// Lines and beginning of a stream's newest complete snapshot.
    #[must_use]
    pub fn last_snapshot(self, stream: &str) -> Option<(u64, Timestamp)> {
        let complete = self.work.progress(stream)?.complete.as_ref()?;
        Some((complete.lines, complete.started_at))
    }

    /// Objects that the newest complete snapshots leave out.
    #[must_use]
    pub fn excepted(self) -> usize {
        let complete = self
            .work
            .streams
            .values()
            .filter_map(|progress| progress.complete.as_ref());
        complete.map(|complete| complete.except.len()).sum()
    }

    /// When the oldest of the newest complete snapshots began, those of streams that are switched off included.
    #[must_use]
    pub fn oldest_snapshot(self) -> Option<Timestamp> {
        let complete = self
            .work
            .streams
            .values()
            .filter_map(|progress| progress.complete.as_ref());
        complete.map(|complete| complete.started_at).min()
    }

    /// Why a stream is held, so that none of its records is forgotten, and the remedy.
    #[must_use]
    pub fn held(self, stream: &str) -> Option<String> {
        let progress = self.work.progress(stream)?;
        let accept = format!("or accept it by the event {{\"accept_shrink\": [\"{stream}\"]}}");
        if let (Some(held), Some(complete)) = (&progress.held, &progress.complete) {
            let (lines, last) = (held.lines, complete.lines);
            return Some(format!(
                "the snapshot has {lines} records where the last one had {last}: check the app's admin role in Okta, {accept}"
            ));
        }
        self.work
            .queue
            .doubt_of(stream)
            .map(|doubt| format!("{doubt}, {accept}"))
    }

    /// The time before which all changes are known, by stream.
    #[must_use]
    pub fn swept_at(self) -> BTreeMap<String, Timestamp> {
        self.work
            .swept
            .iter()
            .map(|(stream, swept)| (stream.clone(), swept.until))
            .collect()
    }

    /// Age in seconds of the newest committed event where more is known to come, else 0.
    #[must_use]
    pub fn activity_lag(self, now: Timestamp) -> i64 {
        let newest = self
            .committed
            .log
            .newest_published
            .filter(|_| self.log.is_behind());
        newest.map_or(0, |newest| now.duration_since(newest).as_secs().max(0))
    }
}

/// The stream that is read for this one.
fn basis(stream: &'static Stream) -> &'static Stream {
    match stream.source {
        Source::Counted { from } => from,
        _ => stream,
    }
}
