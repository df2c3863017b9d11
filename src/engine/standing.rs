//! How a run stands, for its manifest, report and status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Engine;
use super::ask::{LogGap, Parked};
use super::due::{Due, Retry, Why};
use super::epoch::Completed;
use super::replica::Replica;
use super::scope::Scope;
use crate::streams::{Source, Stream};

/// Objects that an error names.
const MOST_NAMED: usize = 5;

/// A look at a run, of which it moves nothing.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub(super) engine: &'a Engine,
}

impl<'a> Standing<'a> {
    fn replica(self, stream: &str) -> Option<&'a Replica> {
        self.engine.replicas.get(stream)
    }

    /// The gap that the next manifest tells, if there is one.
    #[must_use]
    pub fn gap(self) -> Option<LogGap> {
        self.engine.log.gap()
    }

    /// Snapshots and scopes that the next manifest declares complete.
    #[must_use]
    pub fn completed(self) -> &'a [Completed] {
        self.engine.epoch.completed()
    }

    /// Why a stream could not be read to its end in this run, if that is so.
    #[must_use]
    pub fn trouble(self, stream: &'static Stream) -> Option<Parked> {
        let stream = basis(stream);
        if matches!(stream.source, Source::SystemLog { .. }) {
            return self.engine.log.parked().cloned();
        }
        let replica = self.replica(stream.name)?;
        let parked = |is_limit: bool| {
            replica
                .parked()
                .filter(|why| (**why == Parked::Limited) == is_limit)
                .cloned()
        };
        let lacks = replica
            .lacks()
            .map(|lack| Parked::NotApplicable(lack.error.clone()));
        self.listing_trouble(stream)
            .or_else(|| trouble_of_objects(replica))
            .or_else(|| parked(false))
            .or(lacks)
            .or_else(|| parked(true))
    }

    /// A listing that the stream's snapshot rests on and that could not be read.
    fn listing_trouble(self, stream: &Stream) -> Option<Parked> {
        let (error, is_refusal) = self.engine.lists.trouble(stream.name)?;
        Some(if *is_refusal {
            Parked::Unavailable(error.clone())
        } else {
            Parked::Failed(error.clone())
        })
    }

    /// Seconds until the first limit lifts that made this run give up work.
    #[must_use]
    pub fn retry_after_s(self) -> Option<i64> {
        self.engine.run.retry_after_s()
    }

    /// Whether a stream has work left that is no fault of it.
    #[must_use]
    pub fn is_partial(self, stream: &'static Stream) -> bool {
        let stream = basis(stream);
        if stream.listings().is_empty() {
            let log = &self.engine.log;
            return log.has_more() || log.parked() == Some(&Parked::Limited);
        }
        self.replica(stream.name).is_none_or(Replica::is_partial)
    }

    /// The streams of the plan.
    #[must_use]
    pub fn streams(self) -> &'a [&'static Stream] {
        self.engine.replicas.planned()
    }

    /// Lines and beginning of a stream's newest complete snapshot.
    #[must_use]
    pub fn last_snapshot(self, stream: &str) -> Option<(u64, Timestamp)> {
        let complete = self.replica(stream)?.complete()?;
        Some((complete.lines, complete.began))
    }

    /// Objects that the newest complete snapshots leave out.
    #[must_use]
    pub fn excepted(self) -> usize {
        self.completes().map(|complete| complete.except.len()).sum()
    }

    /// When the oldest of the newest complete snapshots began, those of streams that are switched off included.
    #[must_use]
    pub fn oldest_snapshot(self) -> Option<Timestamp> {
        self.completes().map(|complete| complete.began).min()
    }

    fn completes(self) -> impl Iterator<Item = &'a super::replica::Complete> {
        self.engine
            .replicas
            .iter()
            .filter_map(|(_, replica)| replica.complete())
    }

    /// Changes that no answer has borne out for a day, let go in this run.
    #[must_use]
    pub fn contradicted(self) -> u64 {
        self.engine
            .replicas
            .iter()
            .map(|(_, replica)| replica.contradicted())
            .sum()
    }

    /// Scopes of a stream that are asked again because their answers do not bear out what events said, lack what another
    /// answer shows, or show no such object.
    #[must_use]
    pub fn awaited(self, stream: &str) -> usize {
        let is_awaited =
            |(_, due): &(&Scope, &Due)| due.retry.as_ref().is_some_and(Retry::is_awaited);
        self.replica(stream)
            .map_or(0, |replica| replica.dues.iter().filter(is_awaited).count())
    }

    /// Why a stream is held, so that none of its records is forgotten, and the remedy.
    #[must_use]
    pub fn held(self, stream: &str) -> Option<String> {
        let replica = self.replica(stream)?;
        let accept = format!("accept it by the event {{\"accept_shrink\": [\"{stream}\"]}}");
        if let Some(held) = replica.held() {
            let named = named(held.missing, &held.examples);
            return Some(format!(
                "the snapshot found {} records and lacks {named}, which no event explains: check the app's admin role \
                 in Okta, or {accept}",
                held.found
            ));
        }
        let short: Vec<_> = replica.short().collect();
        let (scope, why) = short.first()?;
        let Why::Short {
            missing,
            examples,
            is_alone,
        } = why
        else {
            return None;
        };
        let (others, named) = (others(short.len()), named(*missing, examples));
        let what = format!(
            "Okta's answer for {}{others} lacks {named}, which no event explains",
            scope.shown()
        );
        Some(if *is_alone {
            format!(
                "{what}, while another answer still shows them: nothing is forgotten, and it is asked again; check the \
                 app's admin role in Okta if that lasts, or {accept}"
            )
        } else {
            format!(
                "{what}, and what must be there does not show either: nothing is forgotten; check the app's admin role \
                 in Okta, or {accept}"
            )
        })
    }

    /// Percent of a stream's due snapshot that is read; 100 if none is due.
    #[must_use]
    pub fn progress_percent(self, stream: &str) -> u8 {
        self.replica(stream).map_or(0, Replica::progress_percent)
    }

    /// The time before which all changes are known, by stream.
    #[must_use]
    pub fn swept_at(self) -> BTreeMap<String, Timestamp> {
        self.engine
            .replicas
            .iter()
            .filter_map(|(name, replica)| {
                Some((name.to_owned(), replica.swept.as_ref()?.known_until()))
            })
            .collect()
    }

    /// Age in seconds of the newest committed event if more is known to come, else 0.
    #[must_use]
    pub fn activity_lag(self, now: Timestamp) -> i64 {
        let newest = self
            .engine
            .committed
            .log
            .newest_published
            .filter(|_| self.engine.log.is_behind());
        newest.map_or(0, |newest| now.duration_since(newest).as_secs().max(0))
    }

    /// What readers hold of a stream: how many records, and the sum of their ids' hashes.
    #[must_use]
    pub fn digest(self, stream: &str) -> Option<(u64, u64)> {
        Some(self.replica(stream)?.ledger.digest())
    }
}

