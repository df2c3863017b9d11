//! The page's table of streams.

use jiff::Timestamp;

use super::super::chart::{Line, line};
use super::super::history::date;
use super::super::words::{number, shown};
use super::super::{History, Status, StreamStatus};
use super::{Moment, NAME, SENTENCE, moment_of};

/// Days that a line goes back.
const DAYS: i64 = 30;
/// Streams that are shown: more than there are.
const MOST_ROWS: usize = 40;

/// A stream's row.
pub(super) struct Row {
    pub(super) title: String,
    pub(super) state: &'static str,
    pub(super) outcome: String,
    pub(super) records: String,
    pub(super) line: Line,
    /// The line in words.
    pub(super) trend: String,
    pub(super) changed: Moment,
    pub(super) snapshot: Moment,
    pub(super) remedy: Option<String>,
}

pub(super) fn rows(status: &Status, now: Timestamp) -> Vec<Row> {
    status
        .streams
        .iter()
        .take(MOST_ROWS)
        .map(|(name, stream)| row(name, stream, &status.history, now))
        .collect()
}

fn row(name: &str, stream: &StreamStatus, history: &History, now: Timestamp) -> Row {
    let values = values(name, stream, history, now);
    let known: Vec<u64> = values.iter().copied().flatten().collect();
    let grows = stream.records.is_none() && stream.snapshot_at.is_none() && !known.is_empty();
    let trend = match (known.first(), known.last()) {
        (Some(first), Some(last)) if !grows => format!(
            "30 days: from {} to {} records",
            number(*first),
            number(*last)
        ),
        (Some(_), Some(_)) => format!("30 days: {} lines committed", number(known.iter().sum())),
        _ => "no history yet".to_owned(),
    };
    let progress = stream
        .progress_percent
        .filter(|percent| *percent < 100 && !is_trouble(&stream.outcome));
    Row {
        title: title(name),
        state: class(&stream.outcome, progress.is_some()),
        outcome: match progress {
            Some(percent) => format!("{} % read", percent),
            None => said(&stream.outcome),
        },
        records: match (stream.records, grows) {
            (Some(records), _) => number(records),
            (None, true) => format!("+{}", number(known.iter().sum())),
            (None, false) => "–".to_owned(),
        },
        line: line(&values),
        trend,
        changed: moment_of(stream.changed_at.as_deref(), now),
        snapshot: moment_of(stream.snapshot_at.as_deref(), now),
        remedy: stream.error.as_deref().map(|error| shown(error, SENTENCE)),
    }
}

/// One value per day: records of a stream that has a newest state, lines of one that only grows.
fn values(
    name: &str,
    stream: &StreamStatus,
    history: &History,
    now: Timestamp,
) -> Vec<Option<u64>> {
    let days = (0..DAYS)
        .rev()
        .map(|back| date(now - jiff::SignedDuration::from_hours(24 * back)));
    let has_state = stream.snapshot_at.is_some()
        || history.days.values().any(|day| {
            day.streams
                .get(name)
                .is_some_and(|stream| stream.records.is_some())
        });
    let mut begun = false;
    let value = |date: String| {
        let told = history
            .days
            .get(&date)
            .and_then(|day| day.streams.get(name));
        if has_state {
            return told.and_then(|told| told.records);
        }
        begun |= told.is_some();
        begun.then(|| told.map_or(0, |told| told.lines))
    };
    days.map(value).collect()
}

/// The words that people use for a stream or a kind of item.
pub(super) fn title(name: &str) -> String {
    match name {
        "idps" => return "IdPs".to_owned(),
        "idp_users" => return "IdP users".to_owned(),
        _ => {}
    }
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    let upper = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>());
    shown(&upper.unwrap_or_default(), NAME)
}

/// Whether somebody has to do something about it.
pub(super) fn is_trouble(outcome: &str) -> bool {
    matches!(outcome, "held" | "unavailable" | "failed")
}

fn class(outcome: &str, is_reading: bool) -> &'static str {
    match outcome {
        "held" => "held",
        "unavailable" | "failed" => "bad",
        "not_applicable" => "none",
        "partial" => "reading",
        _ if is_reading => "reading",
        _ => "good",
    }
}

fn said(outcome: &str) -> String {
    match outcome {
        "succeeded" => "up to date".to_owned(),
        "not_applicable" => "not in this org".to_owned(),
        "partial" => "being read".to_owned(),
        "held" => "held back".to_owned(),
        other => shown(&other.replace('_', " "), NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_called_as_people_call_it() {
        for (name, called) in [
            ("group_memberships", "Group memberships"),
            ("idps", "IdPs"),
            ("é", "É"),
            ("", ""),
        ] {
            assert_eq!(title(name), called);
        }
    }

    #[test]
    fn a_growing_stream_shows_its_lines_and_another_one_its_records() {
        let now: Timestamp = "2026-11-27T18:00:00Z".parse().unwrap();
        let mut history = History::default();
        history
            .days
            .entry("2026-11-26".into())
            .or_default()
            .streams
            .entry("activity".into())
            .or_default()
            .lines = 40;
        history.note_records("users", 1_200, now);
        let growing = row(
            "activity",
            &StreamStatus {
                outcome: "succeeded".into(),
                ..StreamStatus::default()
            },
            &history,
            now,
        );
        assert_eq!(
            (growing.records.as_str(), growing.trend.as_str()),
            ("+40", "30 days: 40 lines committed")
        );
        let told = StreamStatus {
            records: Some(1_200),
            snapshot_at: Some("2026-11-27T17:00:00Z".into()),
            ..StreamStatus::default()
        };
        let users = row("users", &told, &history, now);
        assert_eq!(
            (users.records.as_str(), users.snapshot.ago.as_str()),
            ("1,200", "1 hour ago")
        );
        assert_eq!(users.trend, "30 days: from 1,200 to 1,200 records");
    }
}
