//! How much of the due snapshots is read, for people.

use std::collections::BTreeMap;

use crate::engine::Cursor;
use crate::streams::{Source, Stream};

/// Percent by stream with a newest state; 100 where no snapshot is left to read. A first snapshot is told by the parts
/// that are known so far, a later one by the lines of the one before: neither is more than an estimate, so what is
/// not complete has 99 at most.
pub(super) fn of(cursor: &Cursor, streams: &[&'static Stream]) -> BTreeMap<&'static str, u8> {
    let has_state = |stream: &&&'static Stream| {
        !matches!(
            stream.source,
            Source::SystemLog { .. } | Source::Counted { .. }
        )
    };
    streams
        .iter()
        .filter(has_state)
        .map(|stream| (stream.name, of_stream(cursor, stream.name)))
        .collect()
}

/// Percent of all; `None` where every snapshot is complete.
pub(super) fn of_all(streams: &BTreeMap<&'static str, u8>) -> Option<u8> {
    if streams.values().all(|percent| *percent == 100) {
        return None;
    }
    let total: usize = streams.values().map(|percent| usize::from(*percent)).sum();
    u8::try_from(total / streams.len().max(1)).ok()
}

fn of_stream(cursor: &Cursor, stream: &str) -> u8 {
    let Some(progress) = cursor.streams.get(stream) else {
        return 0;
    };
    let Some(open) = &progress.open else {
        let is_settled = progress.complete.is_some()
            || progress.held.is_some()
            || progress.not_applicable.is_some();
        return if is_settled { 100 } else { 0 };
    };
    let (read, all) = match &progress.complete {
        Some(last) => (open.lines, last.lines),
        None => {
            let waiting = cursor
                .jobs
                .iter()
                .filter(|kept| kept.job.of_snapshot && kept.reads == stream)
                .count() as u64;
            (
                open.answered,
                open.answered + waiting + open.left.len() as u64,
            )
        }
    };
    u8::try_from((read * 100 / all.max(1)).min(99)).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::by_name;
    use serde_json::json;

    fn percent(progress: serde_json::Value) -> u8 {
        let mut cursor = Cursor::default();
        cursor
            .streams
            .insert("users".into(), serde_json::from_value(progress).unwrap());
        of(
            &cursor,
            &[by_name("users").unwrap(), by_name("activity").unwrap()],
        )["users"]
    }

    fn snapshot(lines: u64, answered: u64) -> serde_json::Value {
        json!({"since_sequence": 1, "started_at": "2026-11-27T18:00:00Z", "lines": lines, "answered": answered})
    }

    #[test]
    fn a_stream_is_read_as_far_as_its_snapshot_is() {
        assert_eq!(percent(json!({})), 0);
        assert_eq!(percent(json!({"complete": snapshot(10, 1)})), 100);
        assert_eq!(
            percent(json!({"complete": snapshot(200, 1), "open": snapshot(50, 0)})),
            25
        );
        // More lines than last time, and not at the end: nearly done is all that is known.
        assert_eq!(
            percent(json!({"complete": snapshot(200, 1), "open": snapshot(500, 0)})),
            99
        );
        assert_eq!(percent(json!({"open": snapshot(50, 0)})), 0);
    }

    #[test]
    fn all_streams_together_have_their_mean() {
        assert_eq!(of_all(&BTreeMap::from([("a", 100), ("b", 50)])), Some(75));
        assert_eq!(of_all(&BTreeMap::from([("a", 100)])), None);
        assert_eq!(of_all(&BTreeMap::new()), None);
    }
}
