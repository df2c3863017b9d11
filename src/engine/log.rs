//! Reading the System Log: from Okta's own cursor, a bounded piece a round.

use jiff::Timestamp;

use super::harvest::{Harvest, items};
use super::{Answer, Engine, Fetch, Lane, Parked};
use crate::authomize::rfc3339;
use crate::streams::{Source, Stream, entry};

/// Pages of the log that one round reads at most.
const PAGES_A_ROUND: u32 = 50;

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

    /// The next page of the log, none when the round is through with it.
    pub(super) fn next_of_log(&mut self, now: Timestamp) -> Option<Fetch> {
        let (_, first) = self.log_stream()?;
        // Half of the time between commits, so that the other half is left to snapshots.
        let in_time = now.duration_since(self.round_began_at) * 2 < self.plan.checkpoint_interval;
        if !self.log_has_more() || self.log.pages >= PAGES_A_ROUND || (self.log.pages > 0 && !in_time) {
            return None;
        }
        let path = self.cursor.log.next.clone().unwrap_or_else(|| {
            let since = rfc3339(now - self.plan.log_lookback).replace(':', "%3A");
            format!("{first}&since={since}")
        });
        self.log.pages += 1;
        Some(self.send(Lane::Log, None, path, now))
    }

    pub(super) fn absorb_log(&mut self, sent_at: Timestamp, answer: Answer) -> Option<Harvest> {
        let (stream, path) = self.log_stream()?;
        let why = match answer {
            Answer::Page { body, next } => return self.absorb_events(stream, path, sent_at, &body, next),
            Answer::Limited { retry_after_s } => {
                self.park_limited(stream.name, retry_after_s);
                return None;
            }
            Answer::Dropped => return None,
            Answer::Unavailable { error } => Parked::Unavailable(error),
            Answer::NotApplicable { error } => Parked::NotApplicable(error),
            Answer::Failed { error } => Parked::Failed(error),
            Answer::Expired => {
                Parked::Failed("Okta no longer accepts the stored position in the System Log".to_owned())
            }
            Answer::Gone => {
                Parked::Failed(format!("Okta has no {path}: check that the secret's domain is an Okta org"))
            }
        };
        self.park(stream.name, why);
        None
    }

    fn absorb_events(
        &mut self,
        stream: &'static Stream,
        path: &str,
        sent_at: Timestamp,
        body: &str,
        next: Option<String>,
    ) -> Option<Harvest> {
        let events = match items(body) {
            Ok(events) => events,
            Err(error) => {
                self.park(stream.name, Parked::Failed(error));
                return None;
            }
        };
        let limit = next.as_deref().and_then(limit_of).or_else(|| limit_of(path)).unwrap_or(usize::MAX);
        self.log.caught_up = events.len() < limit || next.is_none();
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        let is_own = |client: &str| self.plan.own_client.as_deref() == Some(client);
        let only_own = entries.iter().flatten().all(|entry| entry.token_grant_to.as_deref().is_some_and(is_own))
            && entries.iter().all(Option::is_some);
        let is_idle = !self.has_news() && !self.walks_have_more(sent_at);
        if is_idle && self.log.caught_up && only_own && !events.is_empty() {
            // They will be read again together with the first event that is news.
            return None;
        }
        let newest = entries.iter().flatten().filter_map(|entry| entry.published).max();
        self.cursor.log.newest_published = self.cursor.log.newest_published.max(newest);
        self.cursor.log.next = next.or_else(|| self.cursor.log.next.take());
        if events.is_empty() {
            return None;
        }
        self.uncommitted.insert(stream.name);
        Some(Harvest::new(stream, None, sent_at, events))
    }
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
