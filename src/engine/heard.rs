//! Answers of the System Log: its events become lines, and touch what they name.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::ask::{Answer, Parked};
use super::due::CLOCK_MARGIN;
use super::events::mark;
use super::flights::Flight;
use super::harvest::Harvest;
use super::log::LogPage;
use super::scope::Scope;
use super::{Engine, log_source};
use crate::body::Item;
use crate::streams::{LogEvent, Source, Stream};

const NO_LOG: &str =
    "Okta has no System Log at this address: check that the secret's domain is an Okta org";

impl Engine {
    pub(super) fn absorb_log(
        &mut self,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let begins_at = self.log_begins_at(now);
        let why = match answer {
            Answer::Page { body, next } => match body.items() {
                Ok(events) => {
                    let page = self
                        .log
                        .page(&flight.path, (flight.sent_at, now), events, next);
                    return self.take_log_page(page, flight.sent_at, now);
                }
                Err(error) => Parked::Failed(error),
            },
            Answer::Expired => {
                self.log.read_again(begins_at, now);
                return Vec::new();
            }
            Answer::Limited { retry_after_s } => {
                self.run.limited(retry_after_s);
                Parked::Limited
            }
            Answer::Dropped => return Vec::new(),
            Answer::Unavailable { error } => Parked::Unavailable(error),
            Answer::NotApplicable { error } => Parked::NotApplicable(error),
            Answer::Failed { error } | Answer::Refused { error } => Parked::Failed(error),
            Answer::Gone => Parked::Failed(NO_LOG.to_owned()),
        };
        self.log.park(why);
        Vec::new()
    }

    fn take_log_page(&mut self, page: LogPage, sent_at: Timestamp, now: Timestamp) -> Vec<Harvest> {
        let mut harvests = Vec::new();
        for (items, at) in page.written {
            harvests.extend(self.events(items, at));
        }
        let read: Vec<(&RawValue, &LogEvent)> = page
            .news
            .iter()
            .filter_map(|(raw, entry)| Some((&**raw, entry.as_ref()?)))
            .collect();
        mark(
            &mut self.replicas,
            &mut self.graves,
            &mut self.log.touched,
            &read,
            now,
        );
        let items = page.news.into_iter().map(|(item, _)| item).collect();
        harvests.extend(self.events(items, sent_at));
        harvests
    }

    /// Events on their way to lines.
    fn events(&mut self, items: Vec<Item>, at: Timestamp) -> Option<Harvest> {
        let (stream, _) = log_source()?;
        self.lines(stream, &Scope::Whole, None, at, items).0
    }

    /// The collector's own events, which are written together with news.
    pub(super) fn flush_log(&mut self) -> Option<Harvest> {
        let (items, at) = self.log.flush()?;
        self.events(items, at)
    }

    /// The time from which the System Log is read if the cursor has no position. If neither events nor their counts
    /// are wanted, only changes since the oldest complete snapshot are of use.
    pub(super) fn log_begins_at(&self, now: Timestamp) -> Timestamp {
        let earliest = now - self.run.plan.log_lookback;
        let is_kept = |stream: &&'static Stream| {
            matches!(
                stream.source,
                Source::SystemLog { .. } | Source::Counted { .. }
            )
        };
        if self.replicas.planned().iter().any(is_kept) {
            return earliest;
        }
        let complete = self
            .replicas
            .iter()
            .filter_map(|(_, replica)| replica.complete());
        let oldest = complete.map(|complete| complete.began).min();
        earliest.max(oldest.unwrap_or(now) - CLOCK_MARGIN)
    }
}