/// Objects that could not be read: how many, and which.
fn trouble_of_objects(replica: &Replica) -> Option<Parked> {
    let is_failing = |(_, due): &(&Scope, &Due)| {
        due.retry
            .as_ref()
            .is_some_and(|retry| matches!(retry.why, Why::Failed | Why::Refused))
    };
    let mut failing: Vec<_> = replica.dues.iter().filter(is_failing).collect();
    let attempts = |due: &Due| due.retry.as_ref().map_or(0, |retry| retry.attempts);
    failing.sort_by_key(|(_, due)| std::cmp::Reverse(attempts(due)));
    let error = replica.error().unwrap_or("Okta did not answer");
    if failing.is_empty() {
        let error = replica.error().filter(|_| replica.rests())?;
        return Some(Parked::Failed(format!(
            "most objects could not be read: {error}"
        )));
    }
    let mut names: Vec<_> = failing
        .iter()
        .take(MOST_NAMED)
        .map(|(scope, _)| scope.shown())
        .collect();
    if failing.len() > MOST_NAMED {
        names.push("…".to_owned());
    }
    let count = if failing.len() > 1 {
        format!("{} objects, ", failing.len())
    } else {
        String::new()
    };
    let text = format!("{count}{}: {error}", names.join(", "));
    let refused = failing.iter().filter(|(_, due)| {
        due.retry
            .as_ref()
            .is_some_and(|retry| retry.why == Why::Refused)
    });
    Some(if refused.count() * 2 > failing.len() {
        Parked::Unavailable(text)
    } else {
        Parked::Failed(text)
    })
}

/// So many records, and some of them by their ids.
fn named(missing: u64, examples: &[String]) -> String {
    if examples.is_empty() {
        return format!("{missing} that were there");
    }
    format!("{missing} that were there, such as {}", examples.join(", "))
}

fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " and one other".to_owned(),
        count => format!(" and {} others", count - 1),
    }
}

/// The stream that is read for this one.
fn basis(stream: &'static Stream) -> &'static Stream {
    match stream.source {
        Source::Counted { from } => from,
        _ => stream,
    }
}
