//! Use and events, counted while records are written: lines of the next manifest, and what the status tells of it.

use jiff::Timestamp;

use crate::record::Record;
use crate::status::History;
use crate::streams::{Source, Stream};
use crate::usage::Usage;

/// Counts since the last commit.
pub(super) struct Counted {
    /// `None` where usage is not collected.
    usage: Option<Usage>,
    history: History,
    began_at: Timestamp,
}

impl Counted {
    /// For a run that writes `streams`.
    pub(super) fn new(streams: &[&'static Stream], began_at: Timestamp) -> Self {
        let is_usage = |stream: &&Stream| matches!(stream.source, Source::Counted { .. });
        let usage = streams.iter().copied().any(|stream| is_usage(&stream)).then(Usage::default);
        Self { usage, history: History::default(), began_at }
    }

    /// Counts a record of the System Log.
    pub(super) fn event(&mut self, record: &Record) {
        if let (Some(usage), Some(event)) = (&mut self.usage, &record.source) {
            usage.add(event);
        }
        if let Some(ocsf) = &record.ocsf {
            self.history.count_event(ocsf.get(), self.began_at);
        }
    }

    /// The usage's lines of manifest `sequence`, and an empty count for the next.
    pub(super) fn lines(&mut self, sequence: u64, now: Timestamp) -> Vec<Record> {
        let lines: Vec<_> = self.usage.as_mut().into_iter().flat_map(|usage| usage.take(sequence, now)).collect();
        for line in lines.iter().filter_map(|line| line.source.as_ref()) {
            self.history.count_use(line, self.began_at);
        }
        lines
    }

    /// The events and the use that the manifest committed, and an empty count for the next.
    pub(super) fn take(&mut self) -> History {
        std::mem::take(&mut self.history)
    }
}
