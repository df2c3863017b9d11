//! Use and events, counted while records are written: lines of the next manifest, and what the status tells of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::record::{OcsfEvent, Record};
use crate::status::History;
use crate::streams::{Source, Stream};
use crate::usage::Usage;

/// Seconds of the hours by which events are counted.
const HOUR_S: i64 = 3_600;

/// Counts since the last commit.
pub(super) struct Counted {
    /// `None` where usage is not collected.
    usage: Option<Usage>,
    /// Events by hour since 1970 and type.
    events: BTreeMap<i64, BTreeMap<String, u64>>,
    history: History,
    began_at: Timestamp,
}

impl Counted {
    /// Empty counts of a run that writes `streams`.
    pub(super) fn new(streams: &[&'static Stream], began_at: Timestamp) -> Self {
        let is_usage = |stream: &&Stream| matches!(stream.source, Source::Counted { .. });
        let usage = streams
            .iter()
            .copied()
            .any(|stream| is_usage(&stream))
            .then(Usage::default);
        Self {
            usage,
            events: BTreeMap::new(),
            history: History::default(),
            began_at,
        }
    }

    /// Counts a record of the System Log.
    pub(super) fn event(&mut self, record: &Record) {
        if let (Some(usage), Some(event)) = (&mut self.usage, &record.source) {
            usage.add(event);
        }
        let Some(OcsfEvent { at, event_type, .. }) = &record.ocsf else {
            return;
        };
        let types = self
            .events
            .entry(at.as_second().div_euclid(HOUR_S))
            .or_default();
        match types.get_mut(event_type) {
            Some(count) => *count += 1,
            None => drop(types.insert(event_type.clone(), 1)),
        }
    }

    /// The usage's lines of manifest `sequence`, and an empty count for the next.
    pub(super) fn lines(
        &mut self,
        sequence: u64,
        now: Timestamp,
    ) -> impl Iterator<Item = Record> + use<> {
        for (date, is_app, count) in self.usage.iter().flat_map(Usage::by_day) {
            self.history.count_use(date, is_app, count, self.began_at);
        }
        self.usage
            .as_mut()
            .map(|usage| usage.take(sequence, now))
            .into_iter()
            .flatten()
    }

    /// The events and the use that the manifest committed, and an empty count for the next.
    pub(super) fn take(&mut self) -> History {
        for (hour, types) in std::mem::take(&mut self.events) {
            let at = Timestamp::from_second(hour * HOUR_S).unwrap_or_default();
            for (event_type, count) in types {
                self.history
                    .count_events(at, &event_type, count, self.began_at);
            }
        }
        std::mem::take(&mut self.history)
    }
}
