//! Reading the System Log: from Okta's own cursor, a bounded piece a round.

use jiff::{SignedDuration, Timestamp};

use super::harvest::{Harvest, items};
use super::marks::CLOCK_MARGIN;
use super::{Answer, Engine, Fetch, Gap, Lane, Parked, Recalled};
use crate::authomize::rfc3339;
use crate::body::Item;
use crate::streams::{Entry, Source, Stream, entry};

/// Pages of the log that one round reads at most.
const PAGES_A_ROUND: u32 = 50;
/// Scoped snapshots that wait for a manifest before the log is read on: each end of an object makes several.
const MOST_SCOPES: usize = 2_000;
/// Events of a page whose request names no limit.
const DEFAULT_LIMIT: usize = 100;
/// How far behind the newest event the log is read again where Okta no longer knows the position.
const OVERLAP: SignedDuration = SignedDuration::from_hours(2);
/// How long Okta keeps events.
/// <https://developer.okta.com/docs/reference/system-log-query/>
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// This round's reading of the log.
#[derive(Debug, Default)]
pub(super) struct LogReading {
    pages: u32,
    caught_up: bool,
}

impl Engine {
    fn log_stream(&self) -> Option<(&'static Stream, &'static str)> {
        self.plan.streams.iter().find_map(|stream| match stream.source {
            Source::SystemLog { path } => Some((*stream, path)),
            _ => None,
        })
    }

    pub(super) fn log_has_more(&self) -> bool {
        let readable = self.log_stream().is_some_and(|(stream, _)| !self.is_parked(stream.name));
        readable && !self.log.caught_up
    }

    pub(super) fn log_is_under_way(&self) -> bool {
        self.flights.iter().any(|flight| flight.lane == Lane::Log)
    }

    /// A function that was off for longer than Okta keeps events has lost some: the loss is told,
    /// and every snapshot is due.
    pub(super) fn note_gap(&mut self, now: Timestamp) {
        let oldest = now - KEPT;
        let (Some(read_at), Some((_, first))) = (self.cursor.log.read_at, self.log_stream()) else { return };
        if read_at >= oldest {
            return;
        }
        self.gap = Some(Gap { from: read_at, to: oldest });
        self.cursor.log.next = Some(since(first, oldest));
        self.cursor.log.replay_since = None;
        for stream in self.plan.streams.iter().filter(|stream| !stream.listings().is_empty()) {
            let progress = self.cursor.streams.entry(stream.name.to_owned()).or_default();
            progress.asked |= progress.open.is_none();
        }
    }

    /// Since when the committed events must be known before the log is read on: no event is
    /// committed before Okta has stored it, which is what `since` goes by.
    pub(super) fn wants_recall(&self) -> Option<Timestamp> {
        let since = self.cursor.log.replay_since.filter(|_| self.recalled.is_none() && self.log_has_more());
        since.map(|since| since - CLOCK_MARGIN)
    }

    /// Takes the events that are committed, to leave them out.
    pub fn recalled(&mut self, recalled: Recalled) {
        self.recalled = Some(recalled);
    }

    /// The next page of the log, none when the round is through with it.
    pub(super) fn next_of_log(&mut self, now: Timestamp) -> Option<Fetch> {
        let (_, first) = self.log_stream()?;
        // A third of the time between commits, so that changes and snapshots have theirs.
        let in_time = now.duration_since(self.round_began_at) * 3 < self.plan.checkpoint_interval;
        let is_enough = self.log.pages >= PAGES_A_ROUND || self.completed.len() >= MOST_SCOPES;
        if !self.log_has_more() || is_enough || (self.log.pages > 0 && !in_time) {
            return None;
        }
        let begin = || since(first, now - self.plan.log_lookback);
        let path = self.cursor.log.next.clone().unwrap_or_else(begin);
        self.log.pages += 1;
        Some(self.send(Lane::Log, None, path, now))
    }

