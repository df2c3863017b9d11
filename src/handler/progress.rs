//! How much of the due snapshots is read, for people.

use std::collections::BTreeMap;

use crate::engine::Standing;
use crate::streams::{Source, Stream};

/// Percent by stream with a newest state; 100 if no snapshot is left to read. A first snapshot is measured by the parts
/// that are known so far, a later one by the lines of the one before: neither is more than an estimate, so what is
/// not complete has 99 at most.
pub(super) fn of(standing: Standing<'_>) -> BTreeMap<&'static str, u8> {
    let has_state = |stream: &&&'static Stream| {
        !matches!(
            stream.source,
            Source::SystemLog { .. } | Source::Counted { .. }
        )
    };
    standing
        .streams()
        .iter()
        .filter(has_state)
        .map(|stream| (stream.name, standing.progress_percent(stream.name)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_streams_together_have_their_mean() {
        assert_eq!(of_all(&BTreeMap::from([("a", 100), ("b", 50)])), Some(75));
        assert_eq!(of_all(&BTreeMap::from([("a", 100)])), None);
        assert_eq!(of_all(&BTreeMap::new()), None);
    }
}