    pub(super) fn absorb_log(&mut self, sent_at: Timestamp, answer: Answer) -> Vec<Harvest> {
        let Some((stream, path)) = self.log_stream() else { return Vec::new() };
        let why = match answer {
            Answer::Page { body, next } => match items(&body) {
                Ok(events) => return self.absorb_events(stream, path, sent_at, events, next),
                Err(error) => Parked::Failed(error),
            },
            Answer::Limited { retry_after_s } => {
                self.park_limited(stream.name, retry_after_s);
                return Vec::new();
            }
            Answer::Expired if self.cursor.log.replay_since.is_none() => {
                self.read_again(path, sent_at);
                return Vec::new();
            }
            Answer::Expired => Parked::Failed("Okta accepts no position in the System Log".to_owned()),
            Answer::Dropped => return Vec::new(),
            Answer::Unavailable { error } => Parked::Unavailable(error),
            Answer::NotApplicable { error } => Parked::NotApplicable(error),
            Answer::Failed { error } | Answer::Refused { error } => Parked::Failed(error),
            Answer::Gone => {
                Parked::Failed(format!("Okta has no {path}: check that the secret's domain is an Okta org"))
            }
        };
        self.park(stream.name, why);
        Vec::new()
    }

    /// Okta no longer knows the position: the log is read again from a little before the newest
    /// event, without the events that are committed. Those that are not are committed first.
    fn read_again(&mut self, path: &str, now: Timestamp) {
        let newest = self.cursor.log.newest_published.unwrap_or(now - self.plan.log_lookback);
        let from = newest.min(now) - OVERLAP;
        self.cursor.log.next = Some(since(path, from));
        self.cursor.log.replay_since = Some(from);
        self.recalled = None;
    }

    fn absorb_events(
        &mut self,
        stream: &'static Stream,
        path: &str,
        sent_at: Timestamp,
        events: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let asked = self.cursor.log.next.as_deref().unwrap_or(path);
        let limit =
            limit_of(asked).unwrap_or(DEFAULT_LIMIT).min(next.as_deref().and_then(limit_of).unwrap_or(usize::MAX));
        self.log.caught_up = events.len() < limit || next.is_none();
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        if self.is_only_our_own(&entries, sent_at) {
            // They will be read again together with the first event that is news.
            return Vec::new();
        }
        let newest = entries.iter().flatten().filter_map(|entry| entry.published).max();
        let log = &mut self.cursor.log;
        log.newest_published = log.newest_published.max(newest);
        log.read_at = Some(sent_at);
        let has_position = next.is_some() || events.is_empty();
        log.next = next.or_else(|| log.next.take());
        let recalled = self.recalled.as_ref();
        let is_new = |entry: &Option<Entry>| {
            !recalled.zip(entry.as_ref()).is_some_and(|(recalled, entry)| recalled.knows(entry))
        };
        let (new, entries): (Vec<_>, Vec<_>) =
            events.into_iter().zip(entries).filter(|(_, entry)| is_new(entry)).unzip();
        if self.log.caught_up {
            self.cursor.log.replay_since = None;
            self.recalled = None;
        }
        if !has_position {
            // Okta always gives one; without it the same events would come again.
            self.read_again(path, sent_at);
        }
        if new.is_empty() {
            return Vec::new();
        }
        self.uncommitted.insert(stream.name);
        let read = new.iter().zip(&entries).filter_map(|(raw, entry)| Some((&**raw, entry.as_ref()?)));
        let mut harvests = self.mark_changes(&read.collect::<Vec<_>>(), sent_at);
        harvests.push(Harvest::new(stream, None, sent_at, new));
        harvests
    }

    /// Whether an idle run would find no news but that the collector itself was granted a token.
    fn is_only_our_own(&self, entries: &[Option<Entry>], now: Timestamp) -> bool {
        let is_own = |entry: &Option<Entry>| {
            let client = entry.as_ref().and_then(|entry| entry.token_grant_to.as_deref());
            client.is_some() && client == self.plan.own_client.as_deref()
        };
        let is_marked = !self.cursor.changes.is_empty();
        let is_idle = self.log.caught_up && !self.has_news() && !is_marked && !self.walks_have_more(now);
        is_idle && !entries.is_empty() && entries.iter().all(is_own)
    }
}

impl Recalled {
    fn knows(&self, entry: &Entry) -> bool {
        let is_old = entry.published.is_some_and(|published| Some(published) <= self.known_until);
        is_old || self.uuids.has(&entry.id)
    }
}

/// The log from a time on.
fn since(path: &str, time: Timestamp) -> String {
    format!("{path}&since={}", rfc3339(time).replace(':', "%3A"))
}

/// The `limit` of a path's query.
fn limit_of(path: &str) -> Option<usize> {
    let query = path.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix("limit=")).and_then(|limit| limit.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_querys_own() {
        assert_eq!(limit_of("/api/v1/logs?after=1_1&limit=1000"), Some(1000));
        assert_eq!(limit_of("/api/v1/logs?xlimit=5"), None);
        assert_eq!(limit_of("/api/v1/logs"), None);
    }
}
